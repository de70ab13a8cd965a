"""Convolution and its two gradients on NumPy arrays, for any number of spatial axes: the arithmetic, no derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._conv_pieces import (
    PIECE,
    arranged,
    borrow,
    fitting,
    given_back,
    grouped,
    packed,
    pieces,
    prepared,
    slides,
    unfolded,
    views,
)
from ._windows import Windows

__all__ = ["convolve", "input_gradient", "weight_gradient"]

Array = np.ndarray[Any, Any]

# OpenBLAS brings in a second core for a product of more multiplications than twice this, which pays from 16 times as
# many: up to there products are cut, to be done by one core each
ALONE = 1 << 18
SHORTEST = 32  # columns below which a product is not cut


def _multiply(a: Array, b: Array, out: Array) -> None:
    """``out[...] = a @ b`` over the last two of four axes; middling products are cut, for one core to do each alone."""
    depth, columns = b.shape[-2:]
    work = a.shape[-2] * depth * columns
    if 2 * ALONE < work < 16 * ALONE:
        least = -(-work // (2 * ALONE))
        parts = next((n for n in range(least, columns // SHORTEST + 1) if columns % n == 0), 1)
        if parts > 1:  # an axis cut in two is always a view
            a = a[:, :, None]
            b = b.reshape(*b.shape[:-1], parts, columns // parts).swapaxes(2, 3)
            out = out.reshape(*out.shape[:-1], parts, columns // parts).swapaxes(2, 3)
    np.matmul(a, b, out=out)


def _common(x: Array, y: Array) -> tuple[np.dtype[Any], Array, Array]:
    """The dtype of the result, and both in that in which it is computed.

    Halves are computed in single precision: BLAS has no products of halves, and sums of products would lose digits.
    """
    dtype = np.result_type(x, y)
    computed = np.dtype(np.float32) if dtype == np.float16 else dtype
    return dtype, x.astype(computed, copy=False), y.astype(computed, copy=False)


def _finished(result: Array, added: bool, dtype: np.dtype[Any]) -> Array:
    result = given_back(result)
    return (result[:, :, 0] if added else result).astype(dtype, copy=False)


def _matrices(g: Array, groups: int) -> Array:
    """(rows out, kernels, ..., batch) as (groups, rows out, kernels of a group, columns), rows without gaps."""
    if not g.flags.c_contiguous:
        g = packed(g, "cotangent")
        if not g.flags.c_contiguous:
            copy = borrow("cotangent", g.shape, g.dtype)
            np.copyto(copy, g)
            g = copy
    return g.reshape(g.shape[0], groups, g.shape[1] // groups, -1).swapaxes(0, 1)


def convolve(x: Array, weight: Array, bias: Array | None, w: Windows, groups: int) -> Array:
    """(N, C, S...) and (K, C/groups, k...) give (N, K, O...), with `bias` of shape (K,) added."""
    dtype, x, weight = _common(x, weight)
    count, kernels = x.shape[0], weight.shape[0]
    each = kernels // groups
    w, added = prepared(w, count)
    if added:
        x = x[:, :, None]
        weight = weight[:, :, None]
    x = arranged(x)
    # (groups, 1, kernels, taps of rows and channels and other taps), as windows are unfolded
    order = (0, 1, 3, 2, *range(4, weight.ndim + 1))
    matrix = weight.reshape(groups, each, *weight.shape[1:]).transpose(order).reshape(groups, 1, each, -1)
    result = np.empty((w.out[0], kernels, *w.out[1:], count), x.dtype)
    if not result.size:
        return _finished(result, added, dtype)
    columns = math.prod(w.out[1:]) * count
    row = max(matrix.shape[-1] * groups, kernels) * columns * x.itemsize
    for seen, made, part in pieces(w, count, *fitting(w, row)):
        target = result[made]
        whole = target.flags.c_contiguous
        into = target if whole else borrow("result", target.shape, x.dtype)
        rows = into.reshape(part.out[0], groups, each, -1).swapaxes(0, 1)
        _multiply(matrix, unfolded(x[seen], part, groups), rows)
        if bias is not None:
            np.add(rows, bias.reshape(groups, 1, each, 1), out=rows)
        if not whole:
            target[...] = into
    return _finished(result, added, dtype)


def weight_gradient(g: Array, x: Array, w: Windows, groups: int) -> Array:
    """(N, K, O...) and (N, C, S...) give (K, C/groups, k...): the transpose of `convolve` in its second argument."""
    dtype, g, x = _common(g, x)
    count, kernels = g.shape[:2]
    each, channels = kernels // groups, x.shape[1] // groups
    kernel = w.kernel
    w, added = prepared(w, count)
    if added:
        g = g[:, :, None]
        x = x[:, :, None]
    g = arranged(g)
    x = arranged(x)
    depth = channels * math.prod(w.kernel)
    total = np.zeros((groups, depth, each), g.dtype)
    if total.size and g.size:
        columns = math.prod(w.out[1:]) * count
        row = max(depth * groups, kernels) * columns * x.itemsize
        for seen, made, part in pieces(w, count, *fitting(w, row, total.nbytes)):
            across = _matrices(g[made], groups).swapaxes(2, 3)
            products = borrow("products", (groups, part.out[0], depth, each), x.dtype)
            np.matmul(unfolded(x[seen], part, groups), across, out=products)
            total += np.add.reduce(products, 1)
    split = total.reshape(groups, w.kernel[0], channels, *w.kernel[1:], each)
    last = split.ndim - 1
    result = np.empty((kernels, channels, *kernel), dtype)  # of its own, so that nobody has to copy it again
    result.reshape(groups, each, channels, *w.kernel)[...] = split.transpose(0, last, 2, 1, *range(3, last))
    return result


def input_gradient(g: Array, weight: Array, w: Windows, groups: int) -> Array:
    """(N, K, O...) and (K, C/groups, k...) give (N, C, S...): the transpose of `convolve` in its first argument."""
    dtype, g, weight = _common(g, weight)
    count = g.shape[0]
    channels = weight.shape[1]
    w, added = prepared(w, count)
    if added:
        g = g[:, :, None]
        weight = weight[:, :, None]
    g = arranged(g)
    result = np.zeros((w.size[0], channels * groups, *w.size[1:], count), g.dtype)
    if result.size and g.size:
        split = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
        back = _by_rows_in if slides(w) and w.stride[0] == 1 else _by_rows_out
        back(g, split, result, w, groups)
    return _finished(result, added, dtype)


def _by_rows_out(g: Array, split: Array, result: Array, w: Windows, groups: int) -> None:
    """Each row of `g` times the weights, added to `result` tap by tap."""
    each, channels, count = split.shape[1], split.shape[2], g.shape[-1]
    order = (0, 3, 2, *range(4, split.ndim), 1)
    matrix = split.transpose(order).reshape(groups, 1, -1, each)
    depth = matrix.shape[-2]
    row = max(depth, each) * groups * math.prod(w.out[1:]) * count * g.itemsize
    for seen, made, part in pieces(w, count, -(-w.out[0] // max(1, PIECE // row)), -(-row // (2 * PIECE))):
        rows = _matrices(g[made], groups)
        shape = (groups, part.out[0], w.kernel[0], channels, *w.kernel[1:], *part.out[1:], g[made].shape[-1])
        windows = borrow("windows", shape, g.dtype)
        _multiply(matrix, rows, windows.reshape(groups, part.out[0], depth, -1))
        target = grouped(result[seen], groups)
        for tap, _, within, places in views(windows, part, sliding=False):
            target[places] += tap[within]


def _by_rows_in(g: Array, split: Array, result: Array, w: Windows, groups: int) -> None:
    """Each row of `result` from the rows of `g` that saw it: these lie side by side, and are one matrix."""
    each, channels, count = split.shape[1], split.shape[2], g.shape[-1]
    order = (0, 2, *range(4, split.ndim), 3, 1)
    matrix = split[:, :, :, ::-1].transpose(order).reshape(groups, 1, -1, w.kernel[0] * each)
    depth, columns = matrix.shape[-2], math.prod(w.out[1:]) * count
    row = max(depth, each) * groups * columns * g.itemsize
    _, left = fitting(w, row)
    parts = min(w.size[0], -(-w.size[0] * row // max(PIECE // 4, 1)))  # rows are apart here: small pieces cost nothing
    chunks = [(i * w.size[0] // parts, (i + 1) * w.size[0] // parts) for i in range(parts)]
    for seen, made, part in pieces(w, count, 1, left):  # rows are cut by `chunks`
        target = grouped(result[seen], groups)
        some = g[made]
        for low, high in chunks:
            first = max(0, low + part.start[0] - part.kernel[0] + 1)
            last = min(part.out[0], high + part.start[0])
            if first >= last:  # these rows were not seen
                continue
            size, out, start = high - low, last - first, low + part.start[0] - first
            near = part._replace(size=(size, *part.size[1:]), out=(out, *part.out[1:]), start=(start, *part.start[1:]))
            shape = (groups, size, channels, *part.kernel[1:], *part.out[1:], target.shape[-1])
            windows = borrow("windows", shape, g.dtype)
            flat = windows.reshape(groups, size, depth, -1)
            _slide_back(_matrices(some[first:last], groups), matrix, flat, near)
            rows = target[:, low:high]
            for tap, _, within, places in views(windows, near, sliding=True):
                rows[places] += tap[within]


def _slide_back(g: Array, matrix: Array, windows: Array, w: Windows) -> None:
    """For each row of the input the product of the rows out that saw it, which lie side by side, into `windows`."""
    groups, rows, each, columns = g.shape
    g = np.ascontiguousarray(g)  # side by side in each group, where there are several
    kernel, start = w.kernel[0], w.start[0]
    # row h was seen by the rows out from h + start - kernel + 1 to h + start; all of these are there in [low, high)
    low = min(max(kernel - 1 - start, 0), w.size[0])
    high = max(low, min(rows - start, w.size[0]))
    if high > low:
        row = each * columns * g.itemsize
        first = low + start - kernel + 1
        strides = (rows * row, row, columns * g.itemsize, g.itemsize)
        seen = np.ndarray((groups, high - low, kernel * each, columns), g.dtype, g, first * row, strides)
        _multiply(matrix, seen, windows[:, low:high])
    for h in (*range(low), *range(high, w.size[0])):
        first = h + start - kernel + 1
        begin, end = max(first, 0), min(h + start + 1, rows)
        if begin < end:
            some = g[:, begin:end].reshape(groups, 1, (end - begin) * each, columns)
            taps = matrix[..., (begin - first) * each : (end - first) * each]
            _multiply(taps, some, windows[:, h : h + 1])
        else:
            windows[:, h] = 0
