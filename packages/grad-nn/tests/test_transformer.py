"""Transformers: masks, copies of layers, dropout, order of state dicts, positions, and errors."""

import math
import re

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def test_names_in_the_order_of_torch():
    assert list(nn.TransformerEncoderLayer(4, 2, 8).state_dict()) == [
        "self_attn.in_proj_weight",
        "self_attn.in_proj_bias",
        "self_attn.out_proj.weight",
        "self_attn.out_proj.bias",
        "linear1.weight",
        "linear1.bias",
        "linear2.weight",
        "linear2.bias",
        "norm1.weight",
        "norm1.bias",
        "norm2.weight",
        "norm2.bias",
    ]
    names = list(nn.Transformer(4, 2, 1, 1, 8, bias=False).state_dict())
    assert names == [
        "encoder.layers.0.self_attn.in_proj_weight",
        "encoder.layers.0.self_attn.out_proj.weight",
        "encoder.layers.0.linear1.weight",
        "encoder.layers.0.linear2.weight",
        "encoder.layers.0.norm1.weight",
        "encoder.layers.0.norm2.weight",
        "encoder.norm.weight",
        "decoder.layers.0.self_attn.in_proj_weight",
        "decoder.layers.0.self_attn.out_proj.weight",
        "decoder.layers.0.multihead_attn.in_proj_weight",
        "decoder.layers.0.multihead_attn.out_proj.weight",
        "decoder.layers.0.linear1.weight",
        "decoder.layers.0.linear2.weight",
        "decoder.layers.0.norm1.weight",
        "decoder.layers.0.norm2.weight",
        "decoder.layers.0.norm3.weight",
        "decoder.norm.weight",
    ]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("norm_first", [True, False])
def test_look_ahead_masks_in_all_their_forms(norm_first, batch_first):
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", batch_first=batch_first, norm_first=norm_first)
    model = nn.TransformerEncoder(layer.to("float64"), 2)
    x = normal(3, 5, 8) if batch_first else normal(5, 3, 8)
    wanted = model(x, is_causal=True).data
    later = np.triu(np.ones((5, 5), bool), 1)
    for mask in (later, nn.Transformer.generate_square_subsequent_mask(5), np.stack([later] * 6)):
        np.testing.assert_allclose(model(x, mask).data, wanted, 1e-9, 1e-12)
    changed = x.copy()
    changed[(slice(None), 4) if batch_first else 4] += 1
    earlier = (slice(None), slice(4)) if batch_first else slice(4)
    np.testing.assert_allclose(model(changed, later).data[earlier], wanted[earlier], 1e-9, 1e-12)
    assert (model(changed).data[earlier] != model(x).data[earlier]).any()


def test_what_is_padding_does_not_matter():
    model = nn.Transformer(8, 2, 1, 1, 12, 0.0, batch_first=True, dtype="float64")
    source, target = normal(2, 5, 8), normal(2, 4, 8)
    padding = np.array([[False] * 5, [False] * 3 + [True] * 2])
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding, "tgt_is_causal": True}
    wanted = model(source, target, **masks).data
    source[1, 3:] = 77.0
    np.testing.assert_allclose(model(source, target, **masks).data, wanted, 1e-9)
    alone = model(source[1, :3], target[1], tgt_is_causal=True).data  # one sample, without N
    np.testing.assert_allclose(alone, wanted[1], 1e-9)


def test_copies_are_independent_and_share_the_generator():
    generator = gd.random.Generator(0)
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.5, generator=generator)
    model = nn.TransformerEncoder(layer, 3)
    parameters = list(model.parameters())
    assert len(parameters) == 3 * 12
    assert len({id(p) for p in parameters} | {id(p) for p in layer.parameters()}) == 4 * 12
    first, second, _ = model.layers
    assert (first.linear1.weight.data == second.linear1.weight.data).all()
    first.linear1.weight.data += 1
    assert (first.linear1.weight.data != second.linear1.weight.data).all()
    assert first.dropout.generator is second.dropout1.generator is second.self_attn.generator is generator
    x = gd.ones((64, 1, 8))
    assert (first.dropout(x).data != second.dropout(x).data).any()


@pytest.mark.parametrize("make", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
def test_dropout_in_training_only_and_repeatable(make):
    def run(mode):
        layer = make(8, 2, 12, 0.5, batch_first=True, generator=gd.random.Generator(5)).train(mode)
        x = gd.ones((2, 4, 8))
        return (layer(x) if make is nn.TransformerEncoderLayer else layer(x, x)).data

    assert (run(True) == run(True)).all()
    assert (run(True) != run(False)).any()


def test_first_values():
    model = nn.Transformer(64, 2, 1, 1, 100, generator=gd.random.Generator(0))
    weight = model.encoder.layers[0].linear1.weight.data
    assert np.abs(weight).max() == pytest.approx(math.sqrt(6 / 164), rel=0.01)
    assert (model.decoder.norm.weight.data == 1).all()


def test_custom_parts_and_activations():
    class Twice(nn.Module):
        def forward(self, x, *_):
            return x * 2

    class Second(nn.Module):
        def forward(self, _target, memory, *_):
            return memory

    model = nn.Transformer(4, 2, custom_encoder=Twice(), custom_decoder=Second(), batch_first=True)
    assert model(gd.ones((1, 2, 4)), gd.ones((1, 3, 4))).tolist() == [[[2.0] * 4] * 2]
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, activation=lambda x: x * 0)
    assert layer(gd.ones((1, 3, 4))).shape == (1, 3, 4)


