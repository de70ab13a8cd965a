"""Item assignment as a function: `x` with other values at some places. Its rule for `x` is an assignment of zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import sum_to
from grad_core._node import array_like
from grad_core._op import nondiff, op
from grad_core.errors import DTypeError, ShapeError

from ._axes import broadcasts_to
from ._batching import in_front
from ._keys import batched_key, filled, places_of, split_key, without_masks
from ._select import select
from .index import read

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__: list[str] = []  # users write x[key] = value, see Tensor.__setitem__

_BatchAxes = tuple[int | None, ...]


def _assign_back(g: Any, _ans: Any, _x: Any, _value: Any, *positions: Any, key: tuple[Any, ...], which: int) -> Any:
    if which == 0:  # what was overwritten has no influence
        return _assign.on(g, np.zeros((), g.dtype), *positions, key=key)
    back = read(g, positions, key)
    if positions:
        back = select(_survives.on(*positions, key=key, shape=_x.shape), back)
    return sum_to.on(back, shape=_value.shape)


def _assign_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, key: tuple[Any, ...]) -> tuple[Any, int]:
    x, value = inputs[:2]
    count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)
    x = np.broadcast_to(x, (count, *x.shape)) if axes[0] is None else in_front(x, axes[0])
    template, positions, ways = without_masks(key, inputs[2:], axes[2:])
    places = places_of(x.shape[1:], template, positions, ways)
    value = value[None] if axes[1] is None else in_front(value, axes[1])
    value = np.reshape(value, (value.shape[0], *(1,) * (len(places) + 1 - value.ndim), *value.shape[1:]))
    if not positions:
        return _assign.on(x, value, key=(slice(None), *key)), 0
    at = batched_key(x.shape[1:], template, positions, ways)
    return _assign.on(x, at.spread(np.broadcast_to(value, (count, *places))), *at.positions, key=at.key), 0


@op(vjp=_assign_back, batch=_assign_batch, name="setitem")
def _assign(x: Any, value: Any, *positions: Any, key: tuple[Any, ...]) -> Any:
    out = np.array(x)
    out[filled(key, positions)] = value
    return out


def _survives_batch(
    inputs: tuple[Any, ...], axes: _BatchAxes, *, key: tuple[Any, ...], shape: tuple[int, ...]
) -> tuple[Any, int]:
    at = batched_key(shape, *without_masks(key, inputs, axes))
    count = at.positions[0].shape[0]
    return at.collect(_survives.on(*at.positions, key=at.key, shape=(count, *shape))), 0


@nondiff(batch=_survives_batch, name="survives")
def _survives(*positions: Any, key: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Which of the values assigned to ``x[key]`` are there afterwards: of those for one place, the last."""
    chosen = filled(key, positions)
    writer = np.empty(shape, np.intp)
    places = writer[chosen].shape
    numbers = np.arange(int(np.prod(places))).reshape(places)
    writer[chosen] = numbers
    return writer[chosen] == numbers


def assigned(x: Any, key: Any, value: Any) -> Tensor:
    """What `x` is after ``x[key] = value``, as a new array.

    Raises:
        IndexError: a position that is not there, or something that is not an index.
        ShapeError: `value` does not broadcast to the places.
        DTypeError: a floating value for an array of integers or booleans.
    """
    value = array_like(value)
    template, positions = split_key(key, x.shape)
    try:
        places = places_of(x.shape, template, positions, (None,) * len(positions))
    except IndexError as error:
        raise IndexError(f"setitem: shape {x.shape}: {error}") from error
    if value.ndim > len(places) and set(value.shape[: value.ndim - len(places)]) == {1}:
        value = value.reshape(value.shape[value.ndim - len(places) :])
    if not broadcasts_to(value.shape, places):
        raise ShapeError(f"setitem: a value of shape {value.shape} does not broadcast to the {places} of x[key]")
    if value.dtype.kind == "f" and x.dtype.kind != "f":
        raise DTypeError(
            f"setitem: {value.dtype} values into {x.dtype} would lose their fractions and their gradient: make the "
            "tensor floating first, x.astype('float32')"
        )
    return _assign(x, value, *positions, key=template)
