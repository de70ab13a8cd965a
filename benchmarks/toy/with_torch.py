"""2-8-2 with PyTorch, eager, with its fused optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from mlp import measure_with
from toy.problem import PROBLEM

__all__ = ["make_step", "measure"]


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = torch.nn.Sequential(
        torch.nn.Linear(PROBLEM.inputs, PROBLEM.hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(PROBLEM.hidden, PROBLEM.classes),
    )
    for p, array in zip(model.parameters(), PROBLEM.start(), strict=True):
        p.data = torch.from_numpy(array)
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=PROBLEM.lr, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(PROBLEM, make_step(), seed, quick, torch.from_numpy)
