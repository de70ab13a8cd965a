"""Tangents: through one op by its own rule where it has one, and through functions, by transposing what goes back.

A backward rule is linear in the cotangent g: a matrix applied to g. The tangent goes through that matrix transposed,
and transposing is what a backward pass does. So two of them, one through the rule itself, carry tangents forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grad_core._modes import enable_grad
from grad_core._node import array_like
from grad_core._op import Op, apply
from grad_core._tensor import Tensor
from grad_core.errors import GradientError, ShapeError

from ._containers import leaves_of, map_leaves
from ._trace import Run, cut, trace, variable
from .reverse import gradients

__all__ = ["jvp", "linearize", "push_forward"]


def push_forward(
    op: Op, inputs: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """The result of one op and its derivative along given directions.

    Args:
        op: any op.
        inputs: its arrays or tensors.
        tangents: for each input a direction of its shape, or None for zero.
        params: its keyword arguments.

    Returns:
        The result and its tangent, of equal shapes: tensors, or tuples of them for an op with several results.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import push_forward
        >>> push_forward(gd.square, [gd.tensor([1.0, 2.0])], [gd.tensor([10.0, 1.0])])[1]
        tensor([20.,  4.])
    """
    options = params or {}
    values = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
    directions = [None if t is None else t if isinstance(t, Tensor) else Tensor(t) for t in tangents]
    ans = apply(op, tuple(values), options)
    several = isinstance(ans, tuple)
    parts = ans if several else (ans,)
    total = [Tensor(np.zeros(part.shape, part.dtype)) for part in parts]
    if op.rules is not None and op.jvp is not None and any(t is not None for t in directions):
        return ans, op.jvp(tuple(directions), ans, *values, **options)
    for rule, t in zip(op.rules_for(len(values)), directions, strict=False):
        if rule is None or t is None:
            continue
        probes = [variable(z) if z.dtype.kind == "f" else z for z in total]
        pulled = rule(tuple(probes) if several else probes[0], ans, *values, **options)
        if pulled.requires_grad:
            tracked = [g for g in probes if g.requires_grad]
            pushed = gradients(pulled, tracked, gradient=t, create_graph=True)
            total = [z if pushed.get(g) is None else z + pushed[g] for g, z in zip(probes, total, strict=True)]
    return ans, tuple(total) if several else total[0]


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of a function, and its derivative along a direction.

    With J the Jacobian at `primals`, the derivative along t is J t. The backward pass from the value is linear in its
    cotangent, v to vᵀJ; a second one, by the cotangent, gives J t: twice the work of a gradient, for any function.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns such.
        primals: its arguments, as a tuple or list.
        tangents: a direction in the form of each argument.
        has_aux: `function` returns ``(value, anything else)``, and the something else is passed on.

    Returns:
        ``(value, derivative)``, both in the form of what `function` returns, or ``(value, derivative, aux)``.

    Raises:
        DTypeError: an argument is not floating.
        GradientError: the tangents do not have the form of the primals.
        ShapeError: a tangent has another shape than its primal.

    Example:
        >>> import grad_core as gd
        >>> gd.jvp(lambda x: x * x, (3.0,), (1.0,))
        (tensor(9.), tensor(6.))
    """
    run, push = linearize(function, primals, {}, range(len(primals)), has_aux)
    found = push(list(tangents))
    outcome = map_leaves(lambda y: found[id(y)], run.value)
    value = run.value if run.nested else map_leaves(cut, run.value)
    return (value, outcome, run.aux) if has_aux else (value, outcome)


def linearize(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], positions: Sequence[int], has_aux: bool
) -> tuple[Run, Callable[[Any], dict[int, Tensor]]]:
    """Run a function, and get what carries tangents, in the form of the inputs, to one for each output, by its id."""
    run = trace(function, args, kwargs, positions, has_aux)
    everything = list(leaves_of(run.value))
    for y in everything:
        if not isinstance(y, Tensor):
            raise GradientError(f"jvp needs a function that returns tensors, and this returned {type(y).__name__}")
    outputs = [y for y in everything if y.requires_grad]
    probes = [variable(Tensor(np.zeros(y.shape, y.dtype))) for y in outputs]
    with enable_grad():
        pulled = gradients(outputs, run.leaves, gradient=probes, create_graph=True) if outputs else {}

    def push(tangents: Any) -> dict[int, Tensor]:
        directions = [array_like(t) for t in leaves_of(tangents)]
        if len(directions) != len(run.leaves):
            raise GradientError(
                f"{len(run.leaves)} primals and {len(directions)} tangents: give a tangent in the form of each primal"
            )
        for i, (x, t) in enumerate(zip(run.leaves, directions, strict=True)):
            if x.shape != t.shape:
                raise ShapeError(f"tangent {i} has shape {t.shape}, and its primal {x.shape}: they must be equal")
        pairs = [(pulled.get(x), t) for x, t in zip(run.leaves, directions, strict=True)]
        ends = [(g, t) for g, t in pairs if g is not None and g.requires_grad]
        pushed: dict[Tensor, Tensor | None] = {}
        if ends:
            gs, ts = zip(*ends, strict=True)
            tracked = run.nested or any(isinstance(t, Tensor) and t.requires_grad for t in ts)
            pushed = gradients(gs, probes, gradient=ts, retain_graph=True, create_graph=tracked)
        of = {id(y): pushed.get(probe) for y, probe in zip(outputs, probes, strict=True)}
        zeros = {id(y): Tensor(np.zeros(y.shape, y.dtype)) for y in everything}
        return {key: zeros[key] if of.get(key) is None else of[key] for key in zeros}  # type: ignore[misc]

    return run, push
