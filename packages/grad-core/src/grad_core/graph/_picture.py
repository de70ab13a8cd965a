"""What is to be seen of a graph, as plain data: boxes, arrows between them, and what has to be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import numpy as np

from grad_core._attached import attached
from grad_core._batched import Batched
from grad_core._node import NUMBERS, Node, Spec
from grad_core._tensor import Tensor
from grad_core.errors import GradientError

__all__ = ["COLOURS", "Arrow", "Box", "Picture", "look", "walk"]

# kind: (background, line, rounding of the corners, dashes)
COLOURS: dict[str, tuple[str, str, float, str]] = {
    "leaf": ("#d8f3e3", "#2b8a57", 2.0, ""),
    "constant": ("#eceef1", "#8a93a0", 2.0, "4 3"),
    "op": ("#e4ebfd", "#5470c6", 12.0, ""),
    "result": ("#ffe9c7", "#c07a12", 2.0, ""),
    "more": ("#eceef1", "#8a93a0", 12.0, "2 3"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A tensor or an op call: "leaf", "constant", "op", "result", or "more" for what is not drawn."""

    kind: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From box to box, by position; `tip` says what goes along."""

    source: int
    target: int
    tip: str


@dataclass(slots=True)
class Picture:
    """Boxes, each after those that use it, arrows from input to use, and remarks."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0


def walk(tensors: Tensor | Sequence[Tensor]) -> Iterator[Node]:
    """The op calls that lead to a tensor, or to several: each once, the newest first.

    So an op call comes after all that use its result. Depth is no limit.

    Returns:
        An iterator over what ``x.grad_fn`` is: with ``name``, ``next_functions`` and ``register_hook``.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
        >>> y = x * x
        >>> [node.name for node in gd.graph.walk((y + y).sum())]
        ['sum', 'add', 'multiply']
    """
    waiting: dict[int, Node] = {}
    heap: list[int] = []
    reached: list[Any] = [x._node for x in _several(tensors)]
    while True:
        for edge in reached:
            # who uses a node is newer than it, so nothing leads to one that was here already
            if type(edge) is Node and edge.number not in waiting:
                waiting[edge.number] = edge
                heappush(heap, edge.number)
        if not heap:
            return
        node = waiting.pop(heappop(heap))
        yield node
        reached = list(node.edges)


def look(tensors: Tensor | Sequence[Tensor], *, values: bool, constants: bool, max_nodes: int) -> Picture:
    """The picture of a graph: its newest `max_nodes` op calls with their leaves and constants."""
    roots = _several(tensors)
    for x in roots:
        if not x.requires_grad:
            raise GradientError(
                f"a tensor that does not require grad{'' if x.name is None else f' (name={x.name!r})'} has no graph: "
                "nothing it was computed from has requires_grad=True, or it was computed under no_grad"
            )
    nodes: list[Node] = []
    left_out = 0
    for node in walk(roots):
        if len(nodes) < max_nodes:
            nodes.append(node)
        else:
            left_out += 1
    return _Looking(roots, nodes, left_out, values, constants).picture


