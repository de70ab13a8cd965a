"""784-128-10 with HIPS autograd; the update is written by hand."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
from autograd import value_and_grad
from by_hand import Adam
from mlp import Array, measure_with
from mnist.problem import PROBLEM

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    params = PROBLEM.start()
    rows = anp.arange(PROBLEM.batch)
    optimizer = Adam(params, PROBLEM.lr)

    def loss(params: list[Array], x: Array, y: Array) -> Any:
        w1, b1, w2, b2 = params
        h = anp.maximum(anp.dot(x, w1.T) + b1, 0)
        scores = anp.dot(h, w2.T) + b2
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - scores[rows, y])

    gradient = value_and_grad(loss)

    def step(x: Array, y: Array) -> float:
        value, grads = gradient(params, x, y)
        optimizer.step(grads)
        return float(value)

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick)
