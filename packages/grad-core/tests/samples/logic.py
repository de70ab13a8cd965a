"""Samples of comparisons, logic and bits."""

import numpy as np

from . import Sample, arrays

FLOATS = {
    "equal": np.equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "not_equal": np.not_equal,
}
BOOLS = {
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
SPECIAL = np.array([1.0, np.inf, -np.inf, np.nan])

SAMPLES = [
    *[Sample(n, arrays((2, 3), (3,)), f, differentiable=False) for n, f in FLOATS.items()],
    *[Sample(n, (np.array([1, 2]), np.array([2, 2])), f, differentiable=False, note="int") for n, f in FLOATS.items()],
    *[
        Sample(n, (np.array([[True], [False]]), np.array([True, False])), f, differentiable=False)
        for n, f in BOOLS.items()
    ],
    *[
        Sample(n, (np.array([6, 5]), np.array(3)), f, differentiable=False, note="int")
        for n, f in BOOLS.items()
        if n.startswith("bitwise")
    ],
    Sample("logical_not", (np.array([True, False]),), np.logical_not, differentiable=False),
    Sample("bitwise_invert", (np.array([True, False]),), np.bitwise_not, differentiable=False),
    Sample("bitwise_invert", (np.array([6, 5]),), np.bitwise_not, differentiable=False, note="int"),
    *[
        Sample(n, (SPECIAL,), f, differentiable=False)
        for n, f in {"isfinite": np.isfinite, "isinf": np.isinf, "isnan": np.isnan}.items()
    ],
]
