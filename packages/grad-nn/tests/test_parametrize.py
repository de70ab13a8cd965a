"""Parameters that are computed from others."""

import copy

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import ShapeError
from grad_core.testing import check_grads
from grad_nn import parametrize


def linear(dtype="float64"):
    return nn.Linear(3, 3, dtype=dtype, generator=gd.random.Generator(0))


def symmetric(w):
    return gd.triu(w) + gd.triu(w, 1).mT


class Scale(nn.Module):
    """A module as parametrization, with a parameter and a buffer of its own."""

    def __init__(self):
        self.log_scale = nn.Parameter(np.zeros(1))
        self.sign = nn.Buffer(np.ones(1))

    def forward(self, w):
        return w * gd.exp(self.log_scale) * self.sign

    def right_inverse(self, w):
        return w * gd.exp(-self.log_scale)


def test_a_plain_function():
    layer = linear()
    old = layer.weight
    assert parametrize.register_parametrization(layer, "weight", symmetric) is layer
    assert isinstance(layer, nn.Linear)
    assert type(layer).__name__ == "ParametrizedLinear"
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert layer.parametrizations["weight"].original is old  # an optimizer that has it goes on
    assert np.array_equal(layer.weight.data, layer.weight.data.T)
    assert layer.weight.requires_grad
    upstream = np.arange(9.0).reshape(3, 3)
    layer.weight.backward(upstream)
    assert np.array_equal(old.grad.data, np.triu(upstream) + np.triu(upstream.T, 1))


def test_every_reading_follows_the_original_and_the_state():
    layer = parametrize.register_parametrization(linear(), "weight", gd.exp)
    layer.parametrizations["weight"].original.data[...] = 0
    assert layer.weight.tolist() == [[1.0] * 3] * 3
    other = parametrize.register_parametrization(linear(), "weight", gd.exp)
    other.load_state_dict(layer.state_dict())
    assert np.array_equal(other.weight.data, layer.weight.data)


def test_assigning_needs_an_inverse():
    layer = linear()
    layer.weight.data = np.full((3, 3), np.e)
    parametrize.register_parametrization(layer, "weight", gd.exp, inverse=gd.log)
    assert np.allclose(layer.weight.data, np.e)
    assert np.allclose(layer.parametrizations["weight"].original.data, 1)
    layer.weight = np.ones((3, 3))
    assert np.array_equal(layer.parametrizations["weight"].original.data, np.zeros((3, 3)))
    with pytest.raises(ShapeError, match=r"original has shape \(3, 3\), and the inverse gives \(3,\)"):
        layer.weight = np.ones(3)
    parametrize.register_parametrization(layer, "bias", symmetric_bias)
    with pytest.raises(AttributeError, match=r"by symmetric_bias, which has no inverse, so it cannot be assigned"):
        layer.bias = np.ones(3)


def symmetric_bias(b):
    return b + b[::-1]


def test_several_functions_and_modules():
    layer = linear()
    old = layer.weight.data.copy()
    parametrize.register_parametrization(layer, "weight", Scale())
    parametrize.register_parametrization(layer, "weight", symmetric)
    assert np.allclose(layer.weight.data, np.triu(old) + np.triu(old, 1).T)
    assert list(layer.state_dict()) == [
        "bias",
        "parametrizations.weight.original",
        "parametrizations.weight.0.log_scale",
        "parametrizations.weight.0.sign",
    ]
    layer.parametrizations["weight"][0].log_scale.data[...] = np.log(2)
    layer.weight.sum().backward()
    assert np.isclose(layer.parametrizations["weight"][0].log_scale.grad.item(), layer.weight.data.sum())
    assert layer.eval().parametrizations["weight"][0].training is False


def test_two_parameters_of_one_module_and_taking_them_off():
    layer = linear()
    parametrize.register_parametrization(layer, "weight", symmetric)
    parametrize.register_parametrization(layer, "bias", gd.exp)
    assert parametrize.is_parametrized(layer)
    assert list(layer.state_dict()) == ["parametrizations.weight.original", "parametrizations.bias.original"]
    weight, bias = layer.weight.data, layer.parametrizations["bias"].original.data.copy()
    original = layer.parametrizations["weight"].original
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is original
    assert np.array_equal(layer.weight.data, weight)
    assert not parametrize.is_parametrized(layer, "weight")
    assert parametrize.is_parametrized(layer, "bias")
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert np.array_equal(layer.bias.data, bias)
    assert type(layer) is nn.Linear
    assert sorted(vars(layer)) == sorted(vars(linear()))


