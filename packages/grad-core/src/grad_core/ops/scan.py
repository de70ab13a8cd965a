"""Running sums and products along an axis, and the product over axes, whose derivative is made of running products.

Nothing is divided, so zeros are as good as any number: the derivative of a product by one factor is the product of all
the others, running from the front up to it times running from the back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._blocks import LARGE
from grad_core._dtypes import resolve_dtype
from grad_core._kinds import linear
from grad_core._node import array_like
from grad_core._op import op
from grad_core._sums import columns
from grad_core.errors import DTypeError, ShapeError

from ._axes import Axes, keep_axes, one_axis, reduced_shape, some_axes
from ._batching import in_front
from ._quick import for_large_arrays
from ._rows import trailing_rows
from .arithmetic import subtract
from .index import getitem
from .shape import _concat, astype, broadcast_to, ravel, reshape

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff", "prod"]


def _cut(x: Any, axis: int, *places: int | None) -> Any:
    return x[(slice(None),) * axis + (slice(*places),)]


def _turn(x: Any, axis: int) -> Any:
    return _cut(x, axis, None, None, -1)


def _shift(x: Any, fill: float, *, axis: int, reverse: bool) -> Any:
    """The element before (in reverse: after) each one, and `fill` where there is none."""
    if reverse:
        return _concat.on(_cut(x, axis, 1, None), np.full_like(_cut(x, axis, -1, None), fill), axis=axis)
    return _concat.on(np.full_like(_cut(x, axis, 0, 1), fill), _cut(x, axis, 0, -1), axis=axis)


# Sums


def _cumsum_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int, reverse: bool
) -> tuple[Any, int]:
    return _cumsum.on(in_front(inputs[0], axes[0]), axis=axis + 1, reverse=reverse), 0


def _cumsum_back(g: Any, _ans: Any, _x: Any, axis: int, reverse: bool) -> Any:
    return _cumsum.on(g, axis=axis, reverse=not reverse)


def _running(ufunc: np.ufunc, x: Any, axis: int, reverse: bool) -> Any:
    """``ufunc.accumulate`` along an axis, from either end."""
    length = x.shape[axis]
    rows = x.size // max(length, 1)
    if x.size < LARGE or x.dtype.char not in "fd" or rows < 64 or axis == x.ndim - 1:
        run = np.cumsum if ufunc is np.add else np.cumprod  # which know the dtype of a sum of integers
        return _turn(run(_turn(x, axis), axis), axis) if reverse else run(x, axis)
    # NumPy goes down one column after the other; whole rows are several times quicker
    out = np.empty(x.shape, x.dtype)
    source, target = (np.moveaxis(_turn(a, axis) if reverse else a, axis, 0) for a in (x, out))
    target[:1] = source[:1]
    for i in range(1, length):
        ufunc(target[i - 1], source[i], out=target[i])
    return out


@linear(_cumsum_back, batch=_cumsum_batch, name="cumsum")
def _cumsum(x: Any, *, axis: int, reverse: bool) -> Any:
    return _running(np.add, x, axis, reverse)


def _prepare(x: Any, axis: int | None, dtype: Any, name: str) -> tuple[Any, int]:
    """The array to run over, flattened where no axis is given, and the axis."""
    x = array_like(x)
    if dtype is not None:
        x = astype(x, resolve_dtype(dtype))
    if axis is None:
        return (x if x.ndim == 1 else ravel(x)), 0
    return x, one_axis(axis, x.ndim, name)


def cumsum(x: Any, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """The running sum along an axis: element i of the result is the sum of elements 0 to i.

    Args:
        x: any shape; integers and booleans sum to int64.
        axis: one axis; None for that of the flattened array.
        dtype: cast to this first, to sum float16 in float32 for one; None for the dtype of `x`.

    Raises:
        ShapeError: an axis that is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.cumsum(gd.tensor([1.0, 2.0, 3.0]))
        tensor([1., 3., 6.])
    """
    x, chosen = _prepare(x, axis, dtype, "cumsum")
    return _cumsum(x, axis=chosen, reverse=False)


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """The difference of each element and the one before it along an axis: x[i + 1] - x[i], n times over.

    Args:
        x: one axis or more, of numbers.
        n: how often: 0 or more.
        axis: one axis.
        prepend: what to put in front along that axis first, of the shape of `x` but there; or a number.
        append: what to put behind, likewise.

    Returns:
        The shape of `x`, shorter by n along the axis.

    Raises:
        DTypeError: booleans.
        ShapeError: an axis that is not there.
        ValueError: n is negative or no integer.

    Example:
        >>> import grad_core as gd
        >>> gd.diff(gd.tensor([1.0, 4.0, 9.0, 16.0]))
        tensor([3., 5., 7.])
        >>> gd.diff(gd.tensor([1.0, 4.0, 9.0, 16.0]), n=2)
        tensor([2., 2.])
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "diff")
    if not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"diff: n is how often to take differences, an integer of 0 or more, and it is {n!r}")
    if x.dtype.kind == "b":
        raise DTypeError("diff: booleans have no differences; cast them, x.astype('int64'), or compare with !=")
    if n == 0:
        return getitem(x, ...)
    if prepend is not None or append is not None:
        first, last = _end(x, prepend, chosen), _end(x, append, chosen)
        x = _concat(*[part for part in (first, x, last) if part is not None], axis=chosen)
    before = (slice(None),) * chosen
    for _ in range(n):
        x = subtract(getitem(x, (*before, slice(1, None))), getitem(x, (*before, slice(None, -1))))
    result: Tensor = x
    return result


