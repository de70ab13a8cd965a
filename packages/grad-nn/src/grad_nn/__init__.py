"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

from . import errors, functional, init
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
from ._containers import Sequential
from ._decoders import Transformer, TransformerDecoder, TransformerDecoderLayer
from ._dropout import Dropout
from ._grouped_query import GroupedQueryAttention, KVCache
from ._linear import Linear
from ._loss import CrossEntropyLoss, MSELoss
from ._module import IncompatibleKeys, Module
from ._normalization import AddNorm, GroupNorm, LayerNorm, RMSNorm
from ._parameter import Parameter
from ._positions import LearnedPositionalEmbedding, RotaryEmbedding, SinusoidalPositionalEncoding
from ._transformer import TransformerEncoder, TransformerEncoderLayer
from .io import load, save

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "AddNorm",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "GroupedQueryAttention",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "IncompatibleKeys",
    "KVCache",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositionalEmbedding",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Mish",
    "Module",
    "MultiheadAttention",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "RotaryEmbedding",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositionalEncoding",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "__version__",
    "errors",
    "functional",
    "init",
    "load",
    "save",
]

__version__ = "0.1.0"
