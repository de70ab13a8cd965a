import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, InPlaceError, ShapeError
from grad_core.testing import check_grads
from grad_nn.errors import RangeError

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize("ids", [2, [0, 2, 2], [[1, 0], [2, 2]], np.zeros((0, 2), int), []], ids=repr)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rows_and_their_gradients(ids, dtype):
    layer = nn.Embedding(3, 4, dtype=dtype)
    y = layer(ids)
    ids = np.asarray(ids, int)
    assert np.array_equal(y.data, layer.weight.data[ids])
    g = RNG.integers(1, 4, y.shape).astype(dtype)
    y.backward(g)
    wanted = np.zeros((3, 4))
    np.add.at(wanted, ids, g)
    assert layer.weight.grad.dtype == dtype
    assert np.array_equal(layer.weight.grad.data, wanted)


def test_padding_and_frequencies():
    layer = nn.Embedding(4, 2, padding_idx=-3, scale_grad_by_freq=True, dtype="float64")
    assert layer.padding_idx == 1
    assert layer.weight.data[1].tolist() == [0, 0]
    ids = np.array([0, 1, 0, 3, 0, 1])
    g = normal(6, 2)
    layer(ids).backward(g)
    wanted = [g[[0, 2, 4]].mean(0), [0, 0], [0, 0], g[3]]
    assert np.allclose(layer.weight.grad.data, wanted)


def test_second_order():
    check_grads(lambda w: F.embedding([0, 2, 2], w * w), [normal(3, 2)])
    check_grads(F.bilinear, [normal(4, 3), normal(4, 2), normal(5, 3, 2), normal(5)])
    check_grads(F.bilinear, [normal(2, 4, 3), normal(2, 4, 2), normal(5, 3, 2)])


def test_max_norm_shortens_what_is_used_and_backward_notices():
    table = gd.tensor([[3.0, 4.0], [6.0, 8.0], [0.1, 0.0]])
    layer = nn.Embedding.from_pretrained(table, freeze=False, max_norm=1.0)
    before = (layer.weight * layer.weight).sum()
    assert np.allclose(layer([0, 2]).data, [[0.6, 0.8], [0.1, 0.0]])
    assert layer.weight.data[1].tolist() == [6.0, 8.0]
    with pytest.raises(InPlaceError):
        before.backward()


def test_from_pretrained_shares_its_table():
    table = normal(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert layer.weight.data is table
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    assert repr(layer) == "Embedding(3, 2)"


def test_starts():
    layer = nn.Embedding(300, 50, generator=gd.random.Generator(0))
    assert layer.weight.data.std() == pytest.approx(1, rel=0.02)
    assert layer.weight.tolist() == nn.Embedding(300, 50, generator=gd.random.Generator(0)).weight.tolist()
    layer = nn.Bilinear(16, 20, 30, generator=gd.random.Generator(0))
    for p in layer.parameters():
        assert 0.2 < np.abs(p.data).max() <= 0.25
    assert nn.Bilinear(2, 3, 4, bias=False).bias is None


def test_bilinear_computes():
    layer = nn.Bilinear(3, 2, 4, dtype="float64")
    x, y = normal(5, 3), normal(5, 2)
    wanted = np.einsum("ni,oij,nj->no", x, layer.weight.data, y) + layer.bias.data
    assert np.allclose(layer(x, y).data, wanted)
    assert repr(layer) == "Bilinear(in1_features=3, in2_features=2, out_features=4, bias=True)"


def test_one_hot():
    assert F.one_hot([[1], [0]], 3).tolist() == [[[0, 1, 0]], [[1, 0, 0]]]
    assert F.one_hot(np.array([1, 0])).dtype == np.int64
    assert F.one_hot([], 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(3, 2)([0, 3, 5]), IndexError, r"the id 3 is not one of the 3 rows .* \(2 of 3 ids"),
        (lambda: nn.Embedding(3, 2)(-1), IndexError, "embedding: the id -1 is not one of the 3 rows of weight, 0 to 2"),
        (
            lambda: nn.Embedding(3, 2)([0.0]),
            DTypeError,
            r"embedding: ids are integers, and these are float32: use ids.as",
        ),
        (lambda: nn.Embedding(3, 2, 3), IndexError, "Embedding: padding_idx=3 is not one of 3 rows"),
        (lambda: nn.Embedding(0, 2), ValueError, "Embedding: num_embeddings must be 1 or more"),
        (lambda: nn.Embedding(3, 2.0), TypeError, r"Embedding: embedding_dim must be an integer, and 2\.0 is a float"),
        (lambda: nn.Embedding.from_pretrained(gd.ones(3)), ShapeError, r"from_pretrained: a table has .* \(3,\)"),
        (
            lambda: F.embedding([0], gd.ones(3)),
            ShapeError,
            r"embedding: weight has shape \(3,\), and must be \(num_emb",
        ),
        (
            lambda: nn.Bilinear(3, 2, 4)(gd.ones(3), gd.ones(3)),
            ShapeError,
            r"they must be \(\.\.\., 3\) and \(\.\.\., 2\)",
        ),
        (lambda: F.bilinear(gd.ones(3), gd.ones(3), gd.ones((3, 3))), ShapeError, r"it must be \(out, in1, in2\)"),
        (
            lambda: F.bilinear(gd.ones(1), gd.ones(1), gd.ones((2, 1, 1)), gd.ones(3)),
            ShapeError,
            r"bias has shape \(3,\)",
        ),
        (lambda: F.one_hot([0, 3], 3), IndexError, "one_hot: the index 3 is not one of 3 classes"),
        (lambda: F.one_hot([]), RangeError, "do not say how many classes there are: give num_classes"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
