"""Work on large arrays in blocks that stay in the cache.

A large temporary array costs more in memory traffic than in arithmetic. So what takes several passes over a large array
takes them block by block, in small buffers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["BLOCK", "LARGE", "map_blocks", "over_blocks", "repeated"]

Array = np.ndarray[Any, Any]

BLOCK = 1 << 16  # elements: a few float32 buffers of this size fit into the second-level cache
LARGE = 1 << 15  # elements from which blocks pay


def over_blocks(work: Callable[[int, int], None], count: int, step: int) -> None:
    """Call ``work(start, stop)`` for stretches of at most `step` that cover 0 to `count`."""
    for start in range(0, count, step):
        work(start, min(start + step, count))


@lru_cache(maxsize=16)
def _constants(value: float, char: str) -> Array:
    return np.full(BLOCK, value, char)


def repeated(value: float, like: Array) -> Any:
    """`value` in the shape of a block: maximum and minimum are three times quicker with an array than with a number."""
    return value if like.size > BLOCK else _constants(value, like.dtype.char)[: like.size].reshape(like.shape)


def map_blocks(work: Callable[..., None], *arrays: Array) -> Array:
    """A new array filled by ``work(out, *arrays)``, a function of each element, block by block where that pays.

    Args:
        work: writes its result into `out`, which is as long as the arrays; it may be given all or a stretch of them.
        arrays: of one shape and one dtype of floats, which the result has too.
    """
    first = arrays[0]
    out = np.empty_like(first)
    # the same dense layout for all, whatever the order of its axes, makes all the same line of numbers
    if first.size < LARGE or any(x.strides != out.strides for x in arrays):
        work(out, *arrays)
        return out
    line = out.ravel("K")
    lines = [x.ravel("K") for x in arrays]
    over_blocks(lambda start, stop: work(line[start:stop], *[x[start:stop] for x in lines]), out.size, BLOCK)
    return out
