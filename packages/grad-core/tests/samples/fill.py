"""Samples of arrays made in the shape of another."""

import numpy as np

from . import Sample, arrays

SAMPLES = [
    Sample("zeros_like", arrays((2, 3)), np.zeros_like, differentiable=False),
    Sample("ones_like", arrays((2, 0)), np.ones_like, differentiable=False),
    Sample("full_like", arrays(()), np.full_like, {"fill_value": 7}, differentiable=False),
    Sample("full_like", arrays((2,)), np.full_like, {"fill_value": 7, "dtype": np.int64}, differentiable=False),
    Sample("empty_like", arrays((2, 3)), np.zeros_like, differentiable=False),
]
