"""Dead units with Adam written by hand in NumPy."""

from typing import Any

import numpy as np
from by_hand import Adam
from dead_units.problem import SHAPES, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Step, and time."""
    rng = np.random.default_rng(seed)
    optimizer = Adam([rng.standard_normal(shape, np.float32) for shape in SHAPES], 1e-3)
    current: list[Any] = []

    def set_gradients(gradients: list[Any]) -> None:
        current[:] = gradients

    return measure_with(set_gradients, lambda: optimizer.step(current), seed)
