import math
import warnings

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
REDUCTIONS = ["mean", "sum", "none"]


def normal(*shape):
    return RNG.normal(size=shape)


def share(*shape):
    return RNG.uniform(0.1, 0.9, shape)


def softplus(x):
    return np.log(1 + np.exp(x))


SIGNS = np.array([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])
# module, makers of output and target, and the loss of each element by its definition
PAIRS = [
    (nn.L1Loss, {}, normal, normal, lambda x, y: np.abs(x - y)),
    (
        nn.SmoothL1Loss,
        {"beta": 0.5},
        normal,
        normal,
        lambda x, y: np.where(abs(x - y) < 0.5, (x - y) ** 2, abs(x - y) - 0.25),
    ),
    (nn.SmoothL1Loss, {"beta": 0.0}, normal, normal, lambda x, y: np.abs(x - y)),
    (
        nn.HuberLoss,
        {"delta": 0.5},
        normal,
        normal,
        lambda x, y: np.where(abs(x - y) < 0.5, (x - y) ** 2 / 2, 0.5 * abs(x - y) - 0.125),
    ),
    (nn.BCELoss, {}, share, share, lambda x, y: -(y * np.log(x) + (1 - y) * np.log(1 - x))),
    (nn.BCEWithLogitsLoss, {}, normal, share, lambda x, y: y * softplus(-x) + (1 - y) * softplus(x)),
    (
        nn.BCEWithLogitsLoss,
        {"pos_weight": [2.0, 3.0, 4.0]},
        normal,
        share,
        lambda x, y: y * softplus(-x) * [2, 3, 4] + (1 - y) * softplus(x),
    ),
    (nn.KLDivLoss, {}, normal, share, lambda x, y: y * (np.log(y) - x)),
    (nn.KLDivLoss, {"log_target": True}, normal, normal, lambda x, y: np.exp(y) * (y - x)),
    (nn.SoftMarginLoss, {}, normal, lambda *_: SIGNS, lambda x, y: softplus(-x * y)),
    (
        nn.HingeEmbeddingLoss,
        {"margin": 0.7},
        normal,
        lambda *_: SIGNS,
        lambda x, y: np.where(y == 1, x, np.maximum(0.7 - x, 0)),
    ),
    (nn.PoissonNLLLoss, {}, normal, share, lambda x, y: np.exp(x) - y * x),
    (nn.PoissonNLLLoss, {"log_input": False}, share, share, lambda x, y: x - y * np.log(x + 1e-8)),
]
each = pytest.mark.parametrize(
    ("kind", "options", "outputs", "targets", "function"), PAIRS, ids=lambda case: getattr(case, "__name__", "")
)


@each
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_values_and_derivatives(kind, options, outputs, targets, function, reduction):
    loss = kind(**options, reduction=reduction)
    x, y = outputs(2, 3), targets(2, 3)
    wanted = function(x, y)
    wanted = wanted if reduction == "none" else wanted.mean() if reduction == "mean" else wanted.sum()
    assert np.allclose(loss(x, y).data, wanted, 1e-7, 1e-10)
    if not np.array_equal(y, SIGNS):
        check_grads(loss, [x, y])
    else:
        check_grads(lambda x: loss(x, y), [x])


@each
def test_nothing_is_broadcast(kind, options, outputs, targets, function):
    options = {key: value for key, value in options.items() if key != "pos_weight"}
    for shapes in [((5, 1), (5,)), ((5,), (5, 1)), ((5, 2), (2,)), ((5, 2), ())]:
        x, y = share(*shapes[0]), np.ones(shapes[1])
        with pytest.raises(
            ShapeError, match=r": the output has shape .* must be equal: broadcasting would compare each"
        ):
            kind(**options)(x, y)
    with pytest.raises(ShapeError, match=r"use \.reshape\(\(5, 1\)\) on the target"):
        kind(**options)(share(5, 1), np.ones(5))
    with pytest.raises(ShapeError, match=r"the mean over no elements, of shape \(0,\)|the mean over no"):
        kind(**options)(np.ones(0), np.ones(0))
    assert kind(**options, reduction="sum")(np.ones(0), np.ones(0)).item() == 0
    with pytest.raises(DTypeError, match=r"it compares floats, and the output is int64: use .astype\('float32'\)"):
        kind(**options)(np.ones(3, int), np.ones(3))
    with pytest.raises(ValueError, match=rf"{kind.__name__}: unknown reduction 'average'"):
        kind(**options, reduction="average")


