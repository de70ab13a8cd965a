"""Max pooling with windows at random places."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def generator(seed=0):
    return gd.random.Generator(seed)


def test_windows_begin_at_increasing_places_and_reach_both_ends():
    x = np.broadcast_to(np.arange(20.0), (500, 1, 20, 20)).copy()
    x += np.arange(20.0)[:, None] * 100  # the maximum stands at the end of each window
    y, places = F.fractional_max_pool2d(x, 3, 7, return_indices=True, generator=generator())
    assert np.array_equal(
        np.take_along_axis(x.reshape(500, 1, -1), places.data.reshape(500, 1, -1), 2), y.data.reshape(500, 1, -1)
    )
    columns, rows = (y.data[:, 0] % 100)[:, 0, :], (y.data[:, 0] // 100)[:, :, 0]
    for ends in (columns, rows):
        steps = np.diff(ends, axis=1)
        assert set(np.unique(steps)) == {2, 3}  # 17 / 6 = 2.83
        assert (ends[:, 0] == 2).all()
        assert (ends[:, -1] == 19).all()
    assert len(np.unique(columns, axis=0)) > 3


@pytest.mark.parametrize("rank", [2, 3])
def test_maxima_and_gradients(rank):
    function = getattr(F, f"fractional_max_pool{rank}d")
    x = RNG.permutation(2 * 6**rank).reshape(1, 2, *(6,) * rank) * 1.0
    y, places = function(x, 2, 3, return_indices=True, generator=generator())
    assert y.shape == places.shape == (1, 2, *(3,) * rank)
    assert places.dtype == "int64"
    check_grads(lambda x: function(x, 2, 3, generator=generator()), [x])
    alone = function(x[0], 2, 3, generator=generator())
    assert np.array_equal(alone.data, y.data[0])
    restored = getattr(F, f"max_unpool{rank}d")(y, places, 2, output_size=x.shape)
    assert np.array_equal(np.unique(restored.data)[1:], np.unique(y.data)[np.unique(y.data) > 0])


def test_each_image_of_a_batch_has_its_own_places():
    x = np.broadcast_to(RNG.normal(size=(1, 30, 30)), (50, 1, 30, 30))
    together = gd.vmap(lambda image: F.fractional_max_pool2d(image, 2, 13, generator=generator()))(x)
    assert np.array_equal(together.data, F.fractional_max_pool2d(x, 2, 13, generator=generator()).data)
    assert len(np.unique(together.data.reshape(50, -1), axis=0)) > 5


def test_layers():
    layer = nn.FractionalMaxPool2d(3, output_ratio=(0.5, 0.7), return_indices=True)
    assert repr(layer) == "FractionalMaxPool2d(kernel_size=3, output_ratio=(0.5, 0.7))"
    y, places = layer(np.ones((2, 3, 10, 10), "f"))
    assert y.shape == places.shape == (2, 3, 5, 7)
    assert y.dtype == "float32"
    assert repr(nn.FractionalMaxPool3d(2, 4)) == "FractionalMaxPool3d(kernel_size=2, output_size=(4, 4, 4))"
    first, again = (nn.FractionalMaxPool2d(2, 5, generator=generator())(np.eye(20)[None]).data for _ in range(2))
    assert np.array_equal(first, again)


def test_what_is_refused():
    x = np.ones((1, 2, 6, 6))
    for sizes in ({}, {"output_size": 2, "output_ratio": 0.5}):
        with pytest.raises(ValueError, match="give one of output_size and output_ratio"):
            F.fractional_max_pool2d(x, 2, **sizes)
        with pytest.raises(ValueError, match="FractionalMaxPool3d: give one of output_size and output_ratio"):
            nn.FractionalMaxPool3d(2, **sizes)
    for ratio in (0.0, 1.0, (0.5, 0.5, 0.5), float("nan")):
        with pytest.raises(ValueError, match=r"output_ratio is 2 numbers in \(0, 1\), or one for all"):
            F.fractional_max_pool2d(x, 2, output_ratio=ratio)
    with pytest.raises(ValueError, match="output_size is 2 integers of 1 or more"):
        F.fractional_max_pool2d(x, 2, 0)
    with pytest.raises(ShapeError, match=r"leave room for 1 to \(4, 5\) of them, and \(5, 5\) are asked for"):
        F.fractional_max_pool2d(x, (3, 2), 5)
    with pytest.raises(ShapeError, match="fractional_max_pool3d: takes"):
        F.fractional_max_pool3d(x[0], 2, 2)
    with pytest.raises(DTypeError, match="takes floats"):
        F.fractional_max_pool2d(x.astype(int), 2, 2)
