"""Ops, how they are declared, and `apply`, the only place where an op meets tensors."""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ._batched import Batched, batch_first
from ._dtypes import PLAIN, constant
from ._modes import GRAD, WATCHED, state
from ._node import KEPT, NUMBERS, Node, Spec, Value, spec, start_version
from .errors import DTypeError, GradError, ShapeError

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = ["Keeping", "Op", "Rule", "apply", "batch_elements", "next_number", "nondiff", "op", "wrap"]

Array = np.ndarray[Any, Any]
Rule = Callable[..., Any]
Plan = tuple[tuple[int, ...], tuple[int, ...], bool]

_new = object.__new__
ndarray = np.ndarray
asarray = np.asarray
# operators are quicker than the functions, on NumPy's scalars ten times
_OPERATORS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.power: operator.pow,
    np.negative: operator.neg,
}
# newer nodes have smaller numbers, so that a plain min-heap of them yields the newest first
next_number = itertools.count(0, -1).__next__


class Keeping(NamedTuple):
    """What a forward returns that has something for its rules: the result, or a tuple of them, and what is kept.

    See the argument `keep` of ``op``.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> from grad_core.extend import Keeping, op
        >>> def by_x(g, ans, _x, factor):
        ...     return g * ans * factor
        >>> @op(vjp=(by_x,), keep=lambda x: 2 * x)
        ... def bell(x):
        ...     return Keeping(np.exp(x * x), 2 * x)
        >>> gd.grad(bell)(0.0), gd.grad(gd.grad(bell))(0.0)
        (tensor(0.), tensor(2.))
    """

    result: Any
    kept: Any


