"""Adaptive pooling: the number of windows is given, and they lie as evenly as they can."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import linear
from grad_core._op import nondiff
from grad_core.errors import ShapeError

from ._batching import in_front
from ._pooling import average, largest, positions, winners
from ._windows import Windows, several
from .pick import take_along_axis
from .pool import pooled_axes

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]

_Out = int | None | tuple[int | None, ...]
_Bounds = tuple[tuple[tuple[int, int], ...], ...]  # per axis, where each window begins and ends
_FEW = 64  # elements of a window up to which looking at them one after the other is the quicker way


@lru_cache(maxsize=256)
def _bounds(size: tuple[int, ...], out: tuple[int, ...]) -> _Bounds:
    return tuple(
        [tuple([(i * n // o, -(-(i + 1) * n // o)) for i in range(o)]) for n, o in zip(size, out, strict=True)]
    )


def _even_windows(size: tuple[int, ...], out: tuple[int, ...]) -> Windows | None:
    """Plain windows where the lengths divide."""
    if any(o == 0 or n == 0 or n % o for n, o in zip(size, out, strict=True)):
        return None
    kernel = tuple([n // o for n, o in zip(size, out, strict=True)])
    return Windows(size, kernel, out, kernel, (0,) * len(size), (1,) * len(size))


def _batch_average(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, bounds: _Bounds, size: Any) -> Any:
    return _averages.on(in_front(inputs[0], axes[0]), bounds=bounds, size=size), 0


def _batch_shares(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, bounds: _Bounds, size: Any) -> Any:
    return _shares.on(in_front(inputs[0], axes[0]), bounds=bounds, size=size), 0


def _averages_back(g: Any, _ans: Any, _x: Any, bounds: _Bounds, size: tuple[int, ...]) -> Any:
    return _shares.on(g, bounds=bounds, size=size)


def _shares_back(g: Any, _ans: Any, _x: Any, bounds: _Bounds, size: tuple[int, ...]) -> Any:
    return _averages.on(g, bounds=bounds, size=size)


@linear(_averages_back, batch=_batch_average, name="adaptive_avg_pool")
def _averages(x: Any, *, bounds: _Bounds, size: tuple[int, ...]) -> Any:
    """The average of windows that differ in length: axis by axis."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    for axis, windows in enumerate(bounds):
        rest: tuple[Any, ...] = (slice(None),) * (len(bounds) - 1 - axis)
        at = wide.ndim - len(bounds) + axis
        means = [np.add.reduce(wide[(..., slice(a, b), *rest)], at, keepdims=True) / (b - a) for a, b in windows]
        wide = np.concatenate(means, at)
    return wide.astype(x.dtype, copy=False)


