"""Every activation and option of torch.nn beside ours; the last line says what was compared."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
from comparing import COUNT, RNG, compare, same

# names and arguments, which both libraries take
MODULES = [
    ("ReLU", {}),
    ("Sigmoid", {}),
    ("Tanh", {}),
    *[("LeakyReLU", {"negative_slope": slope}) for slope in (0.01, 0.5, 0.0, 2.0)],
    *[("ELU", {"alpha": alpha}) for alpha in (1.0, 0.3, 2.0)],
    ("SELU", {}),
    *[("CELU", {"alpha": alpha}) for alpha in (1.0, 0.3, 2.0)],
    *[("GELU", {"approximate": approximate}) for approximate in ("none", "tanh")],
    ("SiLU", {}),
    ("Mish", {}),
    ("Softplus", {}),
    ("Softplus", {"beta": 0.7, "threshold": 3.0}),
    ("Softsign", {}),
    ("Hardtanh", {}),
    ("Hardtanh", {"min_val": -0.5, "max_val": 3.0}),
    ("ReLU6", {}),
    ("Hardswish", {}),
    ("Hardsigmoid", {}),
    ("LogSigmoid", {}),
    ("Tanhshrink", {}),
    *[(name, {"lambd": lambd}) for name in ("Softshrink", "Hardshrink") for lambd in (0.5, 0.0, 2.0)],
    ("Threshold", {"threshold": 1.0, "value": -3.0}),
    *[("RReLU", {"lower": slope, "upper": slope}) for slope in (0.25, 0.0)],  # in training, with nothing left to chance
]
# torch computes these with constants of float32
ROUGH = {("Hardsigmoid", "float64"), ("CELU", "float64")}
NO_SECOND_ORDER = {"Hardsigmoid"}  # in torch
KINKS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 6.0, -6.0, 1000.0, -1000.0]


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    listed = sorted({name for name, _ in MODULES} | {"PReLU", "GLU", "Softmax", "LogSoftmax", "Softmin"})
    print(f"\ngrad-nn activations, {next(COUNT)} arrays compared so far: {', '.join(listed)}")


pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])


def matched(name, options, x, dtype, order=2):
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    factor = 2e4 if (name, dtype) in ROUGH else 1
    compare(ours, theirs, [x], dtype, 1 if name in NO_SECOND_ORDER else order, factor)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize(("name", "options"), MODULES, ids=repr)
def test_at_random_places(name, options, shape, dtype):
    matched(name, options, RNG.normal(size=shape) * 3, dtype)


@pytest.mark.parametrize(("name", "options"), MODULES, ids=repr)
def test_at_kinks_and_far_away(name, options, dtype):
    # at 1000 the second derivative of torch's mish is NaN
    places = KINKS[:-2] if name == "Mish" else KINKS
    matched(name, options, np.array(places), dtype)
    matched(name, options, np.array(KINKS), dtype, 1)


@pytest.mark.parametrize(("name", "options"), MODULES, ids=repr)
def test_large_arrays(name, options, dtype):
    matched(name, options, RNG.normal(size=(300, 501)) * 3, dtype, 1)


@pytest.mark.parametrize(("name", "options"), MODULES, ids=repr)
def test_repr(name, options, dtype):
    assert repr(getattr(nn, name)(**options)) == repr(getattr(torch.nn, name)(**options))


@pytest.mark.parametrize(
    ("count", "shape"), [(1, ()), (1, (4,)), (1, (3, 5)), (3, (2, 3)), (3, (2, 3, 4)), (3, (1, 3, 2, 2)), (3, (0, 3))]
)
def test_prelu(count, shape, dtype):
    ours = nn.PReLU(count, 0.3, dtype=dtype)
    theirs = torch.nn.PReLU(count, 0.3, dtype=getattr(torch, dtype))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    same(ours.weight, theirs.weight, dtype)
    x = RNG.normal(size=shape)
    compare(F.prelu, torch.nn.functional.prelu, [x, RNG.normal(size=count)], dtype)
    x.reshape(-1)[:1] = 0  # where torch's second derivatives do not belong to its first ones
    compare(F.prelu, torch.nn.functional.prelu, [x, RNG.normal(size=count)], dtype, 1)


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin"])
@pytest.mark.parametrize(
    ("dim", "shape"), [(0, (3,)), (1, (2, 3)), (-1, (2, 3)), (0, (2, 3)), (1, (1, 4, 2)), (-2, (2, 3, 4))]
)
def test_softmax_and_relatives(name, dim, shape, dtype):
    ours, theirs = getattr(nn, name)(dim), getattr(torch.nn, name)(dim)
    assert repr(ours) == repr(theirs)
    compare(ours, theirs, [RNG.normal(size=shape) * 3], dtype)
    compare(ours, theirs, [RNG.choice([-1000.0, 0.0, 1000.0], shape)], dtype, 1)


@pytest.mark.parametrize("temperature", [0.5, 2.0, 10.0])
def test_temperature(temperature, dtype):
    def theirs(x):
        return torch.softmax(x / temperature, 1)

    compare(nn.Softmax(1, temperature=temperature), theirs, [RNG.normal(size=(2, 3, 2)) * 3], dtype)


@pytest.mark.parametrize(("dim", "shape"), [(-1, (6,)), (-1, (3, 2)), (0, (4, 3)), (1, (2, 6, 3)), (1, (1, 2, 3, 2))])
def test_glu(dim, shape, dtype):
    compare(nn.GLU(dim), torch.nn.GLU(dim), [RNG.normal(size=shape) * 3], dtype)
    assert repr(nn.GLU(dim)) == repr(torch.nn.GLU(dim))


def test_second_derivatives_far_away_are_numbers(dtype):
    for name, options in MODULES:
        x = gd.tensor(np.array(KINKS, dtype), requires_grad=True)
        g = gd.gradients(getattr(nn, name)(**options)(x).sum(), [x], create_graph=True)[x]
        again = gd.gradients(g.sum(), [x])[x] if g.requires_grad else None
        assert again is None or np.isfinite(again.data).all()


def test_rrelu(dtype):
    compare(nn.RReLU(0.1, 0.4).eval(), torch.nn.RReLU(0.1, 0.4).eval(), [RNG.normal(size=(3, 5))], dtype, 1)
    compare(lambda x: F.rrelu(x), lambda x: torch.nn.functional.rrelu(x), [RNG.normal(size=7)], dtype, 1)
    x = -np.ones(40_000, dtype)
    ours = -nn.RReLU(0.1, 0.4, generator=gd.random.Generator(0))(x).data
    theirs = -torch.nn.RReLU(0.1, 0.4)(torch.tensor(x)).numpy()
    for drawn in (ours, theirs):
        assert drawn.min() >= 0.1
        assert drawn.max() < 0.4001
        assert abs(drawn.mean() - 0.25) < 0.003
        assert abs(drawn.std() - 0.3 / np.sqrt(12)) < 0.003