def _end(x: Any, part: Any, axis: int) -> Any:
    """What `diff` joins on: a number becomes a slice of it, of length 1 along the axis."""
    if part is None or np.ndim(part) > 0:
        return part if part is None else array_like(part)
    one = np.asarray(part, x.dtype) if isinstance(part, int | float) else array_like(part)
    lengths = tuple([1 if i == axis else n for i, n in enumerate(x.shape)])
    return broadcast_to(reshape(one, (1,) * x.ndim), lengths)


# Products


def _recurrence_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int, reverse: bool
) -> tuple[Any, int]:
    count = next(x.shape[a] for x, a in zip(inputs, axes, strict=True) if a is not None)
    moved = [
        np.broadcast_to(x, (count, *x.shape)) if a is None else np.moveaxis(x, a, 0)
        for x, a in zip(inputs, axes, strict=True)
    ]
    return _recurrence.on(*moved, axis=axis + 1, reverse=reverse), 0


def _added_back(g: Any, _ans: Any, factor: Any, _added: Any, axis: int, reverse: bool) -> Any:
    following = _shift(factor, 0, axis=axis, reverse=not reverse)
    return _recurrence.on(following, g, axis=axis, reverse=not reverse)


def _factor_back(g: Any, ans: Any, factor: Any, _added: Any, axis: int, reverse: bool) -> Any:
    return _added_back(g, ans, factor, _added, axis, reverse) * _shift(ans, 0, axis=axis, reverse=reverse)


@op(vjp=(_factor_back, _added_back), batch=_recurrence_batch)
def _recurrence(factor: Any, added: Any, *, axis: int, reverse: bool) -> Any:
    """s[i] = factor[i] * s[i - 1] + added[i], from s = 0; in reverse: from the end, with s[i + 1].

    By doubling (Hillis, Steele 1986): after each round an element stands for twice as many steps, so a million steps
    take 20 rounds over the whole array.
    """
    products = np.moveaxis(np.array(factor), axis, 0)
    sums = np.moveaxis(np.array(added), axis, 0)
    if reverse:
        products, sums = products[::-1], sums[::-1]
    stride = 1
    while stride < len(sums):
        # the right-hand sides are computed whole before they are written
        sums[stride:] = sums[stride:] + products[stride:] * sums[:-stride]
        products[stride:] = products[stride:] * products[:-stride]
        stride += stride
    return np.ascontiguousarray(np.moveaxis(sums[::-1] if reverse else sums, 0, axis))


