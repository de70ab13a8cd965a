"""CTC against the sum over all alignments, one by one."""

import itertools
import math

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def spelt(path, blank):
    return [c for c, _ in itertools.groupby(path) if c != blank]


def ctc_by_enumeration(logp, target, blank):
    """-log of the sum over all paths, each of which is one label a frame."""
    frames, classes = logp.shape
    paths = itertools.product(range(classes), repeat=frames)
    total = sum(math.exp(sum(logp[t, c] for t, c in enumerate(p))) for p in paths if spelt(p, blank) == list(target))
    return -math.log(total) if total else math.inf


CTC = [([1, 2], 4), ([1, 1], 4), ([], 3), ([2], 1), ([1, 2, 1], 5), ([1, 1], 2), ([2, 2, 2], 5)]


@pytest.mark.parametrize(("target", "frames"), CTC)
@pytest.mark.parametrize("blank", [0, 3])
def test_ctc_sums_over_all_alignments(target, frames, blank):
    logp = gd.log_softmax(normal(frames, 4), 1).data
    wanted = ctc_by_enumeration(logp, target, blank)
    found = F.ctc_loss(logp, np.array(target, int), frames, len(target), blank, "sum").item()
    assert found == pytest.approx(wanted, rel=1e-12)
    if np.isfinite(wanted):
        check_grads(lambda x: F.ctc_loss(x, np.array(target, int), frames, len(target), blank, "sum"), [logp])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_of_several_sequences(reduction):
    x, targets = normal(6, 3, 4), np.array([[1, 2, 1], [3, 3, 9], [-5, 0, 7]])
    lengths, wanted = [6, 4, 5], [3, 2, 0]
    loss = nn.CTCLoss(reduction=reduction)
    logp = gd.log_softmax(x, 2).data
    alone = [
        ctc_by_enumeration(logp[:n, i], targets[i, :m], 0) for i, (n, m) in enumerate(zip(lengths, wanted, strict=True))
    ]
    expected = {"none": alone, "sum": sum(alone), "mean": (alone[0] / 3 + alone[1] / 2 + alone[2]) / 3}[reduction]
    assert np.allclose(loss(logp, targets, lengths, wanted).data, expected)
    assert np.allclose(loss(logp, [1, 2, 1, 3, 3], lengths, wanted).data, expected)
    check_grads(lambda x: loss(gd.log_softmax(x, 2), targets, lengths, wanted), [x])
    assert F.ctc_loss(logp.astype("float16"), targets, lengths, wanted).dtype == np.float16


def test_ctc_without_an_alignment():
    x = gd.tensor(normal(2, 2, 3), requires_grad=True)
    losses = F.ctc_loss(gd.log_softmax(x, 2), [[1, 1], [1, 2]], 2, 2, reduction="none")
    assert losses[0].item() == math.inf
    assert np.isfinite(losses[1].item())
    losses.sum().backward()
    assert (x.grad.data[:, 0] == 0).all()
    assert (x.grad.data[:, 1] != 0).all()
    losses = F.ctc_loss(gd.log_softmax(x, 2), [[1, 1], [1, 2]], 2, 2, reduction="none", zero_infinity=True)
    assert losses[0].item() == 0


def test_ctc_of_impossible_labels_and_long_sequences():
    logp = np.log(np.array([[[0.5, 0.5, 1e-300]]] * 3))
    logp[0, 0, 1] = -np.inf
    x = gd.tensor(logp, requires_grad=True)
    loss = F.ctc_loss(x, [[1]], 3, 1)
    loss.backward()
    assert loss.item() == pytest.approx(-math.log(3 / 8))
    assert np.isfinite(x.grad.data).all()
    x = gd.log_softmax(normal(2000, 1, 30), 2)
    assert np.isfinite(F.ctc_loss(x.astype("f"), RNG.integers(1, 30, (1, 200)), 2000, 200).item())


def test_ctc_for_each_sample():
    x, targets = normal(3, 5, 2, 4), RNG.integers(1, 4, (3, 2, 2))
    lengths = np.array([[5, 4], [5, 5], [4, 5]])

    def loss(x, targets, lengths):
        return F.ctc_loss(gd.log_softmax(x, 2), targets, lengths, 2)

    every = gd.vmap(gd.grad(loss))(x, targets, lengths)
    alone = [gd.grad(loss)(*row).data for row in zip(x, targets, lengths, strict=True)]
    assert np.allclose(every.data, alone)
