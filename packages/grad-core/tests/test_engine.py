"""The backward pass: order, depth, what it does not compute, second passes, recording, threads."""

import threading
import weakref
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import GradientError, GraphReleasedError, ShapeError


def leaf(*values: float, dtype: str = "float64") -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype=dtype, requires_grad=True)


# Order and depth


def test_a_chain_of_100_000_ops() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_a_chain_of_100_000_ops_is_forgotten_without_recursion() -> None:
    x = leaf(1.0, 2.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    last = weakref.ref(y)
    del y
    assert last() is None


def test_second_derivative_through_a_long_chain() -> None:
    x = leaf(1.0)
    y = x * x
    for _ in range(3_000):
        y = y + 0.0
    g = gd.gradients(y, [x], create_graph=True)[x]
    assert gd.gradients(g, [x])[x].item() == 2.0


def test_a_diamond_of_depth_50_runs_each_node_once() -> None:
    calls = []

    @extend.op(vjp=(lambda g, _ans, _x: calls.append(1) or g,))
    def same(x: Any) -> Any:
        return x.copy()

    x = leaf(1.0, 1.0)
    y = x
    for _ in range(50):
        z = same(y)
        y = z + z
    y.sum().backward()
    assert len(calls) == 50
    assert x.grad.tolist() == [2.0**50] * 2


def test_a_node_runs_after_everything_that_used_it() -> None:
    x = leaf(3.0)
    early = x * x
    late = early * early
    (early + late).backward()
    assert x.grad.item() == 2 * 3 + 4 * 27


# What is computed, and what is kept


@pytest.mark.parametrize(
    ("tracked", "called"), [((True, False), ["x"]), ((False, True), ["y"]), ((True, True), ["x", "y"])]
)
def test_a_rule_is_called_only_for_arguments_whose_gradient_is_wanted(
    tracked: tuple[bool, bool], called: list[str]
) -> None:
    calls: list[str] = []

    def by(name: str) -> Any:
        return lambda g, _ans, _x, _y: calls.append(name) or g

    @extend.op(vjp=(by("x"), by("y")))
    def plus(x: Any, y: Any) -> Any:
        return x + y

    x, y = (gd.tensor([1.0, 2.0], requires_grad=t) for t in tracked)
    plus(x, y).sum().backward()
    assert calls == called


def test_gradients_restricts_the_work_to_what_was_asked() -> None:
    calls: list[str] = []

    def noted(name: str) -> extend.Op:
        @extend.op(vjp=(lambda g, _ans, _x: calls.append(name) or g,))
        def same(x: Any) -> Any:
            return x.copy()

        return same

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = (noted("x")(x) * noted("y")(y)).sum()
    g = gd.gradients(z, [x])
    assert calls == ["x"]
    assert g[x].tolist() == [3.0, 4.0]
    assert y.grad is None
    assert x.grad is None


@pytest.mark.parametrize(
    ("function", "kept"),
    [
        (lambda x, y: x + y, (False, False, False)),
        (lambda x, y: x * y, (True, True, False)),
        (lambda x, y: x / y, (False, True, True)),
        (lambda x, y: gd.exp(x), (False, None, True)),
        (lambda x, y: gd.log(x), (True, None, False)),
        (lambda x, y: x.sum(), (False, None, False)),
        (lambda x, y: x @ y, (True, True, False)),
    ],
)
def test_only_what_the_rules_read_is_saved(function: Any, kept: tuple[bool | None, ...]) -> None:
    x = gd.ones((4, 4), requires_grad=True)
    node = function(x, gd.ones((4, 4), requires_grad=True)).grad_fn
    values = [*node.saved, *[None] * (2 - len(node.saved)), node.ans]
    assert [isinstance(v, np.ndarray) for v in values] == [bool(k) for k in kept]


def test_what_one_argument_needs_is_not_kept_for_another() -> None:
    x = gd.ones(3, requires_grad=True)
    node = (x * gd.ones(3)).grad_fn
    assert [v is None for v in node.saved] == [True, False]


def test_arrays_that_no_rule_reads_are_freed_at_once() -> None:
    x = gd.ones((10, 10), requires_grad=True)
    step = x * 2
    array = weakref.ref(step.data)
    y = (step + 1).sum()
    del step
    assert array() is None
    y.backward()
    assert x.grad.shape == (10, 10)


def test_backward_frees_as_it_goes_and_at_the_end() -> None:
    x = gd.ones((10, 10), requires_grad=True)
    middle = gd.exp(x)
    array = weakref.ref(middle.data)
    y = middle.sum()
    del middle
    assert array() is not None
    y.backward()
    assert array() is None
    assert y.grad_fn.saved is None


# Second passes


def test_a_second_backward_says_why_and_what_to_do() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(
        GraphReleasedError, match=r"saved by 'sum' were released by an earlier backward: pass retain_graph=True"
    ):
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_accumulation_over_calls_exactly_doubles() -> None:
    x = leaf(0.1, 0.7)
    y = gd.tanh(x).sum()
    y.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)


