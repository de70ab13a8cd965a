"""Pooling with PyTorch, eager."""

from collections.abc import Callable
from typing import Any

import torch
from pool.problem import Array, measure_with

__all__ = ["measure"]


def _prepare(kind: str, plain: bool, image: Array, cotangent: Array) -> Callable[[], Any]:
    function = torch.nn.functional.max_pool2d if kind == "max" else torch.nn.functional.avg_pool2d
    x = torch.from_numpy(image).requires_grad_(True)  # its own layers hand it on as it is
    g = torch.from_numpy(cotangent)

    def step() -> Any:
        x.grad = None
        function(x, 2).backward(g)
        return x.grad

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time each."""
    return measure_with(_prepare, seed, quick)
