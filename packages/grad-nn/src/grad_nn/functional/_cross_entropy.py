"""Cross entropy: one op, whose second output is what its rule multiplies: softmax(logits) - onehot(ids)."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ConversionError, DTypeError, ShapeError
from grad_core.extend import apply, array_like, in_front, op, sum_to

from ._checks import REDUCTIONS, check_reduction
from ._losses_classes import rows_of_classes, sample_weights

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


def cross_entropy(
    logits: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> gd.Tensor:
    """-log softmax(logits)[target], the cross entropy of class scores with the right classes, as one stable operation.

    With probabilities p as target, -sum(p * log softmax(logits)) over the classes.

    Args:
        logits: scores (N, C), or (N, C, a, ...), or (C,) for one sample; any real numbers, before any softmax.
        target: integers, the class ids, of the shape of `logits` without the class axis; or floats, the probabilities
            of the classes, of the shape of `logits`.
        weight: (C,), what each class counts; 1 where not given.
        ignore_index: samples with this id count nothing; it may also lie outside of 0 to C - 1.
        reduction: "mean" over the N * a * ... samples, "sum", or "none" for the loss of each. With ids the mean is
            weighted: the sum divided by the sum of the weights of the ids.
        label_smoothing: in [0, 1], how much of the target is spread evenly over all classes (Szegedy et al. 2015,
            "Rethinking the Inception architecture for computer vision").

    Returns:
        A single number, or for "none" the shape of `logits` without the class axis.

    Raises:
        ShapeError: the shapes do not fit, there are no classes, or the mean is over no samples.
        IndexError: a class id is negative, or not below C.
        DTypeError: the target is neither integers nor floats, or is floats where ids should be.
        RangeError: the mean is over samples that all are ignored.
        ValueError: an unknown reduction, or `label_smoothing` outside [0, 1].

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
    plain = weight is None and not label_smoothing
    if usual and plain and ignore_index < 0 and reduction in REDUCTIONS:
        try:
            return apply(_cross_entropy, (x, y), {"reduction": reduction})[0]
        except IndexError:  # see below
            pass
    check_reduction(reduction, "cross_entropy")
    check_smoothing(label_smoothing, "cross_entropy")
    _check_target(x, y, reduction)
    if y.dtype.kind == "f":
        return _against_probabilities(x, y, weight, reduction, label_smoothing)  # type: ignore[no-any-return]
    samples = shape[:1] + shape[2:] if len(shape) > 1 else ()
    rows = rows_of_classes(x)
    if plain and ignore_index < 0:
        try:
            loss = apply(_cross_entropy, (rows, y.reshape(-1)), {"reduction": reduction})[0]
            return loss.reshape(samples) if reduction == "none" else loss
        except IndexError:  # what is ignored is no class; or an id is wrong, and is found again below
            pass
    safe, counts, kept = sample_weights(y.reshape(-1), weight, rows, ignore_index, reduction, "cross_entropy")
    losses = apply(_cross_entropy, (rows, safe), {"reduction": "none"})[0] * counts
    if label_smoothing:
        spread = gd.log_softmax(rows, 1)
        spread = gd.sum(spread if weight is None else spread * _of_dtype(weight, x.dtype), 1) * kept
        losses = (1 - label_smoothing) * losses - label_smoothing / rows.shape[1] * spread
    return losses.reshape(samples) if reduction == "none" else losses.sum()  # type: ignore[no-any-return]


def _of_dtype(weight: Any, dtype: Any) -> Any:
    return gd.astype(gd.asarray(weight), dtype)


def _against_probabilities(x: Any, y: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    axis = min(x.ndim - 1, 1)
    classes = x.shape[axis]
    if label_smoothing:
        y = y * (1 - label_smoothing) + label_smoothing / classes
    terms = y * gd.log_softmax(x, axis)
    if weight is not None:
        weight = _of_dtype(weight, x.dtype)
        if weight.shape != (classes,):
            raise ShapeError(
                f"cross_entropy: weight has shape {weight.shape}, and there are {classes} classes: it must have shape "
                f"({classes},)"
            )
        terms = terms * weight.reshape((classes, *(1,) * (x.ndim - 1 - axis)))
    losses = -gd.sum(terms, axis)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def check_smoothing(label_smoothing: float, name: str) -> float:
    """`label_smoothing`, if it lies in [0, 1]."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"{name}: label_smoothing is a share of the target, so it lies in [0, 1], and {label_smoothing} does not"
        )
    return label_smoothing


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


def looks_like_probabilities(logits: Any) -> bool:
    """Whether logits (N, C, ...) or (C,) are what a softmax over two or more classes gives; False inside ``vmap``."""
    if not isinstance(logits, gd.Tensor | np.ndarray):
        logits = array_like(logits)
    try:
        x = np.asarray(logits.data if isinstance(logits, gd.Tensor) else logits)
    except ConversionError:
        return False
    axis = min(x.ndim - 1, 1)
    if x.size == 0 or x.ndim == 0 or x.dtype.kind != "f" or x.shape[axis] < 2:
        return False
    if not (x.min() >= 0 and x.max() <= 1):
        return False
    return bool((np.abs(x.sum(axis, dtype=np.float64) - 1) < (5e-3 if x.dtype == _HALF else 1e-4)).all())
