"""LeNet-5 (28x28, batch 64) with grad."""

from typing import Any

from build_grad import make_step
from classifiers import LENET, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(LENET, make_step(LENET), seed, quick)
