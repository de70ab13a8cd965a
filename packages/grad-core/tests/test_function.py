"""Ops as classes: what is saved, for how long, what is checked, and derivatives of any order through it."""

import gc
import threading
import tracemalloc
import weakref
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, GradientError, GraphReleasedError, InPlaceError, ShapeError
from grad_core.extend import Context, Function, recording
from grad_core.testing import check_grads


class Cube(Function):
    """Saves an input."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        ctx.save(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        (x,) = ctx.saved
        return g * 3 * x * x


class Exp(Function):
    """Saves its result."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        y = np.exp(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        (y,) = ctx.saved
        return g * y


class Product(Function):
    """Two inputs, and a parameter kept as an attribute."""

    @staticmethod
    def forward(ctx: Context, x: Any, y: Any, *, factor: float) -> Any:
        ctx.save(x, None, y)
        ctx.factor = factor
        return x * y * factor

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        x, nothing, y = ctx.saved
        assert nothing is None
        return g * y * ctx.factor, g * x * ctx.factor


class SineCosine(Function):
    """Two results, each saved."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        both = np.sin(x), np.cos(x)
        ctx.save(*both)
        return both

    @staticmethod
    def backward(ctx: Context, g_sine: Any, g_cosine: Any) -> Any:
        sine, cosine = ctx.saved
        return g_sine * cosine - g_cosine * sine


class Gate(Function):
    """Saves a mask, which is neither input nor result and needs no derivative, beside the inputs."""

    @staticmethod
    def forward(ctx: Context, x: Any, y: Any) -> Any:
        mask = x > y
        ctx.save(mask, x, y)
        return np.where(mask, x * x, y)

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        mask, x, _ = ctx.saved
        return np.where(mask, 2 * g * x, 0.0), np.where(mask, 0.0, g)


class Through(Function):
    """Saves nothing; a second input without a gradient, and a result that shares memory with an input."""

    @staticmethod
    def forward(ctx: Context, x: Any, count: Any) -> Any:
        return x[::-1]

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return g[::-1], None


class Shortcut(Function):
    """Saves a value that is neither input nor result."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        middle = np.exp(x)
        ctx.save(middle)
        return middle * 2

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        (middle,) = ctx.saved
        return 2 * g * middle


X = [0.3, -0.7, 1.2]
Y = [1.5, -2.0, 0.4]

CASES: list[tuple[str, Any, list[Any]]] = [
    ("input", Cube.apply, [X]),
    ("result", Exp.apply, [X]),
    ("two inputs", lambda x, y: Product.apply(x, y, factor=3.0), [X, Y]),
    ("one input twice", lambda x: Product.apply(x, x, factor=3.0), [X]),
    ("first result", lambda x: SineCosine.apply(x)[0], [X]),
    ("both results", lambda x: SineCosine.apply(x)[0] * SineCosine.apply(x)[1] ** 2, [X]),
    ("mask", Gate.apply, [X, Y]),
    ("nothing", lambda x: Through.apply(x * x, 3), [X]),
    ("of each other", lambda x: Cube.apply(Exp.apply(x)) * Exp.apply(x), [X]),
    ("0-d", Cube.apply, [0.5]),
    ("empty", Cube.apply, [np.zeros((0, 2))]),
]
by_case = pytest.mark.parametrize(("function", "inputs"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])


@by_case
def test_derivatives_to_the_third_order(function: Any, inputs: list[Any]) -> None:
    check_grads(function, inputs, order=3, tolerance=1e-3, step=1e-4)


