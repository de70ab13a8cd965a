"""Linear: every output depends on every input."""

import math
import operator
from typing import Any

import grad_core as gd
from grad_core.random import Generator

from . import init
from ._module import Module
from ._parameter import Parameter
from .functional import linear

__all__ = ["Linear"]


class Linear(Module):
    """y = x Wᵀ + b over the last axis.

    Weight and bias start uniform in ±1/sqrt(in_features), as in ``torch.nn.Linear`` (He et al. 2015, "Delving deep into
    rectifiers", with a = sqrt(5)).

    Args:
        in_features: length of the last axis of the input.
        out_features: length of the last axis of the output.
        bias: whether b is added; if not, the attribute `bias` is None.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter of shape (out_features, in_features).
        bias: Parameter of shape (out_features,), or None.

    Raises:
        TypeError: a number of features is no integer.
        ValueError: it is negative.
        DTypeError: the dtype is not floating.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.Linear(3, 2, generator=gd.random.Generator(0))
        >>> layer(gd.ones((5, 3))).shape
        (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.in_features = _count(in_features, "in_features")
        self.out_features = _count(out_features, "out_features")
        self.weight = Parameter(gd.empty((self.out_features, self.in_features), dtype=dtype))
        self.bias = Parameter(gd.empty((self.out_features,), dtype=dtype)) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x: Any) -> gd.Tensor:
        """(..., in_features) to (..., out_features).

        Raises:
            ShapeError: the last axis of `x` has another length.
        """
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The three arguments."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def _count(value: Any, name: str) -> int:
    try:
        count = operator.index(value)
    except TypeError as error:
        raise TypeError(f"Linear: {name} must be an integer, and {value!r} is a {type(value).__name__}") from error
    if count < 0:
        raise ValueError(f"Linear: {name} is a number of features, and {count} is negative")
    return count
