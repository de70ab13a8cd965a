"""What NumPy needs when everything is written by hand: updates for plain arrays, as people write them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Adam", "sgd"]

Array = np.ndarray[Any, Any]


def sgd(params: Sequence[Array], grads: Sequence[Array], lr: float) -> None:
    """One step, in place."""
    for p, g in zip(params, grads, strict=True):
        p -= lr * g


class Adam:
    """One array after the other, in place, without temporaries: written with care, as the yardstick it is."""

    def __init__(self, params: Sequence[Array], lr: float) -> None:
        """Moments and scratch memory for each array."""
        self.params = params
        self.lr = lr
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.scratch = [np.empty_like(p) for p in params]
        self.t = 0

    def step(self, grads: Sequence[Array]) -> None:
        """One step."""
        self.t += 1
        root = (1 - 0.999**self.t) ** 0.5
        size = self.lr * root / (1 - 0.9**self.t)
        for p, g, m, v, s in zip(self.params, grads, self.m, self.v, self.scratch, strict=True):
            np.multiply(g, 0.1, out=s)
            m *= 0.9
            m += s
            np.multiply(g, g, out=s)
            s *= 0.001
            v *= 0.999
            v += s
            np.sqrt(v, out=s)
            s += 1e-8 * root
            np.divide(m, s, out=s)
            s *= size
            p -= s
