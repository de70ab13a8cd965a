"""Comparisons, logic and bits: results without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._op import nondiff

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_or",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
]


@nondiff(ufunc=np.equal)
def equal(x: Any, y: Any) -> Any:
    """Whether x == y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.equal(gd.tensor([1, 2]), 2)
        tensor([False,  True])
    """


@nondiff(ufunc=np.not_equal)
def not_equal(x: Any, y: Any) -> Any:
    """Whether x != y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.not_equal(gd.tensor([1, 2]), 2)
        tensor([ True, False])
    """


@nondiff(ufunc=np.less)
def less(x: Any, y: Any) -> Any:
    """Whether x < y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.less(gd.tensor([1, 2]), 2)
        tensor([ True, False])
    """


@nondiff(ufunc=np.less_equal)
def less_equal(x: Any, y: Any) -> Any:
    """Whether x <= y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.less_equal(gd.tensor([1, 2, 3]), 2)
        tensor([ True,  True, False])
    """


@nondiff(ufunc=np.greater)
def greater(x: Any, y: Any) -> Any:
    """Whether x > y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.greater(gd.tensor([1, 2, 3]), 2)
        tensor([False, False,  True])
    """


@nondiff(ufunc=np.greater_equal)
def greater_equal(x: Any, y: Any) -> Any:
    """Whether x >= y, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.greater_equal(gd.tensor([1, 2, 3]), 2)
        tensor([False,  True,  True])
    """


@nondiff(ufunc=np.logical_and)
def logical_and(x: Any, y: Any) -> Any:
    """Whether both x and y are true (not zero), element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.logical_and(gd.tensor([True, True]), gd.tensor([True, False]))
        tensor([ True, False])
    """


@nondiff(ufunc=np.logical_or)
def logical_or(x: Any, y: Any) -> Any:
    """Whether x or y is true (not zero), element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.logical_or(gd.tensor([True, False]), False)
        tensor([ True, False])
    """


@nondiff(ufunc=np.logical_xor)
def logical_xor(x: Any, y: Any) -> Any:
    """Whether just one of x and y is true (not zero), element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.logical_xor(gd.tensor([True, False]), True)
        tensor([False,  True])
    """


@nondiff(ufunc=np.logical_not)
def logical_not(x: Any) -> Any:
    """Whether x is false (zero), element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.logical_not(gd.tensor([True, False]))
        tensor([False,  True])
    """


@nondiff(ufunc=np.bitwise_and)
def bitwise_and(x: Any, y: Any) -> Any:
    """X & y, bit by bit, of integers or booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_and(gd.tensor([6, 5]), 3)
        tensor([2, 1])
    """


@nondiff(ufunc=np.bitwise_or)
def bitwise_or(x: Any, y: Any) -> Any:
    """X | y, bit by bit, of integers or booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_or(gd.tensor([6, 5]), 3)
        tensor([7, 7])
    """


@nondiff(ufunc=np.bitwise_xor)
def bitwise_xor(x: Any, y: Any) -> Any:
    """X ^ y, bit by bit, of integers or booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_xor(gd.tensor([6, 5]), 3)
        tensor([5, 6])
    """


@nondiff(ufunc=np.bitwise_not)
def bitwise_invert(x: Any) -> Any:
    """~x, every bit turned, of integers or booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_invert(gd.tensor([True, False]))
        tensor([False,  True])
    """


@nondiff(ufunc=np.isfinite)
def isfinite(x: Any) -> Any:
    """Whether x is neither infinite nor NaN, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.isfinite(gd.tensor([1.0, float('inf'), float('nan')]))
        tensor([ True, False, False])
    """


@nondiff(ufunc=np.isinf)
def isinf(x: Any) -> Any:
    """Whether x is plus or minus infinity, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.isinf(gd.tensor([1.0, float('inf'), float('nan')]))
        tensor([False,  True, False])
    """


@nondiff(ufunc=np.isnan)
def isnan(x: Any) -> Any:
    """Whether x is NaN, element by element: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.isnan(gd.tensor([1.0, float('inf'), float('nan')]))
        tensor([False, False,  True])
    """
