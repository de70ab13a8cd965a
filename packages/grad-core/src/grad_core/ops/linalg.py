"""Products of matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import sum_to
from grad_core._node import array_like
from grad_core._op import op
from grad_core.errors import ShapeError

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["matmul"]


def _rows(x: Any) -> Any:
    """All axes but the last made into one."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _matmul_by_x(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    grad = _matmul.on(g, y.mT)
    return grad if grad.shape == _x.shape else sum_to.on(grad, shape=_x.shape)


def _matmul_by_y(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    if len(_y.shape) == 2 and x.ndim > 2:  # one product over the whole batch, not a sum of one for each
        return _rows(x).mT @ _rows(g)
    grad = x.mT @ g
    return grad if grad.shape == _y.shape else sum_to.on(grad, shape=_y.shape)


def _matmul_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> tuple[Any, int]:
    rank = max(x.ndim - (axis is not None) for x, axis in zip(inputs, axes, strict=True))
    moved = []
    for x, axis in zip(inputs, axes, strict=True):
        if axis is None:
            moved.append(x)
        else:
            front = np.moveaxis(x, axis, 0)
            moved.append(front.reshape(front.shape[0], *(1,) * (rank - front.ndim + 1), *front.shape[1:]))
    return _matmul.on(*moved), 0


def _explain_matmul(x: Any, y: Any) -> str | None:
    if x.shape[-1] != y.shape[-2]:
        return (
            f"shapes {x.shape} and {y.shape} do not fit: axis -1 of the first has length {x.shape[-1]}, "
            f"axis -2 of the second {y.shape[-2]}, and they must be equal; transpose one with .mT if it is "
            "the wrong way round"
        )
    return f"shapes {x.shape} and {y.shape}: the axes before the last two must broadcast, their lengths equal or 1"


@op(vjp=(_matmul_by_x, _matmul_by_y), batch=_matmul_batch, explain=_explain_matmul, name="matmul")
def _matmul(x: Any, y: Any) -> Any:
    if y.ndim == 2 and x.ndim > 2:  # one large product is faster than many small ones
        return (_rows(x) @ y).reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


def matmul(x: Any, y: Any) -> Tensor:
    """The matrix product over the last two axes, ``x @ y``; axes before them broadcast.

    Args:
        x: (..., n, k), or (k,) which counts as one row.
        y: (..., k, m), or (k,) which counts as one column.

    Returns:
        (..., n, m), without n or m where that argument had one axis.

    Raises:
        ShapeError: the inner lengths differ, an argument is 0-d, or the leading axes do not broadcast.

    Example:
        >>> import grad_core as gd
        >>> gd.matmul(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), gd.tensor([1.0, 1.0]))
        tensor([3., 7.])
    """
    x = array_like(x)
    y = array_like(y)
    if x.ndim >= 2 and y.ndim >= 2:
        return _matmul(x, y)
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError(f"matmul: shapes {x.shape} and {y.shape}: both need an axis; multiply by a scalar with *")
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise ShapeError(
            f"matmul: shapes {x.shape} and {y.shape} do not fit: the last axis of the first and the "
            f"{'one before the last' if y.ndim > 1 else 'only one'} of the second must have equal lengths"
        )
    product = _matmul(x if x.ndim > 1 else x[None, :], y if y.ndim > 1 else y[:, None])
    shape = product.shape
    return product.reshape((*shape[:-2], *(() if x.ndim == 1 else shape[-2:-1]), *(() if y.ndim == 1 else shape[-1:])))
