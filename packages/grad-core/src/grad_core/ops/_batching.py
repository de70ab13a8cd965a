"""Rules for batches that many ops share: the batch axis goes in front, and what names axes is counted past it."""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._op import Op, Rule

__all__ = ["batch_in_front", "batch_past_axes", "in_front"]


def in_front(x: Any, axis: int | None) -> Any:
    """`x` with its batch axis in front, as a rule for batches wants it; as it is where it has none (None).

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import in_front
        >>> in_front(gd.zeros((2, 3, 5)), 2).shape
        (5, 2, 3)
    """
    return np.moveaxis(x, axis, 0) if axis else x


def batch_in_front(made: Op) -> Rule:
    """The rule for batches of an op of one array that leaves axes in front alone: one over the last axis, say.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import batch_in_front, op
        >>> @op(vjp=(lambda g, _ans, _x: g[..., None] * [0.5, 0.5],))
        ... def midpoint(x):
        ...     return x.sum(-1) / 2
        >>> midpoint.batch = batch_in_front(midpoint)
        >>> gd.vmap(midpoint)(gd.tensor([[1.0, 3.0], [5.0, 7.0]]))
        tensor([2., 6.])
    """

    def batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
        return made.on(in_front(inputs[0], axes[0]), **params), 0

    return batch


def batch_past_axes(made: Op) -> Rule:
    """For an op of one array with a parameter `axis`: one, several, or None for all; not negative."""

    def batch(
        inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int | tuple[int, ...] | None, **params: Any
    ) -> tuple[Any, int]:
        x = in_front(inputs[0], axes[0])
        if isinstance(axis, int):
            return made.on(x, axis=axis + 1, **params), 0
        chosen = range(x.ndim - 1) if axis is None else axis
        return made.on(x, axis=tuple([i + 1 for i in chosen]), **params), 0

    return batch
