"""Single operations with grad."""

import math
from typing import Any

import grad_core as gd
from ops.problem import measure_with

__all__ = ["FUNCTIONS", "measure"]

ROOT = math.sqrt(2 / math.pi)


def normalise(x: Any, scale: Any, shift: Any) -> Any:
    """Layer normalisation, written out."""
    centred = x - gd.mean(x, axis=-1, keepdims=True)
    return centred / gd.sqrt(gd.mean(centred * centred, axis=-1, keepdims=True) + 1e-5) * scale + shift


def halves_multiplied(x: Any) -> Any:
    """Both halves of the last axis, times each other."""
    a, b = gd.split(x, 2, axis=1)
    return a * b


def neighbours_added(x: Any) -> Any:
    """The sum of all entries of the first axis, one by one."""
    total, *rest = gd.unstack(x)
    for part in rest:
        total = total + part
    return total


FUNCTIONS = {
    **{name: getattr(gd, name) for name in ("softmax", "log_softmax", "logsumexp", "cumsum", "cumprod")},
    **{name: getattr(gd, name) for name in ("sum", "mean", "var", "std", "max", "min", "prod", "argmax")},
    **{name: getattr(gd, name) for name in ("exp", "tanh", "sigmoid", "silu", "relu", "erf", "square", "abs")},
    **{name: getattr(gd, name) for name in ("log", "sqrt", "add", "multiply", "divide", "maximum", "matmul", "sort")},
    "einsum": lambda *xs, subscripts: gd.einsum(subscripts, *xs),
    "rows": lambda x, i: x[i],
    "slice": lambda x: x[:, 100:900],
    "columns": lambda x: x[:, :, 5],
    "mask": lambda x, m: gd.where(m, x, 0.0),
    "take_along_axis": lambda x, i: gd.take_along_axis(x, i, 1),
    "pairs": lambda x, i, j: x[i, j],
    "scatter_add": lambda x, i, y: gd.scatter_add(x, i, y),
    "where": lambda x, y: gd.where(x > 0.5, x, y),
    "concat": lambda x, y: gd.concat([x, y], axis=1),
    "stack": lambda x, y: gd.stack([x, y], axis=1),
    "split": halves_multiplied,
    "unstack": neighbours_added,
    "pad": lambda x: gd.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))),
    "transpose": lambda x: gd.reshape(gd.permute_dims(x, (0, 2, 1)), (64, -1)),
    "topk": lambda x, k: gd.topk(x, k).values,
    "power": lambda x, exponent: x**exponent,
    "normalise": normalise,
    "gelu_by_tanh": lambda x: 0.5 * x * (1 + gd.tanh(ROOT * (x + 0.044715 * x * x * x))),
}


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time them."""
    return measure_with(FUNCTIONS, lambda x: gd.tensor(x, requires_grad=True), gd.tensor, seed, quick)
