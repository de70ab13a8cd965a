"""Samples of the reductions and the softmax family."""

from typing import Any

import numpy as np

from . import Sample, arrays

AXES: list[Any] = [None, 0, -1, (0, 2), (), (-1, 0, 1)]


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _var(x: Any, axis: Any = None, correction: float = 0, keepdims: bool = False) -> Any:
    return np.var(x, axis=axis, ddof=correction, keepdims=keepdims)


OVER_AXES = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "logsumexp": _logsumexp, "var": _var}

SAMPLES = [
    *[
        Sample(name, arrays((2, 3, 4), seed=i), f, {"axis": axis, "keepdims": keepdims})
        for name, f in OVER_AXES.items()
        for i, axis in enumerate(AXES)
        for keepdims in (False, True)
    ],
    *[Sample(name, arrays(()), f) for name, f in OVER_AXES.items()],
    *[Sample(name, arrays((2, 0)), f, {"axis": 0}) for name, f in OVER_AXES.items()],
    Sample("sum", arrays((2, 0)), np.sum, {"axis": 1}),
    Sample("var", arrays((3, 4)), _var, {"axis": 0, "correction": 1}),
    Sample("sum", arrays((3, 4)), lambda x, dtype: np.sum(x, dtype=dtype), {"dtype": np.float64}),
    *[
        Sample(name, arrays(shape, seed=i), f, {"axis": axis})
        for name, f in {"softmax": _softmax, "log_softmax": lambda x, axis: np.log(_softmax(x, axis))}.items()
        for i, (shape, axis) in enumerate([((5,), -1), ((3, 4), 0), ((2, 3, 4), 1), ((0, 3), -1), ((3, 1), 1)])
    ],
    *[
        Sample(name, arrays((3, 4)), f, {"axis": axis, "keepdims": keepdims}, differentiable=False)
        for name, f in {"argmax": np.argmax, "argmin": np.argmin}.items()
        for axis, keepdims in [(None, False), (1, False), (0, True)]
    ],
    *[
        Sample(name, (np.array([[True, False, True], [False, False, True]]),), f, {"axis": axis}, differentiable=False)
        for name, f in {"any": np.any, "all": np.all}.items()
        for axis in (None, 0, (0, 1))
    ],
]
