"""An epoch of the size of MNIST in shuffled batches of 64: the time until the last batch is there."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["BATCH", "arrays", "measure_with"]

BATCH = 64

Array = np.ndarray[Any, Any]


def arrays(seed: int) -> tuple[Array, Array]:
    """Images (60,000, 784) float32 and labels (60,000,) int64."""
    rng = np.random.default_rng(seed)
    return rng.random((60_000, 784), np.float32), rng.integers(0, 10, 60_000)


def measure_with(epoch: Callable[[], Iterable[tuple[Any, Any]]], quick: bool) -> dict[str, Any]:
    """Go through some epochs, after one that is not timed; every peer has to deliver every label once."""
    total = sum(int(labels.sum()) for _, labels in epoch())
    times = []
    for _ in range(3 if quick else 10):
        batches = epoch()
        start = time.perf_counter()
        for _ in batches:
            pass
        times.append(time.perf_counter() - start)
    return {"times": times, "result": float(total)}
