"""Large arrays take other ways than small ones: the same results, and the same gradients, whatever is in them."""

from __future__ import annotations

import importlib
import math
import pkgutil
import sys
from typing import Any

import grad_core as gd
import grad_core.ops
import numpy as np
import pytest
from grad_core import _blocks, _sums, extend

ROWS = {
    "wide": (40, 1000),
    "heads": (8, 4, 32, 64),
    "short": (20_000, 3),
    "long": (5, 60_001),
    "everything": (70_000,),
    "leading": (20_000, 4, 2),
    "middle": (64, 40, 32),
    "tall": (1000, 60),
    "tall without rest": (2048, 64),
    "tall and wide": (300, 700),
    "planes": (30, 41, 5, 4),
}


def draw(shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def around_one(shape: tuple[int, ...], dtype: str = "float64") -> Any:
    return (1 + 0.01 * draw(shape)).astype(dtype)


LARGE = (64, 40, 32)
# per case: the function, and its inputs; together they reach every rule with a second form
CASES: dict[str, tuple[Any, list[Any]]] = {
    "relu": (gd.relu, [draw(LARGE)]),
    "sigmoid": (gd.sigmoid, [30 * draw(LARGE)]),
    "silu": (gd.silu, [30 * draw(LARGE)]),
    "erf": (gd.erf, [2 * draw(LARGE)]),
    "divide by a column": (gd.divide, [draw(LARGE), around_one((64, 40, 1))]),
    "divide by a row": (gd.divide, [draw(LARGE), around_one((32,))]),
    "divide by a plane": (gd.divide, [draw(LARGE), around_one((64, 1, 32))]),
    "multiply by a row": (gd.multiply, [draw(LARGE), draw((32,))]),
    "a column multiplied": (gd.multiply, [draw((64, 40, 1)), draw(LARGE)]),
    "softmax": (lambda x: gd.softmax(x, -1), [draw((40, 1000))]),
    "softmax of heads": (lambda x: gd.softmax(x, -1), [draw((8, 4, 32, 64))]),
    "softmax of columns": (lambda x: gd.softmax(x, 1), [draw(LARGE)]),
    "log_softmax": (lambda x: gd.log_softmax(x, -1), [draw((40, 1000))]),
    "logsumexp": (lambda x: gd.logsumexp(x, -1), [draw((40, 1000))]),
    "max of rows": (lambda x: gd.max(x, -1), [draw((700, 64))]),
    "max with ties": (lambda x: gd.max(x, -1), [np.round(draw((700, 64)))]),
    "min of short rows": (lambda x: gd.min(x, -1), [draw((20_000, 3))]),
    "min with ties": (lambda x: gd.min(x, -1), [np.round(draw((20_000, 3)))]),
    "max of everything": (gd.max, [draw((70_000,))]),
    "prod": (lambda x: gd.prod(x, -1), [around_one((700, 64))]),
    "prod of short rows": (lambda x: gd.prod(x, -1), [around_one((20_000, 3))]),
    "prod with zeros": (lambda x: gd.prod(x, -1), [np.round(draw((20_000, 3)))]),
    "prod of everything": (gd.prod, [around_one((64, 1024))]),
    "cumprod": (lambda x: gd.cumprod(x, 1), [around_one((64, 700))]),
    "cumprod of columns": (lambda x: gd.cumprod(x, 0), [around_one((64, 700))]),
    "cumprod with zeros": (lambda x: gd.cumprod(x, 1), [np.round(1 + draw((4000, 9)))]),
    "rows": (lambda x: x[np.arange(3000) * 7 % 1000], [draw((1000, 40))]),
    "one row often": (lambda x: x[np.zeros(1000, np.int64)], [draw((100, 40))]),
    "scatter_add": (lambda x, y: gd.scatter_add(x, np.arange(-900, 900, 2), y), [draw((1000, 40)), draw((900, 40))]),
}
by_name = pytest.mark.parametrize("name", CASES)


def gradients_of(name: str, dtype: str, create_graph: bool) -> list[Any]:
    function, arrays = CASES[name]
    inputs = [gd.tensor(x.astype(dtype), requires_grad=True) for x in arrays]
    result = function(*inputs)
    cotangent = draw(result.shape, dtype, 1)
    loss = gd.sum(result * cotangent)
    found = gd.gradients(loss, inputs, create_graph=create_graph)
    return [found[x].detach().numpy() for x in inputs]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@by_name
def test_the_second_form_of_a_rule_gives_what_the_rule_gives(name: str, dtype: str) -> None:
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    pairs = zip(gradients_of(name, dtype, False), gradients_of(name, dtype, True), strict=True)
    for quick, plain in pairs:  # recorded passes take the rule itself
        assert quick.dtype == plain.dtype == np.dtype(dtype)
        np.testing.assert_allclose(quick, plain.copy(), rtol=tolerance, atol=tolerance * np.abs(plain).max())


def test_every_second_form_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [found.name for found in pkgutil.iter_modules(grad_core.ops.__path__)]
    modules = [importlib.import_module(f"grad_core.ops.{name}") for name in names]
    ops = {op for module in (*modules, extend) for op in vars(module).values() if isinstance(op, extend.Op)}
    rules = {rule for op in ops for rule in (*(op.rules or ()), *(op.exact or ())) if rule is not None}
    inner = [cell.cell_contents for rule in rules for cell in rule.__closure__ or ()]  # what broadcasting wraps
    wanted = {rule.quick.__name__ for rule in (*rules, *inner) if hasattr(rule, "quick")}
    assert len(wanted) >= 12
    reached = set()

    def watch(frame: Any, _event: str, _argument: Any) -> None:
        reached.add(frame.f_code.co_name)

    sys.setprofile(watch)
    try:
        for name in CASES:
            gradients_of(name, "float64", False)
    finally:
        sys.setprofile(None)
    assert wanted <= reached


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("shape", ROWS.values(), ids=ROWS)
def test_sums_are_those_of_numpy(shape: tuple[int, ...], dtype: str, keepdims: bool) -> None:
    x = np.round(8 * draw(shape)).astype(dtype)  # whole numbers: exact in any order, but for float16
    axes: list[Any] = [None, (), *range(len(shape)), tuple(range(len(shape))), tuple(range(1, len(shape)))]
    axes.append(tuple(range(len(shape) - 1)))
    for axis in axes:
        for array in (x, x[::-1], np.asfortranarray(x)):
            result = _sums.total(array, axis, keepdims)
            wanted = np.add.reduce(array, axis=axis, keepdims=keepdims)
            assert np.shape(result) == np.shape(wanted)
            assert result.dtype == wanted.dtype
            np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("shape", [(64, 40, 1), (32,), (1, 32), (1, 40, 1), (64, 1, 32), (), (1, 1, 1), (40, 32)])
def test_a_product_summed_to_a_shape(shape: tuple[int, ...]) -> None:
    x, y = draw(LARGE), draw(LARGE, seed=1)
    wanted = extend.sum_to.on(x * y, shape=shape)
    result = _sums.product_to(x, y, shape)
    assert np.shape(result) == shape
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)


