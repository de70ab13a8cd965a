"""``vmap(grad(loss))`` over models of grad-nn: a gradient for each sample, without a loop over the samples."""

from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.transforms import batch

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """An op without a rule for batches fails instead of being looped over."""

    def fail(op: Any, *_: Any) -> None:
        raise AssertionError(f"{op} was looped over")

    monkeypatch.setattr(batch, "_loop", fail)


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape)


def mlp(p: Any, x: Any, target: Any) -> Any:
    hidden = F.relu(F.linear(x, p["w1"], p["b1"]))
    return F.cross_entropy(F.linear(hidden, p["w2"]), target)


def regression(p: Any, x: Any, target: Any) -> Any:
    return F.mse_loss(F.tanh(F.linear(x, p["w1"], p["b1"])), gd.tanh(target * p["b1"]))


def attention(p: Any, x: Any, target: Any) -> Any:
    q, k, v = (F.linear(x, p[name]).reshape(4, 2, 3).swapaxes(0, 1) for name in "qkv")
    weights = F.softmax(q @ k.mT / np.sqrt(3) + np.triu(np.full((4, 4), -1e9), 1))
    heads = (weights @ v).swapaxes(0, 1).reshape(4, 6)
    mean = heads.mean(-1, keepdims=True)
    normed = (heads - mean) / ((heads - mean) ** 2).mean(-1, keepdims=True).sqrt()
    return F.cross_entropy((F.sigmoid(normed) * normed) @ p["out"], target, reduction="sum")


def called(module: nn.Module, p: Any, run: Any) -> Any:
    """What `run` makes of the module, with the values of `p` as its parameters."""
    for name, value in p.items():
        place = module
        *path, last = name.split(".")
        for part in path:
            place = getattr(place, part)
        setattr(place, last, value)
    return run(module)


def of_layer(make: Any, run: Any) -> Any:
    """A loss by the parameters of a layer, for ``CASES``, and its parameters."""
    layer = make().to("float64")

    def loss(p: Any, x: Any, target: Any) -> Any:
        return (called(make(), p, lambda module: run(module, x)) * target).sum()

    return loss, {name: array + 0.1 * normal(*array.shape) for name, array in layer.state_dict().items()}


def self_attention(layer: Any, x: Any) -> Any:
    return layer(x, x, x, need_weights=False, is_causal=True)[0]


def masked_attention(layer: Any, x: Any) -> Any:
    padding = np.array([False, False, True, False])
    return layer(x, x * 0.5, x, padding, average_attn_weights=False)[0]


def grouped(layer: Any, x: Any) -> Any:
    q = layer(x).reshape(4, 2, 3).swapaxes(0, 1)
    mask = np.array([[True, False, True, False]] * 3 + [[False] * 4])
    return F.scaled_dot_product_attention(q, q[:1], q[:1], mask, enable_gqa=True).swapaxes(0, 1).reshape(4, 6)


LAYERS: dict[str, tuple[Any, Any]] = {
    "MultiheadAttention of itself": (lambda: nn.MultiheadAttention(6, 2, batch_first=True), self_attention),
    "MultiheadAttention with a mask": (lambda: nn.MultiheadAttention(6, 2, batch_first=True), masked_attention),
    "scaled_dot_product_attention": (lambda: nn.Linear(6, 6), grouped),
    "GroupedQueryAttention": (
        lambda: nn.GroupedQueryAttention(12, 2, 1, rotary=nn.RotaryEmbedding(6)),
        lambda layer, x: layer(gd.concat([x, x], -1))[..., :6],
    ),
    "LayerNorm": (lambda: nn.LayerNorm(6), lambda layer, x: layer(x)),
    "RMSNorm": (lambda: nn.RMSNorm((4, 6)), lambda layer, x: layer(x)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), lambda layer, x: layer(gd.expand_dims(x, 0))[0]),
    "batch_norm": (
        lambda: nn.LayerNorm(6),
        lambda layer, x: F.batch_norm(x, None, None, layer.weight, layer.bias, True),
    ),
    "TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(6, 2, 8, 0.0, gd.tanh, norm_first=True),
        lambda layer, x: layer(x, is_causal=True),
    ),
    "TransformerDecoderLayer": (
        lambda: nn.TransformerDecoderLayer(6, 2, 8, 0.0, gd.tanh),
        lambda layer, x: layer(x, x * x, tgt_is_causal=True),
    ),
}


def recurrent(kind: str) -> Any:
    """The loss of a layer with a readout; its parameters are arguments."""
    layer = getattr(nn, kind)(2, 3, bidirectional=True, dtype="float64")

    def loss(p: Any, x: Any, target: Any) -> Any:
        vars(layer).update({name: value for name, value in p.items() if name != "out"})
        output, last = layer(x, lengths=[4, 2])
        state = last[0] if isinstance(last, tuple) else last
        return F.cross_entropy(F.linear(output[-1], p["out"]), target) + (state * state).sum()

    return loss


def recurrent_case(kind: str) -> tuple[Any, Any, Any, Any]:
    """A case with two sequences of four steps in each sample."""
    p = getattr(nn, kind)(2, 3, bidirectional=True, dtype="float64").state_dict() | {"out": normal(3, 6)}
    return recurrent(kind), p, normal(5, 4, 2, 2), RNG.integers(0, 3, (5, 2))


