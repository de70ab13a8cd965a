"""The lower and the upper triangle of matrices."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import linear
from grad_core._node import array_like
from grad_core.errors import ShapeError

from ._batching import in_front

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["tril", "triu"]


def _tril_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, k: int) -> tuple[Any, int]:
    return _tril.on(in_front(inputs[0], axes[0]), k=k), 0


def _triu_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, k: int) -> tuple[Any, int]:
    return _triu.on(in_front(inputs[0], axes[0]), k=k), 0


def _tril_back(g: Any, _ans: Any, _x: Any, k: int) -> Any:
    return _tril.on(g, k=k)


def _triu_back(g: Any, _ans: Any, _x: Any, k: int) -> Any:
    return _triu.on(g, k=k)


@linear(_tril_back, batch=_tril_batch, name="tril")
def _tril(x: Any, *, k: int) -> Any:
    return np.tril(x, k)


@linear(_triu_back, batch=_triu_batch, name="triu")
def _triu(x: Any, *, k: int) -> Any:
    return np.triu(x, k)


def _checked(x: Any, k: Any, name: str) -> tuple[Any, int]:
    x = array_like(x)
    if x.ndim < 2:
        raise ShapeError(f"{name}: needs two axes or more, and shape {x.shape} has {x.ndim}")
    try:
        return x, operator.index(k)
    except TypeError as error:
        raise TypeError(
            f"{name}: k is the number of a diagonal, an integer, and {k!r} is a {type(k).__name__}"
        ) from error


def tril(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros above a diagonal; the gradient of what was put to 0 is 0.

    Args:
        x: two axes or more; the others are a batch.
        k: the last diagonal that is kept: 0 for the main one, more for those above, less for those below.

    Raises:
        ShapeError: fewer than two axes.
        TypeError: `k` is not an integer.

    Example:
        >>> import grad_core as gd
        >>> gd.tril(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[1., 0.],
                [3., 4.]])
    """
    x, diagonal = _checked(x, k, "tril")
    return _tril(x, k=diagonal)


def triu(x: Any, k: int = 0) -> Tensor:
    """The last two axes with zeros below a diagonal; the gradient of what was put to 0 is 0.

    Args:
        x: two axes or more; the others are a batch.
        k: the first diagonal that is kept: 0 for the main one, more for those above, less for those below.

    Raises:
        ShapeError: fewer than two axes.
        TypeError: `k` is not an integer.

    Example:
        >>> import grad_core as gd
        >>> gd.triu(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), k=1)
        tensor([[0., 2.],
                [0., 0.]])
    """
    x, diagonal = _checked(x, k, "triu")
    return _triu(x, k=diagonal)
