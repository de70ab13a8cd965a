"""Samples of running sums and products: every axis, lengths 0 and 1, and zeros among the factors."""

from typing import Any

import numpy as np

from . import Sample, arrays
from .reduce import AXES


def _with_zeros(*places: int) -> Any:
    x = arrays((3, 4), seed=5)[0]
    x.reshape(-1)[list(places)] = 0
    return x


def _cumulative(running: Any, first: float) -> Any:
    def reference(x: Any, axis: Any = None, include_initial: bool = False) -> Any:
        chosen = 0 if axis is None else axis
        shape = [1 if i == chosen % x.ndim else n for i, n in enumerate(x.shape)]
        result = running(x, chosen)
        return np.concatenate([np.full(shape, first), result], chosen) if include_initial else result

    return reference


RUNNING = {"cumsum": np.cumsum, "cumprod": np.cumprod}
SHAPES: list[tuple[tuple[int, ...], Any]] = [
    ((5,), 0),
    ((2, 3, 4), 1),
    ((2, 3, 4), -1),
    ((2, 3), None),
    ((), None),
    ((3, 0), 0),
    ((0,), 0),
    ((1, 3), 0),
    ((8, 2), 0),
]

SAMPLES = [
    Sample("diff", arrays((5,)), np.diff),
    Sample("diff", arrays((3, 4)), np.diff, {"n": 2, "axis": 0}),
    Sample("diff", arrays((2, 3, 2)), np.diff, {"axis": 1}),
    Sample("diff", arrays((3, 4)), np.diff, {"n": 0}),
    Sample("diff", arrays((3, 2)), np.diff, {"n": 3}, note="nothing left"),
    Sample("diff", arrays((3, 2)), np.diff, {"prepend": 0.0, "append": 1.0}),
    Sample(
        "diff",
        arrays((2, 3), (2, 1), ()),
        np.diff,
        pack=lambda x, before, after: (x, 1, -1, before, after),
        note="ends with gradients",
    ),
    *[
        Sample(name, arrays(shape, seed=i), f, {"axis": axis})
        for name, f in RUNNING.items()
        for i, (shape, axis) in enumerate(SHAPES)
    ],
    *[
        Sample("cumprod", (_with_zeros(*places),), np.cumprod, {"axis": axis}, note=f"zeros{len(places)}")
        for places in ((5,), (1, 6), (0, 2, 4, 5), tuple(range(12)))
        for axis in (0, 1)
    ],
    *[
        Sample(name, arrays((3, 4)), lambda x, dtype, f=f: f(x, dtype=dtype), {"dtype": np.float64})
        for name, f in {**RUNNING, "prod": np.prod}.items()
    ],
    *[
        Sample(name, arrays(shape, seed=i), _cumulative(f, first), {"axis": axis, "include_initial": initial})
        for name, f, first in (("cumulative_sum", np.cumsum, 0), ("cumulative_prod", np.cumprod, 1))
        for i, (shape, axis) in enumerate([((4,), None), ((2, 3), -1), ((3, 2), 0), ((0,), None)])
        for initial in (False, True)
    ],
    *[
        Sample("prod", arrays((2, 3, 4), seed=i), np.prod, {"axis": axis, "keepdims": keepdims})
        for i, axis in enumerate([*AXES, (2, 0)])
        for keepdims in (False, True)
    ],
    *[
        Sample("prod", (_with_zeros(*places),), np.prod, {"axis": axis}, note=f"zeros{len(places)}")
        for places in ((5,), (1, 6), (0, 2, 4, 5))
        for axis in (None, 0, 1)
    ],
    Sample("prod", arrays(()), np.prod),
    Sample("prod", arrays((2, 0)), np.prod, {"axis": 0}),
    Sample("prod", arrays((2, 0)), np.prod, {"axis": 1}),
]
