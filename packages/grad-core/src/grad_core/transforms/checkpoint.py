"""Less memory for more time: what a function saves for its derivative is dropped, and computed again when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from weakref import ref

from grad_core._modes import enable_grad, state
from grad_core._node import Node, start_version
from grad_core._op import next_number
from grad_core._tensor import Tensor
from grad_core.errors import GradientError, InPlaceError
from grad_core.random import Generator

from ._containers import leaves_of

__all__ = ["checkpoint"]


def checkpoint(function: Callable[..., Any], *, generators: Sequence[Generator] = ()) -> Callable[..., Any]:
    """The same function, whose graph keeps no values: a backward pass runs it a second time to have them.

    Its graph stays, without the arrays. When the backward pass comes to it, the function runs again on the same
    arguments, and the values of the second run take their places. So a chain of n checkpointed layers keeps n inputs
    instead of everything that the layers save, for about a third more time. Derivatives of any order, and gradients by
    tensors that the function only refers to, are as without it.

    Args:
        function: takes anything and returns tensors, or nested lists, tuples and dicts of them. The second run must do
            the same as the first.
        generators: random Generators that it draws from: they are set back for the second run, which then draws the
            same numbers, and put forward again.

    Raises:
        GradientError: in the backward pass, if the second run does other operations than the first.
        InPlaceError: in the backward pass, if an argument, or a leaf that it read, was changed in between.

    Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.

    Example:
        >>> import grad_core as gd
        >>> layer = gd.checkpoint(lambda x: gd.tanh(x) * gd.exp(x))
        >>> x = gd.tensor(0.0, requires_grad=True)
        >>> layer(layer(x)).backward()
        >>> x.grad
        tensor(1.)
    """

    @wraps(function)
    def frugal(*args: Any, **kwargs: Any) -> Any:
        if not state.grad:
            return function(*args, **kwargs)
        mark = next_number()
        states = [generator.get_state() for generator in generators]
        result = function(*args, **kwargs)
        nodes, leaves = _made_since(result, mark)
        inputs = [x for x in leaves_of([args, kwargs]) if isinstance(x, Tensor)]
        watched = [(version, version[0]) for version in map(start_version, [*inputs, *leaves])]

        def again() -> list[Node]:
            now = [generator.get_state() for generator in generators]
            for generator, earlier in zip(generators, states, strict=True):
                generator.set_state(earlier)
            try:
                with enable_grad():
                    start = next_number()
                    return _made_since(function(*args, **kwargs), start)[0]
            finally:
                for generator, later in zip(generators, now, strict=True):
                    generator.set_state(later)

        dropped = _Dropped(getattr(function, "__name__", repr(function)), again, nodes, watched)
        for node in nodes:
            if node.saved is not None:
                node.saved = dropped
                node.ans = None
        return result

    return frugal


class _Dropped:
    """Stands for what the nodes of one call of a function saved, until a backward pass asks for it."""

    def __init__(
        self,
        name: str,
        again: Callable[[], list[Node]],
        nodes: Sequence[Node],
        watched: Sequence[tuple[list[int], int]],
    ) -> None:
        self.name = name
        self.again = again
        self.nodes = [ref(node) for node in nodes]  # they refer to this object: without cycles, memory goes at once
        self.kinds = [(node.op, node.result) for node in nodes]
        self.watched = watched

    def restore(self) -> None:
        """Run the function again, and give each node what it saved."""
        for version, count in self.watched:
            if version[0] != count:
                raise InPlaceError(
                    f"checkpoint: {self.name!r} read a tensor at version {count}, and it is at version {version[0]} "
                    "now: it was changed in place before backward, which has to compute with it again. Change a copy "
                    "instead, or change it after backward"
                )
        fresh = self.again()
        if [node.op for node in fresh] != [op for op, _ in self.kinds]:
            raise GradientError(
                f"checkpoint: the second run of {self.name!r} did {len(fresh)} operations, and the first "
                f"{len(self.kinds)}, or others: it must do the same each time. Pass the Generators that it draws from "
                "as generators=, and let nothing else change in between"
            )
        for alive, again in zip(self.nodes, fresh, strict=True):
            node = alive()
            if node is not None and node.saved is self:
                node.saved, node.ans, node.versions = again.saved, again.ans, again.versions
                if isinstance(again.saved, _Dropped):  # by a checkpoint inside this one
                    again.saved.nodes = [ref(node) if kept() is again else kept for kept in again.saved.nodes]


def _made_since(result: Any, mark: int) -> tuple[list[Node], list[Tensor]]:
    """The nodes behind a result that are newer than `mark`, always in the same order, and the leaves that they use."""
    nodes: dict[int, Node] = {}
    leaves: dict[int, Tensor] = {}
    stack: list[Any] = [y._node for y in leaves_of(result) if isinstance(y, Tensor)]
    while stack:
        edge = stack.pop()
        if isinstance(edge, Tensor):
            leaves[id(edge)] = edge
        elif edge is not None and edge.number < mark and edge.number not in nodes:
            nodes[edge.number] = edge
            stack.extend(edge.edges)
    return list(nodes.values()), list(leaves.values())
