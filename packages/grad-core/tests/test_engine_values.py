"""The arrays of the backward pass: whose they are, their dtypes, several results of one op, and memory."""

import gc
import sys
import tracemalloc
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend


def leaf(*values: float, dtype: str = "float64") -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype=dtype, requires_grad=True)


# Ownership


def test_leaves_that_get_the_same_cotangent_get_arrays_of_their_own() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = np.array([5.0, 6.0])
    (x + y).backward(g)
    assert not np.shares_memory(x.grad.data, y.grad.data)
    assert not np.shares_memory(x.grad.data, g)
    x.grad.data *= 0
    assert y.grad.tolist() == g.tolist() == [5.0, 6.0]


@pytest.mark.parametrize("uses", [1, 2, 3, 5])
@pytest.mark.parametrize("rule", ["returns g", "returns a view of g", "returns a fresh array"])
def test_sums_in_place_never_reach_arrays_of_others(uses: int, rule: str) -> None:
    """`g` is shared by all users of x: adding into it in place would change what the others receive."""
    rules = {
        "returns g": lambda g: g,
        "returns a view of g": lambda g: g[:],
        "returns a fresh array": lambda g: g * 1.0,
    }

    @extend.op(vjp=(lambda g, _ans, _x: rules[rule](g),))
    def same(x: Any) -> Any:
        return x.copy()

    x = leaf(1.0, 2.0)
    g = np.array([1.0, 10.0])
    middle = x * 1.0
    total = same(middle)
    for _ in range(uses - 1):
        total = total + same(middle)
    total.backward(g)
    assert x.grad.tolist() == [uses * 1.0, uses * 10.0]
    assert g.tolist() == [1.0, 10.0]


def test_intermediate_gradients_are_not_the_leaf_gradients() -> None:
    x = leaf(1.0, 2.0)
    y = x + 0.0
    g = gd.gradients(y.sum(), [x, y])
    assert not np.shares_memory(g[x].data, g[y].data)


# Cycles and memory


def step_of_training(x: gd.Tensor, w: gd.Tensor) -> None:
    loss = gd.square(gd.tanh(x @ w)).mean()
    loss.backward()
    w.data -= 0.01 * w.grad.data
    w.grad = None


def test_no_reference_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        x, w = gd.ones((8, 4)), gd.ones((4, 2), requires_grad=True)
        for _ in range(3):
            step_of_training(x, w)
            gd.grad(lambda v: gd.square(gd.sin(v)).sum())(w)
            gd.grad(lambda v: gd.grad(lambda u: (u * u * u).sum())(v).sum())(w)
        y = gd.exp(w).sum()
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_memory_is_flat_over_thousands_of_steps_with_gc_off() -> None:
    x, w = gd.ones((8, 4)), gd.ones((4, 2), requires_grad=True)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(200):
            step_of_training(x, w)
        start = tracemalloc.get_traced_memory()[0]
        for _ in range(2_000):
            step_of_training(x, w)
        assert tracemalloc.get_traced_memory()[0] - start < 5_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_steps_leave_no_blocks_in_stock() -> None:
    x, w, b = gd.ones((8, 4)), gd.ones((4, 2), requires_grad=True), gd.ones(2, requires_grad=True)
    for i in range(600):
        if i == 100:
            start = sys.getallocatedblocks()
        (x @ w + b).sum().backward()
    assert sys.getallocatedblocks() - start < 100


# Dtypes


@pytest.mark.parametrize("low", ["float16", "float32"])
def test_mixed_precisions_give_each_leaf_its_own(low: str) -> None:
    x, y = leaf(1.0, 2.0, dtype=low), leaf(3.0, 4.0)
    z = x * y
    assert z.dtype == np.float64
    (z * x).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.dtype(low), np.float64)
    assert x.grad.tolist() == [6.0, 16.0]


def test_a_cotangent_is_cast_on_its_way_to_a_value_of_lower_precision() -> None:
    seen = []

    @extend.op(vjp=(lambda g, _ans, _x: seen.append(g.dtype) or g,))
    def same(x: Any) -> Any:
        return x.copy()

    x = leaf(1.0, 2.0, dtype="float32")
    (same(x) * np.array([1.0, 2.0])).sum().backward()
    assert seen == [np.float32]


# Several results


@extend.op(vjp=(lambda g, ans, _x: g[0] * ans[1] - g[1] * ans[0],))
def sincos(x: Any) -> Any:
    return np.sin(x), np.cos(x)


@pytest.mark.parametrize("pick", [(1.0, 0.0), (0.0, 1.0), (2.0, 3.0)])
def test_an_op_with_several_results(pick: tuple[float, float]) -> None:
    x = leaf(0.3, 0.4)
    s, c = sincos(x)
    total = (s * pick[0] + c * pick[1] if all(pick) else s if pick[0] else c).sum()
    total.backward()
    np.testing.assert_allclose(x.grad.numpy(), pick[0] * np.cos(x.data) - pick[1] * np.sin(x.data))


def test_several_results_used_often_and_to_second_order() -> None:
    gd.testing.check_grads(
        lambda x: (lambda s, c: s * c + s * s + c)(*sincos(x)), [[0.3, 1.2]], order=3, tolerance=1e-3, step=1e-4
    )


def test_gradients_of_one_of_several_results() -> None:
    x = leaf(0.3, 0.4)
    s, c = sincos(x)
    g = gd.gradients((s * s * c).sum(), [s, c, x])
    np.testing.assert_allclose(g[s].numpy(), (2 * s * c).detach().numpy())
    np.testing.assert_allclose(g[c].numpy(), (s * s).detach().numpy())
    assert g[x].shape == (2,)


def test_integer_results_beside_floating_ones_have_no_history() -> None:
    @extend.op(vjp=(lambda g, _ans, x: g[0] * (x == np.maximum.reduce(x)),))
    def largest(x: Any) -> Any:
        return np.maximum.reduce(x), np.argmax(x)

    x = leaf(1.0, 3.0, 2.0)
    value, position = largest(x)
    assert not position.requires_grad
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
