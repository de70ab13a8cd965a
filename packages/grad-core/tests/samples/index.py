"""Samples of reading and scattering by position."""

from typing import Any

import numpy as np

from . import Sample, arrays

MASK = np.array([[True, False, True], [False, True, True]])
KEYS: dict[str, tuple[tuple[int, ...], Any]] = {
    "int": ((3, 4), 1),
    "negative": ((3, 4), -1),
    "scalar": ((3,), 2),
    "ints": ((3, 4), (1, 2)),
    "slice": ((5, 2), slice(1, 4)),
    "step": ((6, 2), slice(None, None, -2)),
    "mixed": ((3, 4, 2), (0, slice(1, 3), None, ...)),
    "ellipsis": ((2, 3, 4), (..., 1)),
    "none": ((3,), (None, slice(None), None)),
    "empty slice": ((3, 2), slice(2, 2)),
    "all": ((), ()),
    "list": ((4, 2), [0, 0, 3]),
    "array": ((4, 2), np.array([[0, 1], [3, 0]])),
    "two arrays": ((3, 4), (np.array([0, 0, 2]), np.array([1, 1, 3]))),
    "broadcast arrays": ((3, 4), (np.array([[0], [2]]), np.array([1, 3]))),
    "apart": ((3, 2, 4), (np.array([0, 2, 0]), slice(None), np.array([1, 3, 1]))),
    "array and int": ((3, 4), (slice(None), np.array([0, -1]))),
    "mask": ((2, 3), MASK),
    "row mask": ((2, 3, 2), MASK),
    "mask and slice": ((2, 3), (np.array([True, False]), slice(0, 2))),
    "no rows": ((4, 2), np.array([], int)),
}


def _scatter(x: Any, values: Any, index: Any) -> Any:
    out = np.array(x)
    np.add.at(out, index, values)
    return out


SAMPLES = [
    *[
        Sample("getitem", arrays(shape, seed=i), lambda x, key: x[key], {"key": key}, note=note)
        for i, (note, (shape, key)) in enumerate(KEYS.items())
    ],
    *[
        Sample(
            "scatter_add",
            arrays(shape, np.empty(shape)[key].shape, seed=i),
            lambda x, v, index: _scatter(x, v, index),
            {"index": key},
            pack=lambda x, v: (x, v),
            note=note,
        )
        for i, (note, (shape, key)) in enumerate(KEYS.items())
    ],
    Sample(
        "scatter_add",
        arrays((4, 2), (2,)),
        lambda x, v, index: _scatter(x, v, index),
        {"index": [0, 0, 3]},
        note="spread",
    ),
]
