"""Changes to whole batches of images and labels, for the `transform` of a DataLoader.

Images are (N, H, W) or (N, C, H, W), of any real dtype; what comes out has the dtype of what went in, uint8 rounded,
unless the function says otherwise. Nothing is changed in place. What is random takes a `generator`: a
`numpy.random.Generator`, or an int as its seed; each image of a batch gets its own draw, its channels the same one.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grad_data._seeds import Random, as_generator, as_int
from grad_data._warp import affine_grid, checked_images, sampled, smooth_noise

__all__ = [
    "compose",
    "elastic",
    "flatten",
    "mixup",
    "normalize",
    "one_hot",
    "random_affine",
    "random_crop",
    "random_flip",
    "random_rotation",
    "random_shift",
    "to_float",
]

_Array = NDArray[Any]


def to_float(images: _Array) -> NDArray[np.float32]:
    """Images as float32: integers divided by the largest of their dtype (255 for uint8), so in [0, 1]; floats as are.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.to_float(np.array([[[0, 255]]], np.uint8))
        array([[[0., 1.]]], dtype=float32)
    """
    if images.dtype.kind not in "iu":
        return images.astype(np.float32)
    return np.multiply(images, np.float32(1 / np.iinfo(images.dtype).max), dtype=np.float32)


def normalize(images: _Array, mean: ArrayLike, std: ArrayLike) -> _Array:
    """(images - mean) / std, in the dtype of the images.

    Args:
        images: floating.
        mean: a number, or one for each channel of (N, C, H, W).
        std: the same.

    Raises:
        TypeError: images of integers.
        ValueError: a `std` that is not above zero, or a number of channels that does not fit.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.normalize(np.array([[[1.0, 3.0]]]), mean=1.0, std=2.0)
        array([[[0., 1.]]])
    """
    if images.dtype.kind != "f":
        raise TypeError(f"normalize takes floating images, not {images.dtype}; put to_float before it")
    middle, spread = (_for_channels(name, value, images) for name, value in (("mean", mean), ("std", std)))
    if not (spread > 0).all():
        raise ValueError(f"std has to be above zero, not {spread.ravel().tolist()}")
    result = images - middle
    result /= spread
    return result


def _for_channels(name: str, value: ArrayLike, images: _Array) -> _Array:
    array = np.asarray(value, images.dtype)
    if array.ndim == 0:
        return array
    if array.ndim != 1 or images.ndim != 4 or len(array) not in (1, images.shape[1]):
        raise ValueError(
            f"{name} of shape {array.shape} needs images (N, C, H, W) with as many channels; these are {images.shape}"
        )
    return array.reshape(-1, 1, 1)


def one_hot(labels: _Array, classes: int) -> NDArray[np.float32]:
    """Labels (N,) as rows (N, classes) of float32, 1 at the label and 0 elsewhere.

    Raises:
        ValueError: a label outside 0 to classes - 1, or labels of a wrong shape or dtype.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.one_hot(np.array([2, 0]), 3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    width = as_int("classes", classes, 1)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels have to be integers of the shape (N,), not {labels.dtype} {labels.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < width):
        raise ValueError(f"labels are {labels.min()} to {labels.max()}, expected 0 to {width - 1}")
    rows = np.zeros((len(labels), width), np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def flatten(images: _Array) -> _Array:
    """Images (N, ...) as rows (N, the product of the rest); a view where NumPy can give one.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.flatten(np.zeros((2, 3, 28, 28))).shape
        (2, 2352)
    """
    return images.reshape(len(images), math.prod(images.shape[1:]))


def random_crop(
    images: _Array, size: int | tuple[int, int], padding: int = 0, *, fill: float = 0, generator: Random = None
) -> _Array:
    """A rectangle of each image, at a random place.

    Args:
        images: (N, H, W) or (N, C, H, W).
        size: height and width, or one number for both.
        padding: how many pixels of `fill` are put around the image before.
        fill: value of the padding.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Raises:
        ValueError: a size that is larger than the padded image.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.random_crop(np.zeros((2, 28, 28)), 24, generator=0).shape
        (2, 24, 24)
    """
    checked_images(images)
    height, width = (size, size) if isinstance(size, int) else size
    border = as_int("padding", padding, 0)
    high, wide = images.shape[-2] + 2 * border, images.shape[-1] + 2 * border
    if not (1 <= height <= high and 1 <= width <= wide):
        raise ValueError(f"size is {(height, width)}, and the padded images are {(high, wide)}")
    if border:
        around = [(0, 0)] * (images.ndim - 2) + [(border, border)] * 2
        images = np.pad(images, around, constant_values=fill)
    rng = as_generator(generator)
    top = rng.integers(0, high - height + 1, len(images))
    left = rng.integers(0, wide - width + 1, len(images))
    windows = np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(-2, -1))
    number = np.arange(len(images))
    return windows[number, top, left] if images.ndim == 3 else windows[number, :, top, left]


def random_shift(images: _Array, most: int, *, fill: float = 0, generator: Random = None) -> _Array:
    """Each image moved by up to `most` whole pixels, in both directions; what comes in at the border is `fill`.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> moved = transforms.random_shift(np.ones((1, 4, 4), int), 1, generator=3)
        >>> moved.shape, int(moved.sum()) in (9, 12, 16)
        ((1, 4, 4), True)
    """
    border = as_int("most", most, 0)
    return random_crop(images, (images.shape[-2], images.shape[-1]), border, fill=fill, generator=generator)


def random_flip(images: _Array, probability: float = 0.5, *, axis: int = -1, generator: Random = None) -> _Array:
    """Each image mirrored with a probability: left and right (`axis` -1), or top and bottom (-2).

    Raises:
        ValueError: a probability outside [0, 1], or another axis.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.random_flip(np.array([[[1, 2, 3]]]), 1.0)
        array([[[3, 2, 1]]])
    """
    checked_images(images)
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability}, expected 0 to 1")
    if axis not in (-1, -2):
        raise ValueError(f"axis is {axis}, expected -1 (left and right) or -2 (top and bottom)")
    chosen = as_generator(generator).random(len(images)) < probability
    result = images.copy()
    result[chosen] = np.flip(images[chosen], axis)
    return result


