"""Distances, and losses that push vectors together or apart, as modules."""

from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._checks import check_reduction
from .functional._losses_distance import check_margin

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "PairwiseDistance",
    "TripletMarginLoss",
]


class CosineEmbeddingLoss(Module):
    """1 - cos of two vectors where the target is 1, and max(cos - margin, 0) where it is -1.

    Args:
        margin: the cosine that pairs which do not belong together may have.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> x = gd.tensor([[0.0, 2.0], [0.0, 2.0]])
        >>> nn.CosineEmbeddingLoss()(x, x, [1, -1])
        tensor(0.5)
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = check_reduction(reduction, "CosineEmbeddingLoss")

    def forward(self, x1: Any, x2: Any, target: Any) -> gd.Tensor:
        """Two of shape (N, D), and targets (N,).

        Raises:
            ShapeError: the shapes do not fit.
        """
        return F.cosine_embedding_loss(x1, x2, target, margin=self.margin, reduction=self.reduction)


class CosineSimilarity(Module):
    """x1 · x2 / (norm(x1) norm(x2)) along `dim`: the cosine of the angle between vectors, in [-1, 1].

    Args:
        dim: the axis of the vectors.
        eps: what smaller lengths are raised to.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.CosineSimilarity(dim=0)(gd.tensor([3.0, 4.0]), gd.tensor([-4.0, 3.0]))
        tensor(0.)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Any, x2: Any) -> gd.Tensor:
        """Two shapes that broadcast, to the broadcast shape without `dim`.

        Raises:
            ShapeError: the shapes do not broadcast, or the axis is not there.
        """
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class HingeEmbeddingLoss(Module):
    """X where the target is 1, and max(margin - x, 0) where it is -1; x is a distance.

    Args:
        margin: the distance that pairs which do not belong together should have.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.HingeEmbeddingLoss()(gd.tensor([0.25, 0.25]), [1, -1])
        tensor(0.5)
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = check_reduction(reduction, "HingeEmbeddingLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.hinge_embedding_loss(x, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Module):
    """max(margin - target (x1 - x2), 0): x1 should be above x2 where the target is 1, below where it is -1.

    Args:
        margin: by how much.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MarginRankingLoss()(gd.tensor([3.0, 3.0]), gd.tensor([1.0, 1.0]), [1, -1])
        tensor(1.)
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = check_reduction(reduction, "MarginRankingLoss")

    def forward(self, x1: Any, x2: Any, target: Any) -> gd.Tensor:
        """Three of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.margin_ranking_loss(x1, x2, target, margin=self.margin, reduction=self.reduction)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last axis.

    Args:
        p: the exponent, above 0.
        eps: keeps the distance of equal vectors away from 0.
        keepdim: keep the last axis with length 1.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.PairwiseDistance(eps=0.0)(gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 0.0]]))
        tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Any, x2: Any) -> gd.Tensor:
        """Two of shape (..., D).

        Raises:
            ShapeError: the shapes do not broadcast.
        """
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class TripletMarginLoss(Module):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0) (Balntas et al. 2016).

    Args:
        margin: above 0.
        p: the exponent of the distance.
        eps: keeps distances away from 0.
        swap: whether d(positive, negative) counts where it is the smaller one.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`, or an argument out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> a, p, n = gd.tensor([[0.0, 0.0]]), gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 2.0]])
        >>> round(nn.TripletMarginLoss()(a, p, n).item(), 4)
        4.0
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        self.margin = check_margin(margin, "TripletMarginLoss")
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = check_reduction(reduction, "TripletMarginLoss")

    def forward(self, anchor: Any, positive: Any, negative: Any) -> gd.Tensor:
        """Three of shape (N, D), or (D,).

        Raises:
            ShapeError: the shapes differ.
        """
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
