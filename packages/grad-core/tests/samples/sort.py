"""Samples of order."""

from typing import Any

import numpy as np

from . import Sample, arrays

TIES = np.array([[2, 1, 2, 3, 1], [0, 0, 0, 0, 0]])


def _argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    return np.argsort(-x if descending else x, axis, kind="stable" if stable else "quicksort")


def _sort(x: Any, axis: int = -1, **options: Any) -> Any:
    return np.take_along_axis(x, _argsort(x, axis, **options), axis)


def _topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> Any:
    order = np.take(_argsort(x, axis, descending=largest), np.arange(k), axis)
    return np.take_along_axis(x, order, axis), order


def _values(result: Any) -> Any:
    return result[0]


def _positions(result: Any) -> Any:
    return result[1]


def _unique(*names: str) -> Any:
    def unique(x: Any) -> Any:
        found = np.unique_all(x)
        return tuple(getattr(found, name) for name in names)

    return unique


ALL = ("values", "indices", "inverse_indices", "counts")

SAMPLES = [
    Sample("sort", arrays((5,)), _sort),
    Sample("sort", arrays((3, 4)), _sort, {"axis": 0}),
    Sample("sort", arrays((2, 3, 2)), _sort, {"axis": 1, "descending": True}),
    Sample("sort", arrays((4,)), _sort, {"stable": False}),
    Sample("sort", arrays((2, 0)), _sort),
    Sample("sort", (TIES,), _sort, {"descending": True}, differentiable=False, note="ties"),
    Sample("argsort", arrays((3, 4)), _argsort, differentiable=False),
    Sample("argsort", arrays((3, 4)), _argsort, {"axis": 0, "descending": True}, differentiable=False),
    Sample("argsort", (TIES,), _argsort, differentiable=False, note="ties"),
    Sample("argsort", (TIES,), _argsort, {"descending": True}, differentiable=False, note="ties"),
    Sample("topk", arrays((6,)), _topk, {"k": 2}, join=_values),
    Sample("topk", arrays((3, 20)), _topk, {"k": 3}, join=_values, note="without sorting all"),
    Sample("topk", arrays((20, 2)), _topk, {"k": 3, "axis": 0, "largest": False}, join=_values),
    Sample("topk", arrays((2, 3)), _topk, {"k": 3, "largest": False}, join=_values),
    Sample("topk", arrays((2, 3)), _topk, {"k": 0}, join=_values),
    Sample("topk", arrays((3, 20)), _topk, {"k": 4}, join=_positions, differentiable=False, note="positions"),
    Sample("topk", (TIES,), _topk, {"k": 2}, join=_positions, differentiable=False, note="ties"),
    Sample(
        "topk",
        (np.tile(TIES, 5),),
        _topk,
        {"k": 3},
        join=_positions,
        differentiable=False,
        note="ties, by parts",
    ),
    Sample(
        "topk",
        (np.tile(TIES, 5),),
        _topk,
        {"k": 4, "largest": False},
        join=_positions,
        differentiable=False,
        note="ties, by parts",
    ),
    Sample("unique_values", (TIES,), np.unique, differentiable=False),
    Sample("unique_counts", (TIES,), _unique("values", "counts"), join=_values, differentiable=False),
    Sample("unique_counts", (TIES,), _unique("values", "counts"), join=_positions, differentiable=False, note="counts"),
    Sample("unique_inverse", (TIES,), _unique("values", "inverse_indices"), join=_positions, differentiable=False),
    *[
        Sample("unique_all", (TIES,), _unique(*ALL), join=lambda r, i=i: r[i], differentiable=False, note=name)
        for i, name in enumerate(ALL)
    ],
    Sample(
        "searchsorted",
        (np.array([1.0, 2.0, 2.0, 3.0]), np.array([[2.0, 0.0], [9.0, 2.5]])),
        np.searchsorted,
        differentiable=False,
    ),
    Sample(
        "searchsorted",
        (np.array([1.0, 2.0, 2.0]), np.array(2.0)),
        np.searchsorted,
        {"side": "right"},
        differentiable=False,
    ),
    Sample(
        "searchsorted",
        (np.array([2.0, 3.0, 1.0]), np.array([2.5])),
        np.searchsorted,
        {"sorter": np.array([2, 0, 1])},
        differentiable=False,
        note="sorter",
    ),
]
