"""Inverses: of matrices, of their products with a right-hand side, of those that have none, and their powers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._kinds import sum_to
from grad_core._op import op
from grad_core.errors import ShapeError

from ._matrices import LOST, batch_in_front, floating, guarded, matrices
from .arithmetic import positive
from .linalg import matmul
from .pieces import whole_number
from .piecewise import where
from .shape import reshape

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["inv", "matrix_power", "pinv", "solve"]

SINGULAR = (
    "is singular: it has no inverse. pinv gives the pseudo-inverse; a small multiple of eye(n) added makes it regular"
)


def _inv_back(g: Any, ans: Any, _x: Any) -> Any:
    turned = ans.mT
    return -(turned @ g @ turned)


def _inv_jvp(tangents: tuple[Any, ...], ans: Any, _x: Any) -> Any:
    return -(ans @ tangents[0] @ ans)


@op(vjp=(_inv_back,), jvp=_inv_jvp, name="inv")
def _inv(x: Any) -> Any:
    return guarded(np.linalg.inv, "inv", x, SINGULAR)


_inv.batch = batch_in_front(_inv)


def inv(x: Any) -> Tensor:
    """The inverse of square matrices, y with y @ x = x @ y = I.

    The gradient is -x⁻ᵀ g x⁻ᵀ. To multiply by an inverse, ``solve`` is faster and more accurate.

    Args:
        x: (..., n, n); integers give float64.

    Raises:
        ShapeError: it is not square.
        LinAlgError: it is singular.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.inv(gd.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5 , 0.  ],
                [0.  , 0.25]])
    """
    return _inv(matrices(x, "inv", square="pinv takes any shape"))


def _solve_by_matrix(g: Any, ans: Any, a: Any, _b: Any) -> Any:
    grad = -(_solve.on(a.mT, g) @ ans.mT)
    return grad if grad.shape == a.shape else sum_to.on(grad, shape=a.shape)


def _solve_by_right(g: Any, _ans: Any, a: Any, _b: Any) -> Any:
    grad = _solve.on(a.mT, g)
    return grad if grad.shape == _b.shape else sum_to.on(grad, shape=_b.shape)


def _solve_jvp(tangents: tuple[Any, ...], ans: Any, a: Any, b: Any) -> Any:
    by_a, by_b = tangents
    change = by_b
    if by_a is not None:
        change = -(by_a @ ans) if by_b is None else by_b - by_a @ ans
    return _solve.on(a, change)


def _misfit(a: Any, b: Any, values: int) -> str:
    return (
        f"a matrix of shape {a.shape} and a right-hand side of shape {b.shape} do not fit: "
        f"{a.shape[-1]} equations and {values} values on their right"
    )


def _explain_solve(a: Any, b: Any) -> str | None:
    if b.shape[-2] != a.shape[-1]:
        return _misfit(a, b, b.shape[-2])
    return f"shapes {a.shape} and {b.shape}: the axes before the last two must broadcast, their lengths equal or 1"


@op(vjp=(_solve_by_matrix, _solve_by_right), jvp=_solve_jvp, explain=_explain_solve, name="solve")
def _solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        guarded(np.linalg.inv, "solve", a, SINGULAR)  # finds which matrix it was
        raise


_solve.batch = batch_in_front(_solve)


def solve(a: Any, b: Any) -> Tensor:
    """The x with a @ x = b, for one right-hand side or several side by side.

    With h = solve(aᵀ, g), the gradient by `b` is h, and by `a` it is -h xᵀ.

    Args:
        a: (..., n, n); integers give float64.
        b: (n,), one right-hand side for every matrix; or (..., n, k), k of them, whose leading axes broadcast with
            those of `a`. So NumPy 2 reads it: a batch of vectors is written (..., n, 1).

    Returns:
        (..., n) for a vector, else (..., n, k).

    Raises:
        ShapeError: `a` is not square, or the shapes do not fit.
        LinAlgError: `a` is singular.
        DTypeError: float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.solve(gd.tensor([[2.0, 0.0], [0.0, 4.0]]), gd.tensor([2.0, 2.0]))
        tensor([1. , 0.5])
    """
    a = matrices(a, "solve", square="pinv(a) @ b is the solution with the least squares")
    b = floating(b, "solve")
    if b.ndim == 0:
        raise ShapeError("solve: the right-hand side has no axes; it needs one value for each row, or columns of them")
    if b.ndim > 1:
        return _solve(a, b)
    if b.shape[0] != a.shape[-1]:
        raise ShapeError(f"solve: {_misfit(a, b, b.shape[0])}")
    x = _solve(a, reshape(b, (b.shape[0], 1)))
    return reshape(x, x.shape[:-1])


def _pinv_back(g: Any, ans: Any, x: Any, rtol: float | None) -> Any:
    h = g.mT
    turned = ans.mT
    if x.shape[-2] <= x.shape[-1]:
        k = h @ ans
        kt = k @ turned
        return kt - (ans @ k).mT - x @ ans @ kt + turned @ ans @ (h - k @ x)
    k = ans @ h
    tk = turned @ k
    return tk - (k @ ans).mT + (h - x @ k) @ ans @ turned - tk @ ans @ x


@op(vjp=(_pinv_back,), name="pinv")
def _pinv(x: Any, *, rtol: float | None) -> Any:
    if x.size == 0:
        return np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    least = max(x.shape[-2:]) * np.finfo(x.dtype).eps if rtol is None else rtol
    return guarded(partial(np.linalg.pinv, rcond=least), "pinv", x, LOST)


_pinv.batch = batch_in_front(_pinv)


def pinv(x: Any, *, rtol: float | None = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose: of all y that make x @ y nearest to I, the smallest.

    The gradient is that of Golub and Pereyra (1973), which holds where the rank stays what it is.

    Args:
        x: (..., m, n); integers give float64.
        rtol: singular values of no more than this part of the largest count as 0. None: max(m, n) times the distance
            from 1 to the next number of the dtype, as in the array API standard and PyTorch.

    Returns:
        (..., n, m).

    Raises:
        ShapeError: fewer than two axes.
        LinAlgError: LAPACK found no decomposition, as it may where there is NaN or infinity in `x`.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.pinv(gd.tensor([[2.0, 0.0], [0.0, 0.0]])).numpy().round(6)
        array([[0.5, 0. ],
               [0. , 0. ]], dtype=float32)
    """
    return _pinv(matrices(x, "pinv"), rtol=None if rtol is None else float(rtol))


def matrix_power(x: Any, n: int) -> Tensor:
    """The product of a square matrix with itself, n factors, by squaring; of its inverse where n is negative.

    Args:
        x: (..., m, m); integers give float64.
        n: an integer; 0 gives identity matrices, with a gradient of 0.

    Raises:
        ShapeError: `x` is not square, or `n` is not an integer.
        LinAlgError: n is negative and `x` singular.
        DTypeError: it is float16.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.matrix_power(gd.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
        tensor([[1., 5.],
                [0., 1.]])
    """
    base: Any = matrices(x, "matrix_power", square="")
    left = whole_number(n, "matrix_power: n")
    if left == 0:
        return where(np.zeros((), np.bool_), base, np.eye(base.shape[-1], dtype=base.dtype))
    if left < 0:
        base = inv(base)
        left = -left
    power = None
    while True:
        if left & 1:
            power = base if power is None else matmul(power, base)
        left >>= 1
        if left == 0:
            return positive(power)
        base = matmul(base, base)
