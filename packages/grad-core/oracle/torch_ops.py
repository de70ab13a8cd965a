"""What PyTorch calls the functions of grad_core: shared by the comparison and by the script that records its values."""

from collections.abc import Callable
from typing import Any

import torch
from torch_arrange import CALLS as ARRANGE
from torch_conv import CALLS as CONV
from torch_linalg import CALLS as LINALG
from torch_math import CALLS as MATH


def _axes(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def _over_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        axes = _axes(x, axis)
        return (
            x.clone()
            if axes == () and function is not torch.var
            else function(x, dim=axes, keepdim=keepdims, **options)
        )

    return call


def _var(x: Any, axis: Any = None, keepdims: bool = False, correction: float = 0) -> Any:
    if axis == () or x.numel() == 0:  # torch.var of nothing warns, and by no axes means by all
        return (x - x) ** 2 if axis == () else torch.mean((x - x.mean(axis, keepdim=True)) ** 2, axis, keepdim=keepdims)
    return torch.var(x, dim=_axes(x, axis), keepdim=keepdims, correction=correction)


def _clip(x: Any, *bounds: Any, min: Any = None, max: Any = None) -> Any:
    low, high = bounds or (min, max)
    return torch.clamp(x, low, high) if not (low is None and high is None) else x.clone()


def _mask_or(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(torch.as_tensor(k) if hasattr(k, "shape") else k for k in key)
    return torch.as_tensor(key) if hasattr(key, "shape") else key


def _getitem(x: Any, key: Any) -> Any:
    steps = key if isinstance(key, tuple) else (key,)
    if any(isinstance(k, slice) and (k.step or 1) < 0 for k in steps):
        return torch.flip(x, [0])[:: -key.step][: len(range(*key.indices(x.shape[0])))]
    return x[_mask_or(key)]


def _setitem(x: Any, value: Any, key: Any) -> Any:
    where = _getitem(torch.arange(x.numel()).reshape(x.shape), key)
    value = value.reshape(value.shape[max(0, value.ndim - where.ndim) :]).expand(where.shape)
    return x.reshape(-1).index_copy(0, where.reshape(-1), value.reshape(-1)).reshape(x.shape)


def _scatter_add(x: Any, values: Any, index: Any) -> Any:
    places = torch.arange(x.numel()).reshape(x.shape)
    where = _getitem(places, index)
    return x.reshape(-1).index_add(0, where.reshape(-1), values.expand(where.shape).reshape(-1)).reshape(x.shape)


def _squeeze(x: Any, axis: Any = None) -> Any:
    return torch.squeeze(x) if axis is None else torch.squeeze(x, axis)


def _expand_dims(x: Any, axis: Any) -> Any:
    for a in sorted(i % (x.ndim + len(axis)) for i in axis) if isinstance(axis, tuple) else (axis,):
        x = x.unsqueeze(a)
    return x


def _concat(*arrays: Any, axis: Any = 0) -> Any:
    return torch.cat([a.reshape(-1) for a in arrays]) if axis is None else torch.cat(arrays, axis)


CALLS: dict[str, Callable[..., Any]] = {
    **ARRANGE,
    **CONV,
    **LINALG,
    **MATH,
    "abs": torch.abs,
    "add": torch.add,
    "astype": lambda x, dtype: x.to(torch.float64),
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "clip": _clip,
    "concat": _concat,
    "cos": torch.cos,
    "divide": torch.divide,
    "exp": torch.exp,
    "expand_dims": _expand_dims,
    "expm1": torch.expm1,
    "flatten": lambda x, start_axis=0, end_axis=-1: torch.flatten(x, start_axis, end_axis),
    "floor": torch.floor,
    "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "getitem": _getitem,
    "log": torch.log,
    "log1p": torch.log1p,
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "logsumexp": _over_axes(torch.logsumexp),
    "matmul": torch.matmul,
    "matrix_transpose": lambda x: x.mT,
    "max": _over_axes(torch.amax),
    "maximum": torch.maximum,
    "mean": _over_axes(torch.mean),
    "min": _over_axes(torch.amin),
    "minimum": torch.minimum,
    "moveaxis": torch.moveaxis,
    "multiply": torch.multiply,
    "negative": torch.negative,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "positive": lambda x: x.clone(),
    "pow": torch.pow,
    "ravel": torch.ravel,
    "relu": torch.relu,
    "remainder": torch.remainder,
    "reshape": lambda x, shape: torch.reshape(x, shape),
    "scatter_add": _scatter_add,
    "setitem": _setitem,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "sin": torch.sin,
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "sqrt": torch.sqrt,
    "square": torch.square,
    "squeeze": _squeeze,
    "stack": lambda *arrays, axis=0: torch.stack(arrays, axis),
    "subtract": torch.subtract,
    "sum": lambda x, axis=None, keepdims=False, dtype=None: _over_axes(torch.sum)(x, axis, keepdims),
    "swapaxes": lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2),
    "tanh": torch.tanh,
    "transpose": lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    "var": _var,
    "where": torch.where,
}
