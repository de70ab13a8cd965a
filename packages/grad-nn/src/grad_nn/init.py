"""First values for parameters, named as in torch.nn.init: each function fills a tensor in place and returns it.

Fans are those of weights (out, in, ...): fan_in is `in` times the size of the rest, fan_out is `out` times that.
"""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from ._filling import checked, fill, source
from ._init_structured import dirac_, eye_, orthogonal_, sparse_

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity wants the weights before it enlarged, so that signals keep their size.

    1 for linear, conv1d (2d, 3d, transposed) and sigmoid, 5/3 for tanh, sqrt(2) for relu, 3/4 for selu, and
    sqrt(2 / (1 + param²)) for leaky_relu.

    Args:
        nonlinearity: one of these names.
        param: the slope of leaky_relu for negative numbers; 0.01 where not given.

    Raises:
        ValueError: another name.

    Example:
        >>> import grad_nn as nn
        >>> nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"unknown nonlinearity {nonlinearity!r}: give one of {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


def uniform_(tensor: gd.Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> gd.Tensor:
    """Fill with numbers spread evenly over [a, b).

    Raises:
        ValueError: `a` is above `b`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.uniform_(gd.empty((2, 3)), -1, 1, generator=gd.random.Generator(0))
        >>> bool((abs(w) <= 1).all())
        True
    """
    drawn = source(generator).uniform(checked(tensor, "uniform_").shape, a, b, dtype=tensor.dtype)
    return fill(tensor, drawn.data)


def normal_(tensor: gd.Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> gd.Tensor:
    """Fill with numbers from the normal distribution.

    Raises:
        ValueError: `std` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.normal_(gd.empty(2), mean=5.0, std=0.0)
        tensor([5., 5.])
    """
    drawn = source(generator).normal(checked(tensor, "normal_").shape, mean, std, dtype=tensor.dtype)
    return fill(tensor, drawn.data)


def trunc_normal_(
    tensor: gd.Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> gd.Tensor:
    """Fill with numbers from the normal distribution that lie in [a, b]: what falls outside is drawn again.

    Args:
        tensor: any shape.
        mean: of the normal distribution that is cut.
        std: its standard deviation, above 0.
        a: the lower end.
        b: the upper end, above it.
        generator: draws the numbers; the default Generator where not given.

    Raises:
        ValueError: `std` is not positive, or nothing lies between `a` and `b`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.trunc_normal_(gd.empty(1000), std=0.02, a=-0.04, b=0.04, generator=gd.random.Generator(0))
        >>> bool((abs(w) <= 0.04).all())
        True
    """
    if not std > 0:
        raise ValueError(f"trunc_normal_: std={std} must be above 0")
    if not a < b:
        raise ValueError(f"trunc_normal_: nothing lies between a={a} and b={b}: b must be above a")
    shape = checked(tensor, "trunc_normal_").shape
    low, high = (a - mean) / std, (b - mean) / std
    drawn = _normal_between(math.prod(shape), low, high, source(generator))
    return fill(tensor, np.clip(drawn * std + mean, a, b).reshape(shape))


def _normal_between(count: int, low: float, high: float, source: Generator) -> np.ndarray[Any, Any]:
    """Standard normal numbers between two ends, in float64, drawn by rejection (Robert 1995).

    What is proposed keeps the chance of rejection below about 3 in 4 wherever the ends lie: normal numbers where the
    middle lies between far ends, even ones between near ends, and exponential ones in a tail.
    """
    if high < 0 or (low < 0 and -low > high):  # the mirror image, so that more lies above 0
        return -_normal_between(count, -high, -low, source)
    found = np.empty(count)
    left = np.arange(count)
    while left.size:
        n = (left.size,)
        if low > 0 and high - low > 1 / low:
            x = low - np.log1p(-source.uniform(n, dtype="float64").data) / low
            keep = source.uniform(n, dtype="float64").data <= np.exp(-0.5 * (x - low) ** 2)
        elif low > 0 or high - low < 2:
            x = source.uniform(n, low, high, dtype="float64").data
            keep = source.uniform(n, dtype="float64").data <= np.exp(0.5 * (max(low, 0.0) ** 2 - x * x))
        else:
            x = source.normal(n, dtype="float64").data
            keep = np.True_
        keep = keep & (x >= low) & (x <= high)
        found[left[keep]] = x[keep]
        left = left[~keep]
    return found


def constant_(tensor: gd.Tensor, val: float) -> gd.Tensor:
    """Fill with one number.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.constant_(gd.empty(2), 0.5)
        tensor([0.5, 0.5])
    """
    return fill(checked(tensor, "constant_"), val)


def zeros_(tensor: gd.Tensor) -> gd.Tensor:
    """Fill with zeros.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.zeros_(gd.empty(2))
        tensor([0., 0.])
    """
    return fill(checked(tensor, "zeros_"), 0)


def ones_(tensor: gd.Tensor) -> gd.Tensor:
    """Fill with ones.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.ones_(gd.empty(2))
        tensor([1., 1.])
    """
    return fill(checked(tensor, "ones_"), 1)


def xavier_uniform_(tensor: gd.Tensor, gain: float = 1.0, generator: Generator | None = None) -> gd.Tensor:
    """Fill with numbers spread evenly over ±gain * sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.xavier_uniform_(gd.empty((2, 4)), generator=gd.random.Generator(0))
        >>> bool((abs(w) <= 1).all())
        True
    """
    fan_in, fan_out = _fans(tensor, "xavier_uniform_")
    bound = gain * math.sqrt(6 / max(fan_in + fan_out, 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: gd.Tensor, gain: float = 1.0, generator: Generator | None = None) -> gd.Tensor:
    """Fill from the normal distribution with standard deviation gain * sqrt(2 / (fan_in + fan_out)).

    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.xavier_normal_(gd.empty((1, 3)), gain=0.0)
        tensor([[0., 0., 0.]])
    """
    fan_in, fan_out = _fans(tensor, "xavier_normal_")
    return normal_(tensor, 0.0, gain * math.sqrt(2 / max(fan_in + fan_out, 1)), generator)


def kaiming_uniform_(
    tensor: gd.Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> gd.Tensor:
    """Fill with numbers spread evenly over ±gain * sqrt(3 / fan), where gain is ``calculate_gain(nonlinearity, a)``.

    He et al. 2015, "Delving deep into rectifiers".

    Args:
        tensor: at least two axes, (out, in, ...).
        a: the slope of leaky_relu for negative numbers; other nonlinearities do not use it.
        mode: "fan_in" keeps the size of signals on the way forward, "fan_out" that of gradients on the way back.
        nonlinearity: what follows the layer.
        generator: draws the numbers; the default Generator where not given.

    Raises:
        ShapeError: fewer than two axes.
        ValueError: an unknown mode or nonlinearity.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.kaiming_uniform_(gd.empty((2, 6)), generator=gd.random.Generator(0))
        >>> bool((abs(w) <= 1).all())
        True
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_uniform_")
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: gd.Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> gd.Tensor:
    """Fill from the normal distribution with standard deviation gain / sqrt(fan), gain as in ``kaiming_uniform_``.

    He et al. 2015, "Delving deep into rectifiers".

    Args:
        tensor: at least two axes, (out, in, ...).
        a: the slope of leaky_relu for negative numbers; other nonlinearities do not use it.
        mode: "fan_in" keeps the size of signals on the way forward, "fan_out" that of gradients on the way back.
        nonlinearity: what follows the layer.
        generator: draws the numbers; the default Generator where not given.

    Raises:
        ShapeError: fewer than two axes.
        ValueError: an unknown mode or nonlinearity.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.kaiming_normal_(gd.empty((64, 32)), mode="fan_out", nonlinearity="relu").shape
        (64, 32)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_normal_"), generator)


def _kaiming_std(tensor: gd.Tensor, a: float, mode: str, nonlinearity: str, name: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor, name), strict=True))
    if mode not in fans:
        raise ValueError(f"{name}: unknown mode {mode!r}: give 'fan_in' or 'fan_out'")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fans[mode], 1))  # a fan of 0 leaves nothing to fill


def _fans(tensor: gd.Tensor, name: str) -> tuple[int, int]:
    shape = checked(tensor, name).shape
    if len(shape) < 2:
        raise ShapeError(
            f"{name}: shape {shape} has no fan in and fan out, which take two axes, (out, in, ...): "
            "use uniform_, normal_ or zeros_ for a bias"
        )
    rest = math.prod(shape[2:])
    return shape[1] * rest, shape[0] * rest
