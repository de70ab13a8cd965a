"""Losses of class ids: what several of them need, and those that are no cross entropy of logits."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import in_front, nondiff

from grad_nn.errors import RangeError

from ._checks import check_reduction, reduce_loss

__all__ = ["multi_margin_loss", "nll_loss", "of_samples", "rows_of_classes", "sample_weights"]


def rows_of_classes(x: Any) -> Any:
    """(N, C, a, b, ...) as (N * a * b * ..., C), and (C,) as (1, C)."""
    if x.ndim == 1:
        return gd.expand_dims(x)
    return gd.moveaxis(x, 1, -1).reshape((math.prod(x.shape) // x.shape[1], x.shape[1]))


def _sample_weights_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any
) -> tuple[tuple[Any, ...], int]:
    count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)
    ids = np.broadcast_to(inputs[0], (count, *inputs[0].shape)) if axes[0] is None else in_front(inputs[0], axes[0])
    return _sample_weights.on(
        ids, *[in_front(a, axis) for a, axis in zip(inputs[1:], axes[1:], strict=True)], **params
    ), 0


@nondiff(batch=_sample_weights_batch, name="class weights")
def _sample_weights(
    ids: Any, *weight: Any, classes: int, ignore_index: int, mean: bool, dtype: np.dtype[Any], name: str
) -> Any:
    """For ids (..., M): the classes, 0 for ignored ones; what each sample counts; and 1, or 0 for the ignored.

    Both are divided by the sum of the weights where the mean is wanted. The weights are (C,), or (..., C).
    """
    kept = ids != ignore_index
    safe = np.where(kept, ids, 0)
    wrong = (safe < 0) | (safe >= classes)
    if wrong.any():
        raise IndexError(
            f"{name}: class id {ids[wrong][0]} is out of range: outputs with {classes} classes have ids 0 to "
            f"{classes - 1}, and {ignore_index} is ignored ({wrong.sum()} of {ids.size} ids are wrong)"
        )
    kept = kept.astype(dtype)
    counts = kept
    if weight:
        given = weight[0].astype(dtype)
        counts = kept * (given[safe] if given.ndim == 1 else np.take_along_axis(given, safe, -1))
    if not mean:
        return safe, counts, kept
    total = counts.sum(-1, keepdims=True, dtype=np.promote_types(dtype, np.float32))
    if not (total != 0).all():
        raise RangeError(
            f"{name}: the mean is over samples whose weights sum to 0, because all are ignored or their classes have "
            "weight 0: leave such a batch out, or use reduction='sum'"
        )
    return safe, (counts / total).astype(dtype), (kept / total).astype(dtype)


def sample_weights(ids: Any, weight: Any, x: Any, ignore_index: int, reduction: str, name: str) -> Any:
    """Ids (M,) that are classes, and for each sample of rows x (M, C) its weight and whether it is not ignored."""
    if weight is not None:
        weight = gd.asarray(weight)
        if weight.shape != x.shape[1:]:
            raise ShapeError(
                f"{name}: weight has shape {weight.shape}, and there are {x.shape[1]} classes: it must have shape "
                f"{x.shape[1:]}"
            )
    return _sample_weights(
        ids,
        *([] if weight is None else [weight]),
        classes=x.shape[1],
        ignore_index=ignore_index,
        mean=reduction == "mean",
        dtype=x.dtype,
        name=name,
    )


def of_samples(x: Any, target: Any, name: str, called: str) -> tuple[gd.Tensor, gd.Tensor, tuple[int, ...]]:
    """Outputs (N, C, ...) or (C,) and ids (N, ...) or () as tensors, and the shape of the ids; or the error."""
    x, y = gd.asarray(x), gd.asarray(target)
    if x.ndim == 0 or x.dtype.kind != "f":
        raise (DTypeError if x.ndim else ShapeError)(
            f"{name}: {called} are floats of shape (N, C, ...) or (C,), and these are {x.dtype} of shape {x.shape}"
        )
    samples = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{name}: the target holds class ids, integers, and is {y.dtype}: use target.astype('int64')")
    if y.shape != samples:
        advice = f": use target.reshape({samples})" if y.size == math.prod(samples) else ""
        raise ShapeError(
            f"{name}: {called} of shape {x.shape} go with class ids of shape {samples}; this target has shape "
            f"{y.shape}{advice}"
        )
    return x, y, samples


def nll_loss(
    x: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> gd.Tensor:
    """-weight[target] x[target], from log-probabilities, as ``log_softmax`` gives them.

    Args:
        x: log-probabilities (N, C), or (N, C, a, ...), or (C,) for one sample.
        target: class ids, of the shape of `x` without the class axis.
        weight: (C,), what samples of each class count; 1 where not given.
        ignore_index: samples with this target count nothing.
        reduction: "mean", weighted by `weight`, "sum", or "none" for the loss of each sample.

    Returns:
        A single number, or for "none" the shape of `target`.

    Raises:
        ShapeError: the shapes do not fit, or the mean is over no samples.
        IndexError: a class id is negative, or not below C.
        DTypeError: the target does not hold integers.
        RangeError: the mean is over samples that all are ignored.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.tensor([[-1.0, -0.5], [-2.0, -0.25]])
        >>> F.nll_loss(x, [0, 1], reduction="none")
        tensor([1.  , 0.25])
        >>> F.nll_loss(x, [0, -100])
        tensor(1.)
    """
    check_reduction(reduction, "nll_loss")
    x, y, samples = of_samples(x, target, "nll_loss", "log-probabilities")
    if reduction == "mean" and 0 in samples:
        raise ShapeError(f"nll_loss: the mean over no samples, of shape {x.shape}: use reduction='sum'")
    rows = rows_of_classes(x)
    safe, counts, _ = sample_weights(y.reshape(-1), weight, rows, ignore_index, reduction, "nll_loss")
    losses = -gd.take_along_axis(rows, gd.expand_dims(safe, axis=1), 1)[:, 0] * counts
    return losses.reshape(samples) if reduction == "none" else losses.sum()  # type: ignore[no-any-return]


def multi_margin_loss(
    x: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
) -> gd.Tensor:
    """The sum of max(margin - x[target] + x[i], 0)**p over the other classes i, divided by the number of classes.

    Args:
        x: scores (N, C), or (C,) for one sample.
        target: class ids, (N,) or ().
        p: 1 or 2.
        margin: by how much the score of the right class should be above the others.
        weight: (C,), what samples of each class count; 1 where not given.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `target`.

    Raises:
        ShapeError: the shapes do not fit, or the mean is over no samples.
        IndexError: a class id is negative, or not below C.
        DTypeError: the target does not hold integers.
        ValueError: `p` is neither 1 nor 2, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.multi_margin_loss(gd.tensor([[3.0, 1.0], [0.0, 0.5]]), [0, 0], reduction="none")
        tensor([0.  , 0.75])
    """
    name = "multi_margin_loss"
    check_power(p, name)
    x, y, samples = of_samples(x, target, name, "scores")
    if x.ndim > 2:
        raise ShapeError(f"{name}: scores have shape (N, C) or (C,), and these {x.shape}")
    rows = rows_of_classes(x)
    safe, counts, _ = sample_weights(y.reshape(-1), weight, rows, -100, "none", name)
    right = gd.expand_dims(safe, axis=1)
    short = gd.relu(margin - gd.take_along_axis(rows, right, 1) + rows)
    short = gd.where(right == np.arange(rows.shape[1]), 0, short if p == 1 else short * short)
    losses = short.sum(1) * counts / rows.shape[1]
    return reduce_loss(losses.reshape(samples), reduction, name)  # type: ignore[no-any-return]


def check_power(p: int, name: str) -> int:
    """`p`, if it is 1 or 2."""
    if p not in (1, 2):
        raise ValueError(f"{name}: p is 1 or 2, and not {p!r}")
    return p
