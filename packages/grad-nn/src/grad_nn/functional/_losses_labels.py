"""Losses of samples with several labels, and of triplets with a distance of one's own."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import in_front, nondiff

from ._checks import check_reduction, pair, reduce_loss, weigh
from ._losses_distance import check_margin, pairwise_distance
from ._smooth import logsigmoid

__all__ = ["multilabel_margin_loss", "multilabel_soft_margin_loss", "triplet_margin_with_distance_loss"]


def _labels_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[tuple[Any, ...], int]:
    return _labels.on(in_front(inputs[0], axes[0]), **params), 0


@nondiff(batch=_labels_batch, name="labels")
def _labels(ids: Any, *, dtype: np.dtype[Any], name: str) -> Any:
    """For ids (..., C): classes, 0 where there is none; 1 for ids before the first -1; and 1 for classes not named."""
    classes = ids.shape[-1]
    before = np.logical_and.accumulate(ids != -1, axis=-1)
    safe = np.where(before, ids, 0)
    wrong = (safe < 0) | (safe >= classes)
    if wrong.any():
        raise IndexError(
            f"{name}: class id {ids[wrong][0]} is out of range: outputs with {classes} classes have ids 0 to "
            f"{classes - 1}, and the first -1 ends the labels of a sample"
        )
    named = (safe[..., :, None] == np.arange(classes)) & before[..., :, None]
    return safe, before.astype(dtype), (~named.any(-2)).astype(dtype)


def multilabel_margin_loss(x: Any, target: Any, *, reduction: str = "mean") -> gd.Tensor:
    """The sum of max(1 - x[y] + x[i], 0) over the labels y of a sample and all classes i that are none, by C.

    Args:
        x: scores (N, C), or (C,) for one sample.
        target: class ids of the same shape: the labels of each sample come first, and -1 ends them.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape (N,), or ().

    Raises:
        ShapeError: the shapes differ, or the mean is over no samples.
        IndexError: an id that is no class.
        DTypeError: the scores are no floats, or the target does not hold integers.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.multilabel_margin_loss(gd.tensor([2.0, 0.5, 1.0, 0.0]), [0, 2, -1, -1])
        tensor(0.125)
    """
    name = "multilabel_margin_loss"
    check_reduction(reduction, name)
    x, y = gd.asarray(x), gd.asarray(target)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: scores are floats, and these are {x.dtype}: use .astype('float32')")
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{name}: the target holds class ids, integers, and is {y.dtype}: use target.astype('int64')")
    if x.ndim not in (1, 2) or y.shape != x.shape:
        raise ShapeError(
            f"{name}: scores (N, C) or (C,) go with ids of the same shape, filled up with -1; these scores have shape "
            f"{x.shape} and the target {y.shape}"
        )
    safe, counts, others = _labels(y, dtype=x.dtype, name=name)
    right = gd.take_along_axis(x, safe, -1)
    short = gd.relu(1 - gd.expand_dims(right, -1) + gd.expand_dims(x, -2))
    losses = (short * gd.expand_dims(counts, -1) * gd.expand_dims(others, -2)).sum((-2, -1)) / max(x.shape[-1], 1)
    return reduce_loss(losses, reduction, name)  # type: ignore[no-any-return]


def multilabel_soft_margin_loss(x: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> gd.Tensor:
    """The mean over classes of -(y log sigmoid(x) + (1 - y) log(1 - sigmoid(x))): each class is a question of its own.

    Args:
        x: logits (N, C), or (C,) for one sample.
        target: 0 or 1, or between, of the same shape.
        weight: (C,), what each class counts; 1 where not given.
        reduction: "mean" over the samples, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape (N,), or ().

    Raises:
        ShapeError: the shapes do not fit, there are no classes, or the mean is over no samples.
        DTypeError: the logits are no floats.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> round(F.multilabel_soft_margin_loss(gd.tensor([[0.0, 50.0]]), [[1.0, 1.0]]).item(), 4)
        0.3466
    """
    name = "multilabel_soft_margin_loss"
    check_reduction(reduction, name)
    x, y = pair(x, target, name)
    if x.ndim == 0:
        raise ShapeError(f"{name}: logits have shape (N, C) or (C,), and this is a single number")
    if x.shape[-1] == 0:
        raise ShapeError(f"{name}: the mean over no classes, of shape {x.shape}")
    losses = weigh(-(y * logsigmoid(x) + (1 - y) * logsigmoid(-x)), weight, name)
    return reduce_loss(losses.mean(-1), reduction, name)  # type: ignore[no-any-return]


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> gd.Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), with any function d.

    Args:
        anchor: any shape that `distance_function` takes.
        positive: what should be near the anchor, of the same shape.
        negative: what should be further by `margin`, of the same shape.
        distance_function: d, of two tensors; ``pairwise_distance`` where not given.
        margin: above 0.
        swap: whether d(positive, negative) counts where it is the smaller one.
        reduction: "mean" over the triplets, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape that `distance_function` gives.

    Raises:
        ShapeError: the shapes differ, or the mean is over no triplets.
        ValueError: `margin` is not positive, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> a, p, n = gd.tensor([[0.0, 0.0]]), gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 2.0]])
        >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: abs(x - y).max(-1))
        tensor(3.)
    """
    name = "triplet_margin_with_distance_loss"
    check_reduction(reduction, name)
    check_margin(margin, name)
    distance = pairwise_distance if distance_function is None else distance_function
    anchor, positive = pair(anchor, positive, name, "the positive")
    anchor, negative = pair(anchor, negative, name, "the negative")
    near, far = gd.asarray(distance(anchor, positive)), gd.asarray(distance(anchor, negative))
    if swap:
        far = gd.minimum(far, distance(positive, negative))
    return reduce_loss(gd.clip(near - far + margin, min=0), reduction, name)  # type: ignore[no-any-return]
