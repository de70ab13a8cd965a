"""How often a model is right."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["accuracy", "confusion_matrix", "masked_accuracy", "top_k_accuracy"]


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Share of predictions that equal their label: a float in [0, 1].

    Formula: `mean(argmax(predictions, axis=1) == labels)` for scores, `mean(predictions == labels)` for class ids.

    Args:
        predictions: (N, C) scores of any real dtype (logits or probabilities), at least two columns, the largest in a
            row being the prediction, the first one on a tie; or (N,) class ids.
        labels: (N,) class ids, integers or bools.

    Raises:
        ValueError: shapes that do not fit, nothing to count, or fractions where class ids are expected.

    Example:
        >>> import grad_data as data
        >>> data.accuracy([[0.1, 2.0], [1.5, -1.0], [0.0, 0.3], [9.0, 1.0]], [1, 0, 0, 0])
        0.75
        >>> data.accuracy([7, 2, 1], [7, 2, 2])
        0.6666666666666666
    """
    guesses = np.asarray(predictions)
    truth = np.asarray(labels)
    shapes = f"predictions {guesses.shape}, labels {truth.shape}"
    if truth.ndim != 1:
        hint = "; for one-hot labels pass labels.argmax(axis=1)" if truth.ndim == 2 else ""
        raise ValueError(f"labels need the shape (N,): {shapes}{hint}")
    if guesses.ndim not in (1, 2) or len(guesses) != len(truth):
        raise ValueError(f"predictions need the shape (N, C) or (N,) with the N of the labels: {shapes}")
    if truth.size == 0:
        raise ValueError(f"there is nothing to count: {shapes}")
    _check_ids("labels", truth)
    if guesses.ndim == 1:
        _check_ids("predictions", guesses)
    elif guesses.shape[1] < 2:
        raise ValueError(
            f"scores need a column for each class, at least two: {shapes}; pass (scores[:, 0] > 0) instead"
        )
    else:
        guesses = guesses.argmax(axis=1)
    return float(np.count_nonzero(guesses == truth) / truth.size)


def masked_accuracy(predictions: ArrayLike, labels: ArrayLike, mask: ArrayLike) -> float:
    """Share of right predictions among the entries where `mask` is true: for sequences, all that is not padding.

    Formula: `sum(mask * (guess == label)) / sum(mask)`, with guess = argmax over the last axis for scores.

    Args:
        predictions: (..., C) scores, at least two of them, or class ids of the shape of the labels.
        labels: (...,) class ids, integers or bools.
        mask: (...,) bools, true where an entry counts. Of `padding_mask` it is the opposite: `~padding_mask(labels)`.

    Raises:
        ValueError: shapes or dtypes that do not fit, or nothing to count.

    Example:
        >>> import grad_data as data
        >>> labels = [[7, 3, 0], [5, 0, 0]]
        >>> data.masked_accuracy([[7, 2, 0], [5, 0, 0]], labels, ~data.padding_mask(labels))
        0.6666666666666666
    """
    guesses, truth, counted = np.asarray(predictions), np.asarray(labels), np.asarray(mask)
    shapes = f"predictions {guesses.shape}, labels {truth.shape}, mask {counted.shape}"
    if counted.dtype.kind != "b":
        raise ValueError(f"the mask has to be of bools, not {counted.dtype}; numbers become a mask by a comparison")
    if guesses.shape[: truth.ndim] != truth.shape or guesses.ndim > truth.ndim + 1 or counted.shape != truth.shape:
        raise ValueError(f"labels and mask need the same shape, predictions that or one more axis: {shapes}")
    if not counted.any():
        raise ValueError(f"there is nothing to count, the mask is false everywhere: {shapes}")
    picked = guesses[counted]
    return accuracy(picked, truth[counted])


def top_k_accuracy(scores: ArrayLike, labels: ArrayLike, k: int = 5) -> float:
    """Share of samples whose label is among the `k` classes with the highest scores.

    Among equal scores the first classes count as the higher ones, so that `k=1` is `accuracy`.

    Args:
        scores: (N, C), any real dtype.
        labels: (N,) class ids, 0 to C - 1.
        k: 1 to C.

    Raises:
        ValueError: shapes or dtypes that do not fit, nothing to count, or `k` outside its range.

    Example:
        >>> import grad_data as data
        >>> data.top_k_accuracy([[0.1, 0.6, 0.3], [0.5, 0.1, 0.4]], [2, 1], k=2)
        0.5
    """
    table, truth = np.asarray(scores), np.asarray(labels)
    shapes = f"scores {table.shape}, labels {truth.shape}"
    if table.ndim != 2 or truth.ndim != 1 or len(table) != len(truth):
        raise ValueError(f"scores need the shape (N, C) and labels (N,): {shapes}")
    if truth.size == 0:
        raise ValueError(f"there is nothing to count: {shapes}")
    _check_ids("labels", truth)
    classes = table.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k is {k}, expected 1 to the number of classes, {classes}")
    if truth.min() < 0 or truth.max() >= classes:
        raise ValueError(f"labels are {truth.min()} to {truth.max()}, expected 0 to {classes - 1}")
    own = table[np.arange(len(table)), truth][:, None]
    before = np.arange(classes) < truth[:, None]
    ahead = (table > own) | ((table == own) & before) | (np.isnan(table) & ~np.isnan(own))
    return float(np.count_nonzero(ahead.sum(axis=1) < k) / truth.size)


def confusion_matrix(predictions: ArrayLike, labels: ArrayLike, classes: int | None = None) -> NDArray[np.int64]:
    """How often each class was taken for each: entry [i, j] counts samples of class i that were taken for class j.

    Args:
        predictions: (N, C) scores, or (N,) class ids, as for `accuracy`.
        labels: (N,) class ids, 0 or more.
        classes: how many there are; None for C, or one more than the largest id.

    Returns:
        (classes, classes) int64, rows for labels and columns for predictions.

    Raises:
        ValueError: as `accuracy`, and an id outside 0 to classes - 1.

    Example:
        >>> import grad_data as data
        >>> data.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
        array([[1, 0, 0],
               [0, 1, 0],
               [0, 1, 1]])
    """
    accuracy(predictions, labels)  # for its checks
    guesses, truth = np.asarray(predictions), np.asarray(labels)
    width = None
    if guesses.ndim == 2:
        width = guesses.shape[1]
        guesses = guesses.argmax(axis=1)
    guesses, truth = guesses.astype(np.int64), truth.astype(np.int64)
    lowest, highest = int(min(guesses.min(), truth.min())), int(max(guesses.max(), truth.max()))
    size = classes if classes is not None else width if width is not None else highest + 1
    if lowest < 0 or highest >= size:
        raise ValueError(f"class ids are {lowest} to {highest}, expected 0 to {size - 1}")
    return np.bincount(truth * size + guesses, minlength=size * size).astype(np.int64).reshape(size, size)


def _check_ids(name: str, ids: NDArray[Any]) -> None:
    if ids.dtype.kind not in "iub":
        raise ValueError(
            f"{name} of the shape {ids.shape} are class ids and have to be integers, these are {ids.dtype}; "
            "threshold probabilities first, or convert whole numbers with .astype(int)"
        )
