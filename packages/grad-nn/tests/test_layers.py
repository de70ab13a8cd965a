import math

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [None, "float16", "float64"])
def test_linear_holds_what_torch_holds(bias, dtype):
    layer = nn.Linear(3, 2, bias, dtype=dtype)
    wanted = {"weight": (2, 3), "bias": (2,)} if bias else {"weight": (2, 3)}
    assert {name: p.shape for name, p in layer.named_parameters()} == wanted
    assert {p.dtype for p in layer.parameters()} == {np.dtype(dtype or "float32")}
    assert repr(layer) == f"Linear(in_features=3, out_features=2, bias={bias})"
    assert (layer.bias is None) is not bias


def test_linear_starts_uniform_in_one_over_root_of_its_inputs():
    layer = nn.Linear(400, 500, generator=gd.random.Generator(0))
    for p in layer.parameters():
        assert np.abs(p.data).max() <= 1 / 20
        assert np.abs(p.data).max() > 0.99 / 20
        assert p.data.std() == pytest.approx(1 / 20 / math.sqrt(3), rel=0.06)
        assert p.data.mean() == pytest.approx(0, abs=0.005)


def test_linear_draws_from_its_generator():
    def start(**options):
        return nn.Linear(3, 2, **options).weight.tolist()

    assert start(generator=gd.random.Generator(1)) == start(generator=gd.random.Generator(1))
    assert start(generator=gd.random.Generator(1)) != start(generator=gd.random.Generator(2))
    gd.random.seed(1)
    assert start() == start(generator=gd.random.Generator(1))


def test_linear_computes():
    layer = nn.Linear(3, 2)
    x = RNG.normal(size=(4, 3)).astype("f")
    assert np.allclose(layer(x).data, x @ layer.weight.data.T + layer.bias.data, atol=1e-6)
    assert nn.Linear(0, 2)(gd.ones((4, 0))).shape == (4, 2)
    assert nn.Linear(2, 0)(gd.ones((4, 2))).shape == (4, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2.0, 3), TypeError, r"Linear: in_features must be an integer, and 2\.0 is a float"),
        ((2, "3"), TypeError, "Linear: out_features must be an integer, and '3' is a str"),
        ((2, -1), ValueError, "Linear: out_features is a number of features, and -1 is negative"),
    ],
)
def test_linear_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Linear(*arguments)


def test_linear_dtype_must_be_floating():
    with pytest.raises(DTypeError, match="a Parameter holds floats, and the data are int64"):
        nn.Linear(2, 3, dtype="int64")


def test_a_wrong_number_of_features_names_both_shapes():
    with pytest.raises(
        ShapeError, match=r"x of shape \(7, 28, 28\) and weight of shape \(10, 784\) do not fit: axis -1"
    ):
        nn.Linear(784, 10)(gd.ones((7, 28, 28)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.Tanh(), np.tanh),
        (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (nn.Flatten(), lambda x: x.reshape(3, 8)),
        (nn.Flatten(0), lambda x: x.reshape(24)),
        (nn.Flatten(0, 1), lambda x: x.reshape(6, 4)),
        (nn.Flatten(-2), lambda x: x.reshape(3, 8)),
    ],
    ids=repr,
)
def test_layers_without_parameters(layer, function, dtype):
    x = RNG.normal(size=(3, 2, 4))
    y = layer(x.astype(dtype))
    wanted = function(x)
    assert (y.shape, y.dtype) == (wanted.shape, np.dtype(dtype))
    assert np.allclose(y.data, wanted, atol=1e-2 if dtype == "float16" else 1e-6)
    assert list(layer.parameters()) == []
    check_grads(layer, [x])


def test_flatten_needs_the_axis():
    with pytest.raises(ShapeError, match=r"flatten: axis 1 is out of range for an array with 1 axes"):
        nn.Flatten()(gd.ones(3))


def test_dropout_follows_its_mode():
    layer = nn.Dropout(0.25, generator=gd.random.Generator(0))
    x = gd.ones(1000)
    y = layer(x)
    assert set(y.tolist()) == {0.0, np.float32(1 / 0.75)}
    assert (y.data == 0).mean() == pytest.approx(0.25, abs=0.05)
    assert layer.eval()(x) is x
    assert (layer.train()(x).data == 0).any()
    assert repr(layer) == "Dropout(p=0.25)"
    assert y.tolist() == nn.Dropout(0.25, generator=gd.random.Generator(0))(x).tolist()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_pass_on_to_their_functions(reduction):
    x, ids, y = RNG.normal(size=(4, 3)), np.array([0, 1, 2, 0]), RNG.normal(size=(4, 3))
    loss = nn.CrossEntropyLoss(reduction=reduction)(x, ids)
    assert np.array_equal(loss.data, nn.functional.cross_entropy(x, ids, reduction=reduction).data)
    loss = nn.MSELoss(reduction=reduction)(x, y)
    assert np.array_equal(loss.data, nn.functional.mse_loss(x, y, reduction=reduction).data)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.MSELoss()], ids=lambda loss: type(loss).__name__)
def test_a_whole_model_to_second_order(loss):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, dtype="float64"), gd.tanh, nn.Linear(3, 2, dtype="float64"))
    target = [0, 1, 1] if isinstance(loss, nn.CrossEntropyLoss) else RNG.normal(size=(3, 2))

    def function(x, *parameters):
        h = gd.tanh(nn.functional.linear(gd.flatten(x, 1), *parameters[:2]))
        return loss(nn.functional.linear(h, *parameters[2:]), target)

    x = RNG.normal(size=(3, 2, 2))
    arrays = [p.data for p in model.parameters()]
    check_grads(function, [x, *arrays])
    assert function(gd.tensor(x), *arrays).item() == pytest.approx(loss(model(x), target).item(), rel=1e-12)


def test_a_small_network_learns_xor():
    generator = gd.random.Generator(0)
    model = nn.Sequential(nn.Linear(2, 8, generator=generator), nn.Tanh(), nn.Linear(8, 2, generator=generator))
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    ids = np.array([0, 1, 1, 0])
    loss_of = nn.CrossEntropyLoss()
    for _ in range(500):
        model.zero_grad()
        loss = loss_of(model(x), ids)
        loss.backward()
        for p in model.parameters():
            p.data -= 0.5 * p.grad.data
    assert loss.item() < 0.05
    assert (model(x).data.argmax(1) == ids).all()


def test_public_names_are_there_once():  # the linter keeps them in order
    assert len(set(nn.__all__)) == len(nn.__all__)
    assert all(hasattr(nn, name) for name in nn.__all__)
