"""The classifiers in PyTorch, eager, with its fused optimizer."""

from collections.abc import Callable

import torch
from classifiers import Problem

__all__ = ["make_step"]


def make_step(problem: Problem) -> Callable[[torch.Tensor, torch.Tensor], float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = torch.nn.Sequential(*[getattr(torch.nn, kind)(*arguments) for kind, *arguments in problem.layers])
    parameters = list(model.parameters())
    for p, array in zip(parameters, problem.start([tuple(p.shape) for p in parameters]), strict=True):
        p.data = torch.from_numpy(array)
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(parameters, lr=problem.lr, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
