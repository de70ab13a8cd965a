"""Anomaly mode: what counts, what is named, where, nested, in threads, of any order."""

import contextlib
import gc
import inspect
import re
import threading
import tracemalloc
import warnings
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core._modes import state
from grad_core.errors import AnomalyError

INF = float("inf")
NAN = float("nan")


def leaf(*values: float) -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype="float64", requires_grad=True)


def line_of(function: Any, text: str) -> str:
    lines, start = inspect.getsourcelines(function)
    (number,) = [start + i for i, line in enumerate(lines) if text in line and "line_of" not in line]
    return f"{re.escape(__file__)}:{number} in {function.__name__}, `"


FORWARD = [
    (lambda: gd.log(leaf(1.0, 0.0)), r"forward of 'log': Inf in the result, 1 of 2 elements, the first at \[1\]"),
    (lambda: gd.log(leaf(1.0, -1.0)), "forward of 'log': NaN in the result, 1 of 2 elements"),
    (lambda: gd.exp(leaf(1e4)), "forward of 'exp': Inf in the result, a single number"),
    (lambda: leaf(1.0, 2.0) / 0.0, r"'divide': Inf .* 2 of 2 elements, .*\(inputs: float64 \(2,\), 0\.0\)"),
    (lambda: leaf(INF) - leaf(INF), "forward of 'subtract': NaN in the result"),
    (lambda: gd.softmax(gd.full((2, 3), -INF)), "forward of 'softmax': NaN in the result, 6 of 6 elements"),
    (lambda: gd.tensor([[1e30]]) @ gd.tensor([[1e30]]), "forward of 'matmul': Inf"),
    (lambda: gd.exp(gd.tensor([1e4])), r"forward of 'exp': Inf .*inputs: float32 \(1,\)"),  # without history too
    (lambda: gd.astype(gd.tensor([1e20], dtype="float64"), "float16"), "forward of 'astype': Inf"),
]


@pytest.mark.parametrize(("call", "text"), FORWARD)
def test_a_result_is_searched(call: Any, text: str) -> None:
    with pytest.raises(AnomalyError, match=text), gd.detect_anomaly():
        call()


SCORES = gd.tensor([[1.0, -INF], [2.0, 3.0]], requires_grad=True)
PASSES = [
    lambda: gd.masked_fill(gd.ones((2, 2), requires_grad=True), [[True, False], [False, True]], -INF),
    lambda: gd.where(np.array([True, False]), leaf(1.0, 2.0), -INF),
    lambda: gd.softmax(gd.where(np.array([True, False]), leaf(1.0, 2.0), -INF)).sum().backward(),
    lambda: gd.logsumexp(SCORES, axis=1).sum().backward(),
    lambda: gd.log_softmax(SCORES, axis=1),
    lambda: gd.exp(SCORES).sum().backward(),
    lambda: gd.max(SCORES, axis=1).sum().backward(),
    lambda: gd.pad(leaf(1.0, 2.0), 1, constant_values=-INF),
    lambda: leaf(NAN) * 2.0,
    lambda: (leaf(NAN) * leaf(2.0)).backward(),
    lambda: leaf(INF) + 1.0,
    lambda: (leaf(2.0) * leaf(INF)).backward(),
    lambda: leaf(1.0).backward(INF),
    lambda: (leaf(1.0) * 2.0).backward(INF),
    lambda: gd.argmax(gd.ones(3)),
]


@pytest.mark.parametrize("call", PASSES)
def test_what_was_put_in_passes_with_what_follows_from_it(call: Any) -> None:
    with gd.detect_anomaly():
        call()


BACKWARD = [
    (lambda: gd.sqrt(leaf(4.0, 0.0)).sum(), r"'sqrt': Inf in the gradient of input 0, 1 of 2 elements, .* at \[1\]"),
    (lambda: gd.where(np.array([True, False]), gd.sqrt(leaf(4.0, 0.0)), 0.0).sum(), "'sqrt': NaN in the gradient"),
    (lambda: leaf(2.0) * gd.pow(leaf(0.0), 0.5), r"'pow': Inf in the gradient of input 0, a single number"),
    (lambda: 1.0 / leaf(1e-200), "'divide': Inf in the gradient of input 1"),
]


