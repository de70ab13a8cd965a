"""What stands between the brackets of ``x[key]``: taken apart for the ops, and carried over to batches."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from grad_core._batched import Batched
from grad_core._node import Value
from grad_core.errors import ConversionError

__all__ = ["BatchedKey", "batched_key", "filled", "places_of", "split_key", "without_masks"]

Key = tuple[Any, ...]
_BatchAxes = tuple[int | None, ...]

# marks in a key where the next array of positions goes
_HERE = "array"


def split_key(key: Any, shape: tuple[int, ...]) -> tuple[Key, list[Any]]:
    """A key as a tuple with marks, and the arrays of positions that go there."""
    template: list[Any] = []
    positions: list[Any] = []
    for item in key if isinstance(key, tuple) else (key,):
        if (
            item is None
            or isinstance(item, slice | EllipsisType)
            or (isinstance(item, int | np.integer) and not isinstance(item, bool))
        ):
            template.append(item)
            continue
        array: Any = (
            item if isinstance(item, Value | np.ndarray) else np.asarray(item, dtype=np.intp if item == [] else None)
        )
        if array.dtype.kind not in "iub":
            raise IndexError(
                f"getitem: an index of dtype {array.dtype} into shape {shape}: positions are integers, slices, None, "
                "..., integer arrays or boolean masks"
            )
        template.append(_HERE)
        positions.append(array)
    return tuple(template), positions


def filled(template: Key, positions: Sequence[Any]) -> Key:
    """The key that NumPy takes: arrays in place of the marks."""
    rest = iter(positions)
    return tuple([next(rest) if item is _HERE else item for item in template])


def places_of(shape: tuple[int, ...], template: Key, positions: Sequence[Any], axes: _BatchAxes) -> tuple[int, ...]:
    """The shape of ``x[key]`` for one entry of `shape`; positions that are batched count as those of one entry."""
    one: list[Any] = []
    for p, axis in zip(positions, axes, strict=True):
        own = p.shape if axis is None else p.shape[:axis] + p.shape[axis + 1 :]
        known = axis is None and (p.dtype == np.bool_ or not isinstance(p, Value) or type(p._data) is not Batched)
        one.append(np.asarray(p) if known else np.zeros(own, np.intp))
    return np.broadcast_to(np.True_, shape)[filled(template, one)].shape


# Batches. NumPy puts the axes of positions where the arrays of the key stand if nothing parts them, else in front.
# A batch adds a slice in front of the key, or, where positions differ between entries, one more array


class BatchedKey(NamedTuple):
    """A key for x with the batch in front, and how what it reads or writes lies against that of one entry."""

    key: Key
    positions: list[Any]
    place: int  # at which axis of the result for one entry the axes of positions stand
    rank: int  # how many those are
    differ: bool  # whether positions differ between entries: their axes then stand right behind the batch axis

    def collect(self, found: Any) -> Any:
        """What the key reads, with the batch axis in front of the result for one entry."""
        if not self.differ:
            return np.moveaxis(found, self.rank, 0) if _parted(self.key) else found
        return np.moveaxis(found, self._behind(0), self._behind(self.place)) if self.place else found

    def spread(self, values: Any) -> Any:
        """The other way round: values with the batch axis in front, as the key writes them."""
        if not self.differ:
            return np.moveaxis(values, 0, self.rank) if _parted(self.key) else values
        return np.moveaxis(values, self._behind(self.place), self._behind(0)) if self.place else values

    def _behind(self, place: int) -> tuple[int, ...]:
        return tuple(range(place + 1, place + 1 + self.rank))


def batched_key(shape: tuple[int, ...], template: Key, positions: Sequence[Any], axes: _BatchAxes) -> BatchedKey:
    """The key for x with a batch in front that does for each entry, of `shape`, what `template` does."""
    for p in positions:
        if p.dtype == np.bool_:
            raise ConversionError(
                f"getitem: inside vmap, a mask of shape {p.shape} that differs between entries would give results of "
                "different shapes: choose with gd.where instead"
            )
    own = [p.ndim - (axis is not None) for p, axis in zip(positions, axes, strict=True)]
    key, place = _written_out(template, shape)
    rank = max(own)
    if all(axis is None for axis in axes):
        return BatchedKey((slice(None), *key), list(positions), place, rank, False)
    # entry i is read at (i, positions of i)
    arrays: list[Any] = []
    count = 0
    for p, axis, n in zip(positions, axes, own, strict=True):
        if axis is None:
            arrays.append(p)
            continue
        first = np.moveaxis(p, axis, 0)
        count = first.shape[0]
        arrays.append(np.reshape(first, (count, *(1,) * (rank - n), *first.shape[1:])))
    entries = np.arange(count).reshape(-1, *(1,) * rank)
    return BatchedKey((_HERE, *key), [entries, *arrays], place, rank, True)


def without_masks(template: Key, positions: Sequence[Any], axes: _BatchAxes) -> tuple[Key, tuple[Any, ...], _BatchAxes]:
    """The same key with masks that all entries share written as arrays of positions."""
    rest = iter(zip(positions, axes, strict=True))
    key: list[Any] = []
    arrays: list[Any] = []
    ways: list[int | None] = []
    for item in template:
        if item is not _HERE:
            key.append(item)
            continue
        p, axis = next(rest)
        parts = np.nonzero(np.asarray(p)) if axis is None and p.dtype == np.bool_ else (p,)
        key += [_HERE] * len(parts)
        arrays += parts
        ways += [axis] * len(parts)
    return tuple(key), tuple(arrays), tuple(ways)


def _written_out(template: Key, shape: tuple[int, ...]) -> tuple[Key, int]:
    """The key with ``...`` as slices, and at which axis of what it reads the axes of positions stand."""
    taken = len([item for item in template if item is not None and item is not Ellipsis])
    slices = (slice(None),) * (len(shape) - taken)
    at = template.index(Ellipsis) if Ellipsis in template else len(template)
    # `...` for no axis at all stays: NumPy takes it for something that parts arrays
    key = (*template[:at], *(slices or template[at : at + 1]), *template[at + 1 :])
    before = [item for item in key[: _arrays_in(key)[0]] if item is not Ellipsis]
    return key, 0 if _parted(key) else len(before)


def _arrays_in(key: Key) -> list[int]:
    """Where in a key arrays and single positions stand."""
    return [i for i, item in enumerate(key) if not (item is None or isinstance(item, slice | EllipsisType))]


def _parted(key: Key) -> bool:
    """Whether something stands between arrays or single positions."""
    places = _arrays_in(key)
    return places[-1] - places[0] != len(places) - 1
