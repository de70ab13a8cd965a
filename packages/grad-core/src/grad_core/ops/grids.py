"""Coordinates of a grid, and integers as rows of a unit matrix."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._batched import all_values
from grad_core._dtypes import get_default_dtype, resolve_dtype
from grad_core._node import array_like
from grad_core._op import nondiff
from grad_core.errors import DTypeError, ShapeError

from ._batching import in_front
from .shape import broadcast_to, reshape

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["meshgrid", "one_hot"]


def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """The coordinates of a grid: for each axis an array of the grid's shape, without a copy; gradients are summed back.

    Args:
        arrays: the coordinates along each axis, one axis or 0-d.
        indexing: "ij" for a grid of shape (len(a), len(b), ...); "xy", the default, for the convention of pictures,
            with the first two axes exchanged: (len(b), len(a), ...).

    Raises:
        ShapeError: an array with more than one axis.
        ValueError: another `indexing`.

    Example:
        >>> import grad_core as gd
        >>> x, y = gd.meshgrid(gd.arange(3), gd.arange(2))
        >>> x
        tensor([[0, 1, 2],
                [0, 1, 2]])
        >>> y
        tensor([[0, 0, 0],
                [1, 1, 1]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(
            f'meshgrid: indexing must be "xy" (columns first) or "ij" (rows first), and it is {indexing!r}'
        )
    items = [array_like(x) for x in arrays]
    for i, x in enumerate(items):
        if x.ndim > 1:
            raise ShapeError(f"meshgrid: array {i} has shape {x.shape}: coordinates have one axis; ravel it first")
    places = list(range(len(items)))
    if indexing == "xy" and len(items) > 1:
        places[:2] = [1, 0]
    lengths = [1] * len(items)
    for place, x in zip(places, items, strict=True):
        lengths[place] = x.shape[0] if x.ndim else 1
    grid = tuple(lengths)
    return tuple(
        [
            broadcast_to(reshape(x, tuple([n if i == place else 1 for i, n in enumerate(grid)])), grid)
            for place, x in zip(places, items, strict=True)
        ]
    )


def _one_hot_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, num_classes: int, dtype: np.dtype[Any]
) -> tuple[Any, int]:
    return _one_hot.on(in_front(inputs[0], axes[0]), num_classes=num_classes, dtype=dtype), 0


@nondiff(batch=_one_hot_batch, name="one_hot")
def _one_hot(indices: Any, *, num_classes: int, dtype: np.dtype[Any]) -> Any:
    return np.equal(np.asarray(indices)[..., None], np.arange(num_classes)).astype(dtype)


def one_hot(indices: Any, num_classes: int, *, dtype: Any = None) -> Tensor:
    """A 1 at each index and 0 elsewhere, along a new last axis; there is no gradient.

    Args:
        indices: integers from 0 to num_classes - 1, any shape.
        num_classes: the length of the new axis.
        dtype: of the result; None for the default dtype, in which most losses take it.

    Returns:
        The shape of `indices` with `num_classes` behind.

    Raises:
        DTypeError: indices that are not integers.
        IndexError: an index that is not there.
        ValueError: `num_classes` is not an integer, or negative.

    Example:
        >>> import grad_core as gd
        >>> gd.one_hot([2, 0], 3)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
    """
    x = array_like(indices)
    try:
        count = operator.index(num_classes)
    except TypeError:
        count = -1
    if count < 0:
        raise ValueError(f"one_hot: num_classes must be an integer, 0 or more, and it is {num_classes!r}")
    if x.dtype.kind not in "iu" and x.size:
        raise DTypeError(f"one_hot: indices must be integers, and these are {x.dtype}; cast them: x.astype('int64')")
    values = np.asarray(all_values(getattr(x, "_data", x)))
    wrong = values[(values < 0) | (values >= count)]
    if wrong.size:
        raise IndexError(f"one_hot: the index {wrong[0]} is not one of {count} classes, 0 to {count - 1}")
    return _one_hot(x, num_classes=count, dtype=get_default_dtype() if dtype is None else resolve_dtype(dtype))
