"""Samples of the triangles of matrices: tall, wide, batched and empty ones, and diagonals inside and outside."""

import numpy as np

from . import Sample, arrays

SAMPLES = [
    Sample(name, arrays(shape, seed=i), f, {"k": k})
    for name, f in {"tril": np.tril, "triu": np.triu}.items()
    for i, shape in enumerate([(3, 3), (2, 4), (2, 3, 2), (0, 3), (1, 1)])
    for k in (-1, 0, 2)
]
