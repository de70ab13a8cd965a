"""Losses of probabilities: of one event an element, and between distributions."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import elementwise

from grad_nn.errors import RangeError

from ._checks import pair, reduce_loss, weigh

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "soft_margin_loss"]


def _least(x: Any, wanted: float) -> float:
    """`wanted`, or the smallest normal number of the dtype where that is larger."""
    return max(wanted, float(np.finfo(x.dtype).tiny))


@elementwise(lambda g, _ans, x: g / np.maximum(x, _least(x, 1e-12)), name="binary_cross_entropy")
def _log_above(x: Any) -> Any:
    """The logarithm, and -100 where it is below: so the loss of a certain mistake is 100 and not infinite."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100)


def _bce_by_x(g: Any, _ans: Any, x: Any, target: Any) -> Any:
    return g * (x - target) / np.maximum((1 - x) * x, _least(x, 1e-12))


def _bce_by_target(g: Any, _ans: Any, x: Any, _target: Any) -> Any:
    return g * (_log_above.on(1 - x) - _log_above.on(x))


@elementwise(_bce_by_x, _bce_by_target, name="binary_cross_entropy")
def _bce(x: Any, target: Any) -> Any:
    for numbers, called in ((x, "output"), (target, "target")):
        if numbers.size and not (np.min(numbers) >= 0 and np.max(numbers) <= 1):
            raise RangeError(
                f"binary_cross_entropy: the {called} holds probabilities, from 0 to 1, and these go from "
                f"{np.min(numbers)} to {np.max(numbers)}: for any real numbers as output there is "
                "binary_cross_entropy_with_logits, which needs no sigmoid before it"
            )
    return (target - 1) * _log_above.forward(1 - x) - target * _log_above.forward(x)


def binary_cross_entropy(x: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> gd.Tensor:
    """-(target log(x) + (1 - target) log(1 - x)), where x is the probability of an event and target whether it came.

    Logarithms are not taken below -100, nor is the derivative divided by less than 1e-12, so that a certain mistake
    has a finite loss and gradient.

    Args:
        x: probabilities in [0, 1], any shape. From scores, ``binary_cross_entropy_with_logits`` is more exact.
        target: the same shape, in [0, 1].
        weight: a factor for each element, of a shape that broadcasts to that of `x`.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        RangeError: `x` or `target` is outside [0, 1].
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.binary_cross_entropy(gd.tensor([1.0, 1.0]), gd.tensor([1.0, 0.0]))
        tensor(50.)
    """
    name = "binary_cross_entropy"
    x, target = pair(x, target, name)
    return reduce_loss(weigh(_bce(x, target), weight, name), reduction, name)  # type: ignore[no-any-return]


@elementwise(
    lambda g, _ans, x, target: g * (gd.sigmoid.on(x) - target),
    lambda g, _ans, x, _target: -g * x,
    name="binary_cross_entropy_with_logits",
)
def _bce_logits(x: Any, target: Any) -> Any:
    return np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.absolute(x)))


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> gd.Tensor:
    """-(p target log(s) + (1 - target) log(1 - s)) with s = sigmoid(x) and p = `pos_weight`, finite for every x.

    Args:
        x: scores, any real numbers and any shape.
        target: the same shape, in [0, 1].
        weight: a factor for each element, of a shape that broadcasts to that of `x`.
        pos_weight: a factor for where the target is 1, likewise; 1 where not given.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.tensor([1000.0, -1000.0, 1000.0])
        >>> F.binary_cross_entropy_with_logits(x, gd.tensor([1.0, 1.0, 0.0]), reduction="none")
        tensor([   0., 1000., 1000.])
    """
    name = "binary_cross_entropy_with_logits"
    x, target = pair(x, target, name)
    if pos_weight is None:
        losses = _bce_logits(x, target)
    else:
        losses = (1 - target) * x + weigh(target, pos_weight, name, "pos_weight") * gd.softplus(-x)
        losses = losses + (1 - target) * gd.softplus(-x)
    return reduce_loss(weigh(losses, weight, name), reduction, name)  # type: ignore[no-any-return]


@elementwise(lambda g, _ans, p: g * (np.log(np.maximum(p, np.finfo(p.dtype).tiny)) + 1), name="kl_div")
def _p_log_p(p: Any) -> Any:
    """P log(p), 0 at 0, where the derivative is not infinite either, but that of the smallest normal number."""
    if p.size and not np.min(p) >= 0:
        raise RangeError(
            f"kl_div: the target holds probabilities, and the smallest is {np.min(p)}: where they are logarithms, say "
            "log_target=True"
        )
    return p * np.log(np.maximum(p, np.finfo(p.dtype).tiny))


def kl_div(x: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> gd.Tensor:
    """Target (log(target) - x): the divergence of Kullback and Leibler of the target from the distribution e**x.

    Args:
        x: log-probabilities, as ``log_softmax`` gives them, any shape.
        target: probabilities of the same shape; 0 contributes 0.
        reduction: "batchmean" for the sum divided by the length of axis 0, which is the divergence of the definition;
            "mean" over all elements, "sum", or "none" for the term of each.
        log_target: whether the target holds log-probabilities, too.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, the mean is over no elements, or "batchmean" is asked of a single number.
        RangeError: a target is negative and `log_target` is False.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.log(gd.tensor([[0.5, 0.5]]))
        >>> round(F.kl_div(x, gd.tensor([[1.0, 0.0]]), reduction="batchmean").item(), 4)
        0.6931
    """
    x, target = pair(x, target, "kl_div")
    losses = gd.exp(target) * (target - x) if log_target else _p_log_p(target) - target * x
    if reduction == "batchmean":
        rows = losses if losses.ndim else losses.reshape((1,))
        return reduce_loss(rows.reshape((rows.shape[0], -1)).sum(1) if rows.size else rows, "mean", "kl_div")  # type: ignore[no-any-return]
    return reduce_loss(losses, reduction, "kl_div")  # type: ignore[no-any-return]


def soft_margin_loss(x: Any, target: Any, *, reduction: str = "mean") -> gd.Tensor:
    """log(1 + e**(-target x)), with targets -1 or 1; nothing overflows.

    Args:
        x: scores, any shape of floats.
        target: the same shape.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.soft_margin_loss(gd.tensor([1000.0, 1000.0]), gd.tensor([1.0, -1.0]), reduction="none")
        tensor([   0., 1000.])
    """
    x, target = pair(x, target, "soft_margin_loss")
    return reduce_loss(gd.softplus(-target * x), reduction, "soft_margin_loss")  # type: ignore[no-any-return]