@pytest.mark.parametrize(("make", "text"), BACKWARD)
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("way", ["backward", "gradients"])
def test_a_gradient_is_searched(make: Any, text: str, create_graph: bool, way: str) -> None:
    def run() -> None:
        y = make()
        y.backward(create_graph=create_graph) if way == "backward" else gd.gradients(y, create_graph=create_graph)

    with pytest.raises(AnomalyError, match=f"backward of {text}") as caught, gd.detect_anomaly():
        run()
    assert f"made at {__file__}:" in str(caught.value)
    assert "in <lambda>, `" in str(caught.value)
    assert "with clip, or with where before it" in str(caught.value)


def test_the_users_line_of_a_forward() -> None:
    def mine(x: gd.Tensor) -> gd.Tensor:
        doubled = x * 2.0
        return gd.log(doubled - doubled)

    where = line_of(mine, "gd.log") + re.escape("return gd.log(doubled - doubled)`")
    with pytest.raises(AnomalyError, match=where + r" \(inputs: float64 \(2,\)\)"), gd.detect_anomaly():
        mine(leaf(1.0, 2.0))


def test_the_users_line_of_a_backward_that_runs_elsewhere() -> None:
    def mine(x: gd.Tensor) -> gd.Tensor:
        return gd.sqrt(x)

    with gd.detect_anomaly():
        y = mine(leaf(0.0, 1.0)).sum()
        with pytest.raises(
            AnomalyError, match=line_of(mine, "gd.sqrt") + r"return gd\.sqrt\(x\)` \(inputs: float64 \(2"
        ):
            y.backward()


def test_lines_of_operators_and_methods_and_transforms_are_the_users() -> None:
    def mine(x: gd.Tensor) -> gd.Tensor:
        return (x / x.sum()).sum()

    for run in (mine, gd.grad(mine), gd.jacobian(mine), lambda x: gd.jvp(mine, (x,), (x,))):
        with pytest.raises(AnomalyError, match=line_of(mine, "x.sum()")), gd.detect_anomaly():
            run(gd.tensor([0.0, 0.0]))


def test_within_vmap_and_checkpoint() -> None:
    def mine(x: gd.Tensor) -> gd.Tensor:
        return gd.sqrt(x).sum()

    x = gd.tensor([[1.0, 4.0], [9.0, 0.0]])
    for run in (
        gd.vmap(gd.grad(mine)),
        gd.grad(gd.checkpoint(mine)),
        lambda x: gd.grad(lambda v: gd.vmap(mine)(v).sum())(x),
    ):
        with pytest.raises(AnomalyError, match=r"in mine, `return gd\.sqrt") as caught, gd.detect_anomaly():
            run(x)
        assert "Inf in the" in str(caught.value)
        with gd.detect_anomaly():
            run(x + 1.0)


def test_assignment_stays_in_place() -> None:
    x = gd.ones(3)
    view = x[1:]
    with gd.detect_anomaly():
        view[0] = 5.0
    assert x.tolist() == [1.0, 5.0, 1.0]


def test_a_node_from_outside_of_the_mode_says_so() -> None:
    y = gd.sqrt(leaf(0.0))
    text = "made outside of detect_anomaly: run the forward within it too"
    with pytest.raises(AnomalyError, match=text), gd.detect_anomaly():
        y.backward()


def test_second_derivatives_name_the_op_and_what_it_belongs_to() -> None:
    def mine(x: gd.Tensor) -> gd.Tensor:
        return gd.pow(x, 1.5)

    def twice() -> None:
        x = leaf(0.0)
        g = gd.gradients(mine(x), [x], create_graph=True)[x]
        gd.gradients(g, [x])

    text = "in the derivative of 'pow', made at " + line_of(mine, "gd.pow")
    with pytest.raises(AnomalyError, match=text), gd.detect_anomaly():
        twice()


def test_several_results() -> None:
    @extend.op(vjp=(lambda g, _ans, x: g[0] / x + g[1],))
    def log_and_same(x: Any) -> Any:
        return np.log(np.where(x > 0, x, 1.0)), x.copy()

    def run() -> None:
        a, b = log_and_same(leaf(0.0, 1.0))
        (a + b).sum().backward()

    text = "backward of 'log_and_same': Inf in the gradient of input 0"
    with pytest.raises(AnomalyError, match=text), gd.detect_anomaly():
        run()