@each
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes(kind, options, outputs, targets, function, dtype):
    x, y = outputs(2, 3).astype(dtype), targets(2, 3).astype(dtype)
    tracked = gd.tensor(x, requires_grad=True)
    loss = kind(**options)(tracked, y)
    loss.backward()
    assert loss.dtype == dtype
    assert tracked.grad.dtype == dtype
    assert loss.item() == pytest.approx(
        function(x.astype(float), y.astype(float)).mean(), abs=2e-2 if dtype == "float16" else 1e-5
    )


@each
def test_integer_targets_take_the_dtype_of_the_output(kind, options, outputs, targets, function):
    options = options | ({"log_target": False} if "log_target" in options else {})
    loss = kind(**options)(share(3).astype("f"), np.array([1, 1, 1]))
    assert loss.dtype == np.float32


@each
def test_a_loss_for_each_sample(kind, options, outputs, targets, function):
    loss = kind(**options)
    x, y = np.stack([outputs(2, 3) for _ in range(4)]), np.stack([targets(2, 3) for _ in range(4)])
    assert np.allclose(gd.vmap(loss)(x, y).data, [loss(a, b).item() for a, b in zip(x, y, strict=True)])
    assert np.allclose(gd.vmap(loss, in_axes=(0, None))(x, y[0]).data, [loss(a, y[0]).item() for a in x])


def test_certain_mistakes_are_finite():
    for dtype in ("float16", "float32", "float64"):
        x = gd.tensor(np.array([0.0, 1.0, 0.0, 1.0], dtype), requires_grad=True)
        loss = F.binary_cross_entropy(x, [1, 0, 0, 1], reduction="none")
        assert loss.tolist() == [100, 100, 0, 0]
        loss.sum().backward()
        assert np.isfinite(x.grad.data).all()
        assert (x.grad.data[:2] * [-1, 1] > 1000).all()
        assert (x.grad.data[2:] == 0).all()
        x = gd.tensor(np.array([-1000.0, 1000.0], dtype), requires_grad=True)
        loss = F.binary_cross_entropy_with_logits(x, [1, 0], reduction="sum")
        assert loss.item() == 2000
        loss.backward()
        assert x.grad.tolist() == [-1, 1]


def test_logits_lose_no_digits():
    assert F.binary_cross_entropy_with_logits(np.array(50.0), 1).item() == pytest.approx(math.exp(-50), rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_options(weight, smoothing, reduction, scale):
    x, ids = normal(5, 3) * scale, np.array([0, 2, -100, 1, 2])
    loss = nn.CrossEntropyLoss(weight, reduction=reduction, label_smoothing=smoothing)
    logp = x - x.max(1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(1, keepdims=True))
    w = np.ones(3) if weight is None else np.array(weight)
    known = np.maximum(ids, 0)
    target = np.eye(3)[known] * (1 - smoothing) + smoothing / 3
    losses = -(target * w * logp).sum(1) * (ids >= 0)
    counts = w[known] * (ids >= 0)
    wanted = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / counts.sum()}[reduction]
    assert np.allclose(loss(x, ids).data, wanted, 1e-10, 1e-12)
    check_grads(lambda x: loss(x, ids), [normal(5, 3)])
    if not smoothing:
        nll = nn.NLLLoss(weight, reduction=reduction)
        assert np.allclose(nll(logp, ids).data, wanted, 1e-10, 1e-12)
        check_grads(lambda x: nll(x, ids), [x])


