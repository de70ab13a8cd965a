import math
from functools import partial

import numpy as np
import pytest
from grad_data import DataLoader, transforms
from grad_data._warp import affine_grid, sampled, smooth_noise

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 7, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 3, 7, 9), dtype=np.uint8)

RANDOM = {
    "crop": partial(transforms.random_crop, size=(5, 6), padding=1),
    "shift": partial(transforms.random_shift, most=2),
    "flip": transforms.random_flip,
    "flip rows": partial(transforms.random_flip, axis=-2),
    "rotation": partial(transforms.random_rotation, degrees=30),
    "affine": partial(transforms.random_affine, degrees=10, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=5),
    "elastic": partial(transforms.elastic, alpha=10, sigma=2),
}


@pytest.mark.parametrize("step", RANDOM.values(), ids=RANDOM)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, np.float16, np.bool_])
def test_dtype_shape_seed_and_source_are_kept(step, dtype):
    images = IMAGES.astype(dtype)
    before = images.copy()
    one, two, other = (step(images, generator=seed) for seed in (1, np.random.default_rng(1), 2))
    assert one.dtype == dtype
    assert one.shape == ((5, 5, 6) if step is RANDOM["crop"] else images.shape)
    np.testing.assert_array_equal(one, two)
    assert dtype is np.bool_ or not np.array_equal(one, other)
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(one, images)


@pytest.mark.parametrize("step", RANDOM.values(), ids=RANDOM)
def test_channels_move_together(step):
    moved = step(COLOUR, generator=4)
    for channel in range(3):
        np.testing.assert_array_equal(moved[:, channel], step(COLOUR[:, channel], generator=4))


@pytest.mark.parametrize("step", RANDOM.values(), ids=RANDOM)
def test_each_image_has_its_own_draw(step):
    many = np.repeat(IMAGES[:1], 40, axis=0)
    assert len(np.unique(step(many, generator=0), axis=0)) > 1


@pytest.mark.parametrize("step", RANDOM.values(), ids=RANDOM)
def test_no_images(step):
    assert len(step(IMAGES[:0], generator=0)) == 0


def by_hand(image, rows, columns, fill):
    """Bilinear interpolation, one pixel after the other."""
    height, width = image.shape

    def at(i, j):
        return float(image[i, j]) if 0 <= i < height and 0 <= j < width else fill

    out = np.empty(rows.shape)
    for place in np.ndindex(rows.shape):
        i, j = math.floor(rows[place]), math.floor(columns[place])
        a, b = rows[place] - i, columns[place] - j
        upper = (1 - b) * at(i, j) + b * at(i, j + 1)
        lower = (1 - b) * at(i + 1, j) + b * at(i + 1, j + 1)
        out[place] = (1 - a) * upper + a * lower
    return out


@pytest.mark.parametrize("fill", [0.0, 7.0])
def test_interpolation(fill):
    images = IMAGES.astype(np.float64)
    rows = RNG.uniform(-3, 9, (5, 4, 6))
    columns = RNG.uniform(-3, 11, (5, 4, 6))
    rows[0, 0], columns[0, 0] = 6, 8  # the last pixel
    expected = [by_hand(*each, fill) for each in zip(images, rows, columns, strict=True)]
    np.testing.assert_allclose(sampled(images, rows, columns, fill), expected, rtol=1e-9)


def test_rounding_to_integers():
    half = np.array([[[0, 3], [255, 1]]], np.uint8)
    found = sampled(half, np.array([[[0.0, 0.5]]]), np.array([[[0.5, 0.0]]]), 0)
    assert found.tolist() == [[[2, 128]]]


def matrix(angle, slope, factor):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.array([[1, slope], [0, 1]]) * factor


def test_grids_are_the_inverse_of_the_map():
    n = 6
    angle, slope, dx, dy = RNG.uniform(-1, 1, (4, n))
    factor = RNG.uniform(0.5, 2, n)
    rows, columns = affine_grid(angle, slope, factor, dx, dy, (5, 8))
    middle = np.array([3.5, 2.0])
    for i in range(n):
        source = np.stack([columns[i], rows[i]], axis=-1) - middle
        target = source @ matrix(angle[i], slope[i], factor[i]).T + middle + [dx[i], dy[i]]
        np.testing.assert_allclose(target[..., 0], np.tile(np.arange(8), (5, 1)), atol=1e-4)
        np.testing.assert_allclose(target[..., 1], np.tile(np.arange(5)[:, None], (1, 8)), atol=1e-4)


