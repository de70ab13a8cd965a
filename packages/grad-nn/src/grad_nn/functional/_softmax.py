"""Activations along an axis: softmax and its relatives, and gates."""

from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

__all__ = ["glu", "log_softmax", "softmax", "softmin"]


def softmax(x: Any, dim: int = -1, *, temperature: float = 1.0) -> gd.Tensor:
    """exp(x / temperature) / sum(exp(x / temperature)) along `dim`: positive numbers that sum to 1 there.

    Args:
        x: floats with at least one element along `dim`.
        dim: one axis; PyTorch guesses one where none is given, here it is the last.
        temperature: above 1 the numbers come closer to each other, below 1 the largest takes more.

    Raises:
        ShapeError: the axis is not there, or has no elements.
        ValueError: `temperature` is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.softmax(gd.tensor([[0.0, 0.0], [0.0, 1000.0]]), dim=1)
        tensor([[0.5, 0.5],
                [0. , 1. ]])
        >>> [round(v, 4) for v in F.softmax(gd.tensor([0.0, 1000.0]), temperature=1000.0).tolist()]
        [0.2689, 0.7311]
    """
    check_temperature(temperature, "softmax")
    return gd.softmax(x if temperature == 1 else gd.asarray(x) / temperature, dim)


def check_temperature(temperature: float, name: str) -> float:
    """`temperature`, if it is positive."""
    if not temperature > 0:
        raise ValueError(
            f"{name}: the logits are divided by the temperature, so it is a number above 0, and {temperature} is not; "
            "for the largest alone take argmax"
        )
    return temperature


def softmin(x: Any, dim: int = -1) -> gd.Tensor:
    """softmax(-x) along `dim`: the smallest element takes most.

    Args:
        x: floats with at least one element along `dim`.
        dim: one axis.

    Raises:
        ShapeError: the axis is not there, or has no elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.softmin(gd.tensor([0.0, 1000.0]))
        tensor([1., 0.])
    """
    return gd.softmax(-gd.asarray(x), dim)


def log_softmax(x: Any, dim: int = -1) -> gd.Tensor:
    """log(softmax(x)) along `dim`, exact where softmax itself would round to 0.

    Args:
        x: floats with at least one element along `dim`.
        dim: one axis.

    Raises:
        ShapeError: the axis is not there, or has no elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.log_softmax(gd.tensor([0.0, 1000.0]))
        tensor([-1000.,     0.])
    """
    return gd.log_softmax(x, dim)


def glu(x: Any, dim: int = -1) -> gd.Tensor:
    """A sigmoid(b), where a and b are the two halves of x along `dim`: a gated linear unit.

    Source: Dauphin, Fan, Auli, Grangier, Language modeling with gated convolutional networks (2016).

    Args:
        x: floats, an even number of them along `dim`.
        dim: the axis to halve.

    Raises:
        ShapeError: the axis is not there, or its length is odd.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.glu(gd.tensor([2.0, 4.0, 0.0, 1000.0]))
        tensor([1., 4.])
    """
    x = gd.asarray(x)
    if not -x.ndim <= dim < x.ndim:
        raise ShapeError(f"glu: axis {dim} is not there: x has shape {x.shape}")
    if x.shape[dim] % 2:
        raise ShapeError(f"glu: axis {dim} of x, of shape {x.shape}, is halved, and its length {x.shape[dim]} is odd")
    a, b = gd.split(x, 2, dim)
    return a * gd.sigmoid(b)
