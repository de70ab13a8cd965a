"""vmap: against a loop over the entries, nested with every transform, without a loop of its own, and its errors."""

import gc
import threading
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import ConversionError, GradientError, ShapeError
from grad_core.transforms import batch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=(3, 4))


def stacked(f: Any, *columns: Any) -> Any:
    return np.stack([f(*row).detach().numpy() for row in zip(*columns, strict=True)])


def same(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-10, atol=1e-12)


def f(x: Any) -> Any:
    return gd.tanh(x @ W).sum() * x[0] + gd.logsumexp(x)


@pytest.fixture
def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """An op without a rule for batches fails instead of being looped over."""

    def fail(op: Any, *_: Any) -> None:
        raise AssertionError(f"{op} was looped over")

    monkeypatch.setattr(batch, "_loop", fail)


NESTS: dict[str, tuple[Any, Any]] = {
    "value": (lambda: gd.vmap(f)(X), lambda: stacked(f, X)),
    "gradient": (lambda: gd.vmap(gd.grad(f))(X), lambda: stacked(gd.grad(f), X)),
    "hessian": (lambda: gd.vmap(gd.hessian(f))(X), lambda: stacked(gd.hessian(f), X)),
    "jacobian forward": (
        lambda: gd.vmap(gd.jacobian(gd.grad(f), mode="forward"))(X),
        lambda: stacked(gd.hessian(f), X),
    ),
    "jvp": (
        lambda: gd.vmap(lambda x: gd.jvp(f, (x,), (x,))[1])(X),
        lambda: stacked(lambda x: gd.jvp(f, (x,), (x,))[1], X),
    ),
    "vjp": (
        lambda: gd.vmap(lambda x: gd.vjp(gd.softmax, x)[1](x * x)[0])(X),
        lambda: stacked(lambda x: gd.vjp(gd.softmax, x)[1](x * x)[0], X),
    ),
    "hvp": (
        lambda: gd.vmap(lambda x: gd.hvp(f, (x,), (gd.ones_like(x),))[1][0])(X),
        lambda: stacked(lambda x: gd.hvp(f, (x,), (np.ones(3),))[1][0], X),
    ),
    "gradient of vmap": (
        lambda: gd.grad(lambda x: (gd.vmap(f)(x) ** 2).sum())(X),
        lambda: stacked(gd.grad(lambda x: f(x) ** 2), X),
    ),
    "gradient of vmap of gradient": (
        lambda: gd.grad(lambda x: (gd.vmap(gd.grad(f))(x) ** 2).sum())(X),
        lambda: stacked(gd.grad(lambda x: (gd.grad(f)(x) ** 2).sum()), X),
    ),
    "jacobian of vmap": (
        lambda: gd.jacobian(gd.vmap(f))(X).sum(1),
        lambda: stacked(gd.grad(f), X),
    ),
    "vmap of vmap": (
        lambda: gd.vmap(gd.vmap(lambda a, b: gd.exp(a) * b + a, in_axes=(None, 0)), in_axes=(0, None))(
            X[:, 0], X[:, 1]
        ),
        lambda: np.exp(X[:, :1]) * X[:, 1] + X[:, :1],
    ),
    "gradient in vmap of vmap": (
        lambda: gd.vmap(lambda a: gd.vmap(gd.grad(lambda b: gd.sin(a * b) * a))(X[:, 1]))(X[:, 0]),
        lambda: np.cos(X[:, :1] * X[:, 1]) * X[:, :1] ** 2,
    ),
    "vmap inside a gradient inside vmap": (
        lambda: gd.vmap(gd.grad(lambda a: gd.vmap(lambda b: gd.sin(a * b))(X[:, 1]).sum()))(X[:, 0]),
        lambda: (np.cos(X[:, :1] * X[:, 1]) * X[:, 1]).sum(1),
    ),
    "gradient by what all entries share": (
        lambda: gd.vmap(lambda x: gd.grad(lambda w: gd.tanh(x @ w).sum())(W))(X),
        lambda: stacked(lambda x: gd.grad(lambda w: gd.tanh(x @ w).sum())(W), X),
    ),
}


@pytest.mark.parametrize("name", NESTS)
@pytest.mark.usefixtures("no_loop")
def test_nested(name: str) -> None:
    found, wanted = NESTS[name]
    result = found()
    assert not result.requires_grad
    same(result, wanted())


def test_gradients_flow_through_to_leaves_outside() -> None:
    w = gd.tensor(W, requires_grad=True)
    y = gd.vmap(lambda x: gd.tanh(x @ w))(X)
    y.backward(np.ones((5, 4)))
    with_loop = gd.tensor(W, requires_grad=True)
    gd.tanh(gd.asarray(X) @ with_loop).sum().backward()
    same(w.grad, with_loop.grad.numpy())


def test_detach_stops_every_gradient() -> None:
    same(gd.grad(lambda x: gd.vmap(lambda r: (r.detach() * r).sum())(x).sum())(X), X)


