"""Order: sorting, the largest few, what is there at all, and where it would go.

Positions have no gradient; sorted values are the values at those positions, and their gradients go back there.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grad_core._node import array_like
from grad_core._op import nondiff
from grad_core.errors import DTypeError, ShapeError

from ._axes import one_axis
from ._batching import batch_in_front, in_front
from .pick import _take_along
from .shape import moveaxis

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "argsort",
    "searchsorted",
    "sort",
    "topk",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


class TopK(NamedTuple):
    """The result of ``topk``."""

    values: Tensor
    indices: Tensor


class UniqueAll(NamedTuple):
    """The result of ``unique_all``."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """The result of ``unique_counts``."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """The result of ``unique_inverse``."""

    values: Tensor
    inverse_indices: Tensor


def _ranked_by_words(x: Any, descending: bool) -> Any:
    """The stable order of float32 along the last axis: sorted as integers, value above position.

    Without its sign, a float is in the order of its bits; negative ones are in the opposite order. NumPy sorts 64-bit
    integers several times quicker than it finds the stable order of floats.
    """
    bits = (x + np.float32(0)).view(np.uint32)  # -0 becomes 0, its equal
    negative = bits >> 31
    keys = bits ^ (negative * np.uint32(0x7FFFFFFF) + np.uint32(0x80000000))
    keys[x != x] = 0xFFFFFFFF  # every NaN is last, whatever its sign
    if descending:
        keys = ~keys
    words = keys.astype(np.uint64) << np.uint64(32)
    words |= np.arange(x.shape[-1], dtype=np.uint64)
    words.sort(axis=-1)
    words &= np.uint64(0xFFFFFFFF)
    return words.view(np.int64)


def _ranked(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    if x.dtype == np.float32 and x.size >= 1 << 10 and axis in (-1, x.ndim - 1) and x.shape[-1] < 1 << 32:
        return _ranked_by_words(x, descending)
    kind: Any = "stable" if stable else "quicksort"
    if not descending:
        return np.argsort(x, axis, kind=kind)
    # turned round before and after, so that equal elements keep their order and NaN comes first
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind=kind), axis)


@nondiff(name="argsort")
def _argsort(x: Any, *, axis: int, descending: bool, stable: bool) -> Any:
    return _ranked(x, axis, descending, stable)


def argsort(x: Any, axis: int = -1, *, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions of the elements along an axis, from the smallest to the largest: int64, without a gradient.

    Args:
        x: one axis or more. NaN counts as larger than every number.
        axis: the axis to sort along.
        descending: from the largest to the smallest instead.
        stable: equal elements stay in the order they have, in both directions; otherwise in any order.

    Raises:
        ShapeError: the axis is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.argsort(gd.tensor([2.0, 3.0, 1.0, 3.0]), descending=True)
        tensor([1, 3, 0, 2])
    """
    x = array_like(x)
    return _argsort(x, axis=one_axis(axis, x.ndim, "argsort") - x.ndim, descending=descending, stable=stable)


def sort(x: Any, axis: int = -1, *, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements along an axis in order; each gradient goes back to the element it came from.

    Equal elements are told apart by their positions, as ``argsort`` orders them: each gets the gradient of its own
    place, not a share.

    Args:
        x: one axis or more. NaN counts as larger than every number.
        axis: the axis to sort along.
        descending: from the largest to the smallest instead.
        stable: equal elements stay in the order they have, in both directions; otherwise in any order.

    Raises:
        ShapeError: the axis is not there.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([3.0, 1.0, 2.0], requires_grad=True)
        >>> gd.sort(x).backward([1.0, 10.0, 100.0])
        >>> x.grad
        tensor([100.,   1.,  10.])
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "sort") - x.ndim
    order = _argsort(x, axis=chosen, descending=descending, stable=stable)
    return _take_along(x, order, axis=chosen, distinct=True)


_FEW = 8  # places that are quicker found one after the other


def _few_positions(x: Any, k: int, largest: bool) -> Any:
    """The positions of the first k of each row, found one by one; None where infinities or NaN come among them."""
    rest = (x.copy() if largest else np.negative(x)).reshape(-1, x.shape[-1])
    places = np.empty((len(rest), k), np.int64)
    rows = np.arange(len(rest))
    for i in range(k):
        places[:, i] = np.argmax(rest, 1)
        if not np.isfinite(rest[rows, places[:, i]]).all():
            return None
        rest[rows, places[:, i]] = -np.inf
    return places.reshape(*x.shape[:-1], k)


@nondiff(name="topk")
def _top_positions(x: Any, *, k: int, largest: bool) -> Any:
    """The positions of the first k along the last axis, in order, found without sorting the rest."""
    length = x.shape[-1]
    if 0 < k <= _FEW and length >= 16 * k and x.dtype.char in "fd":
        found = _few_positions(x, k, largest)
        if found is not None:
            return found
    if 0 < k < length // 4:
        edge = np.partition(x, length - k if largest else k - 1, -1)[..., length - k if largest else k - 1, None]
        if not (edge != edge).any():  # NaN at the edge compares with nothing: sort all then
            inside = ~(x < edge) if largest else x <= edge
            if (np.count_nonzero(inside, -1) > k).any():  # more elements equal the edge than there is room for
                inside = ~(x <= edge) if largest else x < edge
                ties = x == edge
                inside |= ties & (np.cumsum(ties, -1) <= k - np.count_nonzero(inside, -1, keepdims=True))
            found = (np.flatnonzero(inside) % length).reshape(*x.shape[:-1], k)
            order = _ranked(np.take_along_axis(x, found, -1), -1, largest, True)
            return np.take_along_axis(found, order, -1)
    return _ranked(x, -1, largest, True)[..., :k]


