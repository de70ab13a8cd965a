"""Generation with a cache, grouped heads, and GPT-2."""

import re

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_nn.errors import StateDictError
from grad_nn.models import GPT2, GPT2Config, gpt2_state_dict

RNG = np.random.default_rng(0)
CONFIG = GPT2Config(vocab_size=11, context=10, width=12, layers=2, heads=3)


def normal(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize("pieces", [[1] * 6, [3, 1, 2], [6], [2, 4]])
@pytest.mark.parametrize("rotary", [None, nn.RotaryEmbedding(4), nn.RotaryEmbedding(2, interleaved=True)])
@pytest.mark.parametrize("shared", [4, 2, 1])
def test_steps_with_a_cache_equal_the_whole(shared, rotary, pieces):
    layer = nn.GroupedQueryAttention(16, 4, shared, True, rotary=rotary, dtype="float64")
    x, cache = normal(2, 6, 16), nn.KVCache(8)
    ends = np.cumsum(pieces)
    found = [layer(x[:, end - n : end], cache=cache) for n, end in zip(pieces, ends, strict=True)]
    assert not any(part.requires_grad for part in found)
    np.testing.assert_allclose(np.concatenate([p.data for p in found], 1), layer(x).data, 1e-9, 1e-12)
    assert cache.length == 6
    assert repr(cache) == "KVCache(6 of 8 positions)"


def test_shared_heads_are_repeated_heads():
    few, many = nn.GroupedQueryAttention(8, 4, 2, dtype="float64"), nn.GroupedQueryAttention(8, 4, dtype="float64")
    state = few.state_dict()
    for name in ("k_proj.weight", "v_proj.weight"):
        state[name] = np.repeat(state[name].reshape(2, 2, 8), 2, 0).reshape(8, 8)
    many.load_state_dict(state)
    x = normal(3, 5, 8)
    np.testing.assert_allclose(few(x).data, many(x).data, 1e-10)
    assert few.k_proj.weight.shape == (4, 8)


@pytest.mark.parametrize("kind", ["b", "f"])
def test_a_mask_beside_the_cache(kind):
    layer = nn.GroupedQueryAttention(8, 2, dtype="float64")
    x, seen = normal(5, 8), np.ones((5, 5), bool)
    seen[:, 1] = False
    seen[1, 1] = True

    def given(rows, columns):
        part = seen[rows, :columns]
        return part if kind == "b" else np.where(part, 0.0, -np.inf)

    cache = nn.KVCache(5)
    first, second = layer(x[:3], given(slice(3), 3), cache=cache), layer(x[3:], given(slice(3, 5), 5), cache=cache)
    whole = layer(x, given(slice(5), 5)).data
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole, 1e-9)
    assert not np.allclose(whole, layer(x).data)


def test_without_a_cache_there_is_a_gradient():
    layer = nn.GroupedQueryAttention(8, 4, 2, rotary=nn.RotaryEmbedding(2))
    layer(gd.ones((2, 3, 8))).sum().backward()
    assert all(np.isfinite(p.grad.data).all() for p in layer.parameters())
    assert (layer(gd.ones((3, 8)), is_causal=False).data != 0).all()


