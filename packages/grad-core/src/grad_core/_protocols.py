"""What NumPy's functions do with tensors: two tables, from ufunc and from function to our op.

`np.exp(tensor)`, `ndarray * tensor` and `np.concatenate([tensor, ...])` come here. What is in no table raises and names
itself: nothing detaches silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _numpy as n
from ._node import Value
from .errors import ConversionError, UnsupportedError
from .ops import (
    arithmetic,
    arrange,
    decompositions,
    determinants,
    eigen,
    einsum,
    exponentials,
    fill,
    find,
    grids,
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
    solving,
    sort,
    triangle,
    trigonometry,
)

__all__ = ["FUNCTIONS", "REDUCTIONS", "UFUNCS", "Protocols"]

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.absolute: arithmetic.abs,
    np.add: arithmetic.add,
    np.arccos: trigonometry.acos,
    np.arccosh: trigonometry.acosh,
    np.arcsin: trigonometry.asin,
    np.arcsinh: trigonometry.asinh,
    np.arctan2: trigonometry.atan2,
    np.arctan: trigonometry.atan,
    np.arctanh: trigonometry.atanh,
    np.bitwise_and: logic.bitwise_and,
    np.bitwise_left_shift: rounding.bitwise_left_shift,
    np.bitwise_not: logic.bitwise_invert,
    np.bitwise_or: logic.bitwise_or,
    np.bitwise_right_shift: rounding.bitwise_right_shift,
    np.bitwise_xor: logic.bitwise_xor,
    np.ceil: rounding.ceil,
    np.conjugate: arithmetic.positive,
    np.copysign: rounding.copysign,
    np.cos: trigonometry.cos,
    np.cosh: trigonometry.cosh,
    np.deg2rad: n.radians,
    np.degrees: n.degrees,
    np.divide: arithmetic.divide,
    np.equal: logic.equal,
    np.exp: exponentials.exp,
    np.exp2: n.exp2,
    np.expm1: exponentials.expm1,
    np.fabs: arithmetic.abs,
    np.floor: arithmetic.floor,
    np.floor_divide: arithmetic.floor_divide,
    np.greater: logic.greater,
    np.greater_equal: logic.greater_equal,
    np.hypot: trigonometry.hypot,
    np.isfinite: logic.isfinite,
    np.isinf: logic.isinf,
    np.isnan: logic.isnan,
    np.less: logic.less,
    np.less_equal: logic.less_equal,
    np.log10: exponentials.log10,
    np.log1p: exponentials.log1p,
    np.log2: exponentials.log2,
    np.log: exponentials.log,
    np.logaddexp: exponentials.logaddexp,
    np.logical_and: logic.logical_and,
    np.logical_not: logic.logical_not,
    np.logical_or: logic.logical_or,
    np.logical_xor: logic.logical_xor,
    np.matmul: linalg.matmul,
    np.maximum: piecewise.maximum,
    np.minimum: piecewise.minimum,
    np.multiply: arithmetic.multiply,
    np.negative: arithmetic.negative,
    np.nextafter: rounding.nextafter,
    np.not_equal: logic.not_equal,
    np.positive: arithmetic.positive,
    np.power: arithmetic.pow,
    np.rad2deg: n.degrees,
    np.radians: n.radians,
    np.reciprocal: arithmetic.reciprocal,
    np.remainder: arithmetic.remainder,
    np.rint: rounding.round,
    np.sign: arithmetic.sign,
    np.signbit: rounding.signbit,
    np.sin: trigonometry.sin,
    np.sinh: trigonometry.sinh,
    np.sqrt: arithmetic.sqrt,
    np.square: arithmetic.square,
    np.subtract: arithmetic.subtract,
    np.tan: trigonometry.tan,
    np.tanh: trigonometry.tanh,
    np.trunc: rounding.trunc,
    np.vecdot: products.vecdot,
}

# `np.add.reduce(tensor, axis)`, which is also how rules write a sum
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.sum,
    np.logical_and: reduce.all,
    np.logical_or: reduce.any,
    np.maximum: reduce.max,
    np.minimum: reduce.min,
    np.multiply: scan.prod,
}


def _var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return reduce.var(x, axis, correction=ddof, keepdims=keepdims)


def _std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return norms.std(x, axis, correction=ddof, keepdims=keepdims)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002 - NumPy's name
    if ord is None:
        return norms.norm(x, 2, axis, keepdims=keepdims)
    if isinstance(axis, tuple) and len(axis) == 2:
        result = measures.matrix_norm(shape.moveaxis(x, axis, (-2, -1)), ord)
        return shape.expand_dims(result, tuple([a % x.ndim for a in axis])) if keepdims else result
    if axis is None and x.ndim == 2:
        return measures.matrix_norm(x, ord, keepdims=keepdims)
    return measures.vector_norm(x, ord, axis, keepdims=keepdims)


def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return pieces.diagonal(x, offset, -2, -1)


def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return measures.trace(x, offset, -2, -1, dtype=dtype)


def _numpy_trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return measures.trace(a, offset, axis1, axis2, dtype=dtype)


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return decompositions.svd(a, full_matrices) if compute_uv else decompositions.svdvals(a)


def _pinv(a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    return solving.pinv(a, rtol=rtol if rcond is None else rcond)


def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    return sort.searchsorted(a, v, side=side, sorter=sorter)


def _unstack(x: Any, /, *, axis: int = 0) -> Any:
    return pieces.unstack(x, axis)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.all: reduce.all,
    np.allclose: n.allclose,
    np.amax: reduce.max,
    np.amin: reduce.min,
    np.any: reduce.any,
    np.argmax: reduce.argmax,
    np.argmin: reduce.argmin,
    np.argsort: sort.argsort,
    np.argwhere: n.argwhere,
    np.array_equal: n.array_equal,
    np.astype: n.astype,
    np.atleast_1d: n.atleast_1d,
    np.atleast_2d: n.atleast_2d,
    np.average: n.average,
    np.broadcast_arrays: arrange.broadcast_arrays,
    np.broadcast_to: shape.broadcast_to,
    np.clip: piecewise.clip,
    np.column_stack: n.column_stack,
    np.concatenate: shape.concat,
    np.copy: n.copy,
    np.count_nonzero: norms.count_nonzero,
    np.cumprod: scan.cumprod,
    np.cumsum: scan.cumsum,
    np.cumulative_prod: scan.cumulative_prod,
    np.cumulative_sum: scan.cumulative_sum,
    np.diagonal: pieces.diagonal,
    np.diff: scan.diff,
    np.dot: products.dot,
    np.dstack: n.dstack,
    np.einsum: einsum.einsum,
    np.empty_like: fill.empty_like,
    np.expand_dims: shape.expand_dims,
    np.flatnonzero: n.flatnonzero,
    np.flip: arrange.flip,
    np.fliplr: n.fliplr,
    np.flipud: n.flipud,
    np.full_like: fill.full_like,
    np.hstack: n.hstack,
    np.inner: n.inner,
    np.isclose: n.isclose,
    np.iscomplexobj: lambda x: False,
    np.isin: n.isin,
    np.isrealobj: lambda x: True,
    np.kron: products.kron,
    np.linalg.cholesky: decompositions.cholesky,
    np.linalg.cond: measures.cond,
    np.linalg.cross: products.cross,
    np.linalg.det: determinants.det,
    np.linalg.diagonal: _diagonal,
    np.linalg.eigh: eigen.eigh,
    np.linalg.eigvalsh: eigen.eigvalsh,
    np.linalg.inv: solving.inv,
    np.linalg.matmul: linalg.matmul,
    np.linalg.matrix_norm: measures.matrix_norm,
    np.linalg.matrix_power: solving.matrix_power,
    np.linalg.matrix_rank: measures.matrix_rank,
    np.linalg.matrix_transpose: shape.matrix_transpose,
    np.linalg.norm: _norm,
    np.linalg.outer: products.outer,
    np.linalg.pinv: _pinv,
    np.linalg.qr: decompositions.qr,
    np.linalg.slogdet: determinants.slogdet,
    np.linalg.solve: solving.solve,
    np.linalg.svd: _svd,
    np.linalg.svdvals: decompositions.svdvals,
    np.linalg.tensordot: products.tensordot,
    np.linalg.trace: _trace,
    np.linalg.vecdot: products.vecdot,
    np.linalg.vector_norm: measures.vector_norm,
    np.matrix_transpose: shape.matrix_transpose,
    np.max: reduce.max,
    np.mean: reduce.mean,
    np.meshgrid: grids.meshgrid,
    np.min: reduce.min,
    np.moveaxis: shape.moveaxis,
    np.ndim: lambda x: x.ndim,
    np.nonzero: find.nonzero,
    np.ones_like: fill.ones_like,
    np.outer: products.outer,
    np.pad: arrange.pad,
    np.prod: scan.prod,
    np.ptp: n.ptp,
    np.ravel: shape.ravel,
    np.repeat: arrange.repeat,
    np.reshape: shape.reshape,
    np.roll: arrange.roll,
    np.round: rounding.round,
    np.searchsorted: _searchsorted,
    np.shape: lambda x: x.shape,
    np.size: lambda x: x.size,
    np.sort: sort.sort,
    np.split: pieces.split,
    np.squeeze: shape.squeeze,
    np.stack: shape.stack,
    np.std: _std,
    np.sum: reduce.sum,
    np.swapaxes: shape.swapaxes,
    np.take: pick.take,
    np.take_along_axis: pick.take_along_axis,
    np.tensordot: products.tensordot,
    np.tile: arrange.tile,
    np.trace: _numpy_trace,
    np.transpose: shape.transpose,
    np.tril: triangle.tril,
    np.triu: triangle.triu,
    np.unique_all: sort.unique_all,
    np.unique_counts: sort.unique_counts,
    np.unique_inverse: sort.unique_inverse,
    np.unique_values: sort.unique_values,
    np.unstack: _unstack,
    np.var: _var,
    np.vstack: n.vstack,
    np.where: piecewise.where,
    np.zeros_like: fill.zeros_like,
}


class Protocols:
    """The part of Tensor that answers NumPy."""

    __slots__ = ()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] | None = None, **options: Any
    ) -> Any:
        table = UFUNCS if method == "__call__" else REDUCTIONS if method == "reduce" else {}
        op = table.get(ufunc)
        if op is None:
            raise _unsupported(f"numpy.{ufunc.__name__}" + (f".{method}" if method != "__call__" else ""))
        if method == "__call__" and options:
            raise UnsupportedError(
                f"numpy.{ufunc.__name__}: the option {next(iter(options))!r} is not supported for tensors"
            )
        if method == "reduce" and "axis" not in options:
            options["axis"] = 0  # NumPy's default for ufunc.reduce
        result = _call(op, f"numpy.{ufunc.__name__}.{method}", inputs, options)
        return result if out is None else _write(result, out[0], ufunc.__name__)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        handler = FUNCTIONS.get(function)
        name = f"{function.__module__}.{function.__name__}"
        if handler is None:
            raise _unsupported(name)
        return _call(handler, name, args, kwargs)


def _call(handler: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return handler(*args, **kwargs)
    except TypeError as error:
        if "unexpected keyword argument" in str(error) or "positional argument" in str(error):
            raise UnsupportedError(
                f"{name}: {str(error).partition('() ')[2]}: this option is not supported for tensors"
            ) from None
        raise


def _write(result: Any, out: Any, name: str) -> Any:
    """`ndarray += tensor` arrives here: the values go into the array, unless that would lose a history."""
    if isinstance(out, Value):
        raise UnsupportedError(
            f"numpy.{name}: out= cannot be a tensor; write t = np.{name}(...), which keeps the history"
        )
    if result.requires_grad:
        raise ConversionError(
            f"numpy.{name}: writing a tensor that requires grad into a plain array would lose its history: "
            "write it the other way round, t = array + tensor, or use tensor.detach()"
        )
    np.copyto(out, result._data)
    return out


def _unsupported(name: str) -> UnsupportedError:
    return UnsupportedError(
        f"{name} has no counterpart in grad_core: compose it from functions of grad_core, declare an op with "
        "grad_core.extend, or call it on tensor.detach().numpy() where no gradient is needed"
    )
