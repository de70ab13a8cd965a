"""Angles and hyperbolic angles, and their inverses.

Sums of squares in derivatives go through ``hypot``, which does not overflow where a square would.
A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._kinds import elementwise

from ._select import select

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "hypot",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


def _where_not_0(length: Any) -> Any:
    """The length, with 1 in place of 0: what is divided by it is 0 there already."""
    return np.where(length == 0, 1, length)


@elementwise(
    lambda g, ans, x, _y: g * select.on(ans != 0, x / _where_not_0(ans)),
    lambda g, ans, _x, y: g * select.on(ans != 0, y / _where_not_0(ans)),
    ufunc=np.hypot,
)
def hypot(x: Any, y: Any) -> Any:
    """The length sqrt(x² + y²), broadcast, without overflow on the way; d/dx = x / ans, and 0 at (0, 0).

    Example:
        >>> import grad_core as gd
        >>> gd.hypot(gd.tensor([3.0, 5.0]), gd.tensor([4.0, 12.0]))
        tensor([ 5., 13.])
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


@elementwise(lambda g, ans, _x: g * (1 + ans * ans), ufunc=np.tan)
def tan(x: Any) -> Any:
    """The tangent of an angle in radians; d/dx = 1 + ans².

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.tan(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 1.5574]
    """


# (1 - x) (1 + x) and not 1 - x²: near 1 the square would lose half of the digits


@elementwise(lambda g, _ans, x: g / np.sqrt((1 - x) * (1 + x)), ufunc=np.arcsin)
def asin(x: Any) -> Any:
    """The angle in [-pi/2, pi/2] whose sine is x; d/dx = 1 / sqrt(1 - x²), inf at -1 and 1.

    Outside of [-1, 1] it is NaN, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.asin(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 1.5708]
    """


@elementwise(lambda g, _ans, x: -g / np.sqrt((1 - x) * (1 + x)), ufunc=np.arccos)
def acos(x: Any) -> Any:
    """The angle in [0, pi] whose cosine is x; d/dx = -1 / sqrt(1 - x²), -inf at -1 and 1.

    Outside of [-1, 1] it is NaN, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.acos(gd.tensor([1.0, 0.0])).tolist()]
        [0.0, 1.5708]
    """


def _over_one_and_square(g: Any, x: Any) -> Any:
    """G / (1 + x²)."""
    length = hypot.on(1, x)
    return g / length / length


@elementwise(lambda g, _ans, x: _over_one_and_square(g, x), ufunc=np.arctan)
def atan(x: Any) -> Any:
    """The angle in (-pi/2, pi/2) whose tangent is x; d/dx = 1 / (1 + x²).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.atan(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.7854]
    """


def _over_squares(z: Any, y: Any, x: Any) -> Any:
    """Z / (x² + y²), and 0 at the origin."""
    length = hypot.on(y, x)
    divisor = _where_not_0(length)
    return select.on(length != 0, z / divisor / divisor)


@elementwise(
    lambda g, _ans, y, x: g * _over_squares(x, y, x),
    lambda g, _ans, y, x: -g * _over_squares(y, y, x),
    ufunc=np.arctan2,
)
def atan2(y: Any, x: Any) -> Any:
    """The angle in [-pi, pi] of the point (x, y), broadcast; y comes first.

    d/dy = x / (x² + y²) and d/dx = -y / (x² + y²); both are 0 at the origin, as in PyTorch.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.atan2(gd.tensor([1.0, 0.0]), gd.tensor([0.0, -1.0])).tolist()]
        [1.5708, 3.1416]
    """


def _sinh_back(g: Any, _ans: Any, x: Any) -> Any:
    return g * cosh.on(x)


@elementwise(_sinh_back, ufunc=np.sinh)
def sinh(x: Any) -> Any:
    """The hyperbolic sine, (e**x - e**-x) / 2; inf where it passes the largest number, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.sinh(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 1.1752]
    """


@elementwise(lambda g, _ans, x: g * sinh.on(x), ufunc=np.cosh)
def cosh(x: Any) -> Any:
    """The hyperbolic cosine, (e**x + e**-x) / 2; inf where it passes the largest number, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.cosh(gd.tensor([0.0, 1.0])).tolist()]
        [1.0, 1.5431]
    """


@elementwise(lambda ans, _x: 1 - ans * ans, ufunc=np.tanh)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent, in (-1, 1).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.tanh(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.7616]
    """


@elementwise(lambda g, _ans, x: g / hypot.on(1, x), ufunc=np.arcsinh)
def asinh(x: Any) -> Any:
    """The number whose hyperbolic sine is x, log(x + sqrt(x² + 1)); d/dx = 1 / sqrt(x² + 1).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.asinh(gd.tensor([0.0, 1.0])).tolist()]
        [0.0, 0.8814]
    """


@elementwise(lambda g, _ans, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)), ufunc=np.arccosh)
def acosh(x: Any) -> Any:
    """The number, 0 or more, whose hyperbolic cosine is x; d/dx = 1 / sqrt(x² - 1), inf at 1.

    Below 1 it is NaN, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.acosh(gd.tensor([1.0, 2.0])).tolist()]
        [0.0, 1.317]
    """


@elementwise(lambda g, _ans, x: g / ((1 - x) * (1 + x)), ufunc=np.arctanh)
def atanh(x: Any) -> Any:
    """The number whose hyperbolic tangent is x; d/dx = 1 / (1 - x²).

    At -1 and 1 it is -inf and inf, outside of [-1, 1] NaN, with NumPy's warning.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.atanh(gd.tensor([0.0, 0.5])).tolist()]
        [0.0, 0.5493]
    """
