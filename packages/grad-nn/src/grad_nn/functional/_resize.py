"""Images of other sizes: padding of every kind, and interpolation, axis by axis."""

import math
from collections.abc import Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError

__all__ = ["interpolate", "pad"]

_MODES = {"nearest": 1, "linear": 2, "bilinear": 2, "bicubic": 4, "trilinear": 2}
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}


def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> gd.Tensor:
    """More elements at the ends of the last axes, or fewer where a number is negative.

    Args:
        x: any shape; other modes than "constant" take batches and channels first, as (N, C, ...) or (C, ...).
        pad: pairs of numbers, before and after, for the last axis first: (left, right), (left, right, top, bottom), ...
        mode: "constant" puts `value`; "reflect" mirrors what lies behind the edge element; "replicate" repeats the edge
            element; "circular" goes on at the other end.
        value: what "constant" puts; None for 0.

    Raises:
        ShapeError: numbers that are no pairs, more pairs than axes, or more padding than the mode can take.
        ValueError: an unknown mode, or a value for another mode than "constant".

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.pad(gd.tensor([1.0, 2.0, 3.0]), (1, 0), value=9.0)
        tensor([9., 1., 2., 3.])
        >>> F.pad(gd.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])
    """
    x = gd.asarray(x)
    widths = tuple(pad)
    if len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ShapeError(
            f"pad: {widths} must be pairs, (before, after) for the last axis, then for the one before it, and so on, "
            f"for at most the {x.ndim} axes of shape {x.shape}"
        )
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    if mode == "constant":
        for place, (before, after) in enumerate(pairs):
            axis = x.ndim - 1 - place
            if before < 0 or after < 0:
                n = x.shape[axis]
                if n + min(before, 0) + min(after, 0) < 0:
                    raise ShapeError(f"pad: {widths} cuts more from axis {axis} of shape {x.shape} than there is")
                part = slice(max(-before, 0), n - max(-after, 0))
                x = x[(slice(None),) * axis + (part,)]
        grown = [(max(a, 0), max(b, 0)) for a, b in reversed(pairs)]
        full = [(0, 0)] * (x.ndim - len(grown)) + grown
        return gd.pad(x, full, constant_values=0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise ValueError(f"pad: unknown mode {mode!r}: give 'constant', 'reflect', 'replicate' or 'circular'")
    if value is not None:
        raise ValueError(f"pad: mode={mode!r} takes its elements from x, so value={value} has no use: leave it out")
    for place, (before, after) in enumerate(pairs):
        axis = x.ndim - 1 - place
        if before or after:
            x = gd.take(x, _taken(x.shape[axis], before, after, mode, axis, x.shape), axis)
    return x  # type: ignore[no-any-return]


def _taken(n: int, before: int, after: int, mode: str, axis: int, shape: tuple[int, ...]) -> Any:
    """Which element of an axis of length n each place of the padded one takes."""
    most = {"reflect": n - 1, "circular": n, "replicate": max(before, after, 0) if n else -1}[mode]
    if max(before, after) > most or n + before + after < 0:
        raise ShapeError(
            f"pad: {before} and {after} elements at axis {axis} of shape {shape}, and {mode!r} can take at most "
            f"{max(most, 0)}"
        )
    places = np.arange(-before, n + after)
    if mode == "replicate":
        return np.clip(places, 0, n - 1)
    if mode == "circular":
        return places % n
    places = np.abs(places)
    return np.where(places > n - 1, 2 * (n - 1) - places, places)


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> gd.Tensor:
    """An image of another size: each new element is a mean of the nearest old ones along each spatial axis.

    Args:
        x: floats (N, C, ...) with one to three spatial axes.
        size: the new lengths of the spatial axes, or one number for all.
        scale_factor: the new lengths by the old ones, floor(n * scale_factor), instead of `size`.
        mode: "nearest" takes the nearest one; "linear" (one spatial axis), "bilinear" (two) and "trilinear" (three)
            weigh two along each axis; "bicubic" (two) weighs four by Keys' cubic with a = -0.75.
        align_corners: whether the first and the last element of old and new lie on one another; otherwise their outer
            edges do. Not for "nearest".
        recompute_scale_factor: compute the factor again from the rounded sizes, instead of using the one given.

    Raises:
        ValueError: both or neither of size and scale_factor, an unknown mode, or align_corners for "nearest".
        ShapeError: a number of spatial axes that the mode does not take, or no elements.
        DTypeError: `x` holds no floats.

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.interpolate(gd.tensor([[[1.0, 3.0]]]), scale_factor=2)
        tensor([[[1., 1., 3., 3.]]])
        >>> F.interpolate(gd.tensor([[[1.0, 3.0]]]), size=3, mode="linear", align_corners=True)
        tensor([[[1., 2., 3.]]])
    """
    x = gd.asarray(x)
    if mode not in _MODES:
        raise ValueError(f"interpolate: unknown mode {mode!r}: give one of {', '.join(map(repr, _MODES))}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError("interpolate: align_corners is for the modes that weigh several elements, not for 'nearest'")
    if x.dtype.kind != "f":
        raise DTypeError(f"interpolate: weighs floats, and x is {x.dtype}: use x.astype('float32')")
    if not 3 <= x.ndim <= 5 or (mode != "nearest" and _RANKS[mode] != x.ndim):
        wanted = f"{_RANKS[mode] - 2}" if mode in _RANKS else "1 to 3"
        raise ShapeError(
            f"interpolate: mode {mode!r} takes (N, C) and {wanted} spatial axes, and x has shape {x.shape}"
        )
    lengths, scales = _sizes(x.shape[2:], size, scale_factor, bool(recompute_scale_factor))
    if 0 in lengths or 0 in x.shape[2:]:
        raise ShapeError(f"interpolate: from {x.shape[2:]} to {tuple(lengths)}: no spatial axis may be empty")
    for i, (length, scale) in enumerate(zip(lengths, scales, strict=True)):
        if length != x.shape[i + 2] or mode != "nearest":
            x = _along(x, i + 2, length, scale, mode, bool(align_corners))
    return x  # type: ignore[no-any-return]


def _sizes(old: tuple[int, ...], size: Any, factor: Any, recompute: bool) -> tuple[list[int], list[float | None]]:
    """The new lengths, and the factors that were given, None where they follow from the lengths."""
    if (size is None) == (factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    given = size if factor is None else factor
    each = list(given) if isinstance(given, list | tuple) else [given] * len(old)
    if len(each) != len(old):
        raise ShapeError(f"interpolate: {given} has {len(each)} numbers, and there are {len(old)} spatial axes")
    if factor is None:
        return [int(n) for n in each], [None] * len(old)
    lengths = [math.floor(n * f) for n, f in zip(old, each, strict=True)]
    return lengths, [None if recompute else float(f) for f in each]


def _along(x: Any, axis: int, length: int, factor: float | None, mode: str, corners: bool) -> Any:
    """One axis of the new length: the elements to take for each place, and their weights."""
    n = x.shape[axis]
    ratio = n / length if factor is None else 1 / factor
    places = np.arange(length)
    if mode == "nearest":
        return gd.take(x, np.minimum(np.floor(places * ratio).astype(np.intp), n - 1), axis)
    if corners:
        at = places * ((n - 1) / (length - 1) if length > 1 else 0.0)
    else:
        at = (places + 0.5) * ratio - 0.5
        at = at if mode == "bicubic" else np.maximum(at, 0)
    first = np.floor(at)
    t = at - first
    start = first.astype(np.intp)
    if mode == "bicubic":
        taps = [(start + k, _cubic(t - k)) for k in (-1, 0, 1, 2)]
    else:
        taps = [(start, 1 - t), (start + 1, t)]
    shape = (-1, *(1,) * (x.ndim - 1 - axis))
    total: Any = None
    for positions, weights in taps:
        part = gd.take(x, np.clip(positions, 0, n - 1), axis) * weights.astype(x.dtype).reshape(shape)
        total = part if total is None else total + part
    return total


def _cubic(t: Any, a: float = -0.75) -> Any:
    d = np.abs(t)
    inner = ((a + 2) * d - (a + 3)) * d * d + 1
    outer = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, inner, outer)