def test_what_is_not_finite_stays_in_its_column() -> None:
    x = draw((1000, 60), "float32")
    x[[0, 500, 999], [3, 30, 58]] = np.inf, -np.inf, np.nan
    result = _sums.of_rows(x)
    np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(result)), [3, 30, 58])
    np.testing.assert_array_equal(result[[3, 30, 58]], np.add.reduce(x, axis=0)[[3, 30, 58]])
    np.testing.assert_allclose(result, np.add.reduce(x.astype(float), axis=0), rtol=1e-5, atol=1e-5)


SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, -np.nan, 1e-40, -1e-40, 90, -90, 700, -700, 1e30, -1e30]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [gd.relu, gd.sigmoid, gd.silu, gd.erf, lambda x: x**3, gd.square])
def test_elements_of_large_arrays_are_those_of_small_ones(function: Any, dtype: str) -> None:
    with np.errstate(all="ignore"):
        for values in (SPECIAL, SPECIAL[:4], SPECIAL[10:14], draw((100,))):
            small = values.astype(dtype)
            one_by_one = function(gd.tensor(small)).numpy()
            large = np.resize(small, (1 << 16) + small.size * 3)
            result = function(gd.tensor(large)).numpy()
            wanted = np.resize(one_by_one, large.shape)
            np.testing.assert_allclose(result, wanted, rtol=4e-7 if dtype == "float32" else 1e-15)
            transposed = function(gd.tensor(large[: 1 << 16].reshape(256, 256)).mT).numpy()
            np.testing.assert_array_equal(transposed, result[: 1 << 16].reshape(256, 256).T)


def test_erf_of_float32_is_as_exact_as_it_says() -> None:
    x = np.concatenate([np.linspace(-5, 5, 60_000), np.logspace(-30, 30, 10_000)]).astype(np.float32)
    wanted = np.array([math.erf(float(v)) for v in x])
    assert np.max(np.abs(gd.erf(x).numpy() - wanted) / np.maximum(np.abs(wanted), 1e-38)) < 2e-7
    assert np.abs(gd.erf(x).numpy()).max() <= 1


ROWS_OF_SCORES = {
    "plain": draw((100, 400)),
    "far above 0": draw((100, 400)) + 1000,
    "above what float32 can raise e to": draw((100, 400)) + 100,
    "far below 0": draw((100, 400)) - 1000,
    "far apart": 300 * draw((100, 400)),
    "masked": np.where(np.tri(400, 400)[:100] > 0, draw((100, 400)), -np.inf),
    "masked by numbers": np.where(np.tri(400, 400)[:100] > 0, draw((100, 400)), -1e30),
    "one row low": draw((100, 400)) - 50.0 * (np.arange(100) == 7)[:, None],
    "one class certain": draw((100, 400)) + 40.0 * (np.arange(400) == 3),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ROWS_OF_SCORES)
