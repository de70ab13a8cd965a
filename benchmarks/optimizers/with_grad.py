"""Steps of optimizers with grad."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import grad_optim as optim
from optimizers.problem import SHAPES, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Step, and time."""

    def prepare(make: Callable[[list[Any]], optim.Optimizer]) -> tuple[Callable[[list[Any]], None], Callable[[], Any]]:
        params = [gd.random.normal(shape).requires_grad_() for shape in SHAPES]

        def set_gradients(gradients: list[Any]) -> None:
            for p, g in zip(params, gradients, strict=True):
                p.grad = g

        return set_gradients, make(params).step

    kinds = {"adam": prepare(optim.Adam), "momentum": prepare(lambda params: optim.SGD(params, momentum=0.9))}
    return measure_with(kinds, seed, quick)
