"""What layers and losses compute, as functions: parameters are arguments.

``relu``, ``sigmoid``, ``tanh``, ``silu`` and ``flatten`` are grad_core's under a second name.
"""

from grad_core import flatten, relu, sigmoid, silu, tanh

from ._attention import scaled_dot_product_attention
from ._cross_entropy import cross_entropy
from ._dropout import dropout
from ._linear import linear
from ._mse import mse_loss
from ._normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
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
from ._rotary import rotary
from ._smooth import celu, elu, gelu, logsigmoid, mish, selu, softplus, softsign, tanhshrink
from ._softmax import glu, log_softmax, softmax, softmin

__all__ = [
    "batch_norm",
    "celu",
    "cross_entropy",
    "dropout",
    "elu",
    "flatten",
    "gelu",
    "glu",
    "group_norm",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mish",
    "mse_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "rotary",
    "scaled_dot_product_attention",
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
