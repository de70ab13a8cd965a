"""What the functions of linear algebra share: the arrays they take, what they say of others, and their batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grad_core._batched import batch_first
from grad_core._node import array_like
from grad_core._op import Op, Rule
from grad_core.errors import DTypeError, LinAlgError, ShapeError

from .pieces import _on_diagonal
from .shape import astype

__all__ = ["LOST", "as_diagonal", "batch_in_front", "floating", "gaps_of", "guarded", "matrices", "symmetric", "used"]

LOST = "has no decomposition that could be computed: look for NaN or infinity in it"


def floating(x: Any, name: str) -> Any:
    """`x` in a dtype that LAPACK takes; integers become float64, as in NumPy."""
    x = array_like(x)
    if x.dtype == np.float16:
        raise DTypeError(
            f"{name}: cannot take float16: NumPy's linear algebra computes in float32 and float64; "
            "use x.astype('float32'), through which the gradient comes back as float16"
        )
    return x if x.dtype.kind == "f" else astype(x, np.float64)


def matrices(x: Any, name: str, *, square: str | None = None) -> Any:
    """`x` as matrices over its last two axes; with `square`, the remedy for those that are not, only square ones."""
    x = array_like(x)
    if x.ndim < 2:
        raise ShapeError(
            f"{name}: shape {x.shape} is not that of a matrix: it needs two axes, rows and columns, after those of the "
            "batch, if any"
        )
    if square is not None and x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"{name}: shape {x.shape} has {x.shape[-2]} rows and {x.shape[-1]} columns, and the matrix must be square"
            f"{'; ' if square else ''}{square}"
        )
    return floating(x, name)


def guarded(function: Callable[..., Any], name: str, x: Any, trouble: str) -> Any:
    """``function(x)``; where NumPy gives up, the error names the op, the first matrix that is to blame, and why."""
    try:
        return function(x)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{name}: {_culprit(function, x)} {trouble}") from error


def _culprit(function: Callable[..., Any], x: Any) -> str:
    """The first matrix of the batch on which `function` fails."""
    if x.ndim > 2:
        for index in np.ndindex(x.shape[:-2]):
            try:
                function(x[index])
            except np.linalg.LinAlgError:
                return f"the matrix at {index if len(index) > 1 else index[0]} of the batch of shape {x.shape}"
    return f"the matrix of shape {x.shape}"


def used(g: Any) -> bool:
    """Whether the cotangent of one of several results says anything.

    Where a result was not used, the engine gives the rule an array of zeros, and never a tensor. Its part of a rule is
    then left out: where singular values or eigenvalues are equal it would be 0 times infinity.
    """
    return type(g) is not np.ndarray or bool(g.any())


def as_diagonal(x: Any) -> Any:
    """The last axis as the diagonal of square matrices."""
    return _on_diagonal.on(x, offset=0, shape=(x.shape[-1], x.shape[-1]))


def gaps_of(values: Any) -> Any:
    """values_j - values_i, and 1 on the diagonal."""
    return values[..., None, :] - values[..., :, None] + np.eye(values.shape[-1], dtype=values.dtype)


def symmetric(x: Any) -> Any:
    """The symmetric part of square matrices."""
    return (x + x.mT) * 0.5


def batch_in_front(made: Op) -> Rule:
    """The batch rule of ops over the last two axes: the batch axis moves to the front, and leading axes broadcast."""

    def batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
        rank = max(x.ndim - (axis is not None) for x, axis in zip(inputs, axes, strict=True))
        return made.on(*[batch_first(x, axis, rank) for x, axis in zip(inputs, axes, strict=True)], **params), 0

    return batch
