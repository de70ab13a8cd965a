"""Activations along an axis, as modules."""

from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._softmax import check_temperature

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class GLU(Module):
    """A sigmoid(b), with the two halves of x along `dim` (Dauphin et al. 2016).

    Args:
        dim: the axis to halve.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.GLU()(gd.tensor([2.0, 4.0, 0.0, 1000.0]))
        tensor([1., 4.])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape to the same, half as long along `dim`.

        Raises:
            ShapeError: the axis is not there, or its length is odd.
        """
        return F.glu(x, self.dim)

    def extra_repr(self) -> str:
        """The argument."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """log(softmax(x)) along `dim`.

    Args:
        dim: one axis; PyTorch guesses one where none is given, here it is the last.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LogSoftmax(dim=0)(gd.tensor([0.0, 1000.0]))
        tensor([-1000.,     0.])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept.

        Raises:
            ShapeError: the axis is not there, or has no elements.
        """
        return F.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The argument."""
        return f"dim={self.dim}"


class Softmax(Module):
    """exp(x / temperature) / sum(exp(x / temperature)) along `dim`: positive numbers that sum to 1 there.

    Put none before ``CrossEntropyLoss``, which takes the logits themselves.

    Source: Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.

    Args:
        dim: one axis; PyTorch guesses one where none is given, here it is the last.
        temperature: above 1 the numbers come closer to each other, below 1 the largest takes more.

    Raises:
        ValueError: `temperature` is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Softmax(dim=1)(gd.tensor([[0.0, 0.0], [0.0, 1000.0]]))
        tensor([[0.5, 0.5],
                [0. , 1. ]])
    """

    def __init__(self, dim: int = -1, *, temperature: float = 1.0) -> None:
        self.dim = dim
        self.temperature = check_temperature(temperature, "Softmax")

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept.

        Raises:
            ShapeError: the axis is not there, or has no elements.
        """
        return F.softmax(x, self.dim, temperature=self.temperature)

    def extra_repr(self) -> str:
        """The arguments."""
        hot = "" if self.temperature == 1 else f", temperature={self.temperature}"
        return f"dim={self.dim}{hot}"


class Softmax2d(Module):
    """exp(x) / sum(exp(x)) over the channels, for each place of an image.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Softmax2d()(gd.zeros((1, 4, 1, 1))).reshape(4)
        tensor([0.25, 0.25, 0.25, 0.25])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, H, W) or (C, H, W), kept.

        Raises:
            ShapeError: `x` has other axes.
        """
        x = gd.asarray(x)
        if x.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: takes images (N, C, H, W) or (C, H, W), and x has shape {x.shape}")
        return F.softmax(x, -3)


class Softmin(Module):
    """softmax(-x) along `dim`: the smallest element takes most.

    Args:
        dim: one axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Softmin(dim=0)(gd.tensor([0.0, 1000.0]))
        tensor([1., 0.])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept.

        Raises:
            ShapeError: the axis is not there, or has no elements.
        """
        return F.softmin(x, self.dim)

    def extra_repr(self) -> str:
        """The argument."""
        return f"dim={self.dim}"