def test_derivatives_of_a_decoder_layer():
    layer = nn.TransformerDecoderLayer(4, 2, 6, 0.0, "gelu", batch_first=True, norm_first=True, dtype="float64")
    check_grads(lambda x, m: layer(x, m, tgt_is_causal=True), (normal(2, 3, 4), normal(2, 2, 4)), order=2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.TransformerEncoderLayer(4, 2, activation="swish"),
            ValueError,
            "give 'relu', 'gelu', or a function",
        ),
        (lambda: nn.TransformerDecoderLayer(4, 3), ValueError, "3 heads cannot share 4 features equally"),
        (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 4), -1), ValueError, "cannot be -1"),
        (
            lambda: nn.Transformer(4, 2, 1, 1, 4)(normal(3, 2, 4), normal(3, 5, 4)),
            ShapeError,
            "must have as many samples as each other and E=4 features: (L, N, E), for batch_first is not set",
        ),
        (lambda: nn.Transformer(4, 2, 1, 1, 4)(normal(3, 2, 5), normal(3, 2, 5)), ShapeError, "E=4 features"),
        (lambda: nn.SinusoidalPositionalEncoding(3), ValueError, "their number is even and not 0, and 3 is not"),
        (lambda: nn.SinusoidalPositionalEncoding(4, 5)(normal(6, 4)), ShapeError, "knows 0 to 4: make it longer"),
        (lambda: nn.SinusoidalPositionalEncoding(4)(normal(6, 5)), ShapeError, "must be (..., length, 4)"),
        (lambda: nn.LearnedPositionalEmbedding(4, 5)(normal(2, 4), 4), ShapeError, "positions 4 to 5"),
        (lambda: nn.LearnedPositionalEmbedding(4, 5)(normal(2, 4), -1), ShapeError, "positions -1 to 0"),
        (lambda: nn.RotaryEmbedding(5), ValueError, "5 is not"),
        (lambda: nn.RotaryEmbedding(4, 0.0), ValueError, "base is a positive number"),
        (lambda: nn.RotaryEmbedding(6)(normal(2, 4)), ShapeError, "at least 6 features"),
        (lambda: F.rotary(normal(2, 4), -1), ValueError, "offset is the position of the first"),
        (lambda: F.rotary(np.ones((2, 4), int)), DTypeError, "takes floats, and x is int64"),
        (lambda: F.rotary(normal(2, 4), positions=[1, 2, 3]), ShapeError, "integers that broadcast to (2,)"),
        (lambda: F.rotary(normal(2, 4), positions=[1.0, 2.0]), ShapeError, "these are float64"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call()


def test_sinusoidal_positions_are_the_formula():
    layer = nn.SinusoidalPositionalEncoding(6, 20)
    found = layer(np.zeros((2, 5, 6)), offset=3).data
    for p in range(5):
        for i in range(3):
            angle = (p + 3) / 10000 ** (2 * i / 6)
            assert found[1, p, 2 * i] == pytest.approx(math.sin(angle))
            assert found[1, p, 2 * i + 1] == pytest.approx(math.cos(angle))
    assert layer(np.zeros((5, 6), "f")).dtype == np.float32
    assert list(layer.state_dict()) == []


def test_learned_positions_learn_those_that_occur():
    layer = nn.LearnedPositionalEmbedding(3, 6, dtype="float64")
    x = normal(2, 4, 3)
    (layer(x, 1) * 2).sum().backward()
    assert layer.weight.grad.data.tolist() == [[0.0] * 3] + [[4.0] * 3] * 4 + [[0.0] * 3]
    np.testing.assert_allclose(layer(x, 1).data, x + layer.weight.data[1:5])


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("dim", [None, 4])
def test_rotary_is_the_formula(dim, interleaved):
    x = normal(2, 3, 5, 6)
    found = F.rotary(x, 2, dim=dim, base=100.0, interleaved=interleaved).data
    turned, wanted = dim or 6, x.copy()
    for p in range(5):
        for i in range(turned // 2):
            angle = (p + 2) * 100.0 ** (-2 * i / turned)
            a, b = (2 * i, 2 * i + 1) if interleaved else (i, i + turned // 2)
            wanted[:, :, p, a] = x[:, :, p, a] * math.cos(angle) - x[:, :, p, b] * math.sin(angle)
            wanted[:, :, p, b] = x[:, :, p, a] * math.sin(angle) + x[:, :, p, b] * math.cos(angle)
    np.testing.assert_allclose(found, wanted, 1e-12, 1e-14)
    positions = np.arange(2, 7)
    again = F.rotary(x, positions=gd.tensor(positions), dim=dim, base=100.0, interleaved=interleaved).data
    np.testing.assert_allclose(again, found)
    check_grads(lambda x: F.rotary(x, 2, dim=dim, interleaved=interleaved), (x[0],), order=2)


@pytest.mark.parametrize("interleaved", [True, False])
def test_scores_of_rotated_do_not_change_with_a_shift(interleaved):
    turn = nn.RotaryEmbedding(8, interleaved=interleaved)
    q, k = normal(5, 8), normal(5, 8)
    near = turn(q).data @ turn(k).data.T
    far = turn(q, 40).data @ turn(k, 40).data.T
    np.testing.assert_allclose(near, far, 1e-9, 1e-12)
    assert not np.allclose(near, turn(q, 1).data @ turn(k).data.T)
    each = turn(np.stack([q, q]), positions=[[0, 1, 2, 3, 4], [40, 41, 42, 43, 44]]).data
    np.testing.assert_allclose(each, np.stack([turn(q).data, turn(q, 40).data]))
