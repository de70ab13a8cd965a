"""The LSTM with grad."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
from lstm.problem import CLASSES, HIDDEN, INPUTS, PROBLEM, measure_steps, start
from mlp import Array

__all__ = ["make_step", "measure"]


class Classifier(nn.Module):
    """The last output of an LSTM, and a linear readout."""

    def __init__(self) -> None:
        self.rows = nn.LSTM(INPUTS, HIDDEN, batch_first=True)
        self.readout = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x: Array) -> gd.Tensor:
        """(batch, steps, inputs) to (batch, classes)."""
        return self.readout(self.rows(x)[0][:, -1])


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = Classifier()
    for p, array in zip(model.parameters(), start(), strict=True):
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
    return measure_steps(make_step(), seed, quick)
