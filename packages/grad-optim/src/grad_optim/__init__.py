"""Optimizers on grad-core, from SGD to L-BFGS, and learning rate schedules: equal to PyTorch's step for step."""

from . import lr_scheduler
from ._adafactor import Adafactor
from ._adagrad import Adadelta, Adagrad
from ._adam import Adam, AdamW
from ._adam_kin import Adamax, NAdam, RAdam
from ._asgd import ASGD
from ._clip import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from ._early_stopping import EarlyStopping
from ._layerwise import LAMB, Muon
from ._lbfgs import LBFGS
from ._lr_range import LRRange, lr_range_test
from ._optimizer import Optimizer
from ._rmsprop import RMSProp, RMSprop
from ._sgd import SGD
from ._sign import Lion, Rprop

__all__ = [
    "ASGD",
    "LAMB",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "EarlyStopping",
    "LRRange",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "RMSprop",
    "Rprop",
    "__version__",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "lr_range_test",
    "lr_scheduler",
]

__version__ = "0.1.1"
