"""Cross entropy: one op, whose second output is what its rule multiplies: softmax(logits) - onehot(ids)."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import apply, array_like, in_front, op, sum_to

from ._checks import REDUCTIONS, check_reduction

__all__ = ["cross_entropy"]

_HALF = np.dtype(np.float16)
_INT64 = np.dtype(np.int64)


def _flat(ids: Any, classes: int) -> Any:
    """Where each sample's class stands in the flattened (N, C) array."""
    if ids.dtype != _INT64:
        ids = ids.astype(_INT64)
    # as an unsigned number a negative one is huge: one pass finds both kinds of error
    if ids.size and np.maximum.reduce(ids.view(np.uint64)) >= classes:
        wrong = ids[(ids < 0) | (ids >= classes)]
        raise IndexError(
            f"cross_entropy: class id {wrong[0]} is out of range: logits with {classes} classes have ids 0 to "
            f"{classes - 1} ({wrong.size} of {ids.size} ids are wrong)"
        )
    return np.arange(0, ids.size * classes, classes) + ids


def _every(x: Any, axis: int | None, count: int) -> Any:
    """The batch in front, repeated where all entries share one."""
    return np.broadcast_to(x, (count, *x.shape)) if axis is None else in_front(x, axis)


def _scaled_by_logits(g: Any, _ans: Any, logits: Any, _error: Any, scale: Any) -> Any:
    raised = np.exp(logits - np.maximum.reduce(logits, axis=1, keepdims=True))
    softmax = raised / np.add.reduce(raised, axis=1, keepdims=True)
    weighted = g * scale * softmax
    return weighted - softmax * np.add.reduce(weighted, axis=1, keepdims=True)


def _scaled_by_scale(g: Any, _ans: Any, logits: Any, error: Any, _scale: Any) -> Any:
    return sum_to.on(g * _scaled_error.on(logits, error, np.ones((), error.dtype)), shape=_scale.shape)


def _scaled_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> tuple[Any, int]:
    count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)
    logits, error = (_every(a, axis, count) for a, axis in zip(inputs[:2], axes[:2], strict=True))
    scale = _every(inputs[2], axes[2], count)
    scale = np.reshape(scale, (count, *(1,) * (3 - scale.ndim), *scale.shape[1:]))
    rows = np.reshape(np.broadcast_to(scale, (*logits.shape[:2], 1)), (-1, 1))
    flat = logits.shape[-1]
    return np.reshape(
        _scaled_error.on(np.reshape(logits, (-1, flat)), np.reshape(error, (-1, flat)), rows), logits.shape
    ), 0


@op(vjp=(_scaled_by_logits, None, _scaled_by_scale), batch=_scaled_batch, name="cross_entropy")
def _scaled_error(logits: Any, error: Any, scale: Any) -> Any:
    """`error` times `scale`: `error` is a function of the logits, and its derivative goes to them."""
    return error * scale


def _cross_entropy_by_logits(g: Any, ans: Any, logits: Any, _ids: Any, *, reduction: str) -> Any:
    loss = g[0]  # nothing but this rule sees the second output, so its cotangent is none
    scale = loss / len(logits) if reduction == "mean" else loss if reduction == "sum" else loss[:, None]
    return _scaled_error.on(logits, ans[1], scale)


def _cross_entropy_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, reduction: str) -> tuple[Any, int]:
    count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)
    logits, ids = (_every(a, axis, count) for a, axis in zip(inputs, axes, strict=True))
    loss, error = _cross_entropy.on(
        np.reshape(logits, (-1, logits.shape[-1])), np.reshape(ids, (-1,)), reduction="none"
    )
    loss = np.reshape(loss, ids.shape)
    if reduction != "none":
        loss = np.sum(loss, axis=1) if reduction == "sum" else np.mean(loss, axis=1)
    return (loss, np.reshape(error, logits.shape)), 0


@op(vjp=(_cross_entropy_by_logits, None), batch=_cross_entropy_batch, name="cross_entropy")
def _cross_entropy(logits: Any, ids: Any, *, reduction: str) -> Any:
    """The loss, and softmax(logits) - onehot(ids), from logits (N, C) and ids (N,)."""
    half = logits.dtype == _HALF
    x = logits.astype(np.float32) if half else logits  # sums of float16 overflow at 65,504
    error = np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), order="C")
    right = _flat(ids, x.shape[1])
    flat = error.reshape(-1)  # a view
    picked = flat[right]
    np.exp(error, error)
    total = np.add.reduce(error, axis=1, keepdims=True)
    error /= total
    flat[right] -= 1
    loss = np.log(total).reshape(-1)
    loss -= picked
    if reduction != "none":
        loss = np.add.reduce(loss)
    if reduction == "mean":
        loss = loss / len(x)
    return (loss.astype(_HALF), error.astype(_HALF)) if half else (loss, error)


