"""Convolutions with PyTorch, eager."""

from collections.abc import Callable
from typing import Any

import torch
from conv.problem import Array, Layer, measure_with

__all__ = ["measure"]


def _prepare(layer: Layer, image: Array, weight: Array, bias: Array, cotangent: Array) -> Callable[[], Any]:
    x = torch.from_numpy(image).requires_grad_(not layer.first)
    w = torch.from_numpy(weight).requires_grad_(True)
    b = torch.from_numpy(bias).requires_grad_(True)
    g = torch.from_numpy(cotangent)

    def step() -> Any:
        x.grad = w.grad = b.grad = None
        torch.nn.functional.conv2d(x, w, b).backward(g)
        return w.grad

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time each layer."""
    return measure_with(_prepare, seed, quick)
