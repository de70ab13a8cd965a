"""What arguments of several functions must be."""

import operator
from typing import Any

from grad_core.errors import ShapeError

__all__ = ["REDUCTIONS", "check_pair", "check_probability", "check_reduction", "check_size", "reduce_loss"]

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


def check_pair(x: Any, target: Any, name: str, called: str = "the target") -> None:
    """Raise ShapeError where both are not of one shape."""
    if x.shape != target.shape:
        advice = f": use .reshape({x.shape}) on {called}" if x.size == target.size else ""
        raise ShapeError(
            f"{name}: the output has shape {x.shape} and {called} {target.shape}, and they must be equal: "
            f"broadcasting would compare each output with the targets of other samples{advice}"
        )


def reduce_loss(losses: Any, reduction: str, name: str) -> Any:
    """The losses of all elements as `reduction` says."""
    if check_reduction(reduction, name) == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if losses.size == 0:
        raise ShapeError(f"{name}: the mean over no elements, of shape {losses.shape}: use reduction='sum'")
    return losses.mean()
