"""Functions that move elements without changing them, and the change of dtype."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._dtypes import resolve_dtype
from grad_core._kinds import broadcast_to as _broadcast_to
from grad_core._kinds import linear
from grad_core._node import array_like
from grad_core._op import nondiff, op
from grad_core.errors import ShapeError

from ._axes import Axes, broadcasts_to, one_axis, some_axes
from ._batching import batch_in_front, in_front

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "astype",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flatten",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]


def _shape_tuple(shape: Any, name: str) -> tuple[int, ...]:
    try:
        return (
            (operator.index(shape),)
            if not isinstance(shape, tuple | list)
            else tuple([operator.index(n) for n in shape])
        )
    except TypeError as error:
        raise ShapeError(f"{name}: a shape is an integer or a tuple of integers, and {shape!r} is not") from error


def _reshape_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, shape: tuple[int, ...]) -> tuple[Any, int]:
    x = in_front(inputs[0], axes[0])
    return _reshape.on(x, shape=(x.shape[0], *shape)), 0


@linear(lambda g, _ans, _x, shape: g.reshape(_x.shape), batch=_reshape_batch, views=True, name="reshape")
def _reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def reshape(x: Any, shape: int | Sequence[int]) -> Tensor:
    """The same elements, row by row, in another shape; no copy where memory allows.

    Args:
        x: any shape.
        shape: the new shape; one length may be -1, for whatever is left.

    Raises:
        ShapeError: the number of elements does not fit.

    Example:
        >>> import grad_core as gd
        >>> gd.reshape(gd.arange(6), (2, -1))
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    x = array_like(x)
    return _reshape(x, shape=_full_shape(_shape_tuple(shape, "reshape"), x.shape))


