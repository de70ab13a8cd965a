"""The chain with grad."""

from typing import Any

import grad_core as gd
from chain.problem import chain, measure_with

__all__ = ["measure"]


def gradient(value: float) -> Any:
    """Forward and backward."""
    x = gd.tensor(value, requires_grad=True)
    chain(x, gd.sin, gd.tanh).backward()
    return x.grad.item()


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time it."""
    return measure_with(gradient, seed, quick)
