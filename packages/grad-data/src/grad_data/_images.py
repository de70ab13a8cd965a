"""What all data sets of images have in common: images with labels."""

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from grad_data._index import Index, normalise, pick

__all__ = ["LabelledImages"]

_SCALE = np.float32(1 / 255)


class LabelledImages:
    """Images with their labels, in memory.

    Attributes:
        images: (N, 28, 28) uint8, ink 255 on ground 0.
        labels: (N,) int64, 0 to 9.
        classes: names of the classes, "0" to "9".
        mean: of the pixels, scaled to [0, 1]: what `as_arrays(normalize=True)` subtracts.
        std: their standard deviation, by which it divides.
        transform: called with the images on indexing, or None.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    transform: Callable[[NDArray[np.uint8]], Any] | None
    classes: tuple[str, ...] = tuple("0123456789")
    # of the 60,000 training images of MNIST: the figures that PyTorch's examples use
    mean: float = 0.1307
    std: float = 0.3081

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Index) -> tuple[Any, Any]:
        where = normalise(index, len(self))
        images = pick(self.images, where)
        if self.transform is not None:
            images = self.transform(images)
        return images, pick(self.labels, where)

    @overload
    def as_arrays(
        self, *, flatten: bool = ..., normalize: bool = ..., one_hot: Literal[False] = ...
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]: ...

    @overload
    def as_arrays(
        self, *, flatten: bool = ..., normalize: bool = ..., one_hot: Literal[True]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

    def as_arrays(self, *, flatten: bool = False, normalize: bool = False, one_hot: bool = False) -> tuple[Any, Any]:
        """Everything at once, ready for a model; new arrays, without `transform`.

        Args:
            flatten: x of the shape (N, 784) instead of (N, 28, 28).
            normalize: x = (pixel / 255 - mean) / std with the `mean` and `std` of the data set, 0.1307 and 0.3081 for
                digits, which gives MNIST's training images mean 0 and standard deviation 1 (so x is in [-0.42, 2.82]).
                Without it x = pixel / 255, in [0, 1].
            one_hot: y as (N, classes) float32, 1 at the label, instead of (N,) int64.

        Returns:
            x as float32, and y.

        Example:
            >>> import grad_data as data
            >>> x, y = data.Digits(20).as_arrays(flatten=True, one_hot=True)
            >>> x.shape, x.dtype, y.shape, y.dtype
            ((20, 784), dtype('float32'), (20, 10), dtype('float32'))
        """
        x = np.multiply(self.images, _SCALE, dtype=np.float32)
        if normalize:
            x -= np.float32(self.mean)
            x /= np.float32(self.std)
        if flatten:
            x = x.reshape(len(x), -1)
        if not one_hot:
            return x, self.labels.copy()
        y = np.zeros((len(self), len(self.classes)), np.float32)
        y[np.arange(len(self)), self.labels] = 1
        return x, y
