"""Rounding, signs, neighbours and shifts: what changes the digits of a number.

A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import elementwise, explain_broadcast
from grad_core._node import array_like
from grad_core._op import nondiff

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "bitwise_left_shift",
    "bitwise_right_shift",
    "ceil",
    "copysign",
    "nextafter",
    "round",
    "signbit",
    "trunc",
]


@elementwise(0, ufunc=np.ceil)
def ceil(x: Any) -> Any:
    """The smallest integer not below x, in the dtype of x; the gradient is zero.

    Example:
        >>> import grad_core as gd
        >>> gd.ceil(gd.tensor([1.5, -1.5]))
        tensor([ 2., -1.])
    """


@elementwise(0, ufunc=np.trunc)
def trunc(x: Any) -> Any:
    """The integer part, towards 0, in the dtype of x; the gradient is zero.

    Example:
        >>> import grad_core as gd
        >>> gd.trunc(gd.tensor([1.5, -1.5]))
        tensor([ 1., -1.])
    """


@elementwise(0, name="round")
def _round(x: Any, *, decimals: int, out: Any = None) -> Any:
    return np.round(x, decimals, out)


def round(x: Any, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals, halves to the even one, in the dtype of x; the gradient is zero.

    Args:
        x: any shape.
        decimals: digits after the point; negative ones round before it.

    Raises:
        TypeError: `decimals` is not an integer.

    Example:
        >>> import grad_core as gd
        >>> gd.round(gd.tensor([0.5, 1.5, -2.7]))
        tensor([ 0.,  2., -3.])
    """
    try:
        digits = operator.index(decimals)
    except TypeError as error:
        raise TypeError(
            f"round: decimals must be an integer, and {decimals!r} is a {type(decimals).__name__}"
        ) from error
    return _round(array_like(x), decimals=digits)


@elementwise(lambda g, ans, x, _y: g * (np.sign(x) * np.sign(ans)), 0, ufunc=np.copysign)
def copysign(x: Any, y: Any) -> Any:
    """The size of x with the sign of y, broadcast; -0.0 counts as negative.

    d/dx is 1 where the sign stayed, -1 where it changed, and 0 at 0; d/dy is 0.

    Example:
        >>> import grad_core as gd
        >>> gd.copysign(gd.tensor([1.0, -2.0]), -0.0)
        tensor([-1., -2.])
    """


# Without a gradient


@nondiff(ufunc=np.signbit)
def signbit(x: Any) -> Any:
    """Whether the sign is a minus, that of -0.0 included: booleans.

    Example:
        >>> import grad_core as gd
        >>> gd.signbit(gd.tensor([1.0, -0.0, -2.0]))
        tensor([False,  True,  True])
    """


@nondiff(ufunc=np.nextafter, explain=explain_broadcast)
def nextafter(x: Any, y: Any) -> Any:
    """The number of this dtype next to x on the way to y, broadcast.

    Example:
        >>> import grad_core as gd
        >>> gd.nextafter(gd.tensor(1.0, dtype="float64"), 2.0).item() - 1.0 == 2**-52
        True
    """


@nondiff(ufunc=np.left_shift, explain=explain_broadcast)
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """The bits of integers moved y places up, broadcast: x * 2**y while that fits.

    Raises:
        DTypeError: x or y is not an integer.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_left_shift(gd.tensor([1, 3]), 2)
        tensor([ 4, 12])
    """


@nondiff(ufunc=np.right_shift, explain=explain_broadcast)
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """The bits of integers moved y places down, broadcast: floor(x / 2**y).

    Raises:
        DTypeError: x or y is not an integer.

    Example:
        >>> import grad_core as gd
        >>> gd.bitwise_right_shift(gd.tensor([4, 13]), 2)
        tensor([1, 3])
    """