@by_case
def test_tangents_and_curvatures(function: Any, inputs: list[Any]) -> None:
    def total(x: Any) -> Any:
        return function(x, *inputs[1:]).sum()

    x = np.asarray(inputs[0], float)
    direction = np.linspace(0.5, 1.5, x.size).reshape(x.shape)
    slope, product = gd.hvp(total, (x,), (direction,))
    hessian = gd.hessian(total)(x).numpy().reshape(x.size, x.size)
    np.testing.assert_allclose(product[0].numpy().ravel(), hessian @ direction.ravel(), atol=1e-12)
    _, pushed = gd.jvp(total, (x,), (direction,))
    gradient = gd.grad(total)(x).numpy()
    np.testing.assert_allclose(pushed.numpy(), (gradient * direction).sum(), rtol=1e-12, atol=1e-12)
    assert slope.shape == ()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_stay(dtype: str) -> None:
    x = gd.tensor(X, dtype=dtype, requires_grad=True)
    y = Cube.apply(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.dtype(dtype)


class Inverse(Function):
    """Its backward is written with itself."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        ctx.save(x)
        return 1 / x

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        (x,) = ctx.saved
        return -g * Inverse.on(x) * Inverse.on(x)


def test_on_gives_arrays_for_arrays_and_tensors_for_tensors() -> None:
    check_grads(Inverse.apply, [X], order=3, tolerance=1e-3, step=1e-4)
    assert type(Inverse.on(np.array(X))) is np.ndarray
    assert type(Inverse.on(gd.tensor(X))) is gd.Tensor
    assert [type(y) for y in SineCosine.on(np.array(X))] == [np.ndarray, np.ndarray]


def test_names_and_numbers() -> None:
    assert repr(Cube.apply(gd.ones(2, requires_grad=True)).grad_fn) == "<Cube>"
    assert Cube.apply(2.0).dtype == np.float32
    assert Cube.apply([2.0, 3.0]).tolist() == [8.0, 27.0]
    assert Product.apply(gd.tensor([2.0]), 3.0, factor=0.5).tolist() == [3.0]


def test_no_history_where_none_is_wanted() -> None:
    x = gd.ones(2, requires_grad=True)
    with gd.no_grad():
        assert not Cube.apply(x).requires_grad
    assert not Cube.apply(x.detach()).requires_grad


def test_one_array_under_two_tensors_is_two_inputs() -> None:
    x = gd.tensor(X, requires_grad=True)
    first = gd.gradients(Product.apply(x, x.detach(), factor=1.0).sum(), [x], create_graph=True)[x]
    np.testing.assert_allclose(first.detach().numpy(), np.array(X), rtol=1e-6)
    assert gd.gradients(first.sum() + 0 * x.sum(), [x])[x].tolist() == [0.0, 0.0, 0.0]


def test_backward_runs_once_for_all_inputs_and_reads_arrays() -> None:
    seen: list[Any] = []

    class Watched(Product):
        @staticmethod
        def backward(ctx: Context, g: Any) -> Any:
            seen.append((type(g), *map(type, ctx.saved)))
            return Product.backward(ctx, g)

    x, y = gd.tensor(X, requires_grad=True), gd.tensor(Y, requires_grad=True)
    result = Watched.apply(x, y, factor=1.0).sum()
    result.backward(retain_graph=True)
    result.backward()
    assert seen == [(np.ndarray, np.ndarray, type(None), np.ndarray)] * 2
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array(Y), rtol=1e-6)


def test_attributes_are_each_calls_own() -> None:
    x, y = gd.tensor(X, requires_grad=True), gd.tensor(Y)
    first, second = Product.apply(x, y, factor=2.0), Product.apply(x, y, factor=5.0)
    first.backward([1.0, 1.0, 1.0])
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array(Y), rtol=1e-6)
    second.backward([1.0, 1.0, 1.0])
    np.testing.assert_allclose(x.grad.numpy(), 7 * np.array(Y), rtol=1e-6)


def test_what_was_not_saved_may_change_and_goes() -> None:
    x = gd.tensor(X, requires_grad=True)
    y = Exp.apply(x)
    x.data += 1
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X), rtol=1e-6)
    middle = x * 2
    alive = weakref.ref(middle.data)
    y = Through.apply(middle, 1)
    del middle
    y2 = Through.apply(y, 1)
    assert alive() is None
    y2.sum().backward()


@pytest.mark.parametrize(
    ("function", "change", "text"),
    [
        (Cube, lambda x, _y: x, r"'Cube' saved an input of shape \(3,\)"),
        (Exp, lambda _x, y: y, r"'Exp' saved its result of shape \(3,\)"),
        (Gate, lambda x, _y: x, r"'Gate' saved an input of shape \(3,\)"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_change_of_what_was_saved_is_noticed(function: Any, change: Any, text: str, create_graph: bool) -> None:
    x = gd.tensor(X, requires_grad=True)
    y = function.apply(x, 0.0) if function is Gate else function.apply(x)
    change(x, y).data += 1
    with pytest.raises(InPlaceError, match=text):
        y.backward(np.ones(3), create_graph=create_graph)


def test_a_released_graph_says_so() -> None:
    y = Cube.apply(gd.ones((), requires_grad=True))
    y.backward()
    with pytest.raises(GraphReleasedError, match="'Cube'"):
        y.backward()


def test_a_result_is_never_the_memory_of_an_input() -> None:
    x = gd.tensor(X)
    assert not np.shares_memory(Through.apply(x, 1).data, x.data)


def test_a_saved_value_without_history_raises_instead_of_being_wrong() -> None:
    x = gd.tensor(X, requires_grad=True)
    Shortcut.apply(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(X), rtol=1e-6)
    first = gd.gradients(Shortcut.apply(x).sum(), [x], create_graph=True)[x]
    with pytest.raises(GradientError, match=r"^Shortcut: .* neither input nor result.*return it from forward"):
        first.sum().backward()


class Bad(Function):
    """Returns what it is told to."""

    @staticmethod
    def forward(ctx: Context, x: Any, y: Any, *, gradient: Any) -> Any:
        ctx.gradient = gradient
        return x + y

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return ctx.gradient


class Careless(Function):
    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        return x @ np.ones(7)

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return g


class Empty(Function):
    pass


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (
        lambda x: Bad.apply(x, x, gradient=np.ones(3)).sum().backward(),
        GradientError,
        "Bad: backward returned 1 gradients for 2 inputs: .*None where there is none",
    ),
    (
        lambda x: Bad.apply(x, x, gradient=(np.ones(3), np.ones(2))).sum().backward(),
        ShapeError,
        r"Bad: backward returned a gradient of shape \(2,\) for input 1 of shape \(3,\): .*sum_to",
    ),
    (lambda x: Careless.apply(x), ShapeError, r"Careless: shapes \(3,\): "),
    (lambda x: Product.apply(x, x), DTypeError, "Product: .*factor"),
    (lambda x: Empty.apply(x), NotImplementedError, "needs a static method forward"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[str(i) for i in range(len(ERRORS))])
def test_mistakes_are_explained(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(gd.tensor(X, requires_grad=True))


def test_a_missing_backward_is_explained() -> None:
    class Half(Function):
        forward = Cube.forward

    with pytest.raises(NotImplementedError, match="needs a static method backward"):
        Half.apply(gd.ones((), requires_grad=True)).backward()


def test_the_recorded_call_can_be_replayed() -> None:
    calls: list[Any] = []
    with recording(lambda op, inputs, params, outputs: calls.append((op, params))):
        Product.apply(gd.tensor(X), gd.tensor(Y), factor=2.0)
    ((op, params),) = calls
    np.testing.assert_allclose(op.forward(np.array(X), np.ones(3), **params)[0], 2 * np.array(X))


def test_threads_do_not_share_what_is_saved() -> None:
    def slopes(seed: int) -> list[float]:
        x = gd.tensor([float(seed)] * 3, requires_grad=True)
        for _ in range(200):
            (Cube.apply(x) + Product.apply(x, x, factor=seed)).sum().backward()
        return x.grad.tolist()

    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda s=seed: found.update({s: slopes(s)})) for seed in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {seed: [200.0 * (3 * seed**2 + 2 * seed**2)] * 3 for seed in range(1, 5)}


def test_memory_is_flat_with_gc_off() -> None:
    x, y = gd.tensor(X, requires_grad=True), gd.tensor(Y, requires_grad=True)

    def step() -> None:
        Product.apply(Cube.apply(x), y, factor=2.0).sum().backward()
        first = gd.gradients(Product.apply(Exp.apply(x), y, factor=2.0).sum(), [x], create_graph=True)[x]
        gd.gradients(first.sum(), [y])
        x.grad = y.grad = None

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(20):
            step()
        start = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            step()
        assert gc.collect() == 0
        assert tracemalloc.get_traced_memory()[0] - start < 2_000
    finally:
        tracemalloc.stop()
        gc.enable()


BATCH = np.array([[0.3, -0.7], [1.2, 0.4], [2.0, -1.0]])


@pytest.mark.parametrize(
    "function",
    [
        Cube.apply,
        Exp.apply,
        lambda x: Product.apply(x, x * x, factor=3.0),
        lambda x: SineCosine.apply(x)[0] * SineCosine.apply(x)[1],
        lambda x: Gate.apply(x, 0.5),
    ],
)
def test_batches(function: Any) -> None:
    """By a loop over the entries, with the right result and derivatives of each."""

    def total(x: Any) -> Any:
        return (function(x) * np.array([1.0, 3.0])).sum()

    for one in (function, gd.grad(total), gd.grad(lambda x: gd.square(gd.grad(total)(x)).sum())):
        wanted = [one(row).tolist() for row in BATCH]
        np.testing.assert_allclose(gd.vmap(one)(BATCH).numpy(), wanted, rtol=1e-12)
    wanted = gd.grad(lambda rows: gd.vmap(total)(rows).sum())(BATCH)
    np.testing.assert_allclose(wanted.numpy(), [gd.grad(total)(row).tolist() for row in BATCH], rtol=1e-12)


def test_attributes_that_differ_within_a_batch_are_refused() -> None:
    class Scaled(Function):
        @staticmethod
        def forward(ctx: Context, x: Any) -> Any:
            ctx.scale = abs(x).max()
            return x / ctx.scale

        @staticmethod
        def backward(ctx: Context, g: Any) -> Any:
            return g / ctx.scale

    with pytest.raises(GradientError, match=r"Scaled: inside vmap attributes of ctx must be the same.*ctx.save"):
        gd.vmap(Scaled.apply)(BATCH)
