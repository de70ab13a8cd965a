"""Losses as modules: how far outputs are from targets, as one number to make smaller."""

import warnings
from typing import Any

import grad_core as gd

from ._module import Module
from ._parameter import Buffer
from .functional import cross_entropy, mse_loss
from .functional._checks import check_reduction
from .functional._cross_entropy import check_smoothing, looks_like_probabilities

__all__ = ["CrossEntropyLoss", "MSELoss"]


class CrossEntropyLoss(Module):
    """-log softmax(logits)[target], from the logits themselves: put no softmax before it.

    The logits of the first call in training are looked at, and a warning says so if they look like probabilities; later
    calls cost nothing more.

    Args:
        weight: (C,), what each class counts; 1 where not given.
        ignore_index: samples with this id count nothing.
        reduction: "mean" over the samples, weighted, "sum", or "none" for one loss a sample.
        label_smoothing: in [0, 1], how much of the target is spread evenly over all classes.

    Raises:
        ValueError: another `reduction`, or `label_smoothing` outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> loss = nn.CrossEntropyLoss()(gd.tensor([[0.0, 0.0], [50.0, 0.0]]), [1, 0])
        >>> round(loss.item(), 4)
        0.3466
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        self.weight = None if weight is None else Buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = check_reduction(reduction, "CrossEntropyLoss")
        self.label_smoothing = check_smoothing(label_smoothing, "CrossEntropyLoss")
        self._looked = False

    def forward(self, logits: Any, target: Any) -> gd.Tensor:
        """Logits (N, C) with class ids (N,) or probabilities (N, C); see ``functional.cross_entropy`` for more axes.

        Warns:
            UserWarning: in the first call in training, if the logits look like the output of a softmax: all lie in
                [0, 1], and the classes of every sample sum to 1.
        """
        if not self._looked and self.training:
            self._looked = True
            if looks_like_probabilities(logits):
                warnings.warn(
                    "CrossEntropyLoss: these logits look like probabilities: all lie in [0, 1], and those of each "
                    "sample sum to 1. It takes the softmax itself, and of probabilities its gradient is weak: remove "
                    "the softmax at the end of the model, or use NLLLoss()(gd.log(probabilities), target)",
                    UserWarning,
                    stacklevel=3,
                )
        return cross_entropy(
            logits,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


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
