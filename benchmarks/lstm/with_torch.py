"""The LSTM with PyTorch, eager, with its fused optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from lstm.problem import CLASSES, HIDDEN, INPUTS, PROBLEM, measure_steps, start

__all__ = ["make_step", "measure"]


class Classifier(torch.nn.Module):
    """The last output of an LSTM, and a linear readout."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = torch.nn.LSTM(INPUTS, HIDDEN, batch_first=True)
        self.readout = torch.nn.Linear(HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, steps, inputs) to (batch, classes)."""
        return self.readout(self.rows(x)[0][:, -1])


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = Classifier()
    for p, array in zip(model.parameters(), start(), strict=True):
        p.data = torch.from_numpy(array)
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=PROBLEM.lr, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_steps(make_step(), seed, quick, torch.from_numpy)
