"""retain_grad: gradients of computed tensors, kept where asked, in arrays of their own, keeping nothing alive."""

import weakref

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import GradientError


def leaf(*values: float) -> gd.Tensor:
    return gd.tensor(list(values), dtype="float64", requires_grad=True)


@extend.op(vjp=(lambda g, ans, _x: g[0] * ans[1] - g[1] * ans[0],))
def sincos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.sin(x), np.cos(x)


@pytest.mark.parametrize("create_graph", [False, True])
def test_computed_tensors_keep_a_gradient_only_with_retain_grad(create_graph: bool) -> None:
    x = leaf(1.0, 2.0)
    y, z = x * x, x + 1.0
    y.retain_grad()
    total = (y * z + y).sum()
    total.backward(retain_graph=True, create_graph=create_graph)
    assert y.grad.tolist() == [3.0, 4.0]
    assert z.grad is None
    total.backward()
    assert y.grad.tolist() == [6.0, 8.0]
    assert x.grad.tolist() == [2 * (3 * v * v + 4 * v) for v in (1.0, 2.0)]
    gd.gradients((x * x).sum(), [x])
    x.grad = y.grad = None


def test_a_retained_gradient_is_an_array_of_its_own() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1.0
    y.retain_grad()
    z = y + 0.0
    z.retain_grad()
    g = np.array([1.0, 10.0])
    z.backward(g)
    assert y.grad.tolist() == z.grad.tolist() == [1.0, 10.0]
    arrays = [g, x.grad.data, y.grad.data, z.grad.data]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_retain_grad_of_one_of_several_results_of_leaves_and_of_what_has_no_gradient() -> None:
    x = leaf(0.3, 0.4)
    s, c = sincos(x)
    c.retain_grad()
    x.retain_grad()
    (s * c * c).sum().backward()
    np.testing.assert_allclose(c.grad.numpy(), (2 * s * c).detach().numpy())
    assert s.grad is None
    assert x.grad.shape == (2,)
    with pytest.raises(GradientError, match="does not require grad: it gets no gradient"):
        gd.ones(2).retain_grad()


def test_retain_grad_keeps_nothing_alive() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    y.retain_grad()
    node = weakref.ref(y.grad_fn)
    total = y.sum()
    del y
    total.backward()
    del total
    assert node() is None
    assert x.grad.tolist() == [2.0, 4.0]
