import math

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import InPlaceError, ShapeError

SHAPE = (60, 50, 2)  # fan_in 100, fan_out 120
RELU, LEAKY = math.sqrt(2), math.sqrt(2 / 1.25)

UNIFORM = [
    ("uniform_", {}, 0.0, 1.0),
    ("uniform_", {"a": -2.0, "b": 3.0}, -2.0, 3.0),
    ("xavier_uniform_", {}, -math.sqrt(6 / 220), math.sqrt(6 / 220)),
    ("xavier_uniform_", {"gain": 2.0}, -2 * math.sqrt(6 / 220), 2 * math.sqrt(6 / 220)),
    ("kaiming_uniform_", {}, -RELU * math.sqrt(3 / 100), RELU * math.sqrt(3 / 100)),
    ("kaiming_uniform_", {"a": 0.5}, -LEAKY * math.sqrt(3 / 100), LEAKY * math.sqrt(3 / 100)),
    ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "linear"}, -math.sqrt(3 / 120), math.sqrt(3 / 120)),
]
NORMAL = [
    ("normal_", {}, 0.0, 1.0),
    ("normal_", {"mean": 3.0, "std": 0.5}, 3.0, 0.5),
    ("xavier_normal_", {}, 0.0, math.sqrt(2 / 220)),
    ("xavier_normal_", {"gain": 3.0}, 0.0, 3 * math.sqrt(2 / 220)),
    ("kaiming_normal_", {}, 0.0, RELU / 10),
    ("kaiming_normal_", {"a": 0.5}, 0.0, LEAKY / 10),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "tanh"}, 0.0, 5 / 3 / math.sqrt(120)),
]


def filled(name, options, dtype="float32", seed=0):
    tensor = nn.Parameter(gd.empty(SHAPE, dtype=dtype))
    assert getattr(nn.init, name)(tensor, **options, generator=gd.random.Generator(seed)) is tensor
    return tensor


@pytest.mark.parametrize(("name", "options", "low", "high"), UNIFORM)
def test_uniform_ones_fill_their_range(name, options, low, high):
    x = filled(name, options).data
    assert low <= x.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < x.max() <= high
    assert x.mean() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    assert x.std() == pytest.approx((high - low) / math.sqrt(12), rel=0.03)


@pytest.mark.parametrize(("name", "options", "mean", "std"), NORMAL)
def test_normal_ones_have_their_mean_and_deviation(name, options, mean, std):
    x = filled(name, options).data
    assert x.mean() == pytest.approx(mean, abs=0.05 * std)
    assert x.std() == pytest.approx(std, rel=0.03)
    assert np.mean(np.abs(x - mean) < std) == pytest.approx(0.683, abs=0.02)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", sorted({name for name, *_ in UNIFORM + NORMAL}))
def test_dtype_is_kept_and_seeds_repeat(name, dtype):
    a, b, c = (filled(name, {}, dtype, seed) for seed in (0, 0, 1))
    assert a.dtype == dtype
    assert np.array_equal(a.data, b.data)
    assert not np.array_equal(a.data, c.data)


@pytest.mark.parametrize("name", sorted({name for name, *_ in UNIFORM + NORMAL}))
def test_the_default_generator_is_used_where_none_is_given(name):
    drawn = []
    for _ in range(2):
        gd.random.seed(3)
        drawn.append(getattr(nn.init, name)(gd.empty((2, 3))).tolist())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("fill", "value"),
    [(nn.init.zeros_, 0.0), (nn.init.ones_, 1.0), (lambda t: nn.init.constant_(t, -2.5), -2.5)],
)
def test_constants(fill, value):
    tensor = gd.full((2, 2), np.nan)
    assert fill(tensor) is tensor
    assert (tensor.data == value).all()


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        ("linear", None, 1.0),
        ("conv2d", None, 1.0),
        ("conv_transpose3d", None, 1.0),
        ("sigmoid", None, 1.0),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("selu", None, 0.75),
        ("leaky_relu", None, math.sqrt(2 / 1.0001)),
        ("leaky_relu", 2.0, math.sqrt(0.4)),
    ],
)
def test_gains(nonlinearity, param, gain):
    assert nn.init.calculate_gain(nonlinearity, param) == pytest.approx(gain, rel=1e-12)


def test_it_happens_in_place_and_backward_notices():
    w = nn.Parameter([[1.0, 2.0]])
    array = w.data
    loss = (w * w).sum()
    nn.init.zeros_(w)
    assert array.tolist() == [[0.0, 0.0]]
    with pytest.raises(InPlaceError):
        loss.backward()


@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"])
def test_fans(name):
    fill = getattr(nn.init, name)
    with pytest.raises(
        ShapeError, match=rf"{name}: shape \(3,\) has no fan in and fan out, .*: use uniform_, normal_ or"
    ):
        fill(gd.empty(3))
    assert fill(gd.empty((0, 3))).shape == (0, 3)
    assert fill(gd.empty((3, 0))).shape == (3, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.init.calculate_gain("swish"),
            ValueError,
            "unknown nonlinearity 'swish': give one of linear, .*leaky",
        ),
        (
            lambda: nn.init.kaiming_uniform_(gd.empty((2, 2)), nonlinearity="gelu"),
            ValueError,
            "unknown nonlinearity 'gelu'",
        ),
        (
            lambda: nn.init.kaiming_normal_(gd.empty((2, 2)), mode="in"),
            ValueError,
            "kaiming_normal_: unknown mode 'in': give",
        ),
        (lambda: nn.init.uniform_(gd.empty(2), 1.0, 0.0), ValueError, r"low=1\.0 is above high=0\.0"),
        (lambda: nn.init.normal_(gd.empty(2), std=-1.0), ValueError, "std=-1.0 is negative"),
        (lambda: nn.init.zeros_(np.ones(2)), TypeError, "zeros_ fills a tensor in place, and was given a ndarray"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# the structured ones


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5), (3, 2, 2, 2), (6, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain, dtype):
    w = nn.init.orthogonal_(gd.empty(shape, dtype=dtype), gain, gd.random.Generator(0))
    assert w.dtype == dtype
    matrix = w.data.reshape(shape[0], -1).astype(np.float64)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    tolerance = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}[dtype]
    assert np.allclose(product, gain**2 * np.eye(len(product)), atol=tolerance)