def test_ids_of_many_axes_and_others_ignored():
    x, ids = normal(2, 3, 4), RNG.integers(0, 3, (2, 4))
    ids[0, 0] = ids[1, 1] = 1
    for loss in (nn.CrossEntropyLoss(ignore_index=1, reduction="none"), nn.NLLLoss(ignore_index=1, reduction="none")):
        losses = loss(x, ids)
        assert losses.shape == (2, 4)
        assert ((losses.data == 0) == (ids == 1)).all()
    mean = nn.CrossEntropyLoss(ignore_index=1)(x, ids).item()
    losses = nn.CrossEntropyLoss(reduction="none")(x, ids).data
    assert mean == pytest.approx(losses[ids != 1].mean(), rel=1e-12)


def test_weighted_losses_for_each_sample():
    x, ids = normal(4, 5, 3), RNG.integers(0, 3, (4, 5))
    ids[:, 0] = -100
    weights = share(4, 3)
    for function in (F.cross_entropy, F.nll_loss, F.multi_margin_loss):
        given = np.where(ids < 0, 0, ids) if function is F.multi_margin_loss else ids
        alone = [function(a, b, weight=weights[0]).item() for a, b in zip(x, given, strict=True)]
        assert np.allclose(gd.vmap(lambda a, b, f=function: f(a, b, weight=weights[0]))(x, given).data, alone)
        alone = [function(a, given[0], weight=w).item() for a, w in zip(x, weights, strict=True)]
        assert np.allclose(gd.vmap(lambda a, w, f=function, y=given[0]: f(a, y, weight=w))(x, weights).data, alone)


def test_probabilities_warn_once():
    loss = nn.CrossEntropyLoss()
    probabilities = gd.softmax(gd.tensor(normal(6, 4)), 1)
    with pytest.warns(
        UserWarning, match="these logits look like probabilities: .* remove the softmax at the end"
    ) as caught:
        loss(probabilities, [0, 1, 2, 3, 0, 1])
    assert caught[0].filename == __file__
    loss(probabilities, [0, 1, 2, 3, 0, 1])  # warnings are errors here
    with pytest.warns(UserWarning, match="look like probabilities"):
        nn.CrossEntropyLoss()(gd.softmax(gd.tensor(normal(2, 3, 5)).astype("float16"), 1), RNG.integers(0, 3, (2, 5)))


@pytest.mark.parametrize(
    "logits",
    [
        normal(6, 4),
        share(6, 4),
        gd.log_softmax(normal(6, 4), 1),
        np.ones((6, 1)),
        np.zeros((6, 4)),
        np.full((6, 4), 0.25 + 1e-3),
    ],
)
def test_logits_do_not_warn(logits):
    nn.CrossEntropyLoss()(logits, np.zeros(6, int))


def test_probabilities_outside_training_and_in_vmap_do_not_warn():
    probabilities = gd.softmax(normal(2, 6, 4), 2)
    nn.CrossEntropyLoss().eval()(probabilities[0], np.zeros(6, int))
    gd.vmap(nn.CrossEntropyLoss(), in_axes=(0, None))(probabilities, np.zeros(6, int))


def test_the_look_at_logits_is_taken_in_the_first_call_only(monkeypatch):
    looks = []
    monkeypatch.setattr(nn._loss, "looks_like_probabilities", lambda x: looks.append(x))
    loss = nn.CrossEntropyLoss()
    for _ in range(3):
        loss(normal(2, 3), [0, 1])
    assert len(looks) == 1


def test_gaussian():
    x, y = normal(4, 3), normal(4, 3)
    for shape in [(4, 3), (4, 1), (4,)]:
        var = RNG.uniform(0.5, 2, shape)
        wide = var[:, None] if var.ndim == 1 else var
        wanted = 0.5 * (np.log(wide) + (x - y) ** 2 / wide)
        assert F.gaussian_nll_loss(x, y, var).item() == pytest.approx(wanted.mean(), rel=1e-12)
        full = F.gaussian_nll_loss(x, y, var, full=True, reduction="none")
        assert np.allclose(full.data, wanted + 0.5 * math.log(2 * math.pi))
        check_grads(F.gaussian_nll_loss, [x, y, var])
    var = gd.tensor(np.array([0.0, 0.1]), requires_grad=True)
    F.gaussian_nll_loss(np.zeros(2), np.ones(2), var, eps=0.5, reduction="sum").backward()
    assert np.allclose(var.grad.data, -1)  # 0.5 / eps - 0.5 / eps², as if they were eps


