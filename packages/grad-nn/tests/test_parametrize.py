"""Tensors of modules that plain functions compute from others."""

import copy
import re

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import ShapeError


def symmetric(w):
    return (w + w.mT) / 2


class Scaled(nn.Module):
    def __init__(self):
        self.factor = nn.Parameter([2.0])

    def forward(self, w):
        return w * self.factor

    def right_inverse(self, w):
        return w / self.factor


def test_a_plain_function():
    layer = nn.Linear(3, 3)
    original = layer.weight
    assert nn.register_parametrization(layer, "weight", symmetric) is layer
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert layer.get_parameter("parametrizations.weight.original") is original
    np.testing.assert_array_equal(layer.weight.data, symmetric(original).data)
    layer(gd.ones((2, 3))).sum().backward()
    np.testing.assert_allclose(original.grad.data, np.full((3, 3), 2.0))
    original.data += np.triu(np.ones((3, 3), "float32"))  # always as new as its original
    np.testing.assert_array_equal(layer.weight.data, layer.weight.data.T)
    np.testing.assert_array_equal(layer.weight.data, symmetric(original).data)
    assert isinstance(layer, nn.Linear)
    assert repr(layer).startswith(
        "ParametrizedLinear(\n  in_features=3, out_features=3, bias=True\n  (parametrizations): Mod"
    )
    assert "(0): symmetric" in repr(layer)
    assert "weight" not in vars(layer)


def test_a_function_with_an_inverse_and_parameters_of_its_own():
    layer = nn.Linear(2, 2)
    before = layer.weight.data.copy()
    nn.register_parametrization(layer, "weight", Scaled())
    np.testing.assert_allclose(layer.weight.data, before)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original", "parametrizations.weight.0.factor"]
    layer.weight = np.eye(2)
    np.testing.assert_allclose(layer.weight.data, np.eye(2))
    np.testing.assert_allclose(layer.parametrizations["weight"].original.data, np.eye(2) / 2)
    layer(gd.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_several_functions_apply_in_turn():
    layer = nn.Linear(2, 2)
    before = layer.weight.data.copy()
    nn.register_parametrization(layer, "weight", symmetric)
    nn.register_parametrization(layer, "weight", gd.exp)
    nn.register_parametrization(layer, "bias", gd.exp)
    np.testing.assert_allclose(layer.weight.data, np.exp((before + before.T) / 2), rtol=1e-6)
    assert (nn.is_parametrized(layer), nn.is_parametrized(layer, "bias")) == (True, True)
    nn.remove_parametrizations(layer, "weight")
    assert (nn.is_parametrized(layer, "weight"), type(layer).__name__) == (False, "ParametrizedLinear")
    nn.remove_parametrizations(layer, "bias")
    assert (type(layer), nn.is_parametrized(layer), list(layer.state_dict())) == (nn.Linear, False, ["weight", "bias"])


@pytest.mark.parametrize("leave", [True, False])
def test_removing_keeps_the_tensor_and_a_value(leave):
    layer = nn.register_parametrization(nn.Linear(2, 2), "weight", symmetric)
    original, value = layer.parametrizations["weight"].original, layer.weight.data.copy()
    before = original.data.copy()
    assert nn.remove_parametrizations(layer, "weight", leave_parametrized=leave) is layer
    assert layer.weight is original
    np.testing.assert_array_equal(layer.weight.data, value if leave else before)


def test_copies_are_independent():
    layer = nn.weight_norm(nn.Linear(2, 2))
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(twin.weight.data, layer.weight.data)
    twin.parametrizations["weight"].original0.data *= 2
    assert not np.allclose(twin.weight.data, layer.weight.data)
    nn.remove_parametrizations(twin, "weight")
    nn.register_parametrization(layer, "bias", gd.tanh)
    assert (type(twin), nn.is_parametrized(layer, "weight")) == (nn.Linear, True)


def test_state_dtype_and_freezing_reach_the_originals():
    a, b = (nn.Sequential(nn.weight_norm(nn.Linear(3, 2)), nn.spectral_norm(nn.Linear(2, 2))) for _ in range(2))
    b.load_state_dict(a.state_dict())
    x = gd.ones((4, 3))
    np.testing.assert_array_equal(a.eval()(x).data, b.eval()(x).data)
    assert a.to("float64")(x.astype("float64")).dtype == "float64"
    assert not any(p.requires_grad for p in a.requires_grad_(False).parameters())
    frozen = nn.weight_norm(nn.Linear(2, 2).requires_grad_(False))
    assert not any(p.requires_grad for p in frozen.parameters())


def test_buffers_can_be_computed_too():
    module = nn.Module()
    module.table = nn.Buffer([1.0, 2.0], persistent=False)
    nn.register_parametrization(module, "table", gd.exp)
    assert (list(module.state_dict()), len(list(module.buffers()))) == ([], 1)
    np.testing.assert_allclose(module.table.data, np.exp([1, 2]), rtol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, -1, None])
@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 4), lambda: nn.Conv2d(2, 3, 3)])
def test_weight_norm(make, dim):
    layer = make()
    before = layer.weight.data.copy()
    assert nn.weight_norm(layer, dim=dim) is layer
    np.testing.assert_allclose(layer.weight.data, before, rtol=1e-6)
    steps = layer.parametrizations["weight"]
    assert (steps.original0.ndim == 0) == (dim in (None, -1))
    steps.original0.data *= 2
    steps.original1.data *= 7  # its length has no effect
    np.testing.assert_allclose(layer.weight.data, 2 * before, rtol=1e-5)
    layer.weight = before
    np.testing.assert_allclose(layer.weight.data, before, rtol=1e-6)


