"""Losses between numbers, as modules."""

from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._checks import check_reduction
from .functional._losses_regression import check_beta, check_delta, check_eps

__all__ = ["GaussianNLLLoss", "HuberLoss", "L1Loss", "PoissonNLLLoss", "SmoothL1Loss"]


class GaussianNLLLoss(Module):
    """(log(var) + (x - target)² / var) / 2: how unlikely the target is by a normal distribution around x.

    Source: Nix, Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.

    Args:
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        full: whether the constant log(2 pi) / 2 is added.
        eps: what smaller variances are raised to.

    Raises:
        ValueError: another `reduction`, or an argument out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.GaussianNLLLoss()(gd.tensor([1.0, 3.0]), [1.0, 1.0], gd.ones(2))
        tensor(1.)
    """

    def __init__(self, *, reduction: str = "mean", full: bool = False, eps: float = 1e-6) -> None:
        self.full = full
        self.eps = check_eps(eps, "GaussianNLLLoss")
        self.reduction = check_reduction(reduction, "GaussianNLLLoss")

    def forward(self, x: Any, target: Any, var: Any) -> gd.Tensor:
        """Means and targets of the same shape, and variances; see ``functional.gaussian_nll_loss``.

        Raises:
            ShapeError: the shapes do not fit.
        """
        return F.gaussian_nll_loss(x, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class HuberLoss(Module):
    """d² / 2 where abs(d) < delta, with d = x - target, and delta (abs(d) - delta / 2) elsewhere (Huber 1964).

    Args:
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        delta: where the line begins, above 0.

    Raises:
        ValueError: another `reduction`, or an argument out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.HuberLoss()(gd.tensor([1.0, 2.5]), [0.0, 0.0])
        tensor(1.25)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self.delta = check_delta(delta, "HuberLoss")
        self.reduction = check_reduction(reduction, "HuberLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.huber_loss(x, target, delta=self.delta, reduction=self.reduction)


class L1Loss(Module):
    """abs(x - target), averaged.

    Args:
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.L1Loss()(gd.tensor([1.0, 2.0]), [1.0, 4.0])
        tensor(1.)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(reduction, "L1Loss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.l1_loss(x, target, reduction=self.reduction)


class PoissonNLLLoss(Module):
    """e**x - target x: how unlikely a count is by a Poisson distribution whose mean is e**x.

    Args:
        log_input: False where x holds the means themselves.
        full: whether log(target!) is added, by Stirling's formula.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        eps: keeps the logarithm of a mean of 0 finite.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.PoissonNLLLoss()(gd.tensor([0.0, 0.0]), [0, 5])
        tensor(1.)
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, *, reduction: str = "mean", eps: float = 1e-8
    ) -> None:
        self.log_input = log_input
        self.full = full
        self.eps = eps
        self.reduction = check_reduction(reduction, "PoissonNLLLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.poisson_nll_loss(
            x, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class SmoothL1Loss(Module):
    """d² / (2 beta) where abs(d) < beta, with d = x - target, and abs(d) - beta / 2 elsewhere (Girshick 2015).

    Args:
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        beta: where the line begins; 0 gives L1Loss.

    Raises:
        ValueError: another `reduction`, or an argument out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.SmoothL1Loss()(gd.tensor([1.0, 2.5]), [0.0, 0.0])
        tensor(1.25)
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        self.beta = check_beta(beta, "SmoothL1Loss")
        self.reduction = check_reduction(reduction, "SmoothL1Loss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.smooth_l1_loss(x, target, beta=self.beta, reduction=self.reduction)
