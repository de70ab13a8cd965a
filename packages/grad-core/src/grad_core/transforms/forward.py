"""Tangents through one op: by its own rule where it has one, else by transposing its backward rules.

A backward rule is linear in the cotangent g: a matrix applied to g. The tangent goes through that matrix transposed,
and transposing is what a backward pass does. So two of them, one through the rule itself, carry tangents forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from grad_core._op import Op, apply
from grad_core._tensor import Tensor

from .reverse import gradients

__all__ = ["push_forward"]


def push_forward(
    op: Op, inputs: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """The result of one op and its derivative along given directions.

    Args:
        op: an op with a single result.
        inputs: its arrays or tensors.
        tangents: for each input a direction of its shape, or None for zero.
        params: its keyword arguments.

    Returns:
        The result and its tangent, of equal shapes: tensors.

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
    zero = Tensor(np.zeros(ans.shape, ans.dtype))
    if op.rules is None or all(t is None for t in directions):
        return ans, zero
    if op.jvp is not None:
        return ans, op.jvp(tuple(directions), ans, *values, **options)
    total: Any = zero
    for rule, t in zip(op.rules_for(len(values)), directions, strict=True):
        if rule is None or t is None:
            continue
        g = Tensor(np.zeros(ans.shape, ans.dtype), requires_grad=True)
        pulled = rule(g, ans, *values, **options)
        if pulled.requires_grad:
            pushed = gradients(pulled, [g], gradient=t, create_graph=True)[g]
            total = total if pushed is None else total + pushed
    return ans, total
