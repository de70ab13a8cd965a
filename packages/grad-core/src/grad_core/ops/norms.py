"""How far elements lie from their mean or from 0: std, norm, and the count of those that are not 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core._op import nondiff, op
from grad_core.errors import ShapeError

from . import reduce
from ._axes import Axes, keep_axes, some_axes
from ._batching import batch_past_axes, in_front
from ._select import select
from .arithmetic import abs as _abs
from .arithmetic import sqrt
from .piecewise import where
from .shape import astype

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["count_nonzero", "norm", "std"]

_Axes = tuple[int, ...] | None

# NumPy's stubs do not take None for an axis together with a bool for keepdims, which NumPy itself does
_add: Any = np.add.reduce


def std(x: Any, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The standard deviation, sqrt(sum((x - mean)²) / (n - correction)); the gradient is 0 where it is 0.

    Args:
        x: any shape.
        axis: an axis, a tuple of them, or None for all.
        correction: 0 for the population (NumPy's default), 1 for the estimate from a sample (PyTorch's default).
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or no more elements than `correction`.

    Example:
        >>> import grad_core as gd
        >>> gd.std(gd.tensor([1.0, 3.0, 1.0, 3.0]))
        tensor(1.)
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "std")
    count = math.prod(x.shape if axes is None else [x.shape[i] for i in axes])
    if count == 0 or count <= correction:
        raise ShapeError(
            f"std: {count} elements along axis {axis} of shape {x.shape}, with correction={correction}, leave nothing "
            "to divide by; give more elements, or correction=0"
        )
    if x.dtype == np.float16:  # the variance may pass 65504, the largest float16, and its root may not
        return astype(std(astype(x, np.float32), axes, correction=correction, keepdims=keepdims), np.float16)
    variance = reduce.var(x, axes, correction=correction, keepdims=keepdims)
    # the root of 0 has an infinite derivative: it is taken of 1 there, and not used
    nothing = variance == 0
    return where(nothing, 0, sqrt(where(nothing, 1, variance)))


def _norm_back(g: Any, ans: Any, x: Any, axis: _Axes, keepdims: bool, p: float) -> Any:
    g = keep_axes(g, x.shape, axis, keepdims)
    ans = keep_axes(ans, x.shape, axis, keepdims)
    share = x / np.where(ans == 0, 1, ans)
    if p == 2:
        return g * select.on(ans != 0, share)
    # sign(x) (|x| / ans)**(p - 1); a power of 0 has infinite derivatives, of the first order if p < 1
    moved = share != 0
    return g * select.on(moved, np.sign(x) * np.absolute(np.where(moved, share, 1)) ** (p - 1))


def _norm_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: _Axes, keepdims: bool, p: float
) -> tuple[Any, int]:
    x = in_front(inputs[0], axes[0])
    folded = tuple(range(1, x.ndim)) if axis is None else tuple([a + 1 for a in axis])
    return _norm.on(x, axis=folded, keepdims=keepdims, p=p), 0


@op(vjp=(_norm_back,), batch=_norm_batch, name="norm")
def _norm(x: Any, *, axis: _Axes, keepdims: bool, p: float) -> Any:
    wide = x.astype(np.float32) if x.dtype == np.float16 else x  # the sum alone may pass 65504, the largest float16
    if p == 2:
        with np.errstate(over="ignore"):
            total = _add(wide * wide, axis=axis, keepdims=keepdims)
        least = np.finfo(wide.dtype).tiny / np.finfo(wide.dtype).eps  # below it squares have lost digits
        if ((total > least) & (total < np.inf)).all():
            return np.sqrt(total).astype(x.dtype, copy=False)
    # the largest is taken out first: its power might overflow, or all powers be rounded to 0
    size = np.absolute(wide)
    top = np.max(size, axis=axis, keepdims=True, initial=0)
    top = np.where((top > 0) & np.isfinite(top), top, 1).astype(wide.dtype, copy=False)
    total = _add((size / top) ** p, axis=axis, keepdims=keepdims)
    return (total ** (1 / p) * top.reshape(total.shape)).astype(x.dtype, copy=False)


def norm(x: Any, p: float = 2, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """The p-norm of vectors, sum(abs(x)**p)**(1/p), over one axis, several, or all; no power overflows on the way.

    d/dx = sign(x) (abs(x) / norm)**(p - 1), and 0 where the norm is 0 or, for p other than 1, where x is 0. For p = inf
    equal largest elements share the gradient evenly.

    Args:
        x: any shape; integers give float64.
        p: the exponent, greater than 0: 2 for the length of a vector (for a matrix, over both axes, the Frobenius
            norm), 1 for the sum of sizes, ``float("inf")`` for the largest size.
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ValueError: `p` is not a number greater than 0.
        ShapeError: an axis that is not there, or p = inf over no elements.

    Example:
        >>> import grad_core as gd
        >>> gd.norm(gd.tensor([[3.0, 4.0], [0.0, 0.0]]), axis=1)
        tensor([5., 0.])
    """
    if not isinstance(p, int | float | np.integer | np.floating) or not p > 0:
        raise ValueError(
            f"norm: p must be a number greater than 0, and it is {p!r}. For the number of elements that are not 0 "
            "there is count_nonzero, for the smallest size min(abs(x))"
        )
    x = array_like(x)
    if x.dtype.kind != "f":
        x = astype(x, np.float64)
    axes = some_axes(axis, x.ndim, "norm")
    if p == 1:
        return reduce.sum(_abs(x), axes, keepdims=keepdims)
    if p == math.inf:
        if 0 in (x.shape if axes is None else [x.shape[i] for i in axes]):
            raise ShapeError(f"norm: shape {x.shape} has no elements along axis {axis}: there is no largest one")
        return reduce.max(_abs(x), axes, keepdims=keepdims)
    return _norm(x, axis=axes, keepdims=keepdims, p=float(p))


@nondiff(name="count_nonzero")
def _count_nonzero(x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))[()]


def count_nonzero(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """How many elements are not 0 (or are true), over one axis, several, or all: int64, without a gradient.

    Raises:
        ShapeError: an axis that is not there, or named twice.

    Example:
        >>> import grad_core as gd
        >>> gd.count_nonzero(gd.tensor([[0.0, 1.0], [2.0, 3.0]]), axis=1)
        tensor([1, 2])
    """
    x = array_like(x)
    return _count_nonzero(x, axis=some_axes(axis, x.ndim, "count_nonzero"), keepdims=keepdims)


_count_nonzero.batch = batch_past_axes(_count_nonzero)
