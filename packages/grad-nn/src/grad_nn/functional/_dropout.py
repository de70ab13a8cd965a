"""Dropout: the mask is drawn by an op of its own without history, so that a recorder sees when to draw anew."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import in_front, nondiff
from grad_core.random import Generator, default_generator

from ._checks import check_probability

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

# what SELU tends to far below 0: -scale * alpha of Klambauer et al.
_FLOOR = -1.7580993408473766


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


def _one_each(x: Any, spatial: int, name: str) -> Any:
    """One element of each channel: of (N, C, ...), or of (C, ...) where there are `spatial` axes behind."""
    if x.ndim < 2 or x.ndim > spatial + 2:
        raise ShapeError(f"{name}: drops whole channels of (N, C) and {spatial} axes, and x has shape {x.shape}")
    leading = 1 if x.ndim == spatial + 1 and spatial != 2 else 2
    return x[(slice(None),) * leading + (slice(0, 1),) * (x.ndim - leading)]


def _drop_channels(x: Any, p: float, training: bool, generator: Generator | None, spatial: int, name: str) -> gd.Tensor:
    check_probability(p, name)
    x = gd.asarray(x)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    one = _one_each(x, spatial, name)
    return x * _kept(one, p=p, generator=default_generator() if generator is None else generator)  # type: ignore[no-any-return]


def dropout1d(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> gd.Tensor:
    """Whole channels of (N, C, L) or (C, L) become 0 with probability `p`, and the others x / (1 - p).

    Raises:
        ValueError: `p` is outside [0, 1].
        ShapeError: `x` has other axes.
        DTypeError: `x` holds integers.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.dropout1d(gd.ones((2, 3)), p=1.0)
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """
    return _drop_channels(x, p, training, generator, 1, "dropout1d")


def dropout2d(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> gd.Tensor:
    """``dropout1d`` for images (N, C, H, W); three axes are taken for (N, C, L), as in PyTorch.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = F.dropout2d(gd.ones((1, 50, 2, 2)), generator=gd.random.Generator(0))
        >>> sorted({tuple(image.reshape(4).tolist()) for image in x[0]})
        [(0.0, 0.0, 0.0, 0.0), (2.0, 2.0, 2.0, 2.0)]
    """
    return _drop_channels(x, p, training, generator, 2, "dropout2d")


def dropout3d(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> gd.Tensor:
    """``dropout1d`` for volumes (N, C, D, H, W) or (C, D, H, W).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.dropout3d(gd.ones((1, 2, 1, 1, 1)), p=1.0).tolist()
        [[[[[0.0]]], [[[0.0]]]]]
    """
    return _drop_channels(x, p, training, generator, 3, "dropout3d")


def _to_floor(x: Any, one: Any, p: float, generator: Generator | None) -> gd.Tensor:
    if p == 1:
        return x * 0  # type: ignore[no-any-return]
    drawn = _kept(one, p=p, generator=default_generator() if generator is None else generator)
    kept = (drawn > 0).astype(x.dtype)
    scale = 1 / math.sqrt((1 - p) * (1 + p * _FLOOR**2))
    return (x * kept + _FLOOR * (1 - kept)) * scale - scale * p * _FLOOR  # type: ignore[no-any-return]


def alpha_dropout(x: Any, p: float = 0.5, training: bool = False, *, generator: Generator | None = None) -> gd.Tensor:
    """Elements go to SELU's lowest value with probability `p`; mean 0 and variance 1 stay as they are.

    Only if `training`; as in PyTorch, and other than for ``dropout``, that is to be said.

    Raises:
        ValueError: `p` is outside [0, 1].
        DTypeError: `x` holds integers.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = F.alpha_dropout(gd.zeros(1000), training=True, generator=gd.random.Generator(0))
        >>> [round(v, 3) for v in sorted(set(x.tolist()))]
        [-0.779, 0.779]
    """
    check_probability(p, "alpha_dropout")
    x = gd.asarray(x)
    return x if not training or p == 0 else _to_floor(x, x, p, generator)


def feature_alpha_dropout(
    x: Any, p: float = 0.5, training: bool = False, *, generator: Generator | None = None
) -> gd.Tensor:
    """``alpha_dropout`` of whole channels of (N, C, ...), if `training`.

    Raises:
        ValueError: `p` is outside [0, 1].
        ShapeError: `x` has fewer than two axes.
        DTypeError: `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.feature_alpha_dropout(gd.ones((1, 2, 2)), p=1.0, training=True).tolist()
        [[[0.0, 0.0], [0.0, 0.0]]]
    """
    check_probability(p, "feature_alpha_dropout")
    x = gd.asarray(x)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    if x.ndim < 2:
        raise ShapeError(f"feature_alpha_dropout: drops whole channels of (N, C, ...), and x has shape {x.shape}")
    return _to_floor(x, x[(slice(None), slice(None), *(slice(0, 1),) * (x.ndim - 2))], p, generator)
