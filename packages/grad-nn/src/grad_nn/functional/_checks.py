"""What arguments of several functions must be."""

import operator
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError

__all__ = [
    "REDUCTIONS",
    "check_probability",
    "check_reduction",
    "check_size",
    "like",
    "pair",
    "reduce_loss",
    "reduce_weighted",
    "weigh",
]

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, name: str) -> str:
    """`reduction`, if it is one."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{name}: unknown reduction {reduction!r}: give 'mean', 'sum' or 'none'")
    return reduction


def check_probability(p: float, name: str) -> float:
    """`p`, if it lies in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability of dropping an element, so it lies in [0, 1], and {p} does not")
    return p


def check_size(value: Any, name: str, argument: str) -> int:
    """`value` as an int, if it is an integer above 0."""
    try:
        count = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: {argument} must be an integer, and {value!r} is a {type(value).__name__}") from error
    if count < 1:
        raise ValueError(f"{name}: {argument} must be 1 or more, and it is {count}")
    return count


def like(value: Any, x: Any) -> gd.Tensor:
    """`value` as a tensor: numbers and lists in the dtype of `x`, which may have more digits than the default one."""
    if isinstance(value, int | float | list | tuple) and x.dtype.kind == "f":
        value = np.asarray(value, x.dtype)
    return gd.asarray(value)


def pair(x: Any, target: Any, name: str, called: str = "the target") -> tuple[gd.Tensor, gd.Tensor]:
    """Both as tensors of floats of one shape; nothing is broadcast, which would hide a mistake."""
    x = gd.asarray(x)
    target = like(target, x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: it compares floats, and the output is {x.dtype}: use .astype('float32')")
    if x.shape != target.shape:
        advice = f": use .reshape({x.shape}) on {called}" if x.size == target.size else ""
        raise ShapeError(
            f"{name}: the output has shape {x.shape} and {called} {target.shape}, and they must be equal: "
            f"broadcasting would compare each output with the targets of other samples{advice}"
        )
    return x, target if target.dtype.kind == "f" else gd.astype(target, x.dtype)


def weigh(losses: Any, weight: Any, name: str, called: str = "weight") -> Any:
    """The losses times weights that broadcast to their shape; as they are without weights."""
    if weight is None:
        return losses
    weight = like(weight, losses)
    try:
        fits = np.broadcast_shapes(weight.shape, losses.shape) == losses.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{name}: {called} has shape {weight.shape}, which does not broadcast to the shape {losses.shape} of the "
            "output"
        )
    return losses * gd.astype(weight, losses.dtype)


def reduce_loss(losses: Any, reduction: str, name: str) -> Any:
    """The losses of all elements as `reduction` says."""
    if check_reduction(reduction, name) == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if losses.size == 0:
        raise ShapeError(f"{name}: the mean over no elements, of shape {losses.shape}: use reduction='sum'")
    return losses.mean()


def reduce_weighted(losses: Any, weight: Any, reduction: str, name: str) -> Any:
    """The losses times their weights, as `reduction` says; the mean is by the sum of the weights."""
    if weight is None or check_reduction(reduction, name) != "mean":
        return reduce_loss(weigh(losses, weight, name), reduction, name)
    weight = gd.astype(like(weight, losses), losses.dtype)
    total = reduce_loss(weigh(losses, weight, name), "sum", name)
    return total / gd.sum(gd.broadcast_to(weight, losses.shape))
