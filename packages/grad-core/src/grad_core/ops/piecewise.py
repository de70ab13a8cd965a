"""Functions that choose between two branches, and their kinks.

Where two rules meet, at a kink or a tie, the value chosen is PyTorch's: relu'(0) = 0, a tie of maximum or minimum is
shared half and half, clip passes the gradient at its bounds.

A function that says ``ufunc=`` has no body: that ufunc of NumPy is its forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._blocks import LARGE, map_blocks, repeated
from grad_core._kinds import elementwise

from ._quick import for_large_arrays
from ._select import select
from .arithmetic import positive

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "clip",
    "maximum",
    "minimum",
    "relu",
    "where",
]


_WORDS = {"f": np.int32, "d": np.int64}


def _above_0(out: Any, x: Any) -> None:
    np.maximum(x, repeated(0, x), out=out)


def _relu_back_in_blocks(g: Any, ans: Any, _x: Any) -> Any:
    words: Any = _WORDS.get(g.dtype.char)

    def work(out: Any, g: Any, y: Any) -> None:
        np.multiply(g.view(words), np.greater(y, 0), out.view(words))  # as in `select`

    return map_blocks(work, g, ans) if words is not None and g.dtype == ans.dtype else NotImplemented


@for_large_arrays(_relu_back_in_blocks)
def _relu_back(g: Any, ans: Any, _x: Any) -> Any:
    return select.on(ans > 0, g)


@elementwise(_relu_back)
def relu(x: Any, *, out: Any = None) -> Any:
    """The larger of x and 0; its derivative at 0 is 0.

    Example:
        >>> import grad_core as gd
        >>> gd.relu(gd.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 0., 2.])
    """
    if x.size >= LARGE and x.dtype.char in "fd" and out is None:
        return map_blocks(_above_0, x)
    return np.maximum(x, 0, out=out)


def _larger(g: Any, x: Any, y: Any) -> Any:
    return select.on(x > y, g) + select.on(x == y, g * 0.5)


@elementwise(lambda g, _ans, x, y: _larger(g, x, y), lambda g, _ans, x, y: _larger(g, y, x), ufunc=np.maximum)
def maximum(x: Any, y: Any) -> Any:
    """The larger of x and y, broadcast; where they are equal, each gets half of the gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.maximum(gd.tensor([1.0, 5.0]), 3)
        tensor([3., 5.])
    """


@elementwise(lambda g, _ans, x, y: _larger(g, y, x), lambda g, _ans, x, y: _larger(g, x, y), ufunc=np.minimum)
def minimum(x: Any, y: Any) -> Any:
    """The smaller of x and y, broadcast; where they are equal, each gets half of the gradient.

    Example:
        >>> import grad_core as gd
        >>> gd.minimum(gd.tensor([1.0, 5.0]), 3)
        tensor([1., 3.])
    """


@elementwise(
    lambda g, _ans, x, low, high: select.on((x >= low) & (x <= high), g),
    lambda g, _ans, x, low, high: select.on((x < low) & (low < high), g),
    lambda g, _ans, x, low, high: select.on((x > high) | (high < low), g),
)
def _clip(x: Any, low: Any, high: Any, *, out: Any = None) -> Any:
    return np.minimum(np.maximum(x, low), high, out=out)


def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Each element moved into [min, max].

    The gradient passes where the element lies within, bounds included, and goes to a bound where that was taken.

    Args:
        x: any shape.
        min: the lower bound, a number or an array that broadcasts with x; None for none.
        max: the upper bound, likewise. Where it is below the lower one, it wins.

    Example:
        >>> import grad_core as gd
        >>> gd.clip(gd.tensor([-2.0, 0.5, 2.0]), -1, 1)
        tensor([-1. ,  0.5,  1. ])
    """
    if min is None and max is None:
        return positive(x)
    dtype = x.dtype if hasattr(x, "dtype") else np.dtype(float)
    if min is None:
        min = -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
    if max is None:
        max = np.inf if dtype.kind == "f" else np.iinfo(dtype).max
    return _clip(x, min, max)


@elementwise(
    None,
    lambda g, _ans, condition, _x, _y: select.on(condition, g),
    lambda g, _ans, condition, _x, _y: select.on(np.logical_not(condition), g),
)
def where(condition: Any, x: Any, y: Any) -> Any:
    """Elements of x where the condition holds, of y elsewhere, broadcast.

    The gradient selects too: nothing leaks from the branch not taken.

    A branch that was not taken is computed all the same: if its own derivative is infinite there, 0 * inf gives NaN
    further back. Choose its input with another `where` first.

    Example:
        >>> import grad_core as gd
        >>> gd.where(gd.tensor([True, False]), gd.tensor([1.0, 2.0]), 0)
        tensor([1., 0.])
    """
    return np.where(condition, x, y)
