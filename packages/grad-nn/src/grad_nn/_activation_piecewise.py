"""Activations of straight pieces, as modules: functions of each element."""

from typing import Any

import grad_core as gd
from grad_core.random import Generator

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from ._parameter import Parameter
from .functional._checks import check_size
from .functional._piecewise import check_ends, check_lambd
from .functional._rrelu import check_slopes

__all__ = [
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


class Hardshrink(Module):
    """X where abs(x) > lambd, and 0 elsewhere.

    Source: Donoho, Johnstone, "Ideal Spatial Adaptation by Wavelet Shrinkage", 1994.

    Args:
        lambd: not negative.

    Raises:
        ValueError: `lambd` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Hardshrink()(gd.tensor([-2.0, 0.25, 2.0]))
        tensor([-2.,  0.,  2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = check_lambd(lambd, "Hardshrink")

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The argument."""
        return f"{self.lambd}"


class Hardsigmoid(Module):
    """min(max(x + 3, 0), 6) / 6: a sigmoid of straight lines.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Hardsigmoid()(gd.tensor([-4.0, 0.0, 4.0]))
        tensor([0. , 0.5, 1. ])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.hardsigmoid(x)


class Hardswish(Module):
    """X min(max(x + 3, 0), 6) / 6: a SiLU of straight lines (Howard et al. 2019).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Hardswish()(gd.tensor([-4.0, 0.0, 4.0]))
        tensor([-0.,  0.,  4.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.hardswish(x)


class Hardtanh(Module):
    """min(max(x, min_val), max_val): each element moved into [min_val, max_val].

    Args:
        min_val: the lower end.
        max_val: the upper end.

    Raises:
        ValueError: `min_val` is above `max_val`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Hardtanh()(gd.tensor([-2.0, 0.5, 2.0]))
        tensor([-1. ,  0.5,  1. ])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        check_ends(min_val, max_val, "Hardtanh")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class LeakyReLU(Module):
    """X where x > 0, and negative_slope x elsewhere (Maas et al. 2013).

    Args:
        negative_slope: the slope below 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LeakyReLU(0.5)(gd.tensor([-2.0, 0.0, 2.0]))
        tensor([-1.,  0.,  2.])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The argument."""
        return f"negative_slope={self.negative_slope}"


class RReLU(Module):
    """X where x > 0, and a x elsewhere, with a slope a drawn for each element in training, and else the mean slope.

    Source: Xu, Wang, Chen, Li, "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    Args:
        lower: the least slope.
        upper: what slopes stay below.
        generator: draws the slopes; the default Generator where not given.

    Raises:
        ValueError: `lower` is above `upper`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.RReLU(0.25, 0.75).eval()(gd.tensor([-2.0, 2.0]))
        tensor([-1.,  2.])
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, *, generator: Generator | None = None) -> None:
        check_slopes(lower, upper, "RReLU")
        self.lower = lower
        self.upper = upper
        self.generator = generator

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.rrelu(x, self.lower, self.upper, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"lower={self.lower}, upper={self.upper}"


class PReLU(Module):
    """X where x > 0, and weight x elsewhere, with slopes that are trained (He et al. 2015).

    Args:
        num_parameters: 1 for one slope, or C for one for each channel, counted by axis 1.
        init: where the slopes start.
        dtype: of the slopes; the default dtype where not given.

    Attributes:
        weight: Parameter of shape (num_parameters,).

    Raises:
        TypeError: `num_parameters` is no integer.
        ValueError: it is not positive.
        DTypeError: the dtype is not floating.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.PReLU()(gd.tensor([-2.0, 0.0, 2.0])).tolist()
        [-0.5, 0.0, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = check_size(num_parameters, "PReLU", "num_parameters")
        self.weight = Parameter(gd.full((self.num_parameters,), init, dtype=dtype or gd.get_default_dtype()))

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept; with several slopes (N, C, ...).

        Raises:
            ShapeError: `x` has another number of channels than there are slopes.
        """
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"


class ReLU6(Module):
    """min(max(x, 0), 6).

    Source: Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReLU6()(gd.tensor([-1.0, 2.0, 8.0]))
        tensor([0., 2., 6.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.relu6(x)


class Softshrink(Module):
    """sign(x) max(abs(x) - lambd, 0): x moved towards 0 by lambd, and 0 where it lies within.

    Source: Donoho, "De-noising by Soft-thresholding", 1995.

    Args:
        lambd: not negative.

    Raises:
        ValueError: `lambd` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Softshrink()(gd.tensor([-2.0, 0.25, 2.0]))
        tensor([-1.5,  0. ,  1.5])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = check_lambd(lambd, "Softshrink")

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The argument."""
        return f"{self.lambd}"


class Threshold(Module):
    """X where it is greater than `threshold`, and `value` elsewhere.

    Args:
        threshold: what x is compared with.
        value: what takes the place of the others.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Threshold(1.0, -1.0)(gd.tensor([0.5, 1.0, 1.5]))
        tensor([-1. , -1. ,  1.5])
    """

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = threshold
        self.value = value

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"threshold={self.threshold}, value={self.value}"
