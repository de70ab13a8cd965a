"""Kinks, zeros, far-out inputs and precision of the rest of the mathematics."""

import math
import warnings
from typing import Any

import grad_core as gd
import numpy as np
import pytest

INF = float("inf")

# name, function, input, gradient of the sum: oracle/test_kinks_math.py compares them with PyTorch
GRADIENTS: list[tuple[str, Any, list[float], list[float]]] = [
    ("ceil", gd.ceil, [-1.5, 0.0, 2.0], [0.0, 0.0, 0.0]),
    ("trunc", gd.trunc, [-1.5, 0.0, 2.0], [0.0, 0.0, 0.0]),
    ("round", gd.round, [-1.5, 0.5, 2.0], [0.0, 0.0, 0.0]),
    ("copysign at 0", lambda x: gd.copysign(x, 1.0), [-2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]),
    ("copysign with a minus", lambda x: gd.copysign(x, -1.0), [-2.0, 0.0, 3.0], [1.0, 0.0, -1.0]),
    ("atan2 at the origin", lambda x: gd.atan2(x, 0.0), [0.0, 2.0], [0.0, 0.0]),
    ("atan2 along the axis", lambda x: gd.atan2(x, 2.0), [0.0, 2.0], [0.5, 0.25]),
    ("hypot at the origin", lambda x: gd.hypot(x, 0.0), [0.0, -2.0], [0.0, -1.0]),
    ("norm of zeros", gd.norm, [0.0, 0.0], [0.0, 0.0]),
    ("1-norm at 0", lambda x: gd.norm(x, 1), [-2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]),
    ("3-norm of zeros", lambda x: gd.norm(x, 3), [0.0, 0.0], [0.0, 0.0]),
    ("3-norm with a zero", lambda x: gd.norm(x, 3), [0.0, -2.0], [0.0, -1.0]),
    ("1.5-norm with a zero", lambda x: gd.norm(x, 1.5), [0.0, -2.0], [0.0, -1.0]),
    ("half-norm with a zero", lambda x: gd.norm(x, 0.5), [0.0, 2.0], [0.0, 1.0]),
    ("inf-norm ties", lambda x: gd.norm(x, INF), [2.0, -2.0, 1.0], [0.5, -0.5, 0.0]),
    ("inf-norm of zeros", lambda x: gd.norm(x, INF), [0.0, 0.0], [0.0, 0.0]),
    ("std of a constant", gd.std, [3.0, 3.0], [0.0, 0.0]),
    ("std of one", gd.std, [3.0], [0.0]),
    ("prod with a zero", gd.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    ("prod with two zeros", gd.prod, [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
    ("cumprod with a zero", gd.cumprod, [2.0, 0.0, 3.0, 4.0], [1.0, 32.0, 0.0, 0.0]),
    ("cumprod with two zeros", gd.cumprod, [2.0, 0.0, 3.0, 0.0], [1.0, 8.0, 0.0, 0.0]),
    ("softplus far out", gd.softplus, [-1000.0, 0.0, 1000.0], [0.0, 0.5, 1.0]),
    ("silu far out", gd.silu, [-1000.0, 0.0, 1000.0], [0.0, 0.5, 1.0]),
    ("erf far out", gd.erf, [-1000.0, 1000.0, INF], [0.0, 0.0, 0.0]),
    ("atan far out", gd.atan, [-1e30, 0.0, INF], [0.0, 1.0, 0.0]),
    ("asinh far out", gd.asinh, [-1e30, 0.0, INF], [0.0, 1.0, 0.0]),
    ("logaddexp far out", lambda x: gd.logaddexp(x, 0.0), [-1000.0, 0.0, 1000.0], [0.0, 0.5, 1.0]),
    ("logaddexp of one infinity", lambda x: gd.logaddexp(x, 0.0), [-INF, INF], [0.0, 1.0]),
    ("logaddexp of two -inf", lambda x: gd.logaddexp(x, -INF), [-INF, 1.0], [0.5, 1.0]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "at", "wanted"), [row[1:] for row in GRADIENTS], ids=[row[0] for row in GRADIENTS]
)
def test_gradient_at_kinks_and_far_out(function: Any, at: list[float], wanted: list[float], dtype: str) -> None:
    x = gd.tensor(at, dtype=dtype, requires_grad=True)
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6, atol=1e-12)


FINITE: dict[str, Any] = {
    "asinh": gd.asinh,
    "atan": gd.atan,
    "atan2": lambda x: gd.atan2(x, 1.0),
    "ceil": gd.ceil,
    "copysign": lambda x: gd.copysign(x, -1.0),
    "cumsum": gd.cumsum,
    "erf": gd.erf,
    "hypot": lambda x: gd.hypot(x, 1.0),
    "logaddexp": lambda x: gd.logaddexp(x, -x),
    "norm": gd.norm,
    "norm 1": lambda x: gd.norm(x, 1),
    "norm 3": lambda x: gd.norm(x, 3),
    "norm inf": lambda x: gd.norm(x, INF),
    "round": gd.round,
    "silu": gd.silu,
    "softplus": gd.softplus,
    "tan": gd.tan,
    "trunc": gd.trunc,
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [-1000.0, -50.0, 0.0, 50.0, 1000.0])
@pytest.mark.parametrize("name", FINITE)
def test_nothing_overflows_or_warns(name: str, value: float, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = gd.tensor([value, 1.0], dtype=dtype, requires_grad=True)
        y = FINITE[name](x).sum()
        (first,) = gd.gradients(y, [x], create_graph=True).values()
        second = gd.gradients(first.sum(), [x])[x] if first.requires_grad else first
    for result in (y, first, first if second is None else second):
        assert np.isfinite(result.detach().numpy()).all()
        assert result.dtype == np.dtype(dtype)


INFINITE: list[tuple[Any, float]] = [
    (gd.asin, 1.0),
    (gd.asin, -1.0),
    (gd.acos, 1.0),
    (gd.acosh, 1.0),
    (gd.atanh, 1.0),
    (gd.atanh, -1.0),
    (gd.logit, 0.0),
    (gd.logit, 1.0),
    (gd.log2, 0.0),
    (gd.log10, 0.0),
    (gd.reciprocal, 0.0),
]


@pytest.mark.parametrize(("function", "at"), INFINITE, ids=lambda v: getattr(v, "name", v))
def test_an_infinite_derivative_is_infinite_with_numpys_warning(function: Any, at: float) -> None:
    x = gd.tensor([at], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        function(x).sum().backward()
    assert np.isinf(x.grad.numpy()).all()


@pytest.mark.parametrize("function", [gd.asin, gd.acos, gd.acosh, gd.atanh, gd.logit, gd.log2, gd.log10])
def test_outside_of_the_domain_is_nan_with_numpys_warning(function: Any) -> None:
    outside = {"acosh": 0.5, "log2": -1.0, "log10": -1.0}.get(function.name, 1.5)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(function(gd.tensor([outside])).numpy()).all()
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(function(gd.tensor(-2.0)).item())


TWICE: dict[str, tuple[Any, list[float]]] = {
    "std": (gd.std, [2.0, 2.0]),
    "norm": (gd.norm, [0.0, 0.0]),
    "3-norm": (lambda x: gd.norm(x, 3), [0.0, 1.0]),
    "hypot": (lambda x: gd.hypot(x, x), [0.0]),
    "atan2": (lambda x: gd.atan2(x, x), [0.0]),
}


@pytest.mark.parametrize(("function", "at"), TWICE.values(), ids=TWICE)
def test_the_second_derivative_at_a_kink_is_0(function: Any, at: list[float]) -> None:
    x = gd.tensor(at, requires_grad=True)
    first = gd.gradients(function(x).sum(), [x], create_graph=True)[x]
    second = gd.gradients((first * gd.arange(1.0, len(at) + 1)).sum(), [x])[x]
    assert np.isfinite(first.detach().numpy()).all()
    np.testing.assert_array_equal(second.numpy(), np.zeros(len(at)))


def test_the_second_derivative_of_logaddexp_at_a_tie() -> None:
    x = gd.tensor(3.0, requires_grad=True)
    first = gd.gradients(gd.logaddexp(x, 3.0), [x], create_graph=True)[x]
    assert (first.item(), gd.gradients(first, [x])[x].item()) == (0.5, 0.25)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 6e-16), ("float32", 4e-7), ("float16", 1e-3)])
def test_erf_is_exact_to_a_few_units_of_the_last_digit(dtype: str, tolerance: float) -> None:
    x = np.concatenate([np.linspace(-6.5, 6.5, 2001), np.linspace(0.46, 0.48, 201), np.linspace(-1e-3, 1e-3, 21)])
    x = x.astype(dtype)
    wanted = np.array([math.erf(v) for v in x.tolist()])
    result = gd.erf(gd.tensor(x))
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_allclose(result.numpy().astype(float), wanted, rtol=tolerance, atol=0)


def test_erf_at_the_ends() -> None:
    result = gd.erf(np.array([-INF, -0.0, INF, float("nan"), 1e300])).numpy()
    np.testing.assert_array_equal(result, [-1.0, -0.0, 1.0, np.nan, 1.0])
    assert np.signbit(result[1])
    np.testing.assert_allclose(gd.erf(gd.tensor([0, 1])).numpy(), [0, math.erf(1)], rtol=1e-15)


def test_the_third_derivative_of_erf_at_0() -> None:
    x = gd.tensor(0.0, dtype="float64", requires_grad=True)
    y = gd.erf(x)
    for _ in range(3):
        y = gd.gradients(y, [x], create_graph=True)[x]
    assert y.item() == pytest.approx(-4 / math.sqrt(math.pi), rel=1e-12)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 0.1, 0.25, 0.3, 0.7, 0.9])