class Fixed(np.random.Generator):
    """Draws the highest values."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high, shape):
        return np.full(shape, float(high))


def test_positive_angles_turn_clockwise():
    square = IMAGES[:, :7, :7]
    np.testing.assert_array_equal(
        transforms.random_rotation(square, 90, generator=Fixed()), np.rot90(square, -1, (1, 2))
    )


def test_translation_is_a_share_of_each_side():
    moved = transforms.random_affine(IMAGES, translate=(2 / 9, 1 / 7), generator=Fixed())
    np.testing.assert_array_equal(moved[:, 1:, 2:], IMAGES[:, :-1, :-2])
    assert not moved[:, 0].any()
    assert not moved[:, :, :2].any()


def test_smooth_noise_is_a_gaussian_blur():
    noise = np.random.default_rng(3).random((2, 9, 8), np.float32) * 2 - 1
    steps = np.arange(-6, 7)
    kernel = np.exp(-0.5 * (steps / 1.5) ** 2)
    kernel /= kernel.sum()
    expected = np.zeros(noise.shape)
    for i, j in np.ndindex(13, 13):
        padded = np.pad(noise, ((0, 0), (6, 6), (6, 6)))
        expected += kernel[i] * kernel[j] * padded[:, i : i + 9, j : j + 8]
    np.testing.assert_allclose(smooth_noise(np.random.default_rng(3), (2, 9, 8), 1.5), expected, atol=1e-5)


def test_elastic_moves_pixels_a_little():
    ramp = np.tile(np.arange(28.0), (64, 28, 1))
    moved = transforms.elastic(ramp, generator=0)[:, 8:-8, 8:-8]
    by = moved - np.arange(8, 20)
    assert 0.5 < by.std() < 3
    assert abs(by.mean()) < 0.5
    assert abs(np.diff(by, axis=1)).max() < 1  # neighbours go together


def test_crops_are_windows():
    numbered = np.arange(63).reshape(1, 7, 9).repeat(200, axis=0)
    crops = transforms.random_crop(numbered, (3, 4), generator=0)
    corners = crops[:, 0, 0]
    for crop, corner in zip(crops, corners, strict=True):
        np.testing.assert_array_equal(crop, corner + np.arange(3)[:, None] * 9 + np.arange(4))
    assert len(set(corners.tolist())) == 5 * 6
    padded = transforms.random_crop(numbered, (9, 11), padding=1, fill=-5, generator=0)
    np.testing.assert_array_equal(padded, np.pad(numbered, ((0, 0), (1, 1), (1, 1)), constant_values=-5))


def test_shifts():
    shifted = transforms.random_shift(np.ones((300, 4, 5)), 1, fill=3, generator=0)
    sums = {float(image[image == 1].sum()) for image in shifted}
    assert sums == {12.0, 15.0, 16.0, 20.0}
    assert set(np.unique(shifted)) == {1, 3}


@pytest.mark.parametrize("axis", [-1, -2])
def test_flips(axis):
    many = np.repeat(COLOUR[:1], 400, axis=0)
    flipped = transforms.random_flip(many, 0.25, axis=axis, generator=0)
    turned = (flipped == np.flip(many, axis)).all(axis=(1, 2, 3))
    assert 0.18 < turned.mean() < 0.32
    assert ((flipped == many).all(axis=(1, 2, 3)) | turned).all()


def test_plain_steps():
    assert transforms.to_float(IMAGES).dtype == np.float32
    np.testing.assert_allclose(transforms.to_float(IMAGES), IMAGES / 255, rtol=1e-6)
    np.testing.assert_array_equal(transforms.to_float(np.array([0.5])), np.array([0.5], np.float32))
    assert transforms.flatten(COLOUR).shape == (5, 189)
    assert transforms.flatten(IMAGES[:0]).shape == (0, 63)
    floats = COLOUR.astype(np.float32)
    normal = transforms.normalize(floats, [1, 2, 3], [4, 5, 6])
    for channel in range(3):
        np.testing.assert_allclose(normal[:, channel], (floats[:, channel] - channel - 1) / (channel + 4), rtol=1e-6)
    assert normal.dtype == np.float32
    np.testing.assert_array_equal(transforms.one_hot(np.array([1, 0], np.uint8), 3), [[0, 1, 0], [1, 0, 0]])


def test_mixup():
    x, y = RNG.random((50, 4)).astype(np.float32), np.eye(50, dtype=np.float32)
    mixed, targets = transforms.mixup(x, y, 1.0, generator=2)
    np.testing.assert_allclose(mixed, targets @ x, rtol=1e-5)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert mixed.dtype == targets.dtype == np.float32
    assert len(np.unique(targets.round(5))) in (3, 4)


def test_compose():
    steps = transforms.compose(
        partial(transforms.random_shift, most=2),
        transforms.to_float,
        lambda images: images + 1,
        labels=partial(transforms.one_hot, classes=5),
        batch=transforms.mixup,
        generator=1,
    )
    x, y = steps(IMAGES, np.arange(5))
    rng = np.random.default_rng(1)
    moved = transforms.to_float(transforms.random_shift(IMAGES, 2, generator=rng)) + 1
    expected = transforms.mixup(moved, np.eye(5, dtype=np.float32), generator=rng)
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(y, expected[1])
    assert transforms.compose(transforms.to_float)(IMAGES).shape == IMAGES.shape
    bound = transforms.compose(partial(transforms.random_flip, generator=7), generator=1)
    np.testing.assert_array_equal(bound(IMAGES), transforms.random_flip(IMAGES, generator=7))


def test_in_a_loader_it_is_seeded_for_each_epoch_and_batch():
    def loader(own):
        step = transforms.compose(partial(transforms.random_shift, most=2), generator=own)
        return DataLoader(np.repeat(IMAGES[:1], 6, axis=0), 3, seed=4, transform=step)

    first, other = loader(0), loader(1)
    epochs = [np.concatenate(list(first)) for _ in range(2)]
    assert not np.array_equal(*epochs)
    assert not np.array_equal(epochs[0][:3], epochs[0][3:])
    np.testing.assert_array_equal(np.concatenate(list(other)), epochs[0])


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (lambda: transforms.normalize(IMAGES, 0, 1), TypeError, "not uint8; put to_float before it"),
        (lambda: transforms.normalize(IMAGES / 255, 0, 0), ValueError, r"std has to be above zero, not \[0.0\]"),
        (lambda: transforms.normalize(COLOUR / 255, [0, 1], 1), ValueError, r"mean of shape \(2,\) needs images"),
        (lambda: transforms.one_hot(np.array([3]), 3), ValueError, "labels are 3 to 3, expected 0 to 2"),
        (lambda: transforms.one_hot(np.array([[1]]), 3), ValueError, r"integers of the shape \(N,\)"),
        (
            lambda: transforms.random_crop(IMAGES, 8),
            ValueError,
            r"size is \(8, 8\), and the padded images",
        ),
        (lambda: transforms.random_flip(IMAGES, 2), ValueError, "probability is 2, expected 0 to 1"),
        (lambda: transforms.random_flip(IMAGES, axis=0), ValueError, "axis is 0, expected -1"),
        (lambda: transforms.random_flip(IMAGES[0]), ValueError, r"becomes a batch with image\[None\]"),
        (lambda: transforms.random_affine(IMAGES, -1), ValueError, "ranges are 0 or more"),
        (lambda: transforms.random_affine(IMAGES, scale=(0, 1)), ValueError, "scale above 0"),
        (lambda: transforms.random_affine(IMAGES, shear=90), ValueError, "shear below 90"),
        (lambda: transforms.elastic(IMAGES, sigma=0), ValueError, "sigma above 0"),
        (lambda: transforms.mixup(IMAGES, IMAGES), TypeError, "floating images, not uint8"),
        (lambda: transforms.mixup(np.ones(2), np.ones(3)), ValueError, "2 images and 3 targets"),
        (lambda: transforms.mixup(np.ones(2), np.ones(2), 0), ValueError, "alpha is 0, expected above 0"),
        (lambda: transforms.compose(labels=np.negative)(IMAGES), TypeError, "was called without any"),
        (lambda: transforms.compose(generator=1.5), TypeError, "generator is a float"),
        (lambda: transforms.random_flip(IMAGES, generator="a"), TypeError, "generator is a str"),
    ],
)
def test_wrong_arguments(step, error, message):
    with pytest.raises(error, match=message):
        step()