def topk(x: Any, k: int, axis: int = -1, *, largest: bool = True) -> TopK:
    """The k largest (or smallest) elements along an axis, in order, and their positions.

    Of equal elements the first ones are taken. The gradient goes to the elements taken, whole, and 0 to the others.

    Args:
        x: one axis or more. NaN counts as larger than every number.
        k: how many, 0 to the length of the axis.
        axis: the axis to choose along.
        largest: the largest, from the largest down; otherwise the smallest, from the smallest up.

    Returns:
        ``(values, indices)``, each k long along `axis`; indices are int64.

    Raises:
        ShapeError: the axis is not there, or has fewer than k elements.

    Example:
        >>> import grad_core as gd
        >>> gd.topk(gd.tensor([2.0, 3.0, 1.0, 3.0]), 2)
        TopK(values=tensor([3., 3.]), indices=tensor([1, 3]))
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "topk")
    length = x.shape[chosen]
    try:
        count = operator.index(k)
    except TypeError as error:
        raise ShapeError(f"topk: k is an integer, and {k!r} is a {type(k).__name__}") from error
    if not 0 <= count <= length:
        raise ShapeError(f"topk: k={count} of axis {chosen} of shape {x.shape}, which has {length} elements")
    last = x if chosen == x.ndim - 1 else moveaxis(x, chosen, -1)
    found = moveaxis(_top_positions(last, k=count, largest=largest), -1, chosen)
    return TopK(_take_along(x, found, axis=chosen - x.ndim, distinct=True), found)


# What is there, and where it goes


@nondiff(name="unique")
def _unique(x: Any) -> Any:
    values, indices, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    return values, indices, inverse.reshape(x.shape), counts


@nondiff(name="unique_values")
def _unique_values(x: Any) -> Any:
    return np.unique(x, equal_nan=False)


def unique_values(x: Any) -> Tensor:
    """Every different element once, from the smallest to the largest, without a gradient; each NaN is different.

    Example:
        >>> import grad_core as gd
        >>> gd.unique_values(gd.tensor([3.0, 1.0, 3.0]))
        tensor([1., 3.])
    """
    return _unique_values(array_like(x))


def unique_counts(x: Any) -> UniqueCounts:
    """Every different element, and how often it is there: ``(values, counts)``, without a gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.unique_counts(gd.tensor([3.0, 1.0, 3.0]))
        UniqueCounts(values=tensor([1., 3.]), counts=tensor([1, 2]))
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Any) -> UniqueInverse:
    """Every different element, and for each element of `x` which of them it is: ``values[inverse_indices]`` is `x`.

    Returns:
        ``(values, inverse_indices)``, the second of the shape of `x`; without a gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.unique_inverse(gd.tensor([3.0, 1.0, 3.0]))
        UniqueInverse(values=tensor([1., 3.]), inverse_indices=tensor([1, 0, 1]))
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_all(x: Any) -> UniqueAll:
    """Every different element, where it comes first in the flattened `x`, which one each element is, and how often.

    Returns:
        ``(values, indices, inverse_indices, counts)``; the third has the shape of `x`, the others one axis. Without a
        gradient: ``take(x, indices)`` gives the values with one.

    Example:
        >>> import grad_core as gd
        >>> gd.unique_all(gd.tensor([3.0, 1.0, 3.0])).indices
        tensor([1, 0])
    """
    parts: Any = _unique(array_like(x))
    return UniqueAll(*parts)


@nondiff(name="searchsorted")
def _searchsorted(x: Any, values: Any, *, side: Any) -> Any:
    return np.searchsorted(x, values, side=side)


def searchsorted(x: Any, values: Any, *, side: str = "left", sorter: Any = None) -> Tensor:
    """Where each value would go into the sorted `x` to keep it sorted: int64 of the shape of `values`, no gradient.

    Args:
        x: one axis, from the smallest to the largest; not checked.
        values: any shape.
        side: "left" gives the position i with x[i-1] < value <= x[i], "right" that with x[i-1] <= value < x[i].
        sorter: positions that sort `x`, such as those of ``argsort``, where it is not sorted itself.

    Raises:
        ShapeError: `x` has not one axis.
        ValueError: another side.
        DTypeError: a sorter that is not of integers.

    Example:
        >>> import grad_core as gd
        >>> gd.searchsorted(gd.tensor([1.0, 2.0, 3.0]), [2.0, 9.0])
        tensor([1, 3])
    """
    x = array_like(x)
    if x.ndim != 1:
        raise ShapeError(f"searchsorted: x has one axis, and shape {x.shape} has {x.ndim}; search each row by itself")
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side is 'left' or 'right', not {side!r}")
    if sorter is not None:
        positions = array_like(sorter)
        if positions.dtype.kind not in "iu" or positions.shape != x.shape:
            raise DTypeError(
                f"searchsorted: a sorter holds the {x.size} positions that sort x, and this is {positions.dtype} of "
                f"shape {positions.shape}"
            )
        x = _take_along(x, positions, axis=-1, distinct=True)
    return _searchsorted(x, array_like(values), side=side)


_argsort.batch = batch_in_front(_argsort)
_top_positions.batch = batch_in_front(_top_positions)


def _batch_search(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, side: Any) -> tuple[Any, int]:
    x, values = inputs
    if axes[0] is None:
        return _searchsorted.on(x, in_front(values, axes[1]), side=side), 0
    rows = in_front(x, axes[0])
    each = [values] * len(rows) if axes[1] is None else in_front(values, axes[1])
    return np.stack([_searchsorted.on(row, of_row, side=side) for row, of_row in zip(rows, each, strict=True)]), 0


_searchsorted.batch = _batch_search
