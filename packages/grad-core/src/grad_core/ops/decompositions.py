"""Matrices as products of simpler ones: Cholesky, QR, singular values.

Where a rule divides by differences of singular values, equal ones give NaN or infinity, with NumPy's
warning: their vectors are any basis of a plane, and no function of the matrix. The values alone are free of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grad_core._batched import all_values
from grad_core._node import Value
from grad_core._op import op
from grad_core.errors import GradientError

from ._matrices import LOST, as_diagonal, batch_in_front, gaps_of, guarded, matrices, symmetric, used
from .pieces import _diagonal
from .shape import concat, matrix_transpose
from .solving import _inv, _solve
from .triangle import _tril

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["cholesky", "qr", "svd", "svdvals"]

# Cholesky


def _cholesky_back(g: Any, ans: Any, _x: Any) -> Any:
    lower = _tril.on(ans.mT @ g, k=0)
    middle = (lower + lower.mT) * (0.5 - 0.25 * np.eye(_x.shape[-1], dtype=_x.dtype))
    turned = ans.mT
    return symmetric(_solve.on(turned, _solve.on(turned, middle).mT))


def _cholesky_jvp(tangents: tuple[Any, ...], ans: Any, _x: Any) -> Any:
    inverse = _inv.on(ans)
    middle = inverse @ symmetric(tangents[0]) @ inverse.mT
    return ans @ (_tril.on(middle, k=0) * (1 - 0.5 * np.eye(ans.shape[-1], dtype=ans.dtype)))


@op(vjp=(_cholesky_back,), jvp=_cholesky_jvp, name="cholesky")
def _cholesky(x: Any) -> Any:
    trouble = (
        "is not positive definite (only its lower triangle is read): it has no such factor. A small multiple of eye(n) "
        "added mends what rounding did"
    )
    return guarded(np.linalg.cholesky, "cholesky", x, trouble)


def cholesky(x: Any, *, upper: bool = False) -> Tensor:
    """The lower triangular L with positive diagonal and L @ L.mT = x, of symmetric positive definite matrices.

    The gradient is that of Murray (2016), "Differentiation of the Cholesky decomposition", and symmetric: as PyTorch,
    it takes `x` for a function of symmetric matrices.

    Args:
        x: (..., n, n), of which only the lower triangle is read; integers give float64.
        upper: give U = L.mT instead, so that U.mT @ U = x.

    Raises:
        ShapeError: it is not square.
        LinAlgError: it is not positive definite.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.cholesky(gd.tensor([[4.0, 2.0], [2.0, 10.0]]))
        tensor([[2., 0.],
                [1., 3.]])
    """
    factor = _cholesky(matrices(x, "cholesky", square=""))
    return matrix_transpose(factor) if upper else factor


# QR


class QR(NamedTuple):
    """The result of ``qr``."""

    Q: Tensor
    R: Tensor


def _qr_back(g: Any, ans: Any, _x: Any) -> Any:
    gq, gr = g
    q, r = ans
    lower = _tril.on(r @ gr.mT - gq.mT @ q, k=0)
    middle = (lower + lower.mT) * (1 - 0.5 * np.eye(_x.shape[-1], dtype=_x.dtype))
    return _solve.on(r, (gq + q @ middle).mT).mT


def _qr_jvp(tangents: tuple[Any, ...], ans: Any, _x: Any) -> Any:
    q, r = ans
    change = _solve.on(r.mT, tangents[0].mT).mT
    seen = q.mT @ change
    below = _tril.on(seen, k=-1)
    turn = below - below.mT
    return q @ (turn - seen) + change, (seen - turn) @ r


@op(vjp=(_qr_back,), jvp=_qr_jvp, name="qr")
def _qr(x: Any) -> Any:
    """Of matrices with no more columns than rows."""
    return tuple(np.linalg.qr(x))


def _complete_refused(_first: Any, _ans: Any, _x: Any) -> Any:
    raise GradientError(
        f"qr: mode='complete' has no derivative for the shape {_x.shape}, with more rows than columns: the further "
        "columns of Q are any that are orthogonal to the first ones. Use mode='reduced'"
    )


@op(vjp=(_complete_refused,), jvp=_complete_refused, name="complete_qr")
def _qr_complete(x: Any) -> Any:
    return tuple(np.linalg.qr(x, mode="complete"))


def qr(x: Any, mode: str = "reduced") -> QR:
    """Q with orthonormal columns and R upper triangular, Q @ R = x.

    The signs are LAPACK's: the diagonal of R may be negative. The gradient needs the first min(m, n) columns of `x` to
    be independent (Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra functions").

    Args:
        x: (..., m, n); integers give float64.
        mode: "reduced": with k = min(m, n), Q is (..., m, k) and R (..., k, n). "complete": Q is (..., m, m) and R
            (..., m, n); for m > n this has no gradient.

    Returns:
        ``(Q, R)``.

    Raises:
        ShapeError: fewer than two axes.
        ValueError: another mode.
        LinAlgError: in the backward pass, where the first columns are dependent.
        GradientError: in the backward pass of mode="complete" with m > n.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> Q, R = gd.linalg.qr(gd.tensor([[0.0, 2.0], [3.0, 4.0]]))
        >>> abs(R)
        tensor([[3., 4.],
                [0., 2.]])
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is 'reduced' or 'complete', and it is {mode!r}")
    x = matrices(x, "qr")
    rows, columns = x.shape[-2:]
    parts: Any
    if rows < columns:  # the first columns alone decide Q
        parts = _qr(x[..., :rows])
        rest = matrix_transpose(parts[0]) @ x[..., rows:]
        return QR(parts[0], concat([parts[1], rest], -1))
    parts = _qr_complete(x) if mode == "complete" and rows > columns else _qr(x)
    return QR(*parts)


# Singular values


class SVD(NamedTuple):
    """The result of ``svd``."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _svd_back(g: Any, ans: Any, _x: Any) -> Any:
    gu, gs, gvh = g
    u, s, vh = ans
    across = s[..., None, :]
    down = s[..., :, None]
    gaps = gaps_of(s * s)
    middle = as_diagonal(gs)
    if used(gu):
        turn = u.mT @ gu
        middle = middle + (turn - turn.mT) / gaps * across
    if used(gvh):
        turn = vh @ gvh.mT
        middle = middle + down * ((turn - turn.mT) / gaps)
    grad = u @ middle @ vh
    rows, columns = _x.shape[-2:]
    if rows > columns and used(gu):  # what leaves the space of the columns of U
        outside = gu - u @ (u.mT @ gu)
        grad = grad + outside / across @ vh
    if columns > rows and used(gvh):
        outside = gvh - gvh @ vh.mT @ vh
        grad = grad + u @ (outside / down)
    return grad


def _svd_jvp(tangents: tuple[Any, ...], ans: Any, _x: Any) -> Any:
    change = tangents[0]
    u, s, vh = ans
    across = s[..., None, :]
    down = s[..., :, None]
    inside = u.mT @ change @ vh.mT
    gaps = gaps_of(s * s)
    apart = 1 - np.eye(s.shape[-1], dtype=s.dtype)
    turn_u = apart * (inside * across + down * inside.mT) / gaps
    turn_v = apart * (down * inside + inside.mT * across) / gaps
    by_u = u @ turn_u
    by_v = turn_v.mT @ vh
    rows, columns = _x.shape[-2:]
    if rows > columns:
        moved = change @ vh.mT
        by_u = by_u + (moved - u @ (u.mT @ moved)) / across
    if columns > rows:
        moved = u.mT @ change
        by_v = by_v + (moved - moved @ vh.mT @ vh) / down
    return by_u, _diagonal.on(inside, offset=0), by_v


@op(vjp=(_svd_back,), jvp=_svd_jvp, name="svd")
def _svd(x: Any) -> Any:
    return tuple(guarded(partial(np.linalg.svd, full_matrices=False), "svd", x, LOST))


def _full_refused(_first: Any, _ans: Any, _x: Any) -> Any:
    raise GradientError(
        f"svd: full_matrices=True has no derivative by the vectors beyond the first {min(_x.shape[-2:])} for the shape "
        f"{_x.shape}: they are any that are orthogonal to those. Use full_matrices=False"
    )


def _svd_full_back(g: Any, ans: Any, _x: Any) -> Any:
    gu, gs, gvh = g
    u, s, vh = ans
    k = s.shape[-1]
    for extra in (gu[..., k:], gvh[..., k:, :]):
        if (all_values(extra._data) if isinstance(extra, Value) else extra).any():
            _full_refused(g, ans, _x)
    return _svd_back((gu[..., :k], gs, gvh[..., :k, :]), (u[..., :k], s, vh[..., :k, :]), _x)


@op(vjp=(_svd_full_back,), jvp=_full_refused, name="full_svd")
def _svd_full(x: Any) -> Any:
    return tuple(guarded(np.linalg.svd, "svd", x, LOST))


def svd(x: Any, full_matrices: bool = True) -> SVD:
    """The singular value decomposition x = U @ diag(S) @ Vh, with orthonormal columns of U and rows of Vh.

    Each pair of vectors may change its sign together; only what does not depend on that has a meaningful gradient.
    Where singular values are equal, and U or Vh is used, the gradient is NaN or infinite, as in PyTorch; so it
    is where one is 0 and `x` is not square. The gradient by S alone is always finite (Townsend 2016, "Differentiating
    the singular value decomposition").

    Args:
        x: (..., m, n); integers give float64.
        full_matrices: U is (..., m, m) and Vh (..., n, n); otherwise, with k = min(m, n), (..., m, k) and (..., k, n).

    Returns:
        ``(U, S, Vh)``; S is (..., k), from the largest down.

    Raises:
        ShapeError: fewer than two axes.
        LinAlgError: LAPACK found none, as it may where there is NaN or infinity in `x`.
        GradientError: in the backward pass, where vectors beyond the first k have a cotangent that is not 0.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> U, S, Vh = gd.linalg.svd(gd.tensor([[0.0, 2.0], [3.0, 0.0]]))
        >>> S
        tensor([3., 2.])
    """
    x = matrices(x, "svd")
    parts: Any = _svd_full(x) if full_matrices and x.shape[-1] != x.shape[-2] else _svd(x)
    return SVD(*parts)


def _svdvals_back(g: Any, _ans: Any, x: Any) -> Any:
    u, _, vh = _svd.on(x)
    return (u * g[..., None, :]) @ vh


def _svdvals_jvp(tangents: tuple[Any, ...], _ans: Any, x: Any) -> Any:
    u, _, vh = _svd.on(x)
    return _diagonal.on(u.mT @ tangents[0] @ vh.mT, offset=0)


@op(vjp=(_svdvals_back,), jvp=_svdvals_jvp, name="svdvals")
def _svdvals(x: Any) -> Any:
    return guarded(partial(np.linalg.svd, compute_uv=False), "svdvals", x, LOST)


def svdvals(x: Any) -> Tensor:
    """The singular values of matrices, from the largest down.

    The gradient is U diag(g) Vᵀ, finite where some are equal; its own gradient is not finite there.

    Args:
        x: (..., m, n); integers give float64.

    Returns:
        (..., min(m, n)).

    Raises:
        ShapeError: fewer than two axes.
        LinAlgError: LAPACK found none, as it may where there is NaN or infinity in `x`.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.svdvals(gd.tensor([[0.0, 2.0], [3.0, 0.0]]))
        tensor([3., 2.])
    """
    return _svdvals(matrices(x, "svdvals"))


for _made in (_cholesky, _qr, _qr_complete, _svd, _svd_full, _svdvals):
    _made.batch = batch_in_front(_made)
