"""The logistic family and the error function: finite, without warnings, far from 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grad_core._blocks import LARGE, map_blocks, repeated
from grad_core._kinds import elementwise

from ._quick import for_large_arrays
from .exponentials import log_sum, logistic, sigmoid

__all__ = [
    "erf",
    "logit",
    "silu",
    "softplus",
]


@elementwise(lambda g, _ans, x: g * sigmoid.on(x))
def softplus(x: Any, *, out: Any = None) -> Any:
    """log(1 + e**x), a smooth relu, without overflow; d/dx = sigmoid(x).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.softplus(gd.tensor([-1000.0, 0.0, 1000.0])).tolist()]
        [0.0, 0.6931, 1000.0]
    """
    return log_sum(x, 0, out)


def _silu_back_in_blocks(g: Any, _ans: Any, x: Any) -> Any:
    def work(out: Any, g: Any, x: Any) -> None:
        logistic(x, out)  # s
        inner = np.subtract(1, out)
        inner *= x
        inner += 1
        out *= inner
        out *= g

    return map_blocks(work, g, x) if g.dtype == x.dtype and x.dtype.char in "fd" else NotImplemented


@for_large_arrays(_silu_back_in_blocks)
def _silu_back(g: Any, _ans: Any, x: Any) -> Any:
    s = sigmoid.on(x)
    return g * s * (1 + x * (1 - s))


@elementwise(_silu_back)
def silu(x: Any, *, out: Any = None) -> Any:
    """The product x * sigmoid(x), also called swish; d/dx = s (1 + x (1 - s)) with s = sigmoid(x).

    Source: Elfwing, Uchibe, Doya, Sigmoid-weighted linear units for neural network function approximation (2017).

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.silu(gd.tensor([-1.0, 0.0, 1000.0])).tolist()]
        [-0.2689, 0.0, 1000.0]
    """
    if x.size >= LARGE and x.dtype.char in "fd" and out is None:

        def work(out: Any, x: Any) -> None:
            logistic(x, out)
            out *= x

        return map_blocks(work, x)
    return np.multiply(x, sigmoid.forward(x), out)


@elementwise(lambda g, _ans, x: g / (x * (1 - x)))
def logit(x: Any, *, out: Any = None) -> Any:
    """log(x / (1 - x)), the inverse of sigmoid, exact for x near 0 and near 1/2; d/dx = 1 / (x (1 - x)).

    It is defined on [0, 1]: -inf at 0 and inf at 1, and NaN outside, each with NumPy's warning. Where probabilities may
    be 0 or 1, ``clip`` them first.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.logit(gd.tensor([0.25, 0.5, 0.75])).tolist()]
        [-1.0986, 0.0, 1.0986]
    """
    # each form is exact on its side of 1/4; on the other side it is given 1/2, for which it is 0
    upper = x >= 0.25
    high = np.where(upper, x, 0.5)
    low = np.where(upper, 0.5, x)
    return np.add(np.log1p((2 * high - 1) / (1 - high)), np.log(low / (1 - low)), out)


# W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation 23 (1969) 631-637:
# numerators and denominators, highest power first, of erf(x) / x in x² where |x| <= 0.46875, and of erfc(x) e**x² in x
# above. Cody has a third one above 4; the second serves there too, for erf alone: erfc is below 2e-8 there.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)

_FAR = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)


def _quotient(x: Any, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    """The rational function of x, both polynomials by Horner's rule."""
    values = []
    for row in coefficients:
        value = row[0] * x + row[1]
        for c in row[2:]:
            value *= x
            value += c
        values.append(value)
    return values[0] / values[1]


def _erf_by_cody(out: Any, x: Any) -> Any:
    """The error function of any real numbers, into `out` or, where that is None, into a new array."""
    wanted = np.result_type(x, np.float16) if x.dtype.kind == "f" else np.dtype(np.float64)
    size = np.minimum(np.absolute(np.asarray(x, np.promote_types(wanted, np.float32))), 6)  # erf(6) rounds to 1
    inner = np.minimum(size, 0.46875)
    near = inner * _quotient(inner * inner, _NEAR)
    outer = np.maximum(size, 0.46875)
    far = 1 - np.exp(-outer * outer) * _quotient(outer, _FAR)
    return np.copysign(np.where(size <= 0.46875, near, far).astype(wanted, copy=False), x, out)


