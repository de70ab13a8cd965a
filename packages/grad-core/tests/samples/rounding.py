"""Samples of rounding, signs, neighbours and shifts."""

import numpy as np

from . import Sample, arrays
from .elementwise import BINARY_SHAPES, UNARY_SHAPES

INTEGERS = (np.array([[5], [200], [-7]]), np.array([0, 1, 3]))

SAMPLES = [
    *[
        Sample(name, arrays(s, seed=i, low=0.1, high=0.4), f)
        for name, f in {"ceil": np.ceil, "trunc": np.trunc, "round": np.round}.items()
        for i, s in enumerate(UNARY_SHAPES)
    ],
    Sample("round", (np.array([3.14159, -2.71828, 0.5772]),), np.round, {"decimals": 2}),
    Sample("round", (np.array([31.4159, -27.1828, 57.72]),), np.round, {"decimals": -1}),
    *[Sample("copysign", arrays(*s, seed=i), np.copysign) for i, s in enumerate(BINARY_SHAPES)],
    *[Sample("signbit", arrays(s, seed=i), np.signbit, differentiable=False) for i, s in enumerate(UNARY_SHAPES)],
    *[Sample("nextafter", arrays(*s, seed=i), np.nextafter, differentiable=False) for i, s in enumerate(BINARY_SHAPES)],
    Sample("bitwise_left_shift", INTEGERS, np.left_shift, differentiable=False),
    Sample("bitwise_right_shift", INTEGERS, np.right_shift, differentiable=False),
]
