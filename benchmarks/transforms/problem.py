"""Batches of 64 images of the size of MNIST, changed at random; and an epoch of them, normalised on the way."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["BATCH", "images", "measure_with"]

BATCH = 64

Array = np.ndarray[Any, Any]


def images(seed: int) -> tuple[Array, Array]:
    """Images (60,000, 28, 28) uint8 and labels (60,000,) int64."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (60_000, 28, 28), dtype=np.uint8), rng.integers(0, 10, 60_000)


def measure_with(
    kinds: dict[str, Callable[[Array, int], Array]], epoch: Iterable[Any], batch: Array, quick: bool
) -> dict[str, Any]:
    """Time each, with another seed every time; the values are the 10th percentiles in milliseconds, by name."""
    times: dict[str, list[float]] = {name: [] for name in [*kinds, "epoch"]}
    for i in range(30 if quick else 100):
        for name, change in kinds.items():
            start = time.perf_counter()
            change(batch, i)
            if i >= 5:
                times[name].append(time.perf_counter() - start)
    for i in range(4 if quick else 11):
        start = time.perf_counter()
        for _ in epoch:
            pass
        if i:
            times["epoch"].append(time.perf_counter() - start)
    return {"values": {name: float(np.percentile(each, 10)) * 1e3 for name, each in times.items()}}
