"""vmap against torch.func.vmap, nested with gradients, Jacobians and Hessians in both libraries."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
import torch
from torch import func

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:DeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
Y = RNG.normal(size=(4, 5))
W = RNG.normal(size=(4, 4))


def attend(lib: Any, x: Any, w: Any) -> Any:
    """Attention of four one-number tokens, written in what both libraries call the same."""
    scores = x[:, None] * (w @ x)[None, :]
    weights = lib.softmax(scores, -1)
    return ((weights @ x) * lib.tanh(x)).sum()


# each twice: for grad_core and for PyTorch
PAIRS: dict[str, tuple[Any, Any]] = {
    "value": (
        lambda: gd.vmap(lambda x: attend(gd, x, gd.asarray(W)))(X),
        lambda: func.vmap(lambda x: attend(torch, x, torch.tensor(W)))(torch.tensor(X)),
    ),
    "axes": (
        lambda: gd.vmap(lambda x, y: gd.outer(x, y), in_axes=(0, 1), out_axes=2)(X, Y),
        lambda: func.vmap(lambda x, y: torch.outer(x, y), in_dims=(0, 1), out_dims=2)(torch.tensor(X), torch.tensor(Y)),
    ),
    "gradient for each entry": (
        lambda: gd.vmap(gd.grad(lambda w, x: attend(gd, x, w)), in_axes=(None, 0))(W, X),
        lambda: func.vmap(func.grad(lambda w, x: attend(torch, x, w)), in_dims=(None, 0))(
            torch.tensor(W), torch.tensor(X)
        ),
    ),
    "hessian": (
        lambda: gd.vmap(gd.hessian(lambda x: attend(gd, x, gd.asarray(W))))(X),
        lambda: func.vmap(func.hessian(lambda x: attend(torch, x, torch.tensor(W))))(torch.tensor(X)),
    ),
    "gradient of gradients for each entry": (
        lambda: gd.grad(lambda w: (gd.vmap(gd.grad(lambda x: attend(gd, x, w)))(X) ** 2).sum())(W),
        lambda: func.grad(lambda w: (func.vmap(func.grad(lambda x: attend(torch, x, w)))(torch.tensor(X)) ** 2).sum())(
            torch.tensor(W)
        ),
    ),
    "jacobian forward": (
        lambda: gd.jacobian(lambda w: gd.vmap(lambda x: attend(gd, x, w))(X), mode="forward")(W),
        lambda: func.jacfwd(lambda w: func.vmap(lambda x: attend(torch, x, w))(torch.tensor(X)))(torch.tensor(W)),
    ),
    "jvp of vmap of vmap": (
        lambda: gd.jvp(gd.vmap(gd.vmap(lambda a: gd.sin(a) * a * a)), (X,), (X * X,))[1],
        lambda: func.jvp(
            func.vmap(func.vmap(lambda a: torch.sin(a) * a * a)), (torch.tensor(X),), (torch.tensor(X * X),)
        )[1],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_vmap(name: str) -> None:
    ours, theirs = PAIRS[name]
    np.testing.assert_allclose(ours().numpy(), theirs().numpy(), rtol=1e-9, atol=1e-10)
