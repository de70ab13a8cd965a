"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

from . import errors, functional, init
from ._activation import Flatten, ReLU, Sigmoid, Tanh
from ._attention import MultiheadAttention
from ._average import EMA, AveragedModel
from ._batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from ._checkpoint import Checkpoint
from ._containers import Residual, Sequential
from ._conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._dicts import ModuleDict, ParameterDict
from ._dropout import Dropout
from ._linear import Linear
from ._lists import ModuleList, ParameterList
from ._loss import CrossEntropyLoss, MSELoss
from ._members import named_parameters, parameters
from ._mlp import MLP
from ._module import IncompatibleKeys, Module
from ._normalization import AddNorm, GroupNorm, LayerNorm, RMSNorm
from ._pad import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    Upsample,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from ._parameter import Buffer, Parameter
from ._parametrize import (
    is_parametrized,
    register_parametrization,
    remove_parametrizations,
    spectral_norm,
    weight_norm,
)
from ._plain import Identity, Lambda, Unflatten
from ._pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    Fold,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Unfold,
)
from .io import load, save

__all__ = [
    "EMA",
    "MLP",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AddNorm",
    "AveragedModel",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Buffer",
    "Checkpoint",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Fold",
    "GroupNorm",
    "Identity",
    "IncompatibleKeys",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "Lambda",
    "LayerNorm",
    "Linear",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "RMSNorm",
    "ReLU",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "Unflatten",
    "Unfold",
    "Upsample",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "__version__",
    "errors",
    "functional",
    "init",
    "is_parametrized",
    "load",
    "named_parameters",
    "parameters",
    "register_parametrization",
    "remove_parametrizations",
    "save",
    "spectral_norm",
    "weight_norm",
]

__version__ = "0.1.0"
