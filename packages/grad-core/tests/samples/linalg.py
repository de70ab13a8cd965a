"""Samples of the matrix product."""

import numpy as np

from . import Sample, arrays

SHAPES = [
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 1)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((2, 3), (4, 3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (3, 2)),
    ((2, 2, 0), (0, 3)),
]

SAMPLES = [Sample("matmul", arrays(*shapes, seed=i), np.matmul) for i, shapes in enumerate(SHAPES)]
