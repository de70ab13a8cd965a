"""Losses of probabilities, as modules: of events, of class ids, of distributions, of alignments."""

from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from ._parameter import Buffer
from .functional._checks import check_reduction
from .functional._losses_classes import check_power

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CTCLoss", "KLDivLoss", "MultiMarginLoss", "NLLLoss", "SoftMarginLoss"]


class BCELoss(Module):
    """-(target log(x) + (1 - target) log(1 - x)), with logarithms from -100 up, so that it is finite.

    From scores, ``BCEWithLogitsLoss`` is more exact, and needs no sigmoid before it.

    Args:
        weight: a factor for each element, of a shape that broadcasts; 1 where not given.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.BCELoss()(gd.tensor([1.0, 1.0]), [1, 0])
        tensor(50.)
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        self.weight = None if weight is None else Buffer(weight)
        self.reduction = check_reduction(reduction, "BCELoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
            RangeError: a probability is outside [0, 1].
        """
        return F.binary_cross_entropy(x, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """The binary cross entropy of sigmoid(x), from the scores x themselves, finite for all of them.

    Args:
        weight: a factor for each element, of a shape that broadcasts; 1 where not given.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.
        pos_weight: a factor for where the target is 1, of a shape that broadcasts; 1 where not given.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.BCEWithLogitsLoss()(gd.tensor([1000.0, 1000.0]), [1, 0])
        tensor(500.)
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        self.weight = None if weight is None else Buffer(weight)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)
        self.reduction = check_reduction(reduction, "BCEWithLogitsLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.binary_cross_entropy_with_logits(
            x, target, weight=self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class CTCLoss(Module):
    """-log of the probability that frames, blanks and repetitions left out, spell the target (Graves et al. 2006).

    Args:
        blank: the class that says nothing.
        reduction: "mean" over the sequences of the loss divided by the length of its target, "sum", or "none".
        zero_infinity: 0 instead of inf where a target does not fit into its frames.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> even = gd.log(gd.full((3, 1, 2), 0.5))
        >>> round(gd.exp(-nn.CTCLoss()(even, [[1]], [3], [1])).item(), 4)
        0.75
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        self.blank = blank
        self.reduction = check_reduction(reduction, "CTCLoss")
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> gd.Tensor:
        """Log-probabilities (T, N, C), targets (N, S) and both lengths (N,); see ``functional.ctc_loss``.

        Raises:
            ShapeError: the shapes do not fit.
            RangeError: a length or a target is out of range.
        """
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class KLDivLoss(Module):
    """Target (log(target) - x): the divergence of Kullback and Leibler of the target from e**x.

    Source: Kullback, Leibler, "On Information and Sufficiency", 1951.

    Args:
        reduction: "batchmean" for the divergence of the definition, averaged over axis 0; "mean" over all elements,
            "sum", or "none".
        log_target: whether the target holds log-probabilities, too.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> loss = nn.KLDivLoss(reduction="batchmean")(gd.log(gd.tensor([[0.5, 0.5]])), [[1.0, 0.0]])
        >>> round(loss.item(), 4)
        0.6931
    """

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        self.log_target = log_target
        self.reduction = reduction if reduction == "batchmean" else check_reduction(reduction, "KLDivLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.kl_div(x, target, log_target=self.log_target, reduction=self.reduction)


class MultiMarginLoss(Module):
    """The sum of max(margin - x[target] + x[i], 0)**p over the other classes i, divided by the number of classes.

    Args:
        p: 1 or 2.
        margin: by how much the score of the right class should be above the others.
        weight: (C,), what each class counts; 1 where not given.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`, or an argument out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MultiMarginLoss()(gd.tensor([[3.0, 1.0], [0.0, 0.5]]), [0, 0])
        tensor(0.375)
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean") -> None:
        self.p = check_power(p, "MultiMarginLoss")
        self.margin = margin
        self.weight = None if weight is None else Buffer(weight)
        self.reduction = check_reduction(reduction, "MultiMarginLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Scores (N, C) and class ids (N,).

        Raises:
            ShapeError: the shapes do not fit.
            IndexError: an id that is no class.
        """
        return F.multi_margin_loss(
            x, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class NLLLoss(Module):
    """-weight[target] x[target], from log-probabilities, as ``LogSoftmax`` gives them.

    Args:
        weight: (C,), what each class counts; 1 where not given.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.
        ignore_index: samples with this id count nothing.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.NLLLoss()(gd.tensor([[-1.0, -0.5], [-2.0, -0.25]]), [0, 1])
        tensor(0.625)
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean", ignore_index: int = -100) -> None:
        self.weight = None if weight is None else Buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = check_reduction(reduction, "NLLLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Log-probabilities (N, C, ...) and class ids (N, ...); see ``functional.nll_loss``.

        Raises:
            ShapeError: the shapes do not fit.
            IndexError: an id that is no class.
        """
        return F.nll_loss(x, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class SoftMarginLoss(Module):
    """log(1 + e**(-target x)), with targets -1 or 1.

    Args:
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Raises:
        ValueError: another `reduction`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.SoftMarginLoss()(gd.tensor([1000.0, 1000.0]), [1, -1])
        tensor(500.)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(reduction, "SoftMarginLoss")

    def forward(self, x: Any, target: Any) -> gd.Tensor:
        """Two of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        return F.soft_margin_loss(x, target, reduction=self.reduction)
