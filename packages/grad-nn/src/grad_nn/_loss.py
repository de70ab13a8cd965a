"""Losses as modules: how far outputs are from targets, as one number to make smaller."""

from typing import Any

import grad_core as gd

from ._module import Module
from .functional import cross_entropy, mse_loss
from .functional._checks import check_reduction

__all__ = ["CrossEntropyLoss", "MSELoss"]


class CrossEntropyLoss(Module):
    """-log softmax(logits)[target], from the logits themselves: put no softmax before it.

    Args:
        reduction: "mean" over the samples, "sum", or "none" for one loss a sample.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> loss = nn.CrossEntropyLoss()(gd.tensor([[0.0, 0.0], [50.0, 0.0]]), [1, 0])
        >>> round(loss.item(), 4)
        0.3466
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(reduction, "CrossEntropyLoss")

    def forward(self, logits: Any, target: Any) -> gd.Tensor:
        """Logits (N, C) with class ids (N,) or probabilities (N, C); see ``functional.cross_entropy`` for more axes."""
        return cross_entropy(logits, target, reduction=self.reduction)


class MSELoss(Module):
    """(x - target)², averaged.

    Args:
        reduction: "mean" over all elements, "sum", or "none" for one loss an element.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MSELoss()(gd.tensor([1.0, 2.0]), [1.0, 4.0])
        tensor(2.)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(reduction, "MSELoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return mse_loss(x, target, reduction=self.reduction)
