"""Embedding, a table of vectors; and Bilinear, a layer of two inputs."""

import math
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import init
from ._module import Module
from ._parameter import Parameter
from .functional import bilinear, embedding
from .functional._checks import check_size
from .functional._embedding import check_padding

__all__ = ["Bilinear", "Embedding"]


class Embedding(Module):
    """A table of vectors that are trained, from which ids take rows.

    The rows start from the normal distribution with mean 0 and standard deviation 1, that of `padding_idx` as zeros.

    Source: Bengio et al., "A Neural Probabilistic Language Model", 2003.

    Args:
        num_embeddings: how many rows.
        embedding_dim: how long they are.
        padding_idx: a row that gets no gradient and stays as it is.
        max_norm: rows that are used and longer than this are shortened to it first, in place.
        norm_type: the exponent of that length.
        scale_grad_by_freq: whether gradients are divided by how often their row is named in a call.
        dtype: of the table; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter of shape (num_embeddings, embedding_dim).

    Raises:
        TypeError: a size is no integer.
        ValueError: it is not positive.
        IndexError: `padding_idx` is no row.
        DTypeError: the dtype is not floating.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> words = nn.Embedding(10, 3, padding_idx=0, generator=gd.random.Generator(0))
        >>> words([[4, 2, 0], [1, 0, 0]]).shape
        (2, 3, 3)
        >>> words([0])
        tensor([[0., 0., 0.]], grad_fn=<embedding>)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.num_embeddings = check_size(num_embeddings, "Embedding", "num_embeddings")
        self.embedding_dim = check_size(embedding_dim, "Embedding", "embedding_dim")
        self.padding_idx = check_padding(padding_idx, self.num_embeddings, "Embedding")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = Parameter(gd.empty((self.num_embeddings, self.embedding_dim), dtype=dtype))
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> "Embedding":
        """A layer with a table that is there already.

        Args:
            embeddings: (num_embeddings, embedding_dim), which is used without a copy.
            freeze: whether the table stays as it is in training.
            padding_idx: as for the class, and so are the others.
            max_norm: see there.
            norm_type: see there.
            scale_grad_by_freq: see there.

        Raises:
            ShapeError: the table has no two axes.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> nn.Embedding.from_pretrained(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))([1])
            tensor([[3., 4.]])
        """
        weight = Parameter(embeddings, requires_grad=not freeze)
        if weight.ndim != 2:
            raise ShapeError(
                f"Embedding.from_pretrained: a table has shape (num_embeddings, embedding_dim), and this one "
                f"{weight.shape}"
            )
        rows, length = weight.shape
        layer = cls(rows, length, padding_idx, max_norm, norm_type, scale_grad_by_freq, dtype=weight.dtype)
        layer.weight = weight
        return layer

    def forward(self, ids: Any) -> gd.Tensor:
        """Integers of any shape to the same shape with embedding_dim behind.

        Raises:
            IndexError: an id that is no row.
            DTypeError: ids that are not integers.
        """
        return embedding(ids, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        """Both sizes, and what differs from the defaults."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        return text + (", scale_grad_by_freq=True" if self.scale_grad_by_freq else "")


class Bilinear(Module):
    """x1ᵀ W x2 + b over the last axes, with one matrix W for each output.

    Weight and bias start uniform in ±1/sqrt(in1_features).

    Args:
        in1_features: length of the last axis of the first input.
        in2_features: length of the last axis of the second input.
        out_features: length of the last axis of the output.
        bias: whether b is added; if not, the attribute `bias` is None.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter of shape (out_features, in1_features, in2_features).
        bias: Parameter of shape (out_features,), or None.

    Raises:
        TypeError: a number of features is no integer.
        ValueError: it is not positive.
        DTypeError: the dtype is not floating.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Bilinear(3, 4, 2, generator=gd.random.Generator(0))(gd.ones((5, 3)), gd.ones((5, 4))).shape
        (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.in1_features = check_size(in1_features, "Bilinear", "in1_features")
        self.in2_features = check_size(in2_features, "Bilinear", "in2_features")
        self.out_features = check_size(out_features, "Bilinear", "out_features")
        bound = 1 / math.sqrt(self.in1_features)
        self.weight = Parameter(gd.empty((self.out_features, self.in1_features, self.in2_features), dtype=dtype))
        init.uniform_(self.weight, -bound, bound, generator=generator)
        self.bias = Parameter(gd.empty((self.out_features,), dtype=dtype)) if bias else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x1: Any, x2: Any) -> gd.Tensor:
        """(..., in1_features) and (..., in2_features) to (..., out_features).

        Raises:
            ShapeError: lengths do not fit.
        """
        return bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The four arguments."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
