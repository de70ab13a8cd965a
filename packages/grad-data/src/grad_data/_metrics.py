"""How often a model is right."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["accuracy"]


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


def _check_ids(name: str, ids: NDArray[Any]) -> None:
    if ids.dtype.kind not in "iub":
        raise ValueError(
            f"{name} of the shape {ids.shape} are class ids and have to be integers, these are {ids.dtype}; "
            "threshold probabilities first, or convert whole numbers with .astype(int)"
        )
