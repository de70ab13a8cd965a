"""Choosing elements by arrays of positions, entry by entry, and by masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._batched import all_values
from grad_core._node import Value, array_like
from grad_core._op import Op, op
from grad_core.errors import DTypeError, ShapeError

from ._axes import broadcasts_to, one_axis
from .piecewise import where
from .shape import astype, ravel

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["masked_fill", "take", "take_along_axis"]


_BatchAxes = tuple[int | None, ...]


def _positions(indices: Any, name: str) -> Any:
    """`indices` as a tensor or array of integers."""
    indices = np.asarray(indices, np.intp) if isinstance(indices, list | tuple) and not indices else array_like(indices)
    if indices.dtype.kind not in "iu":
        remedy = "; choose by a mask with x[mask]" if indices.dtype.kind == "b" else "; cast them with astype"
        raise DTypeError(f"{name}: indices are integers, and these are {indices.dtype}{remedy}")
    return indices


def _check_range(indices: Any, length: int, name: str, axis: int, shape: tuple[int, ...]) -> None:
    values = all_values(indices._data) if isinstance(indices, Value) else indices
    if values.size and not (-length <= values.min() and values.max() < length):
        wrong = values.min() if values.min() < -length else values.max()
        allowed = f"-{length} to {length - 1}" if length else "none: it is empty"
        raise IndexError(
            f"{name}: index {wrong} is out of range for axis {axis} of shape {shape}, of length {length} "
            f"(allowed: {allowed})"
        )


def _take_back(g: Any, _ans: Any, _x: Any, indices: Any, axis: int) -> Any:
    return _put.on(g, indices, axis=axis, length=_x.shape[axis])


def _put_back(g: Any, _ans: Any, _x: Any, indices: Any, axis: int, length: int) -> Any:
    return _take.on(g, indices, axis=axis)


def _take_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, axis: int) -> tuple[Any, int]:
    return _batched(_take, inputs, axes, axis, {})


def _put_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, axis: int, length: int) -> tuple[Any, int]:
    return _batched(_put, inputs, axes, axis, {"length": length})


_WIDE = 16  # numbers in a row from which whole rows are quicker
_OFTEN = 6  # rounds that are quicker than adding number by number


def _put_rows(out: Any, indices: Any, rows: Any) -> None:
    """Add rows at `indices`: all first ones of each index, then all second ones, and so on."""
    order = np.argsort(indices, kind="stable")
    places = indices[order]
    first = np.empty(len(places), np.bool_)
    first[:1] = True
    np.not_equal(places[1:], places[:-1], first[1:])
    starts = np.flatnonzero(first)
    out[places[starts]] = rows[order[starts]]
    turn = np.arange(len(places)) - np.repeat(starts, np.diff(starts, append=len(places)))
    for i in range(1, int(turn.max(initial=0)) + 1):
        chosen = np.flatnonzero(turn == i)
        out[places[chosen]] += rows[order[chosen]]


@op(vjp=(_take_back, None), batch=_take_batch, name="take")
def _take(x: Any, indices: Any, *, axis: int) -> Any:
    return np.take(x, indices, axis)


@op(vjp=(_put_back, None), batch=_put_batch, name="put")
def _put(x: Any, indices: Any, *, axis: int, length: int) -> Any:
    """Zeros with the entries of `x` added at `indices` along `axis`: the transpose of taking them."""
    before, after = x.shape[:axis], x.shape[axis + np.ndim(indices) :]
    out = np.zeros((*before, length, *after), x.dtype)
    rows, columns = math.prod(before), math.prod(after)
    wanted = np.asarray(indices, np.intp).reshape(1, -1, 1) % max(length, 1)
    if rows == 1 and columns >= _WIDE and length:
        often = np.bincount(wanted.reshape(-1))
        if often.size and often.max() <= _OFTEN:
            _put_rows(out.reshape(length, columns), wanted.reshape(-1), x.reshape(-1, columns))
            return out
    # counted through the flat array, where adding is several times faster than in whole rows
    places = (np.arange(rows).reshape(-1, 1, 1) * length + wanted) * columns + np.arange(columns)
    np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
    return out


def _batched(op: Op, inputs: tuple[Any, ...], axes: _BatchAxes, axis: int, params: dict[str, Any]) -> tuple[Any, int]:
    """One call where x alone has a batch; one for each entry where the positions differ."""
    x, indices = inputs
    if axes[1] is None:
        return op.on(np.moveaxis(x, axes[0] or 0, 0), indices, axis=axis + 1, **params), 0
    every = np.moveaxis(indices, axes[1], 0)
    rows = [x] * every.shape[0] if axes[0] is None else np.moveaxis(x, axes[0], 0)
    return np.stack([op.on(row, i, axis=axis, **params) for row, i in zip(rows, every, strict=True)]), 0


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Entries along an axis, in the order of `indices`; entries taken several times sum their gradients.

    Args:
        x: one axis or more; flattened first where `axis` is None.
        indices: integers of any shape, -n to n - 1 for an axis of length n.
        axis: the axis to take from.

    Returns:
        The shape of `x` with the shape of `indices` in place of `axis`.

    Raises:
        IndexError: a position that is not there.
        DTypeError: indices that are not integers.
        ShapeError: an axis that is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.take(gd.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [2, 0], axis=1)
        tensor([[3., 1.],
                [6., 4.]])
    """
    x = array_like(x)
    if axis is None:
        x = ravel(x)
    chosen = one_axis(axis or 0, x.ndim, "take")
    indices = _positions(indices, "take")
    _check_range(indices, x.shape[chosen], "take", chosen, x.shape)
    return _take(x, indices, axis=chosen)