class _Looking:
    """The making of one picture."""

    def __init__(self, roots: list[Tensor], nodes: list[Node], left_out: int, values: bool, constants: bool) -> None:
        self.picture = Picture(left_out=left_out)
        self._values = values
        self._place: dict[int, int] = {}  # where the box of a node is, by its number, or of a leaf, by its id
        self._shapes: dict[tuple[int, int], tuple[int, ...]] = {}  # of the outputs of nodes
        self._numbers: dict[tuple[int, int], Any] = {}  # values of outputs that are single numbers
        self._results = {(x._node.number, x._port) for x in roots if x._node is not None}
        kept = [self._add(Box("result", x.name or "result", self._of(x))) if x._node is not None else -1 for x in roots]
        for node in nodes:
            self._place[node.number] = len(self.picture.boxes)
            self.picture.boxes.append(Box("op", node.name, ()))
        for x, box in zip(roots, kept, strict=True):
            if x._node is None:
                self._leaf(x)
            elif x._node.number in self._place:
                self._learn(x._node, x._port, x._data)
                self._arrow(self._place[x._node.number], box, f"result of {x._node.name}")
        older = -1
        for node in nodes:
            box = self._place[node.number]
            self.picture.boxes[box] = self._op(node)
            for i, (edge, port) in enumerate(node.next_functions):
                saved = node.saved[i] if type(node.saved) is list else None
                if edge is None:
                    if constants:
                        self._arrow(self._add(_constant(saved)), box, f"argument {i} of {node.name}")
                    continue
                if type(edge) is not Node:
                    source = self._leaf(edge)
                else:
                    self._infer(node, edge, port, saved)
                    if edge.number not in self._place:
                        older = self._add(Box("more", f"{left_out:,} older", ("not drawn",))) if older < 0 else older
                    source = self._place.get(edge.number, older)
                self._arrow(source, box, f"argument {i} of {node.name}")
        if left_out:
            self.picture.notes.append(
                f"{left_out:,} older op calls are left out: max_nodes={len(nodes):,} was reached, raise it to see more"
            )
        released = sum(node.saved is None for node in nodes)
        if released:
            lost = "shapes and values" if values else "shapes"
            self.picture.notes.append(
                f"{released:,} of {len(nodes):,} op calls were released by backward, with the {lost} that they knew: "
                "draw before it, or pass it retain_graph=True"
            )

    def _add(self, box: Box) -> int:
        self.picture.boxes.append(box)
        return len(self.picture.boxes) - 1

    def _arrow(self, source: int, target: int, tip: str) -> None:
        self.picture.arrows.append(Arrow(source, target, tip))

    def _leaf(self, x: Tensor) -> int:
        if id(x) not in self._place:
            self._place[id(x)] = self._add(Box("leaf", x.name or "leaf", self._of(x)))
        return self._place[id(x)]

    def _of(self, x: Tensor) -> tuple[str, ...]:
        """What is to be said of a tensor."""
        lines = [f"{x.shape} {x.dtype}"]
        if self._values and x.size == 1 and type(x._data) is not Batched:
            lines.append(f"value {x.item():.4g}")
            if x.grad is not None:
                lines.append(_gradient(x))
        return tuple(lines)

    def _op(self, node: Node) -> Box:
        """What is to be said of an op call: options, and each result that no box of its own shows."""
        lines = [f"{key}={value}" for key, value in _options(node.params)]
        record = attached(node, node.number)
        names: dict[int, str] = {}
        living: dict[int, Tensor] = {}
        if record is not None:
            names = {port: name for port, (name, _) in record.named.items()}
            for port, alive in [*record.retained.items(), *[(p, alive) for p, (_, alive) in record.named.items()]]:
                x = alive()
                if x is not None and x._node is node:  # an assignment gives it another
                    living[port] = x
                    self._learn(node, port, x._data)
        several = type(node.result) is tuple
        for port in range(len(node.result) if several else 1):
            if (node.number, port) in self._results:
                continue
            dtype = node.result[port].dtype if several else node.result
            shape = node.result[port].shape if several else self._shapes.get((node.number, port), "?")
            lines.append(f"{names[port]} {shape} {dtype}" if port in names else f"{shape} {dtype}")
            if self._values and (node.number, port) in self._numbers:
                lines.append(f"value {self._numbers[node.number, port]:.4g}")
                if port in living and living[port].grad is not None:
                    lines.append(_gradient(living[port]))
        return Box("op", node.name, tuple(lines))

    def _learn(self, node: Node, port: int, array: Any) -> None:
        """Note shape and, of a single number, the value of an output."""
        self._shapes[node.number, port] = getattr(array, "shape", ())
        if type(array) is not Batched and np.size(array) == 1:  # inside vmap each entry has another
            self._numbers[node.number, port] = np.asarray(array).item()

    def _infer(self, node: Node, edge: Node, port: int, saved: Any) -> None:
        """Learn about an output from an op call that used it."""
        if isinstance(saved, Spec):
            self._shapes.setdefault((edge.number, port), saved.shape)
        elif saved is not None:
            self._learn(edge, port, saved)
        elif type(node.saved) is list and (node.number, 0) in self._shapes:
            # what nobody needs in any form has the shape of the result, which is why nobody needs it
            self._shapes.setdefault((edge.number, port), self._shapes[node.number, 0])
        if isinstance(edge.ans, np.ndarray | np.generic | Batched):
            self._learn(edge, port, edge.ans)


def _gradient(x: Tensor) -> str:
    return f"grad {x._grad.item():.4g}"


def _several(tensors: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _constant(saved: Any) -> Box:
    if type(saved) in NUMBERS:
        return Box("constant", f"{saved:.4g}" if isinstance(saved, float) else str(saved), ())
    if isinstance(saved, np.ndarray | np.generic) and saved.size == 1:
        return Box("constant", f"{saved.item():.4g}", (f"{saved.shape} {saved.dtype}",))
    return Box("constant", "constant", () if saved is None else (f"{saved.shape} {saved.dtype}",))


def _options(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The options of an op call that say something."""
    for key, value in params.items():
        if value is not None and value is not False:
            text = repr(value) if isinstance(value, int | float | str | tuple | slice) else type(value).__name__
            yield key, text if len(text) <= 24 else f"{text[:23]}…"
