"""The ops of pooling, over the last axes of an array with any axes before them, in whatever layout it lies.

Results keep the order in memory of what they are computed from. Maxima and sums over windows are taken axis by axis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from grad_core._kinds import linear
from grad_core._op import nondiff, op

from ._batching import in_front
from ._select import select
from ._windows import Windows, span

__all__ = ["Divisor", "average", "largest", "positions", "winners"]

Array = np.ndarray[Any, Any]
Divisor = float | tuple[tuple[int, ...], ...]  # one number, or per axis the lengths that multiply to the count
_Axes = tuple[int | None, ...]
_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def _at(axis: int, rank: int, item: slice) -> tuple[Any, ...]:
    """The index of `item` on one of the last `rank` axes."""
    return (..., item, *(slice(None),) * (rank - 1 - axis))


def _like(x: Array, shape: tuple[int, ...], dtype: Any = None) -> Array:
    """Memory of another shape in the order of the axes of `x`."""
    return np.empty_like(x, dtype, shape=shape)


def _fold(x: Array, w: Windows, ufunc: np.ufunc, nothing: Any) -> Array:
    """`ufunc` over all windows, axis by axis."""
    rank = len(w.size)
    for axis in range(rank):
        if w.size[axis] == w.out[axis] and w.kernel[axis] == 1 and w.stride[axis] == 1:
            continue
        spans = [span(w, axis, tap) for tap in range(w.kernel[axis])]
        full = [tap for tap, (first, last, _) in enumerate(spans) if first == 0 and last == w.out[axis]]
        parts = {tap: x[_at(axis, rank, places)] for tap, (_, _, places) in enumerate(spans)}
        if len(full) > 1:
            result = ufunc(parts.pop(full[0]), parts.pop(full[1]))
        elif full:
            result = parts.pop(full[0]).copy(order="K")
        else:
            before = x.ndim - rank + axis
            result = _like(x, (*x.shape[:before], w.out[axis], *x.shape[before + 1 :]))
            result.fill(nothing)
        for tap, part in parts.items():
            first, last, _ = spans[tap]
            into = result[_at(axis, rank, slice(first, last))]
            ufunc(into, part, out=into)
        x = result
    return x


def _seen(w: Windows) -> Iterator[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
    """For each tap, in order: how many are left, itself included; the windows that have it within; its places."""
    left = math.prod(w.kernel)
    for taps in itertools.product(*[range(n) for n in w.kernel]):
        spans = [span(w, axis, tap) for axis, tap in enumerate(taps)]
        here = (..., *[slice(first, last) for first, last, _ in spans])
        yield left, here, (..., *[places for _, _, places in spans])
        left -= 1


def _batch_alone(made: str) -> Any:
    def batch(inputs: tuple[Any, ...], axes: _Axes, **params: Any) -> tuple[Any, int]:
        return _OPS[made].on(in_front(inputs[0], axes[0]), **params), 0

    return batch


def _batch_both(made: str) -> Any:
    def batch(inputs: tuple[Any, ...], axes: _Axes, **params: Any) -> tuple[Any, int]:
        count = next(x.shape[axis] for x, axis in zip(inputs, axes, strict=True) if axis is not None)
        moved = [
            np.broadcast_to(x, (count, *x.shape)) if axis is None else np.moveaxis(x, axis, 0)
            for x, axis in zip(inputs, axes, strict=True)
        ]
        return _OPS[made].on(*moved, **params), 0

    return batch


# Maxima. Which tap won is counted from the back: the last is 1, and 0 is none. One byte for each window mostly does


@nondiff(batch=_batch_both("winners"), name="max_pool_winners")
def winners(x: Any, ans: Any, *, windows: Windows) -> Any:
    """For each window the first of its taps that is the maximum, or the last NaN."""
    taps = math.prod(windows.kernel)
    dtype = np.uint8 if taps < 256 else np.int32
    won = _like(ans, ans.shape, dtype)
    won.fill(0)
    for left, here, places in _seen(windows):
        into = won[here]
        np.maximum(into, (x[places] == ans[here]).view(np.uint8) * dtype(left), out=into)
    if won.size and not won.all():
        for left, here, places in _seen(windows):
            won[here][np.isnan(x[places])] = left
    return won


def _select_into(mask: Array, x: Array, out: Array) -> None:
    """``out[...] = x`` where the mask holds, 0 elsewhere, whatever x is: as in `select`, by bits."""
    bits = _BITS[x.dtype.itemsize]
    np.multiply(x.view(bits), mask.astype(bits), out=out.view(bits))  # cast first: within, it would go by small pieces


def _routed_back(g: Any, _ans: Any, _x: Any, won: Any, windows: Windows, back: bool) -> Any:
    return _routed.on(g, won, windows=windows, back=not back)


def _routed_jvp(tangents: tuple[Any, ...], _ans: Any, _x: Any, won: Any, *, windows: Windows, back: bool) -> Any:
    return _routed.on(tangents[0], won, windows=windows, back=back)


@op(vjp=(_routed_back, None), jvp=_routed_jvp, batch=_batch_both("routed"), name="max_pool_routed")
def _routed(x: Any, won: Any, *, windows: Windows, back: bool) -> Any:
    """For each window the element at the place that won it; with `back` the transpose, which puts it there."""
    return _scattered(x, won, windows) if back else _gathered(x, won, windows)


def _gathered(x: Array, won: Array, w: Windows) -> Array:
    result = _like(x, won.shape)
    result.fill(0)
    for left, here, places in _seen(w):
        result[here] += select.forward(won[here] == left, x[places])
    return result


def _scattered(x: Array, won: Array, w: Windows) -> Array:
    """Windows that share a place are summed."""
    apart = all(s >= k and d == 1 for s, k, d in zip(w.stride, w.kernel, w.dilation, strict=True))
    covered = w.stride == w.kernel and all(n == s * o for n, s, o in zip(w.size, w.stride, w.out, strict=True))
    # a cotangent may lie otherwise than the images, whose order the result should have
    if np.argsort(x.strides).tolist() != np.argsort(won.strides).tolist():
        ordered = _like(won, won.shape, x.dtype)
        ordered[...] = x
        x = ordered
    result = _like(won, (*x.shape[: x.ndim - len(w.size)], *w.size), x.dtype)
    if not (apart and covered):
        result.fill(0)
    for left, here, places in _seen(w):
        mask = won[here] == left
        if apart:
            _select_into(mask, x[here], result[places])
        else:
            result[places] += select.forward(mask, x[here])
    return result


def _largest_back(g: Any, ans: Any, x: Any, windows: Windows) -> Any:
    return _routed.on(g, winners.on(x, ans, windows=windows), windows=windows, back=True)


def _largest_jvp(tangents: tuple[Any, ...], ans: Any, x: Any, *, windows: Windows) -> Any:
    return _routed.on(tangents[0], winners.on(x, ans, windows=windows), windows=windows, back=False)


@op(vjp=(_largest_back,), jvp=_largest_jvp, batch=_batch_alone("largest"), name="max_pool")
def largest(x: Any, *, windows: Windows) -> Any:
    """The maximum of each window; NaN where there is one."""
    result = _fold(x, windows, np.maximum, -np.inf)
    return result.copy(order="K") if result is x else result


@nondiff(batch=_batch_alone("positions"), name="max_pool_positions")
def positions(won: Any, *, windows: Windows) -> Any:
    """Where in the flattened last axes of the input each window has its maximum."""
    w = windows
    rank = len(w.size)
    taps = np.unravel_index(np.minimum(math.prod(w.kernel) - won.astype(np.intp), math.prod(w.kernel) - 1), w.kernel)
    flat = np.zeros(won.shape, np.int64)
    for axis, tap in enumerate(taps):
        begin = (np.arange(w.out[axis]) * w.stride[axis] - w.start[axis]).reshape(-1, *(1,) * (rank - 1 - axis))
        flat = flat * w.size[axis] + begin + tap * w.dilation[axis]
    return flat


# Averages


def _divide(x: Array, divisor: Divisor) -> Array:
    """`x` by how many elements each window has, in place."""
    if isinstance(divisor, tuple):
        for axis, counts in enumerate(divisor):
            x /= np.array(counts, x.dtype).reshape(-1, *(1,) * (len(divisor) - 1 - axis))
    else:
        x /= divisor
    return x


def _average_back(g: Any, _ans: Any, _x: Any, windows: Windows, divisor: Divisor) -> Any:
    return _even.on(g, windows=windows, divisor=divisor)


@linear(_average_back, batch=_batch_alone("average"), name="avg_pool")
def average(x: Any, *, windows: Windows, divisor: Divisor) -> Any:
    """The sum of each window by its divisor."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x  # a sum may pass 65504, the largest float16
    result = _fold(wide, windows, np.add, 0)
    return _divide(result.copy(order="K") if result is x else result, divisor).astype(x.dtype, copy=False)


