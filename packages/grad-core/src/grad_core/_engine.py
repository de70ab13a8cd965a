"""The backward pass: one walk over the graph, newest node first, calling each op's own rules.

The walk knows nothing of any op. It calls the same rules with plain arrays, with tracked tensors (`create_graph`, for
derivatives of any order), or with untracked tensors (while a recorder listens, and inside `vmap`). It keeps a heap of
node numbers instead of recursing, so depth is no limit, and each node runs once, after everything that used its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any
from weakref import ref

import numpy as np

from ._attached import Attached, Hooks, attach, attached, marked
from ._batched import Batched
from ._hooks import run_after, run_before, run_on_grad
from ._modes import enable_grad, no_grad, state
from ._node import Node, Value
from ._op import wrap
from .errors import GraphReleasedError, InPlaceError

__all__ = ["retain", "run"]

Root = tuple[Value, Any]

_new = object.__new__
ndarray = np.ndarray
# what the rules are called with: arrays, tensors without a history, or tensors at their place in the graph
_PLAIN, _UNTRACKED, _TRACKED = range(3)
_ARRAYS = (np.ndarray, np.generic, Batched)


def retain(x: Value) -> None:
    """Have backward passes keep the gradient of a computed tensor, for as long as the tensor lives."""
    if x._node is not None:
        attach(x._node, x._node.number).retained[x._port] = ref(x)


def run(
    roots: Sequence[Root], *, retain_graph: bool, create_graph: bool, targets: Sequence[Value] | None = None
) -> list[tuple[Value, Any]]:
    """Carry cotangents back through the graph and return the gradients, each with the tensor it belongs to.

    Args:
        roots: tensors to start from, each with its cotangent: an array, or a Tensor where `create_graph` is set.
        retain_graph: keep what the rules need for another pass.
        create_graph: record the backward pass itself, so that its results can be differentiated.
        targets: the tensors whose gradients are wanted; rules that lead to none of them are not called.
            None: the gradients of all leaves, and of the tensors for which `retain` was called.

    Returns:
        (tensor, gradient) for each leaf, or target, that was reached. The arrays are the caller's own.
    """
    if create_graph:
        with enable_grad():
            return _walk(roots, retain_graph, _TRACKED, targets)
    if state.counts:  # batched values are computed with as tensors, and may have histories of their own, which go on
        return _walk(roots, retain_graph, _UNTRACKED, targets)
    if state.recorder is not None:
        with no_grad():
            return _walk(roots, retain_graph, _TRACKED, targets)
    return _walk(roots, retain_graph, _PLAIN, targets)


class _Gathered:
    """The cotangent of one value as contributions come in; only an array of the engine's own is added to in place."""

    __slots__ = ("g", "owned", "value")

    value: Any  # a Node or a leaf
    g: Any  # a list with one per output for a node with several results
    owned: bool

    def add(self, port: int, g: Any) -> None:
        """Add one more contribution."""
        if type(self.g) is list:
            earlier = self.g[port]
            self.g[port] = g if earlier is None else earlier + g
        elif self.owned:
            np.add(self.g, g, out=self.g)
        else:
            self.g = self.g + g
            self.owned = type(self.g) is ndarray

    def cast(self, dtype: Any) -> Any:
        """Make the cotangent one of `dtype`."""
        self.g = self.g.astype(dtype)
        self.owned = type(self.g) is ndarray
        return self.g

    def own(self) -> Any:
        """The cotangent as an array that nobody else holds."""
        return self.g.copy("K") if isinstance(self.g, ndarray) and not self.owned else self.g


def _gather(value: Any, port: int, g: Any, owned: bool) -> _Gathered:
    gathered = _new(_Gathered)
    gathered.value = value
    gathered.g = g
    gathered.owned = owned
    if type(value) is Node and type(value.result) is tuple:
        gathered.g = [None] * len(value.result)
        gathered.g[port] = g
    return gathered