def test_logit_is_exact(p: float) -> None:
    wanted = math.log(p / (1 - p))
    assert gd.logit(np.float64(p)).item() == pytest.approx(wanted, rel=1e-15)


NAN = float("nan")
SUMS: list[tuple[float, float, float]] = [
    (INF, INF, INF),
    (-INF, -INF, -INF),
    (INF, -INF, INF),
    (-INF, 3.0, 3.0),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
    (NAN, INF, NAN),
    (1e300, -1e300, 1e300),
    (-1000.0, -1000.0, -1000.0 + math.log(2)),
]


@pytest.mark.parametrize(("x", "y", "wanted"), SUMS)
def test_logaddexp_of_extremes(x: float, y: float, wanted: float) -> None:
    for a, b in ((x, y), (y, x)):
        np.testing.assert_array_equal(gd.logaddexp(np.array([a]), np.array([b])).numpy(), [wanted])
        np.testing.assert_array_equal(gd.logaddexp(np.float64(a), np.float64(b)).numpy(), wanted)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_logaddexp_and_softplus_of_integers(dtype: str) -> None:
    x, y = np.array([0, 1, 1]).astype(dtype), np.array([1, 0, 1]).astype(dtype)
    np.testing.assert_allclose(gd.logaddexp(x, y).numpy(), np.logaddexp(x, y), rtol=1e-3)
    np.testing.assert_allclose(gd.softplus(x).numpy(), np.log(1 + np.exp(x.astype(float))), rtol=1e-3)


