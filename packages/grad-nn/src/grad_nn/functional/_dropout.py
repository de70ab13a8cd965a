"""Dropout: the mask is drawn by an op of its own without history, so that a recorder sees when to draw anew."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError
from grad_core.extend import in_front, nondiff
from grad_core.random import Generator, default_generator

from ._checks import check_probability

__all__ = ["dropout"]


def _kept_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _kept.on(in_front(inputs[0], axes[0]), **params), 0


@nondiff(batch=_kept_batch, name="dropout")
def _kept(x: Any, *, p: float, generator: Generator) -> Any:
    """1 / (1 - p) where an element is kept, 0 where it is dropped."""
    if x.dtype.kind != "f":
        raise DTypeError(
            f"dropout: scales what it keeps, so it takes floats, and x is {x.dtype}: use x.astype('float32')"
        )
    # 16 random bits an element: four at a time, several times faster than drawing floats
    bits = generator.numpy.bit_generator.random_raw((x.size + 3) // 4).view(np.uint16)[: x.size].reshape(x.shape)
    scale = 1 / (1 - p) if p < 1 else 0.0
    return np.multiply(bits >= round(p * 65536), x.dtype.type(scale))


def dropout(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> gd.Tensor:
    """Zeros with probability `p`, and x / (1 - p) elsewhere, each element on its own; `x` itself if not `training`.

    Args:
        x: any shape of floats.
        p: in [0, 1]; it is rounded to a multiple of 2**-16.
        training: whether anything is dropped at all.
        generator: draws what is dropped; the default Generator where not given.

    Raises:
        ValueError: `p` is outside [0, 1].
        DTypeError: `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.dropout(gd.tensor([1.0, 2.0]), p=1.0)
        tensor([0., 0.])
        >>> F.dropout(gd.tensor([1.0, 2.0]), training=False)
        tensor([1., 2.])
    """
    check_probability(p, "dropout")
    x = gd.asarray(x)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    kept = _kept(x, p=p, generator=default_generator() if generator is None else generator)
    return x * kept  # type: ignore[no-any-return]
