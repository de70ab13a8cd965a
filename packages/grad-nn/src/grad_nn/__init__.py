"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

from . import errors, functional, init
from ._activation import Flatten, ReLU, Sigmoid, Tanh
from ._cells import GRUCell, LSTMCell, RNNCell
from ._containers import Sequential
from ._dropout import Dropout
from ._linear import Linear
from ._loss import CrossEntropyLoss, MSELoss
from ._module import IncompatibleKeys, Module
from ._parameter import Parameter
from ._recurrent import GRU, LSTM, RNN
from .io import load, save

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GRUCell",
    "IncompatibleKeys",
    "LSTMCell",
    "Linear",
    "MSELoss",
    "Module",
    "Parameter",
    "RNNCell",
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
