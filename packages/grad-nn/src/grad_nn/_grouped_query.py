"""Attention of today's language models: fewer heads of keys than of queries, and a cache for generation."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import functional
from ._linear import Linear
from ._module import Module
from ._positions import RotaryEmbedding
from .functional._checks import check_probability

__all__ = ["GroupedQueryAttention", "KVCache", "cached_mask"]


class KVCache:
    """Keys and values of the positions so far, so that generation computes each of them once.

    Memory for all positions is taken at the first call of ``append``; later ones write into it. It has no history:
    nothing flows back into what made the keys.

    Args:
        capacity: for how many positions there is room.

    Attributes:
        capacity: the same.
        length: how many positions it holds.

    Raises:
        ValueError: `capacity` is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> cache = nn.KVCache(10)
        >>> keys, values = cache.append(gd.ones((2, 4, 3, 8)), gd.zeros((2, 4, 3, 8)))
        >>> keys, values = cache.append(gd.ones((2, 4, 1, 8)), gd.zeros((2, 4, 1, 8)))
        >>> keys.shape, cache.length
        ((2, 4, 4, 8), 4)
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"KVCache: capacity is a number of positions, and {capacity} is none")
        self.capacity = capacity
        self.length = 0
        self._memory: tuple[Any, ...] = ()

    def append(self, keys: Any, values: Any) -> tuple[gd.Tensor, gd.Tensor]:
        """Add (..., heads, n, features) of n new positions, and return those of all positions so far.

        Raises:
            ShapeError: there is no room, or the shapes are not those of earlier positions.
        """
        new = [gd.asarray(x).detach().data for x in (keys, values)]
        if new[0].ndim < 2 or new[0].shape[:-1] != new[1].shape[:-1]:
            raise ShapeError(f"KVCache: keys {new[0].shape} and values {new[1].shape} must be of the same positions")
        end = self.length + new[0].shape[-2]
        if end > self.capacity:
            raise ShapeError(
                f"KVCache: it has room for {self.capacity} positions, holds {self.length}, and {new[0].shape[-2]} more "
                "do not fit: make it larger, or reset() it and begin with the last ones"
            )
        if not self._memory:
            self._memory = tuple(np.empty((*x.shape[:-2], self.capacity, x.shape[-1]), x.dtype) for x in new)
        for memory, x in zip(self._memory, new, strict=True):
            if x.shape[:-2] != memory.shape[:-2] or x.shape[-1] != memory.shape[-1]:
                raise ShapeError(
                    f"KVCache: it was begun with shape {(*memory.shape[:-2], 'n', memory.shape[-1])}, and this is "
                    f"{x.shape}: use a new cache for other batches"
                )
        for memory, x in zip(self._memory, new, strict=True):
            memory[..., self.length : end, :] = x
        self.length = end
        all_keys, all_values = (gd.asarray(memory[..., :end, :]) for memory in self._memory)
        return all_keys, all_values

    def reset(self) -> None:
        """Forget all positions; the memory stays."""
        self.length = 0

    def __repr__(self) -> str:
        return f"KVCache({self.length} of {self.capacity} positions)"


def cached_mask(earlier: int, new: int) -> Any:
    """Where `new` positions that follow `earlier` ones may look: booleans (new, earlier + new); None for everywhere."""
    return None if new == 1 else np.tri(new, earlier + new, earlier, dtype=np.bool_)


