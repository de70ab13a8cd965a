"""Functions of each element: arithmetic, comparisons, exponentials, and the piecewise ones with their kinks.

Where two rules meet, at a kink or a tie, the value chosen is PyTorch's: relu'(0) = 0, abs'(0) = 0, a tie of maximum
or minimum
is shared half and half, clip passes the gradient at its bounds.

A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._blocks import LARGE, map_blocks, repeated
from grad_core._kinds import elementwise
from grad_core._sums import product_to

from ._quick import for_large_arrays
from ._select import select

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "abs",
    "add",
    "clip",
    "cos",
    "divide",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "pow",
    "relu",
    "remainder",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
    "tanh",
    "where",
]


# Arithmetic


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


# Exponentials and their inverses


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


@elementwise(lambda g, ans, _x: g * 0.5 / ans, ufunc=np.sqrt)
def sqrt(x: Any) -> Any:
    """The square root; its derivative is 1 / (2 * ans), inf at 0.

    Example:
        >>> import grad_core as gd
        >>> gd.sqrt(gd.tensor([4.0, 9.0]))
        tensor([2., 3.])
    """


@elementwise(lambda ans, x: np.cos(x), ufunc=np.sin)
def sin(x: Any) -> Any:
    """The sine of an angle in radians.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.sin(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.8415]
    """


@elementwise(lambda g, _ans, x: -g * np.sin(x), ufunc=np.cos)
def cos(x: Any) -> Any:
    """The cosine of an angle in radians.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.cos(gd.tensor([0.0, 1.0])).tolist()]
        [1.0, 0.5403]
    """


@elementwise(lambda ans, _x: 1 - ans * ans, ufunc=np.tanh)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent, in (-1, 1).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.tanh(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.7616]
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


# Piecewise


_WORDS = {"f": np.int32, "d": np.int64}


def _above_0(out: Any, x: Any) -> None:
    np.maximum(x, repeated(0, x), out=out)


def _relu_back_in_blocks(g: Any, ans: Any, _x: Any) -> Any:
    words: Any = _WORDS.get(g.dtype.char)

    def work(out: Any, g: Any, y: Any) -> None:
        np.multiply(g.view(words), np.greater(y, 0), out.view(words))  # as in `select`

    return map_blocks(work, g, ans) if words is not None and g.dtype == ans.dtype else NotImplemented


@for_large_arrays(_relu_back_in_blocks)
def _relu_back(g: Any, ans: Any, _x: Any) -> Any:
    return select.on(ans > 0, g)


@elementwise(_relu_back)
def relu(x: Any, *, out: Any = None) -> Any:
    """The larger of x and 0; its derivative at 0 is 0.

    Example:
        >>> import grad_core as gd
        >>> gd.relu(gd.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 0., 2.])
    """
    if x.size >= LARGE and x.dtype.char in "fd" and out is None:
        return map_blocks(_above_0, x)
    return np.maximum(x, 0, out=out)


def _larger(g: Any, x: Any, y: Any) -> Any:
    return select.on(x > y, g) + select.on(x == y, g * 0.5)


@elementwise(lambda g, _ans, x, y: _larger(g, x, y), lambda g, _ans, x, y: _larger(g, y, x), ufunc=np.maximum)
def maximum(x: Any, y: Any) -> Any:
    """The larger of x and y, broadcast; where they are equal, each gets half of the gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.maximum(gd.tensor([1.0, 5.0]), 3)
        tensor([3., 5.])
    """


@elementwise(lambda g, _ans, x, y: _larger(g, y, x), lambda g, _ans, x, y: _larger(g, x, y), ufunc=np.minimum)
def minimum(x: Any, y: Any) -> Any:
    """The smaller of x and y, broadcast; where they are equal, each gets half of the gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.minimum(gd.tensor([1.0, 5.0]), 3)
        tensor([1., 3.])
    """


@elementwise(
    lambda g, _ans, x, low, high: select.on((x >= low) & (x <= high), g),
    lambda g, _ans, x, low, high: select.on((x < low) & (low < high), g),
    lambda g, _ans, x, low, high: select.on((x > high) | (high < low), g),
)
def _clip(x: Any, low: Any, high: Any, *, out: Any = None) -> Any:
    return np.minimum(np.maximum(x, low), high, out=out)


def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Each element moved into [min, max].

    The gradient passes where the element lies within, bounds included, and goes to a bound where that was taken.

    Args:
        x: any shape.
        min: the lower bound, a number or an array that broadcasts with x; None for none.
        max: the upper bound, likewise. Where it is below the lower one, it wins.

    Example:
        >>> import grad_core as gd
        >>> gd.clip(gd.tensor([-2.0, 0.5, 2.0]), -1, 1)
        tensor([-1. ,  0.5,  1. ])
    """
    if min is None and max is None:
        return positive(x)
    dtype = x.dtype if hasattr(x, "dtype") else np.dtype(float)
    if min is None:
        min = -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
    if max is None:
        max = np.inf if dtype.kind == "f" else np.iinfo(dtype).max
    return _clip(x, min, max)


@elementwise(
    None,
    lambda g, _ans, condition, _x, _y: select.on(condition, g),
    lambda g, _ans, condition, _x, _y: select.on(np.logical_not(condition), g),
)
def where(condition: Any, x: Any, y: Any) -> Any:
    """Elements of x where the condition holds, of y elsewhere, broadcast.

    The gradient selects too: nothing leaks from the branch not taken.

    A branch that was not taken is computed all the same: if its own derivative is infinite there, 0 * inf gives NaN
    further
    back. Choose its input with another `where` first.

    Example:
        >>> import grad_core as gd
        >>> gd.where(gd.tensor([True, False]), gd.tensor([1.0, 2.0]), 0)
        tensor([1., 0.])
    """
    return np.where(condition, x, y)