def random_rotation(images: _Array, degrees: float, *, fill: float = 0, generator: Random = None) -> _Array:
    """Each image turned around its middle by an angle in [-degrees, degrees], with bilinear interpolation.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.random_rotation(np.ones((2, 28, 28), np.float32), 10, generator=0).shape
        (2, 28, 28)
    """
    return random_affine(images, degrees, fill=fill, generator=generator)


def random_affine(
    images: _Array,
    degrees: float = 0,
    translate: float | tuple[float, float] = 0,
    scale: tuple[float, float] = (1, 1),
    shear: float = 0,
    *,
    fill: float = 0,
    generator: Random = None,
) -> _Array:
    """Each image turned, moved, scaled and sheared at random, with bilinear interpolation.

    A pixel p of the result is taken from M^-1 (p - middle - t) + middle, where M = rotation shear scale. Positive
    angles turn clockwise, as in torchvision.

    Args:
        images: (N, H, W) or (N, C, H, W).
        degrees: the angle is in [-degrees, degrees].
        translate: the shift is at most this share of the width, and of the height (or a share for each).
        scale: the factor is between these two.
        shear: the angle, in degrees, by which columns lean, is in [-shear, shear].
        fill: value outside the image.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Raises:
        ValueError: negative ranges, a scale not above zero, or a shear of 90 degrees or more.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> images = np.arange(18.0).reshape(2, 3, 3)
        >>> bool((transforms.random_affine(images) == images).all())  # nothing asked for, nothing done
        True
    """
    checked_images(images)
    across, along = translate if isinstance(translate, tuple) else (translate, translate)
    if min(degrees, across, along, shear) < 0 or shear >= 90 or not 0 < scale[0] <= scale[1]:
        raise ValueError(
            f"ranges are 0 or more, scale above 0 and in order, shear below 90: degrees {degrees}, "
            f"translate {translate}, scale {scale}, shear {shear}"
        )
    rng = as_generator(generator)
    height, width = images.shape[-2:]
    turn, lean, dx, dy = rng.uniform(-1, 1, (4, len(images)))
    factor = rng.uniform(scale[0], scale[1], len(images))
    angle, slope = np.radians(degrees) * turn, np.tan(np.radians(shear) * lean)
    rows, columns = affine_grid(angle, slope, factor, dx * across * width, dy * along * height, (height, width))
    return sampled(images, rows, columns, fill)


def elastic(
    images: _Array, alpha: float = 34.0, sigma: float = 4.0, *, fill: float = 0, generator: Random = None
) -> _Array:
    """Each image bent: every pixel is displaced by smooth noise, and taken by bilinear interpolation.

    The displacement is `alpha` times uniform noise in [-1, 1] that a Gaussian of width `sigma` has smoothed; beyond the
    border the noise is zero.

    Source: P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", 2003; the defaults are theirs for MNIST.

    Args:
        images: (N, H, W) or (N, C, H, W).
        alpha: strength, in pixels before smoothing.
        sigma: width of the Gaussian, in pixels, above 0.
        fill: value outside the image.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Raises:
        ValueError: a negative `alpha`, or a `sigma` that is not above 0.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> transforms.elastic(np.ones((2, 1, 28, 28), np.float32), generator=0).shape
        (2, 1, 28, 28)
    """
    checked_images(images)
    if alpha < 0 or sigma <= 0:
        raise ValueError(f"alpha is 0 or more and sigma above 0, these are {alpha} and {sigma}")
    height, width = images.shape[-2:]
    noise = smooth_noise(as_generator(generator), (len(images), 2, height, width), sigma)
    noise *= np.float32(alpha)
    rows = noise[:, 0] + np.arange(height, dtype=np.float32)[:, None]
    columns = noise[:, 1] + np.arange(width, dtype=np.float32)
    return sampled(images, rows, columns, fill)


