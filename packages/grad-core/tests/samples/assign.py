"""Samples of item assignment. No place is written twice: PyTorch leaves open whose gradient that would be."""

from typing import Any

import numpy as np

from . import Sample, arrays
from .index import KEYS, MASK

DISTINCT = {
    **{note: key for note, key in KEYS.items() if note not in ("list", "array", "two arrays", "apart")},
    "list": ((4, 2), [0, 3, 1]),
    "array": ((4, 2), np.array([[0, 1], [3, 2]])),
    "two arrays": ((3, 4), (np.array([0, 1, 2]), np.array([1, 1, 3]))),
    "apart": ((3, 2, 4), (np.array([0, 2, 1]), slice(None), np.array([1, 3, 1]))),
}


def assign(x: Any, value: Any, key: Any) -> Any:
    out = np.array(x)
    out[key] = value
    return out


SAMPLES = [
    *[
        Sample("setitem", arrays(shape, np.empty(shape)[key].shape, seed=i), assign, {"key": key}, note=note)
        for i, (note, (shape, key)) in enumerate(DISTINCT.items())
    ],
    Sample("setitem", arrays((4, 3), (1, 3)), assign, {"key": slice(1, 3)}, note="row for two"),
    Sample("setitem", arrays((4, 3), ()), assign, {"key": (slice(None), [0, 2])}, note="number for columns"),
    Sample("setitem", arrays((2, 3), ()), assign, {"key": MASK}, note="number for a mask"),
    Sample("setitem", arrays((2, 3), (1, 1, 2)), assign, {"key": (0, slice(0, 2))}, note="axes of length 1 in front"),
]
