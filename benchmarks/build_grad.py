"""The classifiers in grad."""

from collections.abc import Callable

import grad_nn as nn
import grad_optim as optim
from classifiers import Array, Problem

__all__ = ["make_step"]


def make_step(problem: Problem) -> Callable[[Array, Array], float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = nn.Sequential(*[getattr(nn, kind)(*arguments) for kind, *arguments in problem.layers])
    parameters = list(model.parameters())
    for p, array in zip(parameters, problem.start([p.shape for p in parameters]), strict=True):
        p.data = array
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(parameters, lr=problem.lr)

    def step(x: Array, y: Array) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step
