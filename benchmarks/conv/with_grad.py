"""Convolutions with grad."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from conv.problem import Array, Layer, measure_with

__all__ = ["measure"]


def _handed_on(x: Array) -> Array:
    """The order in memory in which grad's own layers hand images on: rows, channels, columns, batch."""
    return np.ascontiguousarray(x.transpose(2, 1, 3, 0)).transpose(3, 1, 0, 2)


def _prepare(layer: Layer, image: Array, weight: Array, bias: Array, cotangent: Array) -> Callable[[], Any]:
    x = gd.asarray(image) if layer.first else gd.asarray(_handed_on(image)).requires_grad_(True)
    w = gd.tensor(weight, requires_grad=True)
    b = gd.tensor(bias, requires_grad=True)
    g = _handed_on(cotangent)

    def step() -> Any:
        x.grad = w.grad = b.grad = None
        gd.conv2d(x, w, b).backward(g)
        return w.grad.data

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time each layer."""
    return measure_with(_prepare, seed, quick)
