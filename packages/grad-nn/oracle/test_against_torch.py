"""Every function and layer beside its counterpart in torch.nn, live; the last line counts the comparisons."""

import math

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
from comparing import COUNT, RNG, compare, same


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    print(f"\ngrad-nn: {next(COUNT)} arrays compared with torch {torch.__version__}")


pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7,), (1, 7), (5, 7), (0, 7), (2, 3, 7), (2, 1, 3, 7), (2, 0, 7)])
def test_linear(shape, bias, dtype):
    arrays = [RNG.normal(size=shape), RNG.normal(size=(5, 7)), RNG.normal(size=5)][: 2 + bias]
    compare(F.linear, torch.nn.functional.linear, arrays, dtype)


LOGITS = [((5, 3), (5,)), ((1, 2), (1,)), ((4, 1), (4,)), ((3,), ()), ((2, 3, 4), (2, 4)), ((2, 3, 2, 5), (2, 2, 5))]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shapes", LOGITS)
@pytest.mark.parametrize("scale", [1, 30])
def test_cross_entropy(shapes, reduction, scale, dtype):
    ours, theirs = nn.CrossEntropyLoss(reduction=reduction), torch.nn.CrossEntropyLoss(reduction=reduction)
    shape, ids = shapes
    logits = RNG.normal(size=shape) * scale
    classes = shape[min(1, len(shape) - 1)]
    compare(ours, theirs, [logits, RNG.integers(0, classes, ids)], dtype)
    compare(ours, theirs, [logits, RNG.uniform(0, 1, shape)], dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (5,), (5, 1), (3, 4, 2), (1,)])
def test_mse(shape, reduction, dtype):
    ours, theirs = nn.MSELoss(reduction=reduction), torch.nn.MSELoss(reduction=reduction)
    compare(ours, theirs, [RNG.normal(size=shape), RNG.normal(size=shape)], dtype)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.Tanh(), torch.nn.Tanh()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.Flatten(), torch.nn.Flatten()),
        (nn.Flatten(0, 1), torch.nn.Flatten(0, 1)),
        (nn.Flatten(-2, -1), torch.nn.Flatten(-2, -1)),
        (nn.Dropout(0.3).eval(), torch.nn.Dropout(0.3).eval()),
        (nn.Dropout(1.0), torch.nn.Dropout(1.0)),
        (nn.Dropout(0.0), torch.nn.Dropout(0.0)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 1, 1), (3, 0)])
def test_layers_without_parameters(ours, theirs, shape, dtype):
    x = RNG.normal(size=shape) * 5
    x.reshape(-1)[:1] = 0  # the kink
    compare(ours, theirs, [x], dtype)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_has_the_same_distribution(p, dtype):
    x = np.ones((300, 300), dtype)
    ours = nn.Dropout(p, generator=gd.random.Generator(0))(x).data
    torch.manual_seed(0)
    theirs = torch.nn.Dropout(p)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), 1e-6)
    assert np.mean(ours == 0) == pytest.approx(np.mean(theirs == 0), abs=0.01)
    next(COUNT)


def models(dtype):
    """The same model in both libraries, with one set of weights."""
    theirs = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(12, 9),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Sequential(torch.nn.Linear(9, 7, bias=False), torch.nn.Tanh()),
        torch.nn.Linear(7, 5),
        torch.nn.Sigmoid(),
        torch.nn.Linear(5, 3),
    ).to(getattr(torch, dtype))
    ours = nn.Sequential(
        nn.Flatten(),
        nn.Linear(12, 9),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Sequential(nn.Linear(9, 7, bias=False), gd.tanh),
        nn.Linear(7, 5),
        nn.Sigmoid(),
        nn.Linear(5, 3),
    ).to(dtype)
    return ours, theirs


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "MSELoss"])
def test_a_state_dict_of_torch_loads_and_gives_the_same_numbers(loss, batch, dtype):
    torch.manual_seed(batch)
    ours, theirs = models(dtype)
    ours.eval()
    theirs.eval()
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: tuple(v.shape) for k, v in state.items()}
    ours.load_state_dict(state)  # the tensors of torch themselves
    x = RNG.normal(size=(batch, 3, 4)).astype(dtype)
    target = RNG.integers(0, 3, batch) if loss == "CrossEntropyLoss" else RNG.normal(size=(batch, 3)).astype(dtype)
    x_ours, x_theirs = gd.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(x_ours), theirs(x_theirs)
    same(y, z, dtype)
    a = getattr(nn, loss)()(y, target)
    b = getattr(torch.nn, loss)()(z, torch.tensor(target))
    same(a, b, dtype)
    a.backward()
    b.backward()
    same(x_ours.grad, x_theirs.grad, dtype)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        same(p.grad, q.grad, dtype)
    back = models(dtype)[1]
    back.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    back.eval()
    same(y, back(x_theirs), dtype)


