"""Reading parts of an array, and the scatters that carry their gradients back.

Slices and single positions are one op, whose result is a view. Arrays of positions are another, whose positions are
inputs
of the op, not parameters: they are data. Each op and its scatter are each other's rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import linear
from grad_core._node import array_like
from grad_core._op import op
from grad_core.errors import ShapeError

from ._axes import broadcasts_to
from ._batching import in_front
from ._keys import _HERE, batched_key, filled, split_key, without_masks
from .pick import _put, _take

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["getitem", "scatter_add"]

_BatchAxes = tuple[int | None, ...]


def _slice_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, key: tuple[Any, ...]) -> tuple[Any, int]:
    return _slice.on(in_front(inputs[0], axes[0]), key=(slice(None), *key)), 0


def _slice_back(g: Any, _ans: Any, _x: Any, key: tuple[Any, ...]) -> Any:
    return _unslice.on(g, key=key, shape=_x.shape)


@linear(_slice_back, batch=_slice_batch, views=True, name="getitem")
def _slice(x: Any, *, key: tuple[Any, ...]) -> Any:
    return x[key]


def _unslice_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, key: tuple[Any, ...], shape: tuple[int, ...]
) -> tuple[Any, int]:
    g = in_front(inputs[0], axes[0])
    return _unslice.on(g, key=(slice(None), *key), shape=(g.shape[0], *shape)), 0


def _unslice_back(g: Any, _ans: Any, _x: Any, key: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    return _slice.on(g, key=key)


@linear(_unslice_back, batch=_unslice_batch, name="unslice")
def _unslice(x: Any, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` at the places of `key`."""
    out = np.zeros(shape, x.dtype)
    out[key] = x
    return out


def _gather_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, key: tuple[Any, ...]) -> tuple[Any, int]:
    template, positions, ways = without_masks(key, inputs[1:], axes[1:])
    shared = axes[0] is None
    x = inputs[0][None] if shared else in_front(inputs[0], axes[0])
    at = batched_key(x.shape[1:], template, positions, ways)
    if shared:
        at.positions[0] = np.zeros_like(at.positions[0])
    return at.collect(_gather.on(x, *at.positions, key=at.key)), 0


def _scatter_batch(
    inputs: tuple[Any, ...], axes: _BatchAxes, *, key: tuple[Any, ...], shape: tuple[int, ...]
) -> tuple[Any, int]:
    template, positions, ways = without_masks(key, inputs[1:], axes[1:])
    count = next(x.shape[axis] for x, axis in zip(inputs, axes, strict=True) if axis is not None)
    x = np.broadcast_to(inputs[0], (count, *inputs[0].shape)) if axes[0] is None else in_front(inputs[0], axes[0])
    at = batched_key(shape, template, positions, ways)
    return _scatter.on(at.spread(x), *at.positions, key=at.key, shape=(count, *shape)), 0


def _gather_back(g: Any, _ans: Any, _x: Any, *positions: Any, key: tuple[Any, ...], which: int) -> Any:
    return _scatter.on(g, *positions, key=key, shape=_x.shape)


def _scatter_back(
    g: Any, _ans: Any, _x: Any, *positions: Any, key: tuple[Any, ...], shape: tuple[int, ...], which: int
) -> Any:
    return _gather.on(g, *positions, key=key)


@op(vjp=_gather_back, batch=_gather_batch, name="getitem")
def _gather(x: Any, *positions: Any, key: tuple[Any, ...]) -> Any:
    return x[filled(key, positions)]


@op(vjp=_scatter_back, batch=_scatter_batch, name="scatter_add")
def _scatter(x: Any, *positions: Any, key: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at the places of `key`; what falls on one place is summed."""
    out = np.zeros(shape, x.dtype)
    if all(p.dtype == np.bool_ for p in positions):  # a mask names each place once
        out[filled(key, positions)] = x
    else:
        np.add.at(out, filled(key, positions), x)
    return out


def read(x: Any, positions: Sequence[Any], key: tuple[Any, ...]) -> Any:
    """``x[key]`` inside a rule, with the key as `split_key` gives it."""
    return _gather.on(x, *positions, key=key) if positions else _slice.on(x, key=key)


def _are_rows(positions: Any) -> bool:
    """Whether these are integers that NumPy takes whole rows by."""
    return positions.dtype.kind in "iu" and positions.dtype != np.uint64


def getitem(x: Any, key: Any) -> Tensor:
    """``x[key]`` by NumPy's rules: integers, slices, None, ``...``, integer arrays or tensors, and boolean masks.

    Where one element is read several times, its gradients add up.

    Raises:
        IndexError: a position that is not there, or something that is not an index.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> x[[0, 0, 2]].sum().backward()
        >>> x.grad
        tensor([2., 0., 1.])
    """
    x = array_like(x)
    template, positions = split_key(key, x.shape)
    try:
        if template == (_HERE,) and x.ndim and _are_rows(positions[0]):
            return _take(x, positions[0], axis=0)
        return _gather(x, *positions, key=template) if positions else _slice(x, key=template)
    except IndexError as error:
        raise IndexError(f"getitem: shape {x.shape}: {error}") from error


def scatter_add(x: Any, index: Any, values: Any) -> Tensor:
    """`x` with `values` added at ``x[index]``; values for one place add up. `x` itself is not changed.

    Args:
        x: any shape.
        index: anything that ``x[index]`` takes.
        values: broadcast to the shape of ``x[index]``.

    Raises:
        IndexError: a position that is not there.
        ShapeError: `values` does not broadcast to the places.

    Example:
        >>> import grad_core as gd
        >>> gd.scatter_add(gd.zeros(3), [0, 0, 2], gd.tensor([1.0, 2.0, 3.0]))
        tensor([3., 0., 3.])
    """
    x = array_like(x)
    values = array_like(values)
    template, positions = split_key(index, x.shape)
    places = getitem(np.empty(x.shape, np.bool_), index).shape
    if not broadcasts_to(values.shape, places):
        raise ShapeError(f"scatter_add: values of shape {values.shape} do not broadcast to the {places} of x[index]")
    spread = values if values.shape == places else values + np.zeros(places, values.dtype)
    if template == (_HERE,) and x.ndim and _are_rows(positions[0]):
        into_rows: Tensor = x + _put(spread, positions[0], axis=0, length=x.shape[0])
        return into_rows
    added = (
        _scatter(spread, *positions, key=template, shape=x.shape)
        if positions
        else _unslice(spread, key=template, shape=x.shape)
    )
    total: Tensor = x + added
    return total