class Op:
    """A differentiable function of arrays: a forward, and per argument the rule that carries a gradient back.

    Calling it takes anything array-like and gives a Tensor. ``on`` is for use inside rules: arrays give an array, and
    Tensors give a Tensor, so that one rule serves the plain backward pass and derivatives of any order.

    Attributes:
        forward: ``forward(*arrays, **params) -> array`` (or a tuple of arrays), NumPy only.
        into: the same, taking ``out=`` where NumPy can: for replaying into memory that is there already.
        rules: per argument ``rule(g, ans, *inputs, **params)``, None where there is no derivative; None for all.
        variadic: whether it takes any number of arrays; ``rules`` then holds one rule with a keyword ``which``.
        exact: rules to use instead where every input has the shape of the result; None where there are none.
        views: whether the result may share memory with the first input.
        kind: the declarator that made it.
        run: the forward, together with what it keeps for the rules; the same as `forward` where `keep` is None.
        keep: ``keep(*inputs, **params)`` gives what `run` keeps, in operations that can be differentiated; or None.
        jvp: ``jvp(tangents, ans, *inputs, **params)`` or None. batch: ``batch(inputs, axes, **params)`` or None.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> type(gd.tanh), gd.tanh.name
        (<class 'grad_core._op.Op'>, 'tanh')
        >>> type(gd.tanh.on(np.zeros(3))), type(gd.tanh.on(gd.zeros(3)))
        (<class 'numpy.ndarray'>, <class 'grad_core._tensor.Tensor'>)
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: tuple[Rule | None, ...] | None,
        *,
        kind: str,
        exact: tuple[Rule | None, ...] | None = None,
        variadic: bool = False,
        views: bool = False,
        jvp: Callable[..., Any] | None = None,
        batch: Callable[..., Any] | None = None,
        explain: Callable[..., str | None] | None = None,
        keep: Callable[..., Any] | None = None,
        ufunc: np.ufunc | None = None,
        name: str | None = None,
    ) -> None:
        update_wrapper(self, forward)
        self.name = name or forward.__name__.strip("_")
        self.into = ufunc or forward
        self.run = forward if ufunc is None else _OPERATORS.get(ufunc, ufunc)
        self.forward = self.run if keep is None else lambda *arrays, **params: forward(*arrays, **params).result
        self.keep = keep
        self.rules = rules
        self.kind = kind
        self.exact = exact
        self.variadic = variadic
        self.views = views
        self.jvp = jvp
        self.batch = batch
        self._explain = explain
        # bit i: argument i has a rule
        self.mask = (
            0 if rules is None else -1 if variadic else sum(1 << i for i, rule in enumerate(rules) if rule is not None)
        )
        self.mask_is_full = variadic or (rules is not None and None not in rules)
        self.plans: dict[int, Plan] = {}  # by the tracked arguments, as bits, and a further bit for their number

    def __call__(self, *inputs: Any, **params: Any) -> Tensor:
        """Apply to tensors or anything that can become one; the result is a Tensor, or a tuple of them."""
        for x in inputs:
            if type(x) not in NUMBERS:
                return apply(self, inputs, params)
        # numbers alone take the default dtype; beside an array they take the array's
        return apply(self, tuple([constant(x) for x in inputs]), params)

    def on(self, *inputs: Any, **params: Any) -> Any:
        """Apply inside a rule: all arrays give an array, any Tensor among them gives a Tensor."""
        for x in inputs:
            if isinstance(x, Value):
                return apply(self, inputs, params)
        return self.forward(*inputs, **params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def plan(self, tracked: int, count: int) -> Plan:
        """What the rules of the tracked arguments need: inputs that they read, inputs that they do not, the result."""
        wanted = [
            rule for i, rule in enumerate(self.rules or ()) if rule is not None and (self.variadic or tracked >> i & 1)
        ]
        reads = [_reads(rule, count) for rule in wanted]
        # what is kept can be had again from the inputs alone, so these all stay then
        kept = tuple([i for i in range(count) if self.keep or any(of_inputs[i] for _, of_inputs in reads)])
        dropped = tuple([i for i in range(count) if i not in kept])
        plan = (kept, dropped, any(of_ans for of_ans, _ in reads))
        if not self.variadic:
            self.plans[tracked | 1 << count] = plan
        return plan

    def rules_for(self, count: int) -> Sequence[Any]:
        """The rules for a call with `count` arrays."""
        rules: Sequence[Any] = self.rules or ()
        return [partial(rules[0], which=i) for i in range(count)] if self.variadic else rules

    def error(self, error: Exception, arrays: list[Any], params: dict[str, Any]) -> Exception:
        """The error to raise where the forward raised `error`: with the op, the shapes, and what disagrees."""
        if isinstance(error, GradError):
            return error
        given = ", ".join(str(np.shape(a)) for a in arrays)
        if isinstance(error, TypeError):
            dtypes = ", ".join(
                str(a.dtype) if isinstance(a, np.ndarray | np.generic) else type(a).__name__ for a in arrays
            )
            return DTypeError(f"{self.name}: cannot take {dtypes} (shapes {given}): {error}")
        why = self._explain(*arrays, **params) if self._explain is not None else None
        return ShapeError(f"{self.name}: {why or f'shapes {given}: {error}'}")


def _reads(rule: Any, count: int) -> tuple[bool, tuple[bool, ...]]:
    """What a rule says of itself by its parameter names: a leading underscore means that shape and dtype are enough."""
    code = getattr(rule, "declared", rule).__code__
    names = code.co_varnames[: code.co_argcount]
    start = 2 if names[0] == "g" else 1  # (g, ans, *inputs), or (ans, *inputs) where it is a factor of g
    reads = [not name.startswith("_") for name in names[start:]]
    if code.co_flags & inspect.CO_VARARGS:
        rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        reads += [not rest.startswith("_")] * (count - len(reads))
    return not names[start - 1].startswith("_"), tuple(reads[:count])


# set by `_tensor` when it defines the class: the one knot between tensors and ops, cut here
tensor_type: Any = Value


def wrap(array: Any, edge: Any = None, port: int = 0) -> Any:
    """A Tensor on `array` with the history `edge`: a Node or None; a leaf is its own history, and comes back."""
    if edge is not None and type(edge) is not Node:
        return edge
    out = _new(tensor_type)
    out._data = array if type(array) in KEPT else asarray(array)
    out._requires_grad = edge is not None
    out._node = edge
    out._port = port
    out._grad = None
    out._version = None
    out._name = None
    return out


_NO_PARAMS: dict[str, Any] = {}


def apply(op: Op, inputs: tuple[Any, ...], params: dict[str, Any] = _NO_PARAMS) -> Tensor:
    """Run an op on tensors and constants; record a node where history is on and an input with a rule is tracked.

    The result is a Tensor, or a tuple of them for an op with several results. This is what calling an op comes to, once
    its inputs are tensors, arrays, lists or numbers beside an array.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import apply
        >>> apply(gd.add, (gd.tensor([1.0, 2.0]), 3))
        tensor([4., 5.])
    """
    arrays: list[Any] = []
    edges: list[Any] = []
    tracked = 0  # bit i: input i requires grad
    bit = 1
    ported = False
    for x in inputs:
        if isinstance(x, Value):
            arrays.append(x._data)
            if x._requires_grad:
                tracked |= bit
                edges.append(x._node or x)
                if x._port:
                    ported = True
            else:
                edges.append(None)
        else:
            arrays.append(x if type(x) in PLAIN else constant(x))
            edges.append(None)
        bit += bit
    mode = state.mode  # once: reading what belongs to a thread is slow
    try:
        if mode & WATCHED and state.batching is not None and Batched in map(type, arrays):
            ans = state.batching(op, inputs, arrays, params)
        else:
            ans = op.run(*arrays, **params) if params else op.run(*arrays)
    except (ValueError, TypeError) as error:
        raise op.error(error, arrays, params) from error
    private = None
    several = False
    if type(ans) not in KEPT:
        if type(ans) is Keeping:
            ans, private = ans
        several = type(ans) is tuple
        if not several and type(ans) not in KEPT:
            ans = asarray(ans)
    if several:
        outs = tuple([wrap(array) for array in ans])
        out = cast("Tensor", outs)  # callers of such ops take them apart
    else:
        # `wrap`, written out: this is the hot path of every op
        out = _new(tensor_type)
        out._data = ans
        out._requires_grad = False
        out._node = None
        out._port = 0
        out._grad = None
        out._version = None
        out._name = None
        outs = (out,)
        if op.views and isinstance(inputs[0], Value):
            out._version = inputs[0]._version or start_version(inputs[0])
    tracked &= op.mask
    if tracked and mode & GRAD:
        node = _new(Node)
        node.op = op
        node.params = params
        node.number = next_number()
        node.ports = None
        if ported:
            node.ports = [x._port if edge is not None else 0 for x, edge in zip(inputs, edges, strict=True)]
        if not op.mask_is_full:  # an input may be tracked and have no rule
            edges = [edge if tracked >> i & 1 else None for i, edge in enumerate(edges)]
        node.edges = edges
        kept, dropped, keeps_ans = op.plans.get(tracked | bit) or op.plan(tracked, len(inputs))
        rules: Any = op.exact
        # with two inputs or more it is exact only where no tracked one was broadcast; numbers never are
        if rules is not None and bit > 2 and (type(ans) is ndarray or type(ans) is Batched):
            shape = ans.shape
            for i, edge in enumerate(edges):
                if edge is not None and arrays[i].shape != shape:
                    rules = None
                    break
        if rules is not None:
            for i in dropped:
                arrays[i] = None
            node.ans = ans if keeps_ans else None
        else:
            rules = op.rules_for(len(inputs))
            for i in dropped:
                arrays[i] = spec(arrays[i])
            node.ans = ans if keeps_ans else spec(ans)
        node.rules = rules
        if private is not None:
            arrays.append(private)
        node.saved = arrays
        versions: list[tuple[list[int], int, int]] = []
        for i in kept:
            x = inputs[i]
            if type(arrays[i]) is ndarray and isinstance(x, Value):  # scalars cannot change
                version = x._version or start_version(x)
                versions.append((version, version[0], i))
        if keeps_ans and (several or type(ans) is ndarray):
            for i, x in enumerate(outs):
                version = x._version or start_version(x)
                versions.append((version, version[0], -1 - i))
        node.versions = versions
        if several:
            node.result = tuple([Spec(array) for array in ans])
            for i, x in enumerate(outs):
                if x._data.dtype.kind == "f":  # indices, say, beside differentiable outputs
                    x._port = i
                    x._node = node
                    x._requires_grad = True
        else:
            node.result = ans.dtype
            out._node = node
            out._requires_grad = True
    if mode & WATCHED and state.listener is not None:
        state.listener(op, inputs, params, outs)
    return out


def op(
    *,
    vjp: tuple[Rule | None, ...] | Rule,
    jvp: Rule | None = None,
    batch: Rule | None = None,
    explain: Callable[..., str | None] | None = None,
    keep: Callable[..., Any] | None = None,
    views: bool = False,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op by its forward and its rules.

    Args:
        vjp: per argument, ``rule(g, ans, *inputs, **params)`` gives the gradient of that argument, of its shape,
            from the
            cotangent `g` of the result; None where there is none. One function instead of a tuple: the op takes any
            number
            of arrays, and the rule gets the position it is asked for as ``which``. A parameter whose name starts
            with an
            underscore is used for its shape and dtype only, and its memory is not kept.
            A rule is written in operators, NumPy functions and ``other_op.on(...)``; it does not branch on values.
        jvp: ``jvp(tangents, ans, *inputs, **params)``, tangents None where zero; derived from `vjp` where not given.
        batch: ``batch(inputs, axes, **params) -> (ans, axis)``; a loop over the batch where not given.
        explain: ``explain(*arrays, **params)`` says what is wrong with shapes that the forward refused.
        keep: for an op whose forward comes by something that its rules need too. The forward then returns
            ``Keeping(result, kept)``, and each rule gets `kept` as one more positional argument behind the inputs.
            ``keep(*inputs, **params)`` gives the same as `kept`, in operations that can be differentiated: derivatives
            of higher order, and vmap, call it instead.
        views: the result may share memory with the first argument.
        name: how messages call the op; the name of the function where not given.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import op
        >>> @op(vjp=(lambda g, _ans, _x, y: g @ y.T, lambda g, _ans, x, _y: x.T @ g))
        ... def product(x, y):
        ...     return x @ y
        >>> a, b = gd.ones((2, 3), requires_grad=True), gd.ones((3, 4))
        >>> product(a, b).sum().backward()
        >>> a.grad[0]
        tensor([4., 4., 4.])
    """

    def declare(forward: Callable[..., Any]) -> Op:
        variadic = callable(vjp)
        rules = (vjp,) if callable(vjp) else vjp
        return Op(
            forward,
            rules,
            kind="op",
            variadic=variadic,
            jvp=jvp,
            batch=batch,
            explain=explain,
            keep=keep,
            views=views,
            name=name,
        )

    return declare


