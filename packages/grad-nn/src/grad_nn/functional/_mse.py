"""The mean squared error."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import apply, array_like, in_front, op

from ._checks import check_reduction, pair, reduce_weighted

__all__ = ["mse_loss"]

_HALF = np.dtype(np.float16)


def _mse_by_x(g: Any, _ans: Any, x: Any, y: Any, *, reduction: str) -> Any:
    return (x - y) * (g * (2 / math.prod(x.shape) if reduction == "mean" else 2.0))


def _mse_by_y(g: Any, _ans: Any, x: Any, y: Any, *, reduction: str) -> Any:
    return _mse_by_x(g, _ans, y, x, reduction=reduction)


def _explain_mse(x: Any, y: Any, *, reduction: str) -> str:
    if x.size == 0 and x.shape == y.shape:
        return f"the mean over no elements, of shape {x.shape}: use reduction='sum'"
    advice = f": use target.reshape({x.shape})" if x.size == y.size else ""
    return (
        f"the output has shape {x.shape} and the target {y.shape}, and they must be equal: "
        f"broadcasting would compare each output with the targets of other samples{advice}"
    )


def _mse_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, reduction: str) -> tuple[Any, int]:
    x, y = (in_front(a, axis) for a, axis in zip(inputs, axes, strict=True))
    squares = (x - y) ** 2
    if reduction == "none":
        return squares, 0
    total = np.sum(squares, axis=tuple(range(1, squares.ndim)))
    return total / math.prod(squares.shape[1:]) if reduction == "mean" else total, 0


@op(vjp=(_mse_by_x, _mse_by_y), batch=_mse_batch, explain=_explain_mse, name="mse_loss")
def _mse(x: Any, y: Any, *, reduction: str) -> Any:
    if x.shape != y.shape or (x.size == 0 and reduction == "mean"):
        raise ValueError
    difference = x - y
    if reduction == "none":
        return difference * difference
    flat = difference.ravel("K")
    if flat.dtype == _HALF:  # sums of float16 overflow at 65,504
        wide = flat.astype(np.float32)
        total = wide.dot(wide)
        return np.float16(total / flat.size if reduction == "mean" else total)
    total = flat.dot(flat)
    return total / flat.size if reduction == "mean" else total


def mse_loss(x: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> gd.Tensor:
    """(x - target)², averaged over all elements.

    Args:
        x: any shape.
        target: the same shape; nothing is broadcast, which would hide a mistake.
        reduction: "mean" over all elements, "sum", or "none" for the square of each.
        weight: how much each element counts, of a shape that broadcasts to that of `x`; the mean is then
            sum(weight loss) / sum(weight).

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, `weight` does not broadcast to them, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.mse_loss(gd.tensor([1.0, 2.0]), gd.tensor([1.0, 4.0]), reduction="none")
        tensor([0., 4.])
        >>> F.mse_loss(gd.tensor([1.0, 2.0]), gd.tensor([1.0, 4.0]), weight=[1.0, 3.0])
        tensor(3.)
    """
    if weight is not None:
        x, target = pair(x, target, "mse_loss")
        return reduce_weighted(gd.square(x - target), weight, reduction, "mse_loss")  # type: ignore[no-any-return]
    check_reduction(reduction, "mse_loss")
    return apply(_mse, (array_like(x), array_like(target)), {"reduction": reduction})
