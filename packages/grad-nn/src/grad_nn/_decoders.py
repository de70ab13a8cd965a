"""The decoder of a Transformer, and the whole of it, as torch.nn.TransformerDecoder and torch.nn.Transformer."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import init
from ._attention import MultiheadAttention
from ._dropout import Dropout
from ._linear import Linear
from ._module import Module
from ._normalization import LayerNorm
from ._transformer import Activation, TransformerEncoder, TransformerEncoderLayer, activation_of, copies

__all__ = ["Transformer", "TransformerDecoder", "TransformerDecoderLayer"]


class TransformerDecoderLayer(Module):
    """Self-attention, attention to what an encoder made, and a network, each added to what it was computed from.

    y = norm1(x + attention(x, x)), z = norm2(y + attention(y, memory)), and the result is
    norm3(z + linear2(activation(linear1(z)))); with `norm_first` each norm stands before its part instead. Dropout
    follows both attentions, the activation and linear2.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.1).

    Args:
        d_model: the number of features of input, memory and result.
        nhead: heads of both attentions; it divides `d_model`.
        dim_feedforward: features between the two linear layers.
        dropout: the probability of dropping, in the attention weights too.
        activation: "relu", "gelu", or a function of one tensor.
        layer_norm_eps: added to the variance in the norms.
        batch_first: tensors are (N, L, d_model); otherwise (L, N, d_model), as torch's are unless told.
        norm_first: normalise what goes into each part, not what comes out.
        bias: whether linear layers, projections and norms have biases.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        self_attn: the MultiheadAttention of the target.
        multihead_attn: the MultiheadAttention from target to memory.
        linear1: Linear(d_model, dim_feedforward).
        linear2: Linear(dim_feedforward, d_model).
        norm1: LayerNorm(d_model) of the first part; norm2 and norm3 are those of the others.

    Raises:
        ValueError: `nhead` does not divide `d_model`, the activation is unknown, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> layer(gd.ones((5, 3, 8)), gd.ones((5, 7, 8)), tgt_is_causal=True).shape
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
        self.activation = activation_of(activation, "TransformerDecoderLayer")

        def attention() -> MultiheadAttention:
            return MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, generator=generator
            )

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        self.self_attn = attention()
        self.multihead_attn = attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, generator=generator)
        self.norm_first = norm_first
        self.norm1 = norm()
        self.norm2 = norm()
        self.norm3 = norm()
        self.dropout1 = Dropout(dropout, generator=generator)
        self.dropout2 = Dropout(dropout, generator=generator)
        self.dropout3 = Dropout(dropout, generator=generator)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> gd.Tensor:
        """One layer.

        Args:
            tgt: (N, T, d_model) with `batch_first`, (T, N, d_model) without, or (T, d_model) for one sample.
            memory: what the encoder made, the same with S.
            tgt_mask: (T, T) or (N * nhead, T, T): booleans, True for pairs to leave out, or floats to add to scores.
            memory_mask: (T, S) or (N * nhead, T, S), likewise.
            tgt_key_padding_mask: (N, T), or (T,) for one sample: booleans, True for positions that nothing looks at,
                or floats to add.
            memory_key_padding_mask: (N, S), or (S,), likewise.
            tgt_is_causal: position i of the target looks at positions 0 to i of it only; there need be no mask then.
            memory_is_causal: position i of the target looks at positions 0 to i of the memory only.

        Returns:
            The shape of `tgt`.

        Raises:
            ShapeError: the shapes do not fit.
            DTypeError: a mask of integers.
        """
        x, memory = gd.asarray(tgt), gd.asarray(memory)
        own = (tgt_key_padding_mask, False, tgt_mask, True, tgt_is_causal)
        other = (memory_key_padding_mask, False, memory_mask, True, memory_is_causal)
        if self.norm_first:
            y = self.norm1(x)
            x = x + self.dropout1(self.self_attn(y, y, y, *own)[0])
            x = x + self.dropout2(self.multihead_attn(self.norm2(x), memory, memory, *other)[0])
            return x + self._feed(self.norm3(x))  # type: ignore[no-any-return]
        x = self.norm1(x + self.dropout1(self.self_attn(x, x, x, *own)[0]))
        x = self.norm2(x + self.dropout2(self.multihead_attn(x, memory, memory, *other)[0]))
        return self.norm3(x + self._feed(x))  # type: ignore[no-any-return]

    def _feed(self, x: Any) -> gd.Tensor:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))  # type: ignore[no-any-return]


