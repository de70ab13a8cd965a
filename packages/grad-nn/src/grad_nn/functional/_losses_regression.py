"""Losses between numbers: how far outputs lie from targets, or how unlikely these are."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.extend import elementwise

from grad_nn.errors import RangeError

from ._checks import like, pair, reduce_loss, reduce_weighted, weigh

__all__ = ["gaussian_nll_loss", "huber_loss", "l1_loss", "poisson_nll_loss", "smooth_l1_loss"]


def l1_loss(x: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> gd.Tensor:
    """abs(x - target), averaged over all elements; its derivative is 0 where both are equal.

    Args:
        x: any shape of floats.
        target: the same shape; nothing is broadcast, which would hide a mistake.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
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
        >>> F.l1_loss(gd.tensor([1.0, 2.0]), gd.tensor([1.0, 4.0]))
        tensor(1.)
    """
    x, target = pair(x, target, "l1_loss")
    return reduce_weighted(gd.abs(x - target), weight, reduction, "l1_loss")  # type: ignore[no-any-return]


@elementwise(lambda g, _ans, d, delta: g * np.clip(d, -delta, delta), name="huber_loss")
def _huber(d: Any, *, delta: float) -> Any:
    """d² / 2 up to delta, and a line beyond."""
    size = np.absolute(d)
    bent = np.minimum(size, delta)
    return bent * (size - 0.5 * bent)


def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> gd.Tensor:
    """d² / 2 where abs(d) < delta, with d = x - target, and delta (abs(d) - delta / 2) elsewhere.

    Source: Huber, Robust estimation of a location parameter (1964).

    Args:
        x: any shape of floats.
        target: the same shape.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        delta: where the line begins, above 0.
        weight: factors of the losses, of a shape that broadcasts to that of `x`; the mean stays one over the number
            of elements, as in PyTorch, whose weighted `mse_loss` and `l1_loss` divide by the sum of the weights.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, `weight` does not broadcast to them, or the mean is over no elements.
        ValueError: `delta` is not positive, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.huber_loss(gd.tensor([1.0, 5.0]), gd.tensor([0.0, 0.0]), reduction="none")
        tensor([0.5, 4.5])
    """
    check_delta(delta, "huber_loss")
    x, target = pair(x, target, "huber_loss")
    losses = weigh(_huber(x - target, delta=delta), weight, "huber_loss")
    return reduce_loss(losses, reduction, "huber_loss")  # type: ignore[no-any-return]


def check_delta(delta: float, name: str) -> float:
    """`delta`, if it is positive."""
    if not delta > 0:
        raise ValueError(f"{name}: a line begins at delta, so it is a number above 0, and {delta} is not")
    return delta


def smooth_l1_loss(x: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> gd.Tensor:
    """d² / (2 beta) where abs(d) < beta, with d = x - target, and abs(d) - beta / 2 elsewhere.

    Source: Girshick, Fast R-CNN (2015).

    Args:
        x: any shape of floats.
        target: the same shape.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        beta: where the line begins; 0 gives ``l1_loss``.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: `beta` is negative, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.smooth_l1_loss(gd.tensor([1.0, 5.0]), gd.tensor([0.0, 0.0]), reduction="none", beta=2.0)
        tensor([0.25, 4.  ])
    """
    check_beta(beta, "smooth_l1_loss")
    x, target = pair(x, target, "smooth_l1_loss")
    difference = x - target
    losses = _huber(difference, delta=beta) / beta if beta else gd.abs(difference)
    return reduce_loss(losses, reduction, "smooth_l1_loss")  # type: ignore[no-any-return]


def check_beta(beta: float, name: str) -> float:
    """`beta`, if it is not negative."""
    if not beta >= 0:
        raise ValueError(f"{name}: a line begins at beta, so it is a number, 0 or more, and {beta} is not")
    return beta


@elementwise(1, name="gaussian_nll_loss")
def _raised(variance: Any, *, least: float) -> Any:
    """At least `least`, as if nothing had been done to it: the gradient passes."""
    if variance.size and not np.min(variance) >= 0:
        raise RangeError(
            "gaussian_nll_loss: a variance is not negative, and the smallest of these is "
            f"{np.min(variance)}: let the model compute its logarithm, and give var=gd.exp(log_variance)"
        )
    return np.maximum(variance, least)


def gaussian_nll_loss(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> gd.Tensor:
    """(log(var) + (x - target)² / var) / 2: how unlikely the target is by a normal distribution around x.

    Source: Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994).

    Args:
        x: the means, any shape of floats.
        target: the same shape.
        var: the variances: the shape of `x`; or the same with a last axis of length 1, or without it, for one variance
            a sample; or one number.
        full: whether the constant log(2 pi) / 2 is added.
        eps: what smaller variances are raised to; the gradient passes as if they were not.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes do not fit, or the mean is over no elements.
        RangeError: a variance is negative.
        ValueError: `eps` is not positive, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.gaussian_nll_loss(gd.tensor([1.0, 3.0]), gd.tensor([1.0, 1.0]), 1.0, reduction="none")
        tensor([0., 2.])
    """
    name = "gaussian_nll_loss"
    check_eps(eps, name)
    x, target = pair(x, target, name)
    var = like(var, x)
    if var.ndim and var.shape == x.shape[:-1] and var.shape != x.shape:
        var = gd.expand_dims(var, axis=-1)
    if var.shape not in ((), x.shape, (*x.shape[:-1], 1)):
        raise ShapeError(
            f"{name}: var has shape {var.shape}; for an output of shape {x.shape} it has the same shape, or "
            f"{(*x.shape[:-1], 1)} for one variance a sample, or is one number"
        )
    var = _raised(gd.astype(var, x.dtype), least=max(eps, float(np.finfo(x.dtype).tiny)))
    losses = 0.5 * (gd.log(var) + gd.square(x - target) / var)
    return reduce_loss(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction, name)  # type: ignore[no-any-return]


def check_eps(eps: float, name: str) -> float:
    """`eps`, if it is positive."""
    if not eps > 0:
        raise ValueError(f"{name}: eps keeps numbers away from 0, so it is above 0, and {eps} is not")
    return eps


def poisson_nll_loss(
    x: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> gd.Tensor:
    """e**x - target x: how unlikely a count is by a Poisson distribution whose mean is e**x.

    Args:
        x: the logarithms of the means, any shape of floats.
        target: the counts, the same shape.
        log_input: False where x holds the means themselves; the loss is then x - target log(x + eps).
        full: whether log(target!) is added, by Stirling's formula, t log(t) - t + log(2 pi t) / 2 for t > 1.
        eps: keeps the logarithm of a mean of 0 finite.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.poisson_nll_loss(gd.tensor([0.0, 0.0]), gd.tensor([0.0, 5.0]), reduction="none")
        tensor([1., 1.])
    """
    x, target = pair(x, target, "poisson_nll_loss")
    least = max(eps, float(np.finfo(x.dtype).tiny))
    losses = gd.exp(x) - target * x if log_input else x - target * gd.log(x + least)
    if full:
        many = target > 1
        t = gd.where(many, target, 1)  # the formula has infinite derivatives at 0, where it is not used
        losses = losses + gd.where(many, t * gd.log(t) - t + 0.5 * gd.log(2 * math.pi * t), 0)
    return reduce_loss(losses, reduction, "poisson_nll_loss")  # type: ignore[no-any-return]
