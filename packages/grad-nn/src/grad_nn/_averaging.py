"""Averages of weights over training: exponential moving averages, and plain means."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from grad_core.extend import mark_changed

from ._module import Module
from ._parameter import Buffer

__all__ = ["AveragedModel"]


class AveragedModel(Module):
    """A copy of a model whose weights are the average of those that the model had at each ``update_parameters``.

    With `decay` d, average ← d * average + (1 - d) * weights, an exponential moving average, the first update being a
    copy; without, the mean of all of them (stochastic weight averaging). Names of the state are those of
    ``torch.optim.swa_utils.AveragedModel``: ``n_averaged`` and ``module.`` in front of the model's own.

    Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; Izmailov et al., "Averaging
    Weights Leads to Wider Optima and Better Generalization", 2018.

    Args:
        model: is copied, and left alone.
        decay: in [0, 1), such as 0.999; None for the mean.
        use_buffers: whether floating buffers are averaged too; otherwise buffers are copied at each update.

    Attributes:
        module: the copy with the averages; its parameters do not require grad.
        n_averaged: Buffer, the number of updates.

    Raises:
        TypeError: `model` is no module.
        ValueError: `decay` is outside [0, 1).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.Linear(1, 1, bias=False)
        >>> average = nn.AveragedModel(model, decay=0.5)
        >>> for value in (2.0, 4.0):  # after each step of the optimizer
        ...     nn.init.constant_(model.weight, value)
        ...     average.update_parameters(model)
        Parameter([[2.]])
        Parameter([[4.]])
        >>> average(gd.ones((1, 1)))
        tensor([[3.]])
        >>> with average.applied_to(model):
        ...     model(gd.ones((1, 1))).item()
        3.0
        >>> model.weight.item()
        4.0
    """

    def __init__(self, model: Module, decay: float | None = None, *, use_buffers: bool = False) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel takes a module, not a {type(model).__name__}")
        if decay is not None and not 0 <= decay < 1:
            raise ValueError(f"AveragedModel: decay={decay} must be in [0, 1), or None for the mean of all updates")
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.n_averaged = Buffer(0)
        self.decay = decay
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model computes with the averages."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights that the model has now into the average.

        Raises:
            ValueError: the model is built differently from the one that was copied; nothing has changed.
        """
        pairs = self._pairs(model)
        count = int(self.n_averaged.item())
        share = 1.0 if count == 0 else 1 / (count + 1) if self.decay is None else 1 - self.decay
        for average, current in pairs:
            averaged = not isinstance(average, Buffer) or (self.use_buffers and average.dtype.kind == "f")
            if averaged and share != 1:
                average.data += (share * (current.data - average.data)).astype(average.dtype, copy=False)
            else:
                average.data[...] = current.data
                mark_changed(average)
        self.n_averaged.data += 1

    @contextmanager
    def applied_to(self, model: Module) -> Iterator[Module]:
        """A ``with`` block in which the model has the averages, for an evaluation; afterwards it has its own again.

        Raises:
            ValueError: the model is built differently from the one that was copied.
        """
        pairs = self._pairs(model)
        own = [current.data.copy() for _, current in pairs]
        try:
            for average, current in pairs:
                current.data[...] = average.data
                mark_changed(current)
            yield model
        finally:
            for (_, current), array in zip(pairs, own, strict=True):
                current.data[...] = array
                mark_changed(current)

    def _pairs(self, model: Module) -> list[tuple[Any, Any]]:
        """Each average with the tensor of the model that it is of."""
        both = [dict([*owner.named_parameters(), *owner.named_buffers()]) for owner in (self.module, model)]
        shapes = [{name: np.shape(x.data) for name, x in one.items()} for one in both]
        if shapes[0] != shapes[1]:
            differ = [name for name in {**both[0], **both[1]} if shapes[0].get(name) != shapes[1].get(name)]
            raise ValueError(
                f"AveragedModel: the model is built differently from the one that was copied: {', '.join(differ)}"
            )
        return [(x, both[1][name]) for name, x in both[0].items()]
