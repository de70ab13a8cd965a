"""Rows of images as sequences: LSTM(28, 64) over 28 steps, Linear(64, 10) on the last state, batch 64, Adam."""

from collections.abc import Callable
from typing import Any

import numpy as np
from mlp import Array, Problem, measure_with

__all__ = ["CLASSES", "HIDDEN", "INPUTS", "PROBLEM", "STEPS", "measure_steps", "start"]

INPUTS, HIDDEN, STEPS, CLASSES = 28, 64, 28, 10
# the batches of the row `mnist`
PROBLEM = Problem(inputs=STEPS * INPUTS, hidden=0, classes=CLASSES, batch=64, lr=1e-3, warmup=50, count=400, quick=100)


def start() -> list[Array]:
    """Weights and biases of both layers, float32, in the order of their parameters in PyTorch and in grad."""
    rng = np.random.default_rng(0)
    shapes = [(4 * HIDDEN, INPUTS), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)]
    return [rng.uniform(-1 / 8, 1 / 8, shape).astype(np.float32) for shape in shapes]


def measure_steps(
    step: Callable[..., Any], seed: int, quick: bool, convert: Callable[..., Any] = lambda a: a
) -> dict[str, Any]:
    """Time ``step(x, y)``, with x (batch, steps, inputs)."""
    return measure_with(PROBLEM, lambda x, y: step(x.reshape(-1, STEPS, INPUTS), y), seed, quick, convert)