def _cumprod_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int, reverse: bool
) -> tuple[Any, int]:
    return _cumprod.on(in_front(inputs[0], axes[0]), axis=axis + 1, reverse=reverse), 0


def _no_zero(products: Any) -> bool:
    """Whether products are so far from 0 and infinity that no factor can be 0, and dividing by one is as exact."""
    low, high = (1e-30, 1e30) if products.dtype == np.float32 else (1e-290, 1e290)
    size = np.absolute(products)
    return products.dtype.char in "fd" and bool(np.min(size) > low) and bool(np.max(size) < high)  # not so for NaN


def _cumprod_back_divided(g: Any, ans: Any, x: Any, axis: int, reverse: bool) -> Any:
    if g.dtype != ans.dtype or not _no_zero(ans):
        return NotImplemented
    grad = _running(np.add, g * ans, axis, not reverse)
    grad /= x
    return grad


@for_large_arrays(_cumprod_back_divided)
def _cumprod_back(g: Any, ans: Any, x: Any, axis: int, reverse: bool) -> Any:
    # by x[i]: the product of those before, times g[i] + x[i + 1] (g[i + 1] + x[i + 2] (...))
    before = _shift(ans, 1, axis=axis, reverse=reverse)
    following = _shift(x, 0, axis=axis, reverse=not reverse)
    return before * _recurrence.on(following, g, axis=axis, reverse=not reverse)


@op(vjp=(_cumprod_back,), batch=_cumprod_batch, name="cumprod")
def _cumprod(x: Any, *, axis: int, reverse: bool) -> Any:
    return _running(np.multiply, x, axis, reverse)


def cumprod(x: Any, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """The running product along an axis: element i of the result is the product of elements 0 to i.

    The gradient is exact where elements are 0, however many.

    Args:
        x: any shape; integers and booleans multiply to int64.
        axis: one axis; None for that of the flattened array.
        dtype: cast to this first; None for the dtype of `x`.

    Raises:
        ShapeError: an axis that is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.cumprod(gd.tensor([1.0, 2.0, 3.0]))
        tensor([1., 2., 6.])
    """
    x, chosen = _prepare(x, axis, dtype, "cumprod")
    return _cumprod(x, axis=chosen, reverse=False)


def _all_others(x: Any, axis: int) -> Any:
    """For each element the product of all the others along the axis."""
    before = _shift(_cumprod.on(x, axis=axis, reverse=False), 1, axis=axis, reverse=False)
    after = _shift(_cumprod.on(x, axis=axis, reverse=True), 1, axis=axis, reverse=True)
    return before * after


def _prod_back_divided(g: Any, ans: Any, x: Any, axis: tuple[int, ...] | None, keepdims: bool) -> Any:
    if g.dtype != x.dtype or not _no_zero(ans):
        return NotImplemented
    return keep_axes(g * ans, x.shape, axis, keepdims) / x


@for_large_arrays(_prod_back_divided)
def _prod_back(g: Any, ans: Any, x: Any, axis: tuple[int, ...] | None, keepdims: bool) -> Any:
    shape = x.shape
    folded = tuple(range(len(shape))) if axis is None else axis
    g = keep_axes(g, shape, folded, keepdims)
    if len(folded) == 1:
        return g * _all_others(x, folded[0])
    # several axes become one at the end, and go back afterwards
    order = [i for i in range(len(shape)) if i not in folded] + list(folded)
    moved = tuple([shape[i] for i in order])
    kept = moved[: len(shape) - len(folded)]
    others = _all_others(x.transpose(order).reshape((*kept, math.prod(moved[len(kept) :]))), len(kept))
    return g * others.reshape(moved).transpose([order.index(i) for i in range(len(shape))])


def _prod_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: tuple[int, ...] | None, keepdims: bool
) -> tuple[Any, int]:
    x = in_front(inputs[0], axes[0])
    folded = tuple(range(1, x.ndim)) if axis is None else tuple([a + 1 for a in axis])
    return _prod.on(x, axis=folded, keepdims=keepdims), 0


