"""Functions that repeat, turn, shift and frame arrays: each gradient puts the pieces back where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import broadcast_to, explain_broadcast, linear
from grad_core._node import Value, array_like
from grad_core._op import op
from grad_core.errors import ShapeError

from ._axes import Axes, one_axis, some_axes
from ._batching import in_front
from .index import getitem
from .pieces import whole_number
from .shape import ravel, reshape

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["broadcast_arrays", "flip", "pad", "repeat", "roll", "tile"]

_BatchAxes = tuple[int | None, ...]


def _at(axis: int, item: Any) -> tuple[Any, ...]:
    """The key that has `item` at this axis and takes everything along those before it."""
    return (*(slice(None),) * axis, item)


# Repeating, whose gradient is a sum over the repeats


def _repeat_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, count: int, axis: int) -> tuple[Any, int]:
    return _repeat.on(in_front(inputs[0], axes[0]), count=count, axis=axis + 1), 0


def _fold_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, count: int, axis: int) -> tuple[Any, int]:
    return _fold.on(in_front(inputs[0], axes[0]), count=count, axis=axis + 1), 0


def _repeat_back(g: Any, _ans: Any, _x: Any, count: int, axis: int) -> Any:
    return _fold.on(g, count=count, axis=axis)


@linear(_repeat_back, batch=_repeat_batch, name="repeat")
def _repeat(x: Any, *, count: int, axis: int) -> Any:
    return np.repeat(x, count, axis)


@linear(lambda g, _ans, _x, count, axis: _repeat.on(g, count=count, axis=axis), batch=_fold_batch, name="fold_repeats")
def _fold(x: Any, *, count: int, axis: int) -> Any:
    """Every `count` entries in a row summed to one: the transpose of repeating them."""
    if count > 8:
        return np.add.reduce(x.reshape(*x.shape[:axis], x.shape[axis] // count, count, *x.shape[axis + 1 :]), axis + 1)
    before = (slice(None),) * axis
    total = x[(*before, slice(0, None, count))]
    for i in range(1, count):  # NumPy sums a short axis forty times slower than whole slices
        total = total + x[(*before, slice(i, None, count))]
    return total


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element, or each entry along an axis, several times in a row; the gradient sums over the repeats.

    Args:
        x: any shape; flattened first where `axis` is None.
        repeats: how often, 0 or more: one integer, or one for each entry along the axis.
        axis: the axis along which to repeat.

    Raises:
        ShapeError: negative repeats, another number of them than entries, or an axis that is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.repeat(gd.tensor([1.0, 2.0]), 2)
        tensor([1., 1., 2., 2.])
        >>> gd.repeat(gd.tensor([1.0, 2.0]), [1, 3])
        tensor([1., 2., 2., 2.])
    """
    x = array_like(x)
    if axis is None:
        x = ravel(x)
    chosen = one_axis(axis or 0, x.ndim, "repeat")
    counts = np.asarray(repeats._data if isinstance(repeats, Value) else repeats)
    length = x.shape[chosen]
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts < 0).any():
        raise ShapeError(f"repeat: repeats are integers of 0 or more, one or one for each entry, not {repeats!r}")
    if counts.size not in (1, length):
        raise ShapeError(
            f"repeat: {counts.size} repeats for the {length} entries along axis {chosen} of shape {x.shape}: "
            "give one for all, or one for each"
        )
    if counts.size == 1 and counts.all():
        return _repeat(x, count=int(counts.reshape(())), axis=chosen)
    return getitem(x, _at(chosen, np.repeat(np.arange(length), counts)))


