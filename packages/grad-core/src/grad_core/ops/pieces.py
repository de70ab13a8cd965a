"""Parts of an array as views: cut along an axis, taken apart, and the diagonal."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import linear
from grad_core._node import Value, array_like, start_version
from grad_core._op import op
from grad_core.errors import ShapeError

from ._axes import one_axis, some_axes
from ._batching import in_front
from .shape import moveaxis

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["diagonal", "split", "unstack"]

_BatchAxes = tuple[int | None, ...]


def whole_number(value: Any, what: str) -> int:
    """`value` as an int; `what` begins the error."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise ShapeError(f"{what} is an integer, and {value!r} is a {type(value).__name__}") from error


# Cutting: one op with several results, so that a backward pass joins the pieces once instead of adding one array of
# zeros for each


def _watch(parts: tuple[Tensor, ...], x: Any) -> tuple[Tensor, ...]:
    """The parts, sharing the counter of changes with the tensor whose memory they are."""
    if isinstance(x, Value):
        version = start_version(x)
        for part in parts:
            part._version = version
    return parts


def _split_jvp(tangents: tuple[Any, ...], _ans: Any, _x: Any, *, ends: tuple[int, ...], axis: int) -> Any:
    return _split.on(tangents[0], ends=ends, axis=axis)


def _split_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, ends: tuple[int, ...], axis: int) -> Any:
    return _split.on(in_front(inputs[0], axes[0]), ends=ends, axis=axis + 1), 0


@op(
    vjp=(lambda g, _ans, _x, ends, axis: np.concatenate(g, axis),),
    jvp=_split_jvp,
    batch=_split_batch,
    name="split",
)
def _split(x: Any, *, ends: tuple[int, ...], axis: int) -> Any:
    return tuple([x[(*(slice(None),) * axis, slice(start, end))] for start, end in zip((0, *ends), ends, strict=False)])


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> tuple[Tensor, ...]:
    """`x` cut along an axis into views, as many as asked for and equally long, or cut before given positions.

    Args:
        x: one axis or more.
        indices_or_sections: a number of parts, which must divide the length; or the positions before which to cut,
            not decreasing: ``[2, 5]`` gives ``x[:2], x[2:5], x[5:]``. Negative ones count from the back.
        axis: the axis to cut.

    Returns:
        The parts, which share memory with `x`. The gradient is their gradients joined.

    Raises:
        ShapeError: the length cannot be divided so, the positions decrease, or the axis is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.split(gd.arange(6), 3)
        (tensor([0, 1]), tensor([2, 3]), tensor([4, 5]))
        >>> [part.shape for part in gd.split(gd.zeros((5, 2)), [1, 3])]
        [(1, 2), (2, 2), (2, 2)]
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "split")
    length = x.shape[chosen]
    if isinstance(indices_or_sections, tuple | list | np.ndarray):
        cuts = [whole_number(i, "split: a position to cut at") for i in indices_or_sections]
        ends = [min(max(i + length if i < 0 else i, 0), length) for i in cuts] + [length]
        if sorted(ends) != ends:
            raise ShapeError(
                f"split: the positions {cuts} in a length of {length} decrease, so the parts would overlap; sort them"
            )
        return _watch(_parts(x, tuple(ends), chosen), x)
    sections = whole_number(indices_or_sections, "split: the number of parts")
    if sections < 1 or length % sections:
        raise ShapeError(
            f"split: axis {chosen} of shape {x.shape} has length {length}, which {sections} equal parts do not make; "
            "give the positions to cut at for unequal ones"
        )
    step = length // sections
    return _watch(_parts(x, tuple([step * (i + 1) for i in range(sections)]), chosen), x)


def _parts(x: Any, ends: tuple[int, ...], axis: int) -> tuple[Tensor, ...]:
    parts: Any = _split(x, ends=ends, axis=axis)
    return tuple(parts)


def _unstack_jvp(tangents: tuple[Any, ...], _ans: Any, _x: Any, *, axis: int) -> Any:
    return _unstack.on(tangents[0], axis=axis)


def _unstack_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, axis: int) -> Any:
    return _unstack.on(in_front(inputs[0], axes[0]), axis=axis + 1), 0


@op(
    vjp=(lambda g, _ans, _x, axis: np.stack(g, axis) if g else np.zeros(_x.shape, _x.dtype),),
    jvp=_unstack_jvp,
    batch=_unstack_batch,
    name="unstack",
)
def _unstack(x: Any, *, axis: int) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


def unstack(x: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """The entries along an axis, without that axis: views, and the inverse of ``stack``.

    Args:
        x: one axis or more.
        axis: the axis to take apart.

    Returns:
        As many tensors as the axis is long; they share memory with `x`.

    Raises:
        ShapeError: the axis is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.unstack(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
        (tensor([1., 3.]), tensor([2., 4.]))
    """
    x = array_like(x)
    parts: Any = _unstack(x, axis=one_axis(axis, x.ndim, "unstack"))
    return _watch(tuple(parts), x)


# The diagonal of the last two axes, and its transpose


def _diagonal_back(g: Any, _ans: Any, _x: Any, offset: int) -> Any:
    return _on_diagonal.on(g, offset=offset, shape=_x.shape[-2:])


def _diagonal_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, offset: int) -> tuple[Any, int]:
    return _diagonal.on(in_front(inputs[0], axes[0]), offset=offset), 0


@linear(_diagonal_back, batch=_diagonal_batch, views=True, name="diagonal")
def _diagonal(x: Any, *, offset: int) -> Any:
    return np.diagonal(x, offset, -2, -1)


def _on_diagonal_batch(
    inputs: tuple[Any, ...], axes: _BatchAxes, *, offset: int, shape: tuple[int, int]
) -> tuple[Any, int]:
    return _on_diagonal.on(in_front(inputs[0], axes[0]), offset=offset, shape=shape), 0


@linear(lambda g, _ans, _x, offset, shape: _diagonal.on(g, offset=offset), batch=_on_diagonal_batch, name="on_diagonal")
def _on_diagonal(x: Any, *, offset: int, shape: tuple[int, int]) -> Any:
    """Zeros of (..., *shape) with the last axis of `x` on a diagonal: the transpose of taking it."""
    out = np.zeros((*x.shape[:-1], *shape), x.dtype)
    places = np.arange(x.shape[-1])
    out[..., places + max(-offset, 0), places + max(offset, 0)] = x
    return out


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements x[i, i + offset] of two axes, along a new last axis: a view that cannot be written to.

    Args:
        x: two axes or more.
        offset: which diagonal: 0 for the main one, positive above it, negative below.
        axis1: the axis of rows.
        axis2: the axis of columns.

    Raises:
        ShapeError: fewer than two axes, an axis that is not there, or the same one twice.

    Example:
        >>> import grad_core as gd
        >>> gd.diagonal(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([1., 4.])
    """
    x = array_like(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: needs two axes or more, and shape {x.shape} has {x.ndim}")
    axes = some_axes((axis1, axis2), x.ndim, "diagonal") or ()
    if axes != (x.ndim - 2, x.ndim - 1):
        x = moveaxis(x, axes, (-2, -1))
    return _diagonal(x, offset=whole_number(offset, "diagonal: offset"))