def test_shared_parameters_have_the_names_that_torch_gives_them(dtype):
    def tie(library):
        model = library.Sequential(library.Linear(3, 3), library.Linear(3, 3))
        model[1].weight = model[0].weight
        return model

    ours, theirs = tie(nn).to(dtype), tie(torch.nn).to(getattr(torch, dtype))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    ours.load_state_dict(theirs.state_dict())
    assert ours[0].weight is ours[1].weight
    x = RNG.normal(size=(2, 3)).astype(dtype)
    same(ours(x), theirs(torch.tensor(x)), dtype)


def test_names_of_modules_and_repr(dtype):
    ours, theirs = models(dtype)
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in theirs.named_modules() if name != "4.1"]
    lines = repr(theirs).replace("Tanh()", "tanh").replace(", inplace=False", "")
    assert repr(ours) == lines


@pytest.mark.parametrize("features", [(20, 3000), (300, 40)])
def test_linear_starts_from_the_same_distribution(features, dtype):
    ours = nn.Linear(*features, dtype=dtype, generator=gd.random.Generator(0))
    torch.manual_seed(0)
    theirs = torch.nn.Linear(*features, dtype=getattr(torch, dtype))
    bound = 1 / math.sqrt(features[0])
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        a, b = p.data, q.detach().numpy()
        assert a.dtype == b.dtype
        assert np.abs(a).max() <= bound
        assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.1)
        assert a.std() == pytest.approx(b.std(), rel=0.2 if a.size < 100 else 0.05)
        next(COUNT)


INITS = [
    ("uniform_", {}),
    ("uniform_", {"a": -2.0, "b": 5.0}),
    ("normal_", {}),
    ("normal_", {"mean": 3.0, "std": 0.1}),
    ("constant_", {"val": 1.5}),
    ("zeros_", {}),
    ("ones_", {}),
    ("trunc_normal_", {}),
    ("trunc_normal_", {"mean": 1.0, "std": 0.5, "a": 0.5, "b": 3.0}),
    *((f"xavier_{kind}_", {"gain": gain}) for kind in ("uniform", "normal") for gain in (1.0, 2.5)),
    *(
        (f"kaiming_{kind}_", {"a": a, "mode": mode, "nonlinearity": after})
        for kind in ("uniform", "normal")
        for a in (0, 0.7)
        for mode in ("fan_in", "fan_out")
        for after in ("leaky_relu", "relu", "tanh", "linear")
    ),
]


@pytest.mark.parametrize("shape", [(90, 200), (50, 60, 3, 3)])
@pytest.mark.parametrize(("name", "options"), INITS)
def test_init(name, options, shape, dtype):
    ours = getattr(nn.init, name)(gd.empty(shape, dtype=dtype), **options).data
    theirs = getattr(torch.nn.init, name)(torch.empty(shape, dtype=getattr(torch, dtype)), **options).numpy()
    assert ours.dtype == theirs.dtype
    spread = float(theirs.std())
    assert ours.std() == pytest.approx(spread, rel=0.05)
    assert ours.mean() == pytest.approx(float(theirs.mean()), abs=0.05 * spread)
    if "normal" not in name:
        assert ours.max() == pytest.approx(float(theirs.max()), abs=0.02 * spread)
        assert ours.min() == pytest.approx(float(theirs.min()), abs=0.02 * spread)
    next(COUNT)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 1)])
def test_eye(shape, dtype):
    same(
        nn.init.eye_(gd.empty(shape, dtype=dtype)),
        torch.nn.init.eye_(torch.empty(shape, dtype=getattr(torch, dtype))),
        dtype,
    )


@pytest.mark.parametrize(
    ("shape", "groups"), [((3, 5, 3), 1), ((6, 2, 3, 3), 1), ((6, 2, 4, 5), 3), ((4, 4, 1, 2, 3), 2)]
)
def test_dirac(shape, groups, dtype):
    theirs = torch.nn.init.dirac_(torch.empty(shape, dtype=getattr(torch, dtype)), groups)
    same(nn.init.dirac_(gd.empty(shape, dtype=dtype), groups), theirs, dtype)


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 2, 2, 2), (5, 3, 2)])
def test_orthogonal(shape, dtype):
    drawn = []
    for fill, empty in (
        (nn.init.orthogonal_, gd.empty(shape, dtype=dtype)),
        (torch.nn.init.orthogonal_, torch.empty(shape, dtype=getattr(torch, dtype))),
    ):
        w = np.asarray(fill(empty, 1.5)).reshape(shape[0], -1)
        drawn.append(w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w)
    np.testing.assert_allclose(drawn[0], drawn[1], atol=1e-5)
    next(COUNT)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.55, 1.0])
def test_sparse(sparsity, dtype):
    ours = nn.init.sparse_(gd.empty((300, 40), dtype=dtype), sparsity, 0.2).data
    theirs = torch.nn.init.sparse_(torch.empty((300, 40), dtype=getattr(torch, dtype)), sparsity, 0.2).numpy()
    np.testing.assert_array_equal((ours == 0).sum(0), (theirs == 0).sum(0))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)
    next(COUNT)


@pytest.mark.parametrize("param", [None, 0.3])
@pytest.mark.parametrize(
    "name", ["linear", "conv1d", "conv3d", "conv_transpose2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"]
)
def test_gain(name, param, dtype):
    assert nn.init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-12)
    next(COUNT)