def tile(x: Any, repetitions: int | Sequence[int]) -> Tensor:
    """The whole array side by side, so often along each axis; the gradient sums over the copies.

    Args:
        x: any shape.
        repetitions: one integer of 0 or more for each axis, the last for the last axis; where there are more of them
            than axes, new axes come in front, and where there are fewer, the first axes are taken once.

    Raises:
        ShapeError: a repetition is negative, or no integer.

    Example:
        >>> import grad_core as gd
        >>> gd.tile(gd.tensor([1.0, 2.0]), (2, 2))
        tensor([[1., 2., 1., 2.],
                [1., 2., 1., 2.]])
    """
    x = array_like(x)
    given = repetitions if isinstance(repetitions, tuple | list) else (repetitions,)
    times = [whole_number(n, "tile: a repetition") for n in given]
    if min(times, default=0) < 0:
        raise ShapeError(f"tile: repetitions are 0 or more, and these are {repetitions!r}")
    rank = max(x.ndim, len(times))
    times = [1] * (rank - len(times)) + times
    lengths = [1] * (rank - x.ndim) + list(x.shape)
    apart = reshape(x, tuple([n for length in lengths for n in (1, length)]))
    spread = broadcast_to(apart, shape=tuple([n for pair in zip(times, lengths, strict=True) for n in pair]))
    return reshape(spread, tuple([n * length for n, length in zip(times, lengths, strict=True)]))


def broadcast_arrays(*arrays: Any) -> tuple[Tensor, ...]:
    """Each array in the shape that all of them broadcast to, as views; gradients are summed back.

    Raises:
        ShapeError: lengths that are neither equal nor 1.

    Example:
        >>> import grad_core as gd
        >>> x, y = gd.broadcast_arrays(gd.tensor([[1.0], [2.0]]), gd.tensor([5.0, 6.0]))
        >>> x
        tensor([[1., 1.],
                [2., 2.]])
        >>> y.shape
        (2, 2)
    """
    items = [array_like(x) for x in arrays]
    try:
        shape = np.broadcast_shapes(*[x.shape for x in items])
    except ValueError as error:
        why = explain_broadcast(*[np.broadcast_to(False, x.shape) for x in items])
        raise ShapeError(f"broadcast_arrays: {why or error}") from error
    return tuple([broadcast_to(x, shape=shape) for x in items])


# Moving along an axis