def _complete(grads: list[Any], specs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents of all outputs of a node: zeros where none came, each in its output's dtype."""
    return tuple(
        [
            np.zeros(s.shape, s.dtype) if g is None else g if g.dtype == s.dtype else g.astype(s.dtype)
            for g, s in zip(grads, specs, strict=True)
        ]
    )


def _walk(
    roots: Sequence[Root], retain_graph: bool, lifted: int, targets: Sequence[Value] | None
) -> list[tuple[Value, Any]]:
    useful = None if targets is None else _leading_to(targets, roots)
    captured = {} if targets is None else {(x._node.number, x._port): None for x in targets if x._node is not None}
    leaves: dict[int, _Gathered] = {}  # by id of the tensor
    pending: dict[int, _Gathered] = {}  # by number of the node
    heap: list[int] = []
    kept: list[tuple[Value, Any]] = []
    anomaly = state.anomaly
    some_marked = len(marked) > 0

    for x, start in roots:
        edge = x._node or x
        g = wrap(start) if lifted and not isinstance(start, Value) else start
        if useful is None or edge in useful:
            _send(edge, x._port, g, False, pending, heap, leaves)
    while heap:
        number = heappop(heap)
        gathered = pending.pop(number)
        node = gathered.value
        g = gathered.g
        if type(g) is list:
            g = _complete(g, node.result)
        elif g.dtype is not node.result and g.dtype != node.result:
            g = gathered.cast(node.result)
        extras = attached(node, number) if some_marked and number in marked else None
        if extras is not None:
            if extras.on_grad:
                g = _hooked(node, extras.on_grad, g, gathered, lifted != _PLAIN)
            if targets is None and extras.retained:
                kept += _kept(extras.retained, gathered)
        if captured:
            _capture(captured, node, gathered)
        edges = node.edges
        if useful is not None:
            edges = [edge if edge in useful else None for edge in edges]
            if all(edge is None for edge in edges):
                continue
        saved = node.saved
        if type(saved) is not list:
            saved = _restored(node)
        for version, count, position in node.versions:
            if version[0] != count:
                raise _changed(node, version[0], count, position)
        ans = node.ans
        if lifted:
            saved, ans = _lift(node, lifted == _TRACKED)
        params = node.params
        ports = node.ports
        rules = node.rules
        if anomaly is not None or (extras is not None and (extras.before or extras.after)):
            for i, grad in enumerate(_carefully(node, edges, g, saved, ans, extras, lifted != _PLAIN)):
                if grad is not None:
                    _send(edges[i], ports[i] if ports is not None else 0, grad, False, pending, heap, leaves)
            edges = ()
        for i, edge in enumerate(edges):
            if edge is not None:
                grad = rules[i](g, ans, *saved, **params) if params else rules[i](g, ans, *saved)
                # a fresh array that nobody else has seen may be added to in place
                owned = grad is not g and type(grad) is ndarray and grad.base is None
                # `_send`, written out for the commonest cases: this is the hot path of every backward pass
                if type(edge) is not Node:
                    if id(edge) not in leaves:
                        gathered = leaves[id(edge)] = _new(_Gathered)
                        gathered.value = edge
                        gathered.g = grad
                        gathered.owned = owned
                    else:
                        leaves[id(edge)].add(0, grad)
                elif edge.number not in pending and type(edge.result) is not tuple:
                    gathered = pending[edge.number] = _new(_Gathered)
                    gathered.value = edge
                    gathered.g = grad
                    gathered.owned = owned
                    heappush(heap, edge.number)
                else:
                    _send(edge, ports[i] if ports is not None else 0, grad, owned, pending, heap, leaves)
        if not retain_graph:
            node.saved = node.ans = None
            node.versions = ()
    for key, gathered in leaves.items():
        x = gathered.value
        if gathered.g.dtype != x.dtype:
            gathered.cast(x.dtype)
        extras = attached(x, key) if key in marked else None
        if extras is not None and extras.on_grad:
            _hooked(x, extras.on_grad, gathered.g, gathered, lifted != _PLAIN)
    if targets is None:
        return kept + [(gathered.value, gathered.own()) for gathered in leaves.values()]
    found = []
    for x in targets:
        if x._node is not None:
            g = captured[x._node.number, x._port]
        else:
            g = leaves[id(x)].own() if id(x) in leaves else None
        if g is not None:
            found.append((x, g))
    return found


def _send(
    edge: Any,
    port: int,
    g: Any,
    owned: bool,
    pending: dict[int, _Gathered],
    heap: list[int],
    leaves: dict[int, _Gathered],
) -> None:
    """Add `g` to the cotangent of a value: an output of a node, or a leaf."""
    is_node = type(edge) is Node
    place, key = (pending, edge.number) if is_node else (leaves, id(edge))
    if key in place:
        place[key].add(port, g)
        return
    place[key] = _gather(edge, port, g, owned)
    if is_node:
        heappush(heap, key)


def _capture(captured: dict[tuple[int, int], Any], node: Node, gathered: _Gathered) -> None:
    """Keep the cotangents of the outputs of this node that were asked for."""
    grads = gathered.g if type(gathered.g) is list else [gathered.own()]
    for port, g in enumerate(grads):
        if (node.number, port) in captured:
            captured[node.number, port] = g


def _kept(retained: dict[int, ref[Value]], gathered: _Gathered) -> list[tuple[Value, Any]]:
    """The cotangents of the outputs of a node for which `retain` was called, with their tensors."""
    grads = gathered.g if type(gathered.g) is list else [gathered.own()]
    living = [(alive(), grads[port]) for port, alive in retained.items()]
    # several results share what is gathered with the rules, so each gets an array of its own
    return [
        (x, g.copy() if len(grads) > 1 and isinstance(g, ndarray) else g)
        for x, g in living
        if x is not None and g is not None
    ]


def _hooked(value: Any, hooks: dict[int, Hooks], g: Any, gathered: _Gathered, lifted: bool) -> Any:
    """The gradient of a node or leaf after the hooks of its tensors; `gathered` holds it from here on."""
    whose = repr(value) if type(value) is Node else "a leaf" if value._name is None else f"the leaf {value._name!r}"
    gs = list(g) if type(g) is tuple else [g]
    for port, of_port in hooks.items():
        if of_port:
            # a hook may keep or change what it gets, so that is nobody else's
            gs[port] = run_on_grad(of_port, gs[port] if lifted else gs[port].copy(), whose, lifted)
    gathered.g = gs if type(g) is tuple else gs[0]
    gathered.owned = False
    return tuple(gs) if type(g) is tuple else gs[0]


def _carefully(
    node: Node, edges: Sequence[Any], g: Any, saved: Sequence[Any], ans: Any, extras: Attached | None, lifted: bool
) -> Sequence[Any]:
    """The gradients of the inputs of a node, None where none is wanted, with its hooks and in anomaly mode."""
    several = type(g) is tuple
    gs = g if several else (g,)
    if extras is not None and extras.before:
        gs = run_before(node, extras.before, gs, lifted)

    def call() -> list[Any]:
        start = gs if several else gs[0]
        rules, params = node.rules, node.params
        return [None if edge is None else rules[i](start, ans, *saved, **params) for i, edge in enumerate(edges)]

    grads: Sequence[Any] = call() if state.anomaly is None else state.anomaly.differentiate(node, call, gs)
    if extras is not None and extras.after:
        return run_after(node, extras.after, tuple(grads), gs, lifted)
    return grads


def _leading_to(targets: Sequence[Value], roots: Sequence[Root]) -> set[Any]:
    """The nodes and leaves from which a target is reached, the targets included."""
    nodes: dict[int, Node] = {}
    stack = [x._node for x, _ in roots]
    while stack:
        node = stack.pop()
        if node is not None and node.number not in nodes:
            nodes[node.number] = node
            stack.extend([edge for edge in node.edges if type(edge) is Node])
    useful: set[Any] = {x._node or x for x in targets}
    for number in sorted(nodes, reverse=True):  # the oldest first: what a node leads to is decided before the node
        node = nodes[number]
        if any(edge in useful for edge in node.edges):
            useful.add(node)
    return useful


def _restored(node: Node) -> list[Any]:
    """What a node saved, where it is not there: to be computed again, or gone."""
    if node.saved is None:
        raise GraphReleasedError(
            f"the values saved by {node.op.name!r} were released by an earlier backward: "
            "pass retain_graph=True to that one, or compute the result again"
        )
    saved: Any = node.saved
    while type(saved) is not list:  # what comes back may itself be left to be computed again
        saved.restore()
        saved = node.saved
    return saved


def _lift(node: Node, tracked: bool) -> tuple[list[Any], Any]:
    """The saved values as tensors, for rules whose own derivative may be wanted with their place in the graph."""
    edges = node.edges if tracked else (None,) * len(node.edges)
    maker = node if tracked else None
    ports = node.ports or (0,) * len(edges)
    saved = [
        wrap(array, edge, port) if isinstance(array, _ARRAYS) else array
        for array, edge, port in zip(node.saved or (), edges, ports, strict=False)  # behind them what the op keeps
    ]
    if isinstance(node.ans, tuple):
        ans: Any = tuple(
            [wrap(array, maker, port) if isinstance(array, _ARRAYS) else array for port, array in enumerate(node.ans)]
        )
    else:
        ans = wrap(node.ans, maker) if isinstance(node.ans, _ARRAYS) else node.ans
    for array, lifted in zip(node.saved or (), saved, strict=False):
        if isinstance(array, np.generic) and lifted._data is not array:  # a leaf, which is lifted as itself
            raise _changed(node, lifted._version[0], 0, 0)
    for version, _, position in node.versions:  # a change of the original must be noticed through these too
        lifted = saved[position] if position >= 0 else ans[-1 - position] if isinstance(ans, tuple) else ans
        lifted._version = version
    if node.op.keep is not None:  # in operations whose derivatives count, instead of the arrays
        saved.append(node.op.keep(*saved, **node.params))
    return saved, ans


def _changed(node: Node, now: int, then: int, position: int) -> InPlaceError:
    value = (
        (node.saved or ())[position]
        if position >= 0
        else node.ans[-1 - position]
        if isinstance(node.ans, tuple)
        else node.ans
    )
    return InPlaceError(
        f"{node.op.name!r} saved {'an input' if position >= 0 else 'its result'} of shape "
        f"{np.shape(value)} at version {then}, and it is at "
        f"version {now} now: it was changed in place before backward. Change a copy instead, or change it "
        "after backward"
    )
