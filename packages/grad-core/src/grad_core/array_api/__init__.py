"""The functions of the array API standard, for tensors: what ``x.__array_namespace__()`` gives.

A module of its own, because ``grad_core`` itself has NumPy's habits where the two differ, and because names such as
``bool``, ``e`` and ``linalg`` should not stand among its functions. Most names are those of ``grad_core``, the same
objects; the others take the standard's arguments. Gradients flow as everywhere.

There are no complex tensors, so the extension ``fft`` is left out; ``complex64`` and ``complex128`` are there to be
compared with, by libraries that ask whether an array is complex.

Source: Python array API standard, 2024.12, https://data-apis.org/array-api/2024.12/.

Example:
    >>> import grad_core as gd
    >>> xp = gd.ones(2).__array_namespace__()
    >>> xp.concat([gd.ones(2), xp.asarray([xp.pi, xp.inf])], axis=0).shape
    (4,)
"""

from __future__ import annotations

import math
import sys

import numpy as np

from grad_core import _exchange, linalg
from grad_core.creation import from_dlpack
from grad_core.ops.arithmetic import (
    abs,
    add,
    divide,
    floor,
    floor_divide,
    multiply,
    negative,
    positive,
    pow,
    reciprocal,
    remainder,
    sign,
    sqrt,
    square,
    subtract,
)
from grad_core.ops.arrange import broadcast_arrays, flip, repeat, roll, tile
from grad_core.ops.exponentials import exp, expm1, log, log1p, log2, log10, logaddexp
from grad_core.ops.find import isin, nonzero
from grad_core.ops.grids import meshgrid
from grad_core.ops.linalg import matmul
from grad_core.ops.logic import (
    bitwise_and,
    bitwise_invert,
    bitwise_or,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from grad_core.ops.norms import count_nonzero
from grad_core.ops.pick import take, take_along_axis
from grad_core.ops.pieces import unstack
from grad_core.ops.piecewise import clip, maximum, minimum, where
from grad_core.ops.products import tensordot, vecdot
from grad_core.ops.reduce import all, any, argmax, argmin, max, min, sum
from grad_core.ops.rounding import (
    bitwise_left_shift,
    bitwise_right_shift,
    ceil,
    copysign,
    nextafter,
    round,
    signbit,
    trunc,
)
from grad_core.ops.scan import cumulative_prod, cumulative_sum, diff, prod
from grad_core.ops.shape import (
    broadcast_to,
    concat,
    expand_dims,
    matrix_transpose,
    moveaxis,
    permute_dims,
    squeeze,
    stack,
)
from grad_core.ops.sort import argsort, searchsorted, sort, unique_all, unique_counts, unique_inverse, unique_values
from grad_core.ops.triangle import tril, triu
from grad_core.ops.trigonometry import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    hypot,
    sin,
    sinh,
    tan,
    tanh,
)

from ._creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from ._dtypes import Info, can_cast, finfo, iinfo, isdtype, result_type
from ._functions import astype, broadcast_shapes, conj, imag, mean, real, reshape, std, var

__array_api_version__ = _exchange.VERSIONS[-1]
__array_namespace_info__ = Info

e = math.e
inf = math.inf
nan = math.nan
newaxis = None
pi = math.pi

bool = np.dtype("bool")
complex64 = np.dtype("complex64")
complex128 = np.dtype("complex128")
float32 = np.dtype("float32")
float64 = np.dtype("float64")
int8 = np.dtype("int8")
int16 = np.dtype("int16")
int32 = np.dtype("int32")
int64 = np.dtype("int64")
uint8 = np.dtype("uint8")
uint16 = np.dtype("uint16")
uint32 = np.dtype("uint32")
uint64 = np.dtype("uint64")

__all__ = [
    "__array_api_version__",
    "__array_namespace_info__",
    "abs",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "can_cast",
    "ceil",
    "clip",
    "complex64",
    "complex128",
    "concat",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "divide",
    "e",
    "empty",
    "empty_like",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "finfo",
    "flip",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_dlpack",
    "full",
    "full_like",
    "greater",
    "greater_equal",
    "hypot",
    "iinfo",
    "imag",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "negative",
    "newaxis",
    "nextafter",
    "nonzero",
    "not_equal",
    "ones",
    "ones_like",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "prod",
    "real",
    "reciprocal",
    "remainder",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "searchsorted",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sort",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "tril",
    "triu",
    "trunc",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "var",
    "vecdot",
    "where",
    "zeros",
    "zeros_like",
]

_exchange.namespace = sys.modules[__name__]
