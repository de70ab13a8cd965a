"""Forward and backward of pooling 2x2, with the batch innermost in memory, as layers of grad hand it on, and plain."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["SHAPES", "Array", "measure_with"]

Array = np.ndarray[Any, Any]
SHAPES = {"small": (64, 6, 24, 24), "large": (64, 32, 26, 26)}


def measure_with(
    prepare: Callable[[str, bool, Array, Array], Callable[[], Any]], seed: int, quick: bool
) -> dict[str, Any]:
    """Time each; `prepare` gets "max" or "avg", whether it is plain, an image and a cotangent, and makes a step.

    A step returns the gradient. The values are 10th percentiles in microseconds.
    """
    rng = np.random.default_rng(seed)
    values = {}
    total = 0.0
    for size, shape in SHAPES.items():
        image = rng.standard_normal(shape, np.float32)
        cotangent = rng.standard_normal((*shape[:2], shape[2] // 2, shape[3] // 2), np.float32)
        for kind in ("max", "avg"):
            for plain in (False, True):
                step = prepare(kind, plain, image, cotangent)
                total += float(np.abs(np.asarray(step()) * image).sum(dtype=np.float64))
                times = []
                for _ in range(20 if quick else 60):
                    start = time.perf_counter()
                    step()
                    times.append(time.perf_counter() - start)
                values[f"{kind} {size}{' plain' if plain else ''}"] = float(np.percentile(times, 10)) * 1e6
    return {"values": values, "result": total}
