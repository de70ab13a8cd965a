"""A chain of 300 operations on single numbers, as in a first lesson on backpropagation."""

from collections.abc import Callable
from typing import Any

import numpy as np
from timing import steps

__all__ = ["OPERATIONS", "chain", "measure_with"]

OPERATIONS = 300


def chain(x: Any, sin: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> Any:
    """50 times six operations."""
    y = x
    for _ in range(OPERATIONS // 6):
        y = y * x
        y = y + x
        y = sin(y)
        y = tanh(y)
        y = y - 0.5
        y = y * 1.01
    return y


def measure_with(gradient: Callable[[float], Any], seed: int, quick: bool) -> dict[str, Any]:
    """Time ``gradient(x)``, the derivative of the chain at x; the result is its value at one point."""
    rng = np.random.default_rng(seed)

    def draw() -> tuple[float]:
        return (float(rng.uniform(0.5, 1.5)),)

    times = steps(draw, gradient, 20, 100 if quick else 400)
    return {"times": [t / OPERATIONS for t in times], "result": float(gradient(1.0))}