def test_poisson_with_stirling():
    counts = np.array([0.0, 1.0, 2.0, 10.0])
    losses = F.poisson_nll_loss(np.zeros(4), counts, full=True, reduction="none").data - 1
    assert losses[:2].tolist() == [0, 0]
    assert np.allclose(losses[2:], [math.log(2), math.lgamma(11)], atol=0.05)
    y = gd.tensor(counts, requires_grad=True)
    F.poisson_nll_loss(np.ones(4), y, full=True).backward()
    assert np.isfinite(y.grad.data).all()


def test_kl_div_of_zeros_and_batchmean():
    x, y = gd.log_softmax(normal(4, 3), 1), np.eye(4, 3)
    y = gd.tensor(y, requires_grad=True)
    total = F.kl_div(x, y, reduction="sum")
    assert total.item() == pytest.approx(-(x.data * y.data).sum(), rel=1e-12)
    assert F.kl_div(x, y, reduction="batchmean").item() == pytest.approx(total.item() / 4, rel=1e-12)
    total.backward()
    assert np.isfinite(y.grad.data).all()


def test_vectors():
    a, b, c = normal(5, 3), normal(5, 3), normal(5, 3)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert np.allclose(F.cosine_similarity(a, b).data, cosine)
    signs = np.array([1, -1, -1, 1, -1])
    losses = nn.CosineEmbeddingLoss(0.1, reduction="none")(a, b, signs)
    assert np.allclose(losses.data, np.where(signs == 1, 1 - cosine, np.maximum(cosine - 0.1, 0)))
    near, far, swapped = (np.linalg.norm(u - v + 1e-6, axis=1) for u, v in ((a, b), (a, c), (b, c)))
    assert np.allclose(F.pairwise_distance(a, b).data, near)
    assert np.allclose(nn.TripletMarginLoss(reduction="none")(a, b, c).data, np.maximum(near - far + 1, 0))
    losses = nn.TripletMarginLoss(2.0, swap=True, reduction="none")(a, b, c)
    assert np.allclose(losses.data, np.maximum(near - np.minimum(far, swapped) + 2, 0))
    losses = nn.MarginRankingLoss(0.3, reduction="none")(a[:, 0], b[:, 0], signs)
    assert np.allclose(losses.data, np.maximum(0.3 - signs * (a - b)[:, 0], 0))
    for function in (F.cosine_similarity, F.pairwise_distance, lambda a, b: F.cosine_embedding_loss(a, b, signs)):
        check_grads(function, [a, b])
    check_grads(nn.TripletMarginLoss(2.0, swap=True), [a, b, c])
    assert np.allclose(F.normalize(a, p=1).data, a / np.abs(a).sum(1, keepdims=True))


@pytest.mark.parametrize("p", [0, 0.5, 1.0, 2.0, 3.0, math.inf])
def test_distances_of_all_pairs_of_rows(p):
    x = normal(5, 3)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    wanted = [np.linalg.norm(x[i] - x[j], p) for i, j in pairs]
    assert np.allclose(F.pdist(x, p).data, wanted)
    assert F.pdist(x[:1], p).shape == (0,)
    if p:
        check_grads(lambda x: F.pdist(x, p), [x])


@pytest.mark.parametrize("p", [0, 1.0, 2.0, 3.0, math.inf])
def test_distances_of_equal_rows_have_no_gradient(p):
    x = gd.ones((3, 2), requires_grad=True)
    F.pdist(x, p).sum().backward()
    assert x.grad is None or not x.grad.data.any()


