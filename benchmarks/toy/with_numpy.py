"""2-8-2 in NumPy alone, with forward, backward and update written by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from by_hand import sgd
from mlp import Array, measure_with
from toy.problem import PROBLEM

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    params = PROBLEM.start()
    w1, b1, w2, b2 = params
    rows = np.arange(PROBLEM.batch)

    def step(x: Array, y: Array) -> float:
        h = np.tanh(x @ w1.T + b1)
        scores = h @ w2.T + b2
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        total = e.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - scores[rows, y]).mean()
        g = e / total
        g[rows, y] -= 1
        g /= len(x)
        gh = (g @ w2) * (1 - h * h)
        sgd(params, [gh.T @ x, gh.sum(axis=0), g.T @ h, g.sum(axis=0)], PROBLEM.lr)
        return float(loss)

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick)
