"""Power-mean pooling, undone pooling and response over channels, by their definitions."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize("p", [1, 2, 4, 2.5])
def test_lp_pool_is_the_root_of_the_sum_of_powers(p):
    x = RNG.uniform(0.1, 2, (2, 3, 7))
    wanted = np.stack([(x[..., i : i + 3] ** p).sum(-1) ** (1 / p) for i in (0, 2, 4)], -1)
    assert np.allclose(nn.LPPool1d(p, 3, 2)(x).data, wanted)
    assert np.allclose(F.lp_pool1d(x[0], p, 3, 2).data, wanted[0])
    check_grads(lambda x: F.lp_pool1d(x, p, 3, 2), [x])
    images = RNG.uniform(0.1, 2, (1, 2, 4, 5))
    wanted = (images[..., :2, :3] ** p).sum((-2, -1)) ** (1 / p)
    assert np.allclose(nn.LPPool2d(p, (2, 3))(images).data[..., 0, 0], wanted)
    check_grads(nn.LPPool2d(p, (2, 3)), [images])
    check_grads(nn.LPPool3d(p, 2), [RNG.uniform(0.1, 2, (1, 2, 2, 3))])


def test_lp_pool_of_zeros_has_no_slope():
    x = gd.zeros((1, 2, 4), requires_grad=True)
    nn.LPPool1d(2, 2)(x).sum().backward()
    assert not x.grad.data.any()


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_local_response_norm_divides_by_neighbours(size):
    x = normal(2, 5, 3)
    before = size // 2
    sums = [(x[:, max(c - before, 0) : c + size - before] ** 2).sum(1) for c in range(5)]
    wanted = x / (2 + 0.5 / size * np.stack(sums, 1)) ** 0.6
    layer = nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)
    assert np.allclose(layer(x).data, wanted)
    check_grads(layer, [x])


@pytest.mark.parametrize(("rank", "sizes"), [(1, (7,)), (2, (5, 4)), (3, (2, 4, 3))])
def test_unpooling_puts_maxima_back(rank, sizes):
    x = RNG.permutation(np.arange(1.0, 1 + 6 * np.prod(sizes))).reshape(2, 3, *sizes)
    pool, back = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True), getattr(nn, f"MaxUnpool{rank}d")(2)
    maxima, places = pool(x)
    y = back(maxima, places, sizes)
    assert y.shape == x.shape
    assert np.array_equal(y.data, np.where(y.data > 0, x, 0))
    assert (y.data > 0).sum() == maxima.size
    assert np.array_equal(pool(y)[0].data, maxima.data)
    assert np.array_equal(back(maxima[0], places[0], x.shape).data, y.data[0])
    check_grads(lambda m: back(m, places, sizes), [maxima.data])


def test_of_several_maxima_in_one_place_the_last_stands_there():
    x = gd.tensor([[1.0, 2.0]], requires_grad=True)
    y = F.max_unpool1d(x, [[1, 1]], 2)
    assert y.tolist() == [[0, 2, 0, 0]]
    y.backward(gd.tensor([[5.0, 6.0, 7.0, 8.0]]))
    assert x.grad.tolist() == [[0, 6]]


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (nn.LPPool2d(2, 2), (2, 3, 5, 4)),
        (nn.LocalResponseNorm(3), (2, 4, 3)),
        (lambda x: F.max_unpool1d(x, np.array([[0, 3], [1, 2]]), 2), (2, 2)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vmap_and_dtypes(function, shape, dtype):
    x = RNG.uniform(0.1, 2, (4, *shape)).astype(dtype)
    together = gd.vmap(function)(x)
    assert together.dtype == dtype
    for a, one in zip(x, together.data, strict=True):
        assert np.allclose(function(a).data, one, 1e-5)
    gradients = gd.vmap(gd.grad(lambda a: function(a).sum()))(x)
    assert gradients.dtype == dtype
    assert np.allclose(gradients.data[1], gd.grad(lambda a: function(a).sum())(x[1]).data, 1e-5)


def test_places_that_differ_from_sample_to_sample():
    x, places = normal(3, 2, 2), np.array([[[0, 3], [1, 2]], [[3, 1], [0, 0]], [[2, 1], [3, 0]]])
    together = gd.vmap(lambda x, i: F.max_unpool1d(x, i, 2))(x, places)
    assert np.array_equal(together.data, F.max_unpool1d(x, places, 2).data)


X = np.ones((2, 3, 4))
PLACES = np.zeros((2, 3, 4), int)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.lp_pool1d(X, 0, 2), ValueError, "lp_pool1d: norm_type is the exponent of a sum, above 0 and finite"),
        (lambda: nn.LPPool1d(np.inf, 2)(X), ValueError, "lp_pool1d: norm_type .* and not inf"),
        (lambda: F.lp_pool2d(X, 2, (1, 2, 3)), ValueError, "lp_pool2d: kernel_size is 2 integers of 1 or more"),
        (lambda: F.lp_pool2d(X, 2, 1.5), TypeError, "lp_pool2d: kernel_size must be an integer, or 2 of them"),
        (lambda: F.lp_pool1d(X, 2, 2, 0), ValueError, "lp_pool1d: stride is 1 integers of 1 or more, .* and not 0"),
        (
            lambda: nn.LPPool2d(2, 5)(X),
            ShapeError,
            "a kernel of length 5 does not fit on spatial axis 0, whose length is 3",
        ),
        (lambda: F.local_response_norm(X[0], 2), ShapeError, r"takes \(N, C, ...\) with spatial axes, .* \(3, 4\)"),
        (lambda: nn.LocalResponseNorm(0)(X), ValueError, "local_response_norm: size must be 1 or more, and it is 0"),
        (lambda: F.max_unpool1d(X[0, 0], PLACES[0, 0], 2), ShapeError, r"takes \(N, C\) or \(C\) and 1 spatial axes"),
        (lambda: F.max_unpool1d(X, PLACES[:1], 2), ShapeError, r"each element has an index, .* \(1, 3, 4\)"),
        (lambda: F.max_unpool1d(X, PLACES + 0.5, 2), DTypeError, "indices are integers, as max_pool1d gives them"),
        (lambda: nn.MaxUnpool1d(2)(X, PLACES + 8), IndexError, "index 8 is out of range: the output has 8 places"),
        (lambda: F.max_unpool1d(X, PLACES, 2, output_size=(11,)), ShapeError, r"less than the stride \(2,\) away from"),
        (lambda: F.max_unpool1d(X, PLACES, 2, output_size=()), ShapeError, r"output_size=\(\), and pooling gives"),
        (lambda: F.max_unpool1d(X, PLACES, 2, padding=-1), ValueError, "padding is 1 integers of 0 or more"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_reprs():
    assert repr(nn.LPPool2d(2, (3, 2))) == "LPPool2d(norm_type=2, kernel_size=(3, 2), stride=None, ceil_mode=False)"
    assert repr(nn.LocalResponseNorm(2)) == "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"
    assert repr(nn.MaxUnpool2d(2)) == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"
