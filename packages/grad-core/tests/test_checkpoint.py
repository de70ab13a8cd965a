"""checkpoint: the same derivatives of every order with less memory, and what it says when the second run differs."""

import gc
import tracemalloc
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import GradientError, InPlaceError

X = np.random.default_rng(0).normal(size=(3, 4))
W = gd.tensor(np.random.default_rng(1).normal(size=(4, 4)), requires_grad=True)


def layer(x: Any) -> Any:
    return gd.tanh(x @ W) * gd.sigmoid(x) + x.exp()


def pair(tree: dict[str, Any]) -> dict[str, Any]:
    return {"a": [gd.tanh(tree["x"] @ W)], "b": tree["x"] * tree["y"]}


def test_gradients_of_arguments_and_of_what_the_function_refers_to() -> None:
    found = []
    for f in (layer, gd.checkpoint(layer)):
        x = gd.tensor(X, requires_grad=True)
        y = f(f(x) * 0.1)
        y.backward(np.linspace(-1, 1, 12).reshape(3, 4))
        found.append((y.detach().numpy(), x.grad.numpy(), W.grad.numpy()))
        W.grad = None
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_trees_go_in_and_out() -> None:
    def loss(f: Any) -> Any:
        def of(x: Any, y: Any) -> Any:
            out = f({"x": x, "y": y})
            return (out["a"][0] * out["b"]).sum()

        return gd.grad(of, (0, 1))(X, 2 * X)

    for a, b in zip(loss(pair), loss(gd.checkpoint(pair)), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: gd.grad(lambda x: f(x).sum())(X),
        lambda f: gd.grad(lambda x: gd.grad(lambda y: f(y).sum())(x).sum())(X),
        lambda f: gd.hessian(lambda x: f(x).sum())(X),
        lambda f: gd.jacobian(f, mode="forward")(X),
        lambda f: gd.vmap(gd.grad(lambda x: f(x).sum()))(X),
        lambda f: gd.grad(lambda x: gd.vmap(f)(x).sum())(X),
        lambda f: gd.grad(lambda x: gd.checkpoint(lambda y: f(y) * 2)(x).sum())(X),
    ],
)
def test_with_every_transform(transform: Any) -> None:
    frugal, whole = transform(gd.checkpoint(layer)), transform(layer)
    np.testing.assert_allclose(frugal.detach().numpy(), whole.detach().numpy(), rtol=1e-12)


def test_only_the_arguments_stay_in_memory() -> None:
    def deep(x: Any) -> Any:
        for _ in range(10):
            x = gd.sin(x)
        return x

    def held(f: Any) -> int:
        x = gd.tensor(np.ones(100_000), requires_grad=True)
        gc.collect()
        tracemalloc.start()
        y = f(x)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        y.sum().backward()
        return held

    whole, frugal = held(deep), held(gd.checkpoint(deep))
    assert whole > 10 * 800_000
    assert frugal < 2 * 800_000


def test_memory_is_flat_without_the_collector() -> None:
    f = gd.checkpoint(layer)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            f(f(gd.tensor(X, requires_grad=True))).sum()  # dropped without a backward pass
            f(gd.tensor(X, requires_grad=True)).sum().backward()
            W.grad = None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_second_backward_needs_retain_graph_as_ever() -> None:
    x = gd.tensor(X, requires_grad=True)
    y = gd.checkpoint(layer)(x).sum()
    y.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)
    with pytest.raises(GradientError, match="released by an earlier backward"):
        y.backward()
    W.grad = None


def test_without_history_it_is_the_function() -> None:
    with gd.no_grad():
        assert not gd.checkpoint(layer)(gd.tensor(X, requires_grad=True)).requires_grad


def test_random_draws_are_repeated() -> None:
    generator = gd.random.Generator(3)

    def noisy(x: Any) -> Any:
        return gd.exp(x * gd.asarray(generator.numpy.normal(size=x.shape)))

    x = gd.tensor(X, requires_grad=True)
    y = gd.checkpoint(noisy, generators=[generator])(x)
    after = generator.get_state()
    y.sum().backward()
    assert generator.get_state() == after
    noise = gd.random.Generator(3).numpy.normal(size=X.shape)
    np.testing.assert_allclose(x.grad.numpy(), noise * np.exp(X * noise))


def test_a_second_run_that_differs_is_told() -> None:
    runs: list[int] = []

    def moody(x: Any) -> Any:
        runs.append(1)
        return gd.sin(x) if len(runs) == 1 else gd.cos(x) * x

    y = gd.checkpoint(moody)(gd.tensor(X, requires_grad=True)).sum()
    with pytest.raises(GradientError, match=r"second run of 'moody' did 2 operations, and the first 1.*generators="):
        y.backward()


def test_a_change_in_between_is_noticed() -> None:
    for changed in ("argument", "reference"):
        x = gd.tensor(X.copy(), requires_grad=True)
        w = gd.tensor(np.ones(4), requires_grad=True)
        y = gd.checkpoint(lambda x, w=w: gd.exp(x + w))(x).sum()
        (x if changed == "argument" else w).data += 1
        with pytest.raises(InPlaceError, match=r"checkpoint: .* version 0, and it is at version 1"):
            y.backward()