def test_orthogonal_matrices_are_drawn_evenly():
    generator = gd.random.Generator(0)
    drawn = np.array(
        [nn.init.orthogonal_(gd.empty((3, 3), dtype="float64"), generator=generator).data for _ in range(2000)]
    )
    assert np.abs(drawn.mean(0)).max() < 0.06
    assert np.abs((drawn**2).mean(0) - 1 / 3).max() < 0.03
    assert (np.linalg.det(drawn) > 0).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (0, 1, -0.1, 0.2),
        (1, 0.5, 0.5, 3),
        (0, 1, 3, 9),
        (0, 1, 4, 4.1),
        (0, 2, -30, -5),
        (5, 1, -2, 2),
        (0, 1, -8, 0.1),
    ],
)
def test_truncated_normal(mean, std, a, b):
    x = nn.init.trunc_normal_(gd.empty(40_000, dtype="float64"), mean, std, a, b, gd.random.Generator(0)).data
    assert a <= x.min()
    assert x.max() <= b
    grid = np.linspace(a, b, 200_001)
    density = np.exp(-0.5 * ((grid - mean) / std) ** 2 + 0.5 * ((np.clip(mean, a, b) - mean) / std) ** 2)
    expected = (grid * density).sum() / density.sum()
    spread = math.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    assert x.mean() == pytest.approx(expected, abs=0.02 * spread)
    assert x.std() == pytest.approx(spread, rel=0.02)
    share = density[:100_001].sum() / density.sum()
    assert (x <= grid[100_000]).mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.91, 1.0])
def test_sparse(sparsity):
    w = nn.init.sparse_(gd.empty((50, 400)), sparsity, 0.1, gd.random.Generator(0)).data
    zeros = math.ceil(sparsity * 50)
    assert ((w == 0).sum(0) == zeros).all()
    if 0 < zeros < 50:
        assert (w == 0).mean(1).std() < 0.03  # no row is special
    if zeros < 50:
        assert w[w != 0].std() == pytest.approx(0.1, rel=0.05)


def test_eye_and_dirac():
    assert nn.init.eye_(gd.full((2, 3), np.nan)).tolist() == [[1, 0, 0], [0, 1, 0]]
    w = nn.init.dirac_(gd.full((4, 2, 3, 4), np.nan), groups=2)
    assert w.shape == (4, 2, 3, 4)
    places = np.argwhere(w.data).tolist()
    assert places == [[0, 0, 1, 2], [1, 1, 1, 2], [2, 0, 1, 2], [3, 1, 1, 2]]


@pytest.mark.parametrize(
    ("name", "options"), [("orthogonal_", {}), ("sparse_", {"sparsity": 0.5}), ("trunc_normal_", {})]
)
def test_structured_ones_repeat_with_their_generator(name, options):
    def draw(**given):
        return getattr(nn.init, name)(gd.empty((5, 4)), **options, **given).tolist()

    assert draw(generator=gd.random.Generator(1)) == draw(generator=gd.random.Generator(1))
    assert draw(generator=gd.random.Generator(1)) != draw(generator=gd.random.Generator(2))
    gd.random.seed(1)
    assert draw() == draw(generator=gd.random.Generator(1))
    assert getattr(nn.init, name)(gd.empty((0, 4)), **options).shape == (0, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.init.eye_(gd.empty(3)), ShapeError, r"eye_: a matrix has two axes, and .* \(3,\); for conv"),
        (lambda: nn.init.dirac_(gd.empty((3, 3))), ShapeError, r"dirac_: weights of a convolution have 3 to 5 axes"),
        (lambda: nn.init.dirac_(gd.empty((3, 3, 1)), 2), ShapeError, "dirac_: groups=2 does not divide the 3 output"),
        (
            lambda: nn.init.orthogonal_(gd.empty(3)),
            ShapeError,
            r"orthogonal_: a matrix has two axes or more, .* \(3,\)",
        ),
        (lambda: nn.init.sparse_(gd.empty(3), 0.5), ShapeError, r"sparse_: a matrix has two axes, .* \(3,\)"),
        (
            lambda: nn.init.sparse_(gd.empty((3, 3)), 1.5),
            ValueError,
            "sparse_: sparsity is a share .* and 1.5 does not",
        ),
        (lambda: nn.init.trunc_normal_(gd.empty(3), std=0.0), ValueError, "trunc_normal_: std=0.0 must be above 0"),
        (lambda: nn.init.trunc_normal_(gd.empty(3), a=2.0), ValueError, "nothing lies between a=2.0 and b=2.0"),
    ],
)
def test_errors_of_structured_ones(call, error, message):
    with pytest.raises(error, match=message):
        call()