def test_weight_norm_of_a_vector():
    layer = nn.weight_norm(nn.Linear(3, 4), "bias")
    assert layer.parametrizations["bias"].original0.shape == (4,)


@pytest.mark.parametrize("dim", [None, 1])
@pytest.mark.parametrize(
    "make", [lambda: nn.Linear(3, 4), lambda: nn.Conv1d(2, 3, 3), lambda: nn.ConvTranspose1d(2, 3, 3)]
)
def test_spectral_norm(make, dim):
    gd.random.seed(0)
    layer = nn.spectral_norm(make(), n_power_iterations=300, dim=dim, generator=gd.random.Generator(0))
    weight = layer.weight.data
    chosen = dim if dim is not None else int(isinstance(layer, nn.ConvTranspose1d))
    matrix = np.moveaxis(weight, chosen, 0).reshape(weight.shape[chosen], -1)
    np.testing.assert_allclose(np.linalg.svd(matrix)[1][0], 1, rtol=1e-4)
    layer.eval()
    state = layer.state_dict()
    np.testing.assert_array_equal(layer.weight.data, layer.weight.data)
    assert all(np.array_equal(state[key], value) for key, value in layer.state_dict().items())


def test_a_later_power_iteration_leaves_earlier_results_alone():
    layer = nn.spectral_norm(nn.Linear(3, 3, dtype="float64"), generator=gd.random.Generator(0))
    twin = copy.deepcopy(layer)
    x = gd.asarray(np.arange(3.0).reshape(1, 3))
    alone = twin(x).sum()
    alone.backward()
    first = layer(x).sum()
    layer(x)
    first.backward()
    expected, found = (m.parametrizations["weight"].original.grad.data for m in (twin, layer))
    np.testing.assert_array_equal(found, expected)


class Counting(nn.Module):
    """Changes its buffer in training."""

    def __init__(self):
        self.calls = nn.Buffer(0)

    def forward(self, w):
        if self.training:
            self.calls.data += 1
        return w


@pytest.mark.parametrize("training", [True, False])
def test_registering_is_no_step_of_training_and_takes_the_mode_of_the_module(training):
    step = Counting()
    layer = nn.register_parametrization(nn.Linear(2, 2).train(training), "weight", step)
    assert (step.calls.item(), step.training) == (0, training)
    layer(gd.ones((1, 2)))
    assert step.calls.item() == training


def test_spectral_norm_of_a_vector_is_its_direction():
    layer = nn.spectral_norm(nn.Linear(2, 3), "bias")
    np.testing.assert_allclose(np.linalg.norm(layer.bias.data), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("act", "kind", "text"),
    [
        (lambda m: nn.weight_norm(m, "wieght"), AttributeError, "of its own to compute: it has 'weight', 'bias'"),
        (lambda m: nn.spectral_norm(m, "wieght"), AttributeError, "no parameter or buffer 'wieght' of its own"),
        (lambda m: nn.weight_norm(m, dim=2), IndexError, "range"),
        (lambda m: nn.spectral_norm(m, dim=2), IndexError, "range"),
        (lambda m: nn.spectral_norm(m, n_power_iterations=0), ValueError, "n_power_iterations is 1 or more, and 0 was"),
        (lambda m: nn.register_parametrization(m, "weight", 3), TypeError, "that takes a tensor, not a int"),
        (lambda m: nn.register_parametrization(m, "weight", nn.ReLU), TypeError, "not the class ReLU"),
        (
            lambda m: nn.register_parametrization(m, "weight", gd.sum),
            ShapeError,
            "of 'weight' returned shape (), float32, and must return a tensor of shape (2, 2), float32, as the one",
        ),
        (
            lambda m: nn.register_parametrization(m, "weight", lambda w: None),
            ShapeError,
            "the parametrization <lambda> of 'weight' returned a NoneType, and must return",
        ),
        (lambda m: nn.remove_parametrizations(m, "weight"), ValueError, "'weight' of Linear has no parametrization"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_the_module_as_it_was(act, kind, text):
    module = nn.Linear(2, 2)
    before = dict(vars(module))
    with pytest.raises(kind, match=re.escape(text)):
        act(module)
    assert vars(module) == before
    assert type(module) is nn.Linear


def test_what_is_refused_later():
    layer = nn.register_parametrization(nn.Linear(2, 2), "weight", symmetric)
    with pytest.raises(AttributeError, match="the tensor is computed by symmetric, which has no right_inverse"):
        layer.weight = np.eye(2)
    with pytest.raises(ValueError, match="has a parametrization already, and one with right_inverse can only be the f"):
        nn.weight_norm(layer)
    normed = nn.weight_norm(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="is made of 2 originals, none of which is it"):
        nn.remove_parametrizations(normed, "weight", leave_parametrized=False)
    assert nn.is_parametrized(normed)


def test_spectral_norm_of_large_numbers_in_half_precision():
    layer = nn.Linear(2, 1, bias=False, dtype="float16")
    layer.weight.data[...] = [[3000, 4000]]  # squares overflow
    nn.spectral_norm(layer)
    np.testing.assert_allclose(layer.weight.data, [[0.6, 0.8]], rtol=2e-3)
