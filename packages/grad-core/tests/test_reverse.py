"""gradients, grad, value_and_grad: what they return, how they nest, what they leave alone."""

from collections import OrderedDict, namedtuple
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import GradientError, GraphReleasedError


def leaf(*values: float) -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype="float64", requires_grad=True)


# gradients


def test_a_mapping_from_tensor_to_gradient_with_intermediates() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = x * w
    y = (h * h).sum()
    g = gd.gradients(y, [x, h, y])
    assert g[h].tolist() == [6.0, 16.0]
    assert g[x].tolist() == [18.0, 64.0]
    assert g[y].item() == 1.0
    assert (x.grad, w.grad) == (None, None)


def test_without_inputs_all_leaves_are_there() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = gd.gradients((x * w).sum())
    assert {t: v.tolist() for t, v in g.items()} == {x: [3.0, 4.0], w: [1.0, 2.0]}


def test_what_is_not_reached_gives_none() -> None:
    x, other = leaf(1.0), leaf(2.0)
    late = x * 3
    assert gd.gradients(x * 2, [x, other, late]) == {x: 2.0, other: None, late: None}


def test_several_outputs_are_summed_with_their_own_cotangents() -> None:
    x = leaf(1.0, 2.0)
    g = gd.gradients([x * 2, (x * x).sum()], [x], gradient=[[1.0, 10.0], 3.0])
    assert g[x].tolist() == [2.0 + 6.0, 20.0 + 12.0]
    with pytest.raises(GradientError, match="2 outputs and 1 gradients"):
        gd.gradients([x.sum(), x.sum()], [x], gradient=[1.0])


def test_one_input_may_come_alone() -> None:
    x = leaf(3.0)
    assert gd.gradients(x * x, x)[x].item() == 6.0


def test_the_graph_is_released_unless_kept() -> None:
    x = leaf(3.0)
    y = x * x
    gd.gradients(y, [x], retain_graph=True)
    gd.gradients(y, [x])
    with pytest.raises(GraphReleasedError):
        gd.gradients(y, [x])


def test_only_the_path_to_the_inputs_is_released() -> None:
    x, w = leaf(3.0), leaf(2.0)
    a, b = x * x, w * w
    y = a + b
    gd.gradients(y, [x])
    assert gd.gradients(b, [w])[w].item() == 4.0


def test_third_derivative_by_hand() -> None:
    x = leaf(2.0)
    y = x**4
    for wanted in (32.0, 48.0, 48.0):
        y = gd.gradients(y, [x], create_graph=True)[x]
        np.testing.assert_allclose(y.item(), wanted)


def test_gradients_under_no_grad_can_still_be_differentiated() -> None:
    x = leaf(2.0)
    y = x * x * x
    with gd.no_grad():
        g = gd.gradients(y, [x], create_graph=True)[x]
    assert gd.gradients(g, [x])[x].item() == 12.0


# grad and value_and_grad


@pytest.mark.parametrize("x", [2.0, np.float32(2), np.array(2.0), gd.tensor(2.0), gd.tensor(2.0, requires_grad=True)])
def test_arguments_of_every_kind(x: Any) -> None:
    value, g = gd.value_and_grad(lambda v: v * v * 3.0)(x)
    assert (value.item(), g.item()) == (12.0, 12.0)
    assert isinstance(g, gd.Tensor)


def test_nothing_is_left_on_a_tracked_argument() -> None:
    x = leaf(2.0)
    gd.grad(lambda v: v * v)(x)
    assert x.grad is None


def test_argnums_and_keyword_arguments() -> None:
    def f(x: Any, y: Any, *, scale: float) -> Any:
        return (x * y).sum() * scale

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert gd.grad(f)(x, y, scale=2.0).tolist() == [6.0, 8.0]
    assert gd.grad(f, 1)(x, y, scale=2.0).tolist() == [2.0, 4.0]
    assert gd.grad(f, -1)(x, y, scale=2.0).tolist() == [2.0, 4.0]
    both = gd.grad(f, (0, 1))(x, y, scale=1.0)
    assert [g.tolist() for g in both] == [[3.0, 4.0], [1.0, 2.0]]


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        return (x * x).sum(), {"count": x.size}

    (value, aux), g = gd.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert (value.item(), aux, g.tolist()) == (5.0, {"count": 2}, [2.0, 4.0])
    g, aux = gd.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert (aux, g.tolist()) == ({"count": 2}, [2.0, 4.0])


Point = namedtuple("Point", "x y")  # noqa: PYI024 - the plain kind is what is tested


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ([1.0, [2.0]], [2.0, [4.0]]),
        ((1.0, (2.0,)), (2.0, (4.0,))),
        ({"b": 1.0, "a": (2.0, [3.0])}, {"b": 2.0, "a": (4.0, [6.0])}),
        (OrderedDict(a=1.0), OrderedDict(a=2.0)),
        (Point(1.0, 2.0), Point(2.0, 4.0)),
        ([1.0, None], [2.0, None]),
    ],
)
def test_nested_containers(tree: Any, wanted: Any) -> None:
    def leaves(t: Any) -> Any:
        if isinstance(t, dict):
            t = list(t.values())
        return [x for v in t for x in leaves(v)] if isinstance(t, list | tuple) else [] if t is None else [t]

    g = gd.grad(lambda t: sum(v * v for v in leaves(t)))(tree)
    assert type(g) is type(wanted)
    assert [v.item() for v in leaves(g)] == leaves(wanted)


def test_grad_of_grad_to_fourth_order() -> None:
    f = gd.sin
    for wanted in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
        f = gd.grad(f)
        np.testing.assert_allclose(f(np.array(0.5)).item(), wanted, rtol=1e-12)


def test_a_gradient_inside_a_loss_trains() -> None:
    w = leaf(0.7)
    g = gd.grad(lambda x: gd.sin(w * x))(0.3)
    (g * g).backward()
    d = 2 * 0.7 * np.cos(0.21) * (np.cos(0.21) - 0.21 * np.sin(0.21))
    np.testing.assert_allclose(w.grad.item(), d, rtol=1e-6)


def test_the_outer_variable_is_not_the_inner_one() -> None:
    """d/dx of (x * d/dy (x + y)) is 1: the inner derivative must not count the outer x."""
    assert gd.grad(lambda x: x * gd.grad(lambda y: x + y)(1.0))(2.0).item() == 1.0
    assert gd.grad(lambda x: x * gd.grad(lambda y: x * y)(x))(3.0).item() == 6.0


def test_a_function_that_ignores_its_argument_has_gradient_zero() -> None:
    assert gd.grad(lambda x: gd.ones(()))(np.ones(2)).tolist() == [0.0, 0.0]
    w = leaf(3.0)
    value, g = gd.value_and_grad(lambda x: w * 2)(np.ones(2))
    assert (value.item(), g.tolist()) == (6.0, [0.0, 0.0])


def test_under_no_grad_the_gradient_is_still_right_and_untracked() -> None:
    with gd.no_grad():
        g = gd.grad(lambda x: x * x)(leaf(3.0))
    assert (g.item(), g.requires_grad) == (6.0, False)


def test_names_and_documentation_are_kept() -> None:
    def loss(x: Any) -> Any:
        """What it says."""
        return x

    assert gd.grad(loss).__name__ == "loss"
    assert gd.value_and_grad(loss).__doc__ == "What it says."
