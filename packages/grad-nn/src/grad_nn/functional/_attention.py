"""Attention: each query's mean of the values, weighted by how well the keys fit it.

The scores of all queries with all keys are the only large thing, so for long sequences they are made for a block of
queries at a time, and again in the backward pass instead of being kept.
"""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.random import Generator

from ._checks import check_probability
from ._dropout import dropout

__all__ = ["attend_with_weights", "fits_in_a_block", "scaled_dot_product_attention"]

_BLOCK = 1 << 21  # more scores than this are not kept: 8 MiB of float32
_ROWS = 1 << 19  # they are made in blocks of this many, several of which exist at a time


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: Generator | None = None,
) -> gd.Tensor:
    """Softmax(query keyᵀ * scale + mask) value: for each query a mean of the values.

    Args:
        query: floats (..., L, E).
        key: floats (..., S, E).
        value: floats (..., S, V).
        attn_mask: which of the L x S pairs count, broadcast to (..., L, S): booleans, True where a query may look at a
            key; or floats that are added to the scores. A query that may look nowhere gets zeros.
        dropout_p: the probability with which a weight is dropped; give 0 in evaluation.
        is_causal: query i looks at keys 0 to i only; in addition to `attn_mask`.
        scale: of the scores; None for 1 / sqrt(E).
        enable_gqa: axis -3 counts heads, and key and value may have fewer: each then serves as many heads of the query
            that follow one another.
        generator: draws what is dropped; the default Generator where not given.

    Returns:
        (..., L, V). Scores of more than 8 MiB are made in blocks, in the backward pass too, and never all
            exist.

    Raises:
        ShapeError: the shapes do not fit; the message names them.
        DTypeError: something else than floats, or a mask of integers.
        ValueError: `dropout_p` is outside [0, 1].

    Source: Vaswani et al., "Attention Is All You Need", 2017; in blocks: Rabe, Staats, "Self-attention Does Not Need
    O(n²) Memory", 2021; fewer heads of keys: Ainslie et al., "GQA", 2023.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> keys = gd.tensor([[100.0, 0.0], [0.0, 100.0]])
        >>> F.scaled_dot_product_attention(gd.tensor([[9.0, 0.0]]), keys, gd.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[1., 2.]])
    """
    check_probability(dropout_p, "scaled_dot_product_attention")
    q, k, v = (gd.asarray(x) for x in (query, key, value))
    _check(q, k, v, enable_gqa)
    queries, keys = q.shape[-2], k.shape[-2]
    q = q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)  # cheaper than to scale the scores
    mask, alive = _added(attn_mask, q.dtype, (*q.shape[:-1], keys))
    heads = q.shape[:-1]
    if enable_gqa:
        # the heads of the query that share one of the keys become more axes of the query
        groups = q.shape[-3] // k.shape[-3]
        q = q.reshape((*q.shape[:-3], k.shape[-3], groups, *q.shape[-2:]))
        k, v = gd.expand_dims(k, -3), gd.expand_dims(v, -3)
        if mask is not None and mask.ndim > 2:
            split = (mask.shape[-3] // groups, groups) if mask.shape[-3] > 1 else (1, 1)
            mask = mask.reshape((*mask.shape[:-3], *split, *mask.shape[-2:]))
    noise = (dropout_p, generator)
    rows = _rows_in_a_block(math.prod(q.shape[:-2]), queries, keys)
    if rows >= queries:
        out = _attend(q, k, v, mask, 0, is_causal, noise)
    else:
        out = _in_blocks(q, k, v, mask, rows, is_causal, noise)
    out = out.reshape((*heads, v.shape[-1])) if enable_gqa else out
    return out if alive is None else out * alive


def fits_in_a_block(queries: int, keys: int) -> bool:
    """Whether so few scores are made all at once."""
    return queries * keys <= _BLOCK


def _rows_in_a_block(products: int, queries: int, keys: int) -> int:
    if products * queries * keys <= _BLOCK:
        return queries
    return max(16, _ROWS // max(1, products * keys))


def _attend(
    q: Any, k: Any, v: Any, mask: Any, start: int, is_causal: bool, noise: tuple[float, Generator | None]
) -> gd.Tensor:
    """Attention of the queries that stand at `start` and behind it, already scaled."""
    return dropout(_weights(q, k, mask, start, is_causal), noise[0], generator=noise[1]) @ v  # type: ignore[no-any-return]


def _weights(q: Any, k: Any, mask: Any, start: int, is_causal: bool) -> gd.Tensor:
    scores = q @ k.mT
    if is_causal:
        scores = scores + _later(start, q.shape[-2], k.shape[-2], q.dtype)
    if mask is not None:
        scores = scores + mask
    return gd.softmax(scores, -1)


def attend_with_weights(
    q: Any, k: Any, v: Any, mask: Any, dropout_p: float, is_causal: bool, generator: Generator | None
) -> tuple[gd.Tensor, gd.Tensor]:
    """``scaled_dot_product_attention`` of fitting tensors, and its weights after dropout, (..., L, S), all at once."""
    added, alive = _added(mask, q.dtype, (*q.shape[:-1], k.shape[-2]))
    weights = _weights(q * (1 / math.sqrt(q.shape[-1])), k, added, 0, is_causal)
    weights = weights if alive is None else weights * alive
    weights = dropout(weights, dropout_p, generator=generator)
    return weights @ v, weights


def _in_blocks(
    q: Any, k: Any, v: Any, mask: Any, rows: int, is_causal: bool, noise: tuple[float, Generator | None]
) -> gd.Tensor:
    """The same for `rows` queries at a time, whose scores are not kept."""
    drawn = [noise[1] if noise[1] is not None else gd.random.default_generator()] if noise[0] else []
    parts = []
    for start in range(0, q.shape[-2], rows):
        block = slice(start, min(start + rows, q.shape[-2]))
        seen = min(block.stop, k.shape[-2]) if is_causal else k.shape[-2]  # later keys have no weight

        def attend(q: Any, k: Any, v: Any, mask: Any, start: int = start) -> gd.Tensor:
            return _attend(q, k, v, mask, start, is_causal, noise)

        part = mask
        if mask is not None:
            part = mask[..., block if mask.shape[-2] > 1 else slice(None), :]
            part = part[..., :seen] if mask.shape[-1] > 1 else part
        run = gd.checkpoint(attend, generators=drawn)
        parts.append(run(q[..., block, :], k[..., :seen, :], v[..., :seen, :], part))
    return gd.concat(parts, axis=-2)


def _lowest(dtype: Any) -> float:
    """What is added where a query may not look: so low that its weight is 0, but finite, for -inf - -inf is NaN."""
    return float(np.finfo(dtype).min) / 2


def _later(start: int, queries: int, keys: int, dtype: Any) -> Any:
    """The mask that hides from query i, counted from `start`, all keys behind position i."""
    places = np.arange(start, start + queries)
    hidden = np.arange(keys) > places[:, None]
    return np.where(hidden, np.asarray(_lowest(dtype), dtype), np.zeros((), dtype))


def _added(mask: Any, dtype: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The mask as finite floats to add, and where a query looks anywhere, 1 and else 0; None where all of them do."""
    if mask is None:
        return None, None
    mask = gd.asarray(mask)
    if mask.dtype.kind in "iu":
        raise DTypeError(
            f"scaled_dot_product_attention: attn_mask is {mask.dtype}: give booleans, mask.astype('bool'), or floats "
            "to be added to the scores"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"scaled_dot_product_attention: attn_mask of shape {mask.shape} does not broadcast to the scores, {shape}"
        )
    lowest = _lowest(dtype)
    if mask.dtype.kind == "b":
        seen = mask
        added = gd.where(mask, np.zeros((), dtype), np.asarray(lowest, dtype))
    else:
        seen = mask > -math.inf
        # in the wider dtype, for neither holds all numbers of the other
        added = gd.maximum(mask.astype(np.result_type(mask.dtype, dtype)), lowest).astype(dtype)
    return added, seen.any(-1, keepdims=True).astype(dtype)


def _check(q: Any, k: Any, v: Any, grouped: bool) -> None:
    name = "scaled_dot_product_attention"
    shapes = f"query {q.shape}, key {k.shape}, value {v.shape}"
    if any(x.dtype.kind != "f" for x in (q, k, v)):
        raise DTypeError(f"{name}: takes floats, and got {q.dtype}, {k.dtype} and {v.dtype}: use x.astype('float32')")
    if min(q.ndim, k.ndim, v.ndim) < 2 + grouped:
        raise ShapeError(
            f"{name}: each needs axes ({'..., heads, ' if grouped else '..., '}length, features): {shapes}"
        )
    if q.shape[-1] != k.shape[-1]:
        raise ShapeError(f"{name}: query and key must have equal features, their last lengths: {shapes}")
    if k.shape[-2] != v.shape[-2]:
        raise ShapeError(f"{name}: there must be a value for each key, axis -2: {shapes}")
    if grouped:
        if k.shape[-3] != v.shape[-3] or k.shape[-3] == 0 or q.shape[-3] % k.shape[-3]:
            raise ShapeError(
                f"{name}: the heads of key and value, axis -3, must be equal and divide those of query: {shapes}"
            )
        return
    try:
        np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    except ValueError as error:
        raise ShapeError(
            f"{name}: the axes in front do not fit: {shapes}; for fewer heads of keys than of queries pass "
            "enable_gqa=True"
        ) from error
