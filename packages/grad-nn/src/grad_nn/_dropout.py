"""Dropout: noise that keeps a network from relying on any one unit, element by element or channel by channel."""

import warnings
from collections.abc import Callable
from typing import Any

import grad_core as gd
from grad_core.random import Generator

from . import functional
from ._module import Module
from .functional._checks import check_probability

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """What the layers share: a probability, a Generator, and a word about evaluation that trains."""

    _function: Callable[..., gd.Tensor]
    _told = False

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        self.p = check_probability(p, type(self).__name__)
        self.generator = generator

    def forward(self, x: Any) -> gd.Tensor:
        """Floats, their shape kept; in evaluation the tensor itself comes back.

        Warns once where it drops elements though no gradient is recorded: most likely ``model.eval()`` was forgotten.
        """
        if self.training and self.p and not self._told and not gd.is_grad_enabled():
            self._told = True
            warnings.warn(
                f"{type(self).__name__}(p={self.p}) is in training mode and drops elements, but no gradients are "
                "recorded: for evaluation call model.eval() first, and model.train() after it",
                RuntimeWarning,
                stacklevel=4,
            )
        return type(self)._function(x, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout(_Dropout):
    """In training, each element becomes 0 with probability `p`, and the others are divided by 1 - p; else the identity.

    Dividing in training keeps the expected value, so that nothing has to change in evaluation (Srivastava et al. 2014,
    "Dropout: a simple way to prevent neural networks from overfitting", in the inverted form). In training mode under
    ``no_grad`` it warns once, because most likely ``model.eval()`` was forgotten.

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

    _function = staticmethod(functional.dropout)


class Dropout1d(_Dropout):
    """Dropout of whole channels of (N, C, L) or (C, L); arguments are those of ``Dropout``.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Dropout1d(1.0)(gd.ones((1, 2, 3))).tolist()
        [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    """

    _function = staticmethod(functional.dropout1d)


class Dropout2d(_Dropout):
    """Dropout of whole channels of images (N, C, H, W); arguments are those of ``Dropout``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Dropout2d(0.5).eval()(gd.ones((1, 2, 3, 3))).shape
        (1, 2, 3, 3)
    """

    _function = staticmethod(functional.dropout2d)


class Dropout3d(_Dropout):
    """Dropout of whole channels of volumes (N, C, D, H, W) or (C, D, H, W); arguments are those of ``Dropout``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Dropout3d(0.5).eval()(gd.ones((1, 2, 3, 3, 3))).shape
        (1, 2, 3, 3, 3)
    """

    _function = staticmethod(functional.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that goes with SELU: elements go to its lowest value, and mean 0 and variance 1 stay as they are.

    Arguments are those of ``Dropout``.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> x = nn.AlphaDropout(0.5, generator=gd.random.Generator(0))(gd.zeros(1000))
        >>> [round(v, 3) for v in sorted(set(x.tolist()))]
        [-0.779, 0.779]
    """

    _function = staticmethod(functional.alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N, C, ...); arguments are those of ``Dropout``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.FeatureAlphaDropout(0.5).eval()(gd.ones((1, 2, 3))).shape
        (1, 2, 3)
    """

    _function = staticmethod(functional.feature_alpha_dropout)
