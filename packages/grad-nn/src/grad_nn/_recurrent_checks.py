"""What recurrent layers and cells make sure of before they compute."""

import operator
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError

__all__ = ["check_size", "checked_input", "checked_lengths", "checked_states"]


def check_size(value: Any, name: str, layer: str, least: int) -> int:
    """`value`, if it is an integer that is large enough."""
    try:
        size = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{layer}: {name} must be an integer, and {value!r} is a {type(value).__name__}") from error
    if size < least:
        raise ValueError(f"{layer}: {name} must be at least {least}, and {size} is not")
    return size


def checked_input(x: Any, size: int, layer: str, forms: dict[int, str]) -> gd.Tensor:
    """`x` as a tensor of floats, if it has one of the numbers of axes in `forms` and the last has length `size`."""
    x = gd.asarray(x)
    listed = ", or ".join(forms.values())
    if x.ndim not in forms:
        raise ShapeError(f"{layer}: x has shape {x.shape}, and must be {listed}")
    if x.shape[-1] != size:
        raise ShapeError(
            f"{layer}: x of shape {x.shape} has {x.shape[-1]} features (axis -1), and the layer takes input_size={size}"
            f": x must be {forms[x.ndim]}; make the layer with input_size={x.shape[-1]}, or reorder the axes of x"
        )
    if x.dtype.kind != "f":
        raise DTypeError(
            f"{layer}: x holds floats, and this is {x.dtype}: use x.astype('float32'), or for ids of words one_hot"
        )
    return x  # type: ignore[no-any-return]


def checked_states(
    hx: Any, names: tuple[str, ...], shapes: list[tuple[int, ...]], forms: list[str], layer: str
) -> tuple[gd.Tensor, ...]:
    """The initial states by these names as tensors, if each has its shape, which its form explains."""
    if len(names) > 1 and not (isinstance(hx, tuple | list) and len(hx) == len(names)):
        given = f"a {type(hx).__name__}" + (f" of {len(hx)}" if isinstance(hx, tuple | list) else "")
        raise TypeError(f"{layer}: the initial states are a pair ({', '.join(names)}), and hx is {given}")
    states = [gd.asarray(state) for state in (hx if len(names) > 1 else (hx,))]
    for name, state, shape, form in zip(names, states, shapes, forms, strict=True):
        if state.shape != shape:
            raise ShapeError(f"{layer}: {name} has shape {state.shape}, and must be {form} = {shape} for this x")
    return tuple(states)


def checked_lengths(lengths: Any, steps: int, batch: int | None, layer: str) -> Any:
    """Lengths of sequences as integers (batch,), the number of steps where not given; their range is checked later."""
    if lengths is None:
        return np.full(1 if batch is None else batch, steps)
    lengths = gd.asarray(lengths)
    shape = () if batch is None else (batch,)
    if lengths.dtype.kind not in "iu":
        raise DTypeError(f"{layer}: lengths count steps, so they are integers, and these are {lengths.dtype}")
    if lengths.shape != shape:
        raise ShapeError(
            f"{layer}: lengths has shape {lengths.shape}, and must be {shape}: "
            + ("one number, for x has no batch" if batch is None else "a length for each sequence of the batch")
        )
    return lengths.reshape(1) if batch is None else lengths
