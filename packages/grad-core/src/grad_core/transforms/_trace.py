"""Running a function on inputs of its own, so that its derivative by them can be taken, at any depth of nesting."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from grad_core._batched import Batched
from grad_core._modes import enable_grad, is_grad_enabled, state
from grad_core._node import Node
from grad_core._op import wrap
from grad_core._tensor import Tensor
from grad_core.errors import DTypeError, GradientError
from grad_core.ops.shape import broadcast_to

from ._containers import leaves_of, map_leaves

__all__ = ["Run", "cut", "fill", "positions_of", "trace", "variable"]


class _Hidden(threading.local):
    """The leaves that transforms of this thread made for themselves inside functions that others are running."""

    def __init__(self) -> None:
        self.depth = 0  # of functions that run
        self.leaves: list[weakref.ref[Tensor]] = []


_hidden = _Hidden()


class Run(NamedTuple):
    """What a function gave for inputs of its own."""

    inputs: list[Any]  # the chosen arguments, as trees of tensors
    leaves: list[Tensor]  # all tensors in them
    value: Any
    aux: Any
    nested: bool  # the value depends on other tracked tensors too: a derivative is being taken outside of this one


def positions_of(argnums: int | Sequence[int], count: int) -> list[int]:
    """The chosen positions among `count` arguments, counted from the front."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in positions:
        if not -count <= i < count:
            raise GradientError(
                f"argnums={argnums} asks for argument {i}, and the function was called with {count} positional ones"
            )
    return [i % count for i in positions]


def trace(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], positions: Sequence[int], has_aux: bool
) -> Run:
    """Call a function with the arguments at `positions` replaced by tensors to differentiate by."""
    inputs = {i: map_leaves(_input, args[i]) for i in positions}
    chosen = [inputs[i] for i in positions]
    leaves = list(leaves_of(chosen))
    start = len(_hidden.leaves)
    _hidden.depth += 1
    try:
        with enable_grad():
            result = function(*[inputs.get(i, x) for i, x in enumerate(args)], **kwargs)
        inner = [x for x in [found() for found in _hidden.leaves[start:]] if x is not None]
    finally:
        _hidden.depth -= 1
        if not _hidden.depth:
            _hidden.leaves.clear()
    value, aux = result if has_aux else (result, None)
    outputs = [y for y in leaves_of(value) if isinstance(y, Tensor)]
    return Run(chosen, leaves, value, aux, is_grad_enabled() and _depends_on_others(outputs, leaves, inner))


def fill(found: dict[Tensor, Tensor | None], tree: Any) -> Any:
    """The gradients in the form of the inputs; zeros where the value does not depend on one."""

    def filled(x: Tensor) -> Tensor:
        g = found.get(x)
        return Tensor(np.zeros(x.shape, x.dtype)) if g is None else g

    return map_leaves(filled, tree)


def _depends_on_others(outputs: Sequence[Tensor], inputs: Sequence[Tensor], inner: Sequence[Tensor]) -> bool:
    """Whether the history of the outputs goes on behind the inputs, or reaches leaves beside them and the inner."""
    if any(x._node is not None for x in inputs):
        return True
    ends: set[Any] = {*inputs, *[x for x in inner if x._node is None]}
    seen: set[Any] = set()
    stack: list[Any] = [y._node or y for y in outputs if y._requires_grad]
    while stack:
        edge = stack.pop()
        if edge is None or edge in ends or edge in seen:
            continue
        if not isinstance(edge, Node):
            return True
        seen.add(edge)
        stack.extend(edge.edges)
    return False


def _input(x: Any) -> Tensor:
    """An argument as something to differentiate by: a tensor whose history, if any, goes on behind it."""
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.dtype.kind != "f":
        raise DTypeError(
            f"grad: cannot differentiate by an argument of dtype {x.dtype}: give floats, such as 2.0 instead of 2"
        )
    if x.requires_grad and is_grad_enabled() and _at_this_level(x):
        own: Tensor = x + 0  # a value of its own, so that other uses of x in the function are not counted
        return own
    return variable(x)


def variable(x: Tensor) -> Tensor:
    """A new leaf with the value of `x`, to differentiate by.

    Inside vmap it is batched, whether or not `x` is: what is tracked inside only must not be tracked outside, where the
    batches are computed; and what `x` owes to the outside stays.
    """
    if not _at_this_level(x):
        x = wrap(Batched(broadcast_to(x, (state.counts[-1], *x.shape)), len(state.counts)))
    leaf = cut(x).requires_grad_()
    if _hidden.depth:  # a transform around must not take it for something that yet another derivative is wanted by
        _hidden.leaves.append(weakref.ref(leaf))
    return leaf


def _at_this_level(x: Tensor) -> bool:
    """Whether `x` has a value for each entry of the innermost vmap; outside of any, always."""
    return not state.counts or (type(x._data) is Batched and x._data.level == len(state.counts))


def cut(x: Tensor) -> Tensor:
    """`x` without its history in this level; inside vmap the history that its batch has outside goes on."""
    own: Tensor = wrap(x._data) if type(x._data) is Batched else x.detach()
    return own