@op(vjp=(_prod_back,), batch=_prod_batch, name="prod")
def _prod(x: Any, *, axis: tuple[int, ...] | None, keepdims: bool, out: Any = None) -> Any:
    rows = trailing_rows(x, axis) if out is None else None
    if rows is not None and rows.shape[1] < 8:
        return columns(np.multiply, rows).reshape(reduced_shape(x.shape, axis, keepdims))
    if rows is not None and rows.shape[1] <= 1024:
        while rows.shape[1] > 8 and rows.shape[1] % 2 == 0:  # halves at once, as NumPy waits for each product
            half = rows.shape[1] // 2
            rows = rows[:, :half] * rows[:, half:]
        return np.multiply.reduce(rows, axis=1).reshape(reduced_shape(x.shape, axis, keepdims))
    if rows is not None and rows.shape[1] == x.size and not keepdims and x.size % 1024 == 0:
        return np.multiply.reduce(np.multiply.reduce(rows.reshape(-1, 1024), axis=0))
    return np.prod(x, axis=axis, keepdims=keepdims, out=out)


def prod(x: Any, axis: Axes = None, *, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product over one axis, several, or all; the gradient is exact where elements are 0, however many.

    Args:
        x: any shape; integers and booleans multiply to int64; the product of nothing is 1.
        axis: an axis, a tuple of them, or None for all; negative ones count from the back.
        dtype: cast to this first; None for the dtype of `x`.
        keepdims: keep the axes with length 1.

    Returns:
        The shape of `x` without those axes.

    Raises:
        ShapeError: an axis that is not there, or named twice.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([0.0, 2.0, 3.0], requires_grad=True)
        >>> gd.prod(x).backward()
        >>> x.grad
        tensor([6., 0., 0.])
    """
    x = array_like(x)
    if dtype is not None:
        x = astype(x, resolve_dtype(dtype))
    return _prod(x, axis=some_axes(axis, x.ndim, "prod"), keepdims=keepdims)


# By the names and rules of the array API standard


def _only_axis(x: Any, axis: int | None, name: str) -> int:
    if axis is None and x.ndim != 1:
        raise ShapeError(
            f"{name}: shape {x.shape} has {x.ndim} axes: say which with axis=; without it the array must have one"
        )
    return one_axis(0 if axis is None else axis, x.ndim, name)


def cumulative_sum(x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """``cumsum`` as the array API standard has it: an axis must be given unless there is only one.

    Args:
        x: at least one axis.
        axis: one axis.
        dtype: cast to this first; None for the dtype of `x`.
        include_initial: start with a 0, so that the result is longer by one.

    Raises:
        ShapeError: no axis is given and there is not just one, or it is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.cumulative_sum(gd.tensor([1.0, 2.0, 3.0]), include_initial=True)
        tensor([0., 1., 3., 6.])
    """
    x = array_like(x)
    chosen = _only_axis(x, axis, "cumulative_sum")
    return _with_initial(cumsum(x, chosen, dtype=dtype), 0, chosen, include_initial)


def cumulative_prod(x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """``cumprod`` as the array API standard has it: an axis must be given unless there is only one.

    Args:
        x: at least one axis.
        axis: one axis.
        dtype: cast to this first; None for the dtype of `x`.
        include_initial: start with a 1, so that the result is longer by one.

    Raises:
        ShapeError: no axis is given and there is not just one, or it is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.cumulative_prod(gd.tensor([1.0, 2.0, 3.0]), include_initial=True)
        tensor([1., 1., 2., 6.])
    """
    x = array_like(x)
    chosen = _only_axis(x, axis, "cumulative_prod")
    return _with_initial(cumprod(x, chosen, dtype=dtype), 1, chosen, include_initial)


def _with_initial(result: Tensor, first: float, axis: int, wanted: bool) -> Tensor:
    if not wanted:
        return result
    shape = tuple([1 if i == axis else n for i, n in enumerate(result.shape)])
    return _concat(np.full(shape, first, result.dtype), result, axis=axis)
