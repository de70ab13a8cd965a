"""Distances and angles between vectors, and losses that push some closer and others apart."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError

from ._checks import pair, reduce_loss

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "triplet_margin_loss",
]


def _floats(x: Any, name: str) -> gd.Tensor:
    x = gd.asarray(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: it takes floats, and was given {x.dtype}: use .astype('float32')")
    return x  # type: ignore[no-any-return]


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> gd.Tensor:
    """The cosine of the angle between vectors along `dim`: x1 · x2 / (max(|x1|, eps) max(|x2|, eps)), in [-1, 1].

    Args:
        x1: any shape of floats.
        x2: a shape that broadcasts with it.
        dim: the axis of the vectors.
        eps: what smaller lengths are raised to.

    Returns:
        The broadcast shape without `dim`.

    Raises:
        ShapeError: the shapes do not broadcast, or the axis is not there.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.cosine_similarity(gd.tensor([[3.0, 4.0], [3.0, 4.0]]), gd.tensor([[6.0, 8.0], [-4.0, 3.0]]))
        tensor([1., 0.])
    """
    x1, x2 = _floats(x1, "cosine_similarity"), _floats(x2, "cosine_similarity")
    if x1.ndim != x2.ndim:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
        x1, x2 = gd.broadcast_to(x1, shape), gd.broadcast_to(x2, shape)
    lengths = [gd.clip(gd.norm(x, axis=dim, keepdims=True), min=_eps(x, eps)) for x in (x1, x2)]
    return gd.sum((x1 / lengths[0]) * (x2 / lengths[1]), axis=dim)


def _eps(x: Any, eps: float) -> float:
    """`eps`, or the smallest number of the dtype where that is larger."""
    return max(eps, float(np.finfo(x.dtype).smallest_subnormal))


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> gd.Tensor:
    """The p-norm of x1 - x2 + eps along the last axis.

    Args:
        x1: (..., D), floats.
        x2: a shape that broadcasts with it.
        p: the exponent, above 0; 2 for the Euclidean distance, ``float("inf")`` for the largest difference.
        eps: keeps the distance of equal vectors away from 0, where it has a kink.
        keepdim: keep the last axis with length 1.

    Raises:
        ShapeError: the shapes do not broadcast.
        ValueError: `p` is not above 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.pairwise_distance(gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 0.0]]), eps=0.0)
        tensor([5.])
    """
    x1, x2 = _floats(x1, "pairwise_distance"), _floats(x2, "pairwise_distance")
    return gd.norm(x1 - x2 + eps, p, axis=-1, keepdims=keepdim)


def pdist(x: Any, p: float = 2.0) -> gd.Tensor:
    """The p-norm of x[i] - x[j] for each pair of rows i < j, in the order (0, 1), (0, 2), ..., (1, 2), ...

    Args:
        x: (N, D), floats.
        p: the exponent, 0 or more; 2 for the Euclidean distance, 0 for the number of elements that differ,
            ``float("inf")`` for the largest difference.

    Returns:
        (N (N - 1) / 2,). The gradient of the distance between equal rows is 0.

    Raises:
        ShapeError: `x` is no matrix.
        ValueError: `p` is negative.
        DTypeError: `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.pdist(gd.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]]))
        tensor([5., 4., 3.])
    """
    x = _floats(x, "pdist")
    if x.ndim != 2:
        raise ShapeError(f"pdist: distances are between the rows of a matrix (N, D), and x has shape {x.shape}")
    if not p >= 0:
        raise ValueError(f"pdist: p is the exponent of a norm, 0 or more, and {p} is not")
    rows, others = np.triu_indices(x.shape[0], 1)
    return gd.linalg.vector_norm(x[rows] - x[others], p, axis=1)


def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> gd.Tensor:
    """Vectors along `dim` divided by their length: x / max(norm(x), eps).

    Args:
        x: any shape of floats.
        p: the exponent of the norm, above 0.
        dim: the axis of the vectors.
        eps: what smaller lengths are raised to, so that a vector of zeros stays as it is.

    Raises:
        ShapeError: the axis is not there.
        ValueError: `p` is not above 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.normalize(gd.tensor([[3.0, 4.0], [0.0, 0.0]]), p=1)[1]
        tensor([0., 0.])
        >>> F.normalize(gd.tensor([[0.0, 4.0]]))
        tensor([[0., 1.]])
    """
    x = _floats(x, "normalize")
    return x / gd.clip(gd.norm(x, p, axis=dim, keepdims=True), min=_eps(x, eps))  # type: ignore[no-any-return]


def cosine_embedding_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> gd.Tensor:
    """1 - cos where the target is 1, and max(cos - margin, 0) where it is -1, with cos the cosine of the two vectors.

    Args:
        x1: (N, D), or (D,) for one pair.
        x2: the same shape.
        target: (N,), or () for one pair: 1 for pairs that belong together, -1 for others.
        margin: the cosine that pairs which do not belong together may have.
        reduction: "mean" over the pairs, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `target`.

    Raises:
        ShapeError: the shapes do not fit, or the mean is over no pairs.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.tensor([[0.0, 2.0], [0.0, 2.0]])
        >>> F.cosine_embedding_loss(x, x, [1, -1], reduction="none").tolist()
        [0.0, 1.0]
    """
    name = "cosine_embedding_loss"
    x1, x2 = pair(x1, x2, name, "the second input")
    target = gd.asarray(target)
    if x1.ndim not in (1, 2) or target.shape != x1.shape[:-1]:
        raise ShapeError(
            f"{name}: pairs of shape (N, D) have targets of shape (N,), one pair (D,) has one number; these have shape "
            f"{x1.shape} and {target.shape}"
        )
    tiny = max(1e-12, float(np.finfo(x1.dtype).tiny))
    squares = (gd.sum(x1 * x1, axis=-1) + tiny) * (gd.sum(x2 * x2, axis=-1) + tiny)
    cosine = gd.sum(x1 * x2, axis=-1) / gd.sqrt(squares)
    near = gd.where(target == 1, 1 - cosine, 0)
    apart = gd.where(target == -1, gd.clip(cosine - margin, min=0), 0)
    return reduce_loss(near + apart, reduction, name)  # type: ignore[no-any-return]


def hinge_embedding_loss(x: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> gd.Tensor:
    """X where the target is 1, and max(margin - x, 0) where it is -1; x is a distance.

    Args:
        x: distances, any shape of floats.
        target: the same shape, 1 or -1.
        margin: the distance that pairs which do not belong together should have.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.hinge_embedding_loss(gd.tensor([0.25, 0.25, 3.0]), [1, -1, -1], reduction="none")
        tensor([0.25, 0.75, 0.  ])
    """
    x, target = pair(x, target, "hinge_embedding_loss")
    losses = gd.where(target != 1, gd.clip(margin - x, min=0), 0) + gd.where(target != -1, x, 0)
    return reduce_loss(losses, reduction, "hinge_embedding_loss")  # type: ignore[no-any-return]


def margin_ranking_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> gd.Tensor:
    """max(margin - target (x1 - x2), 0): x1 should be above x2 where the target is 1, below where it is -1.

    Args:
        x1: scores, any shape of floats.
        x2: the same shape.
        target: the same shape, 1 or -1.
        margin: by how much.
        reduction: "mean" over all elements, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `x1`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.margin_ranking_loss(gd.tensor([3.0, 3.0]), gd.tensor([1.0, 1.0]), [1, -1], reduction="none")
        tensor([0., 2.])
    """
    name = "margin_ranking_loss"
    x1, x2 = pair(x1, x2, name, "the second input")
    x1, target = pair(x1, target, name)
    return reduce_loss(gd.clip(margin - target * (x1 - x2), min=0), reduction, name)  # type: ignore[no-any-return]


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> gd.Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), with d as ``pairwise_distance``.

    Source: Balntas, Riba, Ponsa, Mikolajczyk, Learning local feature descriptors with triplets (2016), also for `swap`.

    Args:
        anchor: (N, D), or (D,) for one triplet.
        positive: what should be near the anchor, of the same shape.
        negative: what should be further by `margin`, of the same shape.
        margin: above 0.
        p: the exponent of the distance.
        eps: keeps distances away from 0.
        swap: whether d(positive, negative) counts where it is the smaller one.
        reduction: "mean" over the triplets, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape (N,), or ().

    Raises:
        ShapeError: the shapes differ, or the mean is over no triplets.
        ValueError: `margin` or `p` is not positive, or an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> a, p, n = gd.tensor([[0.0, 0.0]]), gd.tensor([[3.0, 4.0]]), gd.tensor([[0.0, 2.0]])
        >>> F.triplet_margin_loss(a, p, n, eps=0.0)
        tensor(4.)
    """
    name = "triplet_margin_loss"
    check_margin(margin, name)
    anchor, positive = pair(anchor, positive, name, "the positive")
    anchor, negative = pair(anchor, negative, name, "the negative")
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = gd.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_loss(gd.clip(near - far + margin, min=0), reduction, name)  # type: ignore[no-any-return]


def check_margin(margin: float, name: str) -> float:
    """`margin`, if it is positive."""
    if not margin > 0:
        raise ValueError(f"{name}: without a margin equal vectors are best, so it is above 0, and {margin} is not")
    return margin
