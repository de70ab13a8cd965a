"""Calling the hooks of tensors and nodes during backward, and checking what they return."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._attached import Hooks
from ._dtypes import constant
from ._modes import no_grad
from ._node import NUMBERS, Node, Value
from ._op import wrap
from .errors import DTypeError, GradientError, ShapeError

__all__ = ["run_after", "run_before", "run_on_grad"]


def run_on_grad(hooks: Hooks, g: Any, whose: str, lifted: bool) -> Any:
    """The gradient after the hooks of a tensor; `g` must be an array that nobody else holds, or a Tensor."""
    if lifted:
        return _on_grad(hooks, g, whose)
    with no_grad():
        return _on_grad(hooks, wrap(g), whose)._data


def _on_grad(hooks: Hooks, g: Any, whose: str) -> Any:
    for hook in list(hooks.values()):
        given = hook(g)
        if given is not None:
            g = _checked(given, g, f"the hook {_name(hook)} of {whose}")
    return g


def run_before(node: Node, hooks: Hooks, gs: tuple[Any, ...], lifted: bool) -> tuple[Any, ...]:
    """The gradients of a node's outputs after its prehooks."""
    if lifted:
        return _around(node, hooks, gs, (), "prehook")
    with no_grad():
        return _plain(_around(node, hooks, _wrapped(gs), (), "prehook"))


def run_after(node: Node, hooks: Hooks, grads: tuple[Any, ...], gs: tuple[Any, ...], lifted: bool) -> tuple[Any, ...]:
    """The gradients of a node's inputs after its hooks."""
    if lifted:
        return _around(node, hooks, grads, (gs,), "hook")
    with no_grad():
        return _plain(_around(node, hooks, _wrapped(grads), (_wrapped(gs),), "hook"))


def _around(node: Node, hooks: Hooks, grads: tuple[Any, ...], more: tuple[Any, ...], kind: str) -> tuple[Any, ...]:
    for hook in list(hooks.values()):
        given = hook(grads, *more)
        if given is None:
            continue
        who = f"the {kind} {_name(hook)} of {node!r}"
        parts = (given,) if isinstance(given, Value | np.ndarray) and len(grads) == 1 else given
        several = isinstance(parts, tuple | list)
        if not several or len(parts) != len(grads):
            raise GradientError(
                f"{who} returned {f'{len(parts)} gradients' if several else type(parts).__name__}, and there are "
                f"{len(grads)}: return a tuple with one for each, None where there is none, or None to leave all as "
                "they are"
            )
        for old, new in zip(grads, parts, strict=True):
            if (old is None) != (new is None):
                raise GradientError(
                    f"{who} returned {'a gradient where there is none' if old is None else 'None for a gradient'}: "
                    "return None exactly where it was given; zeros stop a gradient"
                )
        grads = tuple([None if old is None else _checked(new, old, who) for old, new in zip(grads, parts, strict=True)])
    return grads


def _checked(given: Any, g: Any, who: str) -> Any:
    """What a hook returned, as a tensor of the shape and dtype of the gradient that it was given."""
    new: Any
    if isinstance(given, Value):
        new = given
    elif isinstance(given, np.ndarray | np.generic) or type(given) in NUMBERS:
        # a plain number has no dtype of its own
        new = wrap(given if isinstance(given, np.ndarray | np.generic) else constant(given).astype(g.dtype))
    else:
        raise DTypeError(f"{who} returned {type(given).__name__}: return a tensor in place of the gradient, or None")
    if new.shape != g.shape:
        raise ShapeError(
            f"{who} returned shape {new.shape} for a gradient of shape {g.shape}: they must be equal, and "
            "gd.broadcast_to makes them so"
        )
    if new.dtype != g.dtype:
        raise DTypeError(
            f"{who} returned {new.dtype} for a gradient of {g.dtype}: they must be equal, and .astype(grad.dtype) "
            "makes them so"
        )
    return new


def _wrapped(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # copies: what a hook keeps or changes must not be what the engine goes on adding to, or passes to others
    return tuple([None if g is None else wrap(g.copy()) for g in values])


def _plain(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([None if g is None else g._data for g in values])


def _name(hook: Any) -> str:
    return repr(getattr(hook, "__name__", type(hook).__name__))
