"""Gradients as values: of a graph (`gradients`), and of a function (`grad`, `value_and_grad`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from grad_core._engine import run
from grad_core._modes import enable_grad, is_grad_enabled
from grad_core._node import Node
from grad_core._op import wrap
from grad_core._tensor import Tensor, cotangent
from grad_core.errors import DTypeError, GradientError

from ._containers import leaves_of, map_leaves

__all__ = ["grad", "gradients", "value_and_grad"]


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
    reached: list[tuple[Any, Any]] = run(roots, retain_graph=retain, create_graph=create_graph, targets=targets)
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
        argument;
        for several `argnums` it is a tuple of them. It can be differentiated again: ``grad(grad(f))``.

    Raises:
        GradientError: the function does not return a scalar tensor.
        DTypeError: an argument to differentiate is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.value_and_grad(lambda x: (x * x).sum())(gd.tensor([1.0, 2.0]))
        (tensor(5.), tensor([2., 4.]))
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(function)
    def with_grad(*args: Any, **kwargs: Any) -> Any:
        for i in positions:
            if not -len(args) <= i < len(args):
                raise GradientError(
                    f"argnums={argnums} asks for argument {i}, and the function was called with "
                    f"{len(args)} positional ones"
                )
        chosen = [i % len(args) for i in positions]
        inputs = {i: map_leaves(_input, args[i]) for i in chosen}
        with enable_grad():
            result = function(*[inputs.get(i, x) for i, x in enumerate(args)], **kwargs)
        value, aux = result if has_aux else (result, None)
        if not isinstance(value, Tensor) or value.size != 1:
            shape = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise GradientError(
                f"grad needs a function that returns one number as a tensor, and this returned {shape}: "
                "reduce it, say with .sum()"
            )
        leaves = list(leaves_of(list(inputs.values())))
        # what else is tracked belongs to a derivative being taken outside: this gradient must be recorded for it
        nested = is_grad_enabled() and _depends_on_others(value, leaves)
        found = gradients(value, leaves, create_graph=nested) if value.requires_grad else dict.fromkeys(leaves)
        taken = {id(x): np.zeros(x.shape, x.dtype) if g is None else g for x, g in found.items()}
        grads = [
            map_leaves(lambda x: g if isinstance(g := taken[id(x)], Tensor) else Tensor(g), inputs[i]) for i in chosen
        ]
        outcome = grads[0] if isinstance(argnums, int) else tuple(grads)
        value = value if nested else value.detach()
        return ((value, aux), outcome) if has_aux else (value, outcome)

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


def _depends_on_others(value: Tensor, inputs: Sequence[Tensor]) -> bool:
    """Whether the history of `value` goes on behind the inputs, or reaches leaves beside them."""
    ends = {x._node or x for x in inputs}
    if any(x._node is not None for x in inputs):
        return True
    seen: set[Any] = set()
    stack: list[Any] = [value._node or value] if value._requires_grad else []
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
    if isinstance(x, Tensor):
        if x.requires_grad and is_grad_enabled():
            return x + 0  # a value of its own, so that other uses of x in the function are not counted
        made = x.detach()
    else:
        made = Tensor(x)
    if made.dtype.kind != "f":
        raise DTypeError(
            f"grad: cannot differentiate by an argument of dtype {made.dtype}: give floats, such as 2.0 instead of 2"
        )
    return made.requires_grad_()