@linear(_shares_back, batch=_batch_shares, name="adaptive_avg_pool_back")
def _shares(x: Any, *, bounds: _Bounds, size: tuple[int, ...]) -> Any:
    """The transpose of `_averages`: what belongs to a window, shared evenly by its elements."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    for axis, windows in enumerate(bounds):
        rest: tuple[Any, ...] = (slice(None),) * (len(bounds) - 1 - axis)
        at = wide.ndim - len(bounds) + axis
        result = np.zeros((*wide.shape[:at], size[axis], *wide.shape[at + 1 :]), wide.dtype)
        for i, (a, b) in enumerate(windows):
            result[(..., slice(a, b), *rest)] += wide[(..., slice(i, i + 1), *rest)] / (b - a)
        wide = result
    return wide.astype(x.dtype, copy=False)


def _batch_places(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, bounds: _Bounds) -> tuple[Any, int]:
    return _places.on(in_front(inputs[0], axes[0]), bounds=bounds), 0


@nondiff(batch=_batch_places, name="adaptive_max_places")
def _places(x: Any, *, bounds: _Bounds) -> Any:
    """Where in the flattened last axes each window has its first maximum, or its last NaN."""
    rank = len(bounds)
    size = x.shape[-rank:]
    lead = x.shape[:-rank]
    flat = np.arange(math.prod(size)).reshape(size)
    found = np.empty((*lead, *[len(windows) for windows in bounds]), np.int64)
    for index in itertools.product(*[range(len(windows)) for windows in bounds]):
        here: Any = (..., *index)
        part = tuple([slice(*bounds[axis][i]) for axis, i in enumerate(index)])
        elements = x[(..., *part)].reshape(*lead, -1)
        best = elements.argmax(-1)
        gaps = np.isnan(elements)
        if gaps.any():
            best = np.where(gaps.any(-1), elements.shape[-1] - 1 - gaps[..., ::-1].argmax(-1), best)
        found[here] = flat[part].reshape(-1)[best]
    return found


def _wanted(x: Any, output_size: Any, rank: int, name: str) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    x = pooled_axes(x, rank, name)
    size = x.shape[-rank:]
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * rank
    if len(given) == rank:  # another number is for `several` to refuse
        given = tuple([n if o is None else o for n, o in zip(size, given, strict=True)])
    out = several(tuple(given), rank, name, "output_size")
    if 0 in size:
        raise ShapeError(f"{name}: x has shape {x.shape}, and a spatial axis without elements has no windows")
    return x, size, out


def _adaptive_avg(x: Any, output_size: Any, rank: int) -> Tensor:
    x, size, out = _wanted(x, output_size, rank, f"adaptive_avg_pool{rank}d")
    windows = _even_windows(size, out)
    if windows is not None:
        return average(x, windows=windows, divisor=math.prod(windows.kernel))
    return _averages(x, bounds=_bounds(size, out), size=size)


def _adaptive_max(x: Any, output_size: Any, return_indices: bool, rank: int) -> Any:
    x, size, out = _wanted(x, output_size, rank, f"adaptive_max_pool{rank}d")
    windows = _even_windows(size, out)
    if windows is not None and math.prod(windows.kernel) <= _FEW:
        values = largest(x, windows=windows)
        if not return_indices:
            return values
        return values, positions(winners(x, values, windows=windows), windows=windows)
    places = _places(x, bounds=_bounds(size, out))
    lead = x.shape[:-rank]
    values = take_along_axis(x.reshape((*lead, math.prod(size))), places.reshape((*lead, math.prod(out))), -1).reshape(
        (*lead, *out)
    )
    return (values, places) if return_indices else values


def adaptive_avg_pool1d(x: Any, output_size: _Out) -> Tensor:
    """The average of as many windows as are wanted, over one spatial axis.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n.

    Args:
        x: (N, C, L), or (C, L) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.

    Returns:
        The shape of `x` with `output_size` for the spatial axes.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_avg_pool1d(gd.tensor([[1.0, 2.0, 4.0]]), 2)
        tensor([[1.5, 3. ]])
    """
    return _adaptive_avg(x, output_size, 1)


def adaptive_avg_pool2d(x: Any, output_size: _Out) -> Tensor:
    """The average of as many windows as are wanted, over two spatial axes.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n.

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.

    Returns:
        The shape of `x` with `output_size` for the spatial axes.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_avg_pool2d(gd.ones((1, 7, 5)), (3, None)).shape
        (1, 3, 5)
    """
    return _adaptive_avg(x, output_size, 2)


def adaptive_avg_pool3d(x: Any, output_size: _Out) -> Tensor:
    """The average of as many windows as are wanted, over three spatial axes.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n.

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.

    Returns:
        The shape of `x` with `output_size` for the spatial axes.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_avg_pool3d(gd.ones((2, 4, 4, 4)), 1).shape
        (2, 1, 1, 1)
    """
    return _adaptive_avg(x, output_size, 3)


def adaptive_max_pool1d(x: Any, output_size: _Out, return_indices: bool = False) -> Any:
    """The maximum of as many windows as are wanted, over one spatial axis.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n. The gradient goes to the first maximum of a window (to the last NaN where there are).

    Args:
        x: (N, C, L), or (C, L) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.
        return_indices: give the int64 positions of the maxima in the flattened spatial axes too.

    Returns:
        The shape of `x` with `output_size` for the spatial axes; with `return_indices` a pair.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_max_pool1d(gd.tensor([[1.0, 2.0, 4.0]]), 2)
        tensor([[2., 4.]])
    """
    return _adaptive_max(x, output_size, return_indices, 1)


def adaptive_max_pool2d(x: Any, output_size: _Out, return_indices: bool = False) -> Any:
    """The maximum of as many windows as are wanted, over two spatial axes.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n. The gradient goes to the first maximum of a window (to the last NaN where there are).

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.
        return_indices: give the int64 positions of the maxima in the flattened spatial axes too.

    Returns:
        The shape of `x` with `output_size` for the spatial axes; with `return_indices` a pair.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_max_pool2d(gd.ones((1, 7, 5)), (3, None)).shape
        (1, 3, 5)
    """
    return _adaptive_max(x, output_size, return_indices, 2)


def adaptive_max_pool3d(x: Any, output_size: _Out, return_indices: bool = False) -> Any:
    """The maximum of as many windows as are wanted, over three spatial axes.

    Of n elements and o windows, window i goes from floor(i n / o) to ceil((i + 1) n / o); they overlap where o does not
    divide n. The gradient goes to the first maximum of a window (to the last NaN where there are).

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one: floats.
        output_size: the number of windows, or one for each spatial axis; None for as many as there are elements.
        return_indices: give the int64 positions of the maxima in the flattened spatial axes too.

    Returns:
        The shape of `x` with `output_size` for the spatial axes; with `return_indices` a pair.

    Raises:
        ShapeError: another number of axes, or a number of windows under 1.
        DTypeError: `x` is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.adaptive_max_pool3d(gd.ones((2, 4, 4, 4)), 1).shape
        (2, 1, 1, 1)
    """
    return _adaptive_max(x, output_size, return_indices, 3)
