"""The softmax family: the largest element is subtracted first, so nothing overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core._op import op
from grad_core._sums import total

from ._axes import Axes, keep_axes, need_elements, one_axis, reduced_shape, some_axes
from ._batching import batch_past_axes
from ._quick import for_large_arrays
from ._rows import (
    log_softmax_by_rows,
    log_softmax_by_rows_back,
    log_sum_exp_by_rows,
    softmax_by_rows,
    softmax_by_rows_back,
    trailing_rows,
)

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["log_softmax", "logsumexp", "softmax"]

_Axes = tuple[int, ...] | None  # counted from the front; None for all

# NumPy's stubs do not take None for an axis together with a bool for keepdims, which NumPy itself does
_add: Any = total
_largest: Any = np.maximum.reduce


def _finite(x: Any) -> Any:
    """x, with 0 in place of infinities and NaN: what is subtracted must not turn -inf into NaN."""
    return np.where(np.isfinite(x), x, 0)


def _weigh(g: Any, ans: Any, x: Any, axis: _Axes, keepdims: bool) -> Any:
    weights = np.exp(x - _finite(keep_axes(ans, x.shape, axis, keepdims)))  # the softmax of x
    return keep_axes(g, x.shape, axis, keepdims) * weights


@op(vjp=(_weigh,))
def _logsumexp(x: Any, *, axis: _Axes, keepdims: bool) -> Any:
    rows = trailing_rows(x, axis)
    if rows is not None:
        return log_sum_exp_by_rows(rows).reshape(reduced_shape(x.shape, axis, keepdims))
    top = _finite(_largest(x, axis=axis, keepdims=True))
    summed = _add(np.exp(x - top), axis=axis, keepdims=keepdims)
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where every element is -inf
        return np.log(summed) + (top if keepdims else top.reshape(summed.shape))


def logsumexp(x: Any, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over one axis, several, or all, without overflow; -inf where every element is -inf.

    Args:
        x: any shape of floats, with at least one element along `axis`.
        axis: an axis, a tuple of them, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ShapeError: an axis that is not there, or a sum over no elements.

    Example:
        >>> import grad_core as gd
        >>> round(gd.logsumexp(gd.tensor([1000.0, 1000.0])).item(), 2)
        1000.69
    """
    x = array_like(x)
    axes = some_axes(axis, x.ndim, "logsumexp")
    need_elements(x.shape, axes, "logsumexp")
    return _logsumexp(x, axis=axes, keepdims=keepdims)


def _softmax_back_by_rows(g: Any, ans: Any, _x: Any, *, axis: int) -> Any:
    rows, weights = trailing_rows(g, axis), trailing_rows(ans, axis)
    return NotImplemented if rows is None or weights is None else softmax_by_rows_back(rows, weights).reshape(g.shape)


@for_large_arrays(_softmax_back_by_rows)
def _softmax_back(g: Any, ans: Any, _x: Any, *, axis: int) -> Any:
    return ans * (g - np.add.reduce(g * ans, axis=axis, keepdims=True))


@op(vjp=(_softmax_back,))
def _softmax(x: Any, *, axis: int) -> Any:
    rows = trailing_rows(x, axis)
    if rows is not None:
        return softmax_by_rows(rows).reshape(x.shape)
    raised = np.exp(x - _largest(x, axis=axis, keepdims=True))
    raised /= np.add.reduce(raised, axis=axis, keepdims=True)
    return raised


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis: positive numbers that sum to 1 there.

    Args:
        x: floats with at least one element along `axis`.
        axis: one axis.

    Raises:
        ShapeError: the axis is not there, or has no elements.

    Example:
        >>> import grad_core as gd
        >>> gd.softmax(gd.tensor([0.0, 0.0, 1000.0]))
        tensor([0., 0., 1.])
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "softmax")
    need_elements(x.shape, (chosen,), "softmax")
    return _softmax(x, axis=chosen)


def _log_softmax_back_by_rows(g: Any, ans: Any, _x: Any, *, axis: int) -> Any:
    rows, logs = trailing_rows(g, axis), trailing_rows(ans, axis)
    return NotImplemented if rows is None or logs is None else log_softmax_by_rows_back(rows, logs).reshape(g.shape)


@for_large_arrays(_log_softmax_back_by_rows)
def _log_softmax_back(g: Any, ans: Any, _x: Any, *, axis: int) -> Any:
    return g - np.exp(ans) * np.add.reduce(g, axis=axis, keepdims=True)


@op(vjp=(_log_softmax_back,))
def _log_softmax(x: Any, *, axis: int) -> Any:
    rows = trailing_rows(x, axis)
    if rows is not None:
        return log_softmax_by_rows(rows).reshape(x.shape)
    shifted = x - _largest(x, axis=axis, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x)) along an axis, exact where softmax itself would round to 0.

    Args:
        x: floats with at least one element along `axis`.
        axis: one axis.

    Raises:
        ShapeError: the axis is not there, or has no elements.

    Example:
        >>> import grad_core as gd
        >>> gd.log_softmax(gd.tensor([0.0, 1000.0]))
        tensor([-1000.,     0.])
    """
    x = array_like(x)
    chosen = one_axis(axis, x.ndim, "log_softmax")
    need_elements(x.shape, (chosen,), "log_softmax")
    return _log_softmax(x, axis=chosen)


for _made in (_logsumexp, _softmax, _log_softmax):
    _made.batch = batch_past_axes(_made)
