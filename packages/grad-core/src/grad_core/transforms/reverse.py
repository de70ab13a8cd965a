"""Gradients as values: of a graph (`gradients`), and of a function (`grad`, `value_and_grad`, `vjp`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from grad_core._engine import run as run_backward
from grad_core._modes import is_grad_enabled
from grad_core._node import array_like
from grad_core._op import wrap
from grad_core._tensor import Tensor, cotangent
from grad_core.errors import GradientError

from ._containers import leaves_of, map_leaves
from ._trace import cut, fill, positions_of, trace

__all__ = ["grad", "gradients", "value_and_grad", "vjp"]


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Sequence[Tensor] | Tensor | None = None,
    *,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> dict[Tensor, Tensor | None]:
    """The gradients of `outputs`, as a mapping from tensor to gradient; no ``.grad`` is read or written.

    Args:
        outputs: a tensor, or several, whose gradients are then summed.
        inputs: the tensors whose gradients are wanted, results along the way included; only what leads to them is
            computed.
            None: every leaf that requires grad.
        gradient: where to start from, of the shape of the output (a sequence of them for several outputs); 1 for
            scalars.
        retain_graph: keep saved values for another backward; as `create_graph` where not given.
        create_graph: make the gradients differentiable themselves.

    Returns:
        tensor -> gradient of its shape and dtype; None for an input that the outputs do not depend on.

    Raises:
        GradientError: an output or input that does not require grad, or a non-scalar output without `gradient`.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> z = y * 2
        >>> g = gd.gradients(z, [x, y])
        >>> g[x], g[y]
        (tensor(12.), tensor(2.))
    """
    many = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    starts = [gradient] if isinstance(outputs, Tensor) else [None] * len(many) if gradient is None else list(gradient)
    if len(starts) != len(many):
        raise GradientError(
            f"gradients: {len(many)} outputs and {len(starts)} gradients to start from: give one for each, "
            "or none at all"
        )
    targets = None if inputs is None else [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for i, x in enumerate(targets or ()):
        if not isinstance(x, Tensor) or not x.requires_grad:
            raise GradientError(
                f"gradients: input {i} does not require grad: make it with requires_grad=True, before "
                "computing the outputs"
            )
    roots = [(y, cotangent(y, start, "gradients()", create_graph)) for y, start in zip(many, starts, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    found: dict[Tensor, Tensor | None] = dict.fromkeys(targets or ())
    reached: list[tuple[Any, Any]] = run_backward(
        roots, retain_graph=retain, create_graph=create_graph, targets=targets
    )
    found.update({x: g if isinstance(g, Tensor) else wrap(g) for x, g in reached})
    return found


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the value of `function` and its gradient.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns a scalar.
        argnums: the positional argument to differentiate, or several.
        has_aux: `function` returns ``(scalar, anything else)``, and the something else is passed on.

    Returns:
        A function ``(...) -> (value, gradient)``, or ``((value, aux), gradient)``. The gradient has the form of the
        argument; for several `argnums` it is a tuple of them. It can be differentiated again: ``grad(grad(f))``.

    Raises:
        GradientError: the function does not return a scalar tensor.
        DTypeError: an argument to differentiate is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.value_and_grad(lambda x: (x * x).sum())(gd.tensor([1.0, 2.0]))
        (tensor(5.), tensor([2., 4.]))
    """

    @wraps(function)
    def with_grad(*args: Any, **kwargs: Any) -> Any:
        run = trace(function, args, kwargs, positions_of(argnums, len(args)), has_aux)
        value = run.value
        if not isinstance(value, Tensor) or value.size != 1:
            shape = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise GradientError(
                f"grad needs a function that returns one number as a tensor, and this returned {shape}: "
                "reduce it, say with .sum()"
            )
        found = gradients(value, run.leaves, create_graph=run.nested) if value.requires_grad else {}
        grads = [fill(found, tree) for tree in run.inputs]
        outcome = grads[0] if isinstance(argnums, int) else tuple(grads)
        value = value if run.nested else cut(value)
        return ((value, run.aux), outcome) if has_aux else (value, outcome)

    return with_grad


def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of `function`; see ``value_and_grad`` for the arguments.

    Example:
        >>> import grad_core as gd
        >>> cube = lambda x: x * x * x
        >>> gd.grad(cube)(2.0), gd.grad(gd.grad(cube))(2.0)
        (tensor(12.), tensor(12.))
    """
    both = value_and_grad(function, argnums, has_aux=has_aux)

    @wraps(function)
    def only_grad(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return only_grad


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of a function, and the function that carries cotangents of the value back to the arguments.

    With J the Jacobian at `primals`, the second maps v to vᵀJ. It may be called often, and its results can be
    differentiated.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns such.
        primals: its arguments; all of them are differentiated by.
        has_aux: `function` returns ``(value, anything else)``, and the something else is passed on.

    Returns:
        ``(value, pullback)``, or ``(value, pullback, aux)``. ``pullback(cotangents)``, with cotangents in the form of
        the value, gives a tuple with a gradient in the form of each argument.

    Raises:
        DTypeError: an argument is not floating.
        GradientError: the cotangents do not have the form of the value.
        ShapeError: a cotangent has another shape than its value.

    Example:
        >>> import grad_core as gd
        >>> value, pullback = gd.vjp(lambda x, y: x * y, 2.0, 3.0)
        >>> value, pullback(10.0)
        (tensor(6.), (tensor(30.), tensor(20.)))
    """
    run = trace(function, primals, {}, range(len(primals)), has_aux)
    outputs = list(leaves_of(run.value))
    for y in outputs:
        if not isinstance(y, Tensor):
            raise GradientError(f"vjp needs a function that returns tensors, and this returned {type(y).__name__}")

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        given = list(leaves_of(cotangents))
        if len(given) != len(outputs):
            raise GradientError(
                f"the pullback takes a cotangent for each of {len(outputs)} values, in their form, and got {len(given)}"
            )
        starts = [array_like(g) for g in given]
        tracked = any(isinstance(g, Tensor) and g.requires_grad for g in starts)
        pairs = [(y, g) for y, g in zip(outputs, starts, strict=True) if y.requires_grad]
        if not pairs:
            return tuple([fill({}, tree) for tree in run.inputs])
        ys, gs = zip(*pairs, strict=True)
        record = is_grad_enabled() and (run.nested or tracked)
        found = gradients(ys, run.leaves, gradient=gs, retain_graph=True, create_graph=record)
        return tuple([fill(found, tree) for tree in run.inputs])

    value = run.value if run.nested else map_leaves(cut, run.value)
    return (value, pullback, run.aux) if has_aux else (value, pullback)
