"""Activations without kinks, or with one at 0 where two smooth halves meet: each is one operation on each element."""

import math
from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import elementwise, select

__all__ = ["celu", "elu", "gelu", "logsigmoid", "mish", "selu", "softplus", "softsign", "tanhshrink"]

_HALF = np.dtype(np.float16)
_PIECE = 1 << 16  # elements: a few buffers of this size stay in the cache
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _in_pieces(function: Callable[[Any], Any], x: Any) -> Any:
    """`function` of each element of `x`, in pieces that stay in the cache; of float16 in float32."""
    if x.dtype.kind != "f":
        x = np.asarray(x, np.float64)
    if x.dtype == _HALF:
        return np.asarray(_in_pieces(function, x.astype(np.float32))).astype(_HALF)
    if x.size <= _PIECE:
        return function(x)
    flat = x.reshape(-1)  # a copy only where the memory has another order
    out = np.empty(x.shape, x.dtype)
    into = out.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        into[start : start + _PIECE] = function(flat[start : start + _PIECE])
    return out


# The Gaussian error linear unit. At 40 the density is 0 in every dtype, and at 10 the tanh is 1: nothing is gained by
# going further, and squares of larger numbers overflow

_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_TANH = math.sqrt(2 / math.pi)
_CUBE = 0.044715


def _gelu_forward(x: Any) -> Any:
    out = gd.erf.forward(x * _ROOT_HALF)
    out += 1
    out *= x
    out *= 0.5
    return out


def _gelu_slope_forward(x: Any) -> Any:
    near = np.clip(x, -40, 40)
    density = np.exp(-0.5 * near * near)
    density *= _DENSITY
    density *= near
    density += 0.5 * (1 + gd.erf.forward(x * _ROOT_HALF))
    return density


def _gelu_curvature(g: Any, _ans: Any, x: Any) -> Any:
    near = np.clip(x, -40, 40)
    square = near * near
    return g * (_DENSITY * np.exp(-0.5 * square) * (2 - square))


@elementwise(_gelu_curvature, name="gelu")
def _gelu_slope(x: Any) -> Any:
    """d/dx: the normal distribution's function plus x times its density."""
    return _in_pieces(_gelu_slope_forward, x)


@elementwise(lambda g, _ans, x: g * _gelu_slope.on(x), name="gelu")
def _gelu(x: Any) -> Any:
    return _in_pieces(_gelu_forward, x)


def _inner(x: Any) -> Any:
    """What the tanh is taken of, for numbers no further than 10 from 0."""
    out = x * x
    out *= _TANH * _CUBE
    out += _TANH
    out *= x
    return out


def _gelu_tanh_forward(x: Any) -> Any:
    out = np.tanh(_inner(np.clip(x, -10, 10)))
    out += 1
    out *= x
    out *= 0.5
    return out


def _gelu_tanh_slope_forward(x: Any) -> Any:
    near = np.clip(x, -10, 10)
    t = np.tanh(_inner(near))
    steep = near * near
    steep *= 3 * _CUBE * _TANH
    steep += _TANH
    steep *= near
    return 0.5 * (1 + t) * (1 + (1 - t) * steep)


def _gelu_tanh_curvature(g: Any, _ans: Any, x: Any) -> Any:
    near = np.clip(x, -10, 10)
    square = near * near
    t = np.tanh(near * (_TANH + _TANH * _CUBE * square))
    steep = _TANH + 3 * _CUBE * _TANH * square
    return g * (1 - t * t) * (steep + near * (3 * _CUBE * _TANH * near - t * steep * steep))


@elementwise(_gelu_tanh_curvature, name="gelu")
def _gelu_tanh_slope(x: Any) -> Any:
    return _in_pieces(_gelu_tanh_slope_forward, x)


@elementwise(lambda g, _ans, x: g * _gelu_tanh_slope.on(x), name="gelu")
def _gelu_tanh(x: Any) -> Any:
    return _in_pieces(_gelu_tanh_forward, x)


def gelu(x: Any, *, approximate: str = "none") -> gd.Tensor:
    """The Gaussian error linear unit x Φ(x), where Φ is the distribution function of the normal distribution.

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).

    Args:
        x: any shape of floats.
        approximate: "none" for Φ(x) = (1 + erf(x / sqrt(2))) / 2, or "tanh" for
            (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2, which GPT-2 uses, within 5e-4 of it.

    Raises:
        ValueError: another `approximate`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [round(v, 4) for v in F.gelu(gd.tensor([-1000.0, -1.0, 0.0, 1.0, 1000.0])).tolist()]
        [-0.0, -0.1587, 0.0, 0.8413, 1000.0]
    """
    return _gelu(x) if check_approximate(approximate, "gelu") == "none" else _gelu_tanh(x)


