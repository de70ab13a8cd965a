"""Rows of a table by their numbers, ids as rows of a unit matrix, and the product of two inputs."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import elementwise, in_front, nondiff

from grad_nn.errors import RangeError

__all__ = ["bilinear", "check_padding", "embedding", "one_hot", "shorten"]


@elementwise(lambda g, _ans, _rows, share: g * share, None, name="embedding")
def _held_back(rows: Any, share: Any) -> Any:
    """The rows themselves; of their gradient only a share passes."""
    return np.array(np.broadcast_to(rows, np.broadcast_shapes(rows.shape, np.shape(share))))


def _share_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    ids = in_front(inputs[0], axes[0])
    return np.stack([_share.on(row, **params) for row in ids]) if len(ids) else ids[..., None].astype(
        params["dtype"]
    ), 0


@nondiff(batch=_share_batch, name="embedding")
def _share(ids: Any, *, padding_idx: int | None, by_freq: bool, dtype: np.dtype[Any]) -> Any:
    """What each row gets of its gradient: nothing for padding, and 1 / n of rows that appear n times."""
    share = np.ones(ids.shape, dtype) if padding_idx is None else (ids != padding_idx).astype(dtype)
    if by_freq and ids.size:
        _, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
        share /= counts[places].reshape(ids.shape)
    return share[..., None]


def check_padding(padding_idx: int | None, count: int, name: str) -> int | None:
    """`padding_idx` counted from the front, if it is a row."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise IndexError(f"{name}: padding_idx={padding_idx} is not one of {count} rows, 0 to {count - 1}")
    return padding_idx % count


def shorten(weight: gd.Tensor, ids: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows of these ids that are longer than `max_norm` down to it, in place, without history."""
    table = weight.data
    chosen = np.unique(np.asarray(ids))
    rows = table[chosen]
    size = np.max(np.abs(rows), 1) if norm_type == np.inf else (np.abs(rows) ** norm_type).sum(1) ** (1 / norm_type)
    long = size > max_norm
    if long.any():
        table[chosen[long]] = rows[long] * (max_norm / (size[long, None] + 1e-7)).astype(table.dtype)
        gd.extend.mark_changed(weight)


def embedding(
    ids: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> gd.Tensor:
    """The rows of `weight` that `ids` name; a row named several times gets the sum of its gradients.

    Args:
        ids: integers from 0 to the number of rows - 1, any shape.
        weight: (num_embeddings, embedding_dim).
        padding_idx: a row that gets no gradient; counted from the back where negative.
        max_norm: rows that are used and longer than this are shortened to it first, in place.
        norm_type: the exponent of that length.
        scale_grad_by_freq: whether gradients are divided by how often their row is named.

    Returns:
        The shape of `ids` with embedding_dim behind.

    Raises:
        IndexError: an id, or `padding_idx`, that is not a row.
        DTypeError: ids that are not integers.
        ShapeError: `weight` has no two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.embedding([2, 0], gd.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        tensor([[5., 6.],
                [1., 2.]])
    """
    x = _integers(ids, "embedding")
    weight = gd.asarray(weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight has shape {weight.shape}, and must be (num_embeddings, embedding_dim)")
    padding = check_padding(padding_idx, weight.shape[0], "embedding")
    x = _in_range(x, count=weight.shape[0], name="embedding", called="rows of weight")
    if max_norm is not None:
        shorten(weight, x.data, max_norm, norm_type)
    rows = gd.take(weight, x, axis=0)
    if padding is None and not scale_grad_by_freq:
        return rows
    return _held_back(rows, _share(x, padding_idx=padding, by_freq=scale_grad_by_freq, dtype=weight.dtype))


def _integers(ids: Any, name: str) -> gd.Tensor:
    x = gd.asarray(ids) if np.size(ids) or not isinstance(ids, list | tuple) else gd.zeros(np.shape(ids), dtype="int64")
    if x.dtype.kind not in "iu":
        raise DTypeError(f"{name}: ids are integers, and these are {x.dtype}: use ids.astype('int64')")
    return x


def _in_range_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _in_range.on(in_front(inputs[0], axes[0]), **params), 0


@nondiff(batch=_in_range_batch, name="embedding")
def _in_range(ids: Any, *, count: int, name: str, called: str) -> Any:
    """The ids, if all are from 0 to count - 1."""
    if ids.size and not 0 <= ids.min() <= ids.max() < count:
        wrong = np.atleast_1d(ids)[np.atleast_1d((ids < 0) | (ids >= count))]
        raise IndexError(
            f"{name}: the id {wrong[0]} is not one of the {count} {called}, 0 to {count - 1} ({wrong.size} of "
            f"{ids.size} ids are wrong)"
        )
    return np.array(ids)  # of its own, for results share no memory with inputs


def one_hot(x: Any, num_classes: int = -1) -> gd.Tensor:
    """A 1 at each id and 0 elsewhere, along a new last axis: int64, without a gradient.

    Args:
        x: ids from 0 to num_classes - 1, any shape.
        num_classes: the length of the new axis; -1 for the largest id + 1.

    Returns:
        The shape of `x` with `num_classes` behind.

    Raises:
        IndexError: an id that is not there.
        DTypeError: ids that are not integers.
        RangeError: no ids and no number of classes.

    Example:
        >>> import grad_nn.functional as F
        >>> F.one_hot([2, 0])
        tensor([[0, 0, 1],
                [1, 0, 0]])
    """
    x = _integers(x, "one_hot")
    if num_classes == -1:
        if not x.size:
            raise RangeError(f"one_hot: ids of shape {x.shape} do not say how many classes there are: give num_classes")
        num_classes = int(x.max().item()) + 1
    return gd.one_hot(x, num_classes, dtype="int64")


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> gd.Tensor:
    """x1ᵀ W x2 + b over the last axes, with one matrix W for each output.

    Args:
        x1: (..., in1_features).
        x2: (..., in2_features), with the same axes in front.
        weight: (out_features, in1_features, in2_features).
        bias: (out_features,), or None.

    Returns:
        (..., out_features).

    Raises:
        ShapeError: lengths do not fit.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.bilinear(gd.tensor([1.0, 2.0]), gd.tensor([3.0]), gd.tensor([[[1.0], [1.0]]]), gd.tensor([0.5]))
        tensor([9.5])
    """
    x1, x2, weight = gd.asarray(x1), gd.asarray(x2), gd.asarray(weight)
    if weight.ndim != 3:
        raise ShapeError(f"bilinear: weight has shape {weight.shape}: it must be (out, in1, in2)")
    if x1.shape[-1:] != weight.shape[1:2] or x2.shape[-1:] != weight.shape[2:] or x1.shape[:-1] != x2.shape[:-1]:
        raise ShapeError(
            f"bilinear: inputs of shapes {x1.shape} and {x2.shape} do not fit weight of shape {weight.shape}: they "
            f"must be (..., {weight.shape[1]}) and (..., {weight.shape[2]}), with the same axes in front"
        )
    out = gd.einsum("...i,oij,...j->...o", x1, weight, x2)
    if bias is None:
        return out
    bias = gd.asarray(bias)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(f"bilinear: bias has shape {bias.shape}, and must have shape {weight.shape[:1]}")
    return out + bias  # type: ignore[no-any-return]
