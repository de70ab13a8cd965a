"""The softmax over many classes in two steps."""

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def made(**options):
    return nn.AdaptiveLogSoftmaxWithLoss(
        6, 9, [2, 5], 2.0, dtype="float64", generator=gd.random.Generator(0), **options
    )


@pytest.mark.parametrize("head_bias", [True, False])
def test_all_probabilities_are_those_of_the_targets_one_by_one(head_bias):
    model, x = made(head_bias=head_bias), RNG.normal(size=(4, 6))
    every = model.log_prob(x).data
    assert every.shape == (4, 9)
    assert np.allclose(np.exp(every).sum(1), 1)
    for label in range(9):
        output, loss = model(x, np.full(4, label))
        assert np.allclose(output.data, every[:, label])
        assert loss.item() == pytest.approx(-every[:, label].mean(), rel=1e-12)
    assert np.allclose(model(x, [8, 0, 3, 1]).output.data, every[np.arange(4), [8, 0, 3, 1]])
    one = model(x[0], 7)
    assert one.output.shape == ()
    assert one.output.item() == pytest.approx(every[0, 7], rel=1e-12)


def test_the_best_class():
    x = 6 * RNG.normal(size=(60, 6))
    model = made()
    found = model.predict(x)
    assert np.array_equal(found.data, model.log_prob(x).data.argmax(1))
    assert len(set(found.tolist())) > 3
    assert not found.requires_grad


def test_derivatives():
    model = made(head_bias=True)
    check_grads(lambda x: model(x, [8, 0, 3]).loss, [RNG.normal(size=(3, 6))])


def test_a_group_that_does_not_occur_is_not_computed():
    model = made()
    model(RNG.normal(size=(3, 6)), [0, 1, 4]).loss.backward()
    assert [p.grad is None for p in model.parameters()] == [False, False, False, True, True]
    assert [tuple(p.shape) for p in model.parameters()] == [(4, 6), (3, 6), (3, 3), (1, 6), (4, 1)]


@pytest.mark.parametrize("cutoffs", [[], [0, 3], [5, 3], [3, 3], [9], [3, 10]])
def test_cutoffs_that_are_none(cutoffs):
    with pytest.raises(ValueError, match=r"cutoffs are increasing integers, 1 to n_classes - 1 = 8, at least one"):
        nn.AdaptiveLogSoftmaxWithLoss(6, 9, cutoffs)


def test_what_it_refuses():
    model, x = made(), RNG.normal(size=(3, 6))
    with pytest.raises(TypeError):
        nn.AdaptiveLogSoftmaxWithLoss(6, 9, [2.5])
    with pytest.raises(IndexError, match="class id 9 is out of range: 9 classes have ids 0 to 8"):
        model(x, [0, 9, 1])
    with pytest.raises(IndexError, match="class id -1 is out of range"):
        model(x, [0, -1, 1])
    with pytest.raises(DTypeError, match="class ids, integers, and these are float64"):
        model(x, [0.0, 1.0, 2.0])
    for wrong, target in ((x, [0, 1]), (x[:, :5], [0, 1, 2]), (x[None], [[0, 1, 2]]), (x[:0], np.zeros(0, int))):
        with pytest.raises(ShapeError, match=r"takes samples \(N, 6\) with targets \(N,\)"):
            model(wrong, target)
