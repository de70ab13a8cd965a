"""Recurrent layers and cells: numbers recorded from PyTorch, numeric differences, lengths, options, messages."""

from pathlib import Path

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, InPlaceError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
RECORDED = nn.load(Path(__file__).with_name("golden") / "recurrent.npz")
OPTIONS = {"RNN": {"nonlinearity": "relu"}, "LSTM": {"num_layers": 2}, "GRU": {}}
LAYERS = {
    "tanh": lambda *a, **o: nn.RNN(*a, dtype="float64", **o),
    "relu": lambda *a, **o: nn.RNN(*a, nonlinearity="relu", dtype="float64", **o),
    "lstm": lambda *a, **o: nn.LSTM(*a, dtype="float64", **o),
    "gru": lambda *a, **o: nn.GRU(*a, dtype="float64", **o),
}
CELLS = {
    "tanh": lambda *a, **o: nn.RNNCell(*a, dtype="float64", **o),
    "relu": lambda *a, **o: nn.RNNCell(*a, nonlinearity="relu", dtype="float64", **o),
    "lstm": lambda *a, **o: nn.LSTMCell(*a, dtype="float64", **o),
    "gru": lambda *a, **o: nn.GRUCell(*a, dtype="float64", **o),
}


def flat(result):
    """Output and last states of a layer as a flat list."""
    output, last = result
    return [output, *(last if isinstance(last, tuple) else (last,))]


def states(name, *shape):
    pair = tuple(RNG.normal(size=shape) for _ in range(2))
    return pair if name == "lstm" else pair[0]


@pytest.mark.parametrize("name", OPTIONS)
def test_as_recorded_from_torch(name):
    def of(kind):
        start = f"{name}/{kind}/"
        return {key.removeprefix(start): array for key, array in RECORDED.items() if key.startswith(start)}

    layer = getattr(nn, name)(2, 3, bidirectional=True, dtype="float64", **OPTIONS[name])
    assert list(layer.state_dict()) == list(of("state"))
    layer.load_state_dict(of("state"))
    x = gd.tensor(RECORDED[f"{name}/x"], requires_grad=True)
    starts = [gd.tensor(RECORDED[f"{name}/start{i}"], requires_grad=True) for i in range(1 + (name == "LSTM"))]
    results = flat(layer(x, tuple(starts) if name == "LSTM" else starts[0], lengths=[5, 2, 4]))
    assert len(results) == 1 + len(starts)
    for i, y in enumerate(results):
        assert np.allclose(y.data, RECORDED[f"{name}/result{i}"], 1e-12, 1e-12)
    sum((y * RECORDED[f"{name}/upstream{i}"]).sum() for i, y in enumerate(results)).backward()
    assert np.allclose(x.grad.data, RECORDED[f"{name}/by_x"], 1e-11, 1e-12)
    for i, start in enumerate(starts):
        assert np.allclose(start.grad.data, RECORDED[f"{name}/by_start{i}"], 1e-11, 1e-12)
    for key, p in layer.named_parameters():
        assert np.allclose(p.grad.data, of("grad")[key], 1e-11, 1e-12)


@pytest.mark.parametrize("lengths", [None, [3, 1]])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_against_numeric_differences(name, bidirectional, lengths):
    layer = LAYERS[name](1, 2, bidirectional=bidirectional, generator=gd.random.Generator(3))
    names = list(layer.state_dict())
    count = 1 + bidirectional

    def run(x, *rest):
        for key, value in zip(names, rest, strict=False):
            vars(layer)[key] = value
        start = rest[len(names) :]
        return flat(layer(x, start if name == "lstm" else start[0], lengths=lengths))

    first = states(name, count, 2, 2)
    inputs = [RNG.normal(size=(3, 2, 1)), *layer.state_dict().values(), *(first if name == "lstm" else (first,))]
    weights = [RNG.uniform(0.5, 2, y.shape) for y in run(*inputs)]
    check_grads(
        lambda *a: sum((y * w).sum() for y, w in zip(run(*a), weights, strict=True)),
        inputs,
        order=1 if bidirectional else 2,
    )


