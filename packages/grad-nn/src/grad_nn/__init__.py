"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

from . import errors, functional, init, parametrize
from ._activation import Flatten, ReLU, Sigmoid, Tanh
from ._activation_piecewise import (
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU6,
    Softshrink,
    Threshold,
)
from ._activation_rows import GLU, LogSoftmax, Softmax, Softmin
from ._activation_smooth import CELU, ELU, GELU, SELU, LogSigmoid, Mish, SiLU, Softplus, Softsign, Tanhshrink
from ._attention import MultiheadAttention
from ._checkpoint import load_checkpoint, save_checkpoint
from ._cells import GRUCell, LSTMCell, RNNCell
from ._batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from ._checkpoint import load_checkpoint, save_checkpoint
from ._collections import ModuleDict, ModuleList, ParameterDict, ParameterList
from ._containers import Residual, Sequential
from ._cells import GRUCell, LSTMCell, RNNCell
from ._containers import Sequential
from ._conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._averaging import AveragedModel
from ._containers import Residual, Sequential
from ._conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._dicts import ModuleDict, ParameterDict
from ._dropout import Dropout
from ._embedding import Bilinear, Embedding
from ._linear import Linear
from ._lists import ModuleList, ParameterList
from ._loss import CrossEntropyLoss, MSELoss
from ._loss_distance import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    PairwiseDistance,
    TripletMarginLoss,
)
from ._loss_probability import BCELoss, BCEWithLogitsLoss, CTCLoss, KLDivLoss, MultiMarginLoss, NLLLoss, SoftMarginLoss
from ._loss_regression import GaussianNLLLoss, HuberLoss, L1Loss, PoissonNLLLoss, SmoothL1Loss
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
from ._recompute import checkpoint
from ._shapes import Identity, Lambda, Unflatten
from ._summary import Summary, summary
from .io import load, read_metadata, save
from ._recurrent import GRU, LSTM, RNN
from .io import load, save

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "MLP",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AddNorm",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Bilinear",
    "CTCLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Buffer",
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
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "Fold",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "IncompatibleKeys",
    "KLDivLoss",
    "L1Loss",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LSTMCell",
    "Lambda",
    "LSTMCell",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Mish",
    "Module",
    "MultiMarginLoss",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "PoissonNLLLoss",
    "ParameterDict",
    "ParameterList",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Summary",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
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
    "load",
    "named_parameters",
    "parameters",
    "load_checkpoint",
    "read_metadata",
    "save",
    "save_checkpoint",
    "AveragedModel",
    "Identity",
    "Lambda",
    "MLP",
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "Residual",
    "Summary",
    "Unflatten",
    "checkpoint",
    "parametrize",
    "summary",
]

__version__ = "0.1.0"