# One position for each entry. The axis counts from the back, so that batches in front leave it alone


def _take_along_back(g: Any, _ans: Any, _x: Any, indices: Any, axis: int, distinct: bool) -> Any:
    return _put_along.on(g, indices, axis=axis, shape=_x.shape, distinct=distinct)


def _put_along_back(g: Any, _ans: Any, _x: Any, indices: Any, axis: int, shape: tuple[int, ...], distinct: bool) -> Any:
    return _take_along.on(g, indices, axis=axis, distinct=distinct)


def _batch_both(inputs: tuple[Any, ...], axes: _BatchAxes) -> list[Any]:
    """The batch axis in front of both, of length 1 where there is none."""
    return [x[None] if axis is None else np.moveaxis(x, axis, 0) for x, axis in zip(inputs, axes, strict=True)]


def _take_along_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, axis: int, distinct: bool) -> tuple[Any, int]:
    # positions that differ within an entry may meet where all entries share one x
    return _take_along.on(*_batch_both(inputs, axes), axis=axis, distinct=distinct and axes[0] is not None), 0


def _put_along_batch(
    inputs: tuple[Any, ...], axes: _BatchAxes, *, axis: int, shape: tuple[int, ...], distinct: bool
) -> tuple[Any, int]:
    g, indices = _batch_both(inputs, axes)
    count = max(g.shape[0], indices.shape[0]) if g.shape[0] and indices.shape[0] else 0
    return _put_along.on(g, indices, axis=axis, shape=(count, *shape), distinct=distinct), 0


@op(vjp=(_take_along_back, None), batch=_take_along_batch, name="take_along_axis")
def _take_along(x: Any, indices: Any, *, axis: int, distinct: bool) -> Any:
    return np.take_along_axis(x, indices, axis)


