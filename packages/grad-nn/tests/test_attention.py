"""Attention: masks, blocks, memory, dropout, several heads, and what it says about shapes that do not fit."""

import re
import tracemalloc

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_nn.functional import _attention, _packed_attention
from grad_nn.functional._packed_attention import packed_attention

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def plain(q, k, v, added=0.0):
    """The formula, in NumPy."""
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + added
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True) @ v


LOW = np.where(np.tri(5, 6, dtype=bool), 0, -1e30)
SOME = RNG.random((2, 1, 5, 6)) > 0.5
SOME[..., 2] = True


@pytest.mark.parametrize(
    ("options", "added"),
    [
        ({}, 0.0),
        ({"is_causal": True}, LOW),
        ({"attn_mask": SOME}, np.where(SOME, 0, -1e30)),
        ({"attn_mask": LOW}, LOW),
        ({"attn_mask": np.where(SOME, 0, -np.inf), "is_causal": False}, np.where(SOME, 0, -1e30)),
        ({"attn_mask": np.ones(6, bool)}, 0.0),
    ],
)
def test_masks_and_the_formula(options, added):
    q, k, v = normal(2, 3, 5, 4), normal(2, 3, 6, 4), normal(2, 3, 6, 7)
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v, **options).data, plain(q, k, v, added), 1e-12)


def gradients(function, arrays, upstream, mix):
    """Value, gradients, and gradients of a mixture of them."""
    xs = [gd.tensor(a, requires_grad=True) for a in arrays]
    value = function(*xs)
    first = list(gd.gradients(value, xs, gradient=upstream, create_graph=True).values())
    second = gd.gradients(sum((g * m).sum() for g, m in zip(first, mix, strict=True)), xs)
    eager = list(gd.gradients(function(*xs), xs, gradient=upstream).values())
    return [value, *first, *eager, *second.values()]


