"""What all initialisers share: the tensor they fill, where their numbers come from, and the filling."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed
from grad_core.random import Generator, default_generator

__all__ = ["checked", "fill", "source"]


def checked(tensor: Any, name: str) -> gd.Tensor:
    if not isinstance(tensor, gd.Tensor):
        raise TypeError(f"{name} fills a tensor in place, and was given a {type(tensor).__name__}")
    return tensor


def source(generator: Generator | None) -> Generator:
    return default_generator() if generator is None else generator


def fill(tensor: gd.Tensor, values: np.ndarray[Any, Any] | float) -> gd.Tensor:
    tensor.data[...] = values
    mark_changed(tensor)
    return tensor
