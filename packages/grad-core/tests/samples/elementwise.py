"""Samples of the elementwise functions: ordinary, 0-d, empty and broadcast inputs for each."""

from typing import Any

import numpy as np

from . import Sample, arrays

ANY = (-2.0, 2.0)
POSITIVE = (0.2, 3.0)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


UNARY = {
    "abs": (np.abs, ANY),
    "cos": (np.cos, ANY),
    "exp": (np.exp, ANY),
    "expm1": (np.expm1, ANY),
    "floor": (np.floor, (0.1, 0.9)),
    "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE),
    "negative": (np.negative, ANY),
    "positive": (np.positive, ANY),
    "relu": (lambda x: np.maximum(x, 0), ANY),
    "sigmoid": (_sigmoid, ANY),
    "sign": (np.sign, ANY),
    "sin": (np.sin, ANY),
    "sqrt": (np.sqrt, POSITIVE),
    "square": (np.square, ANY),
    "tanh": (np.tanh, ANY),
}
BINARY = {
    "add": (np.add, ANY),
    "divide": (np.divide, POSITIVE),
    "floor_divide": (np.floor_divide, POSITIVE),
    "maximum": (np.maximum, ANY),
    "minimum": (np.minimum, ANY),
    "multiply": (np.multiply, ANY),
    "pow": (np.power, POSITIVE),
    "remainder": (np.remainder, POSITIVE),
    "subtract": (np.subtract, ANY),
}
UNARY_SHAPES = [(), (3,), (2, 3), (0,), (2, 0, 3)]
BINARY_SHAPES = [
    ((), ()),
    ((3,), (3,)),
    ((3, 1), (1, 4)),
    ((2, 3), (3,)),
    ((), (2, 2)),
    ((2, 1, 2), (3, 1)),
    ((0,), (1,)),
    ((2, 0), (2, 1)),
]

SAMPLES = [
    *[
        Sample(name, arrays(s, seed=i, low=r[0], high=r[1]), f)
        for name, (f, r) in UNARY.items()
        for i, s in enumerate(UNARY_SHAPES)
    ],
    *[
        Sample(name, arrays(*s, seed=i, low=r[0], high=r[1]), f)
        for name, (f, r) in BINARY.items()
        for i, s in enumerate(BINARY_SHAPES)
    ],
    *[
        Sample("clip", arrays((3, 4), seed=i), lambda x, min=None, max=None: np.clip(x, min, max), params)
        for i, params in enumerate([{"min": -0.7, "max": 0.8}, {"min": -0.7}, {"max": 0.8}, {}])
    ],
    Sample(
        "clip", arrays((4, 3), (3,), (4, 1), seed=8), lambda x, a, b: np.minimum(np.maximum(x, a), b), note="bounds"
    ),
    Sample("clip", (np.array(0.5), np.array(-1.0), np.array(1.0)), np.clip, note="0-d"),
    Sample("where", (np.array([True, False, True]), *arrays((2, 3), (3,))), np.where),
    Sample("where", (np.array([[True], [False]]), *arrays((3,), (), seed=1)), np.where),
    Sample("where", (np.array(True), *arrays((), (), seed=2)), np.where),
    Sample("where", (np.zeros((0, 2), bool), *arrays((0, 2), (2,), seed=3)), np.where),
]
