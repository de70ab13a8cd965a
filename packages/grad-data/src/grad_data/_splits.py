"""Parts of data sets, and several data sets as one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grad_data._index import Index, normalise
from grad_data._seeds import Random, as_generator, as_int

__all__ = ["ConcatDataset", "Subset", "k_fold", "random_split"]


class Subset:
    """Some samples of a data set, by their indices, as a data set of its own; nothing is copied.

    Args:
        dataset: anything that keeps the `Dataset` protocol.
        indices: (n,) integers, in the order wanted; an index may come several times.

    Attributes:
        dataset: as given.
        indices: as an array.

    Raises:
        IndexError: an index out of range, or indices of a wrong shape.
        TypeError: indices that are no integers.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> odd = data.Subset(data.ArrayDataset(np.arange(10)), [1, 3, 5])
        >>> len(odd), odd[-1]
        (3, (np.int64(5),))
    """

    def __init__(self, dataset: Any, indices: ArrayLike) -> None:
        where = normalise(np.atleast_1d(np.asarray(indices)), len(dataset))
        self.indices: NDArray[np.intp] = np.asarray(where, np.intp)
        low, high = (self.indices.min(), self.indices.max()) if self.indices.size else (0, -1)
        if low < -len(dataset) or high >= len(dataset):
            wrong = high if high >= len(dataset) else low
            raise IndexError(f"index {wrong} is out of range for {len(dataset)} samples")
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Index) -> Any:
        where = self.indices[normalise(index, len(self))]
        return self.dataset[int(where) if where.ndim == 0 else where]

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {self.dataset!r})"


class ConcatDataset:
    """Several data sets one after the other, as one.

    Their samples have the same shapes; where dtypes differ, a batch out of several of them has the common one.

    Args:
        datasets: at least one; each keeps the `Dataset` protocol, and their batches are all arrays, or all tuples of
            equally many arrays.

    Attributes:
        datasets: as given, a tuple.

    Raises:
        ValueError: no data set, or parts of a batch that do not fit together.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> both = data.ConcatDataset([data.ArrayDataset(np.arange(3)), data.ArrayDataset(np.array([10, 20]))])
        >>> len(both), both[np.array([4, 0])]
        (5, (array([20,  0]),))
    """

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = tuple(datasets)
        if not self.datasets:
            raise ValueError("a ConcatDataset needs at least one data set")
        self._starts = np.cumsum([0, *(len(dataset) for dataset in self.datasets)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: Index) -> Any:
        where = normalise(index, len(self))
        if isinstance(where, slice):
            where = np.arange(len(self))[where]
        if not isinstance(where, np.ndarray):
            place = where % len(self)
            part = int(np.searchsorted(self._starts, place, side="right")) - 1
            return self.datasets[part][place - int(self._starts[part])]
        if where.size and not -len(self) <= where.min() <= where.max() < len(self):
            raise IndexError(f"an index in {where} is out of range for {len(self)} samples")
        where = where % max(len(self), 1)
        parts = np.searchsorted(self._starts, where, side="right") - 1
        used = np.unique(parts)
        if len(used) < 2:
            part = int(used[0]) if len(used) else 0
            return self.datasets[part][where - self._starts[part]]
        places = [np.flatnonzero(parts == part) for part in used]
        batches = [self.datasets[part][where[at] - self._starts[part]] for part, at in zip(used, places, strict=True)]
        if not all(isinstance(batch, tuple) for batch in batches):
            return _merged(batches, places)
        if len({len(batch) for batch in batches}) > 1:
            raise ValueError(f"the data sets give tuples of different lengths, {[len(batch) for batch in batches]}")
        return tuple(_merged(entries, places) for entries in zip(*batches, strict=True))

    def __repr__(self) -> str:
        return f"ConcatDataset({', '.join(map(repr, self.datasets))})"


def _merged(pieces: Sequence[Any], places: Sequence[NDArray[np.intp]]) -> NDArray[Any]:
    arrays = [np.asarray(piece) for piece in pieces]
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ValueError(f"the samples of the data sets have different shapes: {[array.shape[1:] for array in arrays]}")
    count = sum(len(place) for place in places)
    merged = np.empty((count, *arrays[0].shape[1:]), np.result_type(*arrays))
    for array, place in zip(arrays, places, strict=True):
        merged[place] = array
    return merged


def random_split(dataset: Any, lengths: Sequence[float], generator: Random = None) -> list[Subset]:
    """Cut a data set into parts at random; no sample is in two of them.

    Args:
        dataset: anything that keeps the `Dataset` protocol.
        lengths: how many samples each part gets, together all; or fractions that sum to 1, of which each is rounded
            down, and the samples that are left go to the first parts, one each.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Raises:
        ValueError: lengths that do not sum to the length of the data set, or to 1; a negative one.

    Example:
        >>> import grad_data as data
        >>> train, test = data.random_split(data.Digits(100), [0.8, 0.2], generator=0)
        >>> len(train), len(test)
        (80, 20)
    """
    size = len(dataset)
    if any(length < 0 for length in lengths):
        raise ValueError(f"lengths are {list(lengths)}, and none may be negative")
    counts = [int(length) for length in lengths]
    if counts != list(lengths) or (sum(counts) == 1 and size != 1):
        if abs(sum(lengths) - 1) > 1e-6:
            raise ValueError(f"the fractions {list(lengths)} sum to {sum(lengths):g}, not to 1")
        counts = [int(size * fraction + 1e-9) for fraction in lengths]
        for number in range(size - sum(counts)):
            counts[number % len(counts)] += 1
    if sum(counts) != size:
        raise ValueError(f"the lengths {counts} sum to {sum(counts)}, but the data set has {size} samples")
    order = as_generator(generator).permutation(size)
    ends = np.cumsum(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def k_fold(
    dataset: Any, k: int, *, labels: ArrayLike | None = None, generator: Random = None
) -> list[tuple[Subset, Subset]]:
    """Cut a data set into `k` parts at random, for cross-validation: each is the test part once.

    Args:
        dataset: anything that keeps the `Dataset` protocol.
        k: how many parts, at least 2; their lengths differ by one at most.
        labels: (N,) the classes of the samples: then each class is spread evenly over the parts as well.
        generator: a `numpy.random.Generator`, or an int as its seed.

    Returns:
        For each part the subset to train on, all the others, and the subset to test on.

    Raises:
        ValueError: more parts than samples, or labels that are not one for each sample.

    Example:
        >>> import grad_data as data
        >>> digits = data.Digits(50)
        >>> for train, test in data.k_fold(digits, 5, labels=digits.labels, generator=0):
        ...     print(len(train), len(test), sorted(test[:][1].tolist()))
        40 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        40 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        40 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        40 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        40 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    size, parts = len(dataset), as_int("k", k, 2)
    if parts > size:
        raise ValueError(f"k is {parts}, and the data set has {size} samples: a part would be empty")
    order = as_generator(generator).permutation(size)
    if labels is not None:
        classes = np.asarray(labels)
        if classes.shape != (size,):
            raise ValueError(f"labels need the shape ({size},), one for each sample; this is {classes.shape}")
        order = order[np.argsort(classes[order], kind="stable")]
    # Dealt like cards: the parts get the samples of a class in turn.
    part = np.empty(size, np.intp)
    part[order] = np.arange(size) % parts
    return [
        (Subset(dataset, np.flatnonzero(part != number)), Subset(dataset, np.flatnonzero(part == number)))
        for number in range(parts)
    ]
