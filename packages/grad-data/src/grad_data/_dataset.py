"""Arrays that belong together, indexed as one."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grad_data._index import Index, normalise, pick

__all__ = ["ArrayDataset", "Dataset", "IterableDataset"]


class Dataset(Protocol):
    """What a DataLoader needs: a length, and many samples at once for an array of indices.

    `dataset[indices]`, with a one-dimensional integer array, returns a batch: an array or a tuple of arrays whose
    first axis runs over the samples. It must be a copy, as NumPy's own integer-array indexing makes, since the batch
    belongs to whoever receives it.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> class Squares:
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, indices):
        ...         return indices, indices**2
        >>> for x, y in data.DataLoader(Squares(), batch_size=3):
        ...     print(x, y)
        [0 1 2] [0 1 4]
        [3 4] [ 9 16]
    """

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, index: NDArray[np.intp], /) -> Any:
        """The batch of samples at these indices."""


class IterableDataset(Protocol):
    """Samples one after the other, where neither a length nor an index is known: a stream.

    A `DataLoader` collects them into batches with `collate_fn`, in the order in which they come.

    Example:
        >>> import grad_data as data
        >>> class Countdown:
        ...     def __iter__(self):
        ...         return iter([3, 2, 1])
        >>> for batch in data.DataLoader(Countdown(), batch_size=2):
        ...     print(batch)
        [3 2]
        [1]
    """

    def __iter__(self) -> Iterator[Any]:
        """One sample after the other."""


class ArrayDataset:
    """Arrays of equal length, for example inputs and labels, indexed together.

    `dataset[i]` is a tuple with one entry for each array: the sample for an int, several samples for a slice, an
    integer array or a mask. As in NumPy, an int or a slice gives views and the others give copies.

    Args:
        *arrays: at least one; anything `np.asarray` takes, at least one axis each, the first axes equally long.

    Attributes:
        arrays: the arrays, as a tuple.

    Raises:
        ValueError: no array, a 0-d array, or different lengths.
        IndexError, TypeError: on indexing, where the index is out of range or of a wrong kind.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> pairs = data.ArrayDataset(np.eye(3), [10, 20, 30])
        >>> len(pairs)
        3
        >>> pairs[1]
        (array([0., 1., 0.]), np.int64(20))
        >>> x, y = pairs[[2, 0]]
        >>> x.shape, y
        ((2, 3), array([30, 10]))
    """

    def __init__(self, *arrays: ArrayLike) -> None:
        if not arrays:
            raise ValueError("an ArrayDataset needs at least one array, for example ArrayDataset(x, y)")
        self.arrays: tuple[NDArray[Any], ...] = tuple(np.asarray(array) for array in arrays)
        for position, array in enumerate(self.arrays):
            if array.ndim == 0:
                raise ValueError(f"array {position} is a single number; its first axis has to run over the samples")
        lengths = [len(array) for array in self.arrays]
        if len(set(lengths)) > 1:
            shapes = ", ".join(str(array.shape) for array in self.arrays)
            raise ValueError(
                f"the arrays have different lengths {lengths} (shapes {shapes}); "
                "the first axis of each runs over the same samples, so cut or transpose them to match"
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Index) -> tuple[Any, ...]:
        where = normalise(index, len(self))
        return tuple(pick(array, where) for array in self.arrays)

    def __repr__(self) -> str:
        parts = ", ".join(f"{array.dtype}{list(array.shape)}" for array in self.arrays)
        return f"ArrayDataset({parts})"
