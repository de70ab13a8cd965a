"""Losses of samples with several labels, and of triplets with a distance of one's own, by their definitions."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}
TARGET = np.array([[3, 0, -1, 2], [-1, 0, 0, 0], [2, 2, -1, 0], [1, 0, 3, 2]])


def margins(x, target):
    """The loss of each sample, label by label and class by class."""
    found = []
    for row, ids in zip(x, target, strict=True):
        labels = list(ids[: list(ids).index(-1)] if -1 in ids else ids)
        others = [i for i in range(len(row)) if i not in labels]
        found.append(sum(max(1 - row[y] + row[i], 0) for y in labels for i in others) / len(row))
    return np.array(found)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multi_label_margin(reduction, dtype):
    x = RNG.normal(size=(4, 4)).astype(dtype)
    loss = nn.MultiLabelMarginLoss(reduction=reduction)
    assert loss(x, TARGET).dtype == dtype
    assert np.allclose(loss(x, TARGET).data, REDUCTIONS[reduction](margins(x, TARGET)), 1e-6)
    assert np.allclose(loss(x[0], TARGET[0]).data, margins(x[:1], TARGET[:1])[0], 1e-6)
    check_grads(lambda x: loss(x, TARGET), [x.astype("float64")])


def test_a_multi_label_margin_for_each_sample():
    x = RNG.normal(size=(4, 4))
    wanted = margins(x, TARGET)
    assert np.allclose(gd.vmap(F.multilabel_margin_loss)(x, TARGET).data, wanted)
    per = gd.vmap(gd.grad(F.multilabel_margin_loss), in_axes=(0, 0))(x, TARGET)
    assert np.allclose(per.data[2], gd.grad(F.multilabel_margin_loss)(x[2], TARGET[2]).data)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0]])
def test_multi_label_soft_margin(reduction, weight):
    x, y = RNG.normal(size=(5, 3)), RNG.uniform(0, 1, (5, 3))
    probabilities = 1 / (1 + np.exp(-x))
    each = -(y * np.log(probabilities) + (1 - y) * np.log(1 - probabilities)) * (1 if weight is None else weight)
    loss = nn.MultiLabelSoftMarginLoss(weight, reduction=reduction)
    assert np.allclose(loss(x, y).data, REDUCTIONS[reduction](each.mean(1)))
    assert np.allclose(loss(x[0], y[0]).data, each[0].mean())
    check_grads(loss, [x, y])
    assert [name for name, _ in loss.named_buffers()] == ([] if weight is None else ["weight"])
    assert np.isfinite(loss(x * 1e4, y).data).all()
    assert np.allclose(gd.vmap(lambda a, b: loss(a, b))(x, y).data, each.mean(1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("swap", [False, True])
def test_triplets_with_a_distance_of_ones_own(swap, reduction):
    def city(x, y):
        return abs(x - y).sum(-1)

    a, p, n = (RNG.normal(size=(6, 3)) for _ in range(3))
    far = np.minimum(city(a, n), city(p, n)) if swap else city(a, n)
    wanted = REDUCTIONS[reduction](np.maximum(city(a, p) - far + 1.5, 0))
    loss = nn.TripletMarginWithDistanceLoss(distance_function=city, margin=1.5, swap=swap, reduction=reduction)
    assert np.allclose(loss(a, p, n).data, wanted)
    check_grads(loss, [a, p, n])
    usual = nn.TripletMarginWithDistanceLoss(swap=swap, reduction=reduction)
    assert np.allclose(usual(a, p, n).data, nn.TripletMarginLoss(swap=swap, reduction=reduction)(a, p, n).data)


def test_a_distance_that_is_a_module_is_trained():
    loss = nn.TripletMarginWithDistanceLoss(distance_function=nn.Bilinear(2, 2, 1))
    assert [name for name, _ in loss.named_parameters()] == ["distance_function.weight", "distance_function.bias"]


X = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.multilabel_margin_loss(X, [[0, 3, -1]] * 2),
            IndexError,
            "class id 3 is out of range: .* ids 0 to 2",
        ),
        (lambda: F.multilabel_margin_loss(X, [[0, -2, -1]] * 2), IndexError, "class id -2 is out of range"),
        (
            lambda: F.multilabel_margin_loss(X, [0, 1]),
            ShapeError,
            r"filled up with -1; .* \(2, 3\) and the target \(2,",
        ),
        (lambda: F.multilabel_margin_loss(X, X), DTypeError, "class ids, integers, and is float64: use target.astype"),
        (lambda: F.multilabel_margin_loss([[1, 2]], [[0, 1]]), DTypeError, "scores are floats, and these are int64"),
        (lambda: nn.MultiLabelMarginLoss(reduction="all"), ValueError, "MultiLabelMarginLoss: unknown reduction 'all'"),
        (lambda: F.multilabel_margin_loss(X[:0], X[:0].astype(int)), ShapeError, "the mean over no elements"),
        (lambda: F.multilabel_soft_margin_loss(X, X[0]), ShapeError, "they must be equal"),
        (lambda: F.multilabel_soft_margin_loss(1.0, 1.0), ShapeError, r"logits have shape \(N, C\) or \(C,\)"),
        (lambda: F.multilabel_soft_margin_loss(X[:, :0], X[:, :0]), ShapeError, r"no classes.*\(2, 0\)"),
        (lambda: nn.MultiLabelSoftMarginLoss([1.0, 2.0])(X, X), ShapeError, r"weight has shape \(2,\), which does not"),
        (
            lambda: nn.TripletMarginWithDistanceLoss(margin=0.0),
            ValueError,
            "TripletMarginWithDistanceLoss: .* above 0, and 0.0 is not",
        ),
        (
            lambda: nn.TripletMarginWithDistanceLoss()(X, X, X[0]),
            ShapeError,
            r"triplet_margin_with_distance_loss: the output has shape \(2, 3\) and the negative \(3,\)",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
