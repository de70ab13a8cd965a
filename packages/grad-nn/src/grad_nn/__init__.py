"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

from . import errors, functional, init
from ._activation import Flatten, ReLU, Sigmoid, Tanh
from ._attention import MultiheadAttention
from ._containers import Sequential
from ._dropout import Dropout
from ._linear import Linear
from ._loss import CrossEntropyLoss, MSELoss
from ._module import IncompatibleKeys, Module
from ._normalization import AddNorm, GroupNorm, LayerNorm, RMSNorm
from ._parameter import Parameter
from .io import load, save

__all__ = [
    "AddNorm",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "IncompatibleKeys",
    "LayerNorm",
    "Linear",
    "MSELoss",
    "Module",
    "MultiheadAttention",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "__version__",
    "errors",
    "functional",
    "init",
    "load",
    "save",
]

__version__ = "0.1.0"
