"""Gradient checkpoints of modules: less memory for more time."""

from collections.abc import Callable
from typing import Any, TypeVar

import grad_core as gd
from grad_core.random import Generator

from ._module import Module

__all__ = ["checkpoint"]

M = TypeVar("M", bound=Module)


def checkpoint(module: M, enabled: bool = True) -> M:
    """Let a module keep no values for the backward pass, which calls its ``forward`` a second time to have them.

    The module stays itself, with the same names and state; it is what ``gd.checkpoint`` does to a function. The second
    run sees what the first one saw: Generators of the module and the default one are set back for it, buffers and the
    train or eval mode too, and afterwards all are as they were. So Dropout drops the same elements, and the running
    statistics of BatchNorm count each batch once.

    Args:
        module: best a block of several layers, such as one of a Transformer's.
        enabled: False ends it.

    Returns:
        The module itself.

    Raises:
        TypeError: it is no Module; for functions there is ``gd.checkpoint``.

    Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> block = lambda: nn.Residual(nn.Linear(4, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 4))
        >>> model = nn.Sequential(*[nn.checkpoint(block()) for _ in range(8)])
        >>> model(gd.ones((2, 4))).sum().backward()
        >>> model[0][0].weight.grad.shape
        (16, 4)
    """
    if not isinstance(module, Module):
        raise TypeError(
            f"nn.checkpoint takes a module, and {module!r:.100} is a {type(module).__name__}: for a function there is "
            "gd.checkpoint(function)"
        )
    module._own_hooks().around = _recomputing if enabled else None
    return module


def _recomputing(module: Module) -> Callable[..., Any]:
    """The forward of the module for one call."""
    modules = list(module.modules())
    modes = [m.training for m in modules]
    buffers = list(module.buffers())
    values = [buffer.data.copy() for buffer in buffers]
    runs = 0

    def forward(*args: Any, **kwargs: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            return module.forward(*args, **kwargs)
        later = [m.training for m in modules], [buffer.data.copy() for buffer in buffers]
        _set(modules, modes, buffers, values)
        try:
            return module.forward(*args, **kwargs)
        finally:
            _set(modules, later[0], buffers, later[1])

    found = {id(value): value for m in modules for value in vars(m).values() if isinstance(value, Generator)}
    default = gd.random.default_generator()
    return gd.checkpoint(forward, generators=list({**found, id(default): default}.values()))


def _set(modules: list[Module], modes: list[bool], buffers: list[Any], values: list[Any]) -> None:
    for m, mode in zip(modules, modes, strict=True):
        if m.training is not mode:
            m.training = mode
    for buffer, value in zip(buffers, values, strict=True):
        buffer.data[...] = value
