"""Samples of categories that a gradient passes through."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError
from grad_core.extend import batch_in_front, elementwise, nondiff
from grad_core.random import Generator, default_generator

from ._softmax import check_temperature

__all__ = ["gumbel_softmax"]


@nondiff(name="gumbel_softmax")
def _noise(x: Any, *, generator: Generator) -> Any:
    """For each element a number from Gumbel's distribution, exp(-(x + exp(-x)))."""
    return generator.numpy.gumbel(size=x.shape).astype(x.dtype)


_noise.batch = batch_in_front(_noise)


@elementwise(None, 1, name="gumbel_softmax")
def _straight_through(chosen: Any, soft: Any) -> Any:
    """The one-hot sample, with the gradient of the soft one."""
    return np.array(chosen)


def gumbel_softmax(
    logits: Any, tau: float = 1.0, hard: bool = False, *, dim: int = -1, generator: Generator | None = None
) -> gd.Tensor:
    """softmax((logits + noise) / tau): a sample from the categories along `dim`, with a gradient by the logits.

    With noise from Gumbel's distribution, the place of the largest element is a sample from softmax(logits), whatever
    `tau` is. The smaller `tau`, the closer the result is to one-hot, and the larger its gradients.

    Source: Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax", 2017; Maddison, Mnih, Teh, "The
    Concrete Distribution", 2017.

    Args:
        logits: unnormalised logarithms of the probabilities, floats with at least one element along `dim`.
        tau: the temperature, above 0.
        hard: whether the result is exactly one-hot, the sample itself. The gradient is that of the soft result
            (straight through).
        dim: the axis of the categories.
        generator: draws the noise; the default Generator where not given.

    Returns:
        The shape of `logits`; numbers that sum to 1 along `dim`.

    Raises:
        ShapeError: the axis is not there, or has no elements.
        ValueError: `tau` is not positive.
        DTypeError: `logits` are integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.gumbel_softmax(gd.tensor([0.0, 1000.0, 0.0]), hard=True)
        tensor([0., 1., 0.])
    """
    check_temperature(tau, "gumbel_softmax")
    x = gd.asarray(logits)
    if x.dtype.kind != "f":
        raise DTypeError(f"gumbel_softmax: it takes floats, and was given {x.dtype}: use .astype('float32')")
    noise = _noise(x, generator=default_generator() if generator is None else generator)
    soft = gd.softmax((x + noise) / tau, dim)
    if not hard:
        return soft
    places = np.arange(x.shape[dim]).reshape([-1] + [1] * ((-1 - dim) % x.ndim))
    chosen = gd.argmax(soft, axis=dim, keepdims=True) == places
    return _straight_through(gd.astype(chosen, soft.dtype), soft)
