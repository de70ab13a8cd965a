"""Kinks, ties and extreme inputs: one table, equal to PyTorch's choices (the oracle session compares them)."""

import warnings
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.ops._select import select

INF = float("inf")
NAN = float("nan")

# function, input, gradient of the sum
GRADIENTS: list[tuple[str, Any, list[float], list[float]]] = [
    ("relu at 0", gd.relu, [-1.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
    ("abs at 0", gd.abs, [-1.0, 0.0, 2.0], [-1.0, 0.0, 1.0]),
    ("sign", gd.sign, [-1.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
    ("floor", gd.floor, [-1.5, 0.0, 2.0], [0.0, 0.0, 0.0]),
    ("maximum tie", lambda x: gd.maximum(x, 1.0), [0.0, 1.0, 2.0], [0.0, 0.5, 1.0]),
    ("minimum tie", lambda x: gd.minimum(x, 1.0), [0.0, 1.0, 2.0], [1.0, 0.5, 0.0]),
    ("maximum tie of two", lambda x: gd.maximum(x, x), [3.0], [1.0]),
    ("max ties", gd.max, [2.0, 1.0, 2.0, 2.0], [1 / 3, 0.0, 1 / 3, 1 / 3]),
    ("min ties", gd.min, [1.0, 1.0, 2.0], [0.5, 0.5, 0.0]),
    ("clip at bounds", lambda x: gd.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
    ("clip with crossed bounds", lambda x: gd.clip(x, 1, -1), [-2.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
    ("power 0 at 0", lambda x: x**0, [0.0, 2.0], [0.0, 0.0]),
    ("power 1 at 0", lambda x: x**1, [0.0, -2.0], [1.0, 1.0]),
    ("power 2 of negatives", lambda x: x**2, [-3.0, 0.0], [-6.0, 0.0]),
    ("power 3.0 of negatives", lambda x: x**3.0, [-2.0], [12.0]),
    ("power -1", lambda x: x**-1, [-2.0], [-0.25]),
    ("power array 0 at 0", lambda x: x ** np.array([0.0, 2.0]), [0.0, -3.0], [0.0, -6.0]),
    ("0 to a power", lambda x: 0.0**x, [2.0, 0.0], [0.0, 0.0]),
    ("remainder by a constant", lambda x: x % 2.0, [3.5, -3.5], [1.0, 1.0]),
    ("where not taken", lambda x: gd.where(x > 0, x * 3, 0.0), [-1.0, 2.0], [0.0, 3.0]),
    ("logsumexp of -inf", gd.logsumexp, [-INF, 0.0], [0.0, 1.0]),
    ("logsumexp of only -inf", gd.logsumexp, [-INF, -INF], [0.0, 0.0]),
    ("sigmoid far out", gd.sigmoid, [-1000.0, 1000.0], [0.0, 0.0]),
    ("tanh far out", gd.tanh, [-1000.0, 1000.0], [0.0, 0.0]),
    ("relu of inf", gd.relu, [-INF, INF], [0.0, 1.0]),
    ("abs of inf", gd.abs, [-INF, INF], [-1.0, 1.0]),
    ("softmax far out", lambda x: gd.softmax(x)[0], [1000.0, -1000.0], [0.0, 0.0]),
    ("log_softmax far out", lambda x: gd.log_softmax(x)[0], [1000.0, -1000.0], [0.0, 0.0]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "at", "wanted"), [row[1:] for row in GRADIENTS], ids=[row[0] for row in GRADIENTS]
)
def test_gradient_at_kinks_and_far_out(function: Any, at: list[float], wanted: list[float], dtype: str) -> None:
    x = gd.tensor(at, dtype=dtype, requires_grad=True)
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)


def test_sqrt_at_0_is_infinite_with_numpys_warning() -> None:
    x = gd.tensor([0.0, 4.0], requires_grad=True)
    y = gd.sqrt(x).sum()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        y.backward()
    assert x.grad.tolist() == [INF, 0.25]


def test_an_infinite_upstream_gradient_stays_on_its_side_of_relu_and_where() -> None:
    x = gd.tensor([-1.0, 2.0], requires_grad=True)
    gd.relu(x).backward([INF, 1.0])
    gd.where(x > 0, x, 0.0).backward([INF, 1.0])
    assert x.grad.tolist() == [0.0, 2.0]


def test_bounds_of_clip_get_the_gradient_of_what_they_replaced() -> None:
    x = gd.tensor([-2.0, 0.0, 3.0])
    low, high = gd.tensor(-1.0, requires_grad=True), gd.tensor(1.0, requires_grad=True)
    gd.clip(x, low, high).backward([10.0, 20.0, 40.0])
    assert (low.grad.item(), high.grad.item()) == (10.0, 40.0)


def test_a_tracked_exponent() -> None:
    y = gd.tensor([2.0, 3.0], dtype="float64", requires_grad=True)
    (2.0**y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), np.log(2) * np.array([4.0, 8.0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [-1000.0, -50.0, 0.0, 50.0, 1000.0])
@pytest.mark.parametrize("function", [gd.sigmoid, gd.tanh, gd.relu, gd.softmax, gd.log_softmax, gd.logsumexp, gd.abs])
def test_nothing_overflows_or_warns(function: Any, value: float, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = gd.tensor([value, 1.0], dtype=dtype, requires_grad=True)
        y = function(x)
        y.sum().backward()
    assert np.isfinite(y.detach().numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_sigmoid_keeps_its_precision_in_the_tail() -> None:
    np.testing.assert_allclose(gd.sigmoid(gd.tensor([-80.0])).numpy(), [np.exp(-80.0)], rtol=1e-5)


def test_a_mean_of_large_float16_numbers_does_not_overflow() -> None:
    assert gd.tensor(np.full(100, 2000, np.float16)).mean().item() == 2000


def test_variance_and_deviation_of_float16_do_not_overflow() -> None:
    x = gd.tensor([-150.0, 150.0, 150.0, -150.0, 300.0, -300.0], dtype="float16", requires_grad=True)
    assert gd.var(x).item() == 44992.0
    assert gd.var(x).dtype == np.float16
    far = gd.tensor([-30000.0, 30000.0], dtype="float16", requires_grad=True)
    deviation = gd.std(far)
    assert deviation.item() == 30000.0
    deviation.backward()
    assert far.grad.tolist() == [-0.5, 0.5]


def test_nan_goes_through() -> None:
    x = gd.tensor([NAN, 1.0], requires_grad=True)
    y = gd.maximum(gd.relu(x), 0.5)
    y.sum().backward()
    assert np.isnan(y.detach().numpy()[0])
    assert x.grad.tolist()[1] == 1.0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 7), (40, 50)])
@pytest.mark.parametrize("layout", ["rows", "columns", "broadcast mask", "integer mask"])
def test_select_is_where_for_small_and_large_arrays(dtype: str, shape: tuple[int, int], layout: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype)
    x[0, :3] = [INF, -INF, NAN]
    mask = rng.random(shape) > 0.5
    if layout == "columns":
        x = np.asfortranarray(x)
    if layout == "broadcast mask":
        mask = mask[:, :1]
    if layout == "integer mask":
        mask = mask.astype(int) * 3
    got = select.on(mask, x)
    np.testing.assert_array_equal(got, np.where(mask, x, 0))
    assert got.dtype == np.dtype(dtype)
