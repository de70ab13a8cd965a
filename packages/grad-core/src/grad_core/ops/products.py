"""Products of two arrays: inner, outer, over chosen axes, and Kronecker's."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grad_core._node import array_like
from grad_core.errors import ShapeError

from ._axes import one_axis, some_axes
from ._contract import contract
from .arithmetic import multiply, subtract
from .arrange import roll
from .einsum import sum_products
from .shape import moveaxis, ravel, reshape

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["cross", "dot", "kron", "outer", "tensordot", "vecdot"]


def dot(x: Any, y: Any) -> Tensor:
    """NumPy's dot: the inner product over the last axis of `x` and the last but one of `y`, or its only one.

    For two matrices the matrix product, for two vectors a number, for a number and an array their product. Further
    axes do not broadcast as those of ``matmul`` do: each of `x` meets each of `y`.

    Args:
        x: (..., k), or a number.
        y: (..., k, m), (k,), or a number.

    Returns:
        The shape of `x` without k, then that of `y` without k.

    Raises:
        ShapeError: the lengths k differ.

    Example:
        >>> import grad_core as gd
        >>> gd.dot(gd.tensor([1.0, 2.0]), gd.tensor([3.0, 4.0]))
        tensor(11.)
    """
    x = array_like(x)
    y = array_like(y)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    return _over(x, y, (x.ndim - 1,), (max(y.ndim - 2, 0),), "dot")


def tensordot(x: Any, y: Any, axes: int | Sequence[Any] = 2) -> Tensor:
    """The sum of products over some axes of both arrays.

    Args:
        x: any shape.
        y: any shape.
        axes: how many: the last of `x` with the first of `y`, in order, and 0 for the outer product; or a pair of
            axes, or of sequences of axes: those of `x`, and those of `y` that go with them.

    Returns:
        The other axes of `x`, then those of `y`.

    Raises:
        ShapeError: lengths that differ, axes that are not there, named twice, or not as many on both sides.

    Example:
        >>> import grad_core as gd
        >>> gd.tensordot(gd.ones((2, 3, 4)), gd.ones((4, 3, 5)), axes=([1, 2], [1, 0])).shape
        (2, 5)
    """
    x = array_like(x)
    y = array_like(y)
    if isinstance(axes, tuple | list):
        if len(axes) != 2:
            raise ShapeError(f"tensordot: axes is a number or a pair, axes of x and axes of y, and this is {axes!r}")
        of_x = some_axes(axes[0], x.ndim, "tensordot") or ()
        of_y = some_axes(axes[1], y.ndim, "tensordot") or ()
        if len(of_x) != len(of_y):
            raise ShapeError(f"tensordot: {len(of_x)} axes of x, {axes[0]}, and {len(of_y)} of y, {axes[1]}")
        return _over(x, y, of_x, of_y, "tensordot")
    number: Any = axes
    try:
        count = operator.index(number)
    except TypeError as error:
        raise ShapeError(
            f"tensordot: axes is a number or a pair, axes of x and axes of y, and this is {axes!r}"
        ) from error
    if not 0 <= count <= min(x.ndim, y.ndim):
        raise ShapeError(f"tensordot: axes={count} of shapes {x.shape} and {y.shape}: both need so many axes")
    return _over(x, y, tuple(range(x.ndim - count, x.ndim)), tuple(range(count)), "tensordot")


def _over(x: Any, y: Any, of_x: tuple[int, ...], of_y: tuple[int, ...], name: str) -> Tensor:
    left = tuple(range(x.ndim))
    right = list(range(x.ndim, x.ndim + y.ndim))
    for i, j in zip(of_x, of_y, strict=True):
        if x.shape[i] != y.shape[j]:
            raise ShapeError(
                f"{name}: shapes {x.shape} and {y.shape} do not fit: axis {i} of the first has length {x.shape[i]}, "
                f"axis {j} of the second {y.shape[j]}, and they must be equal"
            )
        right[j] = i
    out = tuple([i for i in left if i not in of_x] + [i for i in right if i >= x.ndim])
    return contract(x, y, left=left, right=tuple(right), kept=out)


def outer(x: Any, y: Any) -> Tensor:
    """Every product of an element of `x` and one of `y`: x[i] * y[j], both flattened first.

    Example:
        >>> import grad_core as gd
        >>> gd.outer(gd.tensor([1.0, 2.0]), gd.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    return contract(ravel(x), ravel(y), left=(0,), right=(1,), kept=(0, 1))


def vecdot(x: Any, y: Any, axis: int = -1) -> Tensor:
    """The inner product along an axis of both, sum(x * y, axis); the other axes broadcast.

    Args:
        x: one axis or more.
        y: one axis or more.
        axis: of each; best a negative one, which means the same for both.

    Raises:
        ShapeError: the lengths along `axis` differ, the others do not broadcast, or it is not there.

    Example:
        >>> import grad_core as gd
        >>> gd.vecdot(gd.tensor([[1.0, 2.0], [3.0, 4.0]]), gd.tensor([10.0, 1.0]))
        tensor([12., 34.])
    """
    x = array_like(x)
    y = array_like(y)
    of_x = one_axis(axis, x.ndim, "vecdot")
    of_y = one_axis(axis, y.ndim, "vecdot")
    if x.shape[of_x] != y.shape[of_y]:
        raise ShapeError(
            f"vecdot: shapes {x.shape} and {y.shape} have lengths {x.shape[of_x]} and {y.shape[of_y]} along axis "
            f"{axis}, and they must be equal"
        )
    moved = [x if i == x.ndim - 1 else moveaxis(x, i, -1) for x, i in ((x, of_x), (y, of_y))]
    return sum_products("...i,...i->...", moved, "vecdot")


def cross(x: Any, y: Any, axis: int = -1) -> Tensor:
    """The vector product of vectors with three elements, at right angles to both.

    Args:
        x: length 3 along `axis`.
        y: length 3 along `axis`; the other axes broadcast.
        axis: of each; best a negative one, which means the same for both.

    Raises:
        ShapeError: another length along `axis`, or the other axes do not broadcast.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.cross(gd.tensor([1.0, 0.0, 0.0]), gd.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    x = array_like(x)
    y = array_like(y)
    of_x = one_axis(axis, x.ndim, "cross")
    of_y = one_axis(axis, y.ndim, "cross")
    if x.shape[of_x] != 3 or y.shape[of_y] != 3:
        raise ShapeError(
            f"cross: shapes {x.shape} and {y.shape} have lengths {x.shape[of_x]} and {y.shape[of_y]} along axis "
            f"{axis}, and the vector product is one of vectors with three elements"
        )
    return subtract(
        multiply(roll(x, -1, of_x), roll(y, -2, of_y)),
        multiply(roll(x, -2, of_x), roll(y, -1, of_y)),
    )


def kron(x: Any, y: Any) -> Tensor:
    """The Kronecker product: each element of `x` in its place, times the whole of `y`.

    Args:
        x: any shape.
        y: any shape; the one with fewer axes gets axes of length 1 in front.

    Returns:
        The lengths of `x` times those of `y`.

    Example:
        >>> import grad_core as gd
        >>> gd.kron(gd.tensor([1.0, 10.0]), gd.tensor([1.0, 2.0]))
        tensor([ 1.,  2., 10., 20.])
    """
    x = array_like(x)
    y = array_like(y)
    rank = max(x.ndim, y.ndim)
    of_x = [1] * (rank - x.ndim) + list(x.shape)
    of_y = [1] * (rank - y.ndim) + list(y.shape)
    apart = multiply(
        reshape(x, tuple([n for length in of_x for n in (length, 1)])),
        reshape(y, tuple([n for length in of_y for n in (1, length)])),
    )
    return reshape(apart, tuple([n * m for n, m in zip(of_x, of_y, strict=True)]))
