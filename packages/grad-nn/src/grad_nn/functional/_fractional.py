"""Max pooling whose windows lie at random places, so that any ratio of lengths is possible."""

from collections.abc import Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import batch_in_front, nondiff
from grad_core.random import Generator, default_generator

from ._windows import Size, each

__all__ = ["check_lengths", "fractional_max_pool2d", "fractional_max_pool3d"]

Ratio = float | Sequence[float]


def check_lengths(rank: int, output_size: Any, output_ratio: Any, name: str) -> tuple[Any, Any]:
    """The lengths of the result, or its ratios to those of the input: the one that is given, for each axis."""
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name}: give one of output_size and output_ratio, and not {output_size} and {output_ratio}")
    if output_size is not None:
        return each(output_size, rank, name, "output_size", 1), None
    ratios = tuple(output_ratio) if isinstance(output_ratio, list | tuple) else (output_ratio,) * rank
    if len(ratios) != rank or not all(0 < ratio < 1 for ratio in ratios):
        raise ValueError(f"{name}: output_ratio is {rank} numbers in (0, 1), or one for all, and not {output_ratio!r}")
    return None, ratios


def _starts(samples: Any, length: int, kernel: int, count: int) -> Any:
    """Where `count` windows begin, from one number in [0, 1) for each channel: on the last axis."""
    if count == 1:
        return np.full((*samples.shape, 1), length - kernel)
    step = samples.dtype.type((length - kernel) / (count - 1))
    places = (np.arange(count, dtype=samples.dtype) + samples[..., None]) * step
    starts = places.astype(np.int64) - (samples * step).astype(np.int64)[..., None]
    starts[..., -1] = length - kernel
    return starts


@nondiff(name="fractional_max_pool")
def _maxima(x: Any, *, kernel: tuple[int, ...], size: tuple[int, ...], generator: Generator) -> Any:
    """Where the maximum of each window stands, counted through the spatial axes of a channel."""
    rank = len(kernel)
    lead, lengths = x.shape[:-rank], x.shape[-rank:]
    samples = generator.numpy.random((*lead, rank)).astype(x.dtype)
    if rank == 2:
        samples = samples[..., ::-1]  # PyTorch draws for the last of two axes first, and for the first of three
    window = np.zeros((*lead, *(1,) * rank, *(1,) * rank), np.int64)  # (..., outputs, kernel)
    for axis in range(rank):
        starts = _starts(samples[..., axis], lengths[axis], kernel[axis], size[axis])
        inner = np.arange(kernel[axis]).reshape([-1 if i == axis else 1 for i in range(rank)])
        outer = starts.reshape((*lead, *[-1 if i == axis else 1 for i in range(rank)], *(1,) * rank))
        window = window * lengths[axis] + outer + inner
    window = window.reshape((*lead, int(np.prod(size)), int(np.prod(kernel))))
    flat = x.reshape((*lead, -1))
    values = np.take_along_axis(flat, window.reshape((*lead, -1)), -1).reshape(window.shape)
    chosen = np.take_along_axis(window, np.argmax(values, -1)[..., None], -1)
    return chosen.reshape((*lead, *size))


_maxima.batch = batch_in_front(_maxima)


def _pool(
    rank: int, x: Any, kernel: Size, size: Any, ratio: Any, return_indices: bool, generator: Generator | None
) -> Any:
    name = f"fractional_max_pool{rank}d"
    x = gd.asarray(x)
    kernel = each(kernel, rank, name, "kernel_size", 1)
    size, ratio = check_lengths(rank, size, ratio, name)
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"{name}: takes (N, C) or (C) and {rank} spatial axes, and x has shape {x.shape}")
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: takes floats, and x is {x.dtype}: use x.astype('float32')")
    lengths = x.shape[-rank:]
    if size is None:
        size = tuple([int(n * share) for n, share in zip(lengths, ratio, strict=True)])
    if any(n < 1 or k + n - 1 > length for n, k, length in zip(size, kernel, lengths, strict=True)):
        raise ShapeError(
            f"{name}: of lengths {lengths}, windows of {kernel} leave room for 1 to "
            f"{tuple([max(0, length - k + 1) for k, length in zip(kernel, lengths, strict=True)])} of them, and {size} "
            "are asked for"
        )
    indices = _maxima(x, kernel=kernel, size=size, generator=default_generator() if generator is None else generator)
    lead = x.shape[:-rank]
    found = gd.take_along_axis(x.reshape((*lead, -1)), indices.reshape((*lead, -1)), -1).reshape((*lead, *size))
    return (found, indices) if return_indices else found


def fractional_max_pool2d(
    x: Any,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    *,
    generator: Generator | None = None,
) -> Any:
    """The maximum of each window, where windows begin at random, increasing places that spread over the image.

    With a random u in [0, 1) for each channel and axis, window i of n begins at int((i + u) a) - int(u a), where
    a = (length - kernel_size) / (n - 1), and the last one ends with the image.

    Source: Graham, "Fractional Max-Pooling", 2014.

    Args:
        x: floats (N, C, H, W) or (C, H, W).
        kernel_size: the length of a window, or one for each axis.
        output_size: how many windows, or one number for each axis.
        output_ratio: instead of `output_size`: how many by the length of `x`, in (0, 1).
        return_indices: return the pair (maxima, where they stand), for ``max_unpool2d``.
        generator: draws the places; the default Generator where not given.

    Returns:
        (N, C, *output_size) or (C, *output_size).

    Raises:
        ShapeError: `x` has other axes, or is too short for so many windows.
        ValueError: both or none of `output_size` and `output_ratio`, or one out of range.
        TypeError: a size is no integer.
        DTypeError: `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.reshape(gd.arange(25.0), (1, 5, 5))
        >>> F.fractional_max_pool2d(x, 2, output_size=3).shape
        (1, 3, 3)
        >>> F.fractional_max_pool2d(x, 2, output_size=1)
        tensor([[[24.]]])
    """
    return _pool(2, x, kernel_size, output_size, output_ratio, return_indices, generator)


def fractional_max_pool3d(
    x: Any,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    *,
    generator: Generator | None = None,
) -> Any:
    """``fractional_max_pool2d`` for volumes (N, C, D, H, W) or (C, D, H, W).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.fractional_max_pool3d(gd.ones((1, 6, 6, 6)), 2, output_ratio=(0.5, 0.5, 0.7)).shape
        (1, 3, 3, 4)
    """
    return _pool(3, x, kernel_size, output_size, output_ratio, return_indices, generator)
