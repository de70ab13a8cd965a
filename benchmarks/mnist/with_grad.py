"""784-128-10 with grad."""

from collections.abc import Callable
from typing import Any

import grad_nn as nn
import grad_optim as optim
from mlp import Array, measure_with
from mnist.problem import PROBLEM

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = nn.Sequential(
        nn.Linear(PROBLEM.inputs, PROBLEM.hidden), nn.ReLU(), nn.Linear(PROBLEM.hidden, PROBLEM.classes)
    )
    for p, array in zip(model.parameters(), PROBLEM.start(), strict=True):
        p.data = array
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=PROBLEM.lr)

    def step(x: Array, y: Array) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick)
