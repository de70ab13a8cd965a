"""Linear algebra: inverses, determinants, decompositions, norms, with gradients of any order.

Every function works over the last two axes; those before them are a batch. The names are those of the array API
standard's linear algebra, of ``numpy.linalg`` and ``torch.linalg``. Dtypes are float32 and float64: integers become
float64, and float16, which LAPACK does not have, is refused.

Where the choice of a result is free (the signs of singular vectors and eigenvectors), only what does not depend on it
has a meaningful gradient. A rule divides by differences of singular values or eigenvalues where their vectors are used:
equal ones give NaN or infinity there, as in PyTorch.

Example:
    >>> import grad_core as gd
    >>> x = gd.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
    >>> gd.linalg.slogdet(x).logabsdet.backward()
    >>> x.grad
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .ops import measures, pieces
from .ops.decompositions import cholesky, qr, svd, svdvals
from .ops.determinants import det, slogdet
from .ops.eigen import eigh, eigvalsh
from .ops.linalg import matmul
from .ops.measures import cond, matrix_norm, matrix_rank, vector_norm
from .ops.products import cross, outer, tensordot, vecdot
from .ops.shape import matrix_transpose
from .ops.solving import inv, matrix_power, pinv, solve

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def diagonal(x: Any, *, offset: int = 0) -> Tensor:
    """The elements x[..., i, i + offset] of matrices: ``grad_core.diagonal`` over the last two axes.

    Args:
        x: (..., m, n).
        offset: which diagonal: 0 for the main one, positive above it, negative below.

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.diagonal(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), offset=1)
        tensor([2.])
    """
    return pieces.diagonal(x, offset, -2, -1)


def trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of the diagonal of matrices: ``grad_core.trace`` over the last two axes.

    Args:
        x: (..., m, n).
        offset: which diagonal: 0 for the main one, positive above it, negative below.
        dtype: of the result.

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.trace(gd.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]))
        tensor([ 5., 13.])
    """
    return measures.trace(x, offset, -2, -1, dtype=dtype)
