"""Sums over axes, by the quickest way that NumPy has for each layout.

``np.add.reduce`` is slow over short last axes, 30 times slower than adding the columns, and half as fast as a scalar
product with ones over longer ones. The scalar product of rows is rounded no worse, and unlike a product with a large
matrix it starts no threads of the BLAS, which a busy machine makes wait for milliseconds. Over first axes it is two to
eight times slower than products of small matrices with ones, and adds up one rounding after the other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._blocks import BLOCK

__all__ = ["columns", "of_rows", "product_to", "total"]

_LARGE = 1 << 12  # elements from which another way than NumPy's own pays
_SHORT = 16  # columns that are quicker to add one by one
_LONG = 1024  # above this NumPy's own sum, which is pairwise, is the more precise
_SMALL = 1 << 13  # elements of a matrix for whose product with a vector the BLAS starts no thread
_TALL = 16  # rows of such a matrix from which its product is the quicker sum
_ROW = 256  # how the sum of everything is cut up
_reduce: Any = np.add.reduce


def total(x: Any, axis: tuple[int, ...] | int | None, keepdims: bool = False, out: Any = None) -> Any:
    """``np.add.reduce(x, axis, keepdims=keepdims, out=out)``, but for rounding."""
    if x.size < _LARGE or out is not None or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return _reduce(x, axis=axis, keepdims=keepdims, out=out)
    shape = x.shape
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else tuple(sorted(axis))
    first = len(shape) - len(axes)
    if len(axes) == 1 and 0 < axes[0] < first:
        depth, after = shape[axes[0]], math.prod(shape[axes[0] + 1 :])
        if _SHORT <= after <= _SMALL // depth:
            result = np.ones(depth, x.dtype) @ x.reshape(-1, depth, after)
            return result.reshape(shape[: axes[0]] + (1,) * keepdims + shape[axes[0] + 1 :])
    if not axes or tuple(axes) != tuple(range(first, len(shape))):
        last = len(axes)
        if not axes or tuple(axes) != tuple(range(last)) or (after := math.prod(shape[last:])) < 2:
            return _reduce(x, axis=axis, keepdims=keepdims)
        return of_rows(x.reshape(-1, after)).reshape((1,) * last * keepdims + shape[last:])
    depth = math.prod(shape[first:])
    if depth == x.size:
        if depth < 8 * _LARGE:
            return _reduce(x, axis=axis, keepdims=keepdims)
        result = _everything(x.reshape(-1))
    elif depth < _SHORT:
        result = columns(np.add, x.reshape(-1, depth))
    elif depth <= _LONG:
        result = np.vecdot(x.reshape(-1, depth), np.ones(depth, x.dtype))
    else:
        return _reduce(x, axis=axis, keepdims=keepdims)
    if keepdims:
        return np.asarray(result).reshape(shape[:first] + (1,) * len(axes))
    return result if first == 0 else result.reshape(shape[:first])


def of_rows(rows: Any) -> Any:
    """The sum of all rows, ``np.add.reduce(rows, axis=0)``, but for rounding."""
    count, length = rows.shape
    if rows.dtype.char not in "fd" or not rows.flags.c_contiguous:
        return _reduce(rows, axis=0)
    if length < _SHORT:  # first of wide rows, made of many short ones, which NumPy adds at once
        side = max(1, _ROW // length)
        whole = count - count % side
        sums = _reduce(rows[:whole].reshape(-1, side * length), axis=0).reshape(side, length)
    else:
        side = _SMALL // length
        if side < _TALL or count < 4 * side:
            return _reduce(rows, axis=0)
        whole = count - count % side
        sums = np.ones(side, rows.dtype) @ rows[:whole].reshape(-1, side, length)
    result = _reduce(sums, axis=0)
    return result + _reduce(rows[whole:], axis=0) if whole < count else result


def product_to(x: Any, y: Any, shape: tuple[int, ...]) -> Any:
    """``x * y``, of one shape, summed to `shape`, which broadcasts to theirs: without keeping the product if possible.

    That is so where `shape` has length 1 on its last axes, or on its first ones or lacks them.
    """
    full = (1,) * (x.ndim - len(shape)) + tuple(shape)
    summed = tuple([i for i, n in enumerate(full) if n != x.shape[i]])
    dense = x.dtype == y.dtype and x.dtype.char in "fd" and x.flags.c_contiguous and y.flags.c_contiguous
    if dense and summed == tuple(range(x.ndim - len(summed), x.ndim)):
        depth = math.prod(x.shape[x.ndim - len(summed) :])
        if _SHORT <= depth <= _LONG:
            return np.vecdot(x.reshape(-1, depth), y.reshape(-1, depth)).reshape(shape)
    elif dense and summed == tuple(range(len(summed))):
        rows, others = (a.reshape(-1, math.prod(full[len(summed) :])) for a in (x, y))
        step = max(1, BLOCK // 2 // rows.shape[1])
        product = np.empty((step, rows.shape[1]), x.dtype)
        sums = []
        for i in range(0, len(rows), step):
            part = rows[i : i + step]
            sums.append(of_rows(np.multiply(part, others[i : i + step], product[: len(part)])))
        return _reduce(sums, axis=0).reshape(shape)
    return np.asarray(total(x * y, summed)).reshape(shape)


def _everything(line: Any) -> Any:
    """One number: the sums of short rows, added up pairwise."""
    whole = line.size - line.size % _ROW
    sums = np.vecdot(line[:whole].reshape(-1, _ROW), np.ones(_ROW, line.dtype))
    return _reduce(sums) + _reduce(line[whole:])


def columns(ufunc: np.ufunc, rows: Any) -> Any:
    """The reduction of each row of a few numbers, column by column."""
    if rows.shape[1] == 1:
        return rows[:, 0].copy()
    result = ufunc(rows[:, 0], rows[:, 1])
    for i in range(2, rows.shape[1]):
        ufunc(result, rows[:, i], out=result)
    return result
