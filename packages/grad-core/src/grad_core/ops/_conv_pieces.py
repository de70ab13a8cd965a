"""How convolution holds its arrays in memory, cuts its work into pieces, and unfolds windows.

- Arrays are held as (first spatial axis, channels, other spatial axes, batch), the batch innermost, so that what lies
  side by side is handled in long runs. Users see transposed views, as (batch, channels, spatial axes).
- Windows are unfolded along all spatial axes but the first. The windows of a row of results are then one matrix, and
  those of the next row are the same memory further on: a view with overlapping strides is all of them, without a copy.
- Where rows are short, an axis of length 1 is put first instead, and everything is unfolded.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ._windows import Windows, cut, span

__all__ = [
    "PIECE",
    "Piece",
    "arranged",
    "borrow",
    "fitting",
    "given_back",
    "grouped",
    "packed",
    "pieces",
    "prepared",
    "slides",
    "unfolded",
    "views",
]

Array = np.ndarray[Any, Any]
Index = tuple[slice, ...]
Piece = tuple[Index, Index, Windows]

PIECE = 8 << 20  # bytes of unfolded windows at a time
SHORT = 256  # columns below which a row is too short for a good product
_ALL = slice(None)


class _Scratch(threading.local):
    """Memory that each thread uses again and again, by what it is for."""

    def __init__(self) -> None:
        self.held: dict[str, Array] = {}


_scratch = _Scratch()


def borrow(role: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array with any content, until `role` is borrowed again; no caller of ours may ever see it."""
    wanted = math.prod(shape) * dtype.itemsize
    held = _scratch.held.get(role)
    if held is None or held.size < wanted:
        held = np.empty(wanted, np.uint8)
        if wanted <= 2 * PIECE:  # more is given back
            _scratch.held[role] = held
    return np.ndarray(shape, dtype, held)


def arranged(x: Array) -> Array:
    """(batch, channels, spatial axes) seen as (first spatial axis, channels, other spatial axes, batch)."""
    return x.transpose(2, 1, *range(3, x.ndim), 0)


def given_back(x: Array) -> Array:
    """The opposite of `arranged`."""
    return x.transpose(x.ndim - 1, 1, 0, *range(2, x.ndim - 1))


def grouped(x: Array, groups: int) -> Array:
    """(rows, channels, ...) as (groups, rows, channels of a group, ...)."""
    if groups == 1:
        return x[None]
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]).swapaxes(0, 1)


def packed(x: Array, role: str) -> Array:
    """`x` where its runs are long as it lies, else a copy that has them."""
    runs = x.strides[-1] if x.shape[-1] > 1 else x.strides[-2]
    if runs == x.itemsize:
        return x
    copy = borrow(role, x.shape, x.dtype)
    if x.shape[-1] <= 32:  # one after the other costs less than runs that are so short
        for i in range(x.shape[-1]):
            copy[..., i] = x[..., i]
    else:
        np.copyto(copy, x)
    return copy


def prepared(w: Windows, count: int) -> tuple[Windows, bool]:
    """The windows, with an axis of length 1 in front where rows are short; and whether it was put there."""
    if len(w.size) > 1 and math.prod(w.out[1:]) * count >= SHORT:
        return w, False
    return Windows((1, *w.size), (1, *w.kernel), (1, *w.out), (1, *w.stride), (0, *w.start), (1, *w.dilation)), True


def slides(w: Windows) -> bool:
    """Whether the windows of neighbouring rows overlap, and are the same memory further on."""
    return w.dilation[0] == 1 and w.stride[0] < w.kernel[0]


