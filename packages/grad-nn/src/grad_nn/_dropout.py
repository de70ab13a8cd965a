"""Dropout: noise that keeps a network from relying on any one unit."""

from typing import Any

import grad_core as gd
from grad_core.random import Generator

from ._module import Module
from .functional import dropout
from .functional._checks import check_probability

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, each element becomes 0 with probability `p`, and the others are divided by 1 - p; else the identity.

    Dividing in training keeps the expected value, so that nothing has to change in evaluation (Srivastava et al. 2014,
    "Dropout: a simple way to prevent neural networks from overfitting", in the inverted form).

    Args:
        p: in [0, 1]; it is rounded to a multiple of 2**-16.
        generator: draws what is dropped; the default Generator where not given.

    Raises:
        ValueError: `p` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.Dropout(0.5, generator=gd.random.Generator(0))
        >>> sorted(set(layer(gd.ones(100)).tolist()))
        [0.0, 2.0]
        >>> layer.eval()(gd.ones(3))
        tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        self.p = check_probability(p, "Dropout")
        self.generator = generator

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape of floats, kept; in evaluation the tensor itself comes back."""
        return dropout(x, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