def check_approximate(approximate: str, name: str) -> str:
    """`approximate`, if it is one."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"{name}: unknown approximate {approximate!r}: give 'none' or 'tanh'")
    return approximate


# Exponentials below 0


def _elu_by_x(g: Any, _ans: Any, x: Any, alpha: float, scale: float, slope: float) -> Any:
    below = g * (scale * alpha * slope * np.exp(np.where(x < 0, x, 0) * slope))
    return select.on(x > 0, g) * scale + select.on(x <= 0, below)


@elementwise(_elu_by_x, name="elu")
def _elu(x: Any, *, alpha: float, scale: float, slope: float) -> Any:
    """Scale times x above 0 and alpha (e**(slope x) - 1) below."""
    out = np.expm1(np.minimum(x, 0) * slope)
    out *= alpha
    out += np.maximum(x, 0)
    out *= scale
    return out


def elu(x: Any, alpha: float = 1.0) -> gd.Tensor:
    """X where x > 0, and alpha (e**x - 1) elsewhere; the derivative at 0 is alpha.

    Source: Clevert, Unterthiner, Hochreiter, Fast and accurate deep network learning by ELUs (2015).

    Args:
        x: any shape of floats.
        alpha: -alpha is the limit for very negative x.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.elu(gd.tensor([-1000.0, 0.0, 2.0]), 0.5)
        tensor([-0.5,  0. ,  2. ])
    """
    return _elu(x, alpha=alpha, scale=1.0, slope=1.0)


def selu(x: Any) -> gd.Tensor:
    """1.0507 times elu(x) with alpha = 1.6733, for which signals keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer, Unterthiner, Mayr, Hochreiter, Self-normalizing neural networks (2017).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [round(v, 4) for v in F.selu(gd.tensor([-1000.0, 0.0, 1.0])).tolist()]
        [-1.7581, 0.0, 1.0507]
    """
    return _elu(x, alpha=_SELU_ALPHA, scale=_SELU_SCALE, slope=1.0)


def celu(x: Any, alpha: float = 1.0) -> gd.Tensor:
    """X where x > 0, and alpha (e**(x / alpha) - 1) elsewhere: an elu whose derivative is continuous for every alpha.

    Source: Barron, Continuously differentiable exponential linear units (2017).

    Args:
        x: any shape of floats.
        alpha: -alpha is the limit for very negative x; not 0.

    Raises:
        ValueError: `alpha` is 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.celu(gd.tensor([-1000.0, 0.0, 2.0]), 0.5)
        tensor([-0.5,  0. ,  2. ])
    """
    if alpha == 0:
        raise ValueError("celu: x is divided by alpha, so it cannot be 0; for alpha = 0 the limit is relu")
    return _elu(x, alpha=alpha, scale=1.0, slope=1 / alpha)


# The logistic family


def _softplus_by_x(g: Any, _ans: Any, x: Any, beta: float, threshold: float) -> Any:
    scaled = x * beta
    return select.on(scaled > threshold, g) + select.on(scaled <= threshold, g * gd.sigmoid.on(scaled))


@elementwise(_softplus_by_x, name="softplus")
def _softplus(x: Any, *, beta: float, threshold: float) -> Any:
    scaled = x * beta
    return np.where(scaled > threshold, x, gd.softplus.forward(scaled) / beta)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> gd.Tensor:
    """log(1 + e**(beta x)) / beta, a smooth relu; x itself where beta x > threshold, within e**-threshold / beta of it.

    Args:
        x: any shape of floats.
        beta: the larger, the sharper the bend at 0; not 0.
        threshold: where the line begins; ``float("inf")`` for nowhere, for nothing overflows either way.

    Raises:
        ValueError: `beta` is 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [round(v, 4) for v in F.softplus(gd.tensor([-1000.0, 0.0, 1000.0])).tolist()]
        [0.0, 0.6931, 1000.0]
    """
    if beta == 0:
        raise ValueError("softplus: the logarithm is divided by beta, so it cannot be 0")
    return _softplus(x, beta=beta, threshold=threshold)


@elementwise(lambda g, _ans, x: g * gd.sigmoid.on(-x), name="logsigmoid")
def logsigmoid(x: Any) -> Any:
    """log(sigmoid(x)) = -log(1 + e**-x), exact where sigmoid itself would round to 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [round(v, 4) for v in F.logsigmoid(gd.tensor([-1000.0, 0.0])).tolist()]
        [-1000.0, -0.6931]
    """
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


def _tanh_softplus_forward(x: Any) -> Any:
    raised = np.exp(np.minimum(x, 25))  # beyond, the quotient rounds to 1
    raised *= raised + 2
    return raised / (raised + 2)


@elementwise(lambda g, ans, x: g * (1 - ans * ans) * gd.sigmoid.on(x), name="mish")
def _tanh_softplus(x: Any) -> Any:
    """tanh(log(1 + e**x)), by one exponential."""
    return _in_pieces(_tanh_softplus_forward, x)


def _mish_by_x(g: Any, _ans: Any, x: Any) -> Any:
    t = _tanh_softplus.on(x)
    return g * (t + x * (1 - t * t) * gd.sigmoid.on(x))


@elementwise(_mish_by_x, name="mish")
def mish(x: Any) -> Any:
    """X tanh(log(1 + e**x)).

    Source: Misra, Mish: a self regularized non-monotonic activation function (2019).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> [round(v, 4) for v in F.mish(gd.tensor([-1000.0, 0.0, 1.0, 1000.0])).tolist()]
        [-0.0, 0.0, 0.8651, 1000.0]
    """
    return x * _tanh_softplus.forward(x)


def _softsign_by_x(g: Any, _ans: Any, x: Any) -> Any:
    share = 1 / (1 + np.absolute(x))  # squared below, where its own square could overflow
    return g * share * share


@elementwise(_softsign_by_x, name="softsign")
def softsign(x: Any) -> Any:
    """X / (1 + abs(x)), in (-1, 1).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.softsign(gd.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.5 ,  0.  ,  0.75])
    """
    return x / (1 + np.absolute(x))


@elementwise(lambda g, _ans, x: g * np.tanh(x) ** 2, name="tanhshrink")
def tanhshrink(x: Any) -> Any:
    """X - tanh(x).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.tanhshrink(gd.tensor([-1000.0, 0.0, 1000.0]))
        tensor([-999.,    0.,  999.])
    """
    return x - np.tanh(x)