def _full_shape(wanted: tuple[int, ...], given: tuple[int, ...]) -> tuple[int, ...]:
    """`wanted` with its -1 replaced, or the error that says why not."""
    size = math.prod(given)
    known = math.prod([n for n in wanted if n != -1])
    open_lengths = wanted.count(-1)
    if min(wanted, default=0) < -1 or open_lengths > 1:
        raise ShapeError(f"reshape: {wanted} is not a shape: lengths are 0 or more, and at most one may be -1")
    if open_lengths == 1 and known != 0 and size % known == 0:
        return tuple([size // known if n == -1 else n for n in wanted])
    if open_lengths == 1 or known != size:
        why = "cannot hold that number" if open_lengths else f"has {known}"
        raise ShapeError(f"reshape: shape {given} has {size} elements, and {wanted} {why}")
    return wanted


def flatten(x: Any, start_axis: int = 0, end_axis: int = -1) -> Tensor:
    """Axes `start_axis` to `end_axis`, both included, made into one.

    Example:
        >>> import grad_core as gd
        >>> gd.flatten(gd.zeros((2, 3, 4)), 1).shape
        (2, 12)
    """
    x = array_like(x)
    if x.ndim == 0:
        return _reshape(x, shape=(1,))
    start = one_axis(start_axis, x.ndim, "flatten")
    end = one_axis(end_axis, x.ndim, "flatten")
    if start > end:
        raise ShapeError(f"flatten: start_axis={start_axis} comes after end_axis={end_axis} in shape {x.shape}")
    shape = x.shape
    return _reshape(x, shape=(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(x: Any) -> Tensor:
    """All elements, row by row, along one axis.

    Example:
        >>> import grad_core as gd
        >>> gd.ravel(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([1., 2., 3., 4.])
    """
    x = array_like(x)
    return _reshape(x, shape=(math.prod(x.shape),))


def _permute_back(g: Any, _ans: Any, _x: Any, axes: tuple[int, ...]) -> Any:
    back = [0] * len(axes)
    for i, axis in enumerate(axes):
        back[axis] = i
    return g.transpose(back)


def _permute_batch(
    inputs: tuple[Any, ...], batch_axes: tuple[int | None, ...], *, axes: tuple[int, ...]
) -> tuple[Any, int]:
    x = np.moveaxis(inputs[0], batch_axes[0] or 0, 0)
    return _permute.on(x, axes=(0, *[a + 1 for a in axes])), 0


@linear(_permute_back, batch=_permute_batch, views=True, name="permute_dims")
def _permute(x: Any, *, axes: tuple[int, ...]) -> Any:
    return x.transpose(axes)


def permute_dims(x: Any, axes: Sequence[int]) -> Tensor:
    """The axes in another order, without a copy: axis i of the result is axis ``axes[i]`` of `x`.

    Raises:
        ShapeError: `axes` does not name every axis just once.

    Example:
        >>> import grad_core as gd
        >>> gd.permute_dims(gd.zeros((2, 3, 4)), (2, 0, 1)).shape
        (4, 2, 3)
    """
    x = array_like(x)
    chosen = some_axes(tuple(axes), x.ndim, "permute_dims") or ()
    if len(chosen) != x.ndim:
        raise ShapeError(f"permute_dims: shape {x.shape} has {x.ndim} axes, and axes={tuple(axes)} names {len(chosen)}")
    return _permute(x, axes=chosen)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """``permute_dims``, with all axes turned round where none are given, as in NumPy.

    Example:
        >>> import grad_core as gd
        >>> gd.transpose(gd.zeros((2, 3, 4))).shape
        (4, 3, 2)
    """
    x = array_like(x)
    return permute_dims(x, tuple(range(x.ndim))[::-1] if axes is None else axes)


def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged.

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> gd.matrix_transpose(gd.zeros((2, 3, 4))).shape
        (2, 4, 3)
    """
    x = array_like(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: needs two axes or more, and shape {x.shape} has {x.ndim}")
    n = x.ndim
    return _permute(x, axes=(*range(n - 2), n - 1, n - 2))


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    Example:
        >>> import grad_core as gd
        >>> gd.swapaxes(gd.zeros((2, 3, 4)), 0, -1).shape
        (4, 3, 2)
    """
    x = array_like(x)
    axes = list(range(x.ndim))
    a = one_axis(axis1, x.ndim, "swapaxes")
    b = one_axis(axis2, x.ndim, "swapaxes")
    axes[a], axes[b] = b, a
    return _permute(x, axes=tuple(axes))


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places, the rest kept in order.

    Example:
        >>> import grad_core as gd
        >>> gd.moveaxis(gd.zeros((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    x = array_like(x)
    sources = some_axes(source, x.ndim, "moveaxis") or ()
    places = some_axes(destination, x.ndim, "moveaxis") or ()
    if len(sources) != len(places):
        raise ShapeError(
            f"moveaxis: {len(sources)} axes to move, {source}, and {len(places)} places for them, {destination}"
        )
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return _permute(x, axes=tuple(order))


def squeeze(x: Any, axis: Axes = None) -> Tensor:
    """Without axes of length 1: those named, or all.

    Raises:
        ShapeError: a named axis is longer than 1.

    Example:
        >>> import grad_core as gd
        >>> gd.squeeze(gd.zeros((1, 3, 1)), 0).shape
        (3, 1)
    """
    x = array_like(x)
    shape = x.shape
    axes = some_axes(axis, x.ndim, "squeeze")
    if axes is None:
        axes = tuple([i for i, n in enumerate(shape) if n == 1])
    for i in axes:
        if shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of shape {shape} has length {shape[i]}, and only length 1 can go")
    return _reshape(x, shape=tuple([n for i, n in enumerate(shape) if i not in axes]))


def expand_dims(x: Any, axis: int | tuple[int, ...] = 0) -> Tensor:
    """With new axes of length 1, at these places of the result.

    Example:
        >>> import grad_core as gd
        >>> gd.expand_dims(gd.zeros((2, 3)), -1).shape
        (2, 3, 1)
    """
    x = array_like(x)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    axes = some_axes(axis, x.ndim + count, "expand_dims") or ()
    rest = iter(x.shape)
    return _reshape(x, shape=tuple([1 if i in axes else next(rest) for i in range(x.ndim + count)]))


def broadcast_to(x: Any, shape: int | Sequence[int]) -> Tensor:
    """Repeated along new axes and axes of length 1, without a copy; the gradient is summed over what was repeated.

    Raises:
        ShapeError: `x` does not broadcast to `shape`.

    Example:
        >>> import grad_core as gd
        >>> gd.broadcast_to(gd.tensor([1.0, 2.0]), (2, 2))
        tensor([[1., 2.],
                [1., 2.]])
    """
    x = array_like(x)
    wanted = _shape_tuple(shape, "broadcast_to")
    if not broadcasts_to(x.shape, wanted):
        raise ShapeError(
            f"broadcast_to: shape {x.shape} does not broadcast to {wanted}: counted from the back, "
            "each length must be equal or 1, and there may be no more axes"
        )
    return _broadcast_to(x, shape=wanted)


def _piece(g: Any, _ans: Any, *_arrays: Any, axis: int, which: int) -> Any:
    start = 0
    for array in _arrays[:which]:
        start += array.shape[axis]
    return g[(slice(None),) * axis + (slice(start, start + _arrays[which].shape[axis]),)]


def _concat_jvp(tangents: tuple[Any, ...], _ans: Any, *arrays: Any, axis: int) -> Any:
    return _concat.on(*[np.zeros_like(x) if t is None else t for t, x in zip(tangents, arrays, strict=True)], axis=axis)


def _concat_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, axis: int) -> tuple[Any, int]:
    count = next(x.shape[a] for x, a in zip(inputs, axes, strict=True) if a is not None)
    moved = [
        np.broadcast_to(x, (count, *x.shape)) if a is None else np.moveaxis(x, a, 0)
        for x, a in zip(inputs, axes, strict=True)
    ]
    return _concat.on(*moved, axis=axis + 1), 0


def _explain_concat(*arrays: Any, axis: int) -> str | None:
    shapes = " and ".join([str(array.shape) for array in arrays])
    return f"shapes {shapes} must have as many axes, and equal lengths on every axis but {axis}"


@op(vjp=_piece, jvp=_concat_jvp, batch=_concat_batch, explain=_explain_concat, name="concat")
def _concat(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis)


def concat(arrays: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Arrays joined along an axis that they have; with ``axis=None`` each is flattened first.

    Raises:
        ShapeError: no arrays, another number of axes, or other lengths than along `axis` differ.

    Example:
        >>> import grad_core as gd
        >>> gd.concat([gd.tensor([1.0, 2.0]), gd.tensor([3.0])])
        tensor([1., 2., 3.])
    """
    if len(arrays) == 0:
        raise ShapeError("concat: needs at least one array, and the sequence is empty")
    items = [array_like(x) for x in arrays]
    if axis is None:
        items = [ravel(x) for x in items]
    return _concat(*items, axis=one_axis(axis or 0, items[0].ndim, "concat"))


def stack(arrays: Sequence[Any], axis: int = 0) -> Tensor:
    """Arrays of one shape joined along a new axis.

    Raises:
        ShapeError: no arrays, or shapes that differ.

    Example:
        >>> import grad_core as gd
        >>> gd.stack([gd.tensor([1.0, 2.0]), gd.tensor([3.0, 4.0])], axis=1)
        tensor([[1., 3.],
                [2., 4.]])
    """
    items = [array_like(x) for x in arrays]
    if not items:
        raise ShapeError("stack: needs at least one array, and the sequence is empty")
    shapes = {x.shape for x in items}
    if len(shapes) > 1:
        raise ShapeError(
            f"stack: shapes must be equal, and these are {' and '.join(map(str, sorted(shapes)))}; concat "
            "joins unequal lengths"
        )
    place = one_axis(axis, items[0].ndim + 1, "stack")
    return _concat(*[expand_dims(x, place) for x in items], axis=place)


# A change of dtype


def _astype_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, dtype: Any) -> tuple[Any, int | None]:
    return _astype.on(inputs[0], dtype=dtype), axes[0]


@linear(lambda g, _ans, _x, dtype: g.astype(_x.dtype), batch=_astype_batch, name="astype")
def _astype(x: Any, *, dtype: np.dtype[Any]) -> Any:
    return x.astype(dtype)


@nondiff()
def _astype_whole(x: Any, *, dtype: np.dtype[Any]) -> Any:
    return x.astype(dtype)


def astype(x: Any, dtype: Any) -> Tensor:
    """A copy in another dtype; the gradient comes back in that of `x`, and there is none through integers.

    Raises:
        DTypeError: an unknown dtype.

    Example:
        >>> import grad_core as gd
        >>> gd.astype(gd.tensor([1.7, -1.7]), "int64")
        tensor([ 1, -1])
    """
    x = array_like(x)
    chosen = resolve_dtype(dtype)
    return (_astype if chosen.kind == "f" else _astype_whole)(x, dtype=chosen)


_astype_whole.batch = batch_in_front(_astype_whole)
