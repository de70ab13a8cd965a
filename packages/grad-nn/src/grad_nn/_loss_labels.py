"""Losses of samples with several labels, and of triplets with a distance of one's own, as modules."""

from collections.abc import Callable
from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from ._parameter import Buffer
from .functional._checks import check_reduction
from .functional._losses_distance import check_margin

__all__ = ["MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "TripletMarginWithDistanceLoss"]


class MultiLabelMarginLoss(Module):
    """The sum of max(1 - x[y] + x[i], 0) over the labels y of a sample and all classes i that are none, by C.

    Args:
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MultiLabelMarginLoss()(gd.tensor([[2.0, 0.5, 1.0, 0.0]]), [[0, 2, -1, -1]])
        tensor(0.125)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(reduction, "MultiLabelMarginLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Scores (N, C) or (C,), and class ids of the same shape: labels come first, and -1 ends them.

        Raises:
            ShapeError: the shapes differ.
            IndexError: an id that is no class.
            DTypeError: the target does not hold integers.
        """
        return F.multilabel_margin_loss(x, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Module):
    """The mean over classes of -(y log sigmoid(x) + (1 - y) log(1 - sigmoid(x))): each class is a question of its own.

    Args:
        weight: (C,), what each class counts; 1 where not given.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Attributes:
        weight: Buffer (C,), or None.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> round(nn.MultiLabelSoftMarginLoss()(gd.tensor([[0.0, 50.0]]), [[1.0, 1.0]]).item(), 4)
        0.3466
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        self.weight = None if weight is None else Buffer(weight)
        self.reduction = check_reduction(reduction, "MultiLabelSoftMarginLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Logits (N, C) or (C,), and targets 0 or 1 of the same shape.

        Raises:
            ShapeError: the shapes do not fit.
        """
        return F.multilabel_soft_margin_loss(x, target, self.weight, reduction=self.reduction)


class TripletMarginWithDistanceLoss(Module):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), with any function d.

    Source: Balntas et al., "Learning Local Feature Descriptors with Triplets and Shallow Convolutional Neural
    Networks", 2016, for the distance of ``TripletMarginLoss``.

    Args:
        distance_function: d, of two tensors; ``PairwiseDistance`` where not given.
        margin: above 0.
        swap: whether d(positive, negative) counts where it is the smaller one.
        reduction: "mean" over the triplets, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`, or `margin` is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> a, p, n = gd.tensor([[0.0, 0.0]]), gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 2.0]])
        >>> nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: abs(x - y).max(-1))(a, p, n)
        tensor(3.)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        self.distance_function = distance_function
        self.margin = check_margin(margin, "TripletMarginWithDistanceLoss")
        self.swap = swap
        self.reduction = check_reduction(reduction, "TripletMarginWithDistanceLoss")

    def forward(self, anchor: Any, positive: Any, negative: Any) -> gd.Tensor:
        """Three of the same shape, whichever the distance takes.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
