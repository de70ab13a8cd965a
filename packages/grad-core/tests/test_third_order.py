"""Third derivatives by spot check: nested gradients against central differences of the second, in float64."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest

A = np.array([0.7, -0.4, 1.3])
P = np.array([0.7, 1.9, 1.3])  # positive
M = np.array([[0.5, -1.2, 0.3], [1.1, 0.8, -0.6]])
W = np.array([[0.3, -0.8], [1.4, 0.5], [-0.2, 0.9]])
WEIGHTS = np.array([1.0, -2.0, 0.5])

CASES: list[tuple[str, Any, Any]] = [
    ("exp", gd.exp, A),
    ("log", gd.log, P),
    ("tanh", gd.tanh, A),
    ("sigmoid", gd.sigmoid, A),
    ("sin", gd.sin, A),
    ("atan", gd.atan, A),
    ("erf", gd.erf, A),
    ("softplus", gd.softplus, A),
    ("power", lambda x: x**3.5, P),
    ("power of two", lambda x: x ** (x + 1), P),
    ("divide", lambda x: gd.sin(x) / (x * x + 1), A),
    ("hypot", lambda x: gd.hypot(x, 2 * x + 1), A),
    ("logaddexp", lambda x: gd.logaddexp(x, x * x), A),
    ("softmax", gd.softmax, A),
    ("log_softmax", lambda x: gd.log_softmax(x * x), A),
    ("logsumexp", gd.logsumexp, A),
    ("prod", gd.prod, A),
    ("prod with a zero", gd.prod, np.array([0.7, 0.0, 1.3])),
    ("cumprod", gd.cumprod, A),
    ("cumsum", lambda x: gd.exp(gd.cumsum(x)), A),
    ("var", lambda x: gd.var(x * x), A),
    ("std", gd.std, A),
    ("norm", gd.norm, A),
    ("3-norm", lambda x: gd.norm(x, 3), A),
    ("matmul", lambda x: (x @ W) ** 3, M),
    ("matmul of itself", lambda x: (x @ x.mT) @ x, M),
    ("einsum", lambda x: gd.einsum("ij,ik,jk,ij->i", x, x @ np.eye(3), W @ x, x), M),
    ("outer", lambda x: gd.outer(x, x) * gd.outer(x, gd.sin(x)), A),
    ("getitem", lambda x: x[[0, 0, 2]] ** 4 * x[1:2], A),
    ("take", lambda x: gd.exp(gd.take(x, [2, 0, 2])) * x, A),
    ("take_along_axis", lambda x: gd.take_along_axis(x, np.array([[2], [0]]), axis=1) ** 4, M),
    ("scatter_add", lambda x: gd.scatter_add(x, [0, 0], x[1:] ** 2) ** 3, A),
    ("where", lambda x: gd.where(x > 0, gd.exp(x), x**4), A),
    ("maximum", lambda x: gd.maximum(x**3, gd.exp(x)), A),
    ("max", lambda x: gd.max(x**4), A),
    ("sort", lambda x: gd.sort(x) ** 4 * x, A),
    ("concat", lambda x: gd.concat([x, gd.sin(x)]) ** 3, A),
    ("stack", lambda x: gd.prod(gd.stack([x, x * x, gd.cos(x)]), axis=0), A),
    ("reshape and transpose", lambda x: (x.reshape(3, 2).mT * x) ** 3, M),
    ("pad", lambda x: gd.cumprod(gd.pad(x, 1, constant_values=2.0)), A),
    ("broadcasting", lambda x: (x[:, None] * gd.exp(x)[None, :]) ** 2, A),
]


def second(function: Any, x: Any, direction: np.ndarray) -> Any:
    """The Hessian of a weighted sum of the results, times a direction: the gradient of a directional derivative."""

    def weighted(y: Any) -> Any:
        result = function(y)
        return (result * np.linspace(0.5, 1.5, result.size).reshape(result.shape)).sum()

    return gd.grad(lambda y: (gd.grad(weighted)(y) * direction).sum())(x)


@pytest.mark.parametrize(("function", "at"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_third_derivative(function: Any, at: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    first, other = rng.normal(size=(2, *at.shape))
    third = gd.grad(lambda y: (second(function, y, first) * other).sum())(at).numpy()
    step = 1e-5
    for place in np.ndindex(at.shape):
        unit = np.zeros(at.shape)
        unit[place] = step
        ends = [(second(function, at + sign * unit, first).numpy() * other).sum() for sign in (1, -1)]
        wanted = (ends[0] - ends[1]) / (2 * step)
        assert third[place] == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    assert np.abs(third).max() > 1e-3  # a case whose third derivative is 0 checks nothing
