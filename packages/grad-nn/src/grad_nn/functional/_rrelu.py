"""An activation whose slope below 0 is drawn for each element."""

from typing import Any

import grad_core as gd
from grad_core.errors import DTypeError
from grad_core.extend import in_front, nondiff
from grad_core.random import Generator, default_generator

from ._piecewise import leaky_relu

__all__ = ["check_slopes", "rrelu"]


def check_slopes(lower: float, upper: float, name: str) -> None:
    """An error, unless slopes can be drawn between these."""
    if not lower <= upper:
        raise ValueError(f"{name}: slopes are drawn between lower and upper, and {lower} is above {upper}")


def _slopes_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _slopes.on(in_front(inputs[0], axes[0]), **params), 0


@nondiff(batch=_slopes_batch, name="rrelu")
def _slopes(x: Any, *, lower: float, upper: float, generator: Generator) -> Any:
    """For each element a slope."""
    if x.dtype.kind != "f":
        raise DTypeError(f"rrelu: takes floats, and x is {x.dtype}: use x.astype('float32')")
    return generator.numpy.uniform(lower, upper, x.shape).astype(x.dtype)


def rrelu(
    x: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    generator: Generator | None = None,
) -> gd.Tensor:
    """X where x > 0, and a x elsewhere, with a slope a drawn for each element in training, and else the mean slope.

    Source: Xu, Wang, Chen, Li, "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    Args:
        x: any shape of floats.
        lower: the least slope.
        upper: what slopes stay below.
        training: whether slopes are drawn, uniform between the two; if not, all are their mean.
        generator: draws the slopes; the default Generator where not given.

    Raises:
        ValueError: `lower` is above `upper`.
        DTypeError: in training, `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.rrelu(gd.tensor([-2.0, 2.0]), 0.25, 0.75)
        tensor([-1.,  2.])
    """
    check_slopes(lower, upper, "rrelu")
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    x = gd.asarray(x)
    slopes = _slopes(x, lower=lower, upper=upper, generator=default_generator() if generator is None else generator)
    return gd.where(x > 0, x, x * slopes)
