"""Eigenvalues and eigenvectors of symmetric matrices.

The rule of the vectors divides by differences of eigenvalues: equal ones give NaN or infinity, with NumPy's warning,
for their vectors are any basis of a plane, and no function of the matrix. The values alone are free of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grad_core._op import op

from ._matrices import LOST, as_diagonal, batch_in_front, gaps_of, guarded, matrices, symmetric, used
from .pieces import _diagonal

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["eigh", "eigvalsh"]


class Eigh(NamedTuple):
    """The result of ``eigh``."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _eigh_back(g: Any, ans: Any, _x: Any, triangle: str) -> Any:
    gw, gv = g
    w, v = ans
    middle = as_diagonal(gw)
    if used(gv):
        apart = 1 - np.eye(_x.shape[-1], dtype=_x.dtype)
        middle = middle + apart * (v.mT @ gv) / gaps_of(w)
    return symmetric(v @ middle @ v.mT)


def _eigh_jvp(tangents: tuple[Any, ...], ans: Any, _x: Any, *, triangle: str) -> Any:
    w, v = ans
    inside = v.mT @ symmetric(tangents[0]) @ v
    apart = 1 - np.eye(w.shape[-1], dtype=w.dtype)
    return _diagonal.on(inside, offset=0), v @ (apart * inside / gaps_of(w))


@op(vjp=(_eigh_back,), jvp=_eigh_jvp, name="eigh")
def _eigh(x: Any, *, triangle: str) -> Any:
    return tuple(guarded(partial(np.linalg.eigh, UPLO=triangle), "eigh", x, LOST))


def _triangle(UPLO: Any, name: str) -> str:  # noqa: N803 - NumPy's and PyTorch's name
    chosen = UPLO.upper() if isinstance(UPLO, str) else ""
    if chosen not in ("L", "U"):
        raise ValueError(f"{name}: UPLO says which triangle is read, 'L' or 'U', and it is {UPLO!r}")
    return str(chosen)


def eigh(x: Any, UPLO: str = "L") -> Eigh:  # noqa: N803 - NumPy's and PyTorch's name
    """Eigenvalues and eigenvectors of symmetric matrices: x = V @ diag(w) @ V.mT, with orthonormal columns of V.

    Each eigenvector may change its sign; only what does not depend on that has a meaningful gradient. Where eigenvalues
    are equal, and the vectors are used, the gradient is NaN or infinite, as in PyTorch; the one by the values alone is
    always finite. It is symmetric: it takes `x` for a function of symmetric matrices.

    Args:
        x: (..., n, n), of which only one triangle is read; integers give float64.
        UPLO: "L" for the lower triangle, "U" for the upper one.

    Returns:
        ``(eigenvalues, eigenvectors)``: (..., n), from the smallest up, and (..., n, n), one in each column.

    Raises:
        ShapeError: it is not square.
        ValueError: another `UPLO`.
        LinAlgError: LAPACK found none, as it may where there is NaN or infinity in `x`.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> w, V = gd.linalg.eigh(gd.tensor([[3.0, 0.0], [0.0, 2.0]]))
        >>> w
        tensor([2., 3.])
    """
    triangle = _triangle(UPLO, "eigh")
    parts: Any = _eigh(matrices(x, "eigh", square=""), triangle=triangle)
    return Eigh(*parts)


def _eigvalsh_back(g: Any, _ans: Any, x: Any, triangle: str) -> Any:
    _, v = _eigh.on(x, triangle=triangle)
    return (v * g[..., None, :]) @ v.mT


def _eigvalsh_jvp(tangents: tuple[Any, ...], _ans: Any, x: Any, *, triangle: str) -> Any:
    _, v = _eigh.on(x, triangle=triangle)
    return _diagonal.on(v.mT @ symmetric(tangents[0]) @ v, offset=0)


@op(vjp=(_eigvalsh_back,), jvp=_eigvalsh_jvp, name="eigvalsh")
def _eigvalsh(x: Any, *, triangle: str) -> Any:
    return guarded(partial(np.linalg.eigvalsh, UPLO=triangle), "eigvalsh", x, LOST)


def eigvalsh(x: Any, UPLO: str = "L") -> Tensor:  # noqa: N803 - NumPy's and PyTorch's name
    """The eigenvalues of symmetric matrices, from the smallest up.

    The gradient is V diag(g) Vᵀ, finite where some are equal; its own gradient is not finite there.

    Args:
        x: (..., n, n), of which only one triangle is read; integers give float64.
        UPLO: "L" for the lower triangle, "U" for the upper one.

    Returns:
        (..., n).

    Raises:
        ShapeError: it is not square.
        ValueError: another `UPLO`.
        LinAlgError: LAPACK found none, as it may where there is NaN or infinity in `x`.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.eigvalsh(gd.tensor([[3.0, 0.0], [0.0, 2.0]]))
        tensor([2., 3.])
    """
    triangle = _triangle(UPLO, "eigvalsh")
    return _eigvalsh(matrices(x, "eigvalsh", square=""), triangle=triangle)


for _made in (_eigh, _eigvalsh):
    _made.batch = batch_in_front(_made)
