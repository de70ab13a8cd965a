"""Functions whose rules in the standard differ from those of ``grad_core``, or that it alone has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._dtypes import resolve_dtype
from grad_core._exchange import check_device
from grad_core._node import Value, array_like
from grad_core.ops import arithmetic, fill, norms, reduce
from grad_core.ops import shape as moves
from grad_core.ops._axes import Axes, some_axes

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["astype", "broadcast_shapes", "conj", "imag", "mean", "real", "reshape", "std", "var"]


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """See ``grad_core.astype``; without a copy, where none is wanted and the dtype stays."""
    check_device(device, "astype")
    if not copy and isinstance(x, Value) and x._data.dtype == resolve_dtype(dtype):
        same: Any = x
        return same  # type: ignore[no-any-return]
    return moves.astype(x, dtype)


def reshape(x: Any, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """See ``grad_core.reshape``; `copy` demands a copy (True) or forbids one (False, ValueError if it is needed)."""
    result = moves.reshape(x, shape)
    shared = isinstance(x, Value) and np.may_share_memory(x._data, result._data)
    if copy is False and not shared:
        raise ValueError(f"reshape: copy=False, and shape {array_like(x).shape} cannot become {shape} without a copy")
    return moves.astype(result, result.dtype) if copy and shared else result


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to."""
    return np.broadcast_shapes(*shapes)


# Over too few elements the standard gives NaN, where `grad_core` raises


def _too_few(x: Any, axis: Axes, keepdims: bool, correction: float, name: str) -> Tensor | None:
    axes = some_axes(axis, x.ndim, name)
    if math.prod(x.shape if axes is None else [x.shape[i] for i in axes]) > correction:
        return None
    total = reduce.sum(x, axes, keepdims=keepdims)
    return arithmetic.multiply(total, math.nan)


def mean(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """See ``grad_core.mean``; over nothing it is NaN."""
    x = array_like(x)
    nothing = _too_few(x, axis, keepdims, 0, "mean")
    return reduce.mean(x, axis, keepdims=keepdims) if nothing is None else nothing


def var(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """See ``grad_core.var``; over no more elements than `correction` it is NaN."""
    x = array_like(x)
    nothing = _too_few(x, axis, keepdims, correction, "var")
    return reduce.var(x, axis, correction=correction, keepdims=keepdims) if nothing is None else nothing


def std(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """See ``grad_core.std``; over no more elements than `correction` it is NaN."""
    x = array_like(x)
    nothing = _too_few(x, axis, keepdims, correction, "std")
    return norms.std(x, axis, correction=correction, keepdims=keepdims) if nothing is None else nothing


# Of real numbers


def conj(x: Any, /) -> Tensor:
    """The complex conjugate, of a real number the number itself."""
    return arithmetic.positive(x)


def real(x: Any, /) -> Tensor:
    """The real part, of a real number the number itself."""
    return arithmetic.positive(x)


def imag(x: Any, /) -> Tensor:
    """The imaginary part, of a real number 0."""
    return fill.zeros_like(x)