def mixup(images: _Array, targets: _Array, alpha: float = 0.2, *, generator: Random = None) -> tuple[_Array, _Array]:
    """Every sample mixed with another one of the batch, and its target in the same way.

    x = m x_i + (1 - m) x_j and y = m y_i + (1 - m) y_j, with one m of the distribution Beta(alpha, alpha) for a batch,
    and j from a random order of it.

    Source: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018.

    Args:
        images: (N, ...) floating.
        targets: (N, C) floating, as `one_hot` gives them.
        alpha: above 0; the smaller, the less is mixed.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Raises:
        TypeError: images or targets that are not floating.
        ValueError: an `alpha` that is not above 0, or different lengths.

    Example:
        >>> import numpy as np
        >>> from grad_data import transforms
        >>> x, y = transforms.mixup(np.eye(2), np.eye(2), generator=0)
        >>> bool((x == y).all() and (abs(y.sum(axis=1) - 1) < 1e-12).all())
        True
    """
    for name, array in (("images", images), ("targets", targets)):
        if array.dtype.kind != "f":
            raise TypeError(f"mixup takes floating {name}, not {array.dtype}; put to_float and one_hot before it")
    if alpha <= 0:
        raise ValueError(f"alpha is {alpha}, expected above 0")
    if len(images) != len(targets):
        raise ValueError(f"{len(images)} images and {len(targets)} targets do not belong together")
    rng = as_generator(generator)
    share = rng.beta(alpha, alpha)
    other = rng.permutation(len(images))
    mixed = [
        array * array.dtype.type(share) + array[other] * array.dtype.type(1 - share) for array in (images, targets)
    ]
    return mixed[0], mixed[1]


class _Composed:
    def __init__(
        self,
        steps: Sequence[Callable[..., Any]],
        labels: Callable[..., Any] | None,
        batch: Callable[..., Any] | None,
        rng: np.random.Generator,
    ) -> None:
        self._steps, self._labels, self._batch, self._rng = tuple(steps), labels, batch, rng

    def seeded(self, rng: np.random.Generator) -> "_Composed":
        """The same steps with another Generator; a DataLoader asks for one for each batch."""
        return _Composed(self._steps, self._labels, self._batch, rng)

    def __call__(self, images: Any, *rest: Any) -> Any:
        for step in self._steps:
            images = self._call(step, images)
        if self._labels is not None:
            if not rest:
                raise TypeError("compose has a step for labels, and was called without any")
            rest = (self._call(self._labels, rest[0]), *rest[1:])
        if self._batch is not None:
            return self._call(self._batch, images, *rest)
        return (images, *rest) if rest else images

    def _call(self, step: Callable[..., Any], *arrays: Any) -> Any:
        inner, bound = step, False
        while isinstance(inner, partial):
            bound = bound or "generator" in inner.keywords
            inner = inner.func
        return step(*arrays, generator=self._rng) if inner in _RANDOM and not bound else step(*arrays)


def compose(
    *steps: Callable[..., Any],
    labels: Callable[..., Any] | None = None,
    batch: Callable[..., Any] | None = None,
    generator: Random = None,
) -> Callable[..., Any]:
    """One function of several: for the `transform` of a DataLoader, or to be called with a batch.

    Options are bound with `functools.partial`. The random functions of this module that have no `generator` bound share
    that of the whole. In a DataLoader they get one for each batch instead, which depends on the loader's seed, the
    epoch and the batch only: so the same comes out with any number of workers, and when an epoch is resumed.

    Args:
        *steps: called with the images in turn.
        labels: called with the labels, the second array of a batch.
        batch: called last, with all arrays, for example `mixup`.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Returns:
        A function of the images, the labels and whatever else belongs to the batch; it returns as much.

    Raises:
        TypeError: on calling, a step for labels without labels.

    Example:
        >>> from functools import partial
        >>> import grad_data as data
        >>> from grad_data import transforms
        >>> augment = transforms.compose(
        ...     partial(transforms.random_shift, most=2),
        ...     transforms.to_float,
        ...     transforms.flatten,
        ...     labels=partial(transforms.one_hot, classes=10),
        ... )
        >>> x, y = next(iter(data.DataLoader(data.Digits(100), 64, shuffle=True, seed=0, transform=augment)))
        >>> x.shape, x.dtype, y.shape
        ((64, 784), dtype('float32'), (64, 10))
    """
    return _Composed(steps, labels, batch, as_generator(generator))


_RANDOM = (random_crop, random_shift, random_flip, random_rotation, random_affine, elastic, mixup)
