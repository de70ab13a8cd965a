"""One rule for indexing data sets: an int picks a sample, a slice, integer array or mask picks several."""

import operator
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Index", "normalise", "pick"]

Index: TypeAlias = SupportsIndex | slice | NDArray[Any] | list[Any]


def normalise(index: Index, length: int) -> int | slice | NDArray[np.intp]:
    """Return `index` as an int, a slice or a one-dimensional array of integers, or say what is wrong with it.

    Raises:
        IndexError: an int out of range, or an array of the wrong shape (`pick` checks the values of an array).
        TypeError: neither integers nor bools.
    """
    if isinstance(index, slice):
        return index
    if isinstance(index, list) or (isinstance(index, np.ndarray) and index.ndim):
        return _array(np.asarray(index), length)
    try:
        position = operator.index(index)
    except TypeError:
        raise TypeError(
            f"a data set is indexed by an int, a slice, an integer array or a mask, not by {type(index).__name__}"
        ) from None
    if not -length <= position < length:
        raise IndexError(f"index {position} is out of range for {length} samples")
    return position


def pick(array: NDArray[Any], index: int | slice | NDArray[np.intp]) -> Any:
    """The samples of `array` at a normalised index: a view for an int or slice, a new array for an integer array."""
    # Taking whole rows is about a tenth faster than fancy indexing.
    return array.take(index, 0) if isinstance(index, np.ndarray) else array[index]


def _array(index: NDArray[Any], length: int) -> NDArray[np.intp]:
    if index.ndim != 1:
        raise IndexError(f"an index array has one axis, this one has the shape {index.shape}")
    if index.dtype.kind == "b":
        if len(index) != length:
            raise IndexError(f"the mask has {len(index)} entries for {length} samples; it needs one for each")
        return np.flatnonzero(index)
    if index.dtype.kind not in "iu" and index.size:
        raise TypeError(f"an index array holds integers or bools, not {index.dtype}; convert it with .astype(int)")
    return index.astype(np.intp, copy=False)
