"""Memory with HIPS autograd."""

from typing import Any

from memory.problem import measure_with
from mnist.with_autograd import make_step

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Train, and look."""
    return measure_with(make_step(), seed, quick)
