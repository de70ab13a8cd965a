"""Single operations with PyTorch."""

import math
from typing import Any

import torch
from ops.problem import measure_with

__all__ = ["FUNCTIONS", "measure"]

ROOT = math.sqrt(2 / math.pi)


def normalise(x: Any, scale: Any, shift: Any) -> Any:
    """Layer normalisation, written out."""
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + 1e-5) * scale + shift


def halves_multiplied(x: Any) -> Any:
    """Both halves of the last axis, times each other."""
    a, b = torch.split(x, x.shape[1] // 2, 1)
    return a * b


def neighbours_added(x: Any) -> Any:
    """The sum of all entries of the first axis, one by one."""
    total, *rest = torch.unbind(x)
    for part in rest:
        total = total + part
    return total


FUNCTIONS = {
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
    "logsumexp": lambda x, axis: torch.logsumexp(x, axis),
    "sum": lambda x, axis: torch.sum(x, axis),
    "mean": lambda x, axis: torch.mean(x, axis),
    "var": lambda x, axis: torch.var(x, axis, correction=0),
    "std": lambda x, axis: torch.std(x, axis, correction=0),
    "max": lambda x, axis: torch.amax(x, () if axis is None else axis),
    "min": lambda x, axis: torch.amin(x, () if axis is None else axis),
    "prod": lambda x, axis: torch.prod(x) if axis is None else torch.prod(x, axis),
    "argmax": lambda x, axis: torch.argmax(x, axis),
    "cumsum": lambda x, axis: torch.cumsum(x, axis),
    "cumprod": lambda x, axis: torch.cumprod(x, axis),
    **{name: getattr(torch, name) for name in ("exp", "tanh", "sigmoid", "relu", "erf", "square", "abs", "log")},
    **{name: getattr(torch, name) for name in ("sqrt", "add", "multiply", "divide", "maximum", "matmul")},
    "silu": torch.nn.functional.silu,
    "sort": lambda x: torch.sort(x).values,
    "einsum": lambda *xs, subscripts: torch.einsum(subscripts, *xs),
    "rows": lambda x, i: x[i],
    "slice": lambda x: x[:, 100:900],
    "columns": lambda x: x[:, :, 5],
    "mask": lambda x, m: torch.where(m, x, 0.0),
    "take_along_axis": lambda x, i: torch.take_along_dim(x, i, 1),
    "pairs": lambda x, i, j: x[i, j],
    "scatter_add": lambda x, i, y: torch.index_add(x, 0, i, y),
    "where": lambda x, y: torch.where(x > 0.5, x, y),
    "concat": lambda x, y: torch.cat([x, y], 1),
    "stack": lambda x, y: torch.stack([x, y], 1),
    "split": halves_multiplied,
    "unstack": neighbours_added,
    "pad": lambda x: torch.nn.functional.pad(x, (2, 2, 2, 2)),
    "transpose": lambda x: x.permute(0, 2, 1).reshape(64, -1),
    "topk": lambda x, k: torch.topk(x, k).values,
    "power": lambda x, exponent: x**exponent,
    "normalise": normalise,
    "gelu_by_tanh": lambda x: 0.5 * x * (1 + torch.tanh(ROOT * (x + 0.044715 * x * x * x))),
}


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time them."""
    return measure_with(FUNCTIONS, lambda x: torch.from_numpy(x).requires_grad_(), torch.from_numpy, seed, quick)
