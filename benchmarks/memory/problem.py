"""2,000 training steps of 784-128-10 with the garbage collector off: does memory stay as it is?"""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnist.problem import PROBLEM

__all__ = ["measure_with", "resident"]

STATM = Path("/proc/self/statm")


def resident() -> float:
    """Memory of this process that is in use now, in MB."""
    if STATM.exists():
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    raise OSError("no /proc/self/statm: this row needs Linux")


def measure_with(
    step: Callable[..., Any], seed: int, quick: bool, convert: Callable[..., Any] = lambda a: a
) -> dict[str, Any]:
    """What is gained between step 200 and the last, and how many objects only the collector could have freed.

    MB in use may fall, where the system takes back what is not touched; blocks are those of Python's allocator.
    """
    draw = PROBLEM.batches(seed)
    gc.collect()
    gc.disable()
    before, blocks = 0.0, 0
    for i in range(600 if quick else 2200):
        if i == 200:
            before, blocks = resident(), sys.getallocatedblocks()
        x, y = draw()
        step(convert(x), convert(y))
    gained, blocks = resident() - before, sys.getallocatedblocks() - blocks
    return {"values": {"megabytes": gained, "blocks": blocks, "garbage": gc.collect()}}
