"""EmbeddingBag: rows of a table, summed up over bags of ids."""

from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import init
from ._module import Module
from ._parameter import Parameter
from .functional import embedding_bag
from .functional._checks import check_size
from .functional._embedding import check_padding
from .functional._embedding_bag import check_mode

__all__ = ["EmbeddingBag"]


class EmbeddingBag(Module):
    """A table of vectors that are trained, of which the sum, the mean or the largest elements of a bag are taken.

    The rows start from the normal distribution with mean 0 and standard deviation 1, that of `padding_idx` as zeros.

    Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016, for means.

    Args:
        num_embeddings: how many rows.
        embedding_dim: how long they are.
        max_norm: rows that are used and longer than this are shortened to it first, in place.
        norm_type: the exponent of that length.
        scale_grad_by_freq: whether gradients are divided by how often their row is named in a call.
        mode: "sum", "mean" or "max".
        include_last_offset: whether the last of the offsets is where the last bag ends.
        padding_idx: a row that does not count and gets no gradient.
        dtype: of the table; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter of shape (num_embeddings, embedding_dim).

    Raises:
        TypeError: a size is no integer.
        ValueError: it is not positive, or an unknown mode.
        IndexError: `padding_idx` is no row.
        DTypeError: the dtype is not floating.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> bags = nn.EmbeddingBag(10, 3, mode="sum", generator=gd.random.Generator(0))
        >>> bags([4, 2, 0, 1, 0], offsets=[0, 2]).shape
        (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.num_embeddings = check_size(num_embeddings, "EmbeddingBag", "num_embeddings")
        self.embedding_dim = check_size(embedding_dim, "EmbeddingBag", "embedding_dim")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = check_mode(mode, scale_grad_by_freq, "EmbeddingBag")
        self.include_last_offset = include_last_offset
        self.padding_idx = check_padding(padding_idx, self.num_embeddings, "EmbeddingBag")
        self.weight = Parameter(gd.empty((self.num_embeddings, self.embedding_dim), dtype=dtype))
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> "EmbeddingBag":
        """A layer with a table that is there already.

        Args:
            embeddings: (num_embeddings, embedding_dim), which is used without a copy.
            freeze: whether the table stays as it is in training.
            max_norm: as for the class, and so are the others.
            norm_type: see there.
            scale_grad_by_freq: see there.
            mode: see there.
            include_last_offset: see there.
            padding_idx: see there.

        Raises:
            ShapeError: the table has no two axes.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> nn.EmbeddingBag.from_pretrained(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))([[0, 1]])
            tensor([[2., 3.]])
        """
        weight = Parameter(embeddings, requires_grad=not freeze)
        if weight.ndim != 2:
            raise ShapeError(
                "EmbeddingBag.from_pretrained: a table has shape (num_embeddings, embedding_dim), and this one "
                f"{weight.shape}"
            )
        rows, length = weight.shape
        layer = cls(
            rows,
            length,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
            dtype=weight.dtype,
        )
        layer.weight = weight
        return layer

    def forward(self, ids: Any, offsets: Any = None, per_sample_weights: Any = None) -> gd.Tensor:
        """Integers (bags, length), or (count,) with `offsets` (bags,), where each bag starts, to (bags, embedding_dim).

        `per_sample_weights`, for sums, have the shape of the ids and say what each row counts.

        Raises:
            IndexError: an id or an offset that is not there.
            DTypeError: ids that are not integers.
            ShapeError: shapes do not fit.
            ValueError: `per_sample_weights` with another mode than "sum".
        """
        return embedding_bag(
            ids,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Both sizes, what differs from the defaults, and the mode."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += ", scale_grad_by_freq=True"
        text += f", mode={self.mode!r}"
        return text + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")
