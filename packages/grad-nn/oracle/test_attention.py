"""Attention, norms and Transformers beside torch.nn: every option, value, gradients, names, order of state dicts."""

import itertools

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
from comparing import COUNT, RNG, compare, same
from grad_nn.functional import _attention

pytestmark = [
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
    pytest.mark.filterwarnings("ignore:Support for mismatched"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    print(f"\ngrad-nn, attention, norms, Transformers: {next(COUNT)} arrays compared with torch {torch.__version__}")


def normal(*shape):
    return RNG.normal(size=shape)


def plain_attention(*args, **kwargs):
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the one that differentiates twice
        return torch.nn.functional.scaled_dot_product_attention(*args, **kwargs)


SEEN = RNG.random((2, 1, 5, 6)) > 0.4
SEEN[..., 0] = True
ATTENTION = {
    "plain": ((2, 3), {}),
    "no batch": ((), {}),
    "batch of one": ((1, 1), {}),
    "causal": ((2, 3), {"is_causal": True}),
    "scale": ((3,), {"scale": 0.3}),
    "booleans": ((2, 3), {"attn_mask": SEEN}),
    "booleans for all": ((2, 3), {"attn_mask": SEEN[0, 0]}),
    "grouped": ((2, 6), {"enable_gqa": True}),
    "grouped and causal": ((2, 6), {"enable_gqa": True, "is_causal": True}),
    "grouped and booleans": ((2, 6), {"enable_gqa": True, "attn_mask": SEEN}),
}


@pytest.mark.parametrize("block", [1 << 21, 0])
@pytest.mark.parametrize("name", ATTENTION)
def test_scaled_dot_product_attention(name, block, dtype, monkeypatch):
    monkeypatch.setattr(_attention, "_BLOCK", block)
    monkeypatch.setattr(_attention, "_ROWS", 0)
    lead, options = ATTENTION[name]
    others = (2, 3) if options.get("enable_gqa") else lead
    theirs = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    compare(
        lambda *a: F.scaled_dot_product_attention(*a, **options),
        lambda *a: plain_attention(*a, **theirs),
        [normal(*lead, 5, 4), normal(*others, 6, 4), normal(*others, 6, 7)],
        dtype,
        factor=2,
    )


@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (5, 6), (2, 1, 5, 6)])
def test_a_mask_of_floats_has_a_gradient(shape, dtype):
    arrays = [normal(2, 3, 5, 4), normal(2, 3, 6, 4), normal(2, 3, 6, 7), normal(*shape)]
    compare(F.scaled_dot_product_attention, plain_attention, arrays, dtype, factor=2)


NORMS = {
    "layer": (lambda m, **k: m.LayerNorm(6, **k), (4, 5, 6)),
    "layer of one sample": (lambda m, **k: m.LayerNorm(6, **k), (6,)),
    "layer, eps": (lambda m, **k: m.LayerNorm(6, eps=0.1, **k), (1, 6)),
    "layer over two": (lambda m, **k: m.LayerNorm((5, 6), **k), (4, 5, 6)),
    "layer without bias": (lambda m, **k: m.LayerNorm(6, bias=False, **k), (4, 6)),
    "layer, no parameters": (lambda m, **k: m.LayerNorm(6, elementwise_affine=False, **k), (4, 6)),
    "layer of nothing": (lambda m, **k: m.LayerNorm(6, **k), (0, 6)),
    "rms": (lambda m, **k: m.RMSNorm(6, **k), (4, 5, 6)),
    "rms, eps": (lambda m, **k: m.RMSNorm((5, 6), eps=0.1, **k), (4, 5, 6)),
    "rms, no parameters": (lambda m, **k: m.RMSNorm(6, elementwise_affine=False, **k), (4, 6)),
    "group": (lambda m, **k: m.GroupNorm(2, 6, **k), (4, 6, 5)),
    "group of one": (lambda m, **k: m.GroupNorm(1, 6, **k), (1, 6)),
    "group each": (lambda m, **k: m.GroupNorm(6, 6, **k), (4, 6, 3, 2)),
    "group without bias": (lambda m, **k: m.GroupNorm(3, 6, bias=False, **k), (4, 6, 5)),
    "group, no parameters": (lambda m, **k: m.GroupNorm(3, 6, eps=0.1, affine=False, **k), (4, 6, 5, 1)),
}


def alike(ours, theirs):
    """The same weights in both: torch's, away from what they start with; names and order must agree."""
    for p in theirs.parameters():
        p.data += torch.tensor(RNG.uniform(-0.2, 0.2, tuple(p.shape))).to(p.dtype)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    return ours, theirs


