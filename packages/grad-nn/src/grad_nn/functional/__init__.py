"""What layers and losses compute, as functions: parameters are arguments.

``relu``, ``sigmoid``, ``tanh``, ``softmax``, ``log_softmax`` and ``flatten`` are grad_core's under a second name.
"""

from grad_core import flatten, log_softmax, relu, sigmoid, softmax, tanh

from ._attention import scaled_dot_product_attention
from ._cross_entropy import cross_entropy
from ._dropout import dropout
from ._linear import linear
from ._mse import mse_loss
from ._normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

__all__ = [
    "batch_norm",
    "cross_entropy",
    "dropout",
    "flatten",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "softmax",
    "tanh",
]
