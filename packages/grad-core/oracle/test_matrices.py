"""What the samples leave out of linear algebra: matrices that nothing made symmetric, and a determinant of 0."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
import torch

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 4, 4))
A = A @ A.swapaxes(-1, -2) + np.eye(4)
SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh"])
def test_the_gradient_by_a_matrix_taken_for_symmetric_is_that_of_pytorch(name: str) -> None:
    def run(lib: Any, x: Any) -> Any:
        y = getattr(lib.linalg, name)(x)
        return y[1] ** 2 * y[0][..., None, :] if name == "eigh" else y

    x, t = gd.tensor(A, requires_grad=True), torch.tensor(A, requires_grad=True)
    y, u = run(gd, x), run(torch, t)
    g = RNG.normal(size=y.shape)
    y.backward(g)
    u.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_gradient_of_a_determinant_of_exactly_0() -> None:
    x, t = gd.tensor(SINGULAR, requires_grad=True), torch.tensor(SINGULAR, requires_grad=True)
    gd.linalg.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-6)
    torch.linalg.det(t).backward()
    assert not t.grad.any(), "PyTorch has a gradient there now: say so in docs/layers/grad-core.md"
    (with_graph,) = torch.autograd.grad(torch.linalg.det(t), t, create_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), with_graph.detach().numpy(), rtol=1e-5)
