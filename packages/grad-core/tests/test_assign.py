"""Item assignment with a history, where the battery does not look: repeated places, views, leaves, vmap."""

import gc
import weakref
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, GradientError, ShapeError
from grad_core.testing import check_grads

X = np.arange(1.0, 13.0).reshape(4, 3) / 10


def put(x: Any, key: Any, value: Any) -> Any:
    y = x + 0
    y[key] = value
    return y


def test_of_values_for_one_place_the_last_stays_and_has_the_gradient() -> None:
    value = gd.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = put(gd.zeros(3), [0, 2, 0, 0], value)
    assert y.tolist() == [4.0, 0.0, 2.0]
    y.backward([10.0, 20.0, 30.0])
    assert value.grad.tolist() == [0.0, 30.0, 0.0, 10.0]
    check_grads(lambda x, v: put(x, ([0, 1, 0], [2, 2, 2]), v), (X, np.array([1.0, -2.0, 3.0])), order=2)


def test_reads_before_and_after_belong_to_their_own_values() -> None:
    x = gd.tensor([2.0, 3.0], requires_grad=True)
    y = x * 1
    before = y[0] * y[0]
    y[0] = y[0] * y[1]  # of itself, and of what was read before
    y[1] = before * y[0]
    y.backward([0.0, 1.0])  # x0^3 x1
    np.testing.assert_allclose(x.grad.numpy(), [3 * 4 * 3, 8])


def test_an_array_of_zeros_filled_step_by_step() -> None:
    w = gd.tensor(2.0, requires_grad=True)
    powers = gd.zeros(5)
    assert not powers.requires_grad
    for i in range(5):
        powers[i] = w**i
    assert powers.requires_grad
    powers.sum().backward()
    assert w.grad.item() == sum(i * 2.0 ** (i - 1) for i in range(5))


def test_augmented_assignment() -> None:
    x = gd.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y[1:] *= y[:2]
    y[0] += 5
    y.sum().backward()  # 2a + 5 + 4ab + 4bc
    assert x.grad.tolist() == [2 + 8.0, 4 + 12.0, 8.0]


def test_without_history_the_array_itself_changes() -> None:
    array = np.zeros(3)
    x = gd.asarray(array)
    x[1] = 5
    assert array[1] == 5
    leaf = gd.ones(2, requires_grad=True)
    with gd.no_grad():
        leaf[0] = 7.0
    assert leaf.tolist() == [7.0, 1.0]
    assert leaf.is_leaf
    assert leaf.requires_grad


def test_a_value_is_cast_to_the_dtype_of_the_tensor() -> None:
    value = gd.tensor(np.array([1.5, 2.5]), requires_grad=True)
    y = put(gd.zeros(3), slice(0, 2), value)
    assert y.dtype == np.float32
    y.sum().backward()
    assert value.grad.dtype == np.float64


def test_the_graph_goes_with_the_tensor() -> None:
    x = gd.ones(3, requires_grad=True)
    gc.disable()
    try:
        y = x * 2
        first = weakref.ref(y.grad_fn)
        y[0] = 1.0
        y[1] = x[0]
        gone = weakref.ref(y)
        del y
        assert gone() is None
        assert first() is None
    finally:
        gc.enable()


VIEW = gd.zeros((2, 3))
ERRORS: list[tuple[Any, Any, str]] = [
    (lambda: gd.ones(2, requires_grad=True).__setitem__(0, 1.0), GradientError, "leaf that requires grad.*no_grad"),
    (lambda: VIEW[0].__setitem__(0, gd.ones((), requires_grad=True)), GradientError, "into a view of shape .3,."),
    (
        lambda: put(gd.ones(3, requires_grad=True), [0, 1], gd.ones(3)),
        ShapeError,
        r"\(3,\) does not broadcast to the \(2,\)",
    ),
    (
        lambda: put(gd.ones(3, requires_grad=True), 9, 1.0),
        IndexError,
        r"setitem: shape \(3,\): index 9 is out of bounds",
    ),
    (
        lambda: gd.zeros(3, dtype="int64").__setitem__(0, gd.ones((), requires_grad=True)),
        DTypeError,
        "into int64 would lose",
    ),
]


@pytest.mark.parametrize(("act", "kind", "text"), ERRORS)
def test_errors(act: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        act()


def test_a_view_that_nobody_else_shares_may_be_assigned_to() -> None:
    y = gd.zeros(6).reshape(2, 3)
    y[0] = gd.ones(3, requires_grad=True) * 2
    assert y.tolist() == [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    "key",
    [lambda i: i, lambda i: (i, slice(0, 2)), lambda i: (slice(1, 3), i), lambda i: ([0, 1], i), lambda i: [0, 2]],
)
def test_batches_of_assignments(key: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3, 3))
    positions = np.array([0, 2, 1, 1, 0])
    found = gd.vmap(lambda a, i: put(a, key(i), a.sum() * a[0, 0]))(x, positions)
    for a, i, y in zip(x, positions, found, strict=True):
        wanted = a.copy()
        wanted[key(i)] = a.sum() * a[0, 0]
        np.testing.assert_allclose(y.numpy(), wanted)
    rows = gd.vmap(gd.grad(lambda a, i: (put(a, key(i), a.sum() * a[0, 0]) ** 2).sum()))(x, positions)
    for a, i, g in zip(x, positions, rows, strict=True):
        alone = gd.grad(lambda a, i=int(i): (put(a, key(i), a.sum() * a[0, 0]) ** 2).sum())(a)
        np.testing.assert_allclose(g.numpy(), alone.numpy())
