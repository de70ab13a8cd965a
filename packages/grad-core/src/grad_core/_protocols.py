"""What NumPy's functions do with tensors: two tables, from ufunc and from function to our op.

`np.exp(tensor)`, `ndarray * tensor` and `np.concatenate([tensor, ...])` come here. What is in no table raises and names
itself: nothing detaches silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._node import Value
from .errors import ConversionError, UnsupportedError
from .ops import elementwise, fill, linalg, logic, reduce, shape

__all__ = ["FUNCTIONS", "REDUCTIONS", "UFUNCS", "Protocols"]

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.absolute: elementwise.abs,
    np.add: elementwise.add,
    np.bitwise_and: logic.bitwise_and,
    np.bitwise_not: logic.bitwise_invert,
    np.bitwise_or: logic.bitwise_or,
    np.bitwise_xor: logic.bitwise_xor,
    np.cos: elementwise.cos,
    np.divide: elementwise.divide,
    np.equal: logic.equal,
    np.exp: elementwise.exp,
    np.expm1: elementwise.expm1,
    np.floor: elementwise.floor,
    np.floor_divide: elementwise.floor_divide,
    np.greater: logic.greater,
    np.greater_equal: logic.greater_equal,
    np.isfinite: logic.isfinite,
    np.isinf: logic.isinf,
    np.isnan: logic.isnan,
    np.less: logic.less,
    np.less_equal: logic.less_equal,
    np.log: elementwise.log,
    np.log1p: elementwise.log1p,
    np.logical_and: logic.logical_and,
    np.logical_not: logic.logical_not,
    np.logical_or: logic.logical_or,
    np.logical_xor: logic.logical_xor,
    np.matmul: linalg.matmul,
    np.maximum: elementwise.maximum,
    np.minimum: elementwise.minimum,
    np.multiply: elementwise.multiply,
    np.negative: elementwise.negative,
    np.not_equal: logic.not_equal,
    np.positive: elementwise.positive,
    np.power: elementwise.pow,
    np.remainder: elementwise.remainder,
    np.sign: elementwise.sign,
    np.sin: elementwise.sin,
    np.sqrt: elementwise.sqrt,
    np.square: elementwise.square,
    np.subtract: elementwise.subtract,
    np.tanh: elementwise.tanh,
}

# `np.add.reduce(tensor, axis)`, which is also how rules write a sum
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.sum,
    np.logical_and: reduce.all,
    np.logical_or: reduce.any,
    np.maximum: reduce.max,
    np.minimum: reduce.min,
}


def _var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return reduce.var(x, axis, correction=ddof, keepdims=keepdims)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.all: reduce.all,
    np.amax: reduce.max,
    np.amin: reduce.min,
    np.any: reduce.any,
    np.argmax: reduce.argmax,
    np.argmin: reduce.argmin,
    np.broadcast_to: shape.broadcast_to,
    np.clip: elementwise.clip,
    np.concatenate: shape.concat,
    np.empty_like: fill.empty_like,
    np.expand_dims: shape.expand_dims,
    np.full_like: fill.full_like,
    np.matrix_transpose: shape.matrix_transpose,
    np.max: reduce.max,
    np.mean: reduce.mean,
    np.min: reduce.min,
    np.moveaxis: shape.moveaxis,
    np.ndim: lambda x: x.ndim,
    np.ones_like: fill.ones_like,
    np.ravel: shape.ravel,
    np.reshape: shape.reshape,
    np.shape: lambda x: x.shape,
    np.size: lambda x: x.size,
    np.squeeze: shape.squeeze,
    np.stack: shape.stack,
    np.sum: reduce.sum,
    np.swapaxes: shape.swapaxes,
    np.transpose: shape.transpose,
    np.var: _var,
    np.where: elementwise.where,
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
