"""Samples of choosing by positions and masks."""

from typing import Any

import numpy as np

from . import Sample, arrays


def _fill(x: Any, mask: Any, value: Any) -> Any:
    return np.where(mask, value, x)


MASK = np.array([[True, False, True], [False, True, True]])

SAMPLES = [
    Sample("take", arrays((2, 3)), np.take, {"indices": [5, 0, 0]}),
    Sample("take", arrays((3, 2)), np.take, {"indices": [2, 0, 2], "axis": 0}),
    Sample("take", arrays((2, 3)), np.take, {"indices": np.array([[0, -1], [1, 1]]), "axis": 1}, note="2-d"),
    Sample("take", arrays((2, 3)), np.take, {"indices": 1, "axis": -1}),
    Sample("take", arrays((2, 3, 2)), np.take, {"indices": [[-1, 0, -1]], "axis": 1}),
    Sample("take", arrays((2, 3)), np.take, {"indices": np.array([], int), "axis": 0}, note="none"),
    Sample("take_along_axis", (*arrays((2, 3)), np.array([[0, 2], [-1, 2]])), np.take_along_axis, {"axis": 1}),
    Sample("take_along_axis", (*arrays((3, 2)), np.array([[2, 0]])), np.take_along_axis, {"axis": 0}),
    Sample("take_along_axis", (*arrays((2, 1, 3)), np.zeros((1, 2, 4), int)), np.take_along_axis, {"axis": -1}),
    Sample("take_along_axis", (*arrays((4,)), np.array([1, 1, 1])), np.take_along_axis, {"axis": 0}),
    Sample("take_along_axis", (*arrays((2, 3)), np.zeros((2, 0), int)), np.take_along_axis, {"axis": 1}),
    Sample("masked_fill", arrays((2, 3)), _fill, {"mask": MASK, "value": 0.5}, note="number"),
    Sample("masked_fill", arrays((2, 3)), _fill, {"mask": MASK[0], "value": -1}, note="row"),
    Sample(
        "masked_fill", arrays((2, 3), ()), _fill, pack=lambda x, value: (x, MASK, value), note="value with a gradient"
    ),
    Sample(
        "masked_fill", arrays((2, 3), (3,)), _fill, pack=lambda x, value: (x, MASK, value), note="row with a gradient"
    ),
    Sample("masked_fill", arrays((0, 3)), _fill, {"mask": False, "value": 1.0}),
]
