"""Rotary positions: pairs of features are turned by angles that grow with the position."""

from functools import lru_cache
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import apply, array_like, in_front, op

__all__ = ["check_rotated", "rotary"]


@lru_cache(maxsize=32)
def _angles(start: int, length: int, dim: int, base: float, char: str) -> tuple[Any, Any]:
    """Cosine and sine, (length, dim / 2), of position times base**(-2 i / dim)."""
    places = np.arange(start, start + length, dtype=np.float64)
    return _turns(places, dim, base, char)


def _turns(places: Any, dim: int, base: float, char: str) -> tuple[Any, Any]:
    angles = places[..., None] * base ** (-np.arange(0, dim, 2) / dim)
    return np.cos(angles).astype(char), np.sin(angles).astype(char)


def _by_x(g: Any, _ans: Any, _x: Any, cos: Any, sin: Any, *, interleaved: bool) -> Any:
    return _turn.on(g, cos, -sin, interleaved=interleaved)  # the inverse of a rotation is the opposite one


def _batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, interleaved: bool) -> tuple[Any, int]:
    x, *turns = (in_front(a, axis) for a, axis in zip(inputs, axes, strict=True))
    rank = x.ndim - (axes[0] is not None)
    for i, axis in enumerate(axes[1:]):
        if axis is not None:
            a = turns[i]
            turns[i] = np.reshape(a, (a.shape[0], *(1,) * (rank + 1 - a.ndim), *a.shape[1:]))
    return _turn.on(x, *turns, interleaved=interleaved), 0


@op(vjp=(_by_x, None, None), batch=_batch, name="rotary")
def _turn(x: Any, cos: Any, sin: Any, *, interleaved: bool) -> Any:
    half = cos.shape[-1]
    shape = np.broadcast_shapes(x.shape[:-1], cos.shape[:-1])
    out = np.empty((*shape, x.shape[-1]), x.dtype)
    first, second = (slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if interleaved else (slice(half), slice(half, None))
    a, b = x[..., first], x[..., second]
    np.subtract(a * cos, b * sin, out[..., first])
    np.add(a * sin, b * cos, out[..., second])
    return out


def check_rotated(dim: int, base: float, name: str) -> None:
    """An error, if so many features cannot be rotated."""
    if dim < 2 or dim % 2:
        raise ValueError(f"{name}: features are rotated in pairs, so their number is even and not 0, and {dim} is not")
    if not base > 0:
        raise ValueError(f"{name}: base is a positive number, and {base} is not")


def rotary(
    x: Any,
    offset: int = 0,
    *,
    positions: Any = None,
    dim: int | None = None,
    base: float = 10000.0,
    interleaved: bool = False,
) -> gd.Tensor:
    """Turn pair i of the features at position p by the angle p base**(-2 i / dim): rotary positions.

    A pair (a, b) becomes (a cos - b sin, a sin + b cos). Turned queries and keys have scores that depend on how far
    apart they stand, and on nothing else of their positions.

    Args:
        x: floats (..., L, E): queries or keys of each head.
        offset: the position of the first of the L, as with a cache of earlier ones.
        positions: integers that broadcast to (..., L), instead of offset, offset + 1, ...
        dim: how many features are turned, the first ones; None for all E.
        base: the larger, the slower the last pairs turn.
        interleaved: pairs are neighbours, (0, 1), (2, 3), ..., as in the paper, GPT-J and the original Llama;
            otherwise they are i and i + dim / 2, as in GPT-NeoX and the Llama of most collections of weights. Weights
            are made for one of the two.

    Returns:
        The shape of `x`.

    Raises:
        ShapeError: `x` has fewer than two axes, or fewer features than `dim`, or the positions do not fit.
        DTypeError: `x` holds no floats.
        ValueError: the number of features is odd, `base` is not positive, or `offset` is negative.

    Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [[round(v, 3) for v in row] for row in F.rotary(gd.tensor([[1.0, 0.0], [1.0, 0.0]])).tolist()]
        [[1.0, 0.0], [0.54, 0.841]]
    """
    x = array_like(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"rotary: takes floats, and x is {x.dtype}: use x.astype('float32')")
    width = x.shape[-1] if x.ndim and dim is None else dim or 0
    if x.ndim < 2 or x.shape[-1] < width:
        raise ShapeError(f"rotary: x has shape {x.shape}, and needs (..., length, features), at least {width} features")
    check_rotated(width, base, "rotary")
    if offset < 0:
        raise ValueError(f"rotary: offset is the position of the first query or key, and {offset} is negative")
    if positions is None:
        cos, sin = _angles(offset, x.shape[-2], width, float(base), x.dtype.char)
    else:
        places = np.asarray(positions.data if isinstance(positions, gd.Tensor) else positions)
        try:
            fits = np.broadcast_shapes(places.shape, x.shape[:-1]) == x.shape[:-1]
        except ValueError:
            fits = False
        if not fits or places.dtype.kind not in "iu":
            raise ShapeError(
                f"rotary: positions are integers that broadcast to {x.shape[:-1]}, x of shape {x.shape} without its "
                f"features, and these are {places.dtype} of shape {places.shape}"
            )
        cos, sin = _turns(places.astype(np.float64), width, float(base), x.dtype.char)
    if width == x.shape[-1]:
        return apply(_turn, (x, cos, sin), {"interleaved": interleaved})
    turned = apply(_turn, (x[..., :width], cos, sin), {"interleaved": interleaved})
    return gd.concat([turned, x[..., width:]], -1)
