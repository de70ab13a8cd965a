"""Samples of what is where, and what is among others."""

from typing import Any

import numpy as np

from . import Sample

HOLES = np.array([[0, 2, -1], [3, 0, 0]])


def _along(axis: int) -> Any:
    return lambda positions: positions[axis]


SAMPLES = [
    *[Sample("nonzero", (HOLES,), np.nonzero, join=_along(i), differentiable=False, note=f"axis {i}") for i in (0, 1)],
    Sample("nonzero", (np.array([True, False, True]),), np.nonzero, join=_along(0), differentiable=False),
    Sample("nonzero", (np.zeros((2, 0), int),), np.nonzero, join=_along(1), differentiable=False),
    Sample("isin", (np.array([[1, 2], [3, 4]]), np.array([4, 1, 9])), np.isin, differentiable=False),
    Sample("isin", (HOLES / 2, np.array(0.0)), np.isin, {"invert": True}, differentiable=False),
    Sample("isin", (np.array(2), np.zeros(0, int)), np.isin, differentiable=False),
]
