"""Functions that fold axes away: sums, means, extremes and where they are, any and all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._blocks import LARGE
from grad_core._dtypes import resolve_dtype
from grad_core._kinds import broadcast_to, linear
from grad_core._node import array_like
from grad_core._op import Op, Rule, nondiff, op
from grad_core._sums import total
from grad_core.errors import ShapeError

from ._axes import Axes, count_along, keep_axes, need_elements, one_axis, reduced_shape, some_axes
from ._batching import batch_past_axes, in_front
from ._quick import for_large_arrays
from ._rows import first_largest, peak_back, peaks, trailing_rows
from ._select import select
from .shape import astype

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["all", "any", "argmax", "argmin", "max", "mean", "min", "sum", "var"]

_Axes = tuple[int, ...] | None  # counted from the front; None for all


# NumPy's stubs do not take None for an axis together with a bool for keepdims, which NumPy itself does
_add: Any = total
_narrow: Any = np.add.reduce
_largest: Any = np.maximum.reduce
_or: Any = np.logical_or.reduce
_and: Any = np.logical_and.reduce


def _spread(g: Any, shape: tuple[int, ...], axis: _Axes, keepdims: bool) -> Any:
    """The cotangent of a sum, repeated over what was summed."""
    return broadcast_to.on(keep_axes(g, shape, axis, keepdims), shape=shape)


def _batch_reduction(inputs: tuple[Any, ...], axes: tuple[int | None, ...], axis: _Axes) -> tuple[Any, _Axes]:
    """The batch axis in front, and the reduced axes counted past it."""
    x = in_front(inputs[0], axes[0])
    return x, tuple(range(1, x.ndim)) if axis is None else tuple([a + 1 for a in axis])


def _sum_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: _Axes, keepdims: bool
) -> tuple[Any, int]:
    x, moved = _batch_reduction(inputs, axes, axis)
    return _sum.on(x, axis=moved, keepdims=keepdims), 0


@linear(lambda g, _ans, _x, axis, keepdims: _spread(g, _x.shape, axis, keepdims), batch=_sum_batch)
def _sum(x: Any, *, axis: _Axes, keepdims: bool, out: Any = None) -> Any:
    return _add(x, axis=axis, keepdims=keepdims, out=out)


def sum(x: Any, axis: Axes = None, *, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over one axis, several, or all.

    Args:
        x: any shape; integers and booleans sum to int64.
        axis: an axis, a tuple of them, or None for all; negative ones count from the back.
        dtype: cast to this first, to sum float16 in float32 for one; None for the dtype of `x`.
        keepdims: keep the summed axes with length 1.

    Returns:
        The shape of `x` without the summed axes.

    Raises:
        ShapeError: an axis that is not there, or named twice.

    Example:
        >>> import grad_core as gd
        >>> gd.sum(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
        tensor([4., 6.])
    """
    x = array_like(x)
    if dtype is not None:
        x = astype(x, resolve_dtype(dtype))
    return _sum(x, axis=some_axes(axis, x.ndim, "sum"), keepdims=keepdims)


def _mean_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: _Axes, keepdims: bool
) -> tuple[Any, int]:
    x, moved = _batch_reduction(inputs, axes, axis)
    return _mean.on(x, axis=moved, keepdims=keepdims), 0


