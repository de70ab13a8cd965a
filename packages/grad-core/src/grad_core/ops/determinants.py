"""Determinants, with gradients that hold for singular matrices too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grad_core._op import nondiff, op

from ._matrices import LOST, as_diagonal, batch_in_front, guarded, matrices
from ._select import select
from .decompositions import _svd
from .pieces import _diagonal
from .solving import _inv

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["det", "slogdet"]

# The gradient of the determinant is the matrix of cofactors, C. It is det(x) x⁻ᵀ where x has an inverse; at any rank it
# is, by the singular value decomposition x = U diag(s) Vᵀ,
#     C = det(U) det(V) U diag(p) Vᵀ,  p_i = the product of all s but s_i.
# Its own derivative along d, with e = Uᵀ d V and q_ij = the product of all s but s_i and s_j, is
#     det(U) det(V) U f Vᵀ,  f_ii = the sum over j != i of q_ij e_jj,  f_ij = -q_ij e_ji.
# This is the second derivative of det, a symmetric map: what carries tangents of C forward carries cotangents back.


def _products_but_one(s: Any) -> Any:
    """p_i, without dividing by s_i, which may be 0."""
    return np.prod(np.where(np.eye(s.shape[-1], dtype=np.bool_), 1, s[..., None, :]), axis=-1)


def _products_but_two(s: Any) -> Any:
    """q_ij, and 0 on the diagonal."""
    same = np.eye(s.shape[-1], dtype=np.bool_)
    return select.on(~same, np.prod(np.where(same[:, None] | same, 1, s[..., None, None, :]), axis=-1))


@nondiff()
def _turning(u: Any, vh: Any) -> Any:
    """det(U) det(V), which is 1 or -1, for each pair of orthogonal matrices: (..., 1, 1)."""
    return np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


@nondiff()
def _is_regular(x: Any) -> Any:
    """Whether x is so far from singular that two factors of its inverse lose few digits: (..., 1, 1)."""
    s = guarded(partial(np.linalg.svd, compute_uv=False), "the second gradient of det", x, LOST)
    least = np.max(s, axis=-1, keepdims=True, initial=0) * np.finfo(x.dtype).eps ** (1 / 6)
    return (s > least).all(axis=-1, keepdims=True)[..., None]


def _cofactors_back(g: Any, _ans: Any, x: Any) -> Any:
    # By the inverse where there is one, for that has derivatives of every order, and those of the decomposition end
    # where two singular values are equal. Each way gets harmless matrices in place of those that are the other's.
    regular = _is_regular.on(x)
    safe = np.where(regular, x, np.eye(x.shape[-1], dtype=x.dtype))
    turned = _inv.on(safe).mT
    inside = np.sum(turned * g, axis=(-2, -1), keepdims=True)
    by_inverse = _det.on(safe)[..., None, None] * (turned * inside - turned @ g.mT @ turned)
    apart = np.diag(np.arange(1, x.shape[-1] + 1, dtype=x.dtype))
    u, s, vh = _svd.on(np.where(regular, apart, x))
    e = u.mT @ g @ vh.mT
    q = _products_but_two(s)
    f = as_diagonal((q @ _diagonal.on(e, offset=0)[..., None])[..., 0]) - q * e.mT
    by_svd = _turning.on(u, vh) * (u @ f @ vh)
    return select.on(regular, by_inverse) + select.on(~regular, by_svd)


@op(vjp=(_cofactors_back,), jvp=lambda tangents, ans, x: _cofactors_back(tangents[0], ans, x))
def _cofactors(x: Any) -> Any:
    # the inverse is several times faster than the decomposition, which is left for those whose inverse is not accurate
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.linalg.det(x)
        invertible = np.asarray(value != 0)
        inverse = np.linalg.inv(np.where(invertible[..., None, None], x, np.eye(x.shape[-1], dtype=x.dtype)))
        out: Any = value[..., None, None] * inverse.mT
        growth = (x * x).sum((-2, -1)) * (inverse * inverse).sum((-2, -1))  # at least the condition number squared
        weak = ~(invertible & np.isfinite(value) & (growth < np.finfo(x.dtype).eps ** (-2 / 3)))
    weak &= np.isfinite(x).all((-2, -1))  # the others have NaN already
    if weak.any():
        u, s, vh = guarded(np.linalg.svd, "the gradient of det", x[weak], LOST)
        out[weak] = _turning.forward(u, vh) * ((u * _products_but_one(s)[..., None, :]) @ vh)
    return out


def _det_back(g: Any, _ans: Any, x: Any) -> Any:
    return g[..., None, None] * _cofactors.on(x)


def _det_jvp(tangents: tuple[Any, ...], _ans: Any, x: Any) -> Any:
    return np.sum(_cofactors.on(x) * tangents[0], axis=(-2, -1))


@op(vjp=(_det_back,), jvp=_det_jvp, name="det")
def _det(x: Any) -> Any:
    return np.linalg.det(x)


def det(x: Any) -> Tensor:
    """The determinant of square matrices; 1 for a matrix without rows.

    The gradient is the matrix of cofactors, det(x) x⁻ᵀ where x has an inverse. It is computed from the singular values
    without dividing by any, so it is finite and right at every rank: at rank n - 1 a matrix of rank 1, below it 0.
    The second derivative is right at every rank too; further ones of a singular matrix are NaN where it has equal
    singular values. The logarithm of a determinant, which does not overflow, is ``slogdet``.

    Args:
        x: (..., n, n); integers give float64.

    Returns:
        The shape of `x` without the last two axes.

    Raises:
        ShapeError: it is not square.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([[2.0, 0.0], [0.0, 0.0]], requires_grad=True)
        >>> y = gd.linalg.det(x)
        >>> y.backward()
        >>> y.item(), abs(x.grad).tolist()
        (0.0, [[0.0, 0.0], [0.0, 2.0]])
    """
    return _det(matrices(x, "det", square=""))


class SlogDet(NamedTuple):
    """The result of ``slogdet``."""

    sign: Tensor
    logabsdet: Tensor


def _slogdet_back(g: Any, _ans: Any, x: Any) -> Any:
    return g[1][..., None, None] * _inv.on(x).mT


def _slogdet_jvp(tangents: tuple[Any, ...], ans: Any, x: Any) -> Any:
    return np.zeros_like(ans[0]), np.sum(_inv.on(x).mT * tangents[0], axis=(-2, -1))


@op(vjp=(_slogdet_back,), jvp=_slogdet_jvp, name="slogdet")
def _slogdet(x: Any) -> Any:
    return tuple(np.linalg.slogdet(x))


def slogdet(x: Any) -> SlogDet:
    """The sign of the determinant of square matrices, and the logarithm of its size: it neither overflows nor vanishes.

    The gradient of the logarithm is x⁻ᵀ; the sign has none.

    Args:
        x: (..., n, n); integers give float64.

    Returns:
        ``(sign, logabsdet)``, each of the shape of `x` without the last two axes: 1, -1 or 0, and for 0 -inf.

    Raises:
        ShapeError: it is not square.
        LinAlgError: in the backward pass, where a matrix is singular: the logarithm has no gradient there.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.slogdet(gd.tensor([[0.0, 1.0], [1.0, 0.0]]))
        SlogDet(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    parts: Any = _slogdet(matrices(x, "slogdet", square=""))
    return SlogDet(*parts)


for _made in (_cofactors, _det, _slogdet, _turning, _is_regular):
    _made.batch = batch_in_front(_made)
