"""Operators and methods of Tensor, each one line over the function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._op import apply
from .ops import (
    arithmetic,
    arrange,
    exponentials,
    index,
    linalg,
    logic,
    measures,
    norms,
    pick,
    pieces,
    piecewise,
    products,
    reduce,
    rounding,
    scan,
    shape,
    sort,
    trigonometry,
)
from .ops._axes import Axes

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = ["Methods"]


def _shape_args(args: tuple[Any, ...]) -> Any:
    """Both spellings, ``x.reshape(2, 3)`` and ``x.reshape((2, 3))``."""
    return args[0] if len(args) == 1 and not isinstance(args[0], int) else args


class Methods:
    """The part of Tensor that computes, all of it elsewhere."""

    __slots__ = ()

    # In-place spellings, x += y, are left to Python, which binds the name to a new tensor.

    def __add__(self, y: Any) -> Tensor:
        return apply(arithmetic.add, (self, y))

    def __radd__(self, y: Any) -> Tensor:
        return apply(arithmetic.add, (y, self))

    def __sub__(self, y: Any) -> Tensor:
        return apply(arithmetic.subtract, (self, y))

    def __rsub__(self, y: Any) -> Tensor:
        return apply(arithmetic.subtract, (y, self))

    def __mul__(self, y: Any) -> Tensor:
        return apply(arithmetic.multiply, (self, y))

    def __rmul__(self, y: Any) -> Tensor:
        return apply(arithmetic.multiply, (y, self))

    def __truediv__(self, y: Any) -> Tensor:
        return apply(arithmetic.divide, (self, y))

    def __rtruediv__(self, y: Any) -> Tensor:
        return apply(arithmetic.divide, (y, self))

    def __floordiv__(self, y: Any) -> Tensor:
        return apply(arithmetic.floor_divide, (self, y))

    def __rfloordiv__(self, y: Any) -> Tensor:
        return apply(arithmetic.floor_divide, (y, self))

    def __mod__(self, y: Any) -> Tensor:
        return apply(arithmetic.remainder, (self, y))

    def __rmod__(self, y: Any) -> Tensor:
        return apply(arithmetic.remainder, (y, self))

    def __pow__(self, y: Any) -> Tensor:
        return apply(arithmetic.pow, (self, y))

    def __rpow__(self, y: Any) -> Tensor:
        return apply(arithmetic.pow, (y, self))

    def __matmul__(self, y: Any) -> Tensor:
        return linalg.matmul(self, y)

    def __rmatmul__(self, y: Any) -> Tensor:
        return linalg.matmul(y, self)

    def __neg__(self) -> Tensor:
        return apply(arithmetic.negative, (self,))

    def __pos__(self) -> Tensor:
        return apply(arithmetic.positive, (self,))

    def __abs__(self) -> Tensor:
        return apply(arithmetic.abs, (self,))

    def __lt__(self, y: Any) -> Tensor:
        return apply(logic.less, (self, y))

    def __le__(self, y: Any) -> Tensor:
        return apply(logic.less_equal, (self, y))

    def __gt__(self, y: Any) -> Tensor:
        return apply(logic.greater, (self, y))

    def __ge__(self, y: Any) -> Tensor:
        return apply(logic.greater_equal, (self, y))

    def __eq__(self, y: object) -> Any:
        return NotImplemented if y is None or isinstance(y, str) else apply(logic.equal, (self, y))

    def __ne__(self, y: object) -> Any:
        return NotImplemented if y is None or isinstance(y, str) else apply(logic.not_equal, (self, y))

    __hash__ = object.__hash__  # by identity: tensors are keys of the mapping that `gradients` returns

    def __and__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_and, (self, y))

    def __rand__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_and, (y, self))

    def __or__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_or, (self, y))

    def __ror__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_or, (y, self))

    def __xor__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_xor, (self, y))

    def __rxor__(self, y: Any) -> Tensor:
        return apply(logic.bitwise_xor, (y, self))

    def __invert__(self) -> Tensor:
        return apply(logic.bitwise_invert, (self,))

    def __lshift__(self, y: Any) -> Tensor:
        return apply(rounding.bitwise_left_shift, (self, y))

    def __rlshift__(self, y: Any) -> Tensor:
        return apply(rounding.bitwise_left_shift, (y, self))

    def __rshift__(self, y: Any) -> Tensor:
        return apply(rounding.bitwise_right_shift, (self, y))

    def __rrshift__(self, y: Any) -> Tensor:
        return apply(rounding.bitwise_right_shift, (y, self))

    def __getitem__(self, key: Any) -> Tensor:
        return index.getitem(self, key)

    # Reductions

    def sum(self, axis: Axes = None, *, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """See ``grad_core.sum``."""
        return reduce.sum(self, axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.mean``."""
        return reduce.mean(self, axis, keepdims=keepdims)

    def var(self, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
        """See ``grad_core.var``."""
        return reduce.var(self, axis, correction=correction, keepdims=keepdims)

    def std(self, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
        """See ``grad_core.std``."""
        return norms.std(self, axis, correction=correction, keepdims=keepdims)

    def prod(self, axis: Axes = None, *, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """See ``grad_core.prod``."""
        return scan.prod(self, axis, dtype=dtype, keepdims=keepdims)

    def norm(self, p: float = 2, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.norm``."""
        return norms.norm(self, p, axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """See ``grad_core.cumsum``."""
        return scan.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """See ``grad_core.cumprod``."""
        return scan.cumprod(self, axis)

    def max(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.max``."""
        return reduce.max(self, axis, keepdims=keepdims)

    def min(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.min``."""
        return reduce.min(self, axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.argmax``."""
        return reduce.argmax(self, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.argmin``."""
        return reduce.argmin(self, axis, keepdims=keepdims)

    def any(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.any``."""
        return reduce.any(self, axis, keepdims=keepdims)

    def all(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """See ``grad_core.all``."""
        return reduce.all(self, axis, keepdims=keepdims)

    # Shape

    def reshape(self, *shape_: Any) -> Tensor:
        """See ``grad_core.reshape``; the lengths may be one tuple or several arguments."""
        return shape.reshape(self, _shape_args(shape_))

    def transpose(self, *axes: Any) -> Tensor:
        """See ``grad_core.transpose``; without axes all are turned round."""
        return shape.transpose(self, _shape_args(axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """See ``grad_core.swapaxes``."""
        return shape.swapaxes(self, axis1, axis2)

    def flatten(self, start_axis: int = 0, end_axis: int = -1) -> Tensor:
        """See ``grad_core.flatten``."""
        return shape.flatten(self, start_axis, end_axis)

    def ravel(self) -> Tensor:
        """See ``grad_core.ravel``."""
        return shape.ravel(self)

    def squeeze(self, axis: Axes = None) -> Tensor:
        """See ``grad_core.squeeze``."""
        return shape.squeeze(self, axis)

    def astype(self, dtype: Any) -> Tensor:
        """See ``grad_core.astype``."""
        return shape.astype(self, dtype)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """All axes turned round, as in NumPy."""
        return shape.transpose(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - the name of the array API standard
        """The last two axes exchanged."""
        return shape.matrix_transpose(self)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """See ``grad_core.repeat``: NumPy's meaning, each element several times."""
        return arrange.repeat(self, repeats, axis)

    def diagonal(self, offset: int = 0) -> Tensor:
        """See ``grad_core.diagonal``."""
        return pieces.diagonal(self, offset)

    def trace(self, offset: int = 0) -> Tensor:
        """See ``grad_core.trace``."""
        return measures.trace(self, offset)

    # Positions and products

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """See ``grad_core.take``."""
        return pick.take(self, indices, axis)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """See ``grad_core.masked_fill``."""
        return pick.masked_fill(self, mask, value)

    def argsort(self, axis: int = -1, *, descending: bool = False) -> Tensor:
        """See ``grad_core.argsort``."""
        return sort.argsort(self, axis, descending=descending)

    def topk(self, k: int, axis: int = -1, *, largest: bool = True) -> Any:
        """See ``grad_core.topk``."""
        return sort.topk(self, k, axis, largest=largest)

    def dot(self, y: Any) -> Tensor:
        """See ``grad_core.dot``."""
        return products.dot(self, y)

    # Elementwise

    def __round__(self, decimals: int = 0) -> Tensor:
        return rounding.round(self, decimals)

    def exp(self) -> Tensor:
        """See ``grad_core.exp``."""
        return exponentials.exp(self)

    def log(self) -> Tensor:
        """See ``grad_core.log``."""
        return exponentials.log(self)

    def sqrt(self) -> Tensor:
        """See ``grad_core.sqrt``."""
        return arithmetic.sqrt(self)

    def tanh(self) -> Tensor:
        """See ``grad_core.tanh``."""
        return trigonometry.tanh(self)

    def sigmoid(self) -> Tensor:
        """See ``grad_core.sigmoid``."""
        return exponentials.sigmoid(self)

    def relu(self) -> Tensor:
        """See ``grad_core.relu``."""
        return piecewise.relu(self)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See ``grad_core.clip``."""
        return piecewise.clip(self, min, max)