def fitting(w: Windows, row: int, beside: int = 0) -> tuple[int, int]:
    """Into how many pieces the rows of results are cut, and into how many a single row must be.

    `row` is the bytes of the windows of one row, `beside` what a row needs besides.
    """
    overlap = w.kernel[0] if slides(w) else 1  # sliding rows share what is unfolded
    rows = max(1, PIECE // max(row // overlap + beside, 1) - overlap + 1)
    return -(-w.out[0] // rows), max(1, -(-row // (2 * PIECE))) if rows == 1 else 1


@lru_cache(maxsize=512)  # the same layers come at every step
def pieces(w: Windows, count: int, rows: int, left: int) -> tuple[Piece, ...]:
    """Cut the work: for each piece its part of the input, its part of the output, and the windows between them.

    The rows are cut in `rows` parts, then other axes and the batch, until there are `left` parts of these.
    """
    parts = [min(rows, w.out[0])]
    for n in (*w.out[1:], count):
        parts.append(min(n, left))
        left = -(-left // parts[-1])
    edges = [[i * n // p for i in range(p + 1)] for n, p in zip((*w.out, count), parts, strict=True)]
    found = []
    for corner in itertools.product(*[list(itertools.pairwise(e)) for e in edges]):
        seen = []
        part = w
        for axis, (first, last) in enumerate(corner[:-1]):
            places = _ALL
            if parts[axis] > 1:
                places, part = cut(part, axis, first, last)
            seen.append(places)
        made = [slice(first, last) for first, last in corner]
        found.append(((seen[0], _ALL, *seen[1:], made[-1]), (made[0], _ALL, *made[1:]), part))
    return tuple(found)


def views(
    windows: Array, w: Windows, sliding: bool
) -> Iterator[tuple[Array, list[tuple[int, int, int]], Index, Index]]:
    """For each tap what it sees, a part of the unfolded windows; the axes and bounds within which that is no padding.

    `windows` are (groups, rows, taps of the rows, channels, other taps, other windows, batch), without taps of the rows
    where these slide. The last two of what comes are indices: of that part within, and of the places in the input.
    """
    rank = len(w.size)
    axes = range(1 if sliding else 0, rank)
    for taps in itertools.product(*[range(w.kernel[axis]) for axis in axes]):
        index: Any = (_ALL, _ALL, _ALL, *taps) if sliding else (_ALL, _ALL, taps[0], _ALL, *taps[1:])
        part = windows[index]
        bounds = []
        within = [_ALL] * (rank + 2)
        places = [_ALL] * (rank + 2)
        for axis, tap in zip(axes, taps, strict=True):
            first, last, seen = span(w, axis, tap)
            at = axis + 2 if axis else 1  # after groups, rows and channels; rows come before channels
            bounds.append((at, first, last))
            within[at] = slice(first, last)
            places[at] = seen
        yield part, bounds, tuple(within), tuple(places)


def _copy(x: Array, windows: Array, w: Windows, sliding: bool) -> None:
    """Fill unfolded windows, in groups, from the input: in one go where there is no padding, else tap by tap."""
    axes = range(1 if sliding else 0, len(w.size))
    if all(
        w.start[i] == 0 and (w.out[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] < w.size[i] for i in axes
    ):
        steps = (x.strides[1], *x.strides[3:-1])
        taps = [w.dilation[i] * steps[i] for i in axes]
        outs = [w.stride[i] * steps[i] for i in axes]
        if sliding:
            strides = (x.strides[0], x.strides[1], x.strides[2], *taps, *outs, x.strides[-1])
        else:
            strides = (x.strides[0], outs[0], taps[0], x.strides[2], *taps[1:], *outs[1:], x.strides[-1])
        windows[...] = as_strided(x, windows.shape, strides)
        return
    for part, bounds, within, places in views(windows, w, sliding):
        for at, first, last in bounds:
            if first > 0:
                part[(_ALL,) * at + (slice(0, first),)] = 0
            if last < part.shape[at]:
                part[(_ALL,) * at + (slice(last, None),)] = 0
        part[within] = x[places]


def unfolded(x: Array, w: Windows, groups: int) -> Array:
    """All windows of `x`, (rows, channels, ..., batch), as matrices (groups, rows out, taps and channels, columns)."""
    x = grouped(packed(x, "packed"), groups)
    sliding = slides(w)
    channels, count = x.shape[2], x.shape[-1]
    columns = math.prod(w.out[1:]) * count
    itemsize = x.itemsize
    if sliding:
        rows = (w.out[0] - 1) * w.stride[0] + w.kernel[0]
        shape: tuple[int, ...] = (groups, rows, channels, *w.kernel[1:], *w.out[1:], count)
    else:
        shape = (groups, w.out[0], w.kernel[0], channels, *w.kernel[1:], *w.out[1:], count)
    windows = borrow("windows", shape, x.dtype)
    inside = windows
    if sliding:
        low = min(w.start[0], rows)
        high = max(low, min(rows, w.start[0] + w.size[0]))
        windows[:, :low] = 0
        windows[:, high:] = 0
        inside = windows[:, low:high]
        x = x[:, low - w.start[0] : high - w.start[0]]
    _copy(x, inside, w, sliding)
    if not sliding:
        return windows.reshape(groups, w.out[0], -1, columns)
    depth = channels * math.prod(w.kernel[1:])
    row = depth * columns * itemsize
    shape = (groups, w.out[0], w.kernel[0] * depth, columns)
    return np.ndarray(shape, x.dtype, windows, 0, (rows * row, w.stride[0] * row, columns * itemsize, itemsize))
