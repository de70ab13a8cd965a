"""What PyTorch calls the rest of the mathematics: trigonometry, special, rounding, scan, norms, triangle."""

from collections.abc import Callable
from typing import Any

import torch


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (axis,)


def _running(function: Callable[..., Any], first: float) -> Callable[..., Any]:
    def call(x: Any, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
        result = function(x.reshape(-1), 0) if axis is None else function(x, axis)
        if not include_initial:
            return result
        shape = list(result.shape)
        shape[axis or 0] = 1
        return torch.cat([torch.full(shape, first, dtype=result.dtype), result], axis or 0)

    return call


def _prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    result = x.clone()
    for i in sorted([a % max(x.ndim, 1) for a in _axes(x, axis)], reverse=True):
        result = torch.prod(result, i, keepdim=keepdims)
    return result


def _std(x: Any, axis: Any = None, keepdims: bool = False, correction: float = 0) -> Any:
    if x.numel() == 0:  # torch.std of nothing warns
        return torch.sqrt(torch.mean(x, axis, keepdim=keepdims))
    return torch.std(x, dim=_axes(x, axis), keepdim=keepdims, correction=correction)


def _norm(x: Any, p: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    axes = _axes(x, axis)
    if axes == () and x.ndim:  # torch takes no axes for all
        return torch.abs(x)
    return torch.linalg.vector_norm(x, p, axes or None, keepdim=keepdims)


def _diff(x: Any, *ends: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    prepend, append = ends or (prepend, append)

    lengths = [1 if i == axis % x.ndim else length for i, length in enumerate(x.shape)]

    def end(part: Any) -> Any:
        if part is None:
            return None
        part = torch.as_tensor(part, dtype=x.dtype)
        return part if part.ndim else part.expand(lengths)

    return torch.diff(x, n, axis, end(prepend), end(append)) if n else x


CALLS: dict[str, Callable[..., Any]] = {
    "diff": _diff,
    "acos": torch.acos,
    "acosh": torch.acosh,
    "asin": torch.asin,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "atan2": torch.atan2,
    "atanh": torch.atanh,
    "ceil": torch.ceil,
    "copysign": torch.copysign,
    "cosh": torch.cosh,
    "cumprod": _running(torch.cumprod, 1),
    "cumsum": _running(torch.cumsum, 0),
    "cumulative_prod": _running(torch.cumprod, 1),
    "cumulative_sum": _running(torch.cumsum, 0),
    "erf": torch.erf,
    "hypot": torch.hypot,
    "log2": torch.log2,
    "log10": torch.log10,
    "logaddexp": torch.logaddexp,
    "logit": torch.logit,
    "norm": _norm,
    "prod": _prod,
    "reciprocal": torch.reciprocal,
    "round": lambda x, decimals=0: torch.round(x, decimals=decimals),
    "silu": torch.nn.functional.silu,
    "sinh": torch.sinh,
    "softplus": torch.nn.functional.softplus,
    "std": _std,
    "tan": torch.tan,
    "tril": lambda x, k=0: torch.tril(x, k),
    "triu": lambda x, k=0: torch.triu(x, k),
    "trunc": torch.trunc,
}
