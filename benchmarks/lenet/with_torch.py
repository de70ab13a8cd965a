"""LeNet-5 (28x28, batch 64) with PyTorch, eager, with its fused optimizer."""

from typing import Any

import torch
from build_torch import make_step
from classifiers import LENET, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(LENET, make_step(LENET), seed, quick, torch.from_numpy)
