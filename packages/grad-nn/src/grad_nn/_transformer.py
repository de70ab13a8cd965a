"""The encoder of a Transformer: layers of self-attention and a small network, as torch.nn.TransformerEncoder."""

import copy
from collections.abc import Callable
from typing import Any

import grad_core as gd
from grad_core.random import Generator

from . import functional
from ._attention import MultiheadAttention
from ._dropout import Dropout
from ._linear import Linear
from ._module import Module
from ._normalization import LayerNorm

__all__ = ["TransformerEncoder", "TransformerEncoderLayer", "activation_of", "copies"]

Activation = str | Callable[[Any], Any]


def activation_of(activation: Activation, name: str) -> Callable[[Any], Any]:
    """The function that is meant."""
    if activation == "relu":
        return functional.relu
    if activation == "gelu":
        return functional.gelu
    if callable(activation):
        return activation
    raise ValueError(f"{name}: unknown activation {activation!r}: give 'relu', 'gelu', or a function of one tensor")


def copies(layer: Module, count: int) -> list[Any]:
    """Deep copies of a layer: parameters of their own with the same values, and the Generators of the original."""
    if count < 0:
        raise ValueError(f"a number of layers cannot be {count}")
    # copied Generators would drop the same places in every layer
    shared = [value for module in layer.modules() for value in vars(module).values() if isinstance(value, Generator)]
    return [copy.deepcopy(layer, {id(generator): generator for generator in shared}) for _ in range(count)]


class TransformerEncoderLayer(Module):
    """Self-attention and a network of two linear layers, each added to what it was computed from.

    y = norm1(x + attention(x)), and the result is norm2(y + linear2(activation(linear1(y)))); with `norm_first` it is
    y = x + attention(norm1(x)) and y + linear2(activation(linear1(norm2(y)))). Dropout follows the attention, the
    activation and linear2.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.1); the norms first: Xiong et al., "On Layer
    Normalization in the Transformer Architecture", 2020.

    Args:
        d_model: the number of features of input and result.
        nhead: heads of the attention; it divides `d_model`.
        dim_feedforward: features between the two linear layers.
        dropout: the probability of dropping, in the attention weights too.
        activation: "relu", "gelu", or a function of one tensor.
        layer_norm_eps: added to the variance in the norms.
        batch_first: input and result are (N, L, d_model); otherwise (L, N, d_model), as torch's are unless told.
        norm_first: normalise what goes into attention and network, not what comes out.
        bias: whether linear layers, projections and norms have biases.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        self_attn: the MultiheadAttention.
        linear1: Linear(d_model, dim_feedforward).
        linear2: Linear(dim_feedforward, d_model).
        norm1: LayerNorm(d_model), that of the attention.
        norm2: LayerNorm(d_model), that of the network.

    Raises:
        ValueError: `nhead` does not divide `d_model`, the activation is unknown, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
        >>> layer(gd.ones((5, 3, 8)), is_causal=True).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.activation = activation_of(activation, "TransformerEncoderLayer")
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, generator=generator
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, generator=generator)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout, generator=generator)
        self.dropout2 = Dropout(dropout, generator=generator)

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> gd.Tensor:
        """One layer.

        Args:
            src: (N, S, d_model) with `batch_first`, (S, N, d_model) without, or (S, d_model) for one sample.
            src_mask: (S, S) or (N * nhead, S, S): booleans, True for pairs to leave out, or floats to add to scores.
            src_key_padding_mask: (N, S), or (S,) for one sample: booleans, True for positions that nothing looks at, or
                floats to add.
            is_causal: position i looks at positions 0 to i only; there need be no mask then.

        Returns:
            The shape of `src`.

        Raises:
            ShapeError: the shapes do not fit.
            DTypeError: a mask of integers.
        """
        x = gd.asarray(src)
        masks = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._attend(self.norm1(x), *masks)
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + self._attend(x, *masks))
        return self.norm2(x + self._feed(x))  # type: ignore[no-any-return]

    def _attend(self, x: Any, mask: Any, padding: Any, is_causal: bool) -> gd.Tensor:
        out, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return self.dropout1(out)  # type: ignore[no-any-return]

    def _feed(self, x: Any) -> gd.Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))  # type: ignore[no-any-return]


class TransformerEncoder(Module):
    """Encoder layers one after the other.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.1).

    Args:
        encoder_layer: is copied; the copies start from its values, and draw from its Generator where it has one.
        num_layers: how many copies.
        norm: a module that the result goes through, or None.
        enable_nested_tensor: torch's name for a shortcut of its own; nothing here depends on it.
        mask_check: likewise.

    Attributes:
        layers: the list of copies.
        norm: the module, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> model = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))
        >>> model(gd.ones((5, 3, 8))).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> gd.Tensor:
        """All layers; the arguments are those of ``TransformerEncoderLayer``, and `mask` its `src_mask`."""
        x = gd.asarray(src)
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, bool(is_causal))
        return x if self.norm is None else self.norm(x)
