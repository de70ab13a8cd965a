"""The chain with MyGrad, without its guards on memory."""

from typing import Any

import mygrad as mg
from chain.problem import chain, measure_with

__all__ = ["measure"]


def gradient(value: float) -> Any:
    """Forward and backward."""
    x = mg.tensor(value)
    chain(x, mg.sin, mg.tanh).backward()
    return x.grad.item()


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time it."""
    mg.turn_memory_guarding_off()
    return measure_with(gradient, seed, quick)
