"""Training steps of larger classifiers with Adam: one description of the layers, which each library builds for itself.

Every batch is new, and labels come from a noisy teacher. The figures are the 10th percentile of the steps, and the
highest resident memory above what the process had before its first step.
"""

import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from memory.problem import resident

__all__ = ["CNN", "DEEP", "LENET", "Array", "Problem", "measure_with"]

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """Layers, as (kind, arguments), the shape of a sample, and how long to measure."""

    layers: tuple[tuple[Any, ...], ...]
    shape: tuple[int, ...]
    batch: int
    count: int
    classes: int = 10
    lr: float = 1e-3

    def start(self, shapes: list[tuple[int, ...]]) -> list[Array]:
        """First values for parameters of these shapes, the same for every library."""
        rng = np.random.default_rng(0)
        return [
            (rng.standard_normal(s) / np.sqrt(np.prod(s[1:]) if len(s) > 1 else 100)).astype(np.float32) for s in shapes
        ]

    def batches(self, seed: int) -> Callable[[], tuple[Array, Array]]:
        """A function that draws a new batch at each call: x float32 (batch, *shape), y int64 (batch,)."""
        rng = np.random.default_rng(seed)
        size = int(np.prod(self.shape))
        teacher = np.random.default_rng(1).standard_normal((size, self.classes)).astype(np.float32)

        def draw() -> tuple[Array, Array]:
            x = rng.standard_normal((self.batch, size), np.float32)
            noise = np.sqrt(size) / 2 * rng.standard_normal((self.batch, self.classes), np.float32)
            return x.reshape(self.batch, *self.shape), (x @ teacher + noise).argmax(axis=1)

        return draw


RELU = ("ReLU",)
POOL = ("MaxPool2d", 2)
LENET = Problem(
    (
        ("Conv2d", 1, 6, 5, 1, 2),
        RELU,
        POOL,
        ("Conv2d", 6, 16, 5),
        RELU,
        POOL,
        ("Flatten",),
        ("Linear", 400, 120),
        RELU,
        ("Linear", 120, 84),
        RELU,
        ("Linear", 84, 10),
    ),
    (1, 28, 28),
    64,
    200,
)
CNN = Problem(
    (
        ("Conv2d", 1, 32, 3),
        RELU,
        ("Conv2d", 32, 64, 3),
        RELU,
        POOL,
        ("Flatten",),
        ("Linear", 9216, 128),
        RELU,
        ("Linear", 128, 10),
    ),
    (1, 28, 28),
    64,
    20,
)
DEEP = Problem(
    (("Linear", 784, 512), RELU, ("Linear", 512, 512), RELU, ("Linear", 512, 10)),
    (784,),
    128,
    300,
)


def measure_with(
    problem: Problem, step: Callable[..., Any], seed: int, quick: bool, convert: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """Time ``step(x, y)``, which returns the loss; `convert` makes a library's tensors outside the timed region."""
    draw = problem.batches(seed)
    batches = [draw() for _ in range(3)]
    before = resident()
    losses: list[float] = []
    times: list[float] = []
    for i in range(5 + problem.count // (4 if quick else 1)):
        x, y = batches[i] if i < 3 else draw()
        x, y = (x, y) if convert is None else (convert(x), convert(y))
        start = time.perf_counter()
        losses.append(float(step(x, y)))
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 - before
    values = {"step": float(np.percentile(times[5:], 10)) * 1e6, "megabytes": peak}
    return {"values": values, "result": float(np.mean(losses[:5]))}
