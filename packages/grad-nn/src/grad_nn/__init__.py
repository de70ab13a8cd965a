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
    RReLU,
    Softshrink,
    Threshold,
)
from ._activation_rows import GLU, LogSoftmax, Softmax, Softmax2d, Softmin
from ._activation_smooth import CELU, ELU, GELU, SELU, LogSigmoid, Mish, SiLU, Softplus, Softsign, Tanhshrink
from ._adaptive_softmax import AdaptiveLogSoftmaxWithLoss
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
from ._cells import GRUCell, LSTMCell, RNNCell
from ._checkpoint import Checkpoint
from ._containers import Residual, Sequential
from ._conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._decoders import Transformer, TransformerDecoder, TransformerDecoderLayer
from ._dicts import ModuleDict, ParameterDict
from ._dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from ._embedding import Bilinear, Embedding
from ._embedding_bag import EmbeddingBag
from ._fractional import FractionalMaxPool2d, FractionalMaxPool3d
from ._grouped_query import GroupedQueryAttention, KVCache
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
from ._loss_labels import MultiLabelMarginLoss, MultiLabelSoftMarginLoss, TripletMarginWithDistanceLoss
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
    UpsamplingBilinear2d,
    UpsamplingNearest2d,
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
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from ._positions import LearnedPositionalEmbedding, RotaryEmbedding, SinusoidalPositionalEncoding
from ._recurrent import GRU, LSTM, RNN
from ._resume import load_checkpoint, save_checkpoint
from ._shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
from ._summary import Summary, summary
from ._transformer import TransformerEncoder, TransformerEncoderLayer
from ._unfold import Fold, Unfold
from ._windows import LocalResponseNorm, LPPool1d, LPPool2d, LPPool3d, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from .io import load, read_metadata, save

__all__ = [
    "CELU",
    "ELU",
    "EMA",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveLogSoftmaxWithLoss",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AddNorm",
    "AlphaDropout",
    "AveragedModel",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "Buffer",
    "CTCLoss",
    "ChannelShuffle",
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
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "GroupedQueryAttention",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "IncompatibleKeys",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "KLDivLoss",
    "KVCache",
    "L1Loss",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositionalEmbedding",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "RMSNorm",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Residual",
    "RotaryEmbedding",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositionalEncoding",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Summary",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "__version__",
    "errors",
    "functional",
    "init",
    "is_parametrized",
    "load",
    "load_checkpoint",
    "named_parameters",
    "parameters",
    "read_metadata",
    "register_parametrization",
    "remove_parametrizations",
    "save",
    "save_checkpoint",
    "spectral_norm",
    "summary",
    "weight_norm",
]

__version__ = "0.2.0.dev0"
