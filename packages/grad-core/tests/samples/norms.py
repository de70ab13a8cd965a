"""Samples of std, norm and count_nonzero."""

from typing import Any

import numpy as np

from . import Sample, arrays
from .reduce import AXES


def _std(x: Any, axis: Any = None, correction: float = 0, keepdims: bool = False) -> Any:
    return np.std(x, axis=axis, ddof=correction, keepdims=keepdims)


def _norm(x: Any, p: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    if p == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


SAMPLES = [
    # over no axes every deviation is 0, where nothing is to be compared with differences
    *[
        Sample("std", arrays((3, 3, 4), seed=i), _std, {"axis": axis, "keepdims": keepdims})
        for i, axis in enumerate(AXES)
        if axis != ()
        for keepdims in (False, True)
    ],
    Sample("std", arrays((3, 4)), _std, {"axis": 0, "correction": 1}),
    Sample("std", arrays((2, 0)), _std, {"axis": 0}),
    *[
        Sample("norm", arrays((2, 3, 4), seed=i), _norm, {"p": p, "axis": axis, "keepdims": keepdims})
        for p in (1, 2, 3, 2.5, np.inf)
        for i, axis in enumerate(AXES)
        for keepdims in (False, True)
    ],
    # few elements, of one size: the battery moves the shares that each has of the norm, which must not pass 0
    *[Sample("norm", arrays((2, 3), low=1), _norm, {"p": 0.5, "axis": axis}) for axis in (0, 1)],
    *[Sample("norm", arrays((4,), seed=9), _norm, {"p": p}) for p in (1, 2, 1.5, np.inf)],
    *[Sample("norm", arrays(()), _norm, {"p": p}) for p in (1, 2, 3, np.inf)],
    *[Sample("norm", arrays((2, 0)), _norm, {"p": p, "axis": 0}) for p in (1, 2, 3, np.inf)],
    *[Sample("norm", arrays((2, 0)), _norm, {"p": p, "axis": 1}) for p in (1, 2, 3)],
    *[
        Sample(
            "count_nonzero",
            (np.array([[[0, 1], [2, 0]], [[0, 0], [5, 6]]]),),
            np.count_nonzero,
            {"axis": axis, "keepdims": keepdims},
            differentiable=False,
        )
        for axis in (None, 0, -1, (0, 2))
        for keepdims in (False, True)
    ],
    Sample("count_nonzero", arrays((2, 0)), np.count_nonzero, {"axis": 1}, differentiable=False),
    Sample("count_nonzero", arrays(()), np.count_nonzero, differentiable=False),
]
