"""Pooling: the maximum or the average of each window, with one, two and three spatial axes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core.errors import DTypeError, ShapeError

from ._pooling import Divisor, average, largest, positions, winners
from ._windows import Windows, fitting_windows, frozen, several

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]

_Size = int | tuple[int, ...]
_LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}


@lru_cache(maxsize=512, typed=True)
def _windows(
    size: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, name: str
) -> Windows:
    rank = len(size)
    kernels = several(kernel, rank, name, "kernel_size")
    strides = kernels if stride is None else several(stride, rank, name, "stride")
    pads = several(padding, rank, name, "padding", 0)
    dilations = several(dilation, rank, name, "dilation")
    for pad, k, d in zip(pads, kernels, dilations, strict=True):
        if pad > (d * (k - 1) + 1) // 2:
            raise ShapeError(
                f"{name}: padding {padding!r} is more than half of the kernel, {kernel!r}: some windows would have "
                "nothing but padding"
            )
    return fitting_windows(size, kernels, strides, pads, dilations, ceil_mode, name)


@lru_cache(maxsize=512)
def _divisor(w: Windows, count_include_pad: bool) -> Divisor:
    """One number where all windows are equal, else the lengths of windows on each axis."""
    counts = []
    for n, k, o, s, p in zip(w.size, w.kernel, w.out, w.stride, w.start, strict=True):
        begins = [i * s - p for i in range(o)]
        if count_include_pad:  # up to the padded end: in ceil mode a window may pass it
            counts.append(tuple([min(b + k, n + p) - b for b in begins]))
        else:
            counts.append(tuple([min(b + k, n) - max(b, 0) for b in begins]))
    total = 1
    for lengths in counts:
        if len(set(lengths)) != 1:
            return tuple(counts)
        total *= lengths[0]
    return total


def pooled_axes(x: Any, rank: int, name: str) -> Any:
    """`x` as an array or tensor of floats, with spatial axes that pooling takes."""
    x = array_like(x)
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{name}: x has shape {x.shape}, and it needs {rank + 2} axes, (N, C, {_LETTERS[rank]}), or {rank + 1} "
            f"without the batch, (C, {_LETTERS[rank]})"
        )
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: x is {x.dtype}, and pooling takes floats; cast it with astype")
    return x


def _max_pool(
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
    rank: int,
) -> Any:
    name = f"max_pool{rank}d"
    x = pooled_axes(x, rank, name)
    windows = _windows(
        x.shape[-rank:], frozen(kernel_size), frozen(stride), frozen(padding), frozen(dilation), ceil_mode, name
    )
    values = largest(x, windows=windows)
    if not return_indices:
        return values
    return values, positions(winners(x, values, windows=windows), windows=windows)


def _avg_pool(
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any,
    rank: int,
) -> Tensor:
    name = f"avg_pool{rank}d"
    x = pooled_axes(x, rank, name)
    windows = _windows(x.shape[-rank:], frozen(kernel_size), frozen(stride), frozen(padding), 1, ceil_mode, name)
    if divisor_override is None:
        return average(x, windows=windows, divisor=_divisor(windows, bool(count_include_pad)))
    if not isinstance(divisor_override, int | np.integer) or divisor_override == 0:
        raise ValueError(f"{name}: divisor_override is an integer other than 0, and this is {divisor_override!r}")
    return average(x, windows=windows, divisor=int(divisor_override))


def max_pool1d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    dilation: _Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window over one spatial axis; NaN where a window has one.

    The gradient goes to the first maximum of a window, row by row, as in PyTorch (to the last NaN where there are).

    Args:
        x: (N, C, L), or (C, L) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: places at both ends that never win, at most half of the kernel.
        dilation: the step between the elements of a window.
        ceil_mode: windows may pass the end, as long as they start before it.
        return_indices: give the positions of the maxima too.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory. With `return_indices` a pair: that,
        and int64 positions in the flattened spatial axes.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.max_pool1d(gd.tensor([[1.0, 5.0, 2.0, 4.0, 3.0]]), 2)
        tensor([[5., 4.]])
    """
    return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


def max_pool2d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    dilation: _Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window over two spatial axes; NaN where a window has one.

    The gradient goes to the first maximum of a window, row by row, as in PyTorch (to the last NaN where there are).

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: places at both ends that never win, at most half of the kernel.
        dilation: the step between the elements of a window.
        ceil_mode: windows may pass the end, as long as they start before it.
        return_indices: give the positions of the maxima too.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory. With `return_indices` a pair: that,
        and int64 positions in the flattened spatial axes.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.max_pool2d(gd.tensor([[[1.0, 5.0, 2.0], [4.0, 3.0, 9.0]]]), 2, stride=1)
        tensor([[[5., 9.]]])
    """
    return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


def max_pool3d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    dilation: _Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window over three spatial axes; NaN where a window has one.

    The gradient goes to the first maximum of a window, row by row, as in PyTorch (to the last NaN where there are).

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: places at both ends that never win, at most half of the kernel.
        dilation: the step between the elements of a window.
        ceil_mode: windows may pass the end, as long as they start before it.
        return_indices: give the positions of the maxima too.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory. With `return_indices` a pair: that,
        and int64 positions in the flattened spatial axes.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.max_pool3d(gd.ones((1, 5, 4, 4)), 2, ceil_mode=True).shape
        (1, 3, 2, 2)
    """
    return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


def avg_pool1d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window over one spatial axis: its sum by the number of its elements.

    Args:
        x: (N, C, L), or (C, L) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: zeros put at both ends, at most half of the kernel.
        ceil_mode: windows may pass the end, as long as they start before it; what lies past it is not counted.
        count_include_pad: whether padding counts among the elements.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.avg_pool1d(gd.tensor([[1.0, 5.0, 2.0, 4.0, 3.0]]), 2)
        tensor([[3., 3.]])
    """
    return _avg_pool(x, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


def avg_pool2d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window over two spatial axes: its sum by the number of its elements.

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: zeros put at both ends, at most half of the kernel.
        ceil_mode: windows may pass the end, as long as they start before it; what lies past it is not counted.
        count_include_pad: whether padding counts among the elements.
        divisor_override: divide by this instead.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.avg_pool2d(gd.tensor([[[1.0, 5.0, 2.0], [4.0, 2.0, 3.0]]]), 2, stride=1)
        tensor([[[3., 3.]]])
    """
    return _avg_pool(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


def avg_pool3d(
    x: Any,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window over three spatial axes: its sum by the number of its elements.

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one: floats.
        kernel_size: the length of a window, a number or one for each spatial axis; so are the other options.
        stride: the step between windows; None for `kernel_size`.
        padding: zeros put at both ends, at most half of the kernel.
        ceil_mode: windows may pass the end, as long as they start before it; what lies past it is not counted.
        count_include_pad: whether padding counts among the elements.
        divisor_override: divide by this instead.

    Returns:
        One number for each window, in the dtype of `x` and in its order in memory.

    Raises:
        ShapeError: another number of axes, a kernel longer than the padded input, or too much padding.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.avg_pool3d(gd.ones((1, 5, 4, 4)), (1, 2, 2)).shape
        (1, 5, 2, 2)
    """
    return _avg_pool(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)
