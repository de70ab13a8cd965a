"""Samples of the functions that move elements."""

from typing import Any

import numpy as np

from . import Sample, arrays


def _flatten(x: Any, start_axis: int = 0, end_axis: int = -1) -> Any:
    end = end_axis % x.ndim
    return x.reshape(*x.shape[:start_axis], -1, *x.shape[end + 1 :])


def _list(*items: Any) -> tuple[list[Any]]:
    return (list(items),)


SAMPLES = [
    Sample("reshape", arrays((2, 6)), lambda x, shape: x.reshape(shape), {"shape": (3, 4)}),
    Sample("reshape", arrays((2, 6)), lambda x, shape: x.reshape(shape), {"shape": (-1, 2, 2)}),
    Sample("reshape", arrays(()), lambda x, shape: x.reshape(shape), {"shape": (1, 1)}),
    Sample("reshape", arrays((0, 3)), lambda x, shape: x.reshape(shape), {"shape": (3, 0)}),
    Sample("flatten", arrays((2, 3, 2)), _flatten),
    Sample("flatten", arrays((2, 3, 2)), _flatten, {"start_axis": 1}),
    Sample("flatten", arrays((2, 3, 2)), _flatten, {"start_axis": 0, "end_axis": 1}),
    Sample("flatten", arrays(()), lambda x: x.reshape(1)),
    Sample("ravel", arrays((2, 3)), np.ravel),
    Sample("permute_dims", arrays((2, 3, 4)), lambda x, axes: x.transpose(axes), {"axes": (2, 0, 1)}),
    Sample("permute_dims", arrays((2, 3)), lambda x, axes: x.transpose(axes), {"axes": (-1, 0)}),
    Sample("transpose", arrays((2, 3, 4)), np.transpose),
    Sample("transpose", arrays((2, 3, 4)), np.transpose, {"axes": (1, 0, 2)}),
    Sample("matrix_transpose", arrays((2, 3, 4)), lambda x: x.mT),
    Sample("swapaxes", arrays((2, 3, 4)), np.swapaxes, {"axis1": 0, "axis2": -1}),
    Sample("moveaxis", arrays((2, 3, 4)), np.moveaxis, {"source": 0, "destination": -1}),
    Sample("moveaxis", arrays((2, 3, 4)), np.moveaxis, {"source": (0, 1), "destination": (2, 0)}),
    Sample("squeeze", arrays((1, 3, 1)), np.squeeze),
    Sample("squeeze", arrays((1, 3, 1)), np.squeeze, {"axis": 0}),
    Sample("squeeze", arrays((1, 3, 1)), np.squeeze, {"axis": (0, -1)}),
    Sample("expand_dims", arrays((2, 3)), np.expand_dims, {"axis": 1}),
    Sample("expand_dims", arrays((2, 3)), np.expand_dims, {"axis": (0, -1)}),
    Sample("expand_dims", arrays(()), np.expand_dims, {"axis": 0}),
    Sample("broadcast_to", arrays((3, 1)), np.broadcast_to, {"shape": (2, 3, 4)}),
    Sample("broadcast_to", arrays(()), np.broadcast_to, {"shape": (2, 2)}),
    Sample("broadcast_to", arrays((1, 3)), np.broadcast_to, {"shape": (0, 3)}),
    Sample("broadcast_to", arrays((3,)), np.broadcast_to, {"shape": (3,)}),
    Sample("concat", arrays((2, 3), (1, 3), (4, 3)), lambda x: np.concatenate(x), pack=_list),
    Sample("concat", arrays((2, 3), (2, 0), (2, 1)), np.concatenate, {"axis": -1}, pack=_list),
    Sample("concat", arrays((2, 2), (3,)), np.concatenate, {"axis": None}, pack=_list),
    Sample("stack", arrays((2, 3), (2, 3)), np.stack, pack=_list),
    Sample("stack", arrays((2, 3), (2, 3), (2, 3)), np.stack, {"axis": -1}, pack=_list),
    Sample("stack", arrays((), ()), np.stack, pack=_list),
    Sample("astype", arrays((2, 3)), lambda x, dtype: x.astype(dtype), {"dtype": np.float64}),
    Sample("astype", arrays((2, 3)), lambda x, dtype: x.astype(dtype), {"dtype": np.int64}, differentiable=False),
]
