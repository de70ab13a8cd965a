"""Hooks of tensors and of op calls: when they run, in which order, what they may return, and that they cost nothing."""

import gc
import threading
import tracemalloc
import weakref
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core._attached import marked
from grad_core.errors import DTypeError, GradientError, ShapeError


def leaf(*values: float, name: str | None = None) -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype="float64", requires_grad=True, name=name)


@extend.op(vjp=(lambda g, ans, _x: g[0] * ans[1] - g[1] * ans[0],))
def sincos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.sin(x), np.cos(x)


def through_backward(y: gd.Tensor, x: gd.Tensor, create_graph: bool) -> gd.Tensor:
    y.backward(retain_graph=True, create_graph=create_graph)
    g, x.grad = x.grad, None
    return g


def through_gradients(y: gd.Tensor, x: gd.Tensor, create_graph: bool) -> gd.Tensor:
    return gd.gradients(y, [x], retain_graph=True, create_graph=create_graph)[x]


WAYS = [
    pytest.param(lambda y, x, way=way, lifted=lifted: way(y, x, lifted), id=f"{way.__name__}-{lifted}")
    for way in (through_backward, through_gradients)
    for lifted in (False, True)
]


@pytest.mark.parametrize("way", WAYS)
def test_a_hook_sees_the_whole_gradient_once_and_in_order(way: Any) -> None:
    x = leaf(3.0)
    y = x * x
    z = y * 2.0 + y * 5.0
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(("y1", g.item())))
    y.register_hook(lambda g: seen.append(("y2", g.item())) or g * 10.0)
    y.register_hook(lambda g: seen.append(("y3", g.item())))
    y.grad_fn.register_prehook(lambda gs: seen.append(("pre", gs[0].item())))
    y.grad_fn.register_hook(lambda into, gs: seen.append(("post", into[0].item(), into[1].item(), gs[0].item())))
    x.register_hook(lambda g: seen.append(("x", g.item())))
    assert way(z, x).item() == 420.0
    assert seen == [("y1", 7.0), ("y2", 7.0), ("y3", 70.0), ("pre", 70.0), ("post", 210.0, 210.0, 70.0), ("x", 420.0)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("hang", "expected"),
    [
        (lambda x, y: x.register_hook(lambda g: g * 3.0), 18.0),
        (lambda x, y: y.register_hook(lambda g: g * 3.0), 18.0),
        (lambda x, y: y.register_hook(lambda g: np.array(3.0)), 18.0),
        (lambda x, y: y.register_hook(lambda g: 3), 18.0),
        (lambda x, y: y.grad_fn.register_prehook(lambda gs: (gs[0] * 3.0,)), 18.0),
        (lambda x, y: y.grad_fn.register_prehook(lambda gs: gs[0] * 3.0), 18.0),
        (lambda x, y: y.grad_fn.register_hook(lambda into, gs: (into[0] * 0.0, into[1])), 3.0),
        (lambda x, y: y.grad_fn.register_hook(lambda into, gs: [into[0], into[1] + gs[0]]), 7.0),
    ],
)
def test_a_hook_replaces_the_gradient(way: Any, hang: Any, expected: float) -> None:
    x = leaf(3.0)
    y = x * x
    handle = hang(x, y)
    assert way(y, x).item() == expected
    handle.remove()
    handle.remove()
    assert way(y, x).item() == 6.0


def test_hooks_within_create_graph_are_differentiated() -> None:
    x = leaf(2.0)
    y = x * x * x
    y.register_hook(lambda g: g * x)
    g = gd.gradients(y, [x], create_graph=True)[x]
    assert g.item() == 24.0  # 3 x^2 times x
    assert gd.gradients(g, [x])[x].item() == 36.0  # 9 x^2


def test_hooks_within_transforms() -> None:
    def reversed_beyond(x: gd.Tensor) -> gd.Tensor:
        y = x * x
        y.register_hook(lambda g: -g)
        return (y * x).sum()

    x = gd.tensor([1.0, 2.0])
    np.testing.assert_allclose(gd.grad(reversed_beyond)(x).numpy(), x.numpy() ** 2 - 2 * x.numpy() ** 2)
    _, pull = gd.vjp(reversed_beyond, x)
    assert pull(1.0)[0].tolist() == [-1.0, -4.0]
    # the gradient is -2 x^2 + y, and what goes back through that y is reversed as well, as in PyTorch
    assert gd.grad(lambda v: gd.grad(reversed_beyond)(v).sum())(x).tolist() == [-6.0, -12.0]


