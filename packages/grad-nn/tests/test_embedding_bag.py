"""Bags of rows of a table, by their definition."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
MODES = {"sum": lambda rows: rows.sum(0), "mean": lambda rows: rows.mean(0), "max": lambda rows: rows.max(0)}
BAGS = [
    ([0, 2, 1, 3, 3], [0, 2]),
    ([0, 2, 1, 3, 3], [0, 2, 2, 5]),
    ([[0, 2, 1], [3, 3, 0]], None),
    ([1], [0]),
    ([], [0, 0]),
    (np.zeros((2, 0), int), None),
    (np.zeros(0, int), np.zeros(0, int)),
]


def bags_of(ids, offsets):
    """The ids of each bag."""
    return list(ids) if offsets is None else np.split(np.asarray(ids, int), offsets[1:])[: len(offsets)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("ids", "offsets"), BAGS, ids=repr)
@pytest.mark.parametrize("padding_idx", [None, 3, -4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bags(mode, ids, offsets, padding_idx, dtype):
    table = RNG.permutation(np.arange(12.0)).reshape(4, 3).astype(dtype)
    y = F.embedding_bag(ids, table, offsets, mode=mode, padding_idx=padding_idx)
    bags = bags_of(ids, offsets)
    assert y.shape == (len(bags), 3)
    assert y.dtype == dtype
    for row, bag in zip(y.data, bags, strict=True):
        used = [i for i in bag if padding_idx is None or i != padding_idx % 4]
        assert np.allclose(row, MODES[mode](table[used]) if len(used) else 0)
    if len(bags) and np.size(ids):
        check_grads(
            lambda w: F.embedding_bag(ids, w, offsets, mode=mode, padding_idx=padding_idx), [table.astype("float64")]
        )


def test_gradients_by_frequency_and_of_the_padding_row():
    table = gd.tensor(RNG.normal(size=(4, 2)), requires_grad=True)
    ids = np.array([[0, 1, 0], [3, 0, 1]])
    g = RNG.normal(size=(2, 2))
    F.embedding_bag(ids, table, mode="sum", scale_grad_by_freq=True, padding_idx=1).backward(g)
    assert np.allclose(table.grad.data, [(2 * g[0] + g[1]) / 3, [0, 0], [0, 0], g[1]])


def test_weights_of_rows():
    table, ids = RNG.normal(size=(4, 3)), np.array([0, 2, 2, 1])
    weights = RNG.normal(size=4)
    y = F.embedding_bag(ids, table, [0, 3], mode="sum", per_sample_weights=weights)
    assert np.allclose(y.data, [weights[:3] @ table[ids[:3]], weights[3] * table[1]])
    check_grads(lambda w, s: F.embedding_bag(ids, w, [0, 3], mode="sum", per_sample_weights=s), [table, weights])
    check_grads(
        lambda w, s: F.embedding_bag(ids.reshape(2, 2), w, mode="sum", per_sample_weights=s),
        [table, weights.reshape(2, 2)],
    )


def test_the_layer():
    layer = nn.EmbeddingBag(300, 50, padding_idx=-1, generator=gd.random.Generator(0))
    assert layer.padding_idx == 299
    assert not layer.weight.data[299].any()
    assert layer.weight.data[:299].std() == pytest.approx(1, rel=0.02)
    again = nn.EmbeddingBag(300, 50, padding_idx=-1, generator=gd.random.Generator(0))
    assert np.array_equal(layer.weight.data, again.weight.data)
    assert list(layer.state_dict()) == ["weight"]
    last = nn.EmbeddingBag(3, 2, mode="sum", include_last_offset=True)
    table = last.weight.data
    assert np.allclose(last([0, 1, 2], [0, 1, 3]).data, [table[0], table[1] + table[2]])
    assert np.allclose(last([0, 1, 2], [0, 2]).data, [table[0] + table[1]])


def test_max_norm_shortens_what_is_used():
    layer = nn.EmbeddingBag.from_pretrained(gd.tensor([[3.0, 4.0], [6.0, 8.0]]), max_norm=1.0, mode="sum")
    assert not layer.weight.requires_grad
    assert np.allclose(layer([[0, 0]]).data, [[1.2, 1.6]])
    assert layer.weight.data[1].tolist() == [6, 8]


def test_bags_of_many_tables():
    tables, ids = RNG.normal(size=(3, 4, 2)), [[0, 1], [3, 3]]
    for mode in MODES:
        together = gd.vmap(lambda w, mode=mode: F.embedding_bag(ids, w, mode=mode))(tables)
        assert np.allclose(together.data, np.stack([F.embedding_bag(ids, w, mode=mode).data for w in tables]))


TABLE = np.ones((3, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.EmbeddingBag(3, 2, mode="min"), ValueError, "EmbeddingBag: unknown mode 'min': give 'sum', 'mean'"),
        (
            lambda: nn.EmbeddingBag(3, 2, scale_grad_by_freq=True, mode="max"),
            ValueError,
            "scale_grad_by_freq goes with sums and means, and not with mode='max'",
        ),
        (lambda: nn.EmbeddingBag(0, 2), ValueError, "EmbeddingBag: num_embeddings must be 1 or more"),
        (lambda: nn.EmbeddingBag(3, 2, padding_idx=3), IndexError, "EmbeddingBag: padding_idx=3 is not one of 3 rows"),
        (lambda: nn.EmbeddingBag.from_pretrained(gd.ones(3)), ShapeError, r"a table has shape \(num_emb.* \(3,\)"),
        (lambda: F.embedding_bag([0, 1], TABLE), ShapeError, "bags one behind the other, and need offsets"),
        (lambda: F.embedding_bag([[0, 1]], TABLE, [0]), ShapeError, r"these have shape \(1, 2\) and offsets"),
        (lambda: F.embedding_bag(0, TABLE), ShapeError, r"takes ids \(bags, length\), or \(count,\) with offsets"),
        (lambda: F.embedding_bag([0.5], TABLE, [0]), DTypeError, "ids are integers, and these are float32: use"),
        (lambda: F.embedding_bag([0, 3], TABLE, [0]), IndexError, "the id 3 is not one of the 3 rows"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0.0]), ShapeError, r"offsets are integers \(bags,\), where each bag"),
        (lambda: F.embedding_bag([0, 1], TABLE, [1]), IndexError, r"offsets=\[1\] with 2 ids: they start with 0"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0, 2, 1]), IndexError, "do not decrease"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0, 3]), IndexError, "do not pass the ids"),
        (
            lambda: F.embedding_bag([[0, 1]], TABLE, per_sample_weights=[[1.0, 2.0]]),
            ValueError,
            "per_sample_weights go with mode='sum', and not with 'mean'",
        ),
        (
            lambda: F.embedding_bag([[0, 1]], TABLE, mode="sum", per_sample_weights=[1.0]),
            ShapeError,
            r"per_sample_weights have shape \(1,\), and the ids \(1, 2\): they must be equal",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_repr():
    assert repr(nn.EmbeddingBag(3, 2)) == "EmbeddingBag(3, 2, mode='mean')"
    layer = nn.EmbeddingBag(3, 2, 1.0, 3.0, True, "sum", padding_idx=0)
    assert repr(layer) == (
        "EmbeddingBag(3, 2, max_norm=1.0, norm_type=3.0, scale_grad_by_freq=True, mode='sum', padding_idx=0)"
    )
