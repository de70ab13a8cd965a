"""How many multiply-adds a call of a layer takes: one rule for each kind of layer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._attention import MultiheadAttention
from ._cells import GRUCell, LSTMCell, RNNCell
from ._conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._embedding import Bilinear
from ._linear import Linear
from ._module import Module
from ._recurrent import GRU, LSTM, RNN

__all__ = ["rule_of"]

Rule = Callable[[tuple[Any, ...], dict[str, Any], Any], int]


def rule_of(module: Module) -> Rule | None:
    """What counts the multiply-adds of a module and all within, given arguments and result; None where nothing does."""
    own = getattr(module, "multiply_adds", None)
    if callable(own):
        return lambda args, kwargs, output: own(args, output, **kwargs)  # type: ignore[no-any-return]  # the user's
    for kinds, rule in _RULES:
        if isinstance(module, kinds):
            return lambda args, kwargs, output: rule(module, args, kwargs, output)
    return None


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()))


def _linear(module: Any, _args: Any, _kwargs: Any, output: Any) -> int:
    return int(output.size * module.in_features)


def _bilinear(module: Any, _args: Any, _kwargs: Any, output: Any) -> int:
    return int(output.size * module.in1_features * module.in2_features)


def _conv(module: Any, _args: Any, _kwargs: Any, output: Any) -> int:
    return int(output.size * (module.weight.size // module.out_channels))


def _conv_transpose(module: Any, args: Any, kwargs: Any, _output: Any) -> int:
    """Each element of the input is multiplied with all weights of its channel."""
    return int(np.size(_first(args, kwargs)) * (module.weight.size // module.in_channels))


def _attention(module: Any, args: Any, kwargs: Any, _output: Any) -> int:
    """Four projections, the scores, and what is summed by them."""
    given = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
    query, key = np.shape(given["query"]), np.shape(given["key"])
    length = -2 if module.batch_first or len(query) == 2 else 0
    batch = 1 if len(query) == 2 else query[0 if module.batch_first else 1]
    queries, keys = query[length], key[length]
    size = module.embed_dim
    projections = size * (2 * queries * size + keys * (module.kdim + module.vdim))
    seen = keys + (module.bias_k is not None) + module.add_zero_attn
    return int(batch * (projections + 2 * queries * seen * size))


def _recurrent(module: Any, args: Any, kwargs: Any, _output: Any) -> int:
    """Each matrix multiplies once for every step of every sequence."""
    x = _first(args, kwargs)
    steps = int(np.prod(np.shape(x)[:-1]))
    return steps * sum(int(p.size) for p in module.parameters() if p.ndim == 2)


_RULES: list[tuple[tuple[type, ...], Callable[[Any, Any, Any, Any], int]]] = [
    ((Linear,), _linear),
    ((Bilinear,), _bilinear),
    ((ConvTranspose1d, ConvTranspose2d, ConvTranspose3d), _conv_transpose),
    ((Conv1d, Conv2d, Conv3d), _conv),
    ((MultiheadAttention,), _attention),
    ((RNN, LSTM, GRU, RNNCell, LSTMCell, GRUCell), _recurrent),
]
