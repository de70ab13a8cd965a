"""Batches out of a data set, in order or shuffled."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grad_data._dataset import ArrayDataset, Dataset

__all__ = ["DataLoader"]


class DataLoader:
    """Iterates over a data set in batches, any number of times.

    Samples are taken out of the arrays a whole batch at a time. Every batch is a copy: it belongs to the caller, no
    later batch overwrites it, and changing it does not change the data set.

    Args:
        dataset: an ArrayDataset, MNIST, Digits or anything else that keeps the `Dataset` protocol; or a tuple or list
            of arrays of equal length, whose batches are tuples; or one array, whose batches are arrays.
        batch_size: samples in a batch, at least 1; the last batch holds what is left.
        shuffle: draw a new order at the start of each epoch.
        drop_last: leave out a last batch that is not full.
        seed: seed of the loader's own Generator; the same seed gives the same sequence of epochs.
        generator: a `numpy.random.Generator` to use instead, shared with the caller.
        transform: a function of the batch: called with its arrays as arguments, what it returns is the batch.

    Attributes:
        dataset, batch_size, shuffle, drop_last, transform: as given.
        generator: what the orders are drawn from.

    Raises:
        TypeError: a data set without a length, a `batch_size` that is no integer, a list of samples.
        ValueError: an empty data set, `batch_size` below 1, arrays of different lengths, both `seed` and `generator`,
            or `drop_last` where not one batch would be full.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> x = np.arange(10, dtype=np.uint8).reshape(5, 2)
        >>> loader = data.DataLoader((x, np.arange(5)), batch_size=2, transform=lambda x, y: (x / np.float32(255), y))
        >>> len(loader)
        3
        >>> for inputs, labels in loader:
        ...     print(inputs.dtype, inputs.shape, labels)
        float32 (2, 2) [0 1]
        float32 (2, 2) [2 3]
        float32 (1, 2) [4]
    """

    def __init__(
        self,
        dataset: Dataset | NDArray[Any] | tuple[Any, ...] | list[Any],
        batch_size: int = 1,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
        generator: np.random.Generator | None = None,
        transform: Callable[..., Any] | None = None,
    ) -> None:
        self.dataset = _as_dataset(dataset)
        self.batch_size = _checked_batch_size(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        if generator is not None:
            if seed is not None:
                raise ValueError("give seed or generator, not both: a seed makes a Generator of the loader's own")
            if not isinstance(generator, np.random.Generator):
                raise TypeError(
                    f"generator is a {type(generator).__name__}, expected a numpy.random.Generator; "
                    "make one with np.random.default_rng(seed)"
                )
        self.generator = generator or np.random.default_rng(seed)
        size = len(self.dataset)
        if size == 0:
            raise ValueError("the data set is empty: there is nothing to iterate over")
        if drop_last and size < self.batch_size:
            raise ValueError(
                f"drop_last leaves nothing: {size} samples do not fill one batch of {self.batch_size}; "
                "take a smaller batch_size or drop_last=False"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[Any]:
        """Start an epoch; its order is drawn now, not at the first batch."""
        size = len(self.dataset)
        order = self.generator.permutation(size) if self.shuffle else np.arange(size)
        return self._batches(order.astype(np.intp, copy=False), len(self))

    def _batches(self, order: NDArray[np.intp], count: int) -> Iterator[Any]:
        for start in range(0, count * self.batch_size, self.batch_size):
            batch = self.dataset[order[start : start + self.batch_size]]
            if self.transform is not None:
                batch = self.transform(*batch) if isinstance(batch, tuple) else self.transform(batch)
            yield batch

    def __repr__(self) -> str:
        order = "shuffled" if self.shuffle else "in order"
        return f"DataLoader({self.dataset!r}, {len(self)} batches of {self.batch_size}, {order})"


def _as_dataset(given: Any) -> Any:
    if isinstance(given, tuple | list):
        if given and all(isinstance(part, tuple) for part in given):
            raise TypeError(
                f"the data set is a {type(given).__name__} of {len(given)} tuples, which looks like one tuple for each "
                "sample; stack the inputs and the labels into one array each and give DataLoader((x, y))"
            )
        return ArrayDataset(*given)
    if isinstance(given, np.ndarray):
        if given.ndim == 0:
            raise TypeError("the data set is a 0-d array; its first axis has to run over the samples")
        return given
    if not hasattr(given, "__len__") or not hasattr(given, "__getitem__"):
        raise TypeError(
            f"a {type(given).__name__} has no length or cannot be indexed, so it cannot be cut into batches; "
            "give arrays, an ArrayDataset, or an object with __len__ and __getitem__"
        )
    return given


def _checked_batch_size(given: Any) -> int:
    try:
        size = operator.index(given)
    except TypeError:
        raise TypeError(f"batch_size is {given!r}, expected an int of at least 1") from None
    if size < 1:
        raise ValueError(f"batch_size is {size}, expected at least 1")
    return size
