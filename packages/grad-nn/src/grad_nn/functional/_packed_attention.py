"""Self-attention of queries, keys and values that one product made, as one operation.

They stay where they are: the heads are views of the joint array, and its gradient is written as it lies. What is kept
is the exponential of the scores, and its sum for each query; neither is ever divided, for it is less work to divide the
results, and the gradient that comes back.
"""

from functools import lru_cache
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import Keeping, apply, in_front, op

from ._attention import fits_in_a_block

__all__ = ["fits_packed", "packed_attention"]

_SAFE = 60.0  # e**60 times any number of keys that fits into memory is a float32
_STRETCH = 1 << 16  # scores that are worked on at a time: they stay in the cache, and the buffers for them small
_TINY = 1e-4  # a sum of this size has lost nothing of note below the smallest float32


@lru_cache(maxsize=8)
def _seen(length: int, char: str) -> Any:
    """1 where a query may look, itself and before, and 0 behind it."""
    seen = np.tril(np.ones((length, length), char))
    seen.flags.writeable = False
    return seen


@lru_cache(maxsize=8)
def _ones(length: int, char: str) -> Any:
    return np.ones(length, char)


def _parts(joint: Any, heads: int) -> Any:
    """(..., L, 3 E) as (3, M, heads, L, E / heads): a view."""
    length, width = joint.shape[-2:]
    return joint.reshape((-1, length, 3, heads, width // (3 * heads))).transpose((2, 0, 3, 1, 4))


def _split(x: Any, heads: int) -> Any:
    """(..., L, E) as (M, heads, L, E / heads): a view."""
    length, width = x.shape[-2:]
    return x.reshape((-1, length, heads, width // heads)).transpose((0, 2, 1, 3))


def _raise(q: Any, k: Any, causal: bool, raised: Any, sums: Any) -> None:
    """Write e**(score - shift) for all pairs, 0 where a query may not look, and their sums over the keys."""
    length, char = raised.shape[-1], raised.dtype.char
    np.matmul(q, k, out=raised)
    if np.maximum.reduce(raised, axis=None) <= _SAFE:  # not so for NaN
        np.exp(raised, raised)
        if causal:
            raised *= _seen(length, char)
        np.vecdot(raised, _ones(length, char), out=sums[..., 0])
        if np.minimum.reduce(sums, axis=None) >= _TINY:
            return
        np.matmul(q, k, out=raised)
    if causal:
        np.copyto(raised, -np.inf, where=_seen(length, char) == 0)
    raised -= np.maximum.reduce(raised, axis=-1, keepdims=True)
    np.exp(raised, raised)
    np.add.reduce(raised, axis=-1, keepdims=True, out=sums)


def _keep(joint: Any, *, heads: int, causal: bool, scale: float) -> Any:
    """Weights that sum to 1, and 1, in operations that can be differentiated."""
    q, k, _ = _parts(joint, heads)
    scores = q @ k.mT * scale
    if causal:
        scores = scores + np.where(_seen(scores.shape[-1], "?"), 0.0, np.finfo(joint.dtype).min / 2).astype(joint.dtype)
    return gd.softmax(scores, -1), 1.0


def _by_joint(g: Any, ans: Any, joint: Any, kept: Any, *, heads: int, causal: bool, scale: float) -> Any:
    raised, sums = kept
    if all(type(x) is np.ndarray for x in (g, ans, joint, raised)):
        return _by_joint_in_stretches(g, ans, joint, raised, sums, heads, scale)
    q, k, v = _parts(joint, heads)
    g = _split(g, heads) / sums
    through = raised * (g @ v.mT - np.sum(g * _split(ans, heads), axis=-1, keepdims=True))
    three = np.stack([through @ k * scale, through.mT @ q * scale, raised.mT @ g])
    return np.reshape(np.transpose(three, (1, 3, 0, 2, 4)), joint.shape)


def _by_joint_in_stretches(g: Any, ans: Any, joint: Any, raised: Any, sums: Any, heads: int, scale: float) -> Any:
    out = np.empty(joint.shape, joint.dtype)
    (q, k, v), by = _parts(joint, heads), _parts(out, heads)
    g, ans = _split(g, heads), _split(ans, heads)
    step = _step(raised)
    # one more feature, of which the keys have 1, takes a number from each row of the product on the way
    _, count, length, features = q.shape
    inner = features + 1
    shapes = ((length, length), (inner, length), (length, inner), (length, features))
    buffers = [np.empty((step, count, *shape), out.dtype) for shape in shapes]
    buffers[1][..., features, :] = 1
    factor = out.dtype.type(scale)
    for start in range(0, len(raised), step):
        part = slice(start, start + step)
        weights = raised[part]
        through, values, wide, product = (x[: len(weights)] for x in buffers)
        upstream = wide[..., :features]
        np.divide(g[part], sums[part], upstream)
        np.negative(np.vecdot(upstream, ans[part]), wide[..., features])
        np.copyto(values[..., :features, :], v[part].mT)  # a transposed operand would be slower
        np.matmul(wide, values, through)
        through *= weights
        np.multiply(np.matmul(through, k[part], product), factor, by[0, part])
        np.multiply(np.matmul(through.mT, q[part], product), factor, by[1, part])
        np.copyto(by[2, part], np.matmul(weights.mT, upstream, product))
    return out


def _batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _packed.on(in_front(inputs[0], axes[0]), **params), 0


@op(vjp=(_by_joint,), keep=_keep, batch=_batch, name="attention")
def _packed(joint: Any, *, heads: int, causal: bool, scale: float) -> Any:
    q, k, v = _parts(joint, heads)
    length = q.shape[-2]
    raised = np.empty((*q.shape[:-1], length), joint.dtype)
    sums = np.empty((*q.shape[:-1], 1), joint.dtype)
    out = np.empty((*joint.shape[:-1], joint.shape[-1] // 3), joint.dtype)
    joined = _split(out, heads)
    step = _step(raised)
    buffers = [np.empty((step, *x.shape[1:]), out.dtype) for x in (k.mT, q, q)]
    factor = out.dtype.type(scale)
    for start in range(0, len(raised), step):
        part = slice(start, start + step)
        weights = raised[part]
        keys, queries, product = (x[: len(weights)] for x in buffers)
        np.copyto(keys, k[part].mT)
        np.multiply(q[part], factor, queries)
        _raise(queries, keys, causal, weights, sums[part])
        np.divide(np.matmul(weights, v[part], product), sums[part], joined[part])
    return Keeping(out, (raised, sums))


def _step(raised: Any) -> int:
    """How many samples are worked on at a time."""
    return max(1, min(len(raised), int(_STRETCH // max(1, raised[0].size))))


def fits_packed(x: Any, weight: Any, heads: int) -> bool:
    """Whether ``packed_attention`` takes ``linear(x, weight)``: float32 or float64, and scores that fit in a block."""
    same = x.dtype == weight.dtype and x.dtype.char in "fd"
    return same and x.size > 0 and fits_in_a_block(x.size // x.shape[-1] * heads, x.shape[-2])


def packed_attention(joint: Any, heads: int, causal: bool) -> gd.Tensor:
    """Attention of each head, joined: (..., L, E) from (..., L, 3 E), the queries, keys and values of all heads."""
    scale = (joint.shape[-1] // (3 * heads)) ** -0.5
    return apply(_packed, (joint,), {"heads": heads, "causal": causal, "scale": scale})
