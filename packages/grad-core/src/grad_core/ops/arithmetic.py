"""Sums, products, quotients and powers of each element, signs and the floor.

A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._kinds import elementwise
from grad_core._sums import product_to

from ._quick import for_large_arrays

__all__ = [
    "abs",
    "add",
    "divide",
    "floor",
    "floor_divide",
    "multiply",
    "negative",
    "positive",
    "pow",
    "reciprocal",
    "remainder",
    "sign",
    "sqrt",
    "square",
    "subtract",
]


@elementwise(1, 1, ufunc=np.add)
def add(x: Any, y: Any) -> Any:
    """The sum x + y, broadcast; the gradient passes to both.

    Example:
        >>> import grad_core as gd
        >>> gd.add(gd.tensor([1.0, 2.0]), 10)
        tensor([11., 12.])
    """


@elementwise(1, -1, ufunc=np.subtract)
def subtract(x: Any, y: Any) -> Any:
    """The difference x - y, broadcast.

    Example:
        >>> import grad_core as gd
        >>> gd.subtract(10, gd.tensor([1.0, 2.0]))
        tensor([9., 8.])
    """


def _times_y_at_once(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    smaller = type(y) is np.ndarray and y.shape == g.shape != _x.shape
    return product_to(g, y, _x.shape) if smaller else NotImplemented


def _times_x_at_once(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    return _times_y_at_once(g, None, _y, x)


@for_large_arrays(_times_y_at_once, broadcast=True)
def _times_y(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    return g * y


@for_large_arrays(_times_x_at_once, broadcast=True)
def _times_x(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    return g * x


@elementwise(_times_y, _times_x, ufunc=np.multiply)
def multiply(x: Any, y: Any) -> Any:
    """The product x * y, broadcast; d/dx = y and d/dy = x.

    Example:
        >>> import grad_core as gd
        >>> gd.multiply(gd.tensor([1.0, 2.0]), 3)
        tensor([3., 6.])
    """


def _by_divisor_at_once(g: Any, ans: Any, _x: Any, y: Any) -> Any:
    if type(y) is not np.ndarray or g.dtype != ans.dtype:
        return NotImplemented
    grad = product_to(g, ans, y.shape)
    grad /= y  # y is the same all along what was summed
    return np.negative(grad, grad)


@for_large_arrays(_by_divisor_at_once, broadcast=True)
def _by_divisor(g: Any, ans: Any, _x: Any, y: Any) -> Any:
    return -g * ans / y


@elementwise(lambda g, _ans, _x, y: g / y, _by_divisor, ufunc=np.divide)
def divide(x: Any, y: Any) -> Any:
    """The quotient x / y, broadcast; d/dx = 1 / y and d/dy = -x / y². Integers divide to float64, as in NumPy.

    Example:
        >>> import grad_core as gd
        >>> gd.divide(gd.tensor([1.0, 2.0]), 4)
        tensor([0.25, 0.5 ])
    """


@elementwise(0, 0, ufunc=np.floor_divide)
def floor_divide(x: Any, y: Any) -> Any:
    """The largest integer not above x / y; the gradient is zero.

    Example:
        >>> import grad_core as gd
        >>> gd.floor_divide(gd.tensor([7.0, -7.0]), 2)
        tensor([ 3., -4.])
    """


@elementwise(1, lambda g, _ans, x, y: -g * np.floor_divide(x, y), ufunc=np.remainder)
def remainder(x: Any, y: Any) -> Any:
    """The remainder x - y * floor(x / y), with the sign of y; d/dx = 1 and d/dy = -floor(x / y).

    Example:
        >>> import grad_core as gd
        >>> gd.remainder(gd.tensor([7.0, -7.0]), 3)
        tensor([1., 2.])
    """


def _one_less(y: Any) -> Any:
    """Y - 1, but 1 where y is 0: the factor y in front is 0 there, and 0 * x**-1 would be NaN at x = 0."""
    if isinstance(y, int | float):
        return y - 1 if y else 1
    return np.where(y == 0, 1, y - 1)


def _pow_by_exponent(g: Any, ans: Any, x: Any, y: Any) -> Any:
    flat = (x == 0) & (y >= 0)  # 0**y stays 0 when y changes: log(0) must not turn that into NaN
    return g * ans * np.log(np.where(flat, 1, x))


@elementwise(lambda g, _ans, x, y: g * y * x ** _one_less(y), _pow_by_exponent)
def pow(x: Any, y: Any, *, out: Any = None) -> Any:
    """The power x ** y, broadcast; d/dx = y * x**(y - 1) and d/dy = x**y * log(x), NaN for negative x.

    Example:
        >>> import grad_core as gd
        >>> gd.pow(gd.tensor([-2.0, 3.0]), 2)
        tensor([4., 9.])
    """
    if out is not None:
        return np.power(x, y, out)
    if type(y) in (int, float) and y == 3 and type(x) is np.ndarray and x.dtype.char in "fd":
        cube = x * x  # NumPy squares so by itself; its loop for other powers is a hundred times slower where x < 0
        cube *= x
        return cube
    return x**y


@elementwise(-1, ufunc=np.negative)
def negative(x: Any) -> Any:
    """-x.

    Example:
        >>> import grad_core as gd
        >>> gd.negative(gd.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """


@elementwise(1, ufunc=np.positive)
def positive(x: Any) -> Any:
    """+x, a copy.

    Example:
        >>> import grad_core as gd
        >>> gd.positive(gd.tensor([1.0, -2.0]))
        tensor([ 1., -2.])
    """


@elementwise(lambda g, _ans, x: g * np.sign(x), ufunc=np.absolute)
def abs(x: Any) -> Any:
    """The absolute value; its derivative is sign(x), so 0 at 0.

    Example:
        >>> import grad_core as gd
        >>> gd.abs(gd.tensor([1.0, -2.0]))
        tensor([1., 2.])
    """


@elementwise(lambda g, _ans, x: g * (x + x), ufunc=np.square)
def square(x: Any) -> Any:
    """The square x * x; d/dx = 2x.

    Example:
        >>> import grad_core as gd
        >>> gd.square(gd.tensor([3.0, -2.0]))
        tensor([9., 4.])
    """


@elementwise(lambda g, ans, _x: g * 0.5 / ans, ufunc=np.sqrt)
def sqrt(x: Any) -> Any:
    """The square root; its derivative is 1 / (2 * ans), inf at 0.

    Example:
        >>> import grad_core as gd
        >>> gd.sqrt(gd.tensor([4.0, 9.0]))
        tensor([2., 3.])
    """


@elementwise(lambda g, ans, _x: -g * ans * ans)
def reciprocal(x: Any, *, out: Any = None) -> Any:
    """1 / x; d/dx = -ans². Integers give float64, as they do when divided; inf at 0, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> gd.reciprocal(gd.tensor([2.0, -4.0]))
        tensor([ 0.5 , -0.25])
    """
    return np.divide(1, x, out)


@elementwise(0, ufunc=np.sign)
def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of x; the gradient is zero.

    Example:
        >>> import grad_core as gd
        >>> gd.sign(gd.tensor([3.0, 0.0, -2.0]))
        tensor([ 1.,  0., -1.])
    """


@elementwise(0, ufunc=np.floor)
def floor(x: Any) -> Any:
    """The largest integer not above x, in the dtype of x; the gradient is zero.

    Example:
        >>> import grad_core as gd
        >>> gd.floor(gd.tensor([1.5, -1.5]))
        tensor([ 1., -2.])
    """
