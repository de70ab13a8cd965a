"""MultiheadAttention, with the arguments, parameters and results of torch.nn.MultiheadAttention."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.random import Generator

from . import functional, init
from ._linear import Linear
from ._module import Module
from ._parameter import Parameter
from .functional._attention import attend_with_weights
from .functional._checks import check_probability
from .functional._packed_attention import fits_packed, packed_attention

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention by several heads, each with its own projections of query, key and value; their results are joined.

    head_i = attention(query Wq_i, key Wk_i, value Wv_i), and the result is concat(head_1, ..., head_h) Wo.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.2.2).

    Args:
        embed_dim: E, the number of features of queries and results.
        num_heads: how many heads share them; it divides `embed_dim`.
        dropout: the probability with which an attention weight is dropped in training.
        bias: whether the projections have biases.
        add_bias_kv: whether there is one more key and value to learn.
        add_zero_attn: whether there is one more key and value, of zeros.
        kdim: features of the keys; None for `embed_dim`.
        vdim: features of the values; None for `embed_dim`.
        batch_first: inputs and results are (N, L, E); otherwise (L, N, E), as torch's are unless told.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        in_proj_weight: Parameter (3 E, E), the projections of query, key and value; None where kdim or vdim differ.
        q_proj_weight: Parameter (E, E) where kdim or vdim differ, else None; so are the next two.
        k_proj_weight: Parameter (E, kdim).
        v_proj_weight: Parameter (E, vdim).
        in_proj_bias: Parameter (3 E,), or None.
        bias_k: Parameter (1, 1, E), or None.
        bias_v: Parameter (1, 1, E), or None.
        out_proj: Linear(E, E).

    Raises:
        ValueError: `num_heads` does not divide `embed_dim`, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.MultiheadAttention(8, 2, batch_first=True)
        >>> x = gd.ones((5, 3, 8))
        >>> out, weights = layer(x, x, x, is_causal=True)
        >>> out.shape, weights.shape
        ((5, 3, 8), (5, 3, 3))
        >>> weights[0].tolist()[0]
        [1.0, 0.0, 0.0]
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: {num_heads} heads cannot share {embed_dim} features equally")
        check_probability(dropout, "MultiheadAttention")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.add_zero_attn = add_zero_attn
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first = batch_first
        self.generator = generator

        def start(*shape: int) -> Parameter:
            weight = Parameter(gd.empty(shape, dtype=dtype))
            init.xavier_uniform_(weight, generator=generator)
            return weight

        same = self.kdim == embed_dim and self.vdim == embed_dim
        self.in_proj_weight = start(3 * embed_dim, embed_dim) if same else None
        self.q_proj_weight = None if same else start(embed_dim, embed_dim)
        self.k_proj_weight = None if same else start(embed_dim, self.kdim)
        self.v_proj_weight = None if same else start(embed_dim, self.vdim)
        self.in_proj_bias = Parameter(gd.zeros(3 * embed_dim, dtype=dtype)) if bias else None
        self.bias_k = Parameter(gd.empty((1, 1, embed_dim), dtype=dtype)) if add_bias_kv else None
        self.bias_v = Parameter(gd.empty((1, 1, embed_dim), dtype=dtype)) if add_bias_kv else None
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra, generator=generator)
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, generator=generator)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[gd.Tensor, gd.Tensor | None]:
        """Attend from each query to the keys.

        Args:
            query: (N, L, E) with `batch_first`, (L, N, E) without, or (L, E) for one sample.
            key: the same with S and kdim.
            value: the same with S and vdim.
            key_padding_mask: (N, S), or (S,) for one sample: booleans, True for keys to leave out, or floats to add to
                their scores.
            need_weights: whether the weights are returned too, which keeps all of them.
            attn_mask: (L, S) or (N * num_heads, L, S): booleans, True for pairs to leave out, or floats to add.
            average_attn_weights: the weights are averaged over the heads.
            is_causal: query i looks at keys 0 to i only.

        Returns:
            The result, in the form of the query, and the weights: (N, L, S), or (N, num_heads, L, S) where not
            averaged, without N for one sample; None where not needed. Queries that may look nowhere get zeros.

        Raises:
            ShapeError: the shapes do not fit.
            DTypeError: a mask of integers.
        """
        query, key, value, single = self._as_batches(query, key, value)
        batch, queries, _ = query.shape
        p = self.dropout if self.training else 0.0
        weight = self.in_proj_weight
        masked = attn_mask is not None or key_padding_mask is not None
        plain = not (need_weights or masked or p or self.add_zero_attn or self.bias_k is not None)
        own = query is key and key is value and weight is not None
        if plain and own and fits_packed(query, weight, self.num_heads):
            joint = functional.linear(query, weight, self.in_proj_bias)
            return self._finish(packed_attention(joint, self.num_heads, is_causal), None, single)
        q, k, v = self._project(query, key, value)
        if self.bias_k is not None and self.bias_v is not None:
            shape = (batch, 1, self.embed_dim)
            k = gd.concat([k, gd.broadcast_to(self.bias_k, shape)], 1)
            v = gd.concat([v, gd.broadcast_to(self.bias_v, shape)], 1)
        q, k, v = (
            x.reshape((batch, x.shape[1], self.num_heads, self.embed_dim // self.num_heads)).swapaxes(1, 2)
            for x in (q, k, v)
        )
        if self.add_zero_attn:
            zeros = np.zeros((*k.shape[:2], 1, k.shape[-1]), k.dtype)
            k, v = gd.concat([k, zeros], 2), gd.concat([v, zeros], 2)
        mask = self._mask(attn_mask, key_padding_mask, batch, queries, key.shape[1], q.dtype)
        if k.shape[2] > key.shape[1]:  # what was added is seen by all
            if is_causal:
                later = _to_add(np.triu(np.ones((queries, key.shape[1]), np.bool_), 1), q.dtype, "is_causal")
                mask, is_causal = later if mask is None else mask + later, False
            if mask is not None:
                mask = gd.pad(mask, ((0, 0),) * (mask.ndim - 1) + ((0, k.shape[2] - key.shape[1]),))
        if need_weights:
            out, weights = attend_with_weights(q, k, v, mask, p, is_causal, self.generator)
        else:
            out = functional.scaled_dot_product_attention(q, k, v, mask, p, is_causal, generator=self.generator)
            weights = None
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        return self._finish(out.swapaxes(1, 2).reshape((batch, queries, self.embed_dim)), weights, single)

    def _finish(self, out: Any, weights: Any, single: bool) -> tuple[gd.Tensor, gd.Tensor | None]:
        """The projected result, in the form of the query, and the weights."""
        out = self.out_proj(out)
        if single:
            return out[0], None if weights is None else weights[0]
        return out if self.batch_first else out.swapaxes(0, 1), weights

    def _as_batches(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any, bool]:
        """All three as (N, length, features), and whether there is one sample without N."""
        same = (key is query, value is key)
        given = tuple(gd.asarray(x) for x in (query, key, value))
        shapes = "query {}, key {}, value {}".format(*[x.shape for x in given])
        ranks = {x.ndim for x in given}
        if len(ranks) != 1 or ranks.pop() not in (2, 3):
            raise ShapeError(f"MultiheadAttention: takes three of 3 axes, or for one sample of 2: {shapes}")
        for x, features, name in zip(
            given, (self.embed_dim, self.kdim, self.vdim), ("query", "key", "value"), strict=True
        ):
            if x.shape[-1] != features:
                raise ShapeError(f"MultiheadAttention: made for {name} with {features} features: {shapes}")
        single = given[0].ndim == 2
        turned = [gd.expand_dims(x) if single else x if self.batch_first else x.swapaxes(0, 1) for x in given]
        q, k, v = turned
        if k.shape[:2] != v.shape[:2] or q.shape[0] != k.shape[0]:
            order = "" if single else " (N, length, features)" if self.batch_first else " (length, N, features)"
            raise ShapeError(f"MultiheadAttention: batch sizes, or lengths of key and value, differ: {shapes}{order}")
        k = q if same[0] else k
        return q, k, k if same[1] else v, single

    def _project(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
        size = self.embed_dim
        if self.in_proj_weight is not None and query is key and key is value:  # one product for all three
            joint = functional.linear(query, self.in_proj_weight, self.in_proj_bias)
            q, k, v = gd.split(joint, 3, -1)
            return q, k, v
        if self.in_proj_weight is not None:
            weights: Any = gd.split(self.in_proj_weight, 3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases: Any = (None,) * 3 if self.in_proj_bias is None else gd.split(self.in_proj_bias, 3)
        if key is value and self.in_proj_weight is not None and self.in_proj_bias is not None:
            both = functional.linear(key, self.in_proj_weight[size:], self.in_proj_bias[size:])
            k, v = gd.split(both, 2, -1)
            return functional.linear(query, weights[0], biases[0]), k, v
        q, k, v = (functional.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
        return q, k, v

    def _mask(self, attn_mask: Any, padding: Any, batch: int, queries: int, keys: int, dtype: Any) -> Any:
        """Both masks as one of floats to add, of shape (1 or N, 1 or heads, 1 or L, S); None where there is none."""
        added = None
        if attn_mask is not None:
            mask = gd.asarray(attn_mask)
            if mask.shape == (batch * self.num_heads, queries, keys):
                mask = mask.reshape((batch, self.num_heads, queries, keys))
            elif mask.shape == (queries, keys):
                mask = mask.reshape((1, 1, queries, keys))
            else:
                raise ShapeError(
                    f"MultiheadAttention: attn_mask has shape {mask.shape}, and must have {(queries, keys)}, or "
                    f"{(batch * self.num_heads, queries, keys)} with one for each sample and head"
                )
            added = _to_add(mask, dtype, "attn_mask")
        if padding is not None:
            mask = gd.asarray(padding)
            if mask.shape not in ((batch, keys), (keys,) if batch == 1 else (batch, keys)):
                raise ShapeError(
                    f"MultiheadAttention: key_padding_mask has shape {mask.shape}, and must have {(batch, keys)}, one "
                    "entry for each key"
                )
            mask = _to_add(mask.reshape((batch, 1, 1, keys)), dtype, "key_padding_mask")
            added = mask if added is None else added + mask
        return added

    def extra_repr(self) -> str:
        """The sizes, and what is not as usual."""
        extras = [f"dropout={self.dropout}"] if self.dropout else []
        extras += [
            f"{name}={size}" for name, size in (("kdim", self.kdim), ("vdim", self.vdim)) if size != self.embed_dim
        ]
        extras += ["batch_first=True"] if self.batch_first else []
        return ", ".join([f"embed_dim={self.embed_dim}", f"num_heads={self.num_heads}", *extras])


def _to_add(mask: Any, dtype: Any, name: str) -> Any:
    """A mask of booleans, True for what is left out, as floats to add; floats as they are."""
    if mask.dtype.kind in "iu":
        raise DTypeError(
            f"MultiheadAttention: {name} is {mask.dtype}: give booleans, True for what to leave out, or floats to add"
        )
    if mask.dtype.kind == "b":
        return gd.where(mask, np.asarray(-math.inf, dtype), np.zeros((), dtype))
    return mask
