"""Functions of each element, as modules; and Flatten, which has no parameters either."""

from typing import Any

import grad_core as gd

from ._module import Module

__all__ = ["Flatten", "ReLU", "Sigmoid", "Tanh"]


class ReLU(Module):
    """max(x, 0), element by element; its derivative at 0 is 0.

    Source: Nair, Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReLU()(gd.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 0., 2.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return gd.relu(x)


class Sigmoid(Module):
    """1 / (1 + e**-x), element by element, in (0, 1); nothing overflows at any x.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Sigmoid()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([0. , 0.5, 1. ])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return gd.sigmoid(x)


class Tanh(Module):
    """(e**x - e**-x) / (e**x + e**-x): the hyperbolic tangent, element by element, in (-1, 1).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Tanh()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([-1.,  0.,  1.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return gd.tanh(x)


class Flatten(Module):
    """Axes `start_dim` to `end_dim`, both included, made into one: by default all but the first, which counts samples.

    Args:
        start_dim: the first axis to join.
        end_dim: the last one.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Flatten()(gd.zeros((32, 28, 28))).shape
        (32, 784)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> gd.Tensor:
        """(N, a, b, ...) to (N, a * b * ...).

        Raises:
            ShapeError: `x` has no axis of that number.
        """
        return gd.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Both arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
