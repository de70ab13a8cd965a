"""Activations without kinks, as modules: functions of each element."""

from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._smooth import check_approximate

__all__ = ["CELU", "ELU", "GELU", "SELU", "LogSigmoid", "Mish", "SiLU", "Softplus", "Softsign", "Tanhshrink"]


class CELU(Module):
    """X where x > 0, and alpha (e**(x / alpha) - 1) elsewhere (Barron 2017).

    Args:
        alpha: -alpha is the limit for very negative x; not 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.CELU(0.5)(gd.tensor([-1000.0, 0.0, 2.0]))
        tensor([-0.5,  0. ,  2. ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.celu(x, self.alpha)

    def extra_repr(self) -> str:
        """The argument."""
        return f"alpha={self.alpha}"


class ELU(Module):
    """X where x > 0, and alpha (e**x - 1) elsewhere (Clevert et al. 2015).

    Args:
        alpha: -alpha is the limit for very negative x.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ELU(0.5)(gd.tensor([-1000.0, 0.0, 2.0]))
        tensor([-0.5,  0. ,  2. ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The argument."""
        return f"alpha={self.alpha}"


class GELU(Module):
    """X Φ(x), with the distribution function of the normal distribution (Hendrycks and Gimpel 2016).

    Args:
        approximate: "none" for Φ itself, "tanh" for the form of GPT-2; see ``functional.gelu``.

    Raises:
        ValueError: another `approximate`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.GELU()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([  -0.,    0., 1000.])
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = check_approximate(approximate, "GELU")

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        """The argument."""
        return f"approximate={self.approximate!r}"


class LogSigmoid(Module):
    """log(sigmoid(x)), exact where sigmoid itself would round to 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LogSigmoid()(gd.tensor([-1000.0, 1000.0]))
        tensor([-1000.,     0.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.logsigmoid(x)


class Mish(Module):
    """X tanh(log(1 + e**x)) (Misra 2019).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Mish()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([  -0.,    0., 1000.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.mish(x)


class SELU(Module):
    """1.0507 times an ELU with alpha = 1.6733, which keeps mean 0 and variance 1 (Klambauer et al. 2017).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> [round(v, 4) for v in nn.SELU()(gd.tensor([-1000.0, 0.0, 1.0])).tolist()]
        [-1.7581, 0.0, 1.0507]
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.selu(x)


class SiLU(Module):
    """X sigmoid(x), also called swish (Elfwing et al. 2017).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.SiLU()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([  -0.,    0., 1000.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return gd.silu(x)


class Softplus(Module):
    """log(1 + e**(beta x)) / beta, a smooth ReLU.

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2001.

    Args:
        beta: the larger, the sharper the bend at 0; not 0.
        threshold: where beta x is above it, x itself.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> [round(v, 4) for v in nn.Softplus()(gd.tensor([-1000.0, 0.0, 1000.0])).tolist()]
        [0.0, 0.6931, 1000.0]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """X / (1 + abs(x)), in (-1, 1).

    Source: Glorot, Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural Networks", 2010.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Softsign()(gd.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.5 ,  0.  ,  0.75])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.softsign(x)


class Tanhshrink(Module):
    """X - tanh(x).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Tanhshrink()(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([-999.,    0.,  999.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept."""
        return F.tanhshrink(x)