def test_hooks_within_vmap_and_checkpoint() -> None:
    def halved(x: gd.Tensor) -> gd.Tensor:
        y = x * x
        y.register_hook(lambda g: g * 0.5)
        z = y * 3.0
        z.grad_fn.register_prehook(lambda gs: (gs[0] * 2.0,))
        z.grad_fn.register_hook(lambda into, gs: (into[0] * 10.0, into[1]))
        return z.sum()

    x = gd.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = (60.0 * 0.5 * 2 * x).tolist()
    assert gd.vmap(gd.grad(halved))(x).tolist() == expected
    assert gd.grad(gd.checkpoint(halved))(x).tolist() == expected


def test_an_assignment_takes_name_and_retained_gradient_along() -> None:
    x = leaf(1.0, 2.0, name="x")
    y = x * 3.0
    y.name = "y"
    y.retain_grad()
    y[0] = x[1] * 5.0
    assert y.name == "y"
    (y * np.array([10.0, 100.0])).sum().backward()
    assert y.grad.tolist() == [10.0, 100.0]
    assert x.grad.tolist() == [0.0, 350.0]
    z = x * 3.0
    z[0] = x[1]
    assert z.grad_fn.number not in marked  # nothing is attached where there was nothing


def test_gradients_and_retain_grad_give_what_the_hooks_left() -> None:
    x = leaf(3.0)
    y = x * x
    z = y * 2.0
    y.retain_grad()
    y.register_hook(lambda g: g * 10.0)
    found = gd.gradients(z, [x, y], retain_graph=True)
    assert (found[x].item(), found[y].item()) == (120.0, 20.0)
    assert gd.gradients(z, [y], retain_graph=True)[y].item() == 20.0
    z.backward()
    assert (x.grad.item(), y.grad.item()) == (120.0, 20.0)


def test_hooks_of_nodes_run_only_where_their_rules_do() -> None:
    x = leaf(3.0)
    y = x * x
    seen: list[str] = []
    y.register_hook(lambda g: seen.append("tensor"))
    y.grad_fn.register_prehook(lambda gs: seen.append("before"))
    y.grad_fn.register_hook(lambda into, gs: seen.append("after"))
    gd.gradients(y * 2.0, [y], retain_graph=True)
    assert seen == ["tensor"]


def test_none_stands_for_inputs_whose_gradient_nobody_wants() -> None:
    x = leaf(1.0, 2.0)
    y = x * np.array([3.0, 4.0])
    seen: list[Any] = []
    y.grad_fn.register_hook(lambda into, gs: seen.append(into))
    y.sum().backward()
    ((first, second),) = seen
    assert first.tolist() == [3.0, 4.0]
    assert second is None


def test_each_of_several_results_has_hooks_of_its_own() -> None:
    x = leaf(0.3, 0.4)
    s, c = sincos(x)
    s.register_hook(lambda g: g * 0.0)
    c.register_hook(lambda g: g * 2.0)
    before: list[Any] = []
    s.grad_fn.register_prehook(lambda gs: before.append([g.tolist() for g in gs]))
    (s * 3.0 + c).sum().backward(retain_graph=True)
    assert before == [[[0.0, 0.0], [2.0, 2.0]]]
    np.testing.assert_allclose(x.grad.numpy(), -2 * np.sin(x.data))
    x.grad = None
    s.sum().backward()  # nothing came to c: its hook gets zeros
    assert before[1] == [[0.0, 0.0], [0.0, 0.0]]


def test_hooks_of_the_tensor_that_backward_starts_from_and_of_a_leaf_alone() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1.0
    y.register_hook(lambda g: g * 2.0)
    y.backward([1.0, 10.0])
    assert x.grad.tolist() == [2.0, 20.0]
    x.grad = None
    x.register_hook(lambda g: g * 3.0)
    x.backward([1.0, 10.0])
    assert x.grad.tolist() == [3.0, 30.0]