def test_a_cache_keeps_its_memory():
    cache = nn.KVCache(4)
    keys, _ = cache.append(normal(2, 1, 3), normal(2, 1, 5))
    again, values = cache.append(normal(2, 2, 3), normal(2, 2, 5))
    assert np.shares_memory(keys.data, again.data)
    assert values.shape == (2, 3, 5)
    cache.reset()
    assert cache.length == 0
    assert np.shares_memory(cache.append(normal(2, 1, 3), normal(2, 1, 5))[0].data, again.data)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.KVCache(0), ValueError, "capacity is a number of positions, and 0 is none"),
        (lambda: nn.KVCache(2).append(normal(3, 4), normal(3, 4)), ShapeError, "has room for 2 positions, holds 0"),
        (lambda: nn.KVCache(2).append(normal(2, 4), normal(1, 4)), ShapeError, "must be of the same positions"),
        (lambda: nn.GroupedQueryAttention(8, 3), ValueError, "3 heads cannot share 8 features equally"),
        (lambda: nn.GroupedQueryAttention(8, 4, 3), ValueError, "4 heads of queries cannot share 3 heads of keys"),
        (
            lambda: nn.GroupedQueryAttention(8, 4)(normal(2, 7)),
            ShapeError,
            "x has shape (2, 7), and must be (..., L, 8)",
        ),
        (lambda: GPT2Config(width=10, heads=3), ValueError, "3 heads cannot share 10 features equally"),
        (lambda: GPT2Config(layers=0), ValueError, "layers must be positive, and 0 is not"),
        (lambda: GPT2(CONFIG)([[0.5]]), DTypeError, "tokens are integers, and these are float"),
        (lambda: GPT2(CONFIG)([[11]]), IndexError, "token 11 is out of range: there are 0 to 10"),
        (lambda: GPT2(CONFIG)([[-1]]), IndexError, "token -1 is out of range"),
        (lambda: GPT2(CONFIG)([[[1]]]), ShapeError, "tokens are (N, L), or (L,) for one sequence"),
        (lambda: GPT2(CONFIG)([[1] * 11]), ShapeError, "11 positions, and the model has 10"),
        (lambda: GPT2(CONFIG).generate([1], -1), ValueError, "count=-1"),
        (lambda: GPT2(CONFIG).generate([1], 1, top_k=0), ValueError, "top_k=0"),
        (lambda: GPT2(CONFIG).generate(np.ones((1, 0), int), 1), ShapeError, "a token to begin with"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call()


def test_another_batch_needs_another_cache():
    cache = nn.KVCache(4)
    cache.append(normal(2, 1, 3), normal(2, 1, 3))
    with pytest.raises(ShapeError, match=re.escape("it was begun with shape (2, 'n', 3), and this is (1, 1, 3)")):
        cache.append(normal(1, 1, 3), normal(1, 1, 3))
    assert cache.length == 1


def test_published_names_of_gpt2():
    names = list(GPT2(CONFIG).state_dict())
    block = ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"]
    wanted = ["wte.weight", "wpe.weight"]
    wanted += [f"h.{i}.{part}.{kind}" for i in range(2) for part in block for kind in ("weight", "bias")]
    assert names == [*wanted, "ln_f.weight", "ln_f.bias"]
    shapes = {name: array.shape for name, array in GPT2(CONFIG).state_dict().items()}
    assert shapes["h.0.attn.c_attn.weight"] == (12, 36)
    assert shapes["h.1.mlp.c_fc.weight"] == (12, 48)
    assert shapes["h.1.mlp.c_proj.weight"] == (48, 12)


def test_published_weights_with_all_that_stands_beside_them():
    model, other = GPT2(CONFIG), GPT2(CONFIG)
    published = {f"transformer.{name}": array for name, array in model.state_dict().items()}
    published["transformer.h.0.attn.bias"] = np.tril(np.ones((1, 1, 10, 10)))
    published["transformer.h.0.attn.masked_bias"] = np.array(-1e4)
    published["lm_head.weight"] = published["transformer.wte.weight"].copy()
    other.load_state_dict(gpt2_state_dict(published))
    assert (other.h[1].mlp.c_fc.weight.data == model.h[1].mlp.c_fc.weight.data).all()
    published["lm_head.weight"] += 1
    with pytest.raises(StateDictError, match=r"lm_head\.weight differs from wte\.weight"):
        gpt2_state_dict(published)


def test_gpt2_with_a_cache_equals_the_whole():
    model = GPT2(CONFIG, dtype="float64").eval()
    ids = RNG.integers(0, 11, (2, 8))
    cache = model.new_cache()
    found = [model(part, cache=cache).data for part in (ids[:, :3], ids[:, 3:4], ids[:, 4:])]
    np.testing.assert_allclose(np.concatenate(found, 1), model(ids).data, 1e-9, 1e-12)
    np.testing.assert_allclose(model(ids[0]).data, model(ids).data[0], 1e-9)


def test_dropout_of_gpt2():
    model = GPT2(CONFIG, generator=gd.random.Generator(0))
    ids = RNG.integers(0, 11, (2, 8))
    assert (model(ids).data != model(ids).data).any()
    model.eval()
    assert (model(ids).data == model(ids).data).all()


def test_greedy_generation_takes_the_likeliest():
    model = GPT2(CONFIG, dtype="float64")
    for p in model.parameters():
        p.data += normal(*p.shape) * 0.3
    out = model.generate([[1, 2], [3, 4]], 6, temperature=0).data
    assert model.training
    assert all(module.training for module in model.modules())
    assert out[:, :2].tolist() == [[1, 2], [3, 4]]
    model.eval()
    for end in range(2, 8):
        assert (out[:, end] == model(out[:, :end]).data[:, -1].argmax(1)).all()
    assert (model.generate([1, 2], 6, temperature=0).data == out[0]).all()
    assert (model.generate([[1, 2]], 6, temperature=3.0, top_k=1).data == out[:1]).all()
    model.generate([1], 1)
    assert not model.training


def test_drawing():
    model = GPT2(CONFIG, dtype="float64").eval()
    start = np.ones((4000, 1), int)
    p = np.exp(model([[1]]).data[0, 0] * 20)
    drawn = model.generate(start, 1, temperature=0.05, generator=gd.random.Generator(0)).data[:, 1]
    assert np.allclose(np.bincount(drawn, minlength=11) / 4000, p / p.sum(), atol=0.03)
    few = model.generate(start, 1, top_k=3, generator=gd.random.Generator(0)).data[:, 1]
    assert set(few) == set(np.argsort(p)[-3:])
    a, b = (model.generate([1], 5, generator=gd.random.Generator(1)).tolist() for _ in range(2))
    assert a == b


def test_generation_goes_on_beyond_the_context():
    model = GPT2(CONFIG, dtype="float64")
    for p in model.parameters():
        p.data += normal(*p.shape) * 0.3
    out = model.generate([1, 2], 20, temperature=0).data
    assert out.shape == (22,)
    model.eval()
    assert out[10] == model(out[:10]).data[-1].argmax()  # all ten positions
    assert out[11] == model(out[6:11]).data[-1].argmax()  # the last five, from the beginning
    assert model.generate(np.ones((2, 3), int), 0).shape == (2, 3)


def test_gpt2_learns():
    model = GPT2(GPT2Config(vocab_size=5, context=8, width=16, layers=1, heads=2, dropout=0.0))
    ids = np.tile(np.arange(5), 2)[:8]
    losses = []
    for _ in range(60):
        loss = nn.CrossEntropyLoss()(model(ids[:-1]), ids[1:])
        loss.backward()
        for p in model.parameters():
            p.data -= 0.3 * p.grad.data
        model.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert model.generate([0], 7, temperature=0).tolist() == ids.tolist()