def test_no_grad_inside_stops_every_gradient() -> None:
    def half(r: Any) -> Any:
        with gd.no_grad():
            fixed = r * 2
        return (fixed * r).sum()

    same(gd.grad(lambda x: gd.vmap(half)(x).sum())(X), 2 * X)


# Axes and trees


def test_in_axes_and_out_axes() -> None:
    cube = RNG.normal(size=(2, 5, 3))
    same(gd.vmap(lambda a: a * 2, in_axes=1, out_axes=-1)(cube), np.moveaxis(cube * 2, 1, -1))
    same(gd.vmap(lambda a, b: a @ b, in_axes=(1, None))(cube, W), np.einsum("anb,bc->nac", cube, W))
    same(gd.vmap(lambda a, b: a - b, in_axes=(-1, 0))(X, np.arange(3.0)), (X - np.arange(3.0)).T)


def test_trees_go_in_and_out() -> None:
    tree = {"a": X, "b": [X[:, 0], W]}
    axes = ({"a": 0, "b": (0, None)},)
    out = gd.vmap(lambda t: {"sum": t["a"].sum() + t["b"][0], "pair": (t["a"] @ t["b"][1], 3.0)}, in_axes=axes)(tree)
    same(out["sum"], X.sum(1) + X[:, 0])
    same(out["pair"][0], X @ W)
    assert out["pair"][1].tolist() == [3.0] * 5
    axes_out = {"sum": 0, "pair": 1}
    out = gd.vmap(lambda a: {"sum": a.sum(), "pair": (a, a)}, out_axes=axes_out)(X)
    assert [p.shape for p in out["pair"]] == [(3, 5), (3, 5)]


def test_keywords_are_counted_along_the_first_axis() -> None:
    same(gd.vmap(lambda a, scale: a * scale)(X, scale=np.arange(5.0)), X * np.arange(5.0)[:, None])


def test_results_that_all_entries_share() -> None:
    constant, moving = gd.vmap(lambda a: (gd.ones(2), a.sum()), out_axes=(None, 0))(X)
    assert constant.shape == (2,)
    assert moving.shape == (5,)
    assert gd.vmap(lambda a: gd.ones(2))(X).shape == (5, 2)


def test_no_entries() -> None:
    assert gd.vmap(lambda a: gd.tanh(a).sum())(np.zeros((0, 3))).shape == (0,)


def test_integers_choose_rows() -> None:
    labels = np.array([0, 2, 1, 1, 0])
    same(gd.vmap(lambda row, i: row[i])(X, labels), X[np.arange(5), labels])
    same(gd.vmap(lambda i: gd.tensor(W)[i])(labels), W[labels])
    same(gd.vmap(lambda i: gd.one_hot(i, 3))(gd.tensor(labels)), np.eye(3)[labels])
    same(gd.vmap(lambda row, i: gd.take(row, i))(X, labels), X[np.arange(5), labels])


# Indexing of every kind, batched in every way


