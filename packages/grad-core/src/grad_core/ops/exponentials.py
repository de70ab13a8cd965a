"""Exponentials, logarithms, and the logistic sigmoid between them: finite, without warnings, far from 0.

A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grad_core._blocks import LARGE, map_blocks
from grad_core._kinds import elementwise

from ._quick import for_large_arrays

__all__ = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "sigmoid",
]


_LOG_2 = math.log(2)

_LOG_10 = math.log(10)


@elementwise(lambda ans, _x: ans, ufunc=np.exp)
def exp(x: Any) -> Any:
    """The exponential e**x.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.exp(gd.tensor([0.0, 1.0])).tolist()]
        [1.0, 2.7183]
    """


@elementwise(lambda ans, _x: ans + 1, ufunc=np.expm1)
def expm1(x: Any) -> Any:
    """The exponential less one, e**x - 1, exact for x near 0.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.expm1(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 1.7183]
    """


@elementwise(lambda g, _ans, x: g / x, ufunc=np.log)
def log(x: Any) -> Any:
    """The natural logarithm: -inf at 0 and NaN below, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.log(gd.tensor([1.0, 2.0])).tolist()]
        [0.0, 0.6931]
    """


@elementwise(lambda g, _ans, x: g / (x + 1), ufunc=np.log1p)
def log1p(x: Any) -> Any:
    """log(1 + x), exact for x near 0.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.log1p(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.6931]
    """


@elementwise(lambda g, _ans, x: g / (x * _LOG_2), ufunc=np.log2)
def log2(x: Any) -> Any:
    """The logarithm to base 2: -inf at 0 and NaN below, with NumPy's warning; d/dx = 1 / (x log(2)).

    Example:
        >>> import grad_core as gd
        >>> gd.log2(gd.tensor([1.0, 8.0]))
        tensor([0., 3.])
    """


@elementwise(lambda g, _ans, x: g / (x * _LOG_10), ufunc=np.log10)
def log10(x: Any) -> Any:
    """The logarithm to base 10: -inf at 0 and NaN below, with NumPy's warning; d/dx = 1 / (x log(10)).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.log10(gd.tensor([1.0, 1000.0])).tolist()]
        [0.0, 3.0]
    """


def logistic(x: Any, out: Any) -> None:
    """1 / (1 + e**-x) of plain floats into `out`, which may not be `x`: no power overflows, and there is no branch."""
    if np.minimum.reduce(x, axis=None, initial=0) > -80:  # e**80 is far from the largest float32; not so for NaN
        np.negative(x, out)
        np.exp(out, out)
        out += 1
        np.divide(1, out, out)
        return
    np.absolute(x, out)
    np.negative(out, out)
    np.exp(out, out)  # e**-|x|, which is at most 1
    numerator = np.greater_equal(x, 0).astype(x.dtype)
    np.maximum(numerator, out, out=numerator)  # 1 where x >= 0, and e**x elsewhere
    out += 1
    np.divide(numerator, out, out)


def _sigmoid_back_in_blocks(g: Any, ans: Any, _x: Any) -> Any:
    def work(out: Any, g: Any, y: Any) -> None:
        np.subtract(1, y, out)
        out *= y
        out *= g

    return map_blocks(work, g, ans) if g.dtype == ans.dtype else NotImplemented


@for_large_arrays(_sigmoid_back_in_blocks)
def _sigmoid_back(g: Any, ans: Any, _x: Any) -> Any:
    return g * (ans * (1 - ans))


@elementwise(_sigmoid_back)
def sigmoid(x: Any, *, out: Any = None) -> Any:
    """1 / (1 + e**-x), in (0, 1); nothing overflows at any x.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.sigmoid(gd.tensor([0.0, 1.0, -1000.0])).tolist()]
        [0.5, 0.7311, 0.0]
    """
    if x.size >= LARGE and x.dtype.char in "fd" and out is None:
        return map_blocks(lambda out, x: logistic(x, out), x)
    # e**min(x, 0) / (1 + e**-|x|): both powers are at most 1, and no element needs a branch, which costs most of all
    return np.divide(np.exp(np.minimum(x, 0)), 1 + np.exp(-np.absolute(x)), out)


def _share(g: Any, x: Any, y: Any) -> Any:
    """G times e**x / (e**x + e**y); half where both are the same infinity, whose difference would be NaN."""
    same = (x == y) & np.isinf(x)
    return g * sigmoid.on(np.where(same, 0, x) - np.where(same, 0, y))


def log_sum(x: Any, y: Any, out: Any) -> Any:
    """As ``np.logaddexp``, whose loop takes one element at a time: ten times faster."""
    if np.result_type(x, y).kind != "f":  # unsigned integers have no negative differences
        return np.logaddexp(x, y, out)
    with np.errstate(invalid="ignore"):  # inf - inf; a NaN among the inputs is in the maximum, too
        smaller = np.fmax(np.exp(-np.absolute(np.subtract(x, y))), 0)
    return np.add(np.maximum(x, y), np.log1p(smaller), out)


@elementwise(lambda g, _ans, x, y: _share(g, x, y), lambda g, _ans, x, y: _share(g, y, x))
def logaddexp(x: Any, y: Any, *, out: Any = None) -> Any:
    """log(e**x + e**y), broadcast, without overflow; d/dx = sigmoid(x - y) and d/dy = sigmoid(y - x).

    Example:
        >>> import grad_core as gd
        >>> gd.logaddexp(gd.tensor([1000.0, -1000.0]), gd.tensor([0.0, 0.0]))
        tensor([1000.,    0.])
    """
    return log_sum(x, y, out)
