"""Arrays of the shape of another: their values do not depend on it, so there is no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._dtypes import resolve_dtype
from grad_core._node import array_like
from grad_core._op import nondiff

from ._batching import batch_in_front

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["empty_like", "full_like", "ones_like", "zeros_like"]


@nondiff()
def _full_like(x: Any, *, value: Any, dtype: np.dtype[Any]) -> Any:
    return np.full(x.shape, value, dtype)


def _like(x: Any, value: Any, dtype: Any) -> Tensor:
    x = array_like(x)
    return _full_like(x, value=value, dtype=x.dtype if dtype is None else resolve_dtype(dtype))


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape of `x`, and of its dtype where none is given.

    Example:
        >>> import grad_core as gd
        >>> gd.zeros_like(gd.tensor([1.0, 2.0]))
        tensor([0., 0.])
    """
    return _like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape of `x`, and of its dtype where none is given.

    Example:
        >>> import grad_core as gd
        >>> gd.ones_like(gd.tensor([1.0, 2.0]))
        tensor([1., 1.])
    """
    return _like(x, 1, dtype)


def full_like(x: Any, fill_value: float, dtype: Any = None) -> Tensor:
    """`fill_value` everywhere, in the shape of `x`, and in its dtype where none is given.

    Example:
        >>> import grad_core as gd
        >>> gd.full_like(gd.tensor([1.0, 2.0]), 7)
        tensor([7., 7.])
    """
    return _like(x, fill_value, dtype)


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """An array to be filled, of the shape of `x`, and of its dtype where none is given; it starts with zeros.

    Example:
        >>> import grad_core as gd
        >>> gd.empty_like(gd.tensor([1.0, 2.0])).shape
        (2,)
    """
    return _like(x, 0, dtype)


_full_like.batch = batch_in_front(_full_like)