def test_a_released_shared_part_is_noticed_and_nothing_is_half_added() -> None:
    x, other = leaf(1.0, 2.0), leaf(5.0, 6.0)
    shared = gd.exp(x)
    first, second = shared.sum(), (shared * other).sum()
    first.backward()
    before = x.grad.numpy().copy()
    with pytest.raises(GraphReleasedError, match="'exp'"):
        second.backward()
    np.testing.assert_array_equal(x.grad.numpy(), before)
    assert other.grad is None


# Starting points and errors


@pytest.mark.parametrize(
    ("make", "arguments", "error", "text"),
    [
        (
            lambda x: x * 2,
            {},
            GradientError,
            r"backward\(\) of a tensor of shape \(2,\) needs the gradient to start from.*\.sum\(\)",
        ),
        (
            lambda x: gd.ones(2),
            {},
            GradientError,
            r"does not require grad: nothing it was computed from has requires_grad=True",
        ),
        (lambda x: x * 2, {"gradient": [1.0]}, ShapeError, r"has shape \(1,\), and the tensor \(2,\)"),
        (lambda x: x > 1, {}, GradientError, "does not require grad"),
    ],
)
def test_backward_from_the_wrong_thing(make: Any, arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(error, match=text):
        make(x).backward(**arguments)
    assert x.grad is None


def test_a_single_number_of_any_rank_needs_no_gradient() -> None:
    x = leaf(2.0)
    (x.reshape(1, 1) * 3.0).backward()
    assert x.grad.item() == 3.0


def test_backward_of_a_leaf_is_its_own_gradient() -> None:
    x = leaf(1.0, 2.0)
    x.backward([3.0, 4.0])
    assert x.grad.tolist() == [3.0, 4.0]


def test_create_graph_leaves_differentiable_gradients_on_the_leaves() -> None:
    x = leaf(3.0)
    (x * x * x).backward(create_graph=True)
    g = x.grad
    x.grad = None
    assert g.item() == 27.0
    g.backward()
    assert x.grad.item() == 18.0
    x.grad = None


# Recording


def test_a_recorder_sees_the_backward_pass_as_ops_on_untracked_tensors() -> None:
    x = gd.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
    calls: list[Any] = []
    with extend.recording(lambda *call: calls.append(call)):
        y = gd.tanh(x * 2.0).sum()
        forward = len(calls)
        y.backward()
    assert forward == 3
    assert calls[forward][0].name == "broadcast_to"
    made = [id(out.data) for *_, outs in calls[forward:] for out in outs]
    assert id(x.grad.data) in made
    assert not any(out.requires_grad for *_, outs in calls[forward:] for out in outs)


def test_the_record_replayed_on_new_numbers_gives_the_new_gradient() -> None:
    """Forward and backward, recorded once, are a list of ops over values: run again from another input."""
    x = gd.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
    w = gd.tensor([2.0, -1.0], dtype="float64", requires_grad=True)
    calls: list[Any] = []
    with extend.recording(lambda *call: calls.append(call)):
        y = gd.square(gd.tanh(x * w)).sum()
        y.backward()
    fresh = np.array([0.1, -0.7])
    slots = {id(x.data): fresh}
    for op, inputs, params, outs in calls:
        values = [slots.get(id(v.data), v.data) if isinstance(v, gd.Tensor) else v for v in inputs]
        slots[id(outs[0].data)] = op.forward(*values, **params)
    other = gd.tensor(fresh, requires_grad=True)
    gd.square(gd.tanh(other * w.detach())).sum().backward()
    np.testing.assert_allclose(slots[id(x.grad.data)], other.grad.numpy(), rtol=1e-12)


# Threads


def test_threads_train_side_by_side_each_to_its_own_right_answer() -> None:
    def train(seed: int) -> list[float]:
        rng = gd.random.Generator(seed)
        x, w = rng.normal((16, 8)), rng.normal((8, 4), requires_grad=True)
        for _ in range(100):
            loss = gd.square(gd.tanh(x @ w) - 0.5).mean()
            with gd.no_grad():
                assert not (w * 2).requires_grad
            g = gd.gradients(loss, [w])[w]
            w.data -= 0.1 * g.data
        return w.tolist()

    alone = [train(seed) for seed in range(4)]
    together: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda s=seed: together.update({s: train(s)})) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [together[seed] for seed in range(4)] == alone
