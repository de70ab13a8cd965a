"""Windows of images written out as columns, and the sum of such columns back into an image: each other's transposes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import linear
from grad_core._node import array_like
from grad_core.errors import ShapeError

from ._batching import in_front
from ._windows import Windows, paddings, placed, several, span

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["fold", "unfold"]

_Size = int | tuple[int, ...]
_Axes = tuple[int | None, ...]


def _batch(made: str) -> Any:
    def batch(inputs: tuple[Any, ...], axes: _Axes, *, windows: Windows) -> tuple[Any, int]:
        function = {"unfold": _unfold, "fold": _fold}[made]
        x = in_front(inputs[0], axes[0])
        result = function.on(x.reshape((x.shape[0] * x.shape[1], *x.shape[2:])), windows=windows)
        return result.reshape((*x.shape[:2], *result.shape[1:])), 0

    return batch


def _unfold_back(g: Any, _ans: Any, _x: Any, windows: Windows) -> Any:
    return _fold.on(g, windows=windows)


def _fold_back(g: Any, _ans: Any, _x: Any, windows: Windows) -> Any:
    return _unfold.on(g, windows=windows)


def _seen(w: Windows) -> Any:
    """For each tap: its index, the windows that have it within the image, and its places."""
    for taps in itertools.product(*[range(n) for n in w.kernel]):
        spans = [span(w, axis, tap) for axis, tap in enumerate(taps)]
        yield taps, tuple([slice(first, last) for first, last, _ in spans]), tuple([places for _, _, places in spans])


@linear(_unfold_back, batch=_batch("unfold"), name="unfold")
def _unfold(x: Any, *, windows: Windows) -> Any:
    w = windows
    result = np.zeros((*x.shape[:2], *w.kernel, *w.out), x.dtype)
    for taps, here, places in _seen(w):
        result[(slice(None), slice(None), *taps)][(..., *here)] = x[(..., *places)]
    return result.reshape(x.shape[0], x.shape[1] * math.prod(w.kernel), math.prod(w.out))


@linear(_fold_back, batch=_batch("fold"), name="fold")
def _fold(x: Any, *, windows: Windows) -> Any:
    w = windows
    channels = x.shape[1] // math.prod(w.kernel)
    columns = x.reshape(x.shape[0], channels, *w.kernel, *w.out)
    result = np.zeros((x.shape[0], channels, *w.size), x.dtype)
    for taps, here, places in _seen(w):
        result[(..., *places)] += columns[(slice(None), slice(None), *taps)][(..., *here)]
    return result


def _windows(size: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, name: str) -> Windows:
    kernels = several(kernel, 2, name, "kernel_size")
    strides = several(stride, 2, name, "stride")
    dilations = several(dilation, 2, name, "dilation")
    pads = paddings(several(padding, 2, name, "padding", 0), kernels, strides, dilations, name)
    return placed(size, kernels, strides, pads, dilations, name)


def unfold(x: Any, kernel_size: _Size, dilation: _Size = 1, padding: _Size = 0, stride: _Size = 1) -> Tensor:
    """Every window of an image as a column, as ``torch.nn.functional.unfold`` gives them.

    out[n, (c, i, j), (p, q)] = x[n, c, p * stride - padding + i * dilation, q * stride - padding + j * dilation]

    Args:
        x: (N, C, H, W), or (C, H, W) for a single image.
        kernel_size: the lengths of a window, one number or (kH, kW); so are the other options.
        dilation: the step between the elements of a window.
        padding: zeros put at both ends of each spatial axis.
        stride: the step between windows.

    Returns:
        (N, C kH kW, number of windows), without N for a single image; windows are counted row by row.

    Raises:
        ShapeError: another number of axes, or a kernel longer than the padded image.

    Example:
        >>> import grad_core as gd
        >>> gd.unfold(gd.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), 2)
        tensor([[1., 2.],
                [2., 3.],
                [4., 5.],
                [5., 6.]])
    """
    x = array_like(x)
    if x.ndim not in (3, 4):
        raise ShapeError(f"unfold: x has shape {x.shape}, and it needs 4 axes, (N, C, H, W), or 3, (C, H, W)")
    windows = _windows(x.shape[-2:], kernel_size, stride, padding, dilation, "unfold")
    return _unfold(x, windows=windows) if x.ndim == 4 else _unfold(x[None], windows=windows)[0]


def fold(
    x: Any, output_size: _Size, kernel_size: _Size, dilation: _Size = 1, padding: _Size = 0, stride: _Size = 1
) -> Tensor:
    """The sum of columns into the image from whose windows they come: the transpose of ``unfold``.

    Args:
        x: (N, C kH kW, number of windows), or without N for a single image.
        output_size: the lengths of the image, one number or (H, W).
        kernel_size: the lengths of a window; this and the other options are those of ``unfold``.
        dilation: the step between the elements of a window.
        padding: zeros that were put at both ends of each spatial axis.
        stride: the step between windows.

    Returns:
        (N, C, H, W), without N for a single image; where windows overlap, elements are summed.

    Raises:
        ShapeError: another number of axes, of channels or of windows than the image has.

    Example:
        >>> import grad_core as gd
        >>> image = gd.ones((1, 2, 3))
        >>> gd.fold(gd.unfold(image, 2), (2, 3), 2)
        tensor([[[1., 2., 1.],
                 [1., 2., 1.]]])
    """
    x = array_like(x)
    if x.ndim not in (2, 3):
        raise ShapeError(f"fold: x has shape {x.shape}, and it needs 3 axes, (N, C kH kW, windows), or 2 without N")
    windows = _windows(several(output_size, 2, "fold", "output_size"), kernel_size, stride, padding, dilation, "fold")
    taps, columns = math.prod(windows.kernel), math.prod(windows.out)
    if x.shape[-2] % taps or x.shape[-1] != columns:
        raise ShapeError(
            f"fold: x has shape {x.shape}, and windows {windows.kernel} of an image {windows.size} need a multiple of "
            f"{taps} rows and {columns} columns, {windows.out[0]} times {windows.out[1]} windows"
        )
    return _fold(x, windows=windows) if x.ndim == 3 else _fold(x[None], windows=windows)[0]