def words(p: Any, x: Any, target: Any) -> Any:
    rows = F.embedding(target, p["table"], padding_idx=0, scale_grad_by_freq=False)
    hidden = F.gelu(F.bilinear(rows, gd.broadcast_to(x, (3, 4)), p["w"], p["b"]))
    hidden = F.leaky_relu(hidden) + F.elu(hidden) + F.mish(hidden) + F.hardswish(hidden)
    scores = F.glu(F.prelu(hidden, p["b"][:1]))
    return F.cross_entropy(scores, target, weight=[1.0, 2.0, 3.0], ignore_index=1, label_smoothing=0.1, reduction="sum")


def alignments(p: Any, x: Any, target: Any) -> Any:
    logp = F.log_softmax(F.linear(x, p["w"]), -1)
    return F.ctc_loss(logp, target, 5, 2) + F.nll_loss(logp[0], target[:, 0])


def pairs(p: Any, x: Any, target: Any) -> Any:
    y = F.linear(x, p["w"])
    signs = np.array([1.0, -1.0])
    loss = F.huber_loss(y, target) + F.smooth_l1_loss(y, target) + F.poisson_nll_loss(y, gd.abs(target), full=True)
    loss = (
        loss + F.binary_cross_entropy(F.sigmoid(y), F.sigmoid(target)) + F.binary_cross_entropy_with_logits(y, target)
    )
    loss = loss + F.kl_div(F.log_softmax(y), F.softmax(target), reduction="batchmean") + F.soft_margin_loss(y, target)
    loss = loss + F.cosine_embedding_loss(y, target, signs) + F.triplet_margin_loss(y, target, x[:, :3], swap=True)
    loss = loss + F.gaussian_nll_loss(y, target, gd.exp(y)) + F.hinge_embedding_loss(y, gd.sign(target))
    return loss + F.margin_ranking_loss(y, target, gd.sign(target)) + F.multi_margin_loss(y, [0, 2], p=2)


