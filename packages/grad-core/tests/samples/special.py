"""Samples of logarithms, the logistic family and the error function."""

import math
from typing import Any

import numpy as np

from . import Sample, arrays
from .elementwise import ANY, BINARY_SHAPES, POSITIVE, UNARY_SHAPES


def _erf(x: Any) -> Any:
    return np.array([math.erf(v) for v in x.ravel().tolist()]).reshape(x.shape)


UNARY = {
    "erf": (_erf, ANY),
    "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE),
    "logit": (lambda x: np.log(x / (1 - x)), (0.1, 0.9)),
    "reciprocal": (lambda x: 1 / x, POSITIVE),
    "silu": (lambda x: x / (1 + np.exp(-x)), ANY),
    "softplus": (lambda x: np.log(1 + np.exp(x)), ANY),
}

SAMPLES = [
    *[
        Sample(name, arrays(s, seed=i, low=r[0], high=r[1]), f)
        for name, (f, r) in UNARY.items()
        for i, s in enumerate(UNARY_SHAPES)
    ],
    *[
        Sample("logaddexp", arrays(*s, seed=i), lambda x, y: np.log(np.exp(x) + np.exp(y)))
        for i, s in enumerate(BINARY_SHAPES)
    ],
]