def _rows_of_classes(x: Any) -> Any:
    """(N, C, a, b, ...) as (N * a * b * ..., C), and (C,) as (1, C)."""
    if x.ndim == 1:
        return gd.expand_dims(x)
    return gd.moveaxis(x, 1, -1).reshape((math.prod(x.shape) // x.shape[1], x.shape[1]))


def cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> gd.Tensor:
    """-log softmax(logits)[target], the cross entropy of class scores with the right classes, as one stable operation.

    With probabilities p as target, -sum(p * log softmax(logits)) over the classes.

    Args:
        logits: scores (N, C), or (N, C, a, ...), or (C,) for one sample; any real numbers, before any softmax.
        target: integers, the class ids, of the shape of `logits` without the class axis; or floats, the probabilities
            of the classes, of the shape of `logits`.
        reduction: "mean" over the N * a * ... samples, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `logits` without the class axis.

    Raises:
        ShapeError: the shapes do not fit, there are no classes, or the mean is over no samples.
        IndexError: a class id is negative, or not below C.
        DTypeError: the target is neither integers nor floats, or is floats where ids should be.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> logits = gd.tensor([[0.0, 0.0], [50.0, 0.0]])
        >>> round(F.cross_entropy(logits, [0, 0], reduction="sum").item(), 4)
        0.6931
        >>> F.cross_entropy(logits, [1, 1], reduction="none")[1]
        tensor(50.)
    """
    x = array_like(logits)
    y = array_like(target)
    shape = x.shape
    usual = len(shape) == 2 and y.shape == shape[:1] and y.dtype.kind in "iu" and x.dtype.kind == "f" and 0 not in shape
    if usual and reduction in REDUCTIONS:
        return apply(_cross_entropy, (x, y), {"reduction": reduction})[0]
    check_reduction(reduction, "cross_entropy")
    _check_target(x, y, reduction)
    samples = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if y.dtype.kind == "f":
        losses = -gd.sum(y * gd.log_softmax(x, min(len(shape) - 1, 1)), min(len(shape) - 1, 1))
        return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()
    loss = apply(_cross_entropy, (_rows_of_classes(x), y.reshape(-1)), {"reduction": reduction})[0]
    return loss.reshape(samples) if reduction == "none" else loss


def _check_target(x: Any, y: Any, reduction: str) -> None:
    """Raise the error that says why these two do not go together, if they do not."""
    shape = x.shape
    if x.ndim == 0:
        raise ShapeError("cross_entropy: the logits are a single number, and need an axis of classes: (N, C) or (C,)")
    if x.dtype.kind != "f":
        raise DTypeError(f"cross_entropy: logits are floats, and these are {x.dtype}: use logits.astype('float32')")
    ids = shape[:1] + shape[2:] if x.ndim > 1 else ()
    axis = min(x.ndim - 1, 1)
    wanted = f"logits of shape {shape} go with class ids of shape {ids}, or with probabilities of shape {shape}"
    if y.dtype.kind not in "iuf":
        raise DTypeError(f"cross_entropy: {wanted}; this target is {y.dtype}: use target.astype('int64')")
    if y.shape == shape and y.dtype.kind != "f":
        raise DTypeError(
            f"cross_entropy: {wanted}; this target has the shape of probabilities and is {y.dtype}: "
            f"use target.argmax(axis={axis}) for ids, or target.astype('{x.dtype}')"
        )
    if y.shape == ids and y.dtype.kind == "f":
        raise DTypeError(
            f"cross_entropy: {wanted}; this target has the shape of ids and is {y.dtype}: use target.astype('int64')"
        )
    if y.shape != (shape if y.dtype.kind == "f" else ids):
        advice = f": use target.reshape({ids})" if math.prod(y.shape) == math.prod(ids) else ""
        raise ShapeError(f"cross_entropy: {wanted}; this target has shape {y.shape}{advice}")
    if shape[axis] == 0:
        raise ShapeError(f"cross_entropy: logits of shape {shape} have no classes: axis {axis} must not be empty")
    if reduction == "mean" and 0 in ids:
        raise ShapeError(f"cross_entropy: the mean over no samples, of logits of shape {shape}: use reduction='sum'")
