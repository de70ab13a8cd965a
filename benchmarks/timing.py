"""How a step is timed: with input that is new each time, drawn outside the timed region."""

import time
from collections.abc import Callable
from typing import Any

__all__ = ["steps"]


def steps(draw: Callable[[], Any], step: Callable[..., Any], warmup: int, count: int) -> list[float]:
    """Seconds of each of `count` calls ``step(*draw())``, after `warmup` calls that are not timed."""
    clock = time.perf_counter
    for _ in range(warmup):
        step(*draw())
    out = []
    for _ in range(count):
        batch = draw()
        start = clock()
        step(*batch)
        out.append(clock() - start)
    return out
