"""Dead units with PyTorch and its fused Adam."""

from typing import Any

import torch
from dead_units.problem import SHAPES, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Step, and time."""
    params = [torch.randn(shape, requires_grad=True) for shape in SHAPES]
    optimizer = torch.optim.Adam(params, fused=True)

    def set_gradients(gradients: list[Any]) -> None:
        for p, g in zip(params, gradients, strict=True):
            p.grad = torch.from_numpy(g)

    return measure_with(set_gradients, optimizer.step, seed)
