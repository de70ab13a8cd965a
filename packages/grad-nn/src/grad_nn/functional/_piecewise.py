"""Activations of straight pieces. At a kink the derivative is PyTorch's, which each one names."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.extend import elementwise, select

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "prelu",
    "relu6",
    "softshrink",
    "threshold",
]


def _leaky_by_x(g: Any, _ans: Any, x: Any, slope: Any) -> Any:
    return select.on(x > 0, g) + select.on(x <= 0, g) * slope


def _leaky_by_slope(g: Any, _ans: Any, x: Any, _slope: Any) -> Any:
    return g * select.on(x < 0, x)


@elementwise(_leaky_by_x, _leaky_by_slope, name="leaky_relu")
def _leaky(x: Any, slope: Any) -> Any:
    out = np.minimum(x, 0) * slope  # no branch for each element, which costs most of all
    return out + np.maximum(x, 0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> gd.Tensor:
    """X where x > 0, and negative_slope x elsewhere; the derivative at 0 is the slope.

    Source: Maas, Hannun, Ng, Rectifier nonlinearities improve neural network acoustic models (2013).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.leaky_relu(gd.tensor([-2.0, 0.0, 2.0]), 0.5)
        tensor([-1.,  0.,  2.])
    """
    return _leaky(x, negative_slope)


def prelu(x: Any, weight: Any) -> gd.Tensor:
    """X where x > 0, and weight x elsewhere, with slopes that are trained.

    Source: He, Zhang, Ren, Sun, Delving deep into rectifiers (2015).

    Args:
        x: any shape of floats; axis 1 counts channels.
        weight: one slope, shape (1,), or one for each channel, shape (C,).

    Raises:
        ShapeError: `weight` has another shape.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.prelu(gd.tensor([[-2.0, -2.0], [1.0, 0.0]]), gd.tensor([0.5, 0.25]))
        tensor([[-1. , -0.5],
                [ 1. ,  0. ]])
    """
    x, weight = gd.asarray(x), gd.asarray(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise ShapeError(
            f"prelu: weight has shape {weight.shape}, and must have shape (1,), or ({channels},) for the {channels} "
            f"channels of x, of shape {x.shape}"
        )
    if weight.size == 1:
        return _leaky(x, weight.reshape(()))
    return _leaky(x, weight.reshape((channels, *(1,) * (x.ndim - 2))))


def _hardtanh_by_x(g: Any, _ans: Any, x: Any, low: float, high: float) -> Any:
    return select.on((x > low) & (x < high), g)


@elementwise(_hardtanh_by_x, name="hardtanh")
def _hardtanh(x: Any, *, low: float, high: float) -> Any:
    return np.minimum(np.maximum(x, low), high)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> gd.Tensor:
    """Each element moved into [min_val, max_val]; the derivative is 0 at both ends, unlike that of ``gd.clip``.

    Raises:
        ValueError: `min_val` is above `max_val`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.hardtanh(gd.tensor([-2.0, 0.5, 2.0]))
        tensor([-1. ,  0.5,  1. ])
    """
    check_ends(min_val, max_val, "hardtanh")
    return _hardtanh(x, low=min_val, high=max_val)


def check_ends(min_val: float, max_val: float, name: str) -> None:
    """Raise ValueError where nothing lies between."""
    if min_val > max_val:
        raise ValueError(f"{name}: min_val={min_val} is above max_val={max_val}: exchange them")


def relu6(x: Any) -> gd.Tensor:
    """min(max(x, 0), 6); the derivative is 0 at both ends.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.relu6(gd.tensor([-1.0, 2.0, 8.0]))
        tensor([0., 2., 6.])
    """
    return _hardtanh(x, low=0.0, high=6.0)


@elementwise(lambda g, _ans, x: select.on((x > -3) & (x < 3), g) / 6, name="hardsigmoid")
def hardsigmoid(x: Any) -> Any:
    """min(max(x + 3, 0), 6) / 6: a sigmoid of straight lines; the derivative is 0 at both ends.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.hardsigmoid(gd.tensor([-4.0, 0.0, 4.0]))
        tensor([0. , 0.5, 1. ])
    """
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


def _hardswish_by_x(g: Any, _ans: Any, x: Any) -> Any:
    within = (x > -3) & (x < 3)
    return select.on(x >= 3, g) + g * select.on(within, x / 3 + 0.5)


@elementwise(_hardswish_by_x, name="hardswish")
def hardswish(x: Any) -> Any:
    """X min(max(x + 3, 0), 6) / 6: a silu of straight lines; the derivative is 0 at -3 and 1 at 3.

    Source: Howard et al., Searching for MobileNetV3 (2019).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.hardswish(gd.tensor([-4.0, -3.0, 0.0, 3.0, 4.0]))
        tensor([-0., -0.,  0.,  3.,  4.])
    """
    return x * (np.minimum(np.maximum(x + 3, 0), 6) / 6)


def _shrink_by_x(g: Any, _ans: Any, x: Any, lambd: float) -> Any:
    return select.on((x < -lambd) | (x > lambd), g)


@elementwise(_shrink_by_x, name="softshrink")
def _softshrink(x: Any, *, lambd: float) -> Any:
    return x - np.minimum(np.maximum(x, -lambd), lambd)


@elementwise(_shrink_by_x, name="hardshrink")
def _hardshrink(x: Any, *, lambd: float) -> Any:
    return select.forward(np.absolute(x) > lambd, x)


def softshrink(x: Any, lambd: float = 0.5) -> gd.Tensor:
    """X moved towards 0 by lambd, and 0 where it lies within; the derivative is 0 at -lambd and lambd.

    Raises:
        ValueError: `lambd` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.softshrink(gd.tensor([-2.0, 0.25, 2.0]))
        tensor([-1.5,  0. ,  1.5])
    """
    check_lambd(lambd, "softshrink")
    return _softshrink(x, lambd=lambd)


def hardshrink(x: Any, lambd: float = 0.5) -> gd.Tensor:
    """X where abs(x) > lambd, and 0 elsewhere; the derivative is 0 at -lambd and lambd.

    Raises:
        ValueError: `lambd` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.hardshrink(gd.tensor([-2.0, 0.25, 2.0]))
        tensor([-2.,  0.,  2.])
    """
    check_lambd(lambd, "hardshrink")
    return _hardshrink(x, lambd=lambd)


def check_lambd(lambd: float, name: str) -> float:
    """`lambd`, if it is not negative."""
    if lambd < 0:
        raise ValueError(f"{name}: what lies within lambd of 0 becomes 0, so lambd={lambd} must not be negative")
    return lambd


@elementwise(lambda g, _ans, x, limit, value: select.on(x > limit, g), name="threshold")
def _threshold(x: Any, *, limit: float, value: float) -> Any:
    return np.where(x > limit, x, x.dtype.type(value))


def threshold(x: Any, threshold: float, value: float) -> gd.Tensor:
    """X where it is greater than `threshold`, and `value` elsewhere; the derivative at the threshold is 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.threshold(gd.tensor([0.5, 1.0, 1.5]), 1.0, -1.0)
        tensor([-1. , -1. ,  1.5])
    """
    return _threshold(x, limit=threshold, value=value)
