"""Axis arguments: what users may write, and the one form that the ops take."""

from __future__ import annotations

import operator
from typing import Any

from grad_core.errors import ShapeError

__all__ = [
    "Axes",
    "broadcasts_to",
    "count_along",
    "keep_axes",
    "need_elements",
    "one_axis",
    "reduced_shape",
    "some_axes",
]

Axes = int | tuple[int, ...] | None


def one_axis(axis: Any, ndim: int, name: str) -> int:
    """`axis` counted from the front, 0 to ndim - 1."""
    try:
        index = operator.index(axis)
    except TypeError as error:
        raise ShapeError(f"{name}: axis must be an integer, and {axis!r} is a {type(axis).__name__}") from error
    if not -ndim <= index < ndim:
        allowed = f"-{ndim} to {ndim - 1}" if ndim else "none: it has no axes"
        raise ShapeError(f"{name}: axis {index} is out of range for an array with {ndim} axes (allowed: {allowed})")
    return index % ndim


def some_axes(axis: Any, ndim: int, name: str) -> tuple[int, ...] | None:
    """Each axis counted from the front; None, for all axes, stays None."""
    if axis is None:
        return None
    if not isinstance(axis, tuple | list):
        return (one_axis(axis, ndim, name),)
    axes = tuple([one_axis(a, ndim, name) for a in axis])
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: axis {tuple(axis)} names an axis twice")
    return axes


def broadcasts_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can be repeated to `wanted`."""
    extra = len(wanted) - len(shape)
    return extra >= 0 and not [n for i, n in enumerate(shape) if n not in (1, wanted[i + extra])]


def keep_axes(value: Any, shape: tuple[int, ...], axes: tuple[int, ...] | None, keepdims: bool) -> Any:
    """A reduced value with length 1 along the reduced axes, so that it broadcasts with an array of `shape`."""
    if keepdims or axes is None:  # a single number broadcasts as it is
        return value
    return value.reshape(tuple([1 if i in axes else n for i, n in enumerate(shape)]))


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...] | None, keepdims: bool) -> tuple[int, ...]:
    """What is left of `shape` when these axes are reduced."""
    folded = range(len(shape)) if axes is None else axes
    return tuple([1 if i in folded else n for i, n in enumerate(shape) if keepdims or i not in folded])


def count_along(shape: tuple[int, ...], axis: tuple[int, ...] | None) -> int:
    """How many elements these axes hold; None stands for all."""
    count = 1
    for i in range(len(shape)) if axis is None else axis:
        count *= shape[i]
    return count


def need_elements(shape: tuple[int, ...], axes: tuple[int, ...] | None, name: str) -> int:
    """The same number, or an error where it is 0."""
    count = count_along(shape, axes)
    if count == 0:
        raise ShapeError(f"{name}: shape {shape} has no elements along axis {axes}: there is nothing to take it over")
    return count
