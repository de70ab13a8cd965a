"""vjp, jvp, jacobian, hessian and hvp against torch.func, alone and nested."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
import torch
from torch import func

# PyTorch warns of its own internals when torch.func is first used
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:DeprecationWarning")

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
X = RNG.normal(size=4)
V = RNG.normal(size=3)
T = RNG.normal(size=4)

# each function twice: for grad_core and for PyTorch
VECTORS: dict[str, tuple[Any, Any]] = {
    "tanh of a product": (lambda x: gd.tanh(A @ x), lambda x: torch.tanh(torch.tensor(A) @ x)),
    "softmax": (lambda x: gd.softmax(A @ x), lambda x: torch.softmax(torch.tensor(A) @ x, 0)),
    "maxima and parts": (
        lambda x: gd.stack([x.max(), x[1] * x[2], gd.where(x > 0, x, 0.1 * x).sum()]),
        lambda x: torch.stack([x.max(), x[1] * x[2], torch.where(x > 0, x, 0.1 * x).sum()]),
    ),
}
SCALARS: dict[str, tuple[Any, Any]] = {
    "logsumexp": (lambda x: gd.logsumexp(A @ x), lambda x: torch.logsumexp(torch.tensor(A) @ x, 0)),
    "variance": (lambda x: gd.var(x * x * x), lambda x: torch.var(x * x * x, correction=0)),
    "powers": (lambda x: (gd.abs(x) ** 2.5).sum() * x[0], lambda x: (torch.abs(x) ** 2.5).sum() * x[0]),
}


def same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", VECTORS)
def test_of_vectors(name: str) -> None:
    f, g = VECTORS[name]
    x, v, t = (torch.tensor(a) for a in (X, V, T))
    same(gd.vjp(f, X)[1](V)[0], func.vjp(g, x)[1](v)[0])
    same(gd.jvp(f, (X,), (T,))[1], func.jvp(g, (x,), (t,))[1])
    same(gd.jacobian(f)(X), func.jacrev(g)(x))
    same(gd.jacobian(f, mode="forward")(X), func.jacfwd(g)(x))
    same(gd.jacobian(gd.jacobian(f))(X), func.jacrev(func.jacrev(g))(x))
    same(
        gd.jvp(lambda y: gd.vjp(f, y)[1](V)[0], (X,), (T,))[1],
        func.jvp(lambda y: func.vjp(g, y)[1](v)[0], (x,), (t,))[1],
    )


@pytest.mark.parametrize("name", SCALARS)
def test_of_scalars(name: str) -> None:
    f, g = SCALARS[name]
    x, t = torch.tensor(X), torch.tensor(T)
    same(gd.grad(f)(X), func.grad(g)(x))
    same(gd.hessian(f)(X), func.hessian(g)(x))
    same(gd.hvp(f, (X,), (T,))[1][0], torch.autograd.functional.hvp(g, x, t)[1])
    same(gd.jacobian(gd.hessian(f))(X), func.jacrev(func.hessian(g))(x))
    ours = gd.grad(lambda y: gd.jvp(gd.grad(f), (y,), (T,))[1].sum())(X)
    same(ours, func.grad(lambda y: func.jvp(func.grad(g), (y,), (t,))[1].sum())(x))
