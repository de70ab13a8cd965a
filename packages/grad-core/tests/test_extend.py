"""Ops of one's own: every declarator from outside the package, and the checker that catches a wrong rule."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import InPlaceError, ShapeError
from grad_core.testing import check_grads, numeric_gradient


@extend.elementwise(lambda g, _ans, x, _y: g * 2 * x, lambda ans, _x, y: np.cos(y))
def square_plus_sine(x: Any, y: Any) -> Any:
    return x * x + np.sin(y)


@extend.linear(lambda g, _ans, _x: mirrored.on(g))
def mirrored(x: Any) -> Any:
    return x[::-1].copy()


@extend.op(vjp=(lambda g, _ans, x, n: g * n * x ** (n - 1),))
def power(x: Any, *, n: int) -> Any:
    return x**n


@extend.nondiff()
def ranks(x: Any) -> Any:
    return np.argsort(np.argsort(x))


@extend.elementwise(0.5)
def halved(x: Any) -> Any:
    return x * 0.5


@pytest.mark.parametrize(
    ("op", "inputs", "params"),
    [
        (square_plus_sine, [[[0.3], [0.4]], [1.0, 2.0, 3.0]], {}),
        (mirrored, [[1.0, 2.0, 3.0]], {}),
        (power, [[1.5, 2.5]], {"n": 3}),
        (halved, [[1.5, 2.5]], {}),
    ],
)
def test_each_kind_gets_all_derivatives_tangents_and_batches(
    op: extend.Op, inputs: list[Any], params: dict[str, Any]
) -> None:
    check_grads(lambda *xs: op(*xs, **params), inputs, order=3, tolerance=1e-3, step=1e-4)
    values = [np.asarray(x) for x in inputs]
    _, tangent = extend.push_forward(op, values, [np.ones_like(v) for v in values], params)
    h = 1e-6
    ends = [op.forward(*[v + s * h for v in values], **params) for s in (1, -1)]
    np.testing.assert_allclose(tangent.detach().numpy(), (ends[0] - ends[1]) / (2 * h), rtol=1e-6)
    batch = [np.stack([v, v * 2]) for v in values]
    result, axis = extend.push_batch(op, batch, [0] * len(batch), params)
    np.testing.assert_allclose(np.moveaxis(result.numpy(), axis, 0)[1], op.forward(*[v * 2 for v in values], **params))


@pytest.mark.parametrize("tracked", [True, False])
def test_a_last_input_may_be_left_out(tracked: bool) -> None:
    @extend.op(vjp=(lambda g, _ans, _x, y=None: g if y is None else g * y, lambda g, _ans, x, _y: g * x))
    def scaled(x: Any, y: Any = None) -> Any:
        return x.copy() if y is None else x * y

    x, y = gd.tensor([1.0, 2.0], requires_grad=True), gd.tensor([3.0, 4.0], requires_grad=tracked)
    (scaled(x, y) + scaled(x) + scaled(x, y)).sum().backward()
    assert x.grad.tolist() == [7.0, 9.0]
    assert y.grad is None or y.grad.tolist() == [2.0, 4.0]


def test_results_of_nondiff_have_no_history() -> None:
    assert not ranks(gd.tensor([3.0, 1.0], requires_grad=True)).requires_grad
    assert extend.push_forward(ranks, [np.array([3.0, 1.0])], [np.ones(2)])[1].tolist() == [0, 0]


def test_on_gives_arrays_for_arrays_and_tensors_for_tensors() -> None:
    assert type(mirrored.on(np.arange(3.0))) is np.ndarray
    assert type(mirrored.on(gd.arange(0.0, 3.0))) is gd.Tensor


def test_numbers_alone_and_lists() -> None:
    assert square_plus_sine(2.0, 0.0).dtype == np.float32
    assert square_plus_sine([2.0, 3.0], 0.0).tolist() == [4.0, 9.0]


def test_names_and_text() -> None:
    assert repr(power) == "<op power>"
    assert repr(power(gd.ones(2, requires_grad=True), n=2).grad_fn) == "<power>"


def test_a_tangent_of_a_tangent() -> None:
    """Tangents are made of ops, so they can be differentiated themselves."""
    x = gd.tensor([1.5, 2.5], dtype="float64", requires_grad=True)
    _, tangent = extend.push_forward(power, [x], [np.ones(2)], {"n": 3})
    tangent.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * x.data)


def test_batches_of_different_lengths_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"add: batch axes \(0, 0\) of shapes \(2, 3\), \(3, 3\) need one length, and have \[2, 3\]"
    ):
        extend.push_batch(gd.add, [gd.ones((2, 3)), gd.ones((3, 3))], [0, 0])


# The checker itself


@extend.op(vjp=(lambda g, _ans, x: g * x,))
def wrong_value(x: Any) -> Any:
    return x * x


@extend.op(vjp=(lambda g, _ans, x: 2 * x * np.add.reduce(g),))
def right_only_for_ones(x: Any) -> Any:
    return x * x


@extend.op(vjp=(lambda g, _ans, x: (2 * x * g)[:1],))
def wrong_shape(x: Any) -> Any:
    return x * x


@extend.op(vjp=(lambda g, _ans, x: g * gd.asarray(2 * x).detach(),))
def right_once_but_cut_off(x: Any) -> Any:
    return x * x


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (wrong_value, "gradient of order 1 by input 0"),
        (right_only_for_ones, "gradient of order 1"),
        (wrong_shape, r"has shape \(1,\)"),
        (right_once_but_cut_off, "gradient of order 2 by input 0"),
    ],
)
def test_a_wrong_rule_is_found(op: extend.Op, text: str) -> None:
    with pytest.raises(AssertionError, match=text):
        check_grads(op, [[0.7, 1.3]])


def test_integer_inputs_are_passed_on() -> None:
    check_grads(lambda x, i: x[i] * 2.0, [[1.0, 2.0, 3.0], [0, 0, 2]])


def test_numeric_gradient_weighs_by_the_cotangent() -> None:
    g = numeric_gradient(lambda x, y: x * y, [[1.0, 2.0], [3.0, 4.0]], 1, [1.0, 10.0])
    np.testing.assert_allclose(g, [1.0, 20.0], rtol=1e-6)


# Values that a forward keeps for its rules


def _kept_by_x(g: Any, _ans: Any, _x: Any, _y: Any, kept: Any) -> Any:
    assert (type(g) is np.ndarray) == (type(kept[0]) is np.ndarray)
    return g * kept[0]


def _kept_by_y(g: Any, _ans: Any, _x: Any, _y: Any, kept: Any) -> Any:
    return g * kept[1]


@extend.op(vjp=(_kept_by_x, _kept_by_y), keep=lambda x, y: (np.cos(x) * y, np.sin(x)))
def sine_times(x: Any, y: Any) -> Any:
    return extend.Keeping(np.sin(x) * y, (np.cos(x) * y, np.sin(x)))


def test_kept_values_serve_every_order() -> None:
    x, y = np.array([0.3, -1.2]), np.array([2.0, 0.5])
    check_grads(sine_times, (x, y), order=2)
    np.testing.assert_array_equal(sine_times.on(x, y), np.sin(x) * y)
    np.testing.assert_array_equal(sine_times.forward(x, y), np.sin(x) * y)
    assert sine_times(x, y).shape == (2,)
    rows = gd.vmap(gd.grad(sine_times))(x, y)
    np.testing.assert_allclose(rows.numpy(), np.cos(x) * y)
    np.testing.assert_allclose(gd.jvp(sine_times, (x, y), (y, x))[1].numpy(), np.cos(x) * y * y + np.sin(x) * x)
    frugal = gd.checkpoint(sine_times)
    np.testing.assert_allclose(gd.grad(lambda x: frugal(x, y).sum())(x).numpy(), np.cos(x) * y)


def test_an_op_with_several_results_may_keep_values() -> None:
    @extend.op(vjp=(lambda g, _ans, _x, kept: g[0] * kept + g[1] * 2 * kept,), keep=lambda x: np.exp(x))
    def twice(x: Any) -> Any:
        raised = np.exp(x)
        return extend.Keeping((raised, 2 * raised), raised)

    a, b = twice(gd.tensor([0.0, 1.0]))
    np.testing.assert_allclose(b.numpy(), 2 * a.numpy())
    check_grads(lambda x: twice(x)[0] * twice(x)[1], (np.array([0.3, -0.5]),), order=2)


def test_the_inputs_stay_for_what_is_kept() -> None:
    x = gd.tensor([0.3], requires_grad=True)
    y = sine_times(x, 2.0)
    x.data += 1
    with pytest.raises(InPlaceError, match="changed in place"):
        y.sum().backward()