def test_hooks_run_beside_it_and_what_they_compute_is_searched() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2.0
    y.grad_fn.register_hook(lambda into, gs: (into[0] * 10.0, into[1]))
    with gd.detect_anomaly():
        y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [20.0, 20.0]
    y.register_hook(lambda g: gd.log(g * 0.0))
    with pytest.raises(AnomalyError, match="forward of 'log'"), gd.detect_anomaly():
        y.sum().backward()


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_are_the_same_with_it(create_graph: bool) -> None:
    def gradient() -> list[float]:
        x, w = leaf(0.3, -0.7), leaf(2.0, 0.5)
        y = (gd.tanh(x * w + w) * gd.exp(x) / (1.0 + w * w)).sum()
        found = gd.gradients(y, [x, w], create_graph=create_graph)
        return [*found[x].tolist(), *found[w].tolist()]

    plain = gradient()
    with gd.detect_anomaly():
        assert gradient() == plain


def test_check_inf_false_looks_for_nan_only() -> None:
    with gd.detect_anomaly(check_inf=False), np.errstate(divide="ignore"):
        y = gd.log(leaf(0.0))
        gd.sqrt(leaf(0.0)).backward()
        with pytest.raises(AnomalyError, match="'multiply': NaN"):
            y * 0.0


def test_warn_goes_on() -> None:
    with warnings.catch_warnings(record=True) as caught, gd.detect_anomaly("warn"):
        warnings.simplefilter("always")
        y = gd.log(leaf(0.0))
    assert y.item() == -INF
    assert [(w.category, "forward of 'log': Inf" in str(w.message)) for w in caught] == [(RuntimeWarning, True)]


def test_modes_nest_and_end() -> None:
    with np.errstate(all="ignore"):
        with gd.detect_anomaly(check_inf=False):
            with gd.detect_anomaly("off"):
                gd.log(leaf(-1.0))
            gd.log(leaf(0.0))
            with gd.detect_anomaly(), pytest.raises(AnomalyError):
                gd.log(leaf(0.0))
            with pytest.raises(AnomalyError):
                gd.log(leaf(-1.0))
        gd.log(leaf(-1.0))
    assert state.anomaly is None
    assert state.listener is None


def test_numpy_warns_again_afterwards() -> None:
    with contextlib.suppress(AnomalyError), gd.detect_anomaly():
        gd.log(leaf(0.0))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        gd.log(leaf(0.0))


def test_a_decorator_also_for_recursion() -> None:
    @gd.detect_anomaly()
    def down(n: int) -> gd.Tensor:
        return gd.log(leaf(0.0)) if n == 0 else down(n - 1)

    with pytest.raises(AnomalyError):
        down(3)
    assert state.anomaly is None


def test_a_recorder_beside_it_sees_everything() -> None:
    def names(*modes: Any) -> list[str]:
        seen: list[str] = []
        with contextlib.ExitStack() as stack:
            for mode in modes:
                stack.enter_context(mode)
            with extend.recording(lambda op, *_: seen.append(op.name)):
                (leaf(1.0, 2.0) * 3.0).sum().backward()
        return seen

    assert names(gd.detect_anomaly()) == names()
    with pytest.raises(AnomalyError), extend.recording(lambda *call: None), gd.detect_anomaly():
        gd.sqrt(leaf(0.0)).backward()


def test_each_thread_has_its_own_and_may_share_the_object() -> None:
    mode = gd.detect_anomaly()
    found: dict[str, str] = {}
    inside, looked = threading.Barrier(3), threading.Barrier(3)

    def work(name: str, within: bool) -> None:
        with mode if within else np.errstate(all="ignore"):
            inside.wait()
            try:
                gd.log(leaf(0.0))
                found[name] = "passed"
            except AnomalyError:
                found[name] = "raised"
            looked.wait()
        found[f"{name} after"] = str(state.anomaly)

    threads = [threading.Thread(target=work, args=(name, name != "c")) for name in "abc"]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {
        "a": "raised", "b": "raised", "c": "passed", "a after": "None", "b after": "None", "c after": "None",
    }  # fmt: skip


def test_memory_is_flat_with_gc_off() -> None:
    w = leaf(1.0, 2.0)

    def step() -> None:
        with gd.detect_anomaly():
            gd.square(gd.tanh(w * 2.0)).sum().backward()
            w.grad = None
        with contextlib.suppress(AnomalyError), gd.detect_anomaly():
            gd.log(w * 0.0)

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(200):
            step()
        start = tracemalloc.get_traced_memory()[0]
        for _ in range(300):
            step()
        assert tracemalloc.get_traced_memory()[0] - start < 5_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode is one of 'raise', 'warn', 'off', and not 'print'"):
        gd.detect_anomaly("print")
