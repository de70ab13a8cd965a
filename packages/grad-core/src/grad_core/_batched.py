"""What a tensor holds inside ``vmap``: the arrays of all entries at once, seen with the shape of one."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from .errors import ConversionError

__all__ = ["Batched", "all_values", "batch_first"]


class Batched:
    """Stands where a tensor has its array: it has the shape of one entry, and `whole` has them all along axis 0.

    Ops never compute with it. ``apply`` has them computed on `whole`, a tensor of the level around: an ordinary one, or
    again batched, by a ``vmap`` around this one. Whatever asks for values gets an error, because each entry has its
    own.
    """

    __slots__ = ("dtype", "level", "shape", "whole")

    def __init__(self, whole: Any, level: int) -> None:
        self.whole = whole
        self.level = level
        self.shape: tuple[int, ...] = whole.shape[1:]
        self.dtype: np.dtype[Any] = whole.dtype

    @property
    def ndim(self) -> int:
        """Number of axes of one entry."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of one entry."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    def __len__(self) -> int:
        return self.shape[0]

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ConversionError(
            f"inside vmap a tensor of shape {self.shape} stands for {self.whole.shape[0]} entries, each with its own "
            "values, so there is no single number, array or truth to take out of it: choose with gd.where instead "
            "of `if`, and keep tensors inside the function; do not store them elsewhere either"
        )

    __array__ = __array_ufunc__ = __array_function__ = __bool__ = __eq__ = _refuse
    __float__ = __index__ = __int__ = __iter__ = __getitem__ = __setitem__ = __contains__ = _refuse
    item = tolist = copy = _refuse
    __hash__ = None  # type: ignore[assignment]


def batch_first(x: Any, axis: int | None, rank: int) -> Any:
    """The batch axis in front, then as many axes as the widest input has, so that broadcasting still lines them up."""
    if axis is None:
        return x
    x = np.moveaxis(x, axis, 0) if axis else x
    missing = rank - x.ndim + 1
    return np.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing else x


def all_values(data: Any) -> Any:
    """The values that a tensor holds, those of all entries where it is batched: for checks that name no entry."""
    while type(data) is Batched:
        data = data.whole._data
    return data