def test_logit_is_exact_near_one_half() -> None:
    p = np.array([0.5, 0.5 + 1e-10, 0.5 - 3e-11])
    np.testing.assert_allclose(gd.logit(p).numpy(), 4 * (p - 0.5), rtol=1e-15)


def test_tails_keep_their_precision() -> None:
    x = gd.tensor([-80.0], requires_grad=True)
    y = gd.softplus(x)
    y.backward([1.0])
    np.testing.assert_allclose([y.item(), x.grad.item()], math.exp(-80.0), rtol=1e-5)
    near = gd.tensor(np.array([1 - 2.0**-40]), requires_grad=True)
    gd.asin(near).backward([1.0])
    np.testing.assert_allclose(near.grad.numpy(), 1 / math.sqrt(2.0**-39 - 2.0**-80), rtol=1e-14)


@pytest.mark.parametrize("p", [2, 3, 200, 1.5])
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1.0])
def test_a_norm_does_not_overflow_or_vanish(p: float, scale: float) -> None:
    x = gd.tensor(np.array([3.0, -4.0]) * scale, requires_grad=True)
    y = gd.norm(x, p)
    y.backward()
    wanted = (3.0**p + 4.0**p) ** (1 / p)
    np.testing.assert_allclose(y.item() / scale, wanted, rtol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), [(3 / wanted) ** (p - 1), -((4 / wanted) ** (p - 1))], rtol=1e-12)


def test_a_norm_of_many_float16_numbers() -> None:
    assert gd.norm(gd.tensor(np.full(90_000, 2, np.float16))).item() == 600


def test_rows_of_zeros_beside_others_in_a_norm() -> None:
    x = gd.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    y = gd.norm(x, axis=1)
    y.backward([1.0, 1.0])
    assert y.tolist() == [5.0, 0.0]
    np.testing.assert_allclose(x.grad.numpy(), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)


def test_a_long_running_product_with_zeros_is_differentiated_quickly_and_right() -> None:
    x = np.linspace(0.9, 1.1, 3001)
    x[[7, 1500]] = 0
    t = gd.tensor(x, requires_grad=True)
    gd.cumprod(t).sum().backward()
    before = np.cumprod(x[:7])
    wanted = np.zeros(3001)
    wanted[7] = before[-1] * (1 + np.cumprod(x[8:]).sum())
    for i in range(7):
        wanted[i] = before[i:].sum() / x[i]
    np.testing.assert_allclose(t.grad.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (gd.reciprocal, "float64"),
        (gd.ceil, "int64"),
        (gd.trunc, "int64"),
        (gd.round, "int64"),
        (gd.cumsum, "int64"),
        (gd.cumprod, "int64"),
        (gd.prod, "int64"),
        (gd.norm, "float64"),
        (gd.std, "float64"),
        (gd.silu, "float64"),
        (gd.softplus, "float64"),
        (gd.erf, "float64"),
        (gd.atan, "float64"),
    ],
    ids=lambda v: getattr(v, "name", getattr(v, "__name__", v)),
)
def test_integers(function: Any, wanted: str) -> None:
    assert function(gd.tensor([1, 2, 3])).dtype == np.dtype(wanted)
    assert function(gd.tensor([1, 2, 3])).requires_grad is False


def test_numbers_take_the_default_dtype() -> None:
    results = [gd.atan2(1.0, 2.0), gd.erf(0.5), gd.round(2.5), gd.hypot(3.0, 4.0), gd.prod(2.0), gd.norm(3.0)]
    assert [r.dtype for r in results] == [np.dtype("float32")] * 6