def by_parameters(ours, theirs, x, y, dtype, factor=1):
    """Gradients by all parameters, with a non-uniform upstream gradient."""
    upstream = RNG.uniform(0.5, 2, x.shape).astype(dtype)
    ours.zero_grad()
    theirs.zero_grad()
    x.backward(upstream)
    y.backward(torch.tensor(upstream))
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        same(p.grad, q.grad, dtype, factor)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("name", NORMS)
def test_norms(name, mode, dtype):
    make, shape = NORMS[name]
    ours, theirs = alike(make(nn, dtype=dtype).train(mode), make(torch.nn, dtype=getattr(torch, dtype)).train(mode))
    x = normal(*shape) * 3 + 1
    compare(ours, theirs, [x], dtype, factor=10)
    if list(ours.parameters()) and x.size:
        x = x.astype(dtype)
        by_parameters(ours, theirs, ours(x), theirs(torch.tensor(x)), dtype, 10)


BATCH = {
    "batch": ((5, 4, 3), {}),
    "batch, two axes": ((5, 4), {"momentum": 0.3}),
    "batch, images": ((2, 4, 3, 3), {"eps": 0.1}),
}


@pytest.mark.parametrize("kind", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", BATCH)
def test_running_statistics(name, training, kind, dtype):
    shape, options = BATCH[name]
    if kind == "instance_norm" and len(shape) == 2:
        shape = (5, 4, 7)
    options = {**options, "training" if kind == "batch_norm" else "use_input_stats": training}
    mean, var = normal(4).astype(dtype), RNG.uniform(0.5, 2, 4).astype(dtype)
    arrays = [normal(*shape), normal(4), normal(4)]
    ours, theirs = [gd.tensor(mean), gd.tensor(var)], [torch.tensor(mean), torch.tensor(var)]
    function, other = getattr(F, kind), getattr(torch.nn.functional, kind)
    x = [gd.tensor(a.astype(dtype)) for a in arrays]
    t = [torch.tensor(a.astype(dtype)) for a in arrays]
    same(function(x[0], *ours, *x[1:], **options), other(t[0], *theirs, *t[1:], **options), dtype, 10)
    same(ours[0], theirs[0], dtype, 10)
    same(ours[1], theirs[1], dtype, 10)
    compare(
        lambda x, w, b: function(x, gd.tensor(mean), gd.tensor(var), w, b, **options),
        lambda x, w, b: other(x, torch.tensor(mean), torch.tensor(var), w, b, **options),
        arrays,
        dtype,
        factor=20,
    )


HEADS = list(itertools.product([True, False], [True, False], [False, True], [False, True], [None, 5]))


@pytest.mark.parametrize(("batch_first", "bias", "extra", "zero", "features"), HEADS)
@pytest.mark.parametrize("samples", [None, 1, 3])
def test_multihead_attention(samples, batch_first, bias, extra, zero, features, dtype):
    options = {"bias": bias, "add_bias_kv": extra, "add_zero_attn": zero, "kdim": features, "vdim": features}
    options["batch_first"] = batch_first
    ours, theirs = alike(
        nn.MultiheadAttention(8, 2, dtype=dtype, **options),
        torch.nn.MultiheadAttention(8, 2, dtype=getattr(torch, dtype), **options),
    )
    arrays = [normal(samples or 1, n, f) for n, f in ((4, 8), (6, features or 8), (6, features or 8))]
    if samples is None:
        arrays = [a[0] for a in arrays]
    elif not batch_first:
        arrays = [np.ascontiguousarray(a.swapaxes(0, 1)) for a in arrays]
    count = samples or 1
    padding = RNG.random((count, 6)) > 0.6
    padding[:, 0] = False
    masks = {
        "none": (None, None),
        "booleans": (RNG.random((4, 6)) > 0.7, padding),
        "floats for each": (normal(count * 2, 4, 6).astype(dtype), None),
    }
    masks["booleans"][0][:, 0] = False
    for attn_mask, key_padding in masks.values():
        pad = key_padding if key_padding is None or samples else key_padding[0]
        given = {"attn_mask": attn_mask, "key_padding_mask": pad}
        torch_given = {k: None if v is None else torch.tensor(v) for k, v in given.items()}
        for need, average in ((True, True), (True, False), (False, True)):
            more = {"need_weights": need, "average_attn_weights": average}
            compare(
                lambda *a, g=given, m=more: ours(*a, **g, **m)[0],
                lambda *a, g=torch_given, m=more: theirs(*a, **g, **m)[0],
                arrays,
                dtype,
                1,
                factor=4,
            )
            x = ours(*[a.astype(dtype) for a in arrays], **given, **more)
            y = theirs(*[torch.tensor(a.astype(dtype)) for a in arrays], **torch_given, **more)
            if need:
                same(x[1], y[1], dtype)
            by_parameters(ours, theirs, x[0], y[0], dtype, 4)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("samples", [1, 3])
def test_self_attention(samples, causal, need_weights, dtype):
    ours, theirs = alike(
        nn.MultiheadAttention(8, 2, batch_first=True, dtype=dtype),
        torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=getattr(torch, dtype)),
    )
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None

    def run(x):
        return ours(x, x, x, need_weights=need_weights, is_causal=causal)[0]

    def other(x):
        return theirs(x, x, x, need_weights=True, attn_mask=mask)[0]

    compare(run, other, [normal(samples, 5, 8)], dtype, factor=4)
    x = normal(samples, 5, 8).astype(dtype)
    by_parameters(ours, theirs, run(x), other(torch.tensor(x)), dtype, 4)