class TransformerDecoder(Module):
    """Decoder layers one after the other.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.1).

    Args:
        decoder_layer: is copied; the copies start from its values, and draw from its Generator where it has one.
        num_layers: how many copies.
        norm: a module that the result goes through, or None.

    Attributes:
        layers: the list of copies.
        norm: the module, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2)
        >>> model(gd.ones((5, 3, 8)), gd.ones((5, 7, 8))).shape
        (5, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> gd.Tensor:
        """All layers, each with the same memory; the arguments are those of ``TransformerDecoderLayer``."""
        x, memory = gd.asarray(tgt), gd.asarray(memory)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.layers:
            x = layer(x, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder, and a decoder that looks at what it made; both with a LayerNorm at the end.

    All matrices start by ``init.xavier_uniform_``. Embeddings, positions and the layer that makes scores of the result
    are not part of it.

    Source: Vaswani et al., "Attention Is All You Need", 2017.

    Args:
        d_model: the number of features.
        nhead: heads of each attention; it divides `d_model`.
        num_encoder_layers: how many layers the encoder has.
        num_decoder_layers: how many the decoder has.
        dim_feedforward: features between the two linear layers of a layer.
        dropout: the probability of dropping.
        activation: "relu", "gelu", or a function of one tensor.
        custom_encoder: a module in place of the encoder, called ``(src, mask, src_key_padding_mask, is_causal)``.
        custom_decoder: a module in place of the decoder, called as ``TransformerDecoder`` is.
        layer_norm_eps: added to the variance in the norms.
        batch_first: tensors are (N, L, d_model); otherwise (L, N, d_model), as torch's are unless told.
        norm_first: normalise what goes into each part of a layer, not what comes out.
        bias: whether linear layers, projections and norms have biases.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        encoder: the TransformerEncoder.
        decoder: the TransformerDecoder.

    Raises:
        ValueError: `nhead` does not divide `d_model`, the activation is unknown, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> model(gd.ones((5, 7, 8)), gd.ones((5, 3, 8)), tgt_is_causal=True).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        sizes = (d_model, nhead, dim_feedforward)
        options: dict[str, Any] = {
            "dropout": dropout,
            "activation": activation,
            "layer_norm_eps": layer_norm_eps,
            "batch_first": batch_first,
            "norm_first": norm_first,
            "bias": bias,
            "dtype": dtype,
            "generator": generator,
        }
        encoder, decoder = custom_encoder, custom_decoder
        if encoder is None:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
            layer: Module = TransformerEncoderLayer(*sizes, **options)
            encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        if decoder is None:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
            layer = TransformerDecoderLayer(*sizes, **options)
            decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.encoder = encoder
        self.decoder = decoder
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter, generator=generator)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> gd.Tensor:
        """Encode the source, and decode the target beside it.

        Args:
            src: (N, S, d_model) with `batch_first`, (S, N, d_model) without, or (S, d_model) for one sample.
            tgt: the same with T.
            src_mask: (S, S) or (N * nhead, S, S): booleans, True for pairs to leave out, or floats to add to scores.
            tgt_mask: (T, T) or (N * nhead, T, T), likewise.
            memory_mask: (T, S) or (N * nhead, T, S), likewise.
            src_key_padding_mask: (N, S), or (S,) for one sample: booleans, True for positions that nothing looks at,
                or floats to add.
            tgt_key_padding_mask: (N, T), or (T,), likewise.
            memory_key_padding_mask: (N, S), or (S,), likewise; usually the same as `src_key_padding_mask`.
            src_is_causal: positions of the source look back only.
            tgt_is_causal: positions of the target look back only; there need be no mask then.
            memory_is_causal: position i of the target looks at positions 0 to i of the memory only.

        Returns:
            The shape of `tgt`.

        Raises:
            ShapeError: the shapes do not fit.
            DTypeError: a mask of integers.
        """
        src, tgt = gd.asarray(src), gd.asarray(tgt)
        axis = 0 if self.batch_first else 1
        fits = src.ndim == tgt.ndim and (src.ndim == 2 or (src.ndim == 3 and src.shape[axis] == tgt.shape[axis]))
        if not fits or {src.shape[-1], tgt.shape[-1]} != {self.d_model}:
            form = "(N, L, E)" if self.batch_first else "(L, N, E), for batch_first is not set"
            raise ShapeError(
                f"Transformer: src {src.shape} and tgt {tgt.shape} must have as many samples as each other and "
                f"E={self.d_model} features: {form}, or (L, E) for one sample"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        padding = (tgt_key_padding_mask, memory_key_padding_mask)
        out: gd.Tensor = self.decoder(tgt, memory, tgt_mask, memory_mask, *padding, tgt_is_causal, memory_is_causal)
        return out

    @staticmethod
    def generate_square_subsequent_mask(sz: int, dtype: Any = None) -> gd.Tensor:
        """The mask (sz, sz) of floats to add that lets each position look back only: -inf above the diagonal, else 0.

        Example:
            >>> import grad_nn as nn
            >>> nn.Transformer.generate_square_subsequent_mask(3)
            tensor([[  0., -inf, -inf],
                    [  0.,   0., -inf],
                    [  0.,   0.,   0.]])
        """
        return gd.tensor(np.triu(np.full((sz, sz), -math.inf), 1), dtype=gd.empty((), dtype=dtype).dtype)
