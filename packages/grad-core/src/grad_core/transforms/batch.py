"""One op over a batch of inputs: by its own rule where it has one, else by a loop whose results are stacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grad_core._op import Op, apply
from grad_core._tensor import Tensor
from grad_core.errors import ShapeError
from grad_core.ops.shape import moveaxis, stack

__all__ = ["push_batch"]


def push_batch(
    op: Op, inputs: Sequence[Any], axes: Sequence[int | None], params: dict[str, Any] | None = None
) -> tuple[Any, int]:
    """One op applied to each entry of a batch, along an axis of some of its inputs.

    Args:
        op: an op with a single result.
        inputs: its arrays or tensors.
        axes: for each input the axis that counts the batch, or None where the input is the same for all entries.
        params: its keyword arguments, as for one entry.

    Returns:
        The results as one tensor, and its axis that counts the batch.

    Raises:
        ShapeError: no input has a batch axis, or their lengths differ.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import push_batch
        >>> result, axis = push_batch(gd.add, [gd.zeros((5, 2)), gd.ones(2)], [0, None])
        >>> result.shape, axis
        ((5, 2), 0)
    """
    options = params or {}
    values = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
    counts = {x.shape[axis] for x, axis in zip(values, axes, strict=True) if axis is not None}
    if len(counts) != 1:
        shapes = ", ".join(str(x.shape) for x in values)
        raise ShapeError(
            f"{op.name}: batch axes {tuple(axes)} of shapes {shapes} need one length, and have {sorted(counts)}"
        )
    if op.batch is not None:
        batched: tuple[Any, int] = op.batch(tuple(values), tuple(axes), **options)
        return batched
    rows = [x if axis is None else moveaxis(x, axis, 0) for x, axis in zip(values, axes, strict=True)]
    entries = [
        apply(op, tuple([x if axis is None else x[i] for x, axis in zip(rows, axes, strict=True)]), options)
        for i in range(counts.pop())
    ]
    return stack(entries), 0
