"""What PyTorch calls the functions that cut, repeat, frame, choose, sort and contract."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    cuts = indices_or_sections
    return torch.tensor_split(x, tuple(cuts) if isinstance(cuts, list) else cuts, axis)


def _repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    x = x.reshape(-1) if axis is None else x
    return torch.repeat_interleave(x, torch.as_tensor(repeats), axis or 0)


def _flip(x: Any, axis: Any = None) -> Any:
    return torch.flip(x, tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,))


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    if isinstance(axis, tuple) and not isinstance(shift, tuple):
        shift = (shift,) * len(axis)
    return torch.roll(x, shift, axis)


def _pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    if mode == "constant":
        flat = [int(n) for before, after in widths[::-1] for n in (before, after)]
        return torch.nn.functional.pad(x, flat, value=constant_values) if flat else x.clone()
    for axis, width in enumerate(widths):
        places = np.pad(np.arange(x.shape[axis]), width, mode=mode)  # PyTorch has these for images only
        x = torch.index_select(x, axis, torch.tensor(places))
    return x


def _take(x: Any, indices: Any, axis: Any = None) -> Any:
    places = torch.as_tensor(np.asarray(indices, np.int64))
    if axis is None:
        return torch.take(x, places)
    places = places % x.shape[axis]
    picked = torch.index_select(x, axis, places.reshape(-1))
    axis %= x.ndim
    return picked.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    return torch.take_along_dim(x, indices % x.shape[axis] if x.shape[axis] else indices, axis)


def _masked_fill(x: Any, *value: Any, **options: Any) -> Any:
    mask = torch.as_tensor(options.get("mask", [[True, False, True], [False, True, True]]))
    filling = value[0] if value else torch.tensor(options["value"], dtype=x.dtype)
    return torch.where(mask, filling, x)


def _kron(x: Any, y: Any) -> Any:
    return torch.kron(x, y)


def _dot(x: Any, y: Any) -> Any:
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return torch.tensordot(x, y, dims=([x.ndim - 1], [max(y.ndim - 2, 0)]))


def _tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    if isinstance(axes, tuple):
        axes = tuple([list(a) if isinstance(a, list) else [a] for a in axes])
    return torch.tensordot(x, y, dims=axes)


CALLS: dict[str, Callable[..., Any]] = {
    "diagonal": lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2),
    "dot": _dot,
    "einsum": torch.einsum,
    "flip": _flip,
    "kron": _kron,
    "masked_fill": _masked_fill,
    "outer": lambda x, y: torch.outer(x.reshape(-1), y.reshape(-1)),
    "pad": _pad,
    "repeat": _repeat,
    "roll": _roll,
    "sort": lambda x, axis=-1, descending=False, stable=True: torch.sort(
        x, dim=axis, descending=descending, stable=stable
    )[0],
    "split": _split,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tensordot": _tensordot,
    "tile": lambda x, repetitions: torch.tile(x, repetitions if isinstance(repetitions, tuple) else (repetitions,)),
    "topk": lambda x, k, axis=-1, largest=True: torch.topk(x, k, axis, largest),
    "broadcast_arrays": torch.broadcast_tensors,
    "unstack": lambda x, axis=0: torch.unbind(x, axis),
    "vecdot": lambda x, y, axis=-1: torch.linalg.vecdot(x, y, dim=axis),
}