class GroupedQueryAttention(Module):
    """Causal self-attention in which several heads of queries share one head of keys and values.

    head_i = attention(x Wq_i, x Wk_j, x Wv_j) with j = i // (num_heads / num_kv_heads), and the result is
    concat(head_1, ..., head_h) Wo. With as many heads of keys as of queries it is usual attention, with a single one
    multi-query attention.

    Source: Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints",
    2023; Shazeer, "Fast Transformer Decoding: One Write-Head is All You Need", 2019.

    Args:
        embed_dim: E, the number of features of input and result.
        num_heads: heads of queries; it divides `embed_dim`.
        num_kv_heads: heads of keys and values; it divides `num_heads`; None for as many.
        bias: whether the projections have biases.
        rotary: turns queries and keys by their positions, or None.
        dropout: the probability with which an attention weight is dropped in training.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        q_proj: Linear(E, E).
        k_proj: Linear(E, num_kv_heads * E / num_heads).
        v_proj: the same.
        o_proj: Linear(E, E). The four names are those of Llama's weights.

    Raises:
        ValueError: the heads do not divide, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.GroupedQueryAttention(16, 4, 2, rotary=nn.RotaryEmbedding(4))
        >>> x, cache = gd.random.normal((1, 3, 16)), nn.KVCache(8)
        >>> steps = gd.concat([layer(x[:, i : i + 1], cache=cache) for i in range(3)], 1)
        >>> round(abs(steps - layer(x)).max().item(), 4)
        0.0
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        num_kv_heads: int | None = None,
        bias: bool = False,
        *,
        rotary: RotaryEmbedding | None = None,
        dropout: float = 0.0,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        shared = num_heads if num_kv_heads is None else num_kv_heads
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"GroupedQueryAttention: {num_heads} heads cannot share {embed_dim} features equally")
        if shared < 1 or num_heads % shared:
            raise ValueError(
                f"GroupedQueryAttention: {num_heads} heads of queries cannot share {shared} heads of keys equally"
            )
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.num_kv_heads = shared
        self.dropout = check_probability(dropout, "GroupedQueryAttention")
        self.rotary = rotary
        self.generator = generator
        width = shared * (embed_dim // num_heads)
        options: Any = {"dtype": dtype, "generator": generator}
        self.q_proj = Linear(embed_dim, embed_dim, bias, **options)
        self.k_proj = Linear(embed_dim, width, bias, **options)
        self.v_proj = Linear(embed_dim, width, bias, **options)
        self.o_proj = Linear(embed_dim, embed_dim, bias, **options)

    def forward(
        self, x: Any, attn_mask: Any = None, is_causal: bool = True, *, cache: KVCache | None = None
    ) -> gd.Tensor:
        """Attend from each position to those before it, and to itself.

        Args:
            x: (..., L, E).
            attn_mask: as in ``functional.scaled_dot_product_attention``: booleans, True where a query may look, or
                floats to add, broadcast to (..., num_heads, L, S); S counts what the cache holds too.
            is_causal: no position looks at later ones.
            cache: positions before those of `x`, to which these are added. The result then has no history.

        Returns:
            (..., L, E).

        Raises:
            ShapeError: the shapes do not fit, or there is no room in the cache.
        """
        x = gd.asarray(x)
        if x.ndim < 2 or x.shape[-1] != self.embed_dim:
            raise ShapeError(f"GroupedQueryAttention: x has shape {x.shape}, and must be (..., L, {self.embed_dim})")
        if cache is None:
            return self._attend(x, attn_mask, is_causal, None)
        with gd.no_grad():
            return self._attend(x, attn_mask, is_causal, cache)

    def _attend(self, x: Any, mask: Any, is_causal: bool, cache: KVCache | None) -> gd.Tensor:
        length, earlier = x.shape[-2], 0 if cache is None else cache.length
        features = self.embed_dim // self.num_heads
        q, k, v = (
            projection(x).reshape((*x.shape[:-1], heads, features)).swapaxes(-2, -3)
            for projection, heads in (
                (self.q_proj, self.num_heads),
                (self.k_proj, self.num_kv_heads),
                (self.v_proj, self.num_kv_heads),
            )
        )
        if self.rotary is not None:
            q, k = self.rotary(q, earlier), self.rotary(k, earlier)
        if cache is not None:
            k, v = cache.append(k, v)
        if is_causal and earlier:
            seen = cached_mask(earlier, length)
            is_causal = False
            if mask is None:
                mask = seen
            elif seen is not None:
                mask = gd.asarray(mask)
                mask = mask & seen if mask.dtype.kind == "b" else gd.where(seen, mask, -np.inf)
        p = self.dropout if self.training else 0.0
        grouped = self.num_heads != self.num_kv_heads
        out = functional.scaled_dot_product_attention(
            q, k, v, mask, p, is_causal, enable_gqa=grouped, generator=self.generator
        )
        return self.o_proj(out.swapaxes(-2, -3).reshape(x.shape))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}, num_kv_heads={self.num_kv_heads}"
