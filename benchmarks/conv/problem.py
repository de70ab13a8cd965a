"""Forward and backward of single convolutions with bias: those of LeNet-5, and two with many channels.

Every library gets its images and cotangents as its own layers would hand them on; only the first layer has them plain,
and needs no gradient by its input.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LAYERS", "Array", "Layer", "measure_with"]

Array = np.ndarray[Any, Any]


class Layer(NamedTuple):
    """Sizes, and how often to run."""

    image: tuple[int, int, int, int]
    kernels: int
    length: int
    first: bool
    count: int


LAYERS = {
    "lenet1": Layer((64, 1, 28, 28), 6, 5, True, 200),
    "lenet2": Layer((64, 6, 14, 14), 16, 5, False, 200),
    "wide64": Layer((64, 32, 26, 26), 64, 3, False, 20),
    "wide16": Layer((16, 64, 28, 28), 64, 3, False, 40),
}


def measure_with(
    prepare: Callable[[Layer, Array, Array, Array, Array], Callable[[], Any]], seed: int, quick: bool
) -> dict[str, Any]:
    """Time each layer; `prepare` gets image, weight, bias and cotangent, and makes a step of them.

    A step returns its weight gradient. The values are 10th percentiles in microseconds.
    """
    rng = np.random.default_rng(seed)
    values = {}
    total = 0.0
    for name, layer in LAYERS.items():
        batch, channels, height, width = layer.image
        k = layer.length
        image = rng.standard_normal(layer.image, np.float32)
        weight = rng.standard_normal((layer.kernels, channels, k, k), np.float32) / k
        bias = rng.standard_normal(layer.kernels, np.float32)
        cotangent = rng.standard_normal((batch, layer.kernels, height - k + 1, width - k + 1), np.float32)
        step = prepare(layer, image, weight, bias, cotangent)
        total += float(np.abs(np.asarray(step())).sum(dtype=np.float64))
        step()
        times = []
        for _ in range(max(layer.count // (4 if quick else 1), 10)):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        values[name] = float(np.percentile(times, 10)) * 1e6
    return {"values": values, "result": total}
