"""Optimizers on grad-core: SGD, RMSProp, Adam, equal to PyTorch's step for step."""

from ._adam import Adam
from ._optimizer import Optimizer
from ._rmsprop import RMSProp, RMSprop
from ._sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "RMSProp", "RMSprop", "__version__"]

__version__ = "0.1.0"
