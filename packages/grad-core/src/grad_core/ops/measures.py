"""Numbers that say how large matrices and vectors are: norms, trace, rank, condition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core._op import nondiff
from grad_core.errors import LinAlgError, ShapeError

from . import reduce
from ._axes import Axes, some_axes
from ._matrices import batch_in_front, matrices
from .arithmetic import abs as _abs
from .arithmetic import divide, multiply, pow, sign
from .decompositions import svdvals
from .norms import norm
from .pieces import diagonal
from .piecewise import where
from .shape import reshape
from .solving import inv

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["cond", "matrix_norm", "matrix_rank", "trace", "vector_norm"]


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, dtype: Any = None) -> Tensor:
    """The sum of x[i, i + offset] over two axes.

    Args:
        x: two axes or more.
        offset: which diagonal: 0 for the main one, positive above it, negative below.
        axis1: the axis of rows.
        axis2: the axis of columns.
        dtype: of the result.

    Raises:
        ShapeError: fewer than two axes, an axis that is not there, or the same one twice.

    Example:
        >>> import grad_core as gd
        >>> gd.trace(gd.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
    """
    x = array_like(x)
    if x.ndim < 2:
        raise ShapeError(f"trace: needs two axes or more, and shape {x.shape} has {x.ndim}")
    return reduce.sum(diagonal(x, offset, axis1, axis2), -1, dtype=dtype)


def vector_norm(x: Any, ord: float = 2, axis: Axes = None, *, keepdims: bool = False) -> Tensor:  # noqa: A002 - NumPy's
    """The norm of vectors, sum(abs(x)**ord)**(1/ord), over one axis, several, or all.

    Args:
        x: any shape; integers give float64.
        ord: any number. 2 for the length, inf for the largest size, -inf for the smallest, 0 for how many elements are
            not 0 (the gradient is then 0).
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ValueError: `ord` is not a number.
        ShapeError: an axis that is not there, or the largest or smallest of no elements.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.vector_norm(gd.tensor([3.0, -4.0])), gd.linalg.vector_norm(gd.tensor([3.0, -4.0]), -float("inf"))
        (tensor(5.), tensor(3.))
    """
    if isinstance(ord, bool) or not isinstance(ord, int | float | np.integer | np.floating) or ord != ord:
        raise ValueError(f"vector_norm: ord must be a number, and it is {ord!r}. matrix_norm has 'fro' and 'nuc'")
    x = array_like(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if ord > 0:
        return norm(x, ord, axis, keepdims=keepdims)
    axes = some_axes(axis, x.ndim, "vector_norm")
    if ord == 0:
        return reduce.sum(where(x != 0, 1, sign(x)), axes, keepdims=keepdims)
    if ord == -math.inf:
        if 0 in (x.shape if axes is None else [x.shape[i] for i in axes]):
            raise ShapeError(
                f"vector_norm: shape {x.shape} has no elements along axis {axis}: there is no smallest one"
            )
        return reduce.min(_abs(x), axes, keepdims=keepdims)
    return pow(reduce.sum(pow(_abs(x), ord), axes, keepdims=keepdims), 1 / ord)


_SINGULAR = {"nuc": reduce.sum, 2: reduce.max, -2: reduce.min}
_SUMS = {1: (reduce.max, -2), -1: (reduce.min, -2), math.inf: (reduce.max, -1), -math.inf: (reduce.min, -1)}


def matrix_norm(x: Any, ord: Any = "fro", *, keepdims: bool = False) -> Tensor:  # noqa: A002 - NumPy's name
    """A norm of matrices.

    Where several rows, columns or singular values reach the largest or smallest, they share the gradient evenly.

    Args:
        x: (..., m, n); integers give float64.
        ord: "fro" for the root of the sum of squares, "nuc" for the sum of the singular values, 2 and -2 for the
            largest and the smallest of them, inf and -inf for the largest and smallest sum of sizes over a row, 1
            and -1 over a column.
        keepdims: keep the last two axes with length 1.

    Returns:
        The shape of `x` without the last two axes. Without elements a norm is 0, where there is one.

    Raises:
        ValueError: another `ord`.
        ShapeError: fewer than two axes, or the smallest of none.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([[3.0, 0.0], [0.0, -4.0]])
        >>> gd.linalg.matrix_norm(x), gd.linalg.matrix_norm(x, 1), gd.linalg.matrix_norm(x, -2)
        (tensor(5.), tensor(4.), tensor(3.))
    """
    x = matrices(x, "matrix_norm")
    if ord not in ("fro", *_SINGULAR, *_SUMS):
        raise ValueError(f"matrix_norm: ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, and it is {ord!r}")
    if ord == "fro":
        return norm(x, 2, (-2, -1), keepdims=keepdims)
    if ord in _SINGULAR:
        values = svdvals(x)
        reduction: Any = _SINGULAR[ord]
    else:
        reduction, axis = _SUMS[ord]
        values = reduce.sum(_abs(x), axis)
    batch = x.shape[:-2]
    if values.shape[-1] == 0:
        if ord != "nuc" and ord < 0:
            raise ShapeError(f"matrix_norm: shape {x.shape} has nothing to take the smallest of, for ord={ord}")
        reduction = reduce.sum
    result: Tensor = reduction(values, -1)
    return reshape(result, (*batch, 1, 1)) if keepdims else result


@nondiff(name="matrix_rank")
def _matrix_rank(x: Any, *, rtol: float | None) -> Any:
    if x.size == 0:
        return np.zeros(x.shape[:-2], np.intp)[()]
    return np.linalg.matrix_rank(x, rtol=rtol)


_matrix_rank.batch = batch_in_front(_matrix_rank)


def matrix_rank(x: Any, *, rtol: float | None = None) -> Tensor:
    """How many singular values are more than a small part of the largest: integers, without a gradient.

    Args:
        x: (..., m, n).
        rtol: that part. None: max(m, n) times the distance from 1 to the next number of the dtype.

    Raises:
        ShapeError: fewer than two axes.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.matrix_rank(gd.tensor([[1.0, 2.0], [2.0, 4.0]]))
        tensor(1)
    """
    return _matrix_rank(matrices(x, "matrix_rank"), rtol=rtol)


def cond(x: Any, p: Any = None) -> Tensor:
    """The condition number of matrices: how much a relative error may grow when an equation with them is solved.

    Args:
        x: (..., m, n); for `p` other than None, 2 and -2 square.
        p: None or 2 for the largest singular value over the smallest, -2 for the inverse of that; otherwise an `ord` of
            ``matrix_norm``, for norm(x) norm(inv(x)).

    Returns:
        The shape of `x` without the last two axes; inf where the smallest singular value is 0.

    Raises:
        ShapeError: fewer than two axes, or not square where it must be.
        LinAlgError: `x` has no elements, or is singular where its inverse is needed.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.cond(gd.tensor([[4.0, 0.0], [0.0, 2.0]]))
        tensor(2.)
    """
    x = matrices(x, "cond")
    if 0 in x.shape[-2:]:
        raise LinAlgError(f"cond: shape {x.shape} has no elements: there is no condition number")
    if p is None or (not isinstance(p, str) and p in (2, -2)):
        s = svdvals(x)
        largest, smallest = s[..., 0], s[..., -1]
        with np.errstate(divide="ignore"):
            return divide(smallest, largest) if p == -2 else divide(largest, smallest)
    x = matrices(x, "cond", square="p=2 takes any shape")
    return multiply(matrix_norm(x, p), matrix_norm(inv(x), p))