@pytest.mark.parametrize("lengths", [None, [3, 1]])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_that_can_be_differentiated_are_the_same(name, lengths):
    layer = LAYERS[name](2, 3, num_layers=2, bidirectional=True)
    x = gd.tensor(RNG.normal(size=(3, 2, 2)), requires_grad=True)
    results = flat(layer(x, states(name, 4, 2, 3), lengths=lengths))
    loss = sum((y * RNG.uniform(0.5, 2, y.shape)).sum() for y in results)
    leaves = [x, *layer.parameters()]
    plain = gd.gradients(loss, leaves, retain_graph=True)
    tracked = gd.gradients(loss, leaves, create_graph=True)
    for leaf in leaves:
        assert np.allclose(plain[leaf].data, tracked[leaf].data, 1e-10, 1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_a_sequence_does_not_depend_on_those_beside_it(name):
    layer = LAYERS[name](2, 3, num_layers=2, bidirectional=True, batch_first=True)
    x = RNG.normal(size=(3, 6, 2))
    lengths = [2, 6, 4]
    for i, n in enumerate(lengths):
        x[i, n:] = np.nan  # behind the end anything may stand
    start = states(name, 4, 3, 3)
    x = gd.tensor(x, requires_grad=True)
    output, *last = flat(layer(x, start, lengths=lengths))
    (output.sum() + sum(state.sum() for state in last)).backward()
    for i, n in enumerate(lengths):
        own = tuple(s[:, i] for s in start) if name == "lstm" else start[:, i]
        alone, *last_alone = flat(layer(x[i, :n], own))
        assert np.allclose(output[i, :n].data, alone.data, 1e-12)
        assert (output[i, n:].data == 0).all()
        assert (x.grad[i, n:].data == 0).all()
        for state, state_alone in zip(last, last_alone, strict=True):
            assert np.allclose(state[:, i].data, state_alone.data, 1e-12)
    assert all(np.isfinite(p.grad.data).all() for p in layer.parameters())


@pytest.mark.parametrize("name", LAYERS)
def test_layouts_agree(name):
    layer, other = LAYERS[name](2, 3), LAYERS[name](2, 3, batch_first=True)
    other.load_state_dict(layer.state_dict())
    x, start = RNG.normal(size=(5, 4, 2)), states(name, 1, 4, 3)
    output, *last = flat(layer(x, start))
    swapped, *last_too = flat(other(x.swapaxes(0, 1), start))
    assert np.array_equal(output.data, swapped.data.swapaxes(0, 1))
    for a, b in zip(last, last_too, strict=True):
        assert np.array_equal(a.data, b.data)
    zeros = tuple(np.zeros_like(s) for s in start) if name == "lstm" else np.zeros_like(start)
    assert np.array_equal(flat(layer(x))[0].data, flat(layer(x, zeros))[0].data)
    alone = flat(layer(x[:, 0], lengths=3))
    assert alone[0].shape == (5, 3)
    assert (alone[0][3:].data == 0).all()
    assert alone[1].shape == (1, 3)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_cells_are_steps_of_the_layer(name, bias):
    layer, cell = LAYERS[name](2, 3, bias=bias), CELLS[name](2, 3, bias)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    x, start = RNG.normal(size=(4, 5, 2)), states(name, 1, 5, 3)
    output, *last = flat(layer(x, start))
    state = tuple(s[0] for s in start) if name == "lstm" else start[0]
    for t in range(4):
        state = cell(x[t], state)
        assert np.allclose((state[0] if name == "lstm" else state).data, output[t].data, 1e-12)
    for a, b in zip(state if name == "lstm" else (state,), last, strict=True):
        assert np.allclose(a.data, b[0].data, 1e-12)
    alone = cell(x[0, 0])
    assert (alone[0] if name == "lstm" else alone).shape == (3,)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_dtypes_are_kept(name, dtype):
    layer = getattr(nn, name)(2, 3, dtype=dtype)
    x = gd.tensor(RNG.normal(size=(4, 5, 2)).astype(dtype), requires_grad=True)
    exact = getattr(nn, name)(2, 3, dtype="float64")
    exact.load_state_dict(layer.state_dict())
    results, wanted = flat(layer(x)), flat(exact(x.data.astype("float64")))
    for y, z in zip(results, wanted, strict=True):
        assert y.dtype == np.dtype(dtype)
        assert np.allclose(y.data, z.data, atol=1e-2 if dtype == "float16" else 1e-6)
    results[0].sum().backward()
    assert {a.grad.dtype for a in (x, *layer.parameters())} == {np.dtype(dtype)}


def test_gates_do_not_overflow():
    for name, make in LAYERS.items():
        layer = make(2, 3)
        with np.errstate(all="raise", under="ignore"):
            results = flat(layer(np.full((2, 1, 2), 1e4 if name == "relu" else 1e30)))
            sum(y.sum() for y in results).backward()
        assert all(np.isfinite(p.grad.data).all() for p in layer.parameters())


def test_dropout_acts_between_layers_and_in_training_only():
    def layer(seed):
        made = nn.GRU(2, 50, num_layers=2, dropout=0.5, generator=gd.random.Generator(seed))
        made.load_state_dict(weights)
        return made

    weights = nn.GRU(2, 50, num_layers=2).state_dict()
    x = RNG.normal(size=(3, 4, 2)).astype("f")
    a, b = layer(1), layer(1)
    trained, (first, second) = (y.data for y in a(x))
    assert np.array_equal(trained, b(x)[0].data)
    evaluated, (first_too, second_too) = (y.data for y in a.eval()(x))
    assert np.array_equal(first, first_too)
    assert not np.allclose(second, second_too)
    assert np.array_equal(evaluated, layer(2).eval()(x)[0].data)
    with pytest.warns(UserWarning, match=r"LSTM: dropout=0\.2 acts between layers, and with num_layers=1"):
        nn.LSTM(2, 3, dropout=0.2)


def test_memory_is_watched_and_released():
    layer = nn.LSTM(2, 3)
    output, _ = layer(gd.ones((4, 5, 2)))
    output.data = output.data * 2
    with pytest.raises(InPlaceError, match="lstm"):
        output.sum().backward()
    loss = layer(gd.ones((4, 5, 2)))[0].sum()
    loss.backward(retain_graph=True)
    once = layer.weight_hh_l0.grad.numpy().copy()
    loss.backward()
    assert np.allclose(layer.weight_hh_l0.grad.data, 2 * once)
    assert layer.bias_ih_l0.grad.data is not layer.bias_hh_l0.grad.data
    assert not np.shares_memory(layer.bias_ih_l0.grad.data, layer.bias_hh_l0.grad.data)


@pytest.mark.parametrize("made", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_first_values(made):
    layer = made(30, 100, generator=gd.random.Generator(0))
    for p in layer.parameters():
        assert np.abs(p.data).max() <= 0.1
        assert np.abs(p.data).max() > 0.095
        assert p.data.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.15)
    again = made(30, 100, generator=gd.random.Generator(0)).state_dict()
    assert all(np.array_equal(p, again[key]) for key, p in layer.state_dict().items())


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.RNN(2, 3), "RNN(2, 3)"),
        (
            nn.LSTM(2, 3, 2, False, True, 0.5, True),
            "LSTM(2, 3, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
        ),
        (nn.GRU(2, 3, bidirectional=True), "GRU(2, 3, bidirectional=True)"),
        (nn.RNNCell(2, 3, False, "relu"), "RNNCell(2, 3, bias=False, nonlinearity=relu)"),
        (nn.LSTMCell(2, 3), "LSTMCell(2, 3)"),
        (nn.GRUCell(2, 3, bias=False), "GRUCell(2, 3, bias=False)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.RNN(2.0, 3), TypeError, r"RNN: input_size must be an integer, and 2\.0 is a float"),
        (lambda: nn.LSTM(2, 0), ValueError, "LSTM: hidden_size must be at least 1, and 0 is not"),
        (lambda: nn.GRU(2, 3, 0), ValueError, "GRU: num_layers must be at least 1, and 0 is not"),
        (lambda: nn.GRU(2, 3, 2, dropout=2.0), ValueError, "GRU: p is the probability of dropping an element"),
        (lambda: nn.RNN(2, 3, 1, "elu"), ValueError, "RNN: unknown nonlinearity 'elu': give 'tanh' or 'relu'"),
        (lambda: nn.RNNCell(2, 3, True, "elu"), ValueError, "RNNCell: unknown nonlinearity 'elu'"),
        (lambda: nn.LSTM(2, 3, proj_size=3), ValueError, "LSTM: proj_size=3 must be less than hidden_size=3"),
        (lambda: nn.GRUCell(2, "3"), TypeError, "GRUCell: hidden_size must be an integer, and '3' is a str"),
        (lambda: nn.GRU(2, 3)(gd.ones(2)), ShapeError, r"GRU: x has shape \(2,\), and must be \(steps, batch, input_"),
        (
            lambda: nn.GRU(2, 3)(gd.ones((5, 4, 7))),
            ShapeError,
            r"GRU: x of shape \(5, 4, 7\) has 7 features .* input_size=2: x must be \(steps, batch, input_size\);",
        ),
        (lambda: nn.GRU(2, 3)(gd.ones((0, 4, 2))), ShapeError, "GRU: x has no steps, so there is no last state"),
        (lambda: nn.RNN(2, 3)([[1, 2]]), DTypeError, r"RNN: x holds floats, and this is int64: use x\.astype"),
        (lambda: nn.RNNCell(2, 3)(gd.ones((1, 4, 2))), ShapeError, r"RNNCell: x has shape \(1, 4, 2\), and must be"),
        (
            lambda: nn.GRU(2, 3, 2, bidirectional=True)(gd.ones((5, 4, 2)), gd.ones((2, 4, 3))),
            ShapeError,
            r"GRU: h_0 has shape \(2, 4, 3\), and must be \(num_layers \* 2, batch, hidden_size\) = \(4, 4, 3\) for",
        ),
        (
            lambda: nn.RNN(2, 3)(gd.ones((5, 2)), gd.ones((1, 1, 3))),
            ShapeError,
            r"RNN: h_0 has shape \(1, 1, 3\), and must be \(num_layers, hidden_size\) = \(1, 3\) for this x",
        ),
        (
            lambda: nn.LSTM(2, 3)(gd.ones((5, 4, 2)), gd.ones((1, 4, 3))),
            TypeError,
            r"LSTM: the initial states are a pair \(h_0, c_0\), and hx is a Tensor",
        ),
        (
            lambda: nn.LSTMCell(2, 3)(gd.ones((4, 2)), (gd.ones((4, 3)), gd.ones((4, 2)))),
            ShapeError,
            r"LSTMCell: c_0 has shape \(4, 2\), and must be \(batch, hidden_size\) = \(4, 3\) for this x",
        ),
        (
            lambda: nn.GRU(2, 3)(gd.ones((5, 4, 2)), lengths=[5, 9, 1, 1]),
            IndexError,
            r"lengths\[1\] is 9: with 5 steps in x, a sequence has 1 to 5 of them; lengths count steps",
        ),
        (lambda: nn.GRU(2, 3)(gd.ones((5, 1, 2)), lengths=[0]), IndexError, r"lengths\[0\] is 0: with 5 steps"),
        (
            lambda: nn.GRU(2, 3)(gd.ones((5, 4, 2)), lengths=[5, 1]),
            ShapeError,
            r"GRU: lengths has shape \(2,\), and must be \(4,\): a length for each sequence of the batch",
        ),
        (
            lambda: nn.GRU(2, 3)(gd.ones((5, 2)), lengths=[5]),
            ShapeError,
            r"GRU: lengths has shape \(1,\), and must be \(\): one number, for x has no batch",
        ),
        (
            lambda: nn.GRU(2, 3)(gd.ones((5, 1, 2)), lengths=[2.0]),
            DTypeError,
            "GRU: lengths count steps, so they are integers, and these are float32",
        ),
    ],
)
def test_messages(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_lstm_with_projected_states_is_the_formula():
    rng = np.random.default_rng(0)
    layer = nn.LSTM(3, 5, proj_size=2, generator=gd.random.Generator(0)).to("float64")
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "weight_ih_l0": (20, 3),
        "weight_hh_l0": (20, 2),
        "bias_ih_l0": (20,),
        "bias_hh_l0": (20,),
        "weight_hr_l0": (2, 5),
    }
    w_ih, w_hh, b_ih, b_hh, w_hr = [p.numpy() if not p.requires_grad else p.data for p in layer.parameters()]
    x, h, c = rng.normal(size=(4, 6, 3)), rng.normal(size=(6, 2)), rng.normal(size=(6, 5))
    output, (h_n, c_n) = layer(x, (h[None], c[None]))
    for t in range(4):
        i, f, g, o = np.split(x[t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = (o * np.tanh(c)) @ w_hr.T
        np.testing.assert_allclose(output.data[t], h, rtol=1e-12)
    np.testing.assert_allclose(h_n.data[0], h, rtol=1e-12)
    np.testing.assert_allclose(c_n.data[0], c, rtol=1e-12)


def test_gradients_of_an_lstm_with_projected_states_under_vmap_and_to_the_second_order():
    layer = nn.LSTM(3, 4, num_layers=2, proj_size=2, bidirectional=True).to("float64")
    x = np.random.default_rng(0).normal(size=(3, 2, 3))
    check_grads(lambda x: layer(x, lengths=[3, 1])[0], [x])
    many = np.stack([x, 2 * x])
    together = gd.vmap(gd.grad(lambda x: layer(x)[0].sum()))(many)
    for one, alone in zip(together, many, strict=True):
        np.testing.assert_allclose(one.data, gd.grad(lambda x: layer(x)[0].sum())(alone).data, rtol=1e-10)


def test_the_projection_must_make_the_state_smaller():
    with pytest.raises(ValueError, match=r"LSTM: proj_size=5 must be less than hidden_size=5.*leave it out"):
        nn.LSTM(3, 5, proj_size=5)
    with pytest.raises(ValueError, match=r"LSTM: proj_size must be at least 0, and -1 is not"):
        nn.LSTM(3, 5, proj_size=-1)
    layer = nn.LSTM(3, 5, proj_size=2)
    with pytest.raises(ShapeError, match=r"h_0 has shape \(1, 2, 5\), and must be \(num_layers, batch, proj_size\)"):
        layer(gd.ones((4, 2, 3)), (gd.ones((1, 2, 5)), gd.ones((1, 2, 5))))
    with pytest.raises(ShapeError, match=r"c_0 has shape \(1, 2, 2\), and must be \(num_layers, batch, hidden_size\)"):
        layer(gd.ones((4, 2, 3)), (gd.ones((1, 2, 2)), gd.ones((1, 2, 2))))
