"""The backward pass: order, depth, memory, versions, threads, and what it does not compute."""

import gc
import threading
import tracemalloc
import weakref
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import GradientError, GraphReleasedError, InPlaceError, ShapeError


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


# Changes in place


def change_by_setter(x: gd.Tensor) -> None:
    x.data = x.data + 1


def change_in_place(x: gd.Tensor) -> None:
    x.data += 1


def change_by_assignment(x: gd.Tensor) -> None:
    x.detach()[0] = 9.0


def change_by_mark(x: gd.Tensor) -> None:
    array = x.data
    array += 1
    extend.mark_changed(x)


CHANGES = [change_by_setter, change_in_place, change_by_assignment, change_by_mark]


@pytest.mark.parametrize("change", CHANGES)
def test_a_saved_input_changed_in_place_is_noticed(change: Any) -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    change(x)
    with pytest.raises(
        InPlaceError,
        match=r"'multiply' saved an input of shape \(2,\) at version 0, and it is at version 1 now.*Change a copy",
    ):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("change", CHANGES)
def test_a_saved_result_changed_in_place_is_noticed(change: Any) -> None:
    x = leaf(1.0, 2.0)
    middle = gd.exp(x)
    y = middle.sum()
    change(middle)
    with pytest.raises(InPlaceError, match=r"'exp' saved its result of shape \(2,\) at version 0"):
        y.backward()


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.reshape(2, 1),
        lambda x: x[1:],
        lambda x: x.T,
        lambda x: gd.broadcast_to(x, (3, 2)),
        lambda x: x.detach(),
    ],
)
def test_views_share_the_version(view: Any) -> None:
    x = gd.tensor([1.0, 2.0])
    w = leaf(3.0, 4.0, dtype="float32")
    seen = view(x)
    y = (x * w).sum()
    extend.mark_changed(seen)
    with pytest.raises(InPlaceError):
        y.backward()
    again = (seen * 2.0 * gd.ones(seen.shape, requires_grad=True)).sum()
    change_in_place(x)
    again.backward()  # the product was saved, not the view


def test_a_copy_has_a_version_of_its_own() -> None:
    x = gd.tensor([1.0, 2.0])
    w = leaf(3.0, 4.0, dtype="float32")
    copy = x[[0, 1]]
    y = (copy * w).sum()
    change_in_place(x)
    y.backward()
    assert w.grad.tolist() == [1.0, 2.0]


def test_a_change_of_what_no_rule_reads_is_allowed() -> None:
    x = leaf(1.0, 2.0)
    y = (x + x).sum()
    change_in_place(x)
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_scalars_are_saved_by_value() -> None:
    x = leaf(3.0)
    y = x * x
    x.data = 5.0
    y.backward()
    assert x.grad.item() == 6.0


def test_a_changed_scalar_leaf_is_noticed_where_it_is_needed_itself() -> None:
    x = leaf(3.0)
    y = x * x
    x.data = np.float64(5.0)
    with pytest.raises(InPlaceError, match="'multiply' saved an input"):
        gd.gradients(y, [x], create_graph=True)


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed_in_second_order_too(change: Any) -> None:
    x = leaf(1.0, 2.0)
    g = gd.gradients((x * x * x).sum(), [x], create_graph=True)[x]
    change(x)
    with pytest.raises(InPlaceError):
        g.sum().backward()


@pytest.mark.parametrize("saved", ["an input", "its result"])
def test_changes_of_values_on_the_way_are_noticed_in_second_order_too(saved: str) -> None:
    x = leaf(1.0, 2.0)
    middle = x + 0.0 if saved == "an input" else gd.exp(x)
    y = (middle**3).sum() if saved == "an input" else middle.sum()
    g = gd.gradients(y, [x], create_graph=True)[x]
    change_in_place(middle)
    with pytest.raises(InPlaceError):
        g.sum().backward()


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


def test_a_changed_result_of_several_is_noticed() -> None:
    s, c = sincos(leaf(0.3, 0.4))
    total = (s + c).sum()
    change_in_place(c)
    with pytest.raises(InPlaceError, match="'sincos' saved its result"):
        total.backward()


def test_integer_results_beside_floating_ones_have_no_history() -> None:
    @extend.op(vjp=(lambda g, _ans, x: g[0] * (x == np.maximum.reduce(x)),))
    def largest(x: Any) -> Any:
        return np.maximum.reduce(x), np.argmax(x)

    x = leaf(1.0, 3.0, 2.0)
    value, position = largest(x)
    assert not position.requires_grad
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


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
