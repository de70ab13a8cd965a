"""The class form of an op: a forward that saves what it likes, and one backward for all its inputs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ._batched import all_values
from ._node import Node, Value, spec
from ._op import Op, op
from .errors import GradientError, ShapeError

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = ["Context", "Function"]

# Where a saved value comes from: an input or an output of the op, with its position; None for a saved None.
_Place = tuple[str, int] | None


class Context:
    """What ``forward`` of a `Function` leaves for ``backward``: arrays by ``save``, anything else as attributes.

    Attributes that are set on it in ``forward`` are there in ``backward``; they are constants and nobody watches them.

    Attributes:
        saved: in ``backward``, what was given to ``save``, as a tuple.

    Example:
        >>> from grad_core.extend import Context
        >>> ctx = Context()
        >>> ctx.save(1.0, 2.0)
        >>> ctx.saved
        (1.0, 2.0)
    """

    def __init__(self) -> None:
        self.saved: tuple[Any, ...] = ()
        self._places: tuple[_Place, ...] = ()
        self._results = 0

    def save(self, *values: Any) -> None:
        """Keep inputs, results or other arrays for ``backward``, until the graph is released; a later call replaces.

        Changes in place of a saved input or result between forward and backward raise an ``InPlaceError``.
        """
        self.saved = values


class Function:
    """An op as a class: ``forward`` on arrays saves what ``backward``, for all inputs at once, needs.

    Derive from it, write the two static methods, and call ``YourClass.apply(*inputs, **params)``:

    - ``forward(ctx, *inputs, **params)`` gets arrays (or Python numbers, where those were given) and returns an array
      or a tuple of arrays. It keeps arrays with ``ctx.save(...)``, and other things as attributes of ``ctx``.
    - ``backward(ctx, *gs)`` gets a cotangent for each result and returns a gradient for each input: one, or a tuple;
      None where there is none. It reads ``ctx.saved``. Like any rule it is written in operators, NumPy functions and
      ``op.on(...)``, so that it runs on arrays and, for derivatives of higher order, on tensors.

    Saved inputs and results carry their history into ``backward``, so derivatives of any order are right. A saved
    array that is neither has none: a derivative that would need it raises instead of being wrong. Return it as a
    further result to have it differentiated.

    ``backward`` computes the gradients of all inputs even where one is wanted; an op declared with ``op`` has a rule
    for each.

    Raises:
        GradientError: ``backward`` returned another number of gradients than there are inputs, or a second derivative
            goes through a saved array that is neither input nor result.
        ShapeError: a gradient whose shape is not its input's.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> from grad_core.extend import Function
        >>> class Exp(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = np.exp(x)
        ...         ctx.save(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (y,) = ctx.saved
        ...         return g * y
        >>> x = gd.tensor([0.0, 0.0], requires_grad=True)
        >>> Exp.apply(x).backward([1.0, 5.0])
        >>> x.grad
        tensor([1., 5.])
    """

    _op: ClassVar[Op]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

        # The op is a pure function of arrays like any other. What forward saved, and the context, are further
        # results of it, so that nothing is captured and each call has its own.
        @op(vjp=_rule, name=cls.__name__)
        def call(*inputs: Any, **params: Any) -> tuple[Any, ...]:
            return _forward(cls, inputs, params)

        cls._op = call

    @staticmethod
    def forward(ctx: Context, *inputs: Any, **params: Any) -> Any:
        """The result, or a tuple of them, from arrays."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs, **params)")

    @staticmethod
    def backward(ctx: Context, *gs: Any) -> Any:
        """The gradient of the input, or a tuple of them, from the cotangents of the results."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *gs)")

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Call it: inputs are tensors or anything that becomes one, params are passed to ``forward`` as they are."""
        outs: Any = cls._op(*inputs, **params)
        ctx = _note(outs).ctx
        for out in outs[: ctx._results]:
            if type(out._node) is Node:
                _drop_unsaved(out._node, ctx)
                break
        return outs[0] if ctx._results == 1 else outs[: ctx._results]

    @classmethod
    def on(cls, *inputs: Any, **params: Any) -> Any:
        """Call it inside a rule, or inside ``backward``: arrays give arrays, and Tensors give Tensors."""
        if any(isinstance(x, Value) for x in inputs):
            return cls.apply(*inputs, **params)
        outs = cls._op.forward(*inputs, **params)
        count = _note(outs).ctx._results
        return outs[0] if count == 1 else outs[:count]


class _Note:
    """The last result of the op: a class and its context, in an array of objects, where an array is expected."""

    def __init__(self, cls: type[Function], ctx: Context) -> None:
        self.cls = cls
        self.ctx = ctx


class _Shared:
    """The gradients of all inputs, for the visit of a node in which they were computed."""

    def __init__(self, gradients: tuple[Any, ...]) -> None:
        self.gradients = gradients


def _note(outs: tuple[Any, ...]) -> _Note:
    last = outs[-1]
    # inside vmap there is a note for each entry
    first, *others = all_values(last._data if isinstance(last, Value) else last).flat
    found: _Note = first
    for other in others:
        if not _same(vars(found.ctx), vars(other.ctx)):
            raise GradientError(
                f"{found.cls.__name__}: inside vmap attributes of ctx must be the same for all entries, and these "
                "differ: keep what depends on values with ctx.save"
            )
    return found


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(
        np.array_equal(a[key], b[key]) if isinstance(a[key], np.ndarray) else a[key] == b[key] for key in a
    )


def _forward(cls: type[Function], inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    """The results, then the saved arrays that are neither input nor result, then the note."""
    given: list[Any] = []
    for x in inputs:
        # saved values are recognised by identity, so the same array twice must be two
        again = isinstance(x, np.ndarray) and any(x is earlier for earlier in given)
        given.append(x.view() if again else x)
    ctx = Context()
    made = cls.forward(ctx, *given, **params)
    originals = made if type(made) is tuple else (made,)
    results = [_own(y, given) for y in originals]
    extra: list[Any] = []
    places: list[_Place] = []
    for value in ctx.saved:
        new = len(results) + len(extra)
        places.append(_place(value, given, originals, new))
        if places[-1] == ("output", new):
            extra.append(_own(value, [*given, *results]))
    ctx.saved = ()
    ctx._places = tuple(places)
    ctx._results = len(results)
    note = np.empty((), object)
    note[()] = _Note(cls, ctx)
    return (*results, *extra, note)


def _own(y: Any, others: list[Any]) -> Any:
    """An array that is not the memory of another one, through which a change in place would go unnoticed."""
    y = y if isinstance(y, np.generic) else np.asarray(y)
    return y.copy() if any(isinstance(x, np.ndarray) and np.may_share_memory(x, y) for x in others) else y


def _place(value: Any, inputs: list[Any], results: tuple[Any, ...], new: int) -> _Place:
    if value is None:
        return None
    for name, candidates in (("input", inputs), ("output", results)):
        for i, candidate in enumerate(candidates):
            if value is candidate:
                return name, i
    return "output", new


def _drop_unsaved(node: Node, ctx: Context) -> None:
    """Of what an op with one rule for all keeps, let go what forward did not save."""
    used = set(ctx._places)
    last = len(node.ans) - 1
    node.saved = [x if ("input", i) in used else spec(x) for i, x in enumerate(node.saved or ())]
    node.ans = tuple([y if i == last or ("output", i) in used else spec(y) for i, y in enumerate(node.ans)])
    node.versions = [
        entry
        for entry in node.versions
        if (("input", entry[2]) if entry[2] >= 0 else ("output", -1 - entry[2])) in used
    ]


@op(vjp=(lambda g, _ans, _x, name: _refuse(name),), name="saved")
def _undifferentiated(x: Any, *, name: str) -> Any:
    return x


def _refuse(name: str) -> Any:
    raise GradientError(
        f"{name}: a derivative of higher order goes through a saved array that is neither input nor result, and so has "
        "no derivative: return it from forward as a further result, or save inputs and compute it in backward"
    )


def _rule(g: tuple[Any, ...], ans: tuple[Any, ...], *inputs: Any, which: int, **_params: Any) -> Any:
    note = _note(ans)
    # The engine makes the cotangent of the note anew at each visit of a node. The gradients of all inputs are put
    # there by whichever is asked for first, and go with it when the visit is over.
    if type(g[-1].flat[0]) is not _Shared:
        g[-1].flat[0] = _Shared(_backward(note, g, ans, inputs))
    # of inputs that no gradient is wanted by, the shape does not matter
    return _checked(g[-1].flat[0].gradients[which], inputs[which], which, note.cls.__name__)


def _backward(note: _Note, g: tuple[Any, ...], ans: tuple[Any, ...], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    name = note.cls.__name__
    ctx = copy.copy(note.ctx)
    ctx.saved = tuple([_restored(place, ans, inputs, ctx._results, name) for place in ctx._places])
    made = note.cls.backward(ctx, *g[: ctx._results])
    gradients = made if type(made) is tuple else (made,)
    if len(gradients) != len(inputs):
        raise GradientError(
            f"{name}: backward returned {len(gradients)} gradients for {len(inputs)} inputs: return one for each, None "
            "where there is none"
        )
    return gradients


def _restored(place: _Place, ans: tuple[Any, ...], inputs: tuple[Any, ...], results: int, name: str) -> Any:
    if place is None:
        return None
    kind, i = place
    value = inputs[i] if kind == "input" else ans[i]
    if not isinstance(value, Value) or (kind == "output" and i < results and value._data.dtype.kind == "f"):
        return value
    tensor: Tensor = value  # type: ignore[assignment]
    if kind == "input":
        return tensor
    return _undifferentiated(tensor, name=name) if tensor.dtype.kind == "f" else tensor.detach()


def _checked(grad: Any, x: Any, position: int, name: str) -> Any:
    shape = np.shape(x) if not hasattr(x, "shape") else x.shape
    if grad is None:
        return np.zeros(shape, getattr(x, "dtype", np.float64))
    grad = grad if isinstance(grad, Value | np.ndarray | np.generic) else np.asarray(grad)
    if grad.shape != shape:
        raise ShapeError(
            f"{name}: backward returned a gradient of shape {grad.shape} for input {position} of shape {shape}: they "
            "must be equal; where the input was broadcast, sum with grad_core.extend.sum_to.on(g, shape=x.shape)"
        )
    return grad
