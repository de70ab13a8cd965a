"""The standard's extension ``linalg``: the names of ``grad_core`` that it has, with its arguments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from grad_core._node import array_like
from grad_core.ops import elementwise, norms, pieces, reduce
from grad_core.ops.linalg import matmul
from grad_core.ops.products import outer, tensordot, vecdot
from grad_core.ops.shape import astype, matrix_transpose

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot", "vector_norm"]


def diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    """The diagonal of the last two axes; see ``grad_core.diagonal``."""
    return pieces.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of the diagonal of the last two axes."""
    return reduce.sum(diagonal(x, offset=offset), -1, dtype=dtype)


def vector_norm(
    x: Any,
    /,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    ord: float = 2,  # noqa: A002 - the standard's name
) -> Tensor:
    """The norm of vectors along one axis, several, or all; see ``grad_core.norm``.

    Beyond that: the number of elements that are not 0 where `ord` is 0, and the same formula for negative orders, down
    to -inf for the smallest size.
    """
    if ord > 0:
        return norms.norm(x, ord, axis, keepdims=keepdims)
    x = array_like(x)
    if ord == 0:
        return astype(norms.count_nonzero(x, axis, keepdims=keepdims), x.dtype)
    sizes = elementwise.abs(x)
    if ord == -math.inf:
        return reduce.min(sizes, axis, keepdims=keepdims)
    return elementwise.pow(reduce.sum(elementwise.pow(sizes, ord), axis, keepdims=keepdims), 1 / ord)