# for float32, fitted for the least relative error, lowest power first: erf(x) / x in x² where |x| <= 1, within
# 4e-8, and -log(erfc(x)) in x where 1 <= x <= 4, where erfc keeps but a few of the digits, within 1e-9 of erf
_NEAR_32 = (
    1.1283791224937472,
    -0.37612326186052725,
    0.11280180107591892,
    -0.02671131119421989,
    0.0049175512942448985,
    -0.000563142168917125,
)

_FAR_32 = (
    0.0003415212904315304,
    1.1270891974395671,
    0.638144820283016,
    0.10310676580957741,
    -0.02183806955999245,
    0.0029476597332909736,
    -0.00018637934189001884,
)

_JOIN = np.float32(0.84270078)  # what the first one gives for 1, so that both together give 1 for 4

_SIGN = np.int32(-(2**31))


def _polynomial(x: Any, coefficients: tuple[float, ...], out: Any) -> None:
    """By Horner's rule."""
    np.multiply(x, coefficients[-1], out)
    for c in coefficients[-2:0:-1]:
        out += c
        out *= x
    out += coefficients[0]


def _erf_32(out: Any, x: Any) -> None:
    """The error function of float32 into `out`: what lies beyond 1 is added to the value at 1, without a branch."""
    size = np.absolute(x)
    np.minimum(size, repeated(4, x), out=size)  # erf(4) rounds to 1
    inner = np.minimum(size, repeated(1, x))
    far = np.empty_like(size)
    _polynomial(size, _FAR_32, far)
    np.negative(far, far)
    np.exp(far, far)
    np.subtract(1 - _JOIN, far, far)  # erf(size) - erf(1)
    far *= np.greater(size, 1)
    _polynomial(np.multiply(inner, inner, size), _NEAR_32, out)
    out *= inner
    out += far
    bits = out.view(np.int32)
    np.bitwise_or(bits, np.bitwise_and(x.view(np.int32), _SIGN), bits)


def _erf_back_in_blocks(g: Any, _ans: Any, x: Any) -> Any:
    def work(out: Any, g: Any, x: Any) -> None:
        with np.errstate(over="ignore"):  # e**-inf is 0, as it should be
            np.multiply(x, x, out)
        np.negative(out, out)
        np.exp(out, out)
        out *= 2 / math.sqrt(math.pi)
        out *= g

    return map_blocks(work, g, x) if g.dtype == x.dtype and x.dtype.char in "fd" else NotImplemented


@for_large_arrays(_erf_back_in_blocks)
def _erf_back(g: Any, _ans: Any, x: Any) -> Any:
    near = np.clip(x, -200, 200)  # e**-x² is 0 long before, and a larger float16 has no square
    return g * (2 / math.sqrt(math.pi) * np.exp(-near * near))


@elementwise(_erf_back)
def erf(x: Any, *, out: Any = None) -> Any:
    """The error function, 2 / sqrt(pi) times the integral of e**-t² from 0 to x; d/dx = 2 / sqrt(pi) e**-x².

    Within 3e-16 of the exact value in float64, by the rational approximations of Cody (1969), and within 2e-7 in
    float32, by polynomials; float16 is computed in float32, integers in float64.

    Example:
        >>> import grad_core as gd
        >>> [round(v, 4) for v in gd.erf(gd.tensor([-1000.0, 0.0, 0.5])).tolist()]
        [-1.0, 0.0, 0.5205]
    """
    if out is None and type(x) is np.ndarray and x.dtype.char in "fd" and x.size >= LARGE:
        return map_blocks(_erf_32 if x.dtype == np.float32 else _erf_by_cody, x)
    return _erf_by_cody(out, x)