def _even_back(g: Any, _ans: Any, _x: Any, windows: Windows, divisor: Divisor) -> Any:
    return average.on(g, windows=windows, divisor=divisor)


@linear(_even_back, batch=_batch_alone("even"), name="avg_pool_back")
def _even(x: Any, *, windows: Windows, divisor: Divisor) -> Any:
    """What belongs to a window, shared evenly by its elements: the transpose of `average`."""
    w = windows
    rank = len(w.size)
    dtype = x.dtype
    x = _divide(x.astype(np.float32) if dtype == np.float16 else x.copy(order="K"), divisor)
    if all(s >= k and d == 1 for s, k, d in zip(w.stride, w.kernel, w.dilation, strict=True)):  # windows lie apart
        result = _like(x, (*x.shape[: x.ndim - rank], *w.size))
        if w.stride != w.kernel or any(n != s * o for n, s, o in zip(w.size, w.stride, w.out, strict=True)):
            result.fill(0)
        for _, here, places in _seen(w):
            result[places] = x[here]
        return result.astype(dtype, copy=False)
    for axis in range(rank - 1, -1, -1):
        before = x.ndim - rank + axis
        result = _like(x, (*x.shape[:before], w.size[axis], *x.shape[before + 1 :]))
        result.fill(0)
        for tap in range(w.kernel[axis]):
            first, last, seen = span(w, axis, tap)
            result[_at(axis, rank, seen)] += x[_at(axis, rank, slice(first, last))]
        x = result
    return x.astype(dtype, copy=False)


_OPS: dict[str, Any] = {
    "average": average,
    "even": _even,
    "largest": largest,
    "positions": positions,
    "routed": _routed,
    "winners": winners,
}
