"""Adam when half of the gradients are 0 from step 10 on: a step late in training against an early one.

The running average of a dead unit shrinks to the denormal numbers after some 800 steps, where arithmetic is slow.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["EARLY", "LATE", "SHAPES", "measure_with"]

SHAPES = [(128, 784), (128,), (10, 128), (10,)]
EARLY = range(12, 60)
LATE = range(1500, 1548)


def measure_with(set_gradients: Callable[[list[Any]], None], step: Callable[[], Any], seed: int) -> dict[str, Any]:
    """Time the optimizer alone; the values are the 10th percentiles of early and late steps, in microseconds."""
    rng = np.random.default_rng(seed)
    alive = [rng.random(shape) < 0.5 for shape in SHAPES]
    pool = [rng.standard_normal(200_000, np.float32) for _ in range(8)]
    times = {}
    for i in range(LATE.stop):
        noise = np.roll(pool[i % 8], int(rng.integers(200_000)))  # new at each step, and cheap
        gradients = [noise[: mask.size].reshape(mask.shape) * (mask if i >= 10 else 1) for mask in alive]
        set_gradients([g.astype(np.float32) for g in gradients])
        start = time.perf_counter()
        step()
        times[i] = time.perf_counter() - start
    early = float(np.percentile([times[i] for i in EARLY], 10))
    late = float(np.percentile([times[i] for i in LATE], 10))
    return {"values": {"early": early * 1e6, "late": late * 1e6, "ratio": late / early}}