def nondiff(
    *,
    ufunc: np.ufunc | None = None,
    batch: Rule | None = None,
    explain: Callable[..., str | None] | None = None,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare a function of arrays whose results have no history: comparisons, indices, rounding to integers.

    With `ufunc`, that NumPy function is the forward, and the decorated function carries only name and documentation;
    being a function of each element, it needs no `batch`.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> from grad_core.extend import nondiff
        >>> @nondiff()
        ... def ranks(x):
        ...     return np.argsort(np.argsort(x))
        >>> ranks(gd.tensor([0.5, 0.1, 0.9], requires_grad=True))
        tensor([1, 0, 2])
    """

    def declare(forward: Callable[..., Any]) -> Op:
        made = Op(forward, None, kind="nondiff", ufunc=ufunc, batch=batch, explain=explain, name=name)
        if ufunc is not None and batch is None:
            made.batch = batch_elements(made)
        return made

    return declare


def batch_elements(made: Op) -> Rule:
    """Batching of a function of each element: the batch in front, and the other axes lined up behind it."""

    def batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
        rank = max(np.ndim(x) - (axis is not None) for x, axis in zip(inputs, axes, strict=True))
        return made.on(*[batch_first(x, axis, rank) for x, axis in zip(inputs, axes, strict=True)], **params), 0

    batch.takes_numbers = True  # type: ignore[attr-defined]
    return batch
