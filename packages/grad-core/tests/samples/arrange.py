"""Samples of the functions that cut, repeat, shift and frame."""

from typing import Any

import numpy as np

from . import Sample, arrays


def _all_parts(parts: Any) -> Any:
    """One result from several parts of one shape, each in its own way."""
    total = 0.0
    for i, part in enumerate(parts):
        total = total + (i + 2) * part * part
    return total


def _second(parts: Any) -> Any:
    return parts[1]


def _unstack(x: Any, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


SAMPLES = [
    Sample("broadcast_arrays", arrays((2, 1), (3,)), np.broadcast_arrays, join=_all_parts),
    Sample("broadcast_arrays", arrays((), (2, 2), (1, 2)), np.broadcast_arrays, join=_all_parts),
    Sample("broadcast_arrays", arrays((2, 0), (1,)), np.broadcast_arrays, join=_all_parts, note="empty"),
    Sample("split", arrays((6, 2)), np.split, {"indices_or_sections": 3}, join=_all_parts),
    Sample("split", arrays((2, 4)), np.split, {"indices_or_sections": 2, "axis": -1}, join=_all_parts),
    Sample("split", arrays((5, 2)), np.split, {"indices_or_sections": [1, 3]}, join=_second, note="second"),
    Sample("split", arrays((5,)), np.split, {"indices_or_sections": (-3, -1)}, join=_second, note="negative"),
    Sample("split", arrays((3,)), np.split, {"indices_or_sections": [2, 9]}, join=_second, note="past the end"),
    Sample("split", arrays((0, 2)), np.split, {"indices_or_sections": 2}, join=_second, note="empty"),
    Sample("unstack", arrays((3, 2)), _unstack, join=_all_parts),
    Sample("unstack", arrays((2, 3, 2)), _unstack, {"axis": 1}, join=_all_parts),
    Sample("unstack", arrays((3,)), _unstack, {"axis": -1}, join=_all_parts, note="numbers"),
    Sample("unstack", arrays((3, 2)), _unstack, join=_second, note="second"),
    Sample("diagonal", arrays((3, 3)), np.diagonal),
    Sample("diagonal", arrays((3, 4)), np.diagonal, {"offset": 2}),
    Sample("diagonal", arrays((4, 2)), np.diagonal, {"offset": -1}),
    Sample("diagonal", arrays((2, 2)), np.diagonal, {"offset": 2}, note="none left"),
    Sample("diagonal", arrays((2, 3, 4)), np.diagonal, {"axis1": -1, "axis2": 0}),
    Sample("repeat", arrays((2, 3)), np.repeat, {"repeats": 2}),
    Sample("repeat", arrays((2, 3)), np.repeat, {"repeats": 3, "axis": 1}),
    Sample("repeat", arrays((2, 3)), np.repeat, {"repeats": [2, 0, 1], "axis": -1}),
    Sample("repeat", arrays((2, 2)), np.repeat, {"repeats": 0, "axis": 0}),
    Sample("repeat", arrays((2, 2)), np.repeat, {"repeats": 9, "axis": 0}),
    Sample("repeat", arrays((2, 0)), np.repeat, {"repeats": 2, "axis": 0}),
    Sample("repeat", arrays(()), np.repeat, {"repeats": 2}),
    Sample("tile", arrays((2, 3)), lambda x, repetitions: np.tile(x, repetitions), {"repetitions": 2}),
    Sample("tile", arrays((2, 3)), lambda x, repetitions: np.tile(x, repetitions), {"repetitions": (2, 1, 3)}),
    Sample("tile", arrays((3,)), lambda x, repetitions: np.tile(x, repetitions), {"repetitions": (0, 2)}),
    Sample("tile", arrays(()), lambda x, repetitions: np.tile(x, repetitions), {"repetitions": ()}),
    Sample("flip", arrays((2, 3)), np.flip),
    Sample("flip", arrays((2, 3)), np.flip, {"axis": 1}),
    Sample("flip", arrays((2, 3, 2)), np.flip, {"axis": (0, -1)}),
    Sample("flip", arrays(()), np.flip),
    Sample("roll", arrays((2, 3)), np.roll, {"shift": 4}),
    Sample("roll", arrays((2, 3)), np.roll, {"shift": -1, "axis": 1}),
    Sample("roll", arrays((2, 3)), np.roll, {"shift": (1, 2), "axis": (0, 1)}),
    Sample("roll", arrays((3, 3)), np.roll, {"shift": 1, "axis": (0, 1)}),
    Sample("roll", arrays((2, 0)), np.roll, {"shift": 1, "axis": 1}),
    Sample("pad", arrays((2, 3)), np.pad, {"pad_width": 1}),
    Sample("pad", arrays((2, 3)), np.pad, {"pad_width": (2, 0), "constant_values": 1.5}),
    Sample("pad", arrays((2, 3)), np.pad, {"pad_width": ((0, 1), (2, 0))}),
    Sample("pad", arrays((0, 2)), np.pad, {"pad_width": 1}),
    Sample("pad", arrays(()), np.pad, {"pad_width": 1}),
    Sample("pad", arrays((2, 3)), np.pad, {"pad_width": 0, "mode": "edge"}),
    *[
        Sample("pad", arrays((3, 4)), np.pad, {"pad_width": ((1, 2), (3, 0)), "mode": mode})
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ],
]
