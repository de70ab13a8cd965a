"""Recurrent layers and cells beside torch.nn's, live, over all their options; the last line counts the comparisons."""

import itertools

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

RNG = np.random.default_rng(0)
COUNT = itertools.count()
EXACT = {"float32": 3e-5, "float64": 1e-11}
KINDS = [("RNN", {"nonlinearity": "tanh"}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("GRU", {})]
LAYERS = [*KINDS, ("LSTM", {"proj_size": 1}), ("LSTM", {"proj_size": 3})]
COMPARED = set()

pytestmark = [
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
    # torch says once that it takes another of its ways
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    print(f"\ngrad-nn, recurrent: {next(COUNT)} arrays compared with torch {torch.__version__}: {sorted(COMPARED)}")


def same(ours, theirs, dtype, factor=1):
    next(COUNT)
    ours, theirs = ours.data, theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, factor * EXACT[dtype], factor * EXACT[dtype])


def pair(name, dtype, *sizes, **options):
    """The same layer in both libraries; names in the state dict and the repr agree."""
    ours = getattr(nn, name)(*sizes, **options)
    theirs = getattr(torch.nn, name)(*sizes, **options).to(getattr(torch, dtype))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.to(dtype).load_state_dict(theirs.state_dict())
    COMPARED.update([name, *(f"{key}={value}" for key, value in options.items())])
    return ours, theirs


def flat(result):
    first, *rest = result if isinstance(result, tuple) else (result,)
    return [first, *[state for last in rest for state in (last if isinstance(last, tuple) else (last,))]]


def compare(ours, theirs, models, arrays, dtype, order=1):
    """Results, and gradients by inputs and parameters for upstream gradients of all results that are not uniform."""
    arrays = [a.astype(dtype) for a in arrays]
    xs, ts = [gd.tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    found, wanted = flat(ours(*xs)), flat(theirs(*ts))
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        same(a, b, dtype)
    upstream = [RNG.uniform(0.5, 2, y.shape).astype(dtype) for y in found]
    x_loss = sum((y * u).sum() for y, u in zip(found, upstream, strict=True))
    t_loss = sum((y * torch.tensor(u)).sum() for y, u in zip(wanted, upstream, strict=True))
    x_leaves, t_leaves = [*xs, *models[0].parameters()], [*ts, *models[1].parameters()]
    by_t = torch.autograd.grad(t_loss, t_leaves, create_graph=order == 2)
    plain = gd.gradients(x_loss, x_leaves, retain_graph=True)
    for x, t in zip(x_leaves, by_t, strict=True):
        same(plain[x], t, dtype, 10)
    if order == 1:
        return
    by_x = gd.gradients(x_loss, x_leaves, create_graph=True)
    for x, t in zip(x_leaves, by_t, strict=True):
        same(by_x[x], t, dtype, 10)
    mix = [RNG.normal(size=tuple(t.shape)).astype(dtype) for t in by_t]
    second_t = torch.autograd.grad(
        sum((g * torch.tensor(m)).sum() for g, m in zip(by_t, mix, strict=True)), t_leaves, materialize_grads=True
    )
    second_x = gd.gradients(sum((by_x[x] * m).sum() for x, m in zip(x_leaves, mix, strict=True)), x_leaves)
    for x, t in zip(x_leaves, second_t, strict=True):
        # where a gradient is piecewise constant, as relu makes it, there is no second one here, and zeros in torch
        same(gd.zeros(x.shape, dtype=dtype) if second_x[x] is None else second_x[x], t, dtype, 100)


def starts(name, *shape, proj_size=0, **_):
    widths = [proj_size or shape[-1], shape[-1]][: 1 + name.startswith("LSTM")]
    return [RNG.normal(size=(*shape[:-1], width)) for width in widths]


def called(name, layer, **options):
    def call(x, *states):
        return layer(x, (tuple(states) if name.startswith("LSTM") else states[0]) if states else None, **options)

    return call


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_every_option(name, options, num_layers, bias, batch_first, bidirectional, dtype):
    options = {**options, "num_layers": num_layers, "bias": bias, "batch_first": batch_first}
    models = pair(name, dtype, 5, 7, bidirectional=bidirectional, **options)
    count = num_layers * (1 + bidirectional)
    for steps, batch in [(1, 1), (6, 1), (5, 3)]:
        x = RNG.normal(size=(batch, steps, 5) if batch_first else (steps, batch, 5))
        call = [called(name, model) for model in models]
        compare(*call, models, [x], dtype)
        compare(*call, models, [x, *starts(name, count, batch, 7, **options)], dtype)
    compare(*call, models, [RNG.normal(size=(4, 5))], dtype)
    compare(*call, models, [RNG.normal(size=(4, 5)), *starts(name, count, 7, **options)], dtype)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[4, 4, 4], [4, 1, 3], [1, 2, 4], [2, 4, 2]])
@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_packed_sequences(name, options, lengths, batch_first, bidirectional, dtype):
    COMPARED.add("lengths")
    models = pair(name, dtype, 3, 5, num_layers=2, batch_first=batch_first, bidirectional=bidirectional, **options)

    def theirs(x, *states):
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first, enforce_sorted=False)
        output, last = called(name, models[1])(packed, *states)
        return pad_packed_sequence(output, batch_first)[0], last

    x = RNG.normal(size=(3, 4, 3) if batch_first else (4, 3, 3))
    ours = called(name, models[0], lengths=lengths)
    compare(ours, theirs, models, [x], dtype)
    compare(ours, theirs, models, [x, *starts(name, 2 * (1 + bidirectional), 3, 5, **options)], dtype)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_second_order(name, options, dtype):
    models = pair(name, dtype, 3, 4, bidirectional=True, **options)
    call = [called(name, model) for model in models]
    compare(*call, models, [RNG.normal(size=(3, 2, 3)), *starts(name, 2, 2, 4, **options)], dtype, order=2)


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_cells(name, options, bias, batch, dtype):
    models = pair(f"{name}Cell", dtype, 5, 7, bias=bias, **options)
    lead = () if batch is None else (batch,)
    call = [called(f"{name}Cell", model) for model in models]

    def both(function):  # LSTMCell returns a pair, the others one state
        return lambda *a: tuple(function(*a)) if name == "LSTM" else (function(*a),)

    call = [both(function) for function in call]
    x = RNG.normal(size=(*lead, 5))
    compare(*call, models, [x], dtype)
    compare(*call, models, [x, *starts(name, *lead, 7)], dtype, order=2)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_dropout_in_evaluation_and_its_share_in_training(name, options, dtype):
    ours, theirs = pair(name, dtype, 3, 40, num_layers=2, dropout=0.4, **options)
    ours.eval()
    theirs.eval()
    x = RNG.normal(size=(4, 50, 3))
    compare(called(name, ours), called(name, theirs), (ours, theirs), [x], dtype)
    x = np.tile(x, (25, 1, 1)).astype(dtype)  # what is dropped is drawn for each sample
    exact = ours(x)[0].data
    ours.train()
    theirs.train()
    spread = [np.std(ours(x)[0].data - exact), np.std(theirs(torch.tensor(x))[0].detach().numpy() - exact)]
    assert spread[0] == pytest.approx(spread[1], rel=0.1)
    next(COUNT)