MASK = RNG.random((5, 6)) > 0.4
MASK[:, 0] = True
BLOCKED = {
    "plain": ({}, (2, 3)),
    "causal": ({"is_causal": True}, (2, 3)),
    "booleans": ({"attn_mask": MASK}, (2, 3)),
    "causal and booleans": ({"attn_mask": MASK, "is_causal": True}, (2, 3)),
    "floats": ({"attn_mask": normal(2, 1, 5, 6), "scale": 0.3}, (2, 3)),
    "one row": ({"attn_mask": MASK[:1]}, (2, 3)),
    "one column": ({"attn_mask": np.ones((5, 1), bool)}, (2, 3)),
    "grouped": ({"enable_gqa": True}, (2, 6)),
    "grouped with a mask for each head": ({"enable_gqa": True, "attn_mask": normal(2, 6, 5, 6)}, (2, 6)),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_blocks_equal_the_whole(name, monkeypatch):
    options, lead = BLOCKED[name]
    arrays = [normal(*lead, 5, 4), normal(2, 3, 6, 4), normal(2, 3, 6, 7)]
    upstream, mix = normal(*lead, 5, 7), [normal(*a.shape) for a in arrays]

    def attend(*xs):
        return F.scaled_dot_product_attention(*xs, **options)

    whole = gradients(attend, arrays, upstream, mix)
    monkeypatch.setattr(_attention, "_BLOCK", 0)
    monkeypatch.setattr(_attention, "_rows_in_a_block", lambda *_: 2)
    for a, b in zip(whole, gradients(attend, arrays, upstream, mix), strict=True):
        np.testing.assert_allclose(a.numpy() if not a.requires_grad else a.data, b.data, 1e-9, 1e-12)


def test_grouped_heads_are_repeated_heads():
    q, k, v = normal(2, 6, 5, 4), normal(2, 3, 6, 4), normal(2, 3, 6, 7)
    found = F.scaled_dot_product_attention(q, k, v, enable_gqa=True).data
    np.testing.assert_allclose(found, plain(q, np.repeat(k, 2, 1), np.repeat(v, 2, 1)), 1e-12)


@pytest.mark.parametrize("block", [1 << 21, 0])
@pytest.mark.parametrize("kind", ["booleans", "floats"])
def test_rows_that_look_nowhere_give_zeros_and_get_no_gradient(kind, block, monkeypatch):
    monkeypatch.setattr(_attention, "_BLOCK", block)
    mask = np.ones((5, 6), bool)
    mask[1] = False
    mask = mask if kind == "booleans" else np.where(mask, 0.0, -np.inf)
    xs = [gd.tensor(normal(*shape), requires_grad=True) for shape in [(5, 4), (6, 4), (6, 3)]]
    out = F.scaled_dot_product_attention(*xs, mask)
    assert (out.data[1] == 0).all()
    assert (out.data[[0, 2, 3, 4]] != 0).all()
    out.sum().backward()
    assert (xs[0].grad.data[1] == 0).all()
    assert all(np.isfinite(x.grad.data).all() for x in xs)


def test_long_sequences_take_little_memory():
    q, k, v = (gd.tensor(normal(1, 1, 4096, 8).astype("f"), requires_grad=True) for _ in range(3))
    tracemalloc.start()
    try:
        F.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4096 * 4096 * 4 / 3  # a third of the scores alone, of which the plain formula holds several


def test_dropout_in_blocks_draws_the_same_in_the_backward_pass(monkeypatch):
    monkeypatch.setattr(_attention, "_BLOCK", 0)
    monkeypatch.setattr(_attention, "_rows_in_a_block", lambda *_: 3)
    q, k = normal(7, 4), normal(7, 4)
    v = gd.tensor(normal(7, 7), requires_grad=True)
    out = F.scaled_dot_product_attention(q, k, v, None, 0.5, generator=gd.random.Generator(3))
    weights = F.scaled_dot_product_attention(q, k, np.eye(7), None, 0.5, generator=gd.random.Generator(3)).data
    assert 0.2 < (weights == 0).mean() < 0.8
    np.testing.assert_allclose(out.data, weights @ v.data, 1e-9)
    upstream = normal(7, 7)
    out.backward(upstream)
    np.testing.assert_allclose(v.grad.data, weights.T @ upstream, 1e-9)


ERRORS = [
    (((5, 4), (6, 3), (6, 3)), {}, ShapeError, "query and key must have equal features"),
    (((5, 4), (6, 4), (7, 4)), {}, ShapeError, "there must be a value for each key, axis -2"),
    (((4,), (6, 4), (6, 4)), {}, ShapeError, "each needs axes (..., length, features)"),
    (((2, 5, 4), (3, 6, 4), (3, 6, 4)), {}, ShapeError, "pass enable_gqa=True"),
    (((4, 5, 4), (3, 6, 4), (3, 6, 4)), {"enable_gqa": True}, ShapeError, "must be equal and divide those of query"),
    (((5, 4), (6, 4), (6, 4)), {"attn_mask": np.ones((5, 7), bool)}, ShapeError, "does not broadcast to the scores"),
    (((5, 4), (6, 4), (6, 4)), {"attn_mask": np.ones((5, 6), int)}, DTypeError, "mask.astype('bool')"),
    (((5, 4), (6, 4), (6, 4)), {"dropout_p": 2.0}, ValueError, "lies in [0, 1], and 2.0 does not"),
]


@pytest.mark.parametrize(("shapes", "options", "error", "text"), ERRORS)
def test_errors(shapes, options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        F.scaled_dot_product_attention(*[normal(*s) for s in shapes], **options)


def test_integers_are_refused():
    with pytest.raises(DTypeError, match=re.escape("takes floats, and got int64")):
        F.scaled_dot_product_attention(np.ones((2, 2), int), normal(2, 2), normal(2, 2))


@pytest.mark.parametrize("scale", [1, 40, -300])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("shape", [(2, 5, 12), (5, 12), (3, 1, 12), (2, 2, 3, 12)])
def test_packed_attention_is_attention(shape, causal, scale, monkeypatch):
    monkeypatch.setattr(_packed_attention, "_STRETCH", 1)
    joint = normal(*shape) * abs(scale)
    if scale < 0:  # all scores far below 0
        joint = np.abs(joint)
        joint[..., :4] *= -1
    upstream, mix = normal(*shape[:-1], 4), [normal(*shape)]

    def apart(x):
        q, k, v = (part.reshape((*shape[:-1], 2, 2)).swapaxes(-2, -3) for part in gd.split(x, 3, -1))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return out.swapaxes(-2, -3).reshape((*shape[:-1], 4))

    wanted = gradients(apart, [joint], upstream, mix)
    found = gradients(lambda x: packed_attention(x, 2, causal), [joint], upstream, mix)
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_allclose(a.data, b.data, 1e-7, 1e-9)


def test_packed_attention_in_float32_at_the_edge_of_exp():
    joint = np.zeros((1, 3, 6), "f")
    joint[0, :, 0], joint[0, :, 2] = [12, -12, 12], [10, 10, -10]
    joint[0, :, 4:] = normal(3, 2)
    q, k, v = joint[0, :, :2], joint[0, :, 2:4], joint[0, :, 4:]
    np.testing.assert_allclose(packed_attention(gd.tensor(joint), 1, False).data[0], plain(q, k, v), 1e-5)
    joint *= 30
    assert np.isfinite(packed_attention(gd.tensor(joint), 1, True).data).all()


def test_a_nan_stays_visible():
    joint = normal(1, 3, 6)
    joint[0, 0, 0] = np.nan
    assert np.isnan(packed_attention(gd.tensor(joint), 1, True).data[0, 0]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_with_and_without_weights_the_result_is_the_same(causal, batch_first, dtype):
    layer = nn.MultiheadAttention(12, 3, batch_first=batch_first, dtype=dtype)
    x = gd.tensor(normal(2, 5, 12).astype(dtype), requires_grad=True)
    found = []
    for need in (True, False):
        out, weights = layer(x, x, x, need_weights=need, is_causal=causal)
        assert (weights is not None) == need
        assert out.dtype == dtype
        gradient = gd.gradients((out * np.arange(12)).sum().astype(dtype), [x, *layer.parameters()])
        found.append([out, *gradient.values()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.data, b.data, 2e-4 if dtype == "float32" else 1e-10, 1e-4)


def test_samples_whose_keys_are_all_padding_give_the_bias_and_no_nan():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    layer.out_proj.bias.data = np.arange(8, dtype="f")
    x = normal(2, 3, 8).astype("f")
    padding = np.array([[False, False, True], [True, True, True]])
    for need in (True, False):
        out, _ = layer(x, x, x, padding, need_weights=need)
        assert (out.data[1] == np.arange(8)).all()
        assert (out.data[0] != np.arange(8)).any()


def test_dropout_of_weights_in_training_only():
    layer = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True, generator=gd.random.Generator(0))
    x = gd.ones((2, 6, 8))
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert set(np.unique(weights.data.round(4))) == {0.0, np.float32(0.3333)}
    layer.eval()
    _, weights = layer(x, x, x)
    assert np.allclose(weights.data, 1 / 6)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (((3, 4, 8), (3, 4, 8), (4, 8)), {}, ShapeError, "takes three of 3 axes, or for one sample of 2"),
        (((3, 4, 8),) * 3, {"attn_mask": np.ones((4, 5), bool)}, ShapeError, "attn_mask has shape (4, 5)"),
        (((3, 4, 8),) * 3, {"attn_mask": np.ones((4, 4), int)}, DTypeError, "attn_mask is int64: give booleans"),
        (((3, 4, 8),) * 3, {"key_padding_mask": np.ones((4, 3), bool)}, ShapeError, "must have (3, 4)"),
    ],
)
def test_errors_of_the_layer(arguments, options, error, text):
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    with pytest.raises(error, match=re.escape(text)):
        layer(*[normal(*shape).astype("f") for shape in arguments], **options)


def test_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="3 heads cannot share 8 features equally"):
        nn.MultiheadAttention(8, 3)
