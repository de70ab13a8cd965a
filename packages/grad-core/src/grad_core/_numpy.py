"""NumPy's functions that are made of ours, with NumPy's arguments: for the table in `_protocols`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._node import array_like
from ._op import nondiff
from .errors import ShapeError
from .ops import arithmetic, arrange, find, products, reduce, shape
from .ops._axes import one_axis

__all__ = [
    "allclose",
    "argwhere",
    "array_equal",
    "astype",
    "atleast_1d",
    "atleast_2d",
    "average",
    "column_stack",
    "copy",
    "degrees",
    "dstack",
    "exp2",
    "flatnonzero",
    "fliplr",
    "flipud",
    "hstack",
    "inner",
    "isclose",
    "isin",
    "ptp",
    "radians",
    "vstack",
]


def exp2(x: Any) -> Any:
    """2**x."""
    return arithmetic.pow(2.0, x)


def degrees(x: Any) -> Any:
    """An angle in degrees, from radians."""
    return arithmetic.multiply(x, 180 / math.pi)


def radians(x: Any) -> Any:
    """An angle in radians, from degrees."""
    return arithmetic.multiply(x, math.pi / 180)


# Comparisons of whole arrays, without a gradient


@nondiff(name="isclose")
def _isclose(x: Any, y: Any, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    return np.isclose(x, y, rtol, atol, equal_nan)


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |a - b| <= atol + rtol * |b|, element by element."""
    return _isclose(array_like(a), array_like(b), rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close."""
    return bool(isclose(a, b, rtol, atol, equal_nan).all())


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Whether shapes and elements are equal."""
    a1, a2 = array_like(a1), array_like(a2)
    return a1.shape == a2.shape and allclose(a1, a2, 0, 0, equal_nan)


def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element is among others."""
    return find.isin(element, test_elements, invert=invert)


def argwhere(a: Any) -> Any:
    """The positions of elements that are not 0, a row for each."""
    a = array_like(a)
    return shape.stack(find.nonzero(a if a.ndim else shape.ravel(a)), 1)[:, : a.ndim]


def flatnonzero(a: Any) -> Any:
    """The positions of elements that are not 0 in the flattened array."""
    return find.nonzero(shape.ravel(a))[0]


# Shapes


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """Another dtype; the tensor itself where that is its dtype and no copy is wanted."""
    return x if not copy and x.dtype == np.dtype(dtype) else shape.astype(x, dtype)


def copy(a: Any) -> Any:
    """A copy with the history of the original."""
    return shape.astype(a, a.dtype)


def atleast_1d(*arrays: Any) -> Any:
    """A number as an array of length 1."""
    made = tuple([x if x.ndim else shape.ravel(x) for x in map(array_like, arrays)])
    return made[0] if len(made) == 1 else made


def atleast_2d(*arrays: Any) -> Any:
    """Fewer than two axes as one row."""
    made = tuple([x if x.ndim > 1 else shape.reshape(x, (1, -1)) for x in map(array_like, arrays)])
    return made[0] if len(made) == 1 else made


def hstack(tup: Sequence[Any]) -> Any:
    """Arrays beside each other: along the second axis, or the only one."""
    arrays = [atleast_1d(x) for x in tup]
    return shape.concat(arrays, 0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(tup: Sequence[Any]) -> Any:
    """Arrays below each other, along the first axis; those with one axis are rows."""
    return shape.concat([atleast_2d(x) for x in tup], 0)


def dstack(tup: Sequence[Any]) -> Any:
    """Arrays behind each other, along the third axis."""
    return shape.concat([x if x.ndim > 2 else x[..., None] for x in map(atleast_2d, tup)], 2)


def column_stack(tup: Sequence[Any]) -> Any:
    """Arrays beside each other; those with one axis are columns."""
    return shape.concat([x if x.ndim > 1 else shape.reshape(x, (-1, 1)) for x in map(array_like, tup)], 1)


def fliplr(m: Any) -> Any:
    """The second axis turned round."""
    return arrange.flip(m, 1)


def flipud(m: Any) -> Any:
    """The first axis turned round."""
    return arrange.flip(m, 0)


# Sums


def inner(a: Any, b: Any, /) -> Any:
    """The sum of products over the last axis of both, each row with each row."""
    a, b = array_like(a), array_like(b)
    return arithmetic.multiply(a, b) if a.ndim == 0 or b.ndim == 0 else products.tensordot(a, b, ([-1], [-1]))


def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The distance of the largest from the smallest."""
    return arithmetic.subtract(reduce.max(a, axis, keepdims=keepdims), reduce.min(a, axis, keepdims=keepdims))


def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """The mean; with weights the sum of products by the sum of weights, which have the shape of `a` or of one axis."""
    if weights is None:
        return reduce.mean(a, axis, keepdims=keepdims)
    a, weights = array_like(a), array_like(weights)
    if weights.shape != a.shape:
        place = one_axis(axis, a.ndim, "average") if isinstance(axis, int) else None
        if place is None or weights.shape != (a.shape[place],):
            raise ShapeError(
                f"average: weights of shape {weights.shape} for shape {a.shape} and axis {axis}: they need the same "
                "shape, or axis= and a weight for each entry along it"
            )
        lengths = tuple([n if i == place else 1 for i, n in enumerate(a.shape)])
        weights = shape.broadcast_to(shape.reshape(weights, lengths), a.shape)
    total = reduce.sum(arithmetic.multiply(a, weights), axis, keepdims=keepdims)
    return arithmetic.divide(total, reduce.sum(weights, axis, keepdims=keepdims))