def test_softmax_of_many_rows_is_that_of_each(name: str, dtype: str) -> None:
    x = ROWS_OF_SCORES[name].astype(dtype)
    for function in (gd.softmax, gd.log_softmax, gd.logsumexp):
        wanted = np.stack([function(row, 0).numpy() for row in x.astype(np.float64)])
        largest = np.abs(x[np.isfinite(x) & (x > -1e9)]).max()
        tolerance = {"float32": 2e-6, "float64": 1e-14}[dtype] * max(1.0, largest / 10)
        # a certain class has -log of hardly more than 1, no more exact than sums near 1 are
        least = 4 * np.finfo(dtype).eps if function is gd.log_softmax else 1e-37
        np.testing.assert_allclose(function(x, 1).numpy(), wanted, rtol=tolerance, atol=least)


def test_softmax_of_nan_and_of_nothing_but_minus_infinity() -> None:
    x = draw((100, 400))
    x[3, 5] = np.nan
    bad = np.arange(100) == 3
    for function in (gd.softmax, gd.log_softmax, gd.logsumexp):
        result = function(x, 1).numpy().reshape(100, -1)
        assert np.isnan(result[bad]).all()
        assert not np.isnan(result[~bad]).any()
    x[3] = -np.inf
    assert gd.logsumexp(x, 1).numpy()[3] == -np.inf
    assert gd.logsumexp(x.reshape(-1)).item() == pytest.approx(np.logaddexp.reduce(x.reshape(-1)))
    assert gd.logsumexp(x, keepdims=True).shape == (1, 1)


@pytest.mark.parametrize("shape", [(20_000, 3), (700, 64), (40, 1000), (64, 40, 32), (40_000, 1)])
@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin", "prod", "cumsum", "cumprod"])
def test_reductions_with_ties_and_nan_are_those_of_numpy(name: str, shape: tuple[int, ...]) -> None:
    plain = np.round(2 * draw(shape)) if "m" in name[:4] else around_one(shape)
    holes = plain.copy()
    holes.reshape(-1)[[5, 7, 11_111, -1]] = np.nan
    holes.reshape(-1)[[50, 700, -5]] = [np.inf, -np.inf, np.inf]
    for x in (plain, holes, plain.astype(np.float32)):
        for axis in [None, *range(x.ndim)]:
            with np.errstate(invalid="ignore"):
                result = getattr(gd, name)(x, axis)
                wanted = getattr(np, name)(x.astype(np.float64), axis)
            assert result.dtype == (x.dtype if wanted.dtype.kind == "f" else wanted.dtype)
            np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-4 if x.dtype == np.float32 else 1e-10)
            if not name.startswith("cum"):
                kept = getattr(gd, name)(x, axis, keepdims=True)
                assert kept.shape == getattr(np, name)(x, axis, keepdims=True).shape


@pytest.mark.parametrize("descending", [False, True])
def test_the_order_of_float32_is_stable_whatever_is_in_it(descending: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.choice(SPECIAL.astype(np.float32), (50, 60))
    x[0] = draw((60,), "float32")
    found = gd.argsort(x, descending=descending).numpy()
    # the same by NumPy's stable order of the ranks, from the other end where that is asked for
    ranks = np.where(np.isnan(x), np.inf, np.searchsorted(np.unique(x[~np.isnan(x)]), x))
    np.testing.assert_array_equal(found, np.argsort(-ranks if descending else ranks, axis=1, kind="stable"))
    assert found.dtype == np.int64


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("k", [1, 5, 8, 9])
def test_topk_takes_the_first_of_equal_ones_in_order(k: int, largest: bool) -> None:
    for x in (np.round(3 * draw((50, 200))), np.random.default_rng(0).choice(SPECIAL, (50, 200)), draw((2, 5, 200))):
        values, indices = gd.topk(x, k, largest=largest)
        wanted = gd.argsort(x, descending=largest).numpy()[..., :k]
        np.testing.assert_array_equal(indices.numpy(), wanted)
        np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, wanted, -1))


def test_rows_are_read_and_written_with_any_integers() -> None:
    x = draw((300, 40))
    for dtype in ("int8", "uint8", "int64", "uint64"):
        for places in (np.arange(90), np.arange(90) // 4, np.zeros((3, 30))):
            i = places.astype(dtype)
            np.testing.assert_array_equal(gd.asarray(x)[i].numpy(), x[i])
            wanted = x.copy()
            np.add.at(wanted, i, 1.0)
            np.testing.assert_allclose(gd.scatter_add(x, i, np.ones((*i.shape, 40))).numpy(), wanted, rtol=1e-13)
    with pytest.raises(IndexError, match="300"):
        gd.asarray(x)[np.array([300])]


def test_blocks_cover_everything_once() -> None:
    seen = np.zeros(1000, np.int64)

    def work(start: int, stop: int) -> None:
        assert 0 < stop - start <= 7
        seen[start:stop] += 1

    _blocks.over_blocks(work, 1000, 7)
    assert (seen == 1).all()
