"""Samples of categories that a gradient passes through."""

import grad_core as gd
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

LOGITS = np.log(np.array([0.1, 0.2, 0.3, 0.4]))


def generator():
    return gd.random.Generator(0)


@pytest.mark.parametrize("tau", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("hard", [False, True])
def test_the_largest_is_a_sample_of_the_softmax_at_any_temperature(hard, tau):
    many = np.broadcast_to(LOGITS, (40_000, 4))
    y = F.gumbel_softmax(many, tau, hard, generator=generator())
    counts = np.bincount(y.data.argmax(1), minlength=4) / len(many)
    assert np.abs(counts - [0.1, 0.2, 0.3, 0.4]).max() < 0.01
    assert np.allclose(y.data.sum(1), 1)
    assert (set(np.unique(y.data)) == {0, 1}) == hard


@pytest.mark.parametrize("dim", [0, 1, -1, -3])
def test_the_gradient_of_the_hard_sample_is_that_of_the_soft_one(dim):
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    upstream = np.random.default_rng(1).normal(size=x.shape)
    grads = []
    for hard in (False, True):
        leaf = gd.tensor(x, requires_grad=True)
        y = F.gumbel_softmax(leaf, 0.7, hard, dim=dim, generator=generator())
        assert np.allclose(y.data.sum(dim), 1)
        y.backward(upstream)
        grads.append(leaf.grad.data)
    assert np.array_equal(*grads)
    assert np.abs(grads[0]).max() > 0.01


def test_derivatives_of_the_soft_sample():
    check_grads(lambda x: F.gumbel_softmax(x, 0.7, dim=0, generator=generator()), [LOGITS[:, None] * [1, 2]])


def test_each_sample_of_a_batch_has_its_own_noise():
    many = np.broadcast_to(LOGITS, (100, 4))
    together = gd.vmap(lambda x: F.gumbel_softmax(x, hard=True, generator=generator()))(many)
    assert np.array_equal(together.data, F.gumbel_softmax(many, hard=True, generator=generator()).data)
    assert len(np.unique(together.data.argmax(1))) == 4


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_dtype_stays(dtype):
    assert F.gumbel_softmax(LOGITS.astype(dtype), hard=True).dtype == dtype
    assert F.gumbel_softmax(LOGITS.astype(dtype)).dtype == dtype


def test_errors():
    for tau in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="gumbel_softmax: the logits are divided by the temperature"):
            F.gumbel_softmax(LOGITS, tau)
    with pytest.raises(DTypeError, match=r"gumbel_softmax: it takes floats, and was given int64: use .astype"):
        F.gumbel_softmax(np.arange(3))
    for hard in (False, True):
        with pytest.raises(ShapeError, match="axis 2"):
            F.gumbel_softmax(LOGITS, hard=hard, dim=2)
