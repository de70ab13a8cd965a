"""Training steps of a perceptron with one hidden layer: the same start, batches and loss for every peer.

Every batch is new, and labels come from a noisy teacher, so nothing can be learned by heart: a network that has
memorised its batch has gradients of 0, and times of its own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from timing import steps

__all__ = ["Array", "Problem", "measure_with"]

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """Sizes, and how long to measure."""

    inputs: int
    hidden: int
    classes: int
    batch: int
    lr: float
    warmup: int
    count: int
    quick: int

    def start(self) -> list[Array]:
        """Weights (out, in) and biases of both layers, float32."""
        rng = np.random.default_rng(0)
        return [
            (rng.standard_normal((self.hidden, self.inputs)) / np.sqrt(self.inputs)).astype(np.float32),
            np.zeros(self.hidden, np.float32),
            (rng.standard_normal((self.classes, self.hidden)) / np.sqrt(self.hidden)).astype(np.float32),
            np.zeros(self.classes, np.float32),
        ]

    def batches(self, seed: int) -> Callable[[], tuple[Array, Array]]:
        """A function that draws a new batch at each call: x float32 (batch, inputs), y int64 (batch,)."""
        rng = np.random.default_rng(seed)
        teacher = np.random.default_rng(1).standard_normal((self.inputs, self.classes)).astype(np.float32)
        noise = np.sqrt(self.inputs) / 2

        def draw() -> tuple[Array, Array]:
            x = rng.standard_normal((self.batch, self.inputs), np.float32)
            scores = x @ teacher + noise * rng.standard_normal((self.batch, self.classes), np.float32)
            return x, scores.argmax(axis=1)

        return draw


def measure_with(
    problem: Problem, step: Callable[..., Any], seed: int, quick: bool, convert: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """Time ``step(x, y)``, which returns the loss; the result is the mean loss of the last 20 steps.

    `convert` makes a library's own tensors of a batch, outside the timed region.
    """
    draw = problem.batches(seed)
    losses: list[Any] = []

    def batch() -> tuple[Any, ...]:
        x, y = draw()
        return (x, y) if convert is None else (convert(x), convert(y))

    times = steps(
        batch, lambda x, y: losses.append(step(x, y)), problem.warmup, problem.quick if quick else problem.count
    )
    return {"times": times, "result": float(np.mean([float(loss) for loss in losses[-20:]]))}
