"""Digits drawn by a procedure: data shaped like MNIST without any file."""

import operator
from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from grad_data._images import LabelledImages
from grad_data._pen import draw
from grad_data._strokes import WRITINGS

__all__ = ["Digits"]

_BLOCK = 500  # digits drawn together; part of what a seed means, so it never changes
_TRAITS = 16  # random numbers for a digit as a whole, in front of those for its control points

_Array = NDArray[np.float32]


class Digits(LabelledImages):
    """Handwriting-like digits, as many as wanted, drawn by a procedure: for tests, for demos, for work offline.

    Each digit has three ways of being written. The control points of its strokes are shaken, the whole is bent,
    sheared, stretched and turned, and drawn with a pen of random width and pressure. As in MNIST it then fits a box of
    20x20 pixels, its centre of mass in the middle of the 28x28, give or take a pixel.

    Every run of ten digits, counted from the start, has each class once, so guessing scores 10 %. Digit i depends only
    on `seed` and i: `Digits(100)` are the first hundred of `Digits(1000)`. Different seeds give independent digits:
    train on one, test on another. The same seed gives the same bytes everywhere: the random numbers are raw output of
    PCG64, which NumPy guarantees, and drawing uses nothing but operations that IEEE 754 defines to the last bit.

    Args:
        n: how many, at least 1.
        seed: 0 or more.
        transform: called on indexing with the picked images, uint8, (28, 28) or (k, 28, 28); what it returns takes
            their place. `images` and `as_arrays` are without it.

    Attributes:
        images: (n, 28, 28) uint8, ink 255 on ground 0.
        labels: (n,) int64, 0 to 9.
        classes: ("0", ..., "9").
        seed: as given.
        transform: as given.

    Raises:
        TypeError: `n` or `seed` is no integer.
        ValueError: `n` below 1 or `seed` below 0.

    Example:
        >>> import grad_data as data
        >>> digits = data.Digits(1000, seed=0)
        >>> digits
        Digits(1000, seed=0)
        >>> digits.images.shape, digits.images.dtype, sorted(digits.labels[:10].tolist())
        ((1000, 28, 28), dtype('uint8'), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """

    def __init__(
        self, n: SupportsIndex, seed: SupportsIndex = 0, *, transform: Callable[[NDArray[np.uint8]], Any] | None = None
    ) -> None:
        """Draw them all."""
        count = _integer("n", n, 1)
        self.seed = _integer("seed", seed, 0)
        self.transform = transform
        self.images = np.empty((count, 28, 28), np.uint8)
        self.labels = np.empty(count, np.int64)
        for start in range(0, count, _BLOCK):
            stop = min(start + _BLOCK, count)
            self.labels[start:stop], self.images[start:stop] = _block(self.seed, start // _BLOCK, stop - start)

    def __repr__(self) -> str:
        """How many, and from which seed."""
        return f"Digits({len(self)}, seed={self.seed})"


def _integer(name: str, value: SupportsIndex, lowest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected an int of at least {lowest}") from None
    if number < lowest:
        raise ValueError(f"{name} is {number}, expected at least {lowest}")
    return number


def _block(seed: int, number: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The first `count` digits of a block: its random numbers are always drawn for all of it."""
    points = WRITINGS.control.shape[1]
    raw = np.random.PCG64(np.random.SeedSequence((seed, number))).random_raw((_BLOCK, _TRAITS + 4 * points))
    # 24 bits are what float32 holds, so the conversion is exact. Values in [0, 1).
    uniform = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    labels = uniform[:, 0].reshape(-1, 10).argsort(axis=1, kind="stable").reshape(-1)[:count]
    uniform = uniform[:count]
    way = WRITINGS.first[labels] + (uniform[:, 1] * WRITINGS.count[labels]).astype(np.intp)
    # The sum of two is a bell, nearly: -1 to 1, most of it around 0.
    shake = uniform[:, _TRAITS:].reshape(count, points, 2, 2) * 2 - 1
    shake = (shake[..., 0] + shake[..., 1]) * np.float32(0.5)
    return labels.astype(np.int64), draw(way, uniform[:, 2:_TRAITS] * 2 - 1, shake)
