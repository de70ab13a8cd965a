"""Pooling with grad."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from pool.problem import Array, measure_with

__all__ = ["measure"]


def _handed_on(x: Array) -> Array:
    """The order in memory in which grad's own layers hand images on: rows, channels, columns, batch."""
    return np.ascontiguousarray(x.transpose(2, 1, 3, 0)).transpose(3, 1, 0, 2)


def _prepare(kind: str, plain: bool, image: Array, cotangent: Array) -> Callable[[], Any]:
    function = gd.max_pool2d if kind == "max" else gd.avg_pool2d
    x = gd.asarray(image if plain else _handed_on(image)).requires_grad_(True)
    g = cotangent if plain else _handed_on(cotangent)

    def step() -> Any:
        x.grad = None
        function(x, 2).backward(g)
        return x.grad.data

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time each."""
    return measure_with(_prepare, seed, quick)
