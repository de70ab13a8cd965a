"""Windows beside maximum and mean: power-mean pooling, response over neighbouring channels, and undoing max pooling."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import in_front, nondiff

from ._checks import check_size

__all__ = [
    "Size",
    "each",
    "local_response_norm",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Size = int | Sequence[int]


def each(value: Size, rank: int, name: str, argument: str, least: int) -> tuple[int, ...]:
    """One integer for each of `rank` axes."""
    given: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple) else (value,) * rank
    try:
        found = tuple([operator.index(v) for v in given])
    except TypeError as error:
        raise TypeError(f"{name}: {argument} must be an integer, or {rank} of them, and it is {value!r}") from error
    if len(found) != rank or min(found) < least:
        raise ValueError(f"{name}: {argument} is {rank} integers of {least} or more, or one for all, and not {value!r}")
    return found


def _lp_pool(
    mean: Callable[..., Any], rank: int, x: Any, norm_type: float, kernel: Size, stride: Size | None, ceil_mode: bool
) -> gd.Tensor:
    name = f"lp_pool{rank}d"
    kernel = each(kernel, rank, name, "kernel_size", 1)
    stride = kernel if stride is None else each(stride, rank, name, "stride", 1)
    if not 0 < norm_type < np.inf:
        raise ValueError(f"{name}: norm_type is the exponent of a sum, above 0 and finite, and not {norm_type}")
    if rank == 1:
        kernel, stride = kernel[0], stride[0]
    total = mean(gd.asarray(x) ** norm_type, kernel, stride, ceil_mode=ceil_mode) * float(np.prod(kernel))
    # the slope of a root is infinite at 0, so it must not be asked for there
    nothing = total == 0
    return gd.where(nothing, 0, gd.where(nothing, 1, total) ** (1 / norm_type))


def lp_pool1d(
    x: Any, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> gd.Tensor:
    """(sum of x**p)**(1/p) over each window, with p = `norm_type`: 1 for the sum, and large ones near the maximum.

    Where a sum is 0 the gradient is taken as 0. With an even p the sum is that of absolute values; with an odd one a
    negative sum gives NaN.

    Args:
        x: (N, C, L) or (C, L).
        norm_type: p.
        kernel_size: the length of a window.
        stride: the step between windows; None for `kernel_size`.
        ceil_mode: windows may pass the end, as long as they start before it; their sums are scaled to whole windows.

    Returns:
        (N, C, windows) or (C, windows).

    Raises:
        ShapeError: `x` has other axes, or is shorter than a window.
        ValueError: `norm_type` is not positive and finite, or a size is not positive.
        TypeError: a size is no integer.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.lp_pool1d(gd.tensor([[3.0, 4.0, 0.0, 0.0]]), 2, 2)
        tensor([[5., 0.]])
    """
    return _lp_pool(gd.avg_pool1d, 1, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    x: Any, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> gd.Tensor:
    """``lp_pool1d`` for images (N, C, H, W) or (C, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.lp_pool2d(gd.ones((1, 4, 4)), 2, 2)
        tensor([[[2., 2.],
                 [2., 2.]]])
    """
    return _lp_pool(gd.avg_pool2d, 2, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    x: Any, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> gd.Tensor:
    """``lp_pool1d`` for volumes (N, C, D, H, W) or (C, D, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.lp_pool3d(gd.ones((1, 2, 2, 2)), 1, 2).item()
        8.0
    """
    return _lp_pool(gd.avg_pool3d, 3, x, norm_type, kernel_size, stride, ceil_mode)


def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> gd.Tensor:
    """Each channel by (k + alpha m)**beta, with m the mean of the squares over `size` neighbouring channels, 0 outside.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012; as
    in PyTorch alpha goes with the mean, there with the sum.

    Args:
        x: (N, C, ...), with at least one axis behind the channels.
        size: how many channels; of an even number one more lies before than behind.
        alpha: what the mean counts.
        beta: the exponent.
        k: keeps the divisor away from 0.

    Returns:
        The shape of `x`.

    Raises:
        ShapeError: fewer than three axes.
        TypeError: `size` is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.local_response_norm(gd.ones((1, 2, 1)), 2, alpha=2.0, beta=1.0).tolist()
        [[[0.5], [0.3333333432674408]]]
    """
    x, size = gd.asarray(x), check_size(size, "local_response_norm", "size")
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm: takes (N, C, ...) with spatial axes, and x has shape {x.shape}")
    before, channels = size // 2, x.shape[1]
    widths = ((0, 0), (before, size - 1 - before), *((0, 0),) * (x.ndim - 2))
    squares = gd.pad(x * x, widths)
    total = squares[:, :channels]
    for i in range(1, size):
        total = total + squares[:, i : i + channels]
    return x / (k + total * (alpha / size)) ** beta  # type: ignore[no-any-return]


def _origins_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _origins.on(in_front(inputs[0], axes[0]), **params), 0


@nondiff(batch=_origins_batch, name="max_unpool")
def _origins(indices: Any, *, size: int, name: str) -> Any:
    """For each of `size` places which element goes there, -1 for none; where several do, the last."""
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        raise IndexError(
            f"{name}: index {indices[wrong][0]} is out of range: the output has {size} places in each channel, 0 to "
            f"{size - 1}; give the kernel_size, stride and padding of the pooling, or output_size"
        )
    count = indices.shape[-1]
    rows = indices.reshape(-1, count)
    found = np.full((len(rows), size), -1)
    found[np.arange(len(rows))[:, None], rows] = np.arange(count)
    return found.reshape((*indices.shape[:-1], size))


def _max_unpool(
    rank: int, x: Any, indices: Any, kernel: Size, stride: Size | None, padding: Size, output_size: Any
) -> gd.Tensor:
    name = f"max_unpool{rank}d"
    x, indices = gd.asarray(x), gd.asarray(indices)
    kernel = each(kernel, rank, name, "kernel_size", 1)
    stride = kernel if stride is None else each(stride, rank, name, "stride", 1)
    padding = each(padding, rank, name, "padding", 0)
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"{name}: takes (N, C) or (C) and {rank} spatial axes, and x has shape {x.shape}")
    if indices.shape != x.shape:
        raise ShapeError(f"{name}: each element has an index, and x has shape {x.shape} and indices {indices.shape}")
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices are integers, as max_pool{rank}d gives them, and these are {indices.dtype}")
    lead = x.shape[:-rank]
    usual = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(x.shape[-rank:], stride, kernel, padding, strict=True)]
    wanted = usual
    if output_size is not None:
        wanted = [operator.index(n) for n in output_size][-rank:]
        near = [abs(a - b) < s for a, b, s in zip(wanted, usual, stride, strict=False)]
        if len(near) != rank or not all(near):
            raise ShapeError(
                f"{name}: output_size={tuple(output_size)}, and pooling gives this x for lengths less than the stride "
                f"{stride} away from {tuple(usual)}"
            )
    origins = _origins(indices.reshape((*lead, -1)), size=int(np.prod(wanted)), name=name)
    found = gd.take_along_axis(x.reshape((*lead, -1)), gd.maximum(origins, 0), -1)
    return gd.where(origins >= 0, found, 0).reshape((*lead, *wanted))


def max_unpool1d(
    x: Any, indices: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0, output_size: Any = None
) -> gd.Tensor:
    """Maxima back at their places, and 0 elsewhere: what undoes ``max_pool1d`` as far as it can be undone.

    Where windows overlapped and several maxima have one place, the last stands there and has the gradient.

    Args:
        x: maxima (N, C, L) or (C, L).
        indices: their positions, of the same shape, as ``max_pool1d(..., return_indices=True)`` gives them.
        kernel_size: that of the pooling, and so are stride and padding.
        stride: None for `kernel_size`.
        padding: of the pooling.
        output_size: the lengths of the result, or its shape, where pooling made several equal; for None
            (L - 1) * stride + kernel_size - 2 * padding.

    Returns:
        (N, C, length) or (C, length).

    Raises:
        ShapeError: shapes do not fit, or pooling does not lead from `output_size` to `x`.
        IndexError: an index is no place of the output.
        DTypeError: indices that are not integers.
        ValueError: a size is too small.
        TypeError: it is no integer.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x, places = F.max_pool1d(gd.tensor([[1.0, 2.0, 4.0, 3.0]]), 2, return_indices=True)
        >>> F.max_unpool1d(x, places, 2)
        tensor([[0., 2., 4., 0.]])
    """
    return _max_unpool(1, x, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    x: Any, indices: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0, output_size: Any = None
) -> gd.Tensor:
    """``max_unpool1d`` for images (N, C, H, W) or (C, H, W); indices count places of the flattened image.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x, places = F.max_pool2d(gd.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2, return_indices=True)
        >>> F.max_unpool2d(x, places, 2)
        tensor([[[0., 0.],
                 [4., 0.]]])
    """
    return _max_unpool(2, x, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    x: Any, indices: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0, output_size: Any = None
) -> gd.Tensor:
    """``max_unpool1d`` for volumes (N, C, D, H, W) or (C, D, H, W); indices count places of the flattened volume.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x, places = F.max_pool3d(gd.ones((1, 2, 2, 2)), 2, return_indices=True)
        >>> F.max_unpool3d(x, places, 2).sum()
        tensor(1.)
    """
    return _max_unpool(3, x, indices, kernel_size, stride, padding, output_size)