CASES: dict[str, tuple[Any, Any, Any, Any]] = {
    **{name: (*of_layer(*parts), normal(5, 4, 6), normal(5, 4, 6)) for name, parts in LAYERS.items()},
    "mlp": (mlp, {"w1": normal(5, 4), "b1": normal(5), "w2": normal(3, 5)}, normal(7, 4), RNG.integers(0, 3, 7)),
    "mlp over rows": (
        mlp,
        {"w1": normal(5, 4), "b1": normal(5), "w2": normal(3, 5)},
        normal(7, 2, 4),
        RNG.integers(0, 3, (7, 2)),
    ),
    "regression": (regression, {"w1": normal(5, 4), "b1": normal(5)}, normal(7, 4), normal(7, 5)),
    **{kind: recurrent_case(kind) for kind in ("RNN", "LSTM", "GRU")},
    "words": (
        words,
        {"table": normal(4, 5), "w": normal(6, 5, 4), "b": normal(6)},
        normal(7, 4),
        np.tile([0, 2, 1], (7, 1)) + (np.arange(7) == 3)[:, None] * [[2, 0, -1]],
    ),
    "pairs": (pairs, {"w": normal(3, 4)}, normal(7, 2, 4), normal(7, 2, 3)),
    "alignments": (alignments, {"w": normal(3, 4)}, normal(7, 5, 1, 4), RNG.integers(1, 3, (7, 1, 2))),
    "attention": (
        attention,
        {**{name: normal(6, 6) for name in "qkv"}, "out": normal(6, 3)},
        normal(7, 4, 6),
        RNG.integers(0, 3, (7, 4)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_for_each_sample(name: str) -> None:
    loss, p, x, target = CASES[name]
    found = gd.vmap(gd.grad(loss), in_axes=(None, 0, 0))(p, x, target)
    for i in range(len(x)):
        alone = gd.grad(loss)(p, x[i], target[i])
        for key, g in alone.items():
            np.testing.assert_allclose(found[key][i].numpy(), g.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_products_with_the_hessian_of_each_sample(name: str) -> None:
    loss, p, x, target = CASES[name]

    def product(p: Any, x: Any, target: Any) -> Any:
        return gd.hvp(lambda p: loss(p, x, target), (p,), (p,))[1][0]

    found = gd.vmap(product, in_axes=(None, 0, 0))(p, x, target)
    alone = product(p, x[2], target[2])
    for key, h in alone.items():
        np.testing.assert_allclose(found[key][2].numpy(), h.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_an_ensemble_of_models(name: str) -> None:
    """Parameters that differ, inputs that all models share."""
    loss, p, x, target = CASES[name]
    many = {key: np.stack([value, value * 1.1, value - 0.1]) for key, value in p.items()}
    found = gd.vmap(gd.grad(loss), in_axes=(0, None, None))(many, x[0], target[0])
    for i in range(3):
        alone = gd.grad(loss)({key: value[i] for key, value in many.items()}, x[0], target[0])
        for key, g in alone.items():
            np.testing.assert_allclose(found[key][i].numpy(), g.numpy(), rtol=1e-9, atol=1e-12)


def test_dropout_draws_for_each_sample() -> None:
    kept = gd.vmap(lambda x: F.dropout(x, 0.5))(np.ones((3, 1000)))
    assert kept.shape == (3, 1000)
    assert (kept[0] != kept[1]).any()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_recurrent_layer_in_vmap(kind: str) -> None:
    """Shared weights: the entries are further sequences of one run, and lengths may differ from entry to entry."""
    layer = getattr(nn, kind)(2, 3, dtype="float64")
    x, lengths = normal(5, 4, 2, 2), RNG.integers(1, 5, (5, 2))
    found = gd.vmap(lambda x, lengths: layer(x, lengths=lengths)[0])(x, lengths).detach().numpy()
    for i in range(5):
        np.testing.assert_allclose(found[i], layer(x[i], lengths=lengths[i])[0].detach().numpy(), atol=1e-12)


def test_an_lstm_with_a_projection_in_vmap() -> None:
    """Shared weights, and an ensemble in which any one weight, the projection's too, is another for each entry."""
    layer = nn.LSTM(2, 3, proj_size=2, dtype="float64")
    names = list(layer.state_dict())
    x = normal(3, 4, 2, 2)

    def loss(x: Any, *weights: Any) -> Any:
        for name, weight in zip(names, weights, strict=True):
            vars(layer)[name] = weight
        output, (h_n, c_n) = layer(x, lengths=[4, 2])
        return (output**2).sum() + h_n.sum() + (c_n**3).sum()

    weights = [np.array(value) for value in layer.state_dict().values()]
    slope = gd.grad(loss, argnums=tuple(range(6)))
    for changed in (None, *range(5)):
        many = [np.stack([w, 1.1 * w, w - 0.1]) if i == changed else w for i, w in enumerate(weights)]
        axes = (0, *[0 if i == changed else None for i in range(5)])
        # differentiating makes every weight another for each entry, so the values show what is shared
        values, found = gd.vmap(loss, in_axes=axes)(x, *many), gd.vmap(slope, in_axes=axes)(x, *many)
        for k in range(3):
            own = [w[k] if i == changed else w for i, w in enumerate(many)]
            np.testing.assert_allclose(values[k].numpy(), loss(x[k], *own).numpy(), rtol=1e-12)
            for a, b in zip(found, slope(x[k], *own), strict=True):
                np.testing.assert_allclose(a[k].numpy(), b.numpy(), rtol=1e-9, atol=1e-12)


def test_a_module_in_vmap() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)).to("float64")
    x = normal(6, 4)
    np.testing.assert_allclose(gd.vmap(model)(x).detach().numpy(), model(x).detach().numpy(), rtol=1e-12)


def test_modules_that_normalise_or_wrap_others_in_vmap() -> None:
    hooked = nn.Tanh()
    hooked.register_full_backward_hook(lambda module, into, out: None)
    model = nn.Sequential(
        nn.weight_norm(nn.Linear(4, 6)),
        nn.Residual(nn.BatchNorm1d(6), hooked),
        nn.Unflatten(1, (2, 3)),
        nn.InstanceNorm1d(2, affine=True),
        nn.Flatten(),
        nn.spectral_norm(nn.Linear(6, 2)),
    )
    model = model.to("float64").eval()
    x = normal(5, 1, 4)

    def loss(x: Any) -> Any:
        return (model(x) ** 3).sum()

    found = gd.vmap(gd.grad(loss))(x)
    for i in range(5):
        np.testing.assert_allclose(found[i].detach().numpy(), gd.grad(loss)(x[i]).detach().numpy(), rtol=1e-9)


def test_a_convolutional_network() -> None:
    """Convolution, pooling and batch-free layers of a CNN, for each sample, and for an ensemble."""
    p = {"w": normal(3, 1, 3, 3), "b": normal(3), "v": normal(4, 3, 3, 3), "out": normal(2, 16)}

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = gd.max_pool2d(F.relu(gd.conv2d(x, p["w"], p["b"], padding=1)), 2)
        y = gd.avg_pool2d(gd.tanh(gd.conv2d(y, p["v"], padding=1)), 2)
        return F.cross_entropy(F.linear(y.reshape(16), p["out"]), target)

    x, target = normal(5, 1, 8, 8), RNG.integers(0, 2, 5)
    found = gd.vmap(gd.grad(loss), in_axes=(None, 0, 0))(p, x, target)
    for i in range(5):
        for key, g in gd.grad(loss)(p, x[i], target[i]).items():
            np.testing.assert_allclose(found[key][i].numpy(), g.numpy(), rtol=1e-9, atol=1e-12)
    many = {key: np.stack([value, value * 1.1]) for key, value in p.items()}
    found = gd.vmap(gd.grad(loss), in_axes=(0, None, None))(many, x[0], target[0])
    for i in range(2):
        for key, g in gd.grad(loss)({key: value[i] for key, value in many.items()}, x[0], target[0]).items():
            np.testing.assert_allclose(found[key][i].numpy(), g.numpy(), rtol=1e-9, atol=1e-12)
