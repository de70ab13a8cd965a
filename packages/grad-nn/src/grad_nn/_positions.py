"""Positions for attention, which does not know them by itself: sinusoidal, learned, and rotary."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import functional, init
from ._dropout import Dropout
from ._module import Module
from ._parameter import Parameter
from .functional._rotary import check_rotated

__all__ = ["LearnedPositionalEmbedding", "RotaryEmbedding", "SinusoidalPositionalEncoding"]


def _check(x: Any, offset: int, length: int, features: int, name: str) -> tuple[Any, int]:
    """`x` as a tensor, and where its positions end."""
    x = gd.asarray(x)
    if x.ndim < 2 or x.shape[-1] != features:
        raise ShapeError(f"{name}: x has shape {x.shape}, and must be (..., length, {features})")
    end = offset + x.shape[-2]
    if offset < 0 or end > length:
        raise ShapeError(
            f"{name}: x of shape {x.shape} has positions {offset} to {end - 1}, and the layer knows 0 to {length - 1}: "
            "make it longer, or cut x"
        )
    return x, end


class SinusoidalPositionalEncoding(Module):
    """Dropout(x + waves of different lengths), which tell positions apart and are not learned.

    At position p, feature 2 i is sin(p / 10000**(2 i / E)), and feature 2 i + 1 the cosine of the same.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.5).

    Args:
        features: E, the length of the last axis.
        max_len: how many positions there are.
        dropout: the probability of dropping an element of the sum, in training.
        generator: draws what is dropped; the default Generator where not given.

    Attributes:
        table: array (max_len, E) of float64; it is no parameter, and not in the state dict.

    Raises:
        ValueError: `features` is odd, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> [[round(v, 3) for v in row] for row in nn.SinusoidalPositionalEncoding(4)(gd.zeros((2, 4))).tolist()]
        [[0.0, 1.0, 0.0, 1.0], [0.841, 0.54, 0.01, 1.0]]
    """

    def __init__(
        self, features: int, max_len: int = 5000, dropout: float = 0.0, *, generator: Generator | None = None
    ) -> None:
        check_rotated(features, 1.0, "SinusoidalPositionalEncoding")
        self.features = features
        self.max_len = max_len
        self.dropout = Dropout(dropout, generator=generator)
        angles = np.arange(max_len)[:, None] * np.exp(np.arange(0, features, 2) * (-math.log(10000.0) / features))
        self.table = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(max_len, features)

    def forward(self, x: Any, offset: int = 0) -> gd.Tensor:
        """(..., L, E), kept; `offset` is the position of the first.

        Raises:
            ShapeError: another number of features, or positions that the layer does not have.
        """
        x, end = _check(x, offset, self.max_len, self.features, "SinusoidalPositionalEncoding")
        return self.dropout(x + self.table[offset:end].astype(x.dtype))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.features}, max_len={self.max_len}"


class LearnedPositionalEmbedding(Module):
    """X + a vector for each position, which is learned.

    Source: Gehring et al., "Convolutional Sequence to Sequence Learning", 2017 (section 3.1); so in GPT and BERT, whose
    vectors start from the normal distribution with standard deviation 0.02, as these do.

    Args:
        features: E, the length of the last axis.
        max_len: how many positions there are.
        dtype: of the vectors; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter (max_len, E).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.LearnedPositionalEmbedding(4, 10)
        >>> bool((layer(gd.zeros((2, 3, 4)), offset=5)[1] == layer.weight[5:8]).all())
        True
    """

    def __init__(self, features: int, max_len: int, *, dtype: Any = None, generator: Generator | None = None) -> None:
        self.features = features
        self.max_len = max_len
        self.weight = Parameter(gd.empty((max_len, features), dtype=dtype))
        init.normal_(self.weight, std=0.02, generator=generator)

    def forward(self, x: Any, offset: int = 0) -> gd.Tensor:
        """(..., L, E), kept; `offset` is the position of the first.

        Raises:
            ShapeError: another number of features, or positions that the layer does not have.
        """
        x, end = _check(x, offset, self.max_len, self.features, "LearnedPositionalEmbedding")
        return x + self.weight[offset:end]  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.features}, max_len={self.max_len}"


class RotaryEmbedding(Module):
    """Turn queries and keys by their positions, see ``functional.rotary``; it has no parameters.

    Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.

    Args:
        dim: how many features of each head are turned, the first ones; an even number.
        base: the larger, the slower the last pairs turn.
        interleaved: pairs are neighbours, as in the paper; otherwise they are i and i + dim / 2, as in GPT-NeoX.

    Raises:
        ValueError: `dim` is odd, or `base` is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> turn = nn.RotaryEmbedding(2)
        >>> q, k = gd.tensor([[1.0, 2.0]]), gd.tensor([[3.0, 4.0]])
        >>> near = (turn(q, 5) * turn(k, 3)).sum()
        >>> far = (turn(q, 105) * turn(k, 103)).sum()
        >>> round(abs(near - far).item(), 3)
        0.0
    """

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False) -> None:
        check_rotated(dim, base, "RotaryEmbedding")
        self.dim = dim
        self.base = base
        self.interleaved = interleaved

    def forward(self, x: Any, offset: int = 0, *, positions: Any = None) -> gd.Tensor:
        """(..., L, E), kept; `offset` is the position of the first, or `positions` are those of all.

        Raises:
            ShapeError: fewer features than `dim`, or positions that do not fit.
        """
        options: Any = {"dim": self.dim, "base": self.base, "interleaved": self.interleaved}
        return functional.rotary(x, offset, positions=positions, **options)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"
