"""A step of an optimizer alone, over the parameters of a network of about 700,000 numbers."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["SHAPES", "measure_with"]

SHAPES = [(512, 784), (512,), (512, 512), (512,), (70, 512), (70,)]
COUNT = 150


def measure_with(
    kinds: dict[str, tuple[Callable[[list[Any]], None], Callable[[], Any]]], seed: int, quick: bool
) -> dict[str, Any]:
    """Time each; the values are the 10th percentiles in microseconds, by name."""
    rng = np.random.default_rng(seed)
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for i in range(10 + (COUNT // 3 if quick else COUNT)):
        gradients = [rng.standard_normal(shape, np.float32) for shape in SHAPES]
        for name, (set_gradients, step) in kinds.items():
            set_gradients([g.copy() for g in gradients])
            start = time.perf_counter()
            step()
            if i >= 10:
                times[name].append(time.perf_counter() - start)
    return {"values": {name: float(np.percentile(each, 10)) * 1e6 for name, each in times.items()}}
