import functools

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
E = np.exp

# module, and the same function in plain NumPy, by its definition
CASES = [
    (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    (nn.ELU(1.5), lambda x: np.where(x > 0, x, 1.5 * (E(x) - 1))),
    (nn.SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (E(x) - 1))),
    (nn.CELU(1.5), lambda x: np.where(x > 0, x, 1.5 * (E(x / 1.5) - 1))),
    (nn.GELU(), lambda x: x * np.vectorize(lambda v: 0.5 * (1 + gd.erf(v / np.sqrt(2)).item()))(x)),
    (nn.GELU("tanh"), lambda x: x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    (nn.SiLU(), lambda x: x / (1 + E(-x))),
    (nn.Mish(), lambda x: x * np.tanh(np.log(1 + E(x)))),
    (nn.Softplus(), lambda x: np.log(1 + E(x))),
    (nn.Softplus(2.0, 1.0), lambda x: np.where(2 * x > 1, x, np.log(1 + E(2 * x)) / 2)),
    (nn.Softsign(), lambda x: x / (1 + np.abs(x))),
    (nn.Hardtanh(-0.5, 2.0), lambda x: np.clip(x, -0.5, 2)),
    (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    (nn.Hardswish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    (nn.Hardsigmoid(), lambda x: np.clip(x + 3, 0, 6) / 6),
    (nn.LogSigmoid(), lambda x: np.log(1 / (1 + E(-x)))),
    (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    (nn.Softshrink(0.7), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.7, 0)),
    (nn.Hardshrink(0.7), lambda x: np.where(np.abs(x) > 0.7, x, 0)),
    (nn.Threshold(0.3, -2.0), lambda x: np.where(x > 0.3, x, -2)),
    (nn.PReLU(dtype="float64"), lambda x: np.where(x > 0, x, 0.25 * x)),
    (nn.Softmax(0, temperature=2.0), lambda x: E(x / 2) / E(x / 2).sum(0)),
    (nn.Softmin(1), lambda x: E(-x) / E(-x).sum(1, keepdims=True)),
    (nn.LogSoftmax(1), lambda x: np.log(E(x) / E(x).sum(1, keepdims=True))),
    (nn.GLU(1), lambda x: x[:, :2] / (1 + E(-x[:, 2:]))),
    (nn.RReLU(0.2, 0.4).eval(), lambda x: np.where(x > 0, x, 0.3 * x)),
    (nn.RReLU(0.3, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
]
each = pytest.mark.parametrize(
    ("layer", "function"), CASES, ids=lambda case: repr(case) if isinstance(case, nn.Module) else ""
)


@each
def test_values_and_derivatives(layer, function):
    x = RNG.uniform(-4, 4, (3, 4))
    assert np.allclose(layer(x).data, function(x), 1e-10, 1e-12)
    check_grads(layer, [x])


@each
def test_third_order(layer, function):
    check_grads(layer, [RNG.uniform(-1.9, 1.9, (1, 4))], order=3)


@each
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_and_far_numbers(layer, function, dtype):
    layer.to(dtype)
    x = gd.tensor(np.array([[1000.0, -1000.0, 0.0, 0.5]], dtype), requires_grad=True)
    y = layer(x)
    assert y.dtype == dtype
    assert np.isfinite(y.data).all()
    y.backward(np.full(y.shape, 2, dtype))
    assert x.grad.dtype == dtype
    assert np.isfinite(x.grad.data).all()
    near = np.array([[0.25, -0.5, 1.0, 2.0]])
    assert np.allclose(
        layer(near.astype(dtype)).data, function(near), *((5e-3, 1e-3) if dtype == "float16" else (2e-6,))
    )
    layer.to("float64")


@each
def test_large_transposed_arrays(layer, function):
    x = RNG.uniform(-4, 4, (4, 40_000)).T
    assert np.allclose(layer(x).data, function(x), 1e-10, 1e-12)
    y = gd.Tensor(x, requires_grad=True)
    layer(y).sum().backward()
    part = gd.Tensor(x[:10].copy(), requires_grad=True)
    if not isinstance(layer, nn.Softmax):
        layer(part).sum().backward()
        assert np.allclose(y.grad.data[:10], part.grad.data, 1e-12, 1e-14)


@each
def test_vmap(layer, function):
    x = RNG.uniform(-4, 4, (2, 3, 4))
    assert np.allclose(gd.vmap(layer)(x).data, np.stack([function(row) for row in x]), 1e-10, 1e-12)


KINKS = [
    (F.leaky_relu, 0.0, 0.01),
    (functools.partial(F.elu, alpha=2.0), 0.0, 2.0),
    (functools.partial(F.celu, alpha=2.0), 0.0, 1.0),
    (F.hardtanh, -1.0, 0.0),
    (F.hardtanh, 1.0, 0.0),
    (F.relu6, 0.0, 0.0),
    (F.relu6, 6.0, 0.0),
    (F.hardswish, -3.0, 0.0),
    (F.hardswish, 3.0, 1.0),
    (F.hardsigmoid, -3.0, 0.0),
    (F.hardsigmoid, 3.0, 0.0),
    (F.softshrink, 0.5, 0.0),
    (F.softshrink, -0.5, 0.0),
    (F.hardshrink, 0.5, 0.0),
    (functools.partial(F.threshold, threshold=1.0, value=5.0), 1.0, 0.0),
    (functools.partial(F.prelu, weight=[0.25]), 0.0, 0.25),
    (F.softsign, 0.0, 1.0),
]


@pytest.mark.parametrize(("function", "place", "slope"), KINKS)
@pytest.mark.parametrize("count", [1, 2000])  # long arrays take other ways
def test_derivatives_at_kinks(function, place, slope, count):
    x = gd.full((count,), place, requires_grad=True)
    function(x).backward(np.full(count, 2.0))
    assert np.allclose(x.grad.data, 2 * slope)


def test_slopes_of_channels():
    layer = nn.PReLU(3, dtype="float64")
    check_grads(F.prelu, [RNG.normal(size=(2, 3, 4)), RNG.normal(size=3)])
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert layer.weight.tolist() == [0.25] * 3
    assert nn.PReLU(2, 0.5).weight.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.GELU("fast"), ValueError, "GELU: unknown approximate 'fast': give 'none' or 'tanh'"),
        (lambda: F.gelu(1.0, approximate="x"), ValueError, "gelu: unknown approximate 'x'"),
        (lambda: F.celu(1.0, 0.0), ValueError, "celu: x is divided by alpha, so it cannot be 0; .* limit is relu"),
        (lambda: F.softplus(1.0, 0.0), ValueError, "softplus: the logarithm is divided by beta"),
        (lambda: nn.Hardtanh(2.0, 1.0), ValueError, r"Hardtanh: min_val=2.0 is above max_val=1.0: exchange them"),
        (lambda: F.hardtanh(0.0, 2.0, 1.0), ValueError, r"hardtanh: min_val=2.0 is above max_val=1.0"),
        (lambda: nn.Softshrink(-1.0), ValueError, "Softshrink: .* lambd=-1.0 must not be negative"),
        (lambda: F.hardshrink(0.0, -1.0), ValueError, "hardshrink: .* lambd=-1.0 must not be negative"),
        (lambda: nn.Softmax(temperature=0.0), ValueError, "Softmax: .* a number above 0, and 0.0 is not; .* argmax"),
        (lambda: F.softmax([1.0], temperature=-1.0), ValueError, "softmax: the logits are divided by the temperature"),
        (lambda: F.glu(gd.ones((2, 3))), ShapeError, r"glu: axis -1 of x, of shape \(2, 3\), .* length 3 is odd"),
        (lambda: F.glu(gd.ones(4), 1), ShapeError, r"glu: axis 1 is not there: x has shape \(4,\)"),
        (
            lambda: F.prelu(gd.ones((2, 3)), gd.ones(2)),
            ShapeError,
            r"prelu: weight has shape \(2,\), .* the 3 channels",
        ),
        (lambda: nn.PReLU(0), ValueError, "PReLU: num_parameters must be 1 or more, and it is 0"),
        (
            lambda: nn.RReLU(0.5, 0.2),
            ValueError,
            "RReLU: slopes are drawn between lower and upper, and 0.5 is above 0.2",
        ),
        (lambda: F.rrelu(gd.ones(2), 0.5, 0.2), ValueError, "rrelu: slopes are drawn between lower and upper"),
        (lambda: F.rrelu(gd.ones(2, dtype="int64"), training=True), DTypeError, "rrelu: takes floats, and x is int64"),
        (lambda: nn.PReLU(1.5), TypeError, "PReLU: num_parameters must be an integer, and 1.5 is a float"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_drawn_slopes():
    x = gd.full((20_000,), -1.0, requires_grad=True)
    layer = nn.RReLU(0.1, 0.4, generator=gd.random.Generator(0))
    y = layer(x)
    slopes = -y.data
    assert slopes.min() >= 0.1
    assert slopes.max() <= 0.4
    assert slopes.std() == pytest.approx(0.3 / np.sqrt(12), rel=0.02)
    y.backward(np.full(20_000, 2.0, "f"))
    assert np.allclose(x.grad.data, 2 * slopes)
    again = nn.RReLU(0.1, 0.4, generator=gd.random.Generator(0))(x)
    assert np.array_equal(again.data, y.data)
    assert not np.array_equal(layer(x).data, y.data)
    assert np.array_equal(layer(gd.ones(3)).data, np.ones(3))
    drawn = gd.vmap(lambda a: layer(a))(np.full((2, 50), -1.0)).data
    assert len(np.unique(drawn)) == 100


def test_reprs():
    assert repr(nn.RReLU()) == "RReLU(lower=0.125, upper=0.3333333333333333)"
    assert repr(nn.Softmax(1)) == "Softmax(dim=1)"
    assert repr(nn.Softmax(1, temperature=2.0)) == "Softmax(dim=1, temperature=2.0)"
    assert repr(nn.Threshold(1.0, 2.0)) == "Threshold(threshold=1.0, value=2.0)"