@op(vjp=(_put_along_back, None), batch=_put_along_batch, name="put_along_axis")
def _put_along(x: Any, indices: Any, *, axis: int, shape: tuple[int, ...], distinct: bool) -> Any:
    """Zeros of `shape` with `x` added at the places of `indices`: the transpose of taking them."""
    out = np.zeros(shape, x.dtype)
    ndim = len(shape)
    key: list[Any] = [np.arange(n).reshape((n, *(1,) * (ndim - 1 - i))) if n > 1 else 0 for i, n in enumerate(shape)]
    key[axis] = np.where(indices < 0, indices + shape[axis], indices)
    if distinct:
        out[tuple(key)] = x
        return out
    # counted through the flat array, where adding is several times faster than through a tuple of positions
    places = np.zeros((1,) * ndim, np.intp)
    stride = 1
    for i in range(ndim - 1, -1, -1):
        places = places + key[i] * stride
        stride *= shape[i]
    values = np.broadcast_to(x, np.broadcast_shapes(x.shape, places.shape))
    np.add.at(out.reshape(-1), np.broadcast_to(places, values.shape).reshape(-1), values.reshape(-1))
    return out


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Tensor:
    """For each entry along `axis` its own choice of elements: ``x[i, indices[i, j]]`` for axis 1 of 2.

    What ``argsort`` and ``argmax(keepdims=True)`` give are such indices. Elements taken several times sum their
    gradients.

    Args:
        x: one axis or more.
        indices: integers with as many axes as `x`; all lengths but that of `axis` broadcast with those of `x`.
        axis: the axis to take from.

    Returns:
        The broadcast shape, as long as `indices` along `axis`.

    Raises:
        IndexError: a position that is not there.
        DTypeError: indices that are not integers.
        ShapeError: another number of axes, or lengths that do not broadcast.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])
        >>> gd.take_along_axis(x, [[0], [2]])
        tensor([[3.],
                [5.]])
    """
    x = array_like(x)
    indices = _positions(indices, "take_along_axis")
    chosen = one_axis(axis, x.ndim, "take_along_axis")
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"take_along_axis: indices of shape {indices.shape} need as many axes as x, of shape {x.shape}; for the "
            "same positions everywhere use take"
        )
    for i, (n, m) in enumerate(zip(x.shape, indices.shape, strict=True)):
        if i != chosen and n != m and 1 not in (n, m):
            raise ShapeError(
                f"take_along_axis: shapes {x.shape} and {indices.shape} do not fit: on axis {i} the lengths {n} and "
                f"{m} must be equal or 1, as on every axis but {chosen}"
            )
    _check_range(indices, x.shape[chosen], "take_along_axis", chosen, x.shape)
    return _take_along(x, indices, axis=chosen - x.ndim, distinct=False)


def masked_fill(x: Any, mask: Any, value: Any) -> Tensor:
    """`x` with `value` where the mask holds; no gradient goes to what was replaced, and `value` gets what it replaced.

    Args:
        x: any shape.
        mask: booleans that broadcast to the shape of `x`.
        value: a number, or floats that broadcast to the shape of `x`; cast to the dtype of `x`.

    Returns:
        The shape and dtype of `x`.

    Raises:
        DTypeError: a mask that is not boolean, or a fraction or infinity into integers.
        ShapeError: the mask or the value does not broadcast to the shape of `x`.

    Example:
        >>> import grad_core as gd
        >>> gd.masked_fill(gd.tensor([1.0, 2.0]), [False, True], float("-inf"))
        tensor([  1., -inf])
    """
    x = array_like(x)
    mask = array_like(mask)
    if mask.dtype != np.bool_:
        raise DTypeError(f"masked_fill: a mask is boolean, and this one is {mask.dtype}; compare, as in mask != 0")
    filling = array_like(value)
    if filling.dtype.kind == "f" and x.dtype.kind != "f":
        raise DTypeError(f"masked_fill: a value of dtype {filling.dtype} does not go into {x.dtype}; cast x first")
    for name, given in (("mask", mask), ("value", filling)):
        if not broadcasts_to(given.shape, x.shape):
            raise ShapeError(f"masked_fill: the {name} has shape {given.shape}, which does not broadcast to {x.shape}")
    return where(mask, filling if filling.dtype == x.dtype else astype(filling, x.dtype), x)
