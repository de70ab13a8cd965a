"""Windows that slide over axes: where each stands, how many there are, and what users may write for them."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from grad_core.errors import ShapeError

__all__ = ["Pairs", "Sizes", "Windows", "cut", "fitting_windows", "frozen", "paddings", "placed", "several", "span"]

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


class Windows(NamedTuple):
    """Per axis: its length, that of the window, the number of windows, and how they lie.

    Window `o` has its tap `t` at ``o * stride - start + t * dilation``; places outside of the axis are padding.
    """

    size: Sizes
    kernel: Sizes
    out: Sizes
    stride: Sizes
    start: Sizes
    dilation: Sizes


def frozen(value: Any) -> Any:
    """Lists, which cannot be remembered, as tuples."""
    return tuple([frozen(v) for v in value]) if isinstance(value, list | tuple) else value


def several(value: Any, rank: int, name: str, what: str, least: int = 1) -> Sizes:
    """An integer for each of `rank` axes, from one for all or from a sequence."""
    given = value if isinstance(value, tuple | list) else (value,) * rank
    try:
        numbers = tuple([operator.index(n) for n in given])
    except TypeError as error:
        raise ShapeError(f"{name}: {what} is an integer, or one for each axis, and this is {value!r}") from error
    if len(numbers) == 1:
        numbers *= rank
    if len(numbers) != rank:
        axes = "axis" if rank == 1 else "axes"
        raise ShapeError(f"{name}: {what} {value!r} has {len(numbers)} numbers for {rank} spatial {axes}")
    if min(numbers) < least:
        raise ShapeError(f"{name}: {what} must be {least} or more on each axis, and it is {value!r}")
    return numbers


def paddings(value: Any, kernel: Sizes, stride: Sizes, dilation: Sizes, name: str) -> Pairs:
    """How much is added before and after each axis: from an integer, one per axis, a pair per axis, or a word."""
    rank = len(kernel)
    if isinstance(value, str):
        if value == "valid":
            return ((0, 0),) * rank
        if value != "same":
            raise ValueError(f"{name}: padding is 'same', 'valid' or numbers, and this is {value!r}")
        if any(s != 1 for s in stride):
            raise ValueError(
                f"{name}: padding='same' keeps the length of every axis, which stride {stride} does not allow; "
                "use stride 1, or give the padding in numbers"
            )
        # an odd total puts the larger half after, as PyTorch does
        return tuple(
            [(d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(kernel, dilation, strict=True)]
        )
    if isinstance(value, tuple | list) and value and isinstance(value[0], tuple | list):
        if len(value) != rank or any(len(pair) != 2 for pair in value):
            raise ShapeError(
                f"{name}: padding {value!r} needs one pair (before, after) for each of {rank} spatial axes"
            )
        return tuple([(n[0], n[1]) for n in [several(pair, 2, name, "padding", 0) for pair in value]])
    return tuple([(n, n) for n in several(value, rank, name, "padding", 0)])


def placed(size: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes, name: str) -> Windows:
    """All windows that fit into the padded axes."""
    out = []
    for i, (n, k, s, (before, after), d) in enumerate(zip(size, kernel, stride, padding, dilation, strict=True)):
        room = n + before + after - d * (k - 1) - 1
        if room < 0:
            raise _too_long(i, n, k, n + before + after, d, name)
        out.append(room // s + 1)
    return Windows(size, kernel, tuple(out), stride, tuple([before for before, _ in padding]), dilation)


def fitting_windows(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool, name: str
) -> Windows:
    """The windows of pooling: with `ceil_mode` one more may pass the end, if it starts before it."""
    out = []
    for i, (n, k, s, p, d) in enumerate(zip(size, kernel, stride, padding, dilation, strict=True)):
        room = n + 2 * p - d * (k - 1) - 1
        count = -(-room // s) + 1 if ceil_mode else room // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        if count < 1 or n == 0:
            raise _too_long(i, n, k, n + 2 * p, d, name)
        out.append(count)
    return Windows(size, kernel, tuple(out), stride, padding, dilation)


def _too_long(axis: int, length: int, kernel: int, padded: int, dilation: int, name: str) -> ShapeError:
    spread = f" (spread over {dilation * (kernel - 1) + 1} by dilation {dilation})" if dilation > 1 else ""
    return ShapeError(
        f"{name}: a kernel of length {kernel}{spread} does not fit on spatial axis {axis}, whose length is {length}, "
        f"with padding {padded}; use a smaller kernel, or more padding"
    )


def span(w: Windows, axis: int, tap: int) -> tuple[int, int, slice]:
    """For one tap of the windows along an axis: the first and last window that has it within, and the places."""
    s = w.stride[axis]
    offset = tap * w.dilation[axis] - w.start[axis]
    first = max(0, -(offset // s))
    last = max(first, min(w.out[axis], (w.size[axis] - 1 - offset) // s + 1))
    begin = first * s + offset
    return first, last, slice(begin, begin + (last - first - 1) * s + 1 if last > first else begin, s)


def cut(w: Windows, axis: int, first: int, last: int) -> tuple[slice, Windows]:
    """The windows `first` to `last` of an axis alone, and the part of the axis that they see."""
    begin = first * w.stride[axis] - w.start[axis]
    end = (last - 1) * w.stride[axis] - w.start[axis] + (w.kernel[axis] - 1) * w.dilation[axis] + 1
    low = min(max(begin, 0), w.size[axis])
    high = max(low, min(end, w.size[axis]))

    def changed(values: Sizes, value: int) -> Sizes:
        return (*values[:axis], value, *values[axis + 1 :])

    part = w._replace(
        size=changed(w.size, high - low), out=changed(w.out, last - first), start=changed(w.start, low - begin)
    )
    return slice(low, high), part