def flip(x: Any, axis: Axes = None) -> Tensor:
    """The order turned round along one axis, several, or all: a view.

    Raises:
        ShapeError: an axis that is not there, or named twice.

    Example:
        >>> import grad_core as gd
        >>> gd.flip(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
        tensor([[2., 1.],
                [4., 3.]])
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "flip")
    turned = range(x.ndim) if axes is None else axes
    return getitem(x, tuple([slice(None, None, -1 if i in turned else None) for i in range(x.ndim)]))


def _roll_back(g: Any, _ans: Any, _x: Any, shift: tuple[int, ...], axis: tuple[int, ...]) -> Any:
    return _roll.on(g, shift=tuple([-n for n in shift]), axis=axis)


def _roll_batch(
    inputs: tuple[Any, ...], axes: _BatchAxes, *, shift: tuple[int, ...], axis: tuple[int, ...]
) -> tuple[Any, int]:
    x = in_front(inputs[0], axes[0])
    return _roll.on(x, shift=shift, axis=tuple([a + 1 for a in axis])), 0


@linear(_roll_back, batch=_roll_batch, name="roll")
def _roll(x: Any, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> Any:
    return np.roll(x, shift, axis)


def roll(x: Any, shift: int | Sequence[int], axis: Axes = None) -> Tensor:
    """Elements moved along an axis; those that leave at one end come in at the other.

    Args:
        x: any shape; rolled as if flattened where `axis` is None.
        shift: by how many places, towards the end where positive; one for all axes, or one for each.
        axis: an axis, or a tuple of them.

    Raises:
        ShapeError: an axis that is not there or named twice, or another number of shifts than of axes.

    Example:
        >>> import grad_core as gd
        >>> gd.roll(gd.tensor([1.0, 2.0, 3.0]), 1)
        tensor([3., 1., 2.])
    """
    x = array_like(x)
    given = shift if isinstance(shift, tuple | list) else (shift,)
    shifts = tuple([whole_number(n, "roll: a shift") for n in given])
    axes = some_axes(axis, x.ndim, "roll")
    if axes is None:
        return reshape(_roll(ravel(x), shift=(sum(shifts),), axis=(0,)), x.shape)
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ShapeError(f"roll: {len(shifts)} shifts, {shift}, for {len(axes)} axes, {axis}")
    return _roll(x, shift=shifts, axis=axes)


# Frames

_Widths = tuple[tuple[int, int], ...]


def _inner(shape: tuple[int, ...], width: _Widths) -> tuple[slice, ...]:
    """Where an array of `shape` stands in its frame."""
    return tuple([slice(before, before + n) for n, (before, _) in zip(shape, width, strict=True)])


def _pad_jvp(tangents: tuple[Any, ...], _ans: Any, _x: Any, *, width: _Widths, value: float) -> Any:
    return _pad.on(tangents[0], width=width, value=0)


def _pad_batch(inputs: tuple[Any, ...], axes: _BatchAxes, *, width: _Widths, value: float) -> tuple[Any, int]:
    return _pad.on(in_front(inputs[0], axes[0]), width=((0, 0), *width), value=value), 0


@op(
    vjp=(lambda g, _ans, _x, width, value: g[_inner(_x.shape, width)],),
    jvp=_pad_jvp,
    batch=_pad_batch,
    name="pad",
)
def _pad(x: Any, *, width: _Widths, value: float) -> Any:
    shape = tuple([before + n + after for n, (before, after) in zip(x.shape, width, strict=True)])
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    out[_inner(x.shape, width)] = x
    return out


_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Tensor:
    """`x` in a frame: of one value, or of its own elements continued. The gradient of a constant frame is the crop.

    Args:
        x: any shape.
        pad_width: how many elements to add, with NumPy's forms: one integer for every side, (before, after) for every
            axis, or a sequence with (before, after) for each axis.
        mode: "constant"; "edge" repeats the last element; "reflect" mirrors at it, "symmetric" just behind it; "wrap"
            continues at the other end. Elements that appear several times sum their gradients.
        constant_values: the value of a constant frame: one number.

    Raises:
        ShapeError: widths that are negative, no integers, or do not fit the axes; elements to continue that are not
            there.
        ValueError: an unknown mode, or a value that is not one number.

    Example:
        >>> import grad_core as gd
        >>> gd.pad(gd.tensor([1.0, 2.0, 3.0]), (1, 2))
        tensor([0., 1., 2., 3., 0., 0.])
        >>> gd.pad(gd.tensor([1.0, 2.0, 3.0]), 2, "reflect")
        tensor([3., 2., 1., 2., 3., 2., 1.])
    """
    x = array_like(x)
    width = _widths(pad_width, x.ndim)
    if mode not in _MODES:
        raise ValueError(f"pad: mode {mode!r} is not one of {', '.join(_MODES)}")
    if not isinstance(constant_values, int | float | np.number):
        raise ValueError(f"pad: constant_values is one number, and this is {constant_values!r}")
    if mode == "constant" or not any(map(any, width)):
        return _pad(x, width=width, value=constant_values)
    kind: Any = mode
    for axis, sides in enumerate(width):
        if any(sides):
            length = x.shape[axis]
            if length == 0:
                raise ShapeError(f"pad: axis {axis} of shape {x.shape} has no elements that {mode!r} could continue")
            x = getitem(x, _at(axis, np.pad(np.arange(length), sides, mode=kind)))
    framed: Tensor = x
    return framed


def _widths(given: Any, ndim: int) -> _Widths:
    widths = np.asarray(given)
    try:
        if widths.dtype.kind not in "iu" or widths.ndim > 2 or (widths < 0).any():
            raise ValueError
        pairs = np.broadcast_to(widths, (ndim, 2))
    except ValueError as error:
        raise ShapeError(
            f"pad: pad_width is one integer of 0 or more, a pair (before, after), or a pair for each of the {ndim} "
            f"axes, and this is {given!r}"
        ) from error
    return tuple([(int(before), int(after)) for before, after in pairs])
