"""The chain with PyTorch."""

from typing import Any

import torch
from chain.problem import chain, measure_with

__all__ = ["measure"]


def gradient(value: float) -> Any:
    """Forward and backward."""
    x = torch.tensor(value, requires_grad=True)
    chain(x, torch.sin, torch.tanh).backward()
    return x.grad.item()


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time it."""
    return measure_with(gradient, seed, quick)
