"""Averages of the weights of a model over the steps of its training."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed

from ._module import Module
from ._parameter import Buffer

__all__ = ["EMA", "AveragedModel"]


class AveragedModel(Module):
    """A copy of a model whose weights are the mean of the model's over all calls of ``update_parameters``.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018; names are those
    of ``torch.optim.swa_utils.AveragedModel``.

    Args:
        model: is copied.
        avg_fn: ``avg_fn(averaged, current, n)`` gives the new average of a tensor after n others; the equal mean
            averaged + (current - averaged) / (n + 1) where not given.
        use_buffers: whether floating buffers are averaged as well; if not, and for others, the newest are taken.

    Attributes:
        module: the copy, of the averaged weights.
        n_averaged: Buffer, how many were averaged.

    Raises:
        TypeError: `model` is no module.

    Example:
        >>> import grad_nn as nn
        >>> model = nn.Module()
        >>> model.weight = nn.Parameter([0.0])
        >>> average = nn.AveragedModel(model)
        >>> for value in (1.0, 2.0, 6.0):
        ...     model.weight.data[...] = value
        ...     average.update_parameters(model)
        >>> average.module.weight.item(), average.n_averaged.item()
        (3.0, 3)
    """

    def __init__(
        self, model: Module, avg_fn: Callable[[gd.Tensor, gd.Tensor, int], Any] | None = None, use_buffers: bool = False
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"{type(self).__name__} takes a module, not a {type(model).__name__}")
        self.n_averaged = Buffer(0)
        self.module = copy.deepcopy(model)
        self.avg_fn = avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model returns."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights of the model, as they are now, into the average; call it after each step or epoch.

        Raises:
            ValueError: parameters or buffers are not those of the model that was copied.
        """
        n = self.n_averaged.item()
        with gd.no_grad():
            for average, newest, averaged in self._pairs(model):
                if n and averaged:
                    average.data[...] = self._average(average, newest, n)
                else:
                    average.data[...] = newest.data
                mark_changed(average)
        self.n_averaged.data += 1

    @contextmanager
    def swapped(self, model: Module) -> Iterator[Module]:
        """In the block ``with average.swapped(model):`` the model has the averaged weights and buffers.

        Its arrays stay the same, so an optimizer goes on with them afterwards; do not train within.

        Raises:
            ValueError: parameters or buffers are not those of the model that was copied.

        Example:
            >>> import grad_nn as nn
            >>> model = nn.Linear(1, 1)
            >>> average = nn.EMA(model)
            >>> nn.init.zeros_(model.bias)
            Parameter([0.])
            >>> with average.swapped(model):
            ...     bool((model.bias == average.module.bias).all())
            True
            >>> model.bias
            Parameter([0.])
        """
        pairs = [(average, newest, newest.data.copy()) for average, newest, _ in self._pairs(model)]
        try:
            for average, newest, _ in pairs:
                newest.data[...] = average.data
                mark_changed(newest)
            yield model
        finally:
            for _, newest, kept in pairs:
                newest.data[...] = kept
                mark_changed(newest)

    def _average(self, average: gd.Tensor, newest: gd.Tensor, n: int) -> Any:
        """The new average of one tensor, as an array."""
        if self.avg_fn is not None:
            return gd.asarray(self.avg_fn(average.detach(), newest.detach(), n)).data
        return average.data + (newest.data - average.data) / average.dtype.type(n + 1)

    def _pairs(self, model: Module) -> list[tuple[gd.Tensor, gd.Tensor, bool]]:
        """Averaged tensor, that of the model, and whether averages are taken of it."""
        ours, theirs = ([*m.named_parameters(), *m.named_buffers()] for m in (self.module, model))
        if [(name, x.shape) for name, x in ours] != [(name, x.shape) for name, x in theirs]:
            other = [
                f"{name} {x.shape}" for name, x in theirs if (name, x.shape) not in {(n, y.shape) for n, y in ours}
            ]
            raise ValueError(
                f"{type(self).__name__} averages a copy of another model: the parameters or buffers of this "
                f"{type(model).__name__} differ in name, order or shape{': ' if other else ''}{', '.join(other)}"
            )
        return [
            (a, b, not isinstance(a, Buffer) or (self.use_buffers and a.dtype.kind == "f"))
            for (_, a), (_, b) in zip(ours, theirs, strict=True)
        ]

    def extra_repr(self) -> str:
        """What is averaged besides parameters."""
        return "use_buffers=True" if self.use_buffers else ""


class EMA(AveragedModel):
    """A copy of a model whose weights follow the model's: average = decay * average + (1 - decay) * newest.

    The first call of ``update_parameters`` takes the weights as they are.

    Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, in the exponential form.

    Args:
        model: is copied.
        decay: in [0, 1], how much of the average stays at each update.
        use_buffers: whether floating buffers are averaged as well; if not, and for others, the newest are taken.

    Attributes:
        module: the copy, of the averaged weights.
        n_averaged: Buffer, how many updates there were.

    Raises:
        ValueError: `decay` is outside [0, 1].
        TypeError: `model` is no module.

    Example:
        >>> import grad_nn as nn
        >>> model = nn.Module()
        >>> model.weight = nn.Parameter([0.0])
        >>> ema = nn.EMA(model, decay=0.75)
        >>> for value in (4.0, 8.0):
        ...     model.weight.data[...] = value
        ...     ema.update_parameters(model)
        >>> ema.module.weight.item()
        5.0
    """

    def __init__(self, model: Module, decay: float = 0.999, use_buffers: bool = False) -> None:
        if not 0 <= decay <= 1:
            raise ValueError(f"EMA: decay is a share between 0 and 1, and {decay} was given")
        super().__init__(model, None, use_buffers)
        self.decay = decay

    def _average(self, average: gd.Tensor, newest: gd.Tensor, n: int) -> Any:
        kind = np.promote_types(average.dtype, np.float32).type  # half would lose small steps on the way
        return average.data * kind(self.decay) + newest.data * kind(1 - self.decay)

    def extra_repr(self) -> str:
        """The decay, and what is averaged besides parameters."""
        more = super().extra_repr()
        return f"decay={self.decay}{', ' if more else ''}{more}"
