"""784-128-10 in NumPy alone, with forward, backward and update written by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from by_hand import Adam
from mlp import Array, measure_with
from mnist.problem import PROBLEM

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    params = PROBLEM.start()
    w1, b1, w2, b2 = params
    rows = np.arange(PROBLEM.batch)
    optimizer = Adam(params, PROBLEM.lr)

    def step(x: Array, y: Array) -> float:
        h = np.maximum(x @ w1.T + b1, 0)
        scores = h @ w2.T + b2
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        total = e.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - scores[rows, y]).mean()
        g = e / total
        g[rows, y] -= 1
        g /= len(x)
        gh = (g @ w2) * (h > 0)
        optimizer.step([gh.T @ x, gh.sum(axis=0), g.T @ h, g.sum(axis=0)])
        return float(loss)

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick)
