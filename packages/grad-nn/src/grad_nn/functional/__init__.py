"""What layers and losses compute, as functions: parameters are arguments.

``relu``, ``sigmoid``, ``tanh``, ``silu`` and ``flatten`` are grad_core's under a second name.
"""

from grad_core import flatten, relu, sigmoid, silu, tanh

from ._cross_entropy import cross_entropy
from ._dropout import dropout
from ._linear import linear
from ._mse import mse_loss
from ._piecewise import (
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    prelu,
    relu6,
    softshrink,
    threshold,
)  # fmt: skip
from ._smooth import celu, elu, gelu, logsigmoid, mish, selu, softplus, softsign, tanhshrink
from ._softmax import glu, log_softmax, softmax, softmin

__all__ = [
    "celu",
    "cross_entropy",
    "dropout",
    "elu",
    "flatten",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mish",
    "mse_loss",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]
