"""Rules for batches that many ops share: the batch axis goes in front, and what names axes is counted past it."""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._op import Op, Rule

__all__ = ["batch_in_front", "batch_past_axes", "in_front"]


def in_front(x: Any, axis: int | None) -> Any:
    """`x` with its batch axis in front; as it is where it has none, or has it there already."""
    return np.moveaxis(x, axis, 0) if axis else x


def batch_in_front(made: Op) -> Rule:
    """For an op of one array that leaves axes in front alone, as one that counts its axis from the back does."""

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
