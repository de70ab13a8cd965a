"""What layers and losses compute, as functions: parameters are arguments.

``relu``, ``sigmoid``, ``tanh``, ``softmax``, ``log_softmax`` and ``flatten`` are grad_core's under a second name.
"""

from grad_core import flatten, log_softmax, relu, sigmoid, softmax, tanh

from ._cross_entropy import cross_entropy
from ._dropout import dropout
from ._linear import linear
from ._mse import mse_loss

__all__ = [
    "cross_entropy",
    "dropout",
    "flatten",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]