@st.composite
def keys(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[Any, ...], list[bool]]:
    """A shape, a key for it, and which of its arrays differ between entries."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    ranks = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=2))
    key: list[Any] = []
    batched: list[bool] = []
    for n in shape:
        kind = draw(st.sampled_from(["array", "array", "int", "slice", "new and slice", "mask"]))
        if kind == "array":
            differs = draw(st.booleans())
            key.append(draw(hnp.arrays(np.int64, ((3,) if differs else ()) + ranks, elements=st.integers(-n, n - 1))))
            batched.append(differs)
        elif kind == "int":
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "mask" and ranks == ():
            key.append(np.array([True] + [False] * (n - 1)))
            batched.append(False)
        else:
            key += [None] if kind.startswith("new") else []
            key.append(draw(st.slices(n)))
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), ...)
    return shape, tuple(key), batched


@given(keys(), st.booleans(), st.integers(0, 3))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_indexing(case: tuple[Any, ...], x_differs: bool, seed: int) -> None:
    shape, key, batched = case
    arrays = [k for k in key if isinstance(k, np.ndarray)]
    x = np.random.default_rng(seed).normal(size=((3,) if x_differs else ()) + shape)
    if not (x_differs or any(batched)):
        return

    def of_one(x: Any, *positions: Any) -> Any:
        rest = iter(positions)
        return (x[tuple([next(rest) if isinstance(k, np.ndarray) else k for k in key])] ** 3).sum()

    axes = (0 if x_differs else None, *[0 if b else None for b in batched])
    found = gd.vmap(gd.value_and_grad(of_one), in_axes=axes)(x, *arrays)
    for i in range(3):
        row = [a if axis is None else a[i] for a, axis in zip((x, *arrays), axes, strict=True)]
        value, g = gd.value_and_grad(of_one)(*row)
        same(found[0][i], value.numpy())
        same(found[1][i], g.numpy())


# Errors


def test_a_value_has_no_truth_and_no_number() -> None:
    for act in (
        bool,
        float,
        lambda x: x.item(),
        lambda x: x.numpy(),
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
        lambda x: x.data,
    ):
        with pytest.raises(
            ConversionError, match=r"inside vmap a tensor of shape \(\) stands for 5 entries.*gd\.where"
        ):
            gd.vmap(lambda row, act=act: act(row.sum()))(X)


def test_a_tensor_that_escaped_says_so() -> None:
    kept: list[Any] = []
    gd.vmap(lambda row: kept.append(row) or row.sum())(X)
    assert repr(kept[0]) == "tensor(one of 5 in vmap, shape=(3,), dtype=float64)"
    for act in (lambda x: x + 1, lambda x: x.sum(), lambda x: gd.exp(x), lambda x: x.data):
        with pytest.raises(ConversionError, match="do not store them elsewhere"):
            act(kept[0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "int64"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2,
        lambda x: 2 - x,
        lambda x: x**2,
        lambda x: x * 2.5,
        lambda x: x + True,
        lambda x: gd.maximum(x, 1),
        lambda x: gd.where(x > 1, 0, x),
        lambda x: gd.where(x == 1, x, 0.5),
        lambda x: x % 2,
        lambda x: gd.vmap(lambda y: y * 3)(x),
    ],
)
def test_numbers_take_the_dtype_of_what_stands_beside_them(function: Any, dtype: str) -> None:
    x = np.array([[1, 2, 3], [4, 5, 6]], dtype)
    together, alone = gd.vmap(function)(x), function(gd.tensor(x))
    assert together.dtype == alone.dtype
    np.testing.assert_array_equal(together.data, alone.data)
    if dtype == "float32":
        assert gd.vmap(gd.grad(lambda row: function(row).sum()))(x).dtype == dtype


ERRORS: list[tuple[Any, Any, str]] = [
    (lambda: gd.vmap(lambda a, b: a, in_axes=(0, 0))(X, W), ShapeError, "need one length, and have 5, 3"),
    (lambda: gd.vmap(lambda a: a, in_axes=2)(X), ShapeError, r"shape \(5, 3\) has no axis 2"),
    (lambda: gd.vmap(lambda a: a)(3.0), ShapeError, r"shape \(\) has no axis 0"),
    (lambda: gd.vmap(lambda a: a, in_axes=None)(X), GradientError, "no argument has an axis"),
    (lambda: gd.vmap(lambda a: a, in_axes=(0, 0))(X), GradientError, "is for 2 arguments, and .* with 1"),
    (lambda: gd.vmap(lambda a: a, in_axes=({"a": 0},))([X]), GradientError, "does not fit the form"),
    (lambda: gd.vmap(lambda a: a, out_axes=None)(X), GradientError, "out_axes=None is for results that are the same"),
    (lambda: gd.vmap(lambda a: a.sum(), out_axes=1)(X), ShapeError, "cannot count entries at axis 1"),
    (lambda: gd.vmap(lambda a: a[a > 0])(X), ConversionError, "a mask of shape .* differs between entries"),
    (lambda: gd.vmap(lambda a: (a * LEAF).sum().backward())(X), GradientError, r"backward\(\) inside vmap.*gd\.grad"),
    (lambda: LEAF.__setattr__("data", 0), ShapeError, "cannot replace"),
    (lambda: gd.vmap(lambda a: LEAF.__setattr__("data", a))(X), ConversionError, "do not store them elsewhere"),
]
LEAF = gd.ones(3, requires_grad=True)


@pytest.mark.parametrize(("act", "kind", "text"), ERRORS)
def test_errors(act: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        act()


def test_what_raises_inside_leaves_no_trace() -> None:
    with pytest.raises(ZeroDivisionError):
        gd.vmap(lambda a: 1 / 0)(X)
    assert (gd.ones(2) * 2).tolist() == [2.0, 2.0]
    same(gd.vmap(f)(X), stacked(f, X))


def test_memory_is_flat_without_the_collector() -> None:
    gd.vmap(gd.grad(f))(X)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            gd.vmap(gd.hessian(f))(X)
            gd.grad(lambda x: gd.vmap(gd.grad(f))(x).sum())(X)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_each_thread_has_batches_of_its_own() -> None:
    wanted = stacked(gd.grad(f), X)
    found: list[Any] = []

    def work() -> None:
        for _ in range(20):
            found.append(gd.vmap(gd.grad(f))(X).numpy())
            assert (gd.ones(2) + 1).tolist() == [2.0, 2.0]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for g in found:
        np.testing.assert_allclose(g, wanted)


def test_an_op_without_a_rule_is_looped_over() -> None:
    from grad_core.extend import op

    @op(vjp=(lambda g, _ans, x: (g[0] * 2 * x, g[1])[0] + g[1] * np.ones(3),))
    def both(x: Any) -> Any:
        return x * x, x + 1

    def loss(x: Any) -> Any:
        squares, sums = both(x)
        return (squares * sums).sum()

    same(gd.vmap(loss)(X), stacked(loss, X))
    same(gd.vmap(gd.grad(loss))(X), stacked(gd.grad(loss), X))
    with pytest.raises(ShapeError, match="both: a batch without entries"):
        gd.vmap(loss)(X[:0])
