"""Every transform in several threads at once, and thousands of times with the garbage collector off.

A new transform is one line in `CALLS`.
"""

import gc
import threading
import tracemalloc
from typing import Any

import grad_core as gd
import numpy as np
import pytest


def model(weights: Any) -> Any:
    """Something of every kind: broadcasting, positions, a product, a kink."""
    hidden = gd.tanh(weights["w"] @ np.linspace(-1, 1, 6).reshape(3, 2) + weights["b"])
    return gd.relu(hidden[[0, 1, 1]]) * gd.exp(-hidden[0])


def loss(weights: Any) -> Any:
    return gd.square(model(weights)).sum()


def vector(x: Any) -> Any:
    return gd.sin(x) * x[0] + gd.softmax(x)


def number(x: Any) -> Any:
    return gd.square(vector(x)).sum()


def make(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Weights, a point, a direction."""
    rng = np.random.default_rng(seed)
    return {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=2)}, rng.normal(size=4), rng.normal(size=4)


# name, call with what `make` gives
CALLS: dict[str, Any] = {
    "backward": lambda w, x, t: backward(x),
    "gradients": lambda w, x, t: gradients(x),
    "grad": lambda w, x, t: gd.grad(loss)(w),
    "value_and_grad": lambda w, x, t: gd.value_and_grad(loss)(w),
    "grad of grad": lambda w, x, t: gd.grad(lambda y: (gd.grad(number)(y) * t).sum())(x),
    "vjp": lambda w, x, t: gd.vjp(vector, x)[1](t),
    "vjp of a dict": lambda w, x, t: gd.vjp(model, w)[1](np.ones((3, 2))),
    "jvp": lambda w, x, t: gd.jvp(vector, (x,), (t,)),
    "jacobian in rows": lambda w, x, t: gd.jacobian(vector, mode="reverse")(x),
    "jacobian in columns": lambda w, x, t: gd.jacobian(vector, mode="forward")(x),
    "hessian": lambda w, x, t: gd.hessian(number)(x),
    "hvp": lambda w, x, t: gd.hvp(number, (x,), (t,)),
    "vmap": lambda w, x, t: gd.vmap(number)(np.outer(x, t)),
    "vmap of grad": lambda w, x, t: gd.vmap(gd.grad(number))(np.outer(x, t)),
    "grad of vmap": lambda w, x, t: gd.grad(lambda y: gd.vmap(number)(y).sum())(np.outer(x, t)),
    "checkpoint": lambda w, x, t: gd.grad(lambda y: number(gd.checkpoint(vector)(y)))(x),
    "grad of grad of checkpoint": lambda w, x, t: gd.hvp(lambda y: number(gd.checkpoint(vector)(y)), (x,), (t,)),
    "grad of jvp": lambda w, x, t: gd.grad(lambda y: gd.jvp(vector, (y,), (t,))[1].sum())(x),
    "jvp of grad": lambda w, x, t: gd.jvp(gd.grad(number), (x,), (t,)),
}


def backward(x: np.ndarray) -> Any:
    leaf = gd.tensor(x, requires_grad=True)
    number(leaf).backward()
    return leaf.grad


def gradients(x: np.ndarray) -> Any:
    leaf = gd.tensor(x, requires_grad=True)
    middle = gd.sin(leaf)
    found = gd.gradients((middle * middle).sum(), [middle, leaf])
    return [found[middle], found[leaf]]


def numbers(tree: Any) -> Any:
    """The same with lists for tensors, to compare."""
    if isinstance(tree, gd.Tensor):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: numbers(value) for key, value in tree.items()}
    return [numbers(value) for value in tree]


def test_no_transform_is_forgotten() -> None:
    """Each public function that takes a function and differentiates it is in the table."""
    here = " ".join(CALLS)
    transforms = [
        name for name in gd.__all__ if getattr(getattr(gd, name), "__module__", "").startswith("grad_core.transforms")
    ]
    assert transforms
    assert [name for name in transforms if name not in here] == []


@pytest.mark.parametrize("name", CALLS)
def test_threads_get_what_they_get_alone(name: str) -> None:
    def work(seed: int) -> Any:
        found = []
        for i in range(8):
            found.append(numbers(CALLS[name](*make(100 * seed + i))))
            with gd.no_grad():  # of one thread must not be that of another
                assert not (gd.ones(2, requires_grad=True) * 2).requires_grad
        return found

    seeds = range(4)
    alone = {seed: work(seed) for seed in seeds}
    together: dict[int, Any] = {}
    start = threading.Barrier(len(seeds))

    def run(seed: int) -> None:
        start.wait(timeout=60)
        together[seed] = work(seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert together == alone
    assert len({str(found) for found in alone.values()}) == len(seeds)


@pytest.mark.parametrize("name", CALLS)
def test_memory_is_flat_with_gc_off(name: str) -> None:
    values = make(0)
    call = CALLS[name]
    for _ in range(3):
        call(*values)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            call(*values)
        assert gc.collect() == 0  # no cycles; it also empties Python's own lists of tuples to use again
        start = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            call(*values)
        assert gc.collect() == 0
        assert tracemalloc.get_traced_memory()[0] - start < 1_000  # 20 bytes a call; the smallest array takes a hundred
    finally:
        tracemalloc.stop()
        gc.enable()


def inner(w: Any) -> dict[str, Any]:
    """Numbers that a derivative by x, inside, depends on."""
    x, t = np.array([0.3, 1.2]), np.ones(2)

    def g(y: Any) -> Any:
        return gd.sin(y * w) * y * y[0]

    def h(y: Any) -> Any:
        return g(y).sum()

    return {
        "grad": lambda: gd.square(gd.grad(h)(x)).sum(),
        "jvp": lambda: gd.jvp(g, (x,), (t,))[1].sum(),
        "vjp": lambda: gd.vjp(g, x)[1](t)[0].sum(),
        "hvp": lambda: gd.hvp(h, (x,), (t,))[1][0].sum(),
        "rows": lambda: gd.jacobian(g)(x).sum(),
        "columns": lambda: gd.jacobian(g, mode="forward")(x).sum(),
        "hessian": lambda: gd.hessian(h)(x).sum(),
    }


OUTER: dict[str, Any] = {
    "grad": lambda f, w: [gd.grad(f)(w)],
    "value_and_grad": lambda f, w: gd.value_and_grad(f)(w),
    "jvp": lambda f, w: gd.jvp(f, (w,), (np.ones(2),)),
    "vjp": lambda f, w: gd.vjp(f, w)[1](1.0),
    "hessian": lambda f, w: [gd.hessian(f)(w)],
}


@pytest.mark.parametrize("outside", OUTER)
@pytest.mark.parametrize("inside", inner(1.0))
def test_what_the_outermost_transform_gives_has_no_history(outside: str, inside: str) -> None:
    """The leaves of the inner transform are nobody's business: the result must not be recorded because of them."""
    for result in OUTER[outside](lambda w: inner(w)[inside](), np.array([1.0, 2.0])):
        assert not result.requires_grad


@pytest.mark.parametrize("outside", OUTER)
@pytest.mark.parametrize("inside", inner(1.0))
def test_a_leaf_from_outside_is_still_seen(outside: str, inside: str) -> None:
    scale = gd.tensor(2.0, dtype="float64", requires_grad=True)
    for result in OUTER[outside](lambda w: inner(w * scale)[inside](), np.array([1.0, 2.0])):
        assert result.requires_grad


def test_threads_that_train_end_where_they_end_alone() -> None:
    """A network each, its steps by `value_and_grad`, with a penalty on the gradient by the inputs: a second order."""

    def train(seed: int) -> Any:
        rng = gd.random.Generator(seed)
        x, y = rng.normal((20, 3), dtype="float64"), rng.normal((20, 1), dtype="float64")
        weights = [rng.normal((3, 8), dtype="float64").numpy() / 2, rng.normal((8, 1), dtype="float64").numpy() / 3]

        def output(ws: Any, inputs: Any) -> Any:
            return gd.tanh(inputs @ ws[0]) @ ws[1]

        def objective(ws: Any) -> Any:
            slope = gd.grad(lambda inputs: output(ws, inputs).sum())(x)
            return gd.square(output(ws, x) - y).mean() + 0.1 * gd.square(slope).mean()

        losses = []
        for _ in range(30):
            value, slopes = gd.value_and_grad(objective)(weights)
            losses.append(value.item())
            weights = [w - 0.1 * g.numpy() for w, g in zip(weights, slopes, strict=True)]
        assert losses[-1] < 0.9 * losses[0]
        return losses

    alone = [train(seed) for seed in range(3)]
    together: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda s=seed: together.update({s: train(s)})) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert [together[seed] for seed in range(3)] == alone
