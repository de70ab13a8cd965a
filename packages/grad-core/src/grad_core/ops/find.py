"""Where elements are that are not 0, and which of them are among others: results without a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core._op import nondiff
from grad_core.errors import ShapeError

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["isin", "nonzero"]


@nondiff(name="nonzero")
def _nonzero(x: Any) -> Any:
    return np.nonzero(x)


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The positions of the elements that are not 0, in reading order: one tensor of int64 for each axis.

    ``x[gd.nonzero(x)]`` are those elements, with their gradients.

    Args:
        x: one axis or more.

    Raises:
        ShapeError: no axis.

    Example:
        >>> import grad_core as gd
        >>> gd.nonzero(gd.tensor([[0.0, 2.0], [3.0, 0.0]]))
        (tensor([0, 1]), tensor([1, 0]))
    """
    x = array_like(x)
    if x.ndim == 0:
        raise ShapeError("nonzero: a 0-d array has no positions; compare it with 0, or reshape it to (1,)")
    found: Any = _nonzero(x)
    return tuple(found)


@nondiff(name="isin")
def _isin(x: Any, among: Any, *, invert: bool) -> Any:
    return np.isin(x, among, invert=invert)


def isin(x: Any, among: Any, *, invert: bool = False) -> Tensor:
    """Whether each element of `x` is one of the elements of `among`: booleans of the shape of `x`. NaN is in nothing.

    Args:
        x: any shape.
        among: any shape.
        invert: whether it is none of them instead.

    Example:
        >>> import grad_core as gd
        >>> gd.isin(gd.tensor([1, 2, 3]), [3, 1])
        tensor([ True, False,  True])
    """
    return _isin(array_like(x), array_like(among), invert=invert)