@pytest.mark.parametrize("create_graph", [False, True])
def test_what_hooks_compute_has_history_only_with_create_graph(create_graph: bool) -> None:
    x = leaf(3.0)
    y = x * x
    tracked: list[bool] = []
    y.register_hook(lambda g: tracked.append((g * x).requires_grad))
    y.grad_fn.register_hook(lambda into, gs: tracked.append((gs[0] * x).requires_grad))
    gd.gradients(y, [x], create_graph=create_graph)
    assert tracked == [create_graph] * 2


def test_a_gradient_that_a_hook_keeps_or_changes_is_its_own() -> None:
    x, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    kept: list[gd.Tensor] = []
    y, z = x * 1.0, other + 0.0

    def double_in_place(g: gd.Tensor) -> None:
        kept.append(g)
        g.data *= 2.0

    y.register_hook(double_in_place)
    x.register_hook(kept.append)
    start = np.array([1.0, 10.0])
    (y + z).backward(start)
    assert start.tolist() == [1.0, 10.0]
    assert x.grad.tolist() == [2.0, 20.0]  # as in PyTorch, where it is discouraged
    assert other.grad.tolist() == [1.0, 10.0]
    assert not any(np.shares_memory(g.data, x.grad.data) for g in kept)


def test_after_accumulation_all_gradients_are_there() -> None:
    x, y = leaf(1.0), leaf(2.0)
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.item(), y.grad.item())))
    (x * y).backward()
    (x * y).backward()
    gd.gradients(x * y, [x])
    handle.remove()
    (x * y).backward()
    assert seen == [(True, 2.0, 1.0), (True, 4.0, 2.0)]


def test_an_optimizer_step_within_backward() -> None:
    x = leaf(3.0)

    def step(t: gd.Tensor) -> None:
        t.data = t.data - 0.1 * t.grad.data
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    for _ in range(100):
        (x * x).backward()
    assert abs(x.item()) < 1e-8


# Handles


def test_a_handle_ends_with_its_block_and_hooks_may_remove_themselves() -> None:
    x = leaf(3.0)
    with x.register_hook(lambda g: g * 2.0):
        (x * 1.0).backward()
    (x * 1.0).backward()
    assert x.grad.item() == 3.0
    calls: list[Any] = []
    handles: list[Any] = []
    handles.append(x.register_hook(lambda g: (calls.append(1), handles[0].remove())[0]))
    (x * 1.0).backward()
    (x * 1.0).backward()
    assert calls == [1]


def test_a_handle_keeps_neither_tensor_nor_hook_alive() -> None:
    class Hook:
        def __call__(self, g: Any) -> None: ...

    gc.disable()
    try:
        for make in (lambda: leaf(1.0), lambda: leaf(1.0) * 2.0):
            x, hook = make(), Hook()
            handle = x.register_hook(hook)
            seen = weakref.ref(hook)
            del x, hook
            assert seen() is None
            handle.remove()
    finally:
        gc.enable()


def test_a_hook_that_refers_to_its_own_tensor_is_found_by_the_garbage_collector() -> None:
    x, y = leaf(1.0), leaf(1.0) * 2.0
    for t in (x, y):
        t.register_hook(lambda g, t=t: g * t.item())
    alive = [weakref.ref(x), weakref.ref(y)]
    del x, y, t
    gc.collect()
    assert [a() for a in alive] == [None, None]


def test_nothing_is_left_behind_and_memory_is_flat_with_gc_off() -> None:
    w = leaf(1.0, 2.0)
    w.register_hook(lambda g: g * 0.5)
    w.register_post_accumulate_grad_hook(lambda t: None)

    def step() -> None:
        y = w * w
        y.register_hook(lambda g: g * 2.0)
        y.retain_grad()
        y.name = "y"
        y.grad_fn.register_hook(lambda into, gs: into)
        y.grad_fn.register_prehook(lambda gs: None)
        y.sum().backward()
        w.grad = None

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(200):
            step()
        keys, start = len(marked), tracemalloc.get_traced_memory()[0]
        for _ in range(500):
            step()
        assert len(marked) == keys
        assert tracemalloc.get_traced_memory()[0] - start < 5_000
        assert gc.collect() == 0
    finally:
        tracemalloc.stop()
        gc.enable()