LAYERS = list(itertools.product([True, False], [True, False], [True, False], ["relu", "gelu", "callable"]))
TWICE = {"callable": (lambda x: gd.tanh(x), lambda x: torch.tanh(x))}


@pytest.mark.parametrize(("batch_first", "norm_first", "bias", "activation"), LAYERS)
@pytest.mark.parametrize("mode", [True, False])
def test_transformer(mode, batch_first, norm_first, bias, activation, dtype):
    sizes = {"d_model": 8, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 12}
    sizes |= {"dropout": 0.0 if mode else 0.3, "layer_norm_eps": 1e-4}
    sizes |= {"batch_first": batch_first, "norm_first": norm_first, "bias": bias}
    mine, others = TWICE.get(activation, (activation, activation))
    ours, theirs = alike(
        nn.Transformer(**sizes, activation=mine, dtype=dtype).train(mode),
        torch.nn.Transformer(**sizes, activation=others, dtype=getattr(torch, dtype)).train(mode),
    )
    theirs.encoder.use_nested_tensor = False
    arrays = [normal(3, 5, 8), normal(3, 4, 8)]
    arrays = arrays if batch_first else [np.ascontiguousarray(a.swapaxes(0, 1)) for a in arrays]
    padding = RNG.random((3, 5)) > 0.6
    padding[:, 0] = False
    later = np.triu(np.ones((4, 4), bool), 1)
    options = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding, "tgt_mask": later}
    options["memory_mask"] = np.zeros((4, 5), bool)
    options["memory_mask"][1, 1:] = True
    torch_options = {k: torch.tensor(v) for k, v in options.items()}
    compare(lambda *a: ours(*a, **options), lambda *a: theirs(*a, **torch_options), arrays, dtype, 1, factor=20)
    arrays = [a.astype(dtype) for a in arrays]
    tensors = [torch.tensor(a) for a in arrays]
    by_parameters(ours, theirs, ours(*arrays, **options), theirs(*tensors, **torch_options), dtype, 50)
    same(ours(*arrays, tgt_is_causal=True), theirs(*tensors, tgt_mask=torch.tensor(later)), dtype, 20)
    first = slice(1) if batch_first else (slice(None), slice(1))
    same(ours(*[a[first] for a in arrays]), theirs(*[t[first] for t in tensors]), dtype, 20)
    single = 0 if batch_first else (slice(None), 0)
    same(ours(*[a[single] for a in arrays]), theirs(*[t[single] for t in tensors]), dtype, 20)


def test_masks_for_look_ahead(dtype):
    wanted = torch.nn.Transformer.generate_square_subsequent_mask(4, dtype=getattr(torch, dtype))
    same(nn.Transformer.generate_square_subsequent_mask(4, dtype), wanted, dtype)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("norm", [True, False])
def test_stacks(norm, layers, dtype):
    kind = getattr(torch, dtype)
    ours = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 12, 0.0, dtype=dtype), layers, nn.LayerNorm(8, dtype=dtype) if norm else None
    )
    theirs = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, dtype=kind),
        layers,
        torch.nn.LayerNorm(8, dtype=kind) if norm else None,
    )
    alike(ours, theirs)
    x = normal(5, 1, 8).astype(dtype)
    same(ours(x), theirs(torch.tensor(x)), dtype, 10)
