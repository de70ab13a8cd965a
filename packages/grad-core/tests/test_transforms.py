"""vjp, jvp, jacobian, hessian, hvp: against matrices worked out by hand, over trees, nested in every order."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, GradientError, ShapeError
from grad_core.testing import check_grads

X = np.array([0.3, -0.7, 1.1])
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def f(x: Any) -> Any:
    return gd.sin(A @ x) * x[0]


def jacobian_of_f(x: Any) -> Any:
    y = A @ x
    return np.cos(y)[:, None] * A * x[0] + np.sin(y)[:, None] * np.array([1.0, 0.0, 0.0])


def scalar(x: Any) -> Any:
    return (gd.tanh(x) * x * x).sum() + x[0] * x[1] ** 2


def numeric_hessian(x: Any, h: float = 1e-4) -> Any:
    unit = np.eye(3) * h
    g = [(gd.grad(scalar)(x + u).numpy() - gd.grad(scalar)(x - u).numpy()) / (2 * h) for u in unit]
    return np.stack(g)


def test_vjp_and_jvp_are_the_two_products_with_the_jacobian() -> None:
    j = jacobian_of_f(X)
    v, t = np.array([2.0, -3.0]), np.array([0.5, 1.0, -2.0])
    value, pullback = gd.vjp(f, X)
    np.testing.assert_allclose(value.numpy(), np.sin(A @ X) * X[0])
    np.testing.assert_allclose(pullback(v)[0].numpy(), v @ j)
    np.testing.assert_allclose(pullback(2 * v)[0].numpy(), 2 * v @ j)
    value, tangent = gd.jvp(f, (X,), (t,))
    np.testing.assert_allclose(value.numpy(), np.sin(A @ X) * X[0])
    np.testing.assert_allclose(tangent.numpy(), j @ t)
    assert not any(r.requires_grad for r in (value, tangent, *pullback(v)))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian(mode: str) -> None:
    np.testing.assert_allclose(gd.jacobian(f, mode=mode)(X).numpy(), jacobian_of_f(X))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian_has_the_shape_of_value_and_argument(mode: str) -> None:
    x = np.arange(6.0).reshape(2, 3)
    j = gd.jacobian(lambda x, y: (x * y).sum(axis=1, keepdims=True) * np.ones(4), mode=mode)(x, 2.0)
    assert j.shape == (2, 4, 2, 3)
    by_both = gd.jacobian(lambda x, y: x * y, (0, 1), mode=mode)(x, 2.0)
    assert [b.shape for b in by_both] == [(2, 3, 2, 3), (2, 3)]
    np.testing.assert_allclose(by_both[1].numpy(), x)
    assert gd.jacobian(lambda x: x[:0], mode=mode)(x).shape == (0, 3, 2, 3)
    assert gd.jacobian(lambda x: (x * x).sum(), mode=mode)(np.zeros((0, 2))).shape == (0, 2)
    assert gd.jacobian(lambda x: gd.ones(2), mode=mode)(X).tolist() == np.zeros((2, 3)).tolist()


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian_over_trees(mode: str) -> None:
    def tree(p: Any) -> Any:
        return {"sum": p["a"] + p["b"][0], "product": (p["a"] * p["b"][0],)}

    j = gd.jacobian(tree, mode=mode)({"a": np.array([1.0, 2.0]), "b": [np.array(3.0)]})
    assert j["sum"]["a"].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert j["sum"]["b"][0].tolist() == [1.0, 1.0]
    assert j["product"][0]["a"].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert j["product"][0]["b"][0].tolist() == [1.0, 2.0]


def test_hessian_and_its_products() -> None:
    wanted = numeric_hessian(X)
    h = gd.hessian(scalar)(X)
    np.testing.assert_allclose(h.numpy(), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(h.numpy(), h.numpy().T, rtol=1e-12)
    t = np.array([1.0, -2.0, 0.5])
    value, (product,) = gd.hvp(scalar, (X,), (t,))
    np.testing.assert_allclose(product.numpy(), h.numpy() @ t)
    np.testing.assert_allclose(value.item(), scalar(gd.tensor(X)).item())
    assert not value.requires_grad


def test_hvp_over_several_arguments_and_trees() -> None:
    def energy(x: Any, p: Any) -> Any:
        return (x * x * p["k"]).sum() + p["k"] ** 3

    _, (by_x, by_p) = gd.hvp(energy, (X, {"k": 2.0}), (np.ones(3), {"k": 1.0}))
    np.testing.assert_allclose(by_x.numpy(), 2 * 2.0 + 2 * X)
    np.testing.assert_allclose(by_p["k"].item(), (2 * X).sum() + 6 * 2.0)


ORDERS = {
    "forward over reverse": lambda g: lambda x: gd.jvp(gd.grad(g), (x,), (1.0,))[1],
    "reverse over forward": lambda g: gd.grad(lambda x: gd.jvp(g, (x,), (1.0,))[1]),
    "forward over forward": lambda g: lambda x: gd.jvp(lambda z: gd.jvp(g, (z,), (1.0,))[1], (x,), (1.0,))[1],
    "reverse over reverse": lambda g: gd.grad(gd.grad(g)),
    "pullback over grad": lambda g: lambda x: gd.vjp(gd.grad(g), x)[1](1.0)[0],
    "grad over pullback": lambda g: gd.grad(lambda x: gd.vjp(g, x)[1](1.0)[0]),
    "jacobian of jacobian": lambda g: gd.jacobian(gd.jacobian(g)),
    "forward jacobian of jacobian": lambda g: gd.jacobian(gd.jacobian(g), mode="forward"),
    "jacobian of forward jacobian": lambda g: gd.jacobian(gd.jacobian(g, mode="forward")),
    "hessian": gd.hessian,
    "hvp": lambda g: lambda x: gd.hvp(g, (x,), (1.0,))[1][0],
}


@pytest.mark.parametrize("order", ORDERS)
def test_they_nest_in_every_order(order: str) -> None:
    second = ORDERS[order]
    np.testing.assert_allclose(
        second(lambda x: gd.sin(x) * x)(np.array(0.7)).item(), 2 * np.cos(0.7) - 0.7 * np.sin(0.7)
    )
    third = gd.grad(second(lambda x: gd.sin(x) * x))(np.array(0.7)).item()
    np.testing.assert_allclose(third, -3 * np.sin(0.7) - 0.7 * np.cos(0.7))


def test_the_outer_variable_inside() -> None:
    """d/dx of x * d/dy (x y) along 1, at y = x, is d/dx of x * x."""
    assert gd.grad(lambda x: x * gd.jvp(lambda y: x * y, (x,), (1.0,))[1])(3.0).item() == 6.0


def test_tangents_and_cotangents_can_be_differentiated_by() -> None:
    check_grads(lambda t: gd.jvp(f, (X,), (t,))[1], [np.array([0.5, 1.0, -2.0])])
    check_grads(lambda v: gd.vjp(f, X)[1](v)[0], [np.array([0.5, 1.0])])
    check_grads(lambda x: gd.jvp(f, (x,), (np.ones(3),))[1], [X])


def test_parameters_of_the_surroundings_are_reached() -> None:
    w = gd.tensor(2.0, dtype="float64", requires_grad=True)
    gd.jvp(lambda x: x * x * w, (3.0,), (1.0,))[1].backward()
    assert w.grad.item() == 6.0
    w.grad = None
    gd.jacobian(lambda x: x * x * w)(np.array([1.0, 3.0])).sum().backward()
    assert w.grad.item() == 8.0


def test_aux_is_passed_on() -> None:
    def with_aux(x: Any) -> Any:
        return x * x, "extra"

    assert gd.jvp(with_aux, (3.0,), (1.0,), has_aux=True)[2] == "extra"
    value, pullback, aux = gd.vjp(with_aux, 3.0, has_aux=True)
    assert (value.item(), pullback(1.0)[0].item(), aux) == (9.0, 6.0, "extra")


def test_what_does_not_depend_is_zero() -> None:
    assert gd.jvp(lambda x: gd.ones(2), (1.0,), (1.0,))[1].tolist() == [0.0, 0.0]
    assert gd.jvp(lambda x: gd.floor(x), (1.5,), (1.0,))[1].item() == 0.0
    assert gd.vjp(lambda x: gd.ones(2), 1.0)[1](np.ones(2))[0].item() == 0.0
    value, tangents = gd.jvp(lambda x, y: (x * 2, y * 3), (1.0, 1.0), (1.0, 0.0))
    assert [t.item() for t in tangents] == [2.0, 0.0]
    assert [v.item() for v in value] == [2.0, 3.0]


def test_under_no_grad_results_are_right_and_untracked() -> None:
    x = gd.tensor(X, requires_grad=True)
    with gd.no_grad():
        j = gd.jacobian(f)(x)
        t = gd.jvp(f, (x,), (np.ones(3),))[1]
    np.testing.assert_allclose(j.numpy(), jacobian_of_f(X))
    np.testing.assert_allclose(t.numpy(), jacobian_of_f(X).sum(axis=1))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: gd.jvp(f, (X,), (np.ones(2),)), ShapeError, r"tangent 0 has shape \(2,\), and its primal \(3,\)"),
        (lambda: gd.jvp(f, (X,), ()), GradientError, "1 primals and 0 tangents: give a tangent in the form of each"),
        (lambda: gd.jvp(lambda x: 3, (1.0,), (1.0,)), GradientError, "returns tensors, and this returned int"),
        (lambda: gd.jvp(f, (np.arange(3),), (X,)), DTypeError, "give floats, such as 2.0"),
        (lambda: gd.vjp(f, X)[1](np.ones(3)), ShapeError, r"has shape \(3,\), and the tensor \(2,\)"),
        (
            lambda: gd.vjp(f, X)[1]([np.ones(2)] * 2),
            GradientError,
            "a cotangent for each of 1 values, in their form, and got 2",
        ),
        (lambda: gd.vjp(lambda x: "no", X), GradientError, "returns tensors, and this returned str"),
        (lambda: gd.jacobian(f, mode="sideways"), ValueError, "unknown mode 'sideways': give 'reverse' or 'forward'"),
        (lambda: gd.jacobian(lambda x: 1.0)(X), GradientError, "returns tensors, and this returned float"),
        (lambda: gd.jacobian(f, 1)(X), GradientError, "asks for argument 1"),
        (lambda: gd.hessian(f)(X), GradientError, r"returns one number as a tensor, and this returned shape \(2,\)"),
        (lambda: gd.hvp(scalar, (X,), (np.ones(2),)), ShapeError, "tangent 0 has shape"),
    ],
)
def test_bad_input(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