def test_threads_have_their_hooks_each() -> None:
    def work(seed: int) -> float:
        x = leaf(float(seed))
        for _ in range(200):
            y = x * x
            y.register_hook(lambda g: g * float(seed))
            y.backward()
        return x.grad.item()

    found: dict[int, float] = {}
    threads = [threading.Thread(target=lambda s=s: found.update({s: work(s)})) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {s: 200 * 2.0 * s * s for s in range(4)}


# Errors


def named_hook(result: Any) -> Any:
    def mine(*given: Any) -> Any:
        return result

    return mine


@pytest.mark.parametrize(
    ("hang", "error", "text"),
    [
        (
            lambda x, y: y.register_hook(named_hook(gd.ones(3, dtype="float64"))),
            ShapeError,
            r"the hook 'mine' of <multiply> returned shape \(3,\) for a gradient of shape \(2,\): .*broadcast_to",
        ),
        (
            lambda x, y: y.register_hook(named_hook(2.0)),
            ShapeError,
            r"returned shape \(\) for a gradient of shape \(2,\)",
        ),
        (
            lambda x, y: x.register_hook(named_hook(np.ones(2, "float32"))),
            DTypeError,
            r"the hook 'mine' of the leaf 'x' returned float32 for a gradient of float64: .*\.astype\(grad\.dtype\)",
        ),
        (
            lambda x, y: x.register_hook(named_hook("no")),
            DTypeError,
            r"returned str: return a tensor in place of the gradient, or None",
        ),
        (
            lambda x, y: y.grad_fn.register_prehook(named_hook(())),
            GradientError,
            r"the prehook 'mine' of <multiply> returned 0 gradients, and there are 1: return a tuple with one for each",
        ),
        (
            lambda x, y: y.grad_fn.register_hook(named_hook(3)),
            GradientError,
            r"the hook 'mine' of <multiply> returned int, and there are 2",
        ),
        (
            lambda x, y: y.grad_fn.register_hook(lambda into, gs: (None, None)),
            GradientError,
            r"the hook '<lambda>' of <multiply> returned None for a gradient: return None exactly where it was given",
        ),
        (
            lambda x, y: y.grad_fn.register_hook(lambda into, gs: (into[0], into[0])),
            GradientError,
            r"returned a gradient where there is none",
        ),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_a_hook_returns_is_checked(hang: Any, error: type[Exception], text: str, create_graph: bool) -> None:
    x = leaf(1.0, 2.0, name="x")
    y = x * np.array([3.0, 4.0])
    hang(x, y)
    with pytest.raises(error, match=text):
        y.sum().backward(create_graph=create_graph)
    assert x.grad is None


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: gd.ones(2).register_hook(print),
            GradientError,
            "register_hook.. of a tensor that does not require grad",
        ),
        (
            lambda: gd.tensor(1.0, name="b").register_post_accumulate_grad_hook(print),
            GradientError,
            r"needs a leaf that requires grad \(name='b'\): register_hook serves computed tensors",
        ),
        (lambda: (leaf(1.0) * 2.0).register_post_accumulate_grad_hook(print), GradientError, "needs a leaf"),
        (lambda: leaf(1.0).register_hook(3), TypeError, "a hook is a function, and int cannot be called"),
    ],
)
def test_where_no_hook_can_be(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


# What grad_fn shows


def test_what_grad_fn_shows() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2.0
    z = y + x
    assert (repr(z.grad_fn), z.grad_fn.name) == ("<add>", "add")
    assert z.grad_fn.next_functions == ((y.grad_fn, 0), (x, 0))
    assert y.grad_fn.next_functions[1] == (None, 0)
    s, c = sincos(x)
    assert (c * s).grad_fn.next_functions == ((c.grad_fn, 1), (s.grad_fn, 0))
    assert x.grad_fn is None


def test_a_computed_tensor_can_be_named_and_renamed() -> None:
    y = leaf(1.0) * 2.0
    assert y.name is None
    y.name = "y"
    assert repr(y) == "tensor(2., dtype=float64, name='y', grad_fn=<multiply>)"
    y.name = None
    assert y.name is None
    assert (y * 1.0).name is None
