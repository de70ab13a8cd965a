"""784-512-512-10, batch 128 with PyTorch, eager, with its fused optimizer."""

from typing import Any

import torch
from build_torch import make_step
from classifiers import DEEP, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(DEEP, make_step(DEEP), seed, quick, torch.from_numpy)
