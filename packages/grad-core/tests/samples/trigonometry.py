"""Samples of the trigonometric and hyperbolic functions: ordinary, 0-d, empty and broadcast inputs for each."""

import numpy as np

from . import Sample, arrays
from .elementwise import ANY, BINARY_SHAPES, UNARY_SHAPES

INSIDE = (-0.9, 0.9)

UNARY = {
    "acos": (np.arccos, INSIDE),
    "acosh": (np.arccosh, (1.2, 4.0)),
    "asin": (np.arcsin, INSIDE),
    "asinh": (np.arcsinh, ANY),
    "atan": (np.arctan, ANY),
    "atanh": (np.arctanh, INSIDE),
    "cosh": (np.cosh, ANY),
    "sinh": (np.sinh, ANY),
    "tan": (np.tan, (-1.2, 1.2)),
}
BINARY = {"atan2": np.arctan2, "hypot": np.hypot}

SAMPLES = [
    *[
        Sample(name, arrays(s, seed=i, low=r[0], high=r[1]), f)
        for name, (f, r) in UNARY.items()
        for i, s in enumerate(UNARY_SHAPES)
    ],
    *[
        Sample(name, arrays(*s, seed=i, low=0.2, high=2.0), f)
        for name, f in BINARY.items()
        for i, s in enumerate(BINARY_SHAPES)
    ],
    # all four quadrants
    *[
        Sample(name, (np.array([1.0, 1.5, -0.5, -2.0]), np.array([0.5, -1.0, -1.5, 0.7])), f, note="quadrants")
        for name, f in BINARY.items()
    ],
]
