"""Large arrays as rows, for what runs along the last axes: maxima, and the softmax family, in blocks of rows.

All of it works on plain arrays, float32 or float64, whose rows lie one after the other in memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grad_core._blocks import BLOCK, LARGE, over_blocks
from grad_core._sums import columns, total

from ._select import select

__all__ = [
    "first_largest",
    "log_softmax_by_rows",
    "log_softmax_by_rows_back",
    "log_sum_exp_by_rows",
    "peak_back",
    "peaks",
    "softmax_by_rows",
    "softmax_by_rows_back",
    "trailing_rows",
]

_FEW = 8  # columns that are quicker to go through one by one
_MANY = 512  # elements of a row from which NumPy's own reduction is as quick
_SAFE = 60.0  # e**60 times any number of elements that fits into memory is a float32
_TINY = 1e-4  # a row of such a sum has lost nothing of note below the smallest float32


def trailing_rows(x: Any, axis: tuple[int, ...] | int | None) -> Any:
    """`x` as a matrix with a row for each result, or None where it is small, not of such floats, or does not lie so."""
    if x.size < LARGE or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return None
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(sorted(axis))
    first = x.ndim - len(axes)
    if not axes or axes != tuple(range(first, x.ndim)):
        return None
    return x.reshape(math.prod(x.shape[:first]), -1)


def peaks(ufunc: np.ufunc, rows: Any) -> Any:
    """The largest (``np.maximum``) or smallest (``np.minimum``) element of each row; NaN where there is one."""
    count, length = rows.shape
    if length < _FEW:
        return columns(ufunc, rows)
    if length >= _MANY:
        return ufunc.reduce(rows, axis=1)
    # finding the place is twice as quick as NumPy's reduction, which is made for long rows
    places: Any = (np.argmax if ufunc is np.maximum else np.argmin)(rows, axis=1)
    places += np.arange(0, count * length, length)
    return rows.reshape(-1)[places]


def peak_back(g: Any, top: Any, rows: Any, shape: tuple[int, ...]) -> Any:
    """`g` at the place of `top` in each row and 0 elsewhere; NotImplemented where ties share it, or a row has NaN."""
    out = np.zeros_like(rows)
    if rows.shape[1] < _FEW:
        found = 0
        for i in range(rows.shape[1]):
            here = np.equal(rows[:, i], top)
            found += int(np.count_nonzero(here))
            out[:, i] = select.on(here, g)
    else:
        places = np.flatnonzero(rows == top[:, None])
        found = places.size
        if found == top.size:
            out.reshape(-1)[places] = g
    # as many as rows, so one for each: every row that is not all NaN holds its peak at least once
    return out.reshape(shape) if found == top.size and not np.isnan(np.add.reduce(top)) else NotImplemented


def first_largest(rows: Any) -> Any:
    """``argmax`` over a few columns; the first NaN where there is one."""
    top = rows[:, 0].copy()
    places = np.zeros(len(rows), np.int64)
    for i in range(1, rows.shape[1]):
        larger = ~(rows[:, i] <= top)
        larger &= top == top
        np.maximum(top, rows[:, i], out=top)
        np.multiply(places, ~larger, out=places)
        places += larger * np.int64(i)
    return places


def _exp_and_sum(rows: Any, out: Any) -> Any:
    """The sums of e**(x - shift) over each row, as a column, with the numbers in `out`; and the shift, often 0."""
    if np.maximum.reduce(rows, axis=None) <= _SAFE:  # not so for NaN
        np.exp(rows, out)
        sums = total(out, 1, True)
        if np.minimum.reduce(sums, axis=None) >= _TINY:
            return sums, 0
    top = peaks(np.maximum, rows)[:, None]
    np.subtract(rows, top, out)
    np.exp(out, out)
    return total(out, 1, True), top


def _by_blocks(work: Any, rows: Any) -> Any:
    """A new matrix filled by ``work(start, stop, out)`` for stretches of rows."""
    out = np.empty_like(rows)
    count, length = rows.shape
    over_blocks(lambda start, stop: work(start, stop, out[start:stop]), count, max(1, BLOCK // length))
    return out


def softmax_by_rows(rows: Any) -> Any:
    """The softmax of each row."""

    def work(start: int, stop: int, out: Any) -> None:
        np.divide(out, _exp_and_sum(rows[start:stop], out)[0], out)

    return _by_blocks(work, rows)


def softmax_by_rows_back(g: Any, ans: Any) -> Any:
    """``ans * (g - sum(g * ans))`` of each row."""

    def work(start: int, stop: int, out: Any) -> None:
        y = ans[start:stop]
        np.subtract(g[start:stop], np.vecdot(g[start:stop], y)[:, None], out)
        np.multiply(out, y, out)

    return _by_blocks(work, g)


def log_softmax_by_rows(rows: Any) -> Any:
    """The logarithm of the softmax of each row."""

    def work(start: int, stop: int, out: Any) -> None:
        x = rows[start:stop]
        np.subtract(x, peaks(np.maximum, x)[:, None], out)
        np.subtract(out, np.log(total(np.exp(out), 1, True)), out)

    return _by_blocks(work, rows)


def log_softmax_by_rows_back(g: Any, ans: Any) -> Any:
    """``g - exp(ans) * sum(g)`` of each row."""

    def work(start: int, stop: int, out: Any) -> None:
        np.exp(ans[start:stop], out)
        np.multiply(out, total(g[start:stop], 1, True), out)
        np.subtract(g[start:stop], out, out)

    return _by_blocks(work, g)


def log_sum_exp_by_rows(rows: Any) -> Any:
    """The logarithm of the sum of e**x over each row, where that is finite in between; one number for each row."""
    count, length = rows.shape
    result = np.empty(count, rows.dtype)
    step = max(1, BLOCK // length)

    def work(start: int, stop: int) -> None:
        x = rows[start:stop]
        top = peaks(np.maximum, x)
        top = np.where(np.isfinite(top), top, 0)  # what is subtracted must not turn -inf into NaN
        raised = np.subtract(x, top[:, None])
        np.exp(raised, raised)
        with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where every element is -inf
            np.add(np.log(total(raised, 1)), top, result[start:stop])

    over_blocks(work, count, step)
    return result
