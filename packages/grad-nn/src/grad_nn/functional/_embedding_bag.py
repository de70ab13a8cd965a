"""Rows of a table, summed up over bags of ids."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError

from ._embedding import check_padding, embedding

__all__ = ["check_mode", "embedding_bag"]

_MODES = ("sum", "mean", "max")


def check_mode(mode: str, scale_grad_by_freq: bool, name: str) -> str:
    """`mode`, if it is one that goes with the other argument."""
    if mode not in _MODES:
        raise ValueError(f"{name}: unknown mode {mode!r}: give 'sum', 'mean' or 'max'")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError(f"{name}: scale_grad_by_freq goes with sums and means, and not with mode='max'")
    return mode


def _bags(ids: Any, offsets: Any, include_last_offset: bool) -> tuple[Any, Any]:
    """For flat ids and the starts of their bags, for each bag its positions (B, longest), and which of them are."""
    if offsets is None:
        raise ShapeError(
            f"embedding_bag: ids of shape {ids.shape} are bags one behind the other, and need offsets, where each "
            "starts; or give ids of shape (bags, length)"
        )
    starts = np.asarray(gd.asarray(offsets).data)
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ShapeError(
            f"embedding_bag: offsets are integers (bags,), where each bag starts, and these are {starts.dtype} of "
            f"shape {starts.shape}"
        )
    ends = np.append(starts[1:], len(ids))
    if include_last_offset:
        starts, ends = starts[:-1], ends[:-1]
    lengths = ends - starts
    if len(starts) and (starts[0] != 0 or (lengths < 0).any() or ends[-1] > len(ids)):
        raise IndexError(
            f"embedding_bag: offsets={starts.tolist()} with {len(ids)} ids: they start with 0, do not decrease, and do "
            "not pass the ids"
        )
    steps = np.arange(int(lengths.max(initial=0)))
    there = steps < lengths[:, None]
    return np.where(there, starts[:, None] + steps, 0), there


def embedding_bag(
    ids: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    *,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> gd.Tensor:
    """The sum, the mean or the largest elements of the rows that a bag of ids names; of an empty bag zeros.

    Args:
        ids: integers (bags, length), or (count,) for bags of different lengths one behind the other.
        weight: (num_embeddings, embedding_dim).
        offsets: (bags,), where each bag starts, for flat ids only.
        max_norm: rows that are used and longer than this are shortened to it first, in place.
        norm_type: the exponent of that length.
        scale_grad_by_freq: whether gradients are divided by how often their row is named.
        mode: "sum", "mean" or "max".
        per_sample_weights: of the shape of `ids`, what each row counts, for sums only.
        include_last_offset: whether the last of the `offsets` is where the last bag ends.
        padding_idx: a row that does not count and gets no gradient.

    Returns:
        (bags, embedding_dim).

    Raises:
        IndexError: an id, `padding_idx` or an offset that is not there.
        DTypeError: ids that are not integers.
        ShapeError: shapes do not fit.
        ValueError: an unknown mode, or arguments that do not go together.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> table = gd.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> F.embedding_bag([0, 2, 1], table, [0, 2], mode="sum")
        tensor([[6., 8.],
                [3., 4.]])
    """
    name = "embedding_bag"
    check_mode(mode, scale_grad_by_freq, name)
    x, weight = gd.asarray(ids, dtype=None if np.size(ids) else "int64"), gd.asarray(weight)
    if x.dtype.kind not in "iu":
        raise DTypeError(f"{name}: ids are integers, and these are {x.dtype}: use ids.astype('int64')")
    if x.ndim not in (1, 2) or (x.ndim == 2 and offsets is not None):
        raise ShapeError(
            f"{name}: takes ids (bags, length), or (count,) with offsets, and these have shape {x.shape}"
            + (" and offsets" if offsets is not None else "")
        )
    if per_sample_weights is not None:
        if mode != "sum":
            raise ValueError(f"{name}: per_sample_weights go with mode='sum', and not with {mode!r}")
        per_sample_weights = gd.asarray(per_sample_weights)
        if per_sample_weights.shape != x.shape:
            raise ShapeError(
                f"{name}: per_sample_weights have shape {per_sample_weights.shape}, and the ids {x.shape}: they must "
                "be equal"
            )
    rows = embedding(x, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    padding = check_padding(padding_idx, weight.shape[0], name)
    counted: Any = np.ones(x.shape, bool) if padding is None else np.asarray(x.data) != padding
    if per_sample_weights is not None:
        rows = rows * gd.expand_dims(per_sample_weights, -1)
    if x.ndim == 1:
        places, there = _bags(x, offsets, include_last_offset)
        if x.size == 0:
            return gd.zeros((len(places), weight.shape[1]), dtype=weight.dtype)
        rows, counted = gd.take(rows, places, axis=0), counted[places] & there
    if mode == "max":
        if rows.shape[1] == 0:
            return gd.zeros((len(rows), weight.shape[1]), dtype=weight.dtype)
        first = gd.argmax(gd.where(counted[..., None], rows, -np.inf), 1, keepdims=True)
        largest = gd.take_along_axis(rows, first, 1)[:, 0]
        return gd.where(counted.any(1)[:, None], largest, 0)
    total = gd.where(counted[..., None], rows, 0).sum(1)
    if mode == "sum":
        return total
    return total / np.maximum(counted.sum(1), 1).astype(weight.dtype)[:, None]  # type: ignore[no-any-return]
