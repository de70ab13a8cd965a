"""Steps of optimizers with PyTorch, fused."""

from collections.abc import Callable
from typing import Any

import torch
from optimizers.problem import SHAPES, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Step, and time."""

    def prepare(make: Callable[[list[Any]], Any]) -> tuple[Callable[[list[Any]], None], Callable[[], Any]]:
        params = [torch.randn(shape, requires_grad=True) for shape in SHAPES]

        def set_gradients(gradients: list[Any]) -> None:
            for p, g in zip(params, gradients, strict=True):
                p.grad = torch.from_numpy(g)

        return set_gradients, make(params).step

    kinds = {
        "adam": prepare(lambda params: torch.optim.Adam(params, fused=True)),
        "momentum": prepare(lambda params: torch.optim.SGD(params, lr=1e-3, momentum=0.9, fused=True)),
    }
    return measure_with(kinds, seed, quick)