@linear(
    lambda g, _ans, _x, axis, keepdims: _spread(g / count_along(_x.shape, axis), _x.shape, axis, keepdims),
    batch=_mean_batch,
)
def _mean(x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    if x.dtype == np.float16:  # the sum alone may pass 65504, the largest float16
        return (_narrow(x, axis=axis, keepdims=keepdims, dtype=np.float32) / count_along(x.shape, axis)).astype(
            np.float16
        )
    return _add(x, axis=axis, keepdims=keepdims) / count_along(x.shape, axis)


def mean(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over one axis, several, or all.

    Args:
        x: any shape; integers give float64.
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or a mean over no elements.

    Example:
        >>> import grad_core as gd
        >>> gd.mean(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
        tensor([1.5, 3.5])
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "mean")
    need_elements(x.shape, axes, "mean")
    return _mean(x, axis=axes, keepdims=keepdims)


def var(x: Any, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The variance, sum((x - mean)²) / (n - correction).

    Args:
        x: any shape.
        axis: an axis, a tuple of them, or None for all.
        correction: 0 for the population (NumPy's default), 1 for the unbiased estimate from a sample (PyTorch's
            default).
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or no more elements than `correction`.

    Example:
        >>> import grad_core as gd
        >>> gd.var(gd.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor(1.25)
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "var")
    count = need_elements(x.shape, axes, "var")
    if count <= correction:
        raise ShapeError(
            f"var: {count} elements with correction={correction} leave nothing to divide by; give correction=0"
        )
    if x.dtype == np.float16:  # squares pass 65504, the largest float16, where deviations pass 255
        wide = var(astype(x, np.float32), axes, correction=correction, keepdims=keepdims)
        return astype(wide, np.float16)
    deviation = x - _mean(x, axis=axes, keepdims=True)
    return _sum(deviation * deviation, axis=axes, keepdims=keepdims) / (count - correction)


def _share_ties_by_rows(g: Any, ans: Any, x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    rows = trailing_rows(x, axis)
    return NotImplemented if rows is None else peak_back(g.reshape(-1), ans.reshape(-1), rows, x.shape)


@for_large_arrays(_share_ties_by_rows)
def _share_ties(g: Any, ans: Any, x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    ties = np.equal(x, keep_axes(ans, x.shape, axis, keepdims))
    shares = keep_axes(g, x.shape, axis, keepdims) / np.add.reduce(ties, axis=axis, keepdims=True, dtype=g.dtype)
    return select.on(ties, shares)


def _peak(ufunc: np.ufunc, x: Any, axis: _Axes, keepdims: bool, out: Any) -> Any:
    rows = trailing_rows(x, axis) if out is None else None
    if rows is None or rows.shape[1] == x.size:
        reduce: Any = ufunc.reduce
        return reduce(x, axis=axis, keepdims=keepdims, out=out)
    return peaks(ufunc, rows).reshape(reduced_shape(x.shape, axis, keepdims))


@op(vjp=(_share_ties,))
def _max(x: Any, *, axis: _Axes, keepdims: bool, out: Any = None) -> Any:
    return _peak(np.maximum, x, axis, keepdims, out)


@op(vjp=(_share_ties,))
def _min(x: Any, *, axis: _Axes, keepdims: bool, out: Any = None) -> Any:
    return _peak(np.minimum, x, axis, keepdims, out)


def max(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The largest element along one axis, several, or all; equal largest ones share the gradient evenly.

    Args:
        x: any shape with at least one element along `axis`.
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or nothing to choose from.

    Example:
        >>> import grad_core as gd
        >>> gd.max(gd.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
        tensor([5., 4.])
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "max")
    need_elements(x.shape, axes, "max")
    return _max(x, axis=axes, keepdims=keepdims)


def min(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element along one axis, several, or all; equal smallest ones share the gradient evenly.

    Args:
        x: any shape with at least one element along `axis`.
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or nothing to choose from.

    Example:
        >>> import grad_core as gd
        >>> gd.min(gd.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
        tensor([1., 3.])
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "min")
    need_elements(x.shape, axes, "min")
    return _min(x, axis=axes, keepdims=keepdims)


# Without a gradient


@nondiff()
def _argmax(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    rows = None if axis is None else trailing_rows(x, axis)
    if rows is not None and rows.shape[1] < 8:
        return first_largest(rows).reshape(reduced_shape(x.shape, (x.ndim - 1,), keepdims))
    if axis is not None and axis < x.ndim - 1 and x.size >= LARGE and x.dtype.char in "fd" and x.flags.c_contiguous:
        top = _largest(x, axis=axis, keepdims=True)
        length = x.shape[axis]
        if length < 1 << 16 and not np.isnan(top).any():
            # NumPy copies the array with its axes turned; a maximum over the places, counted from the end, need not
            left = np.arange(length, 0, -1).astype(np.uint16).reshape((length,) + (1,) * (x.ndim - axis - 1))
            return length - _largest(np.multiply(x == top, left), axis=axis, keepdims=keepdims).astype(np.int64)
    return np.argmax(x, axis=axis, keepdims=keepdims)


@nondiff()
def _argmin(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    return np.argmin(x, axis=axis, keepdims=keepdims)


@nondiff()
def _any(x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    return _or(x, axis=axis, keepdims=keepdims)


@nondiff()
def _all(x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    return _and(x, axis=axis, keepdims=keepdims)


def argmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the first largest element along an axis, or in the flattened array: int64.

    Example:
        >>> import grad_core as gd
        >>> gd.argmax(gd.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
        tensor([1, 1])
    """
    x = array_like(x)
    return _argmax(x, axis=None if axis is None else one_axis(axis, x.ndim, "argmax"), keepdims=keepdims)


def argmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the first smallest element along an axis, or in the flattened array: int64.

    Example:
        >>> import grad_core as gd
        >>> gd.argmin(gd.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
        tensor([0, 0])
    """
    x = array_like(x)
    return _argmin(x, axis=None if axis is None else one_axis(axis, x.ndim, "argmin"), keepdims=keepdims)


def any(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether any element is true (not zero) along one axis, several, or all: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.any(gd.tensor([[True, False], [False, False]]), axis=1)
        tensor([ True, False])
    """
    x = array_like(x)
    return _any(x, axis=some_axes(axis, x.ndim, "any"), keepdims=keepdims)


def all(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Whether all elements are true (not zero) along one axis, several, or all: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.all(gd.tensor([[True, True], [True, False]]), axis=1)
        tensor([ True, False])
    """
    x = array_like(x)
    return _all(x, axis=some_axes(axis, x.ndim, "all"), keepdims=keepdims)


for _made in (_max, _min, _any, _all):
    _made.batch = batch_past_axes(_made)


def _batch_positions(made: Op) -> Rule:
    """Batching of argmax and argmin, for which axis None means the position in the flattened array."""
    along = batch_past_axes(made)

    def batch(
        inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int | None, keepdims: bool
    ) -> tuple[Any, int]:
        if axis is not None:
            return along(inputs, axes, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
        x = in_front(inputs[0], axes[0])
        found = made.on(np.reshape(x, (x.shape[0], -1)), axis=1, keepdims=False)
        return np.reshape(found, (x.shape[0], *(1,) * (x.ndim - 1))) if keepdims else found, 0

    return batch


_argmax.batch = _batch_positions(_argmax)
_argmin.batch = _batch_positions(_argmin)