def test_what_pdist_refuses():
    with pytest.raises(ShapeError, match=r"pdist: .* rows of a matrix \(N, D\), and x has shape \(3,\)"):
        F.pdist(normal(3))
    with pytest.raises(ValueError, match="pdist: p is the exponent of a norm, 0 or more, and -1 is not"):
        F.pdist(normal(3, 2), -1)
    with pytest.raises(DTypeError, match="pdist: it takes floats"):
        F.pdist(np.ones((3, 2), int))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("shape", [(4, 3), (3,), (4, 1)])
def test_weighted_differences(shape, name):
    function = getattr(F, name)
    x, y, weight = normal(4, 3), normal(4, 3), share(*shape)
    losses = function(x, y, reduction="none").data * weight
    assert np.allclose(function(x, y, reduction="none", weight=weight).data, losses)
    assert function(x, y, reduction="sum", weight=weight).item() == pytest.approx(losses.sum(), rel=1e-12)
    # PyTorch divides by the sum of the weights, but not for Huber's loss
    mean = losses.mean() if name == "huber_loss" else losses.sum() / np.broadcast_to(weight, x.shape).sum()
    assert function(x, y, weight=weight).item() == pytest.approx(mean, rel=1e-12)
    check_grads(lambda x, y, w: function(x, y, weight=w), [x, y, weight])
    whole = np.arange(1, 13).reshape(4, 3)  # integers count too
    assert function(x, y, weight=whole).item() == pytest.approx(function(x, y, weight=whole * 1.0).item(), rel=1e-12)
    assert function(x.astype("f"), y.astype("f"), weight=weight).dtype == "float32"
    with pytest.raises(ShapeError, match=rf"{name}: weight has shape \(2,\), which does not broadcast"):
        function(x, y, weight=[1.0, 2.0])
    with pytest.raises(ValueError, match=f"{name}: unknown reduction 'most'"):
        function(x, y, reduction="most", weight=weight)


def test_vectors_of_zeros():
    zeros = gd.zeros((2, 3), requires_grad=True)
    total = F.cosine_similarity(zeros, np.ones((2, 3), "f")).sum() + F.normalize(zeros).sum()
    total = (
        total + F.cosine_embedding_loss(zeros, np.ones((2, 3), "f"), [1, 1]) + F.pairwise_distance(zeros, zeros).sum()
    )
    total.backward()
    assert np.isfinite(zeros.grad.data).all()


def test_multi_margin():
    x = np.array([[0.2, 0.5, -1.0], [2.0, 0.0, 0.5]])
    assert np.allclose(F.multi_margin_loss(x, [0, 0], reduction="none").data, [1.3 / 3, 0])
    assert np.allclose(nn.MultiMarginLoss(2, 0.5, [2.0, 1.0, 1.0], reduction="sum")(x, [0, 0]).data, 2 * 0.64 / 3)
    check_grads(lambda x: F.multi_margin_loss(x, [2, 1, 0], p=2), [normal(3, 4)])


def test_no_loss_warns_far_from_zero():
    x = np.array([1000.0, -1000.0, 30000.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (F.soft_margin_loss, F.binary_cross_entropy_with_logits, F.huber_loss, F.l1_loss):
            assert np.isfinite(function(x, np.ones(3)).item())


def test_weights_of_losses_are_buffers_as_in_torch():
    for loss, names in (
        (nn.CrossEntropyLoss(weight=[1.0, 2.0]), ["weight"]),
        (nn.NLLLoss(weight=[1.0, 2.0]), ["weight"]),
        (nn.BCELoss(weight=[1.0, 2.0]), ["weight"]),
        (nn.BCEWithLogitsLoss(weight=[1.0, 2.0], pos_weight=[3.0, 1.0]), ["weight", "pos_weight"]),
        (nn.MultiMarginLoss(weight=[1.0, 2.0]), ["weight"]),
        (nn.CrossEntropyLoss(), []),
    ):
        assert list(loss.state_dict()) == names
        assert not list(loss.parameters())
        assert all(b.dtype == np.float64 for b in loss.to("float64").buffers())