@pytest.mark.parametrize("norm", [parametrize.weight_norm, parametrize.spectral_norm])
def test_copies_are_independent(norm):
    layer = norm(linear())
    twin = copy.deepcopy(layer).eval()
    parametrize.register_parametrization(twin, "bias", gd.exp)
    assert not parametrize.is_parametrized(layer, "bias")
    before = layer.eval().weight.data
    next(p for p in twin.parameters() if p.shape == (3, 3)).data[...] += 1
    assert np.array_equal(layer.weight.data, before)
    assert not np.array_equal(twin.weight.data, before)


@pytest.mark.parametrize("dim", [0, 1, -1, None])
def test_weight_norm_keeps_the_weight_and_splits_it(dim):
    layer = linear()
    weight = layer.weight.data.copy()
    parametrize.weight_norm(layer, dim=dim)
    assert np.allclose(layer.weight.data, weight, rtol=1e-14)
    g = layer.parametrizations["weight"].original0
    assert g.shape == {0: (3, 1), 1: (1, 3)}.get(dim, ())
    g.data *= 2
    assert np.allclose(layer.weight.data, 2 * weight)
    new = weight + 1
    layer.weight = new
    assert np.allclose(layer.weight.data, new)


def test_weight_norm_of_a_vector():
    layer = parametrize.weight_norm(linear(), "bias")
    assert layer.parametrizations["bias"].original0.shape == (3,)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_spectral_norm_finds_the_largest_singular_value(dtype):
    layer = parametrize.spectral_norm(linear(dtype), n_power_iterations=50, generator=gd.random.Generator(0))
    weight = layer.weight
    assert weight.dtype == dtype
    assert np.isclose(np.linalg.norm(weight.data.astype("float64"), 2), 1, rtol={"float16": 1e-2}.get(dtype, 1e-5))


def test_spectral_norm_goes_on_in_training_only_and_does_not_disturb_the_graph():
    layer = parametrize.spectral_norm(linear(), generator=gd.random.Generator(1))
    parts = layer.parametrizations["weight"][0]
    first = layer.weight
    u = parts._u.data.copy()
    second = layer.weight
    assert not np.array_equal(parts._u.data, u)
    first.sum().backward()
    second.sum().backward()
    u = parts._u.data.copy()
    layer.eval()
    assert np.array_equal(layer.weight.data, layer.weight.data)
    assert np.array_equal(parts._u.data, u)
    check_grads(parts, [layer.parametrizations["weight"].original.data.copy()], order=2)


def test_spectral_norm_of_a_vector_and_of_a_transposed_convolution():
    bias = parametrize.spectral_norm(linear(), "bias")
    assert np.isclose(np.linalg.norm(bias.bias.data), 1)
    conv = parametrize.spectral_norm(nn.ConvTranspose2d(3, 5, 2))
    assert conv.parametrizations["weight"][0]._u.shape == (5,)
    assert conv.parametrizations["weight"][0]._v.shape == (12,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: parametrize.register_parametrization(m, "wieght", gd.exp), AttributeError,
         r"Linear has no parameter 'wieght' of its own; it has weight, bias"),
        (lambda m: parametrize.register_parametrization(m, "weight", Scale), TypeError, "make one of the class"),
        (lambda m: parametrize.register_parametrization(m, "weight", 3), TypeError, "a function or module, not 3$"),
        (lambda m: parametrize.register_parametrization(m, "weight", lambda w: w[:2]), ShapeError,
         r"keeps the shape, and weight of \(3, 3\) would get \(2, 3\)"),
        (lambda m: parametrize.remove_parametrizations(m, "weight"), ValueError, "has no parametrized 'weight'"),
        (lambda m: parametrize.remove_parametrizations(parametrize.weight_norm(copy.deepcopy(m)), "weight", False),
         ValueError, r"computed from original0, original1, and none .*pass leave_parametrized=True"),
        (lambda m: parametrize.spectral_norm(m, n_power_iterations=-1), ValueError, "must be 0 or more"),
        (lambda m: parametrize.spectral_norm(m, "w"), AttributeError, "Linear has no parameter 'w' of its own"),
    ],
)  # fmt: skip
def test_errors_leave_the_module_as_it_was(call, error, message):
    layer = linear()
    before = dict(vars(layer))
    with pytest.raises(error, match=message):
        call(layer)
    assert type(layer) is nn.Linear
    assert vars(layer) == before


def test_a_second_function_that_does_not_fit_is_refused():
    layer = parametrize.register_parametrization(linear(), "weight", symmetric)
    with pytest.raises(ShapeError, match="keeps the shape"):
        parametrize.register_parametrization(layer, "weight", gd.sum)
    assert len(layer.parametrizations["weight"]) == 1
