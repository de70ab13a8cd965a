"""Dead units with grad."""

from typing import Any

import grad_core as gd
import grad_optim as optim
from dead_units.problem import SHAPES, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Step, and time."""
    params = [gd.random.normal(shape).requires_grad_() for shape in SHAPES]
    optimizer = optim.Adam(params)

    def set_gradients(gradients: list[Any]) -> None:
        for p, g in zip(params, gradients, strict=True):
            p.grad = g

    return measure_with(set_gradients, optimizer.step, seed)
