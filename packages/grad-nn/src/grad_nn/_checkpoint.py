"""Checkpoint: a module that keeps its inputs only, and computes again what backward needs."""

from collections.abc import Iterable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.random import Generator, default_generator

from ._module import Module

__all__ = ["Checkpoint"]


class Checkpoint(Module):
    """A module whose graph keeps no values: backward computes them a second time, for less memory and more time.

    The second run is as the first was: Generators of layers within, such as Dropout's, and the default Generator are
    set back for it, and so are ``training`` and the buffers. Afterwards all are as they were before the second run, so
    that the running statistics of BatchNorm follow each batch once. Names of parameters do not change: a state dict of
    the module alone fits.

    A buffer that ``forward`` both changes and computes with must be copied for the computation, or backward raises an
    InPlaceError. Hooks are called in both runs.

    Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016; see ``gd.checkpoint``.

    Args:
        module: takes and returns what ``gd.checkpoint`` allows: tensors, also in lists, tuples and dicts.

    Attributes:
        module: the argument.

    Raises:
        TypeError: it is no module; ``gd.checkpoint`` takes functions.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> block = nn.Checkpoint(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.1)))
        >>> block(gd.ones((8, 4))).sum().backward()
        >>> block.module[1].num_batches_tracked.item(), list(block.state_dict())[:2]
        (1, ['0.weight', '0.bias'])
    """

    def __init__(self, module: Module) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"Checkpoint takes a module, not a {type(module).__name__}: gd.checkpoint takes functions")
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        module = self.module
        buffers = [(buffer, buffer.data.copy()) for buffer in module.buffers()]
        modes = [(part, part.training) for part in module.modules()]
        first = [True]

        def run(*args: Any, **kwargs: Any) -> Any:
            if first:
                first.clear()
                return module(*args, **kwargs)
            arrays = [(buffer, buffer.data) for buffer, _ in buffers]
            now = [(part, part.training) for part, _ in modes]
            try:
                for buffer, array in buffers:
                    if not np.array_equal(buffer.data, array, equal_nan=True):
                        buffer.data = array.copy()  # another array: what is there now stays as it is
                _set_modes(modes)
                return module(*args, **kwargs)
            finally:
                for buffer, array in arrays:
                    if buffer.data is not array:
                        buffer.data = array
                _set_modes(now)

        return gd.checkpoint(run, generators=_generators(module))(*args, **kwargs)

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        """As those of the module, without a name in front."""
        return [("" if name == "module" else name, value) for name, value in super()._attributes()]

    def _parts(self) -> Iterable[tuple[str, Any]]:
        return [("module", self.module)]


def _set_modes(modes: Iterable[tuple[Module, bool]]) -> None:
    for part, training in modes:
        if part.training is not training:
            part.training = training


def _generators(module: Module) -> list[Generator]:
    """The default Generator, and each that a module within has as an attribute."""
    found = [default_generator()]
    for part in module.modules():
        found += [value for value in vars(part).values() if isinstance(value, Generator) and value not in found]
    return found
