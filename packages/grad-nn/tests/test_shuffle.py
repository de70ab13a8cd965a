"""Channels as places of an image and in another order, by their definitions; and the named resizings of images."""

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("front", [(), (1,), (2, 3)])
@pytest.mark.parametrize("r", [1, 2, 3])
def test_pixels_go_where_the_formula_says(front, r):
    x = RNG.normal(size=(*front, 2 * r * r, 3, 5))
    y = nn.PixelShuffle(r)(x)
    assert y.shape == (*front, 2, 3 * r, 5 * r)
    for c, h, w, i, j in [(0, 0, 0, 0, 0), (1, 2, 4, r - 1, 0), (1, 1, 3, 0, r - 1), (0, 2, 0, r - 1, r - 1)]:
        place = (..., c, r * h + i, r * w + j)
        assert np.array_equal(y.data[place], x[..., c * r * r + i * r + j, h, w])
    assert np.array_equal(nn.PixelUnshuffle(r)(y).data, x)
    check_grads(nn.PixelShuffle(r), [x])
    check_grads(nn.PixelUnshuffle(r), [y.data])


@pytest.mark.parametrize("shape", [(2, 6, 3), (1, 6, 2, 2)])
def test_channels_of_groups_in_turn(shape):
    x = RNG.normal(size=shape)
    y = nn.ChannelShuffle(3)(x)
    assert np.array_equal(y.data, x[:, [0, 2, 4, 1, 3, 5]])
    assert np.array_equal(nn.ChannelShuffle(2)(y).data, x)
    check_grads(nn.ChannelShuffle(3), [x])


@pytest.mark.parametrize("layer", [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.Softmax2d()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vmap_and_dtypes(layer, dtype):
    x = RNG.normal(size=(3, 2, 4, 2, 2)).astype(dtype)
    together = gd.vmap(layer)(x)
    assert together.dtype == dtype
    assert np.allclose(together.data, np.stack([layer(a).data for a in x]), 1e-6)


def test_softmax_of_channels():
    x = RNG.normal(size=(2, 3, 4, 5))
    wanted = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    assert np.allclose(nn.Softmax2d()(x).data, wanted)
    assert np.allclose(nn.Softmax2d()(x[0]).data, wanted[0])
    check_grads(nn.Softmax2d(), [x[:, :, :2, :2]])


def test_named_resizings_are_those_of_upsample():
    x = RNG.normal(size=(1, 2, 3, 4))
    nearest = nn.Upsample(scale_factor=2, mode="nearest")
    assert np.array_equal(nn.UpsamplingNearest2d(scale_factor=2)(x).data, nearest(x).data)
    corners = nn.Upsample(size=(5, 7), mode="bilinear", align_corners=True)
    assert np.array_equal(nn.UpsamplingBilinear2d(size=(5, 7))(x).data, corners(x).data)
    assert repr(nn.UpsamplingBilinear2d((5, 7))) == "UpsamplingBilinear2d(size=(5, 7), mode='bilinear')"


X = np.ones((2, 6, 3, 5))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.pixel_shuffle(X[0, 0], 2), ShapeError, r"pixel_shuffle: takes images \(..., C, H, W\), .* \(3, 5\)"),
        (lambda: nn.PixelShuffle(2)(X), ShapeError, "each 4 channels become one, .* has 6, no multiple of 4"),
        (lambda: nn.PixelUnshuffle(2)(X), ShapeError, "downscale_factor=2 divides height and width, .*: cut or pad it"),
        (lambda: nn.PixelShuffle(0), ValueError, "PixelShuffle: upscale_factor must be 1 or more, and it is 0"),
        (lambda: nn.PixelUnshuffle(1.5), TypeError, "PixelUnshuffle: downscale_factor must be an integer, and 1.5"),
        (lambda: nn.ChannelShuffle(4)(X), ShapeError, "6 channels, axis 1 of .*, cannot be cut into 4 groups"),
        (lambda: F.channel_shuffle(X[0, 0], 2), ShapeError, r"takes \(N, C, ...\) with spatial axes"),
        (lambda: nn.Softmax2d()(X[0, 0]), ShapeError, r"Softmax2d: takes images \(N, C, H, W\) or \(C, H, W\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_reprs():
    assert repr(nn.PixelShuffle(2)) == "PixelShuffle(upscale_factor=2)"
    assert repr(nn.PixelUnshuffle(3)) == "PixelUnshuffle(downscale_factor=3)"
    assert repr(nn.ChannelShuffle(4)) == "ChannelShuffle(groups=4)"
