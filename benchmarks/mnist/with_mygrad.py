"""784-128-10 with MyGrad, without its guards on memory; the update is written by hand."""

from collections.abc import Callable
from typing import Any

import mygrad as mg
from by_hand import Adam
from mlp import Array, measure_with
from mnist.problem import PROBLEM
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    mg.turn_memory_guarding_off()
    tensors = [mg.tensor(p) for p in PROBLEM.start()]
    params = [t.data for t in tensors]
    w1, b1, w2, b2 = tensors
    optimizer = Adam(params, PROBLEM.lr)

    def step(x: Array, y: Array) -> float:
        h = relu(mg.matmul(x, w1.T) + b1)
        loss = softmax_crossentropy(mg.matmul(h, w2.T) + b2, y)
        loss.backward()
        grads = [t.grad for t in tensors]
        optimizer.step(grads)
        return loss.item()

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick)
