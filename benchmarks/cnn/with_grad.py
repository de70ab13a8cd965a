"""A CNN of 32 and 64 channels, 3x3 (28x28, batch 64) with grad."""

from typing import Any

from build_grad import make_step
from classifiers import CNN, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(CNN, make_step(CNN), seed, quick)
