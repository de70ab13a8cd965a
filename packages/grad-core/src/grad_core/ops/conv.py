"""Convolutions with one, two and three spatial axes, and transposed ones: what users call, and what they may give."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core.errors import ShapeError

from ._conv_rules import conv, conv_biased, conv_input, per_channel
from ._windows import Windows, frozen, paddings, placed, several

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

_Size = int | tuple[int, ...]
_Padding = int | str | tuple[int, ...] | tuple[tuple[int, int], ...]


@lru_cache(maxsize=512, typed=True)
def _windows(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any, name: str
) -> Windows:
    rank = len(size)
    stride = several(stride, rank, name, "stride")
    dilation = several(dilation, rank, name, "dilation")
    return placed(size, kernel, stride, paddings(padding, kernel, stride, dilation, name), dilation, name)


_LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}
_KERNELS = {1: "kL", 2: "kH, kW", 3: "kD, kH, kW"}


def _checked(x: Any, weight: Any, bias: Any, groups: Any, rank: int, name: str, transposed: bool) -> tuple[Any, bool]:
    """`x` with a batch axis, and whether it had none; what does not fit is said."""
    first, second = ("in", "out") if transposed else ("out", "in")
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{name}: x has shape {x.shape}, and it needs {rank + 2} axes, (N, C, {_LETTERS[rank]}), or {rank + 1} "
            f"without the batch, (C, {_LETTERS[rank]})"
        )
    if weight.ndim != rank + 2:
        raise ShapeError(
            f"{name}: the weight has shape {weight.shape}, and it needs {rank + 2} axes, "
            f"({first}_channels, {second}_channels / groups, {_KERNELS[rank]})"
        )
    if not isinstance(groups, int | np.integer) or groups < 1:
        raise ShapeError(f"{name}: groups is an integer of 1 or more, and this is {groups!r}")
    if 0 in weight.shape[2:]:
        raise ShapeError(f"{name}: the weight has shape {weight.shape}: a kernel has length 1 or more on each axis")
    unbatched = x.ndim == rank + 1
    channels = x.shape[0 if unbatched else 1]
    if weight.shape[0] % groups:
        raise ShapeError(
            f"{name}: groups={groups} does not divide the {weight.shape[0]} {first}put channels of the "
            f"weight, of shape {weight.shape}"
        )
    wanted = weight.shape[0] if transposed else weight.shape[1] * groups
    if channels != wanted:
        each = "" if transposed or groups == 1 else f" ({weight.shape[1]} for each of {groups} groups)"
        raise ShapeError(
            f"{name}: x of shape {x.shape} has {channels} channels, and the weight of shape {weight.shape} takes "
            f"{wanted}{each}; channels come before the spatial axes"
        )
    made = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (made,):
        raise ShapeError(
            f"{name}: the bias has shape {bias.shape}, and it needs one number per output channel, ({made},)"
        )
    return (x[None] if unbatched else x), unbatched


def _forward(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int, rank: int
) -> Tensor:
    name = f"conv{rank}d"
    x = array_like(x)
    weight = array_like(weight)
    bias = None if bias is None else array_like(bias)
    x, unbatched = _checked(x, weight, bias, groups, rank, name, False)
    windows = _windows(x.shape[2:], weight.shape[2:], frozen(stride), frozen(padding), frozen(dilation), name)
    result: Any
    if bias is None:
        result = conv(x, weight, windows=windows, groups=groups)
    else:
        result = conv_biased(x, weight, bias, windows=windows, groups=groups)
    out: Tensor = result[0] if unbatched else result
    return out


def _transposed(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
    rank: int,
) -> Tensor:
    name = f"conv_transpose{rank}d"
    x = array_like(x)
    weight = array_like(weight)
    bias = None if bias is None else array_like(bias)
    x, unbatched = _checked(x, weight, bias, groups, rank, name, True)
    strides = several(stride, rank, name, "stride")
    dilations = several(dilation, rank, name, "dilation")
    starts = several(padding, rank, name, "padding", 0)
    extras = several(output_padding, rank, name, "output_padding", 0)
    for extra, s, d in zip(extras, strides, dilations, strict=True):
        if extra >= max(s, d):
            raise ShapeError(
                f"{name}: output_padding {output_padding!r} must be smaller than the stride, {strides}, or the "
                f"dilation, {dilations}: it chooses among the lengths that a convolution would take to the same one"
            )
    size = tuple(
        [
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, k, s, p, d, extra in zip(
                x.shape[2:], weight.shape[2:], strides, starts, dilations, extras, strict=True
            )
        ]
    )
    if min(size) < 1:
        raise ShapeError(
            f"{name}: x of shape {x.shape} would give spatial lengths {size}, with padding {padding!r} taken away from "
            "both ends; each must be 1 or more"
        )
    windows = Windows(size, weight.shape[2:], x.shape[2:], strides, starts, dilations)
    result: Any = conv_input(x, weight, windows=windows, groups=groups)
    if bias is not None:
        result = result + per_channel(bias, rank)
    out: Tensor = result[0] if unbatched else result
    return out


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Padding = 0,
    dilation: _Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over one spatial axis: the weights are laid on each window of `x`, multiplied and summed.

    out[n, k, o] = bias[k] + sum over c and taps t of weight[k, c, t] x[n, c, o * stride - padding + t * dilation], with
    zeros as padding; as in every such library the kernel is not flipped. Names and meaning as in PyTorch.

    Args:
        x: (N, C, L), or (C, L) for a single one.
        weight: (K, C / groups, kL).
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: zeros put at both ends of each spatial axis: a number, one per axis, a pair (before, after) per axis,
            "valid" for none, or "same" for a result as long as `x`.
        dilation: the step between the taps of a window.
        groups: into how many groups the channels are split, each of which sees only its own.

    Returns:
        (N, K, oL), with lengths floor((n + 2 padding - dilation (k - 1) - 1) / stride) + 1,
        in the dtype of `x` and `weight` together. The batch lies innermost in memory, for speed.

    Raises:
        ShapeError: shapes that do not fit together, or a kernel longer than the padded input.
        ValueError: padding="same" with a stride, or another word.

    Example:
        >>> import grad_core as gd
        >>> gd.conv1d(gd.tensor([[1.0, 2.0, 4.0, 8.0]]), gd.tensor([[[-1.0, 1.0]]]))
        tensor([[1., 2., 4.]])
    """
    return _forward(x, weight, bias, stride, padding, dilation, groups, 1)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Padding = 0,
    dilation: _Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over two spatial axes: the weights are laid on each window of `x`, multiplied and summed.

    out[n, k, o] = bias[k] + sum over c and taps t of weight[k, c, t] x[n, c, o * stride - padding + t * dilation], with
    zeros as padding; as in every such library the kernel is not flipped. Names and meaning as in PyTorch.

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one.
        weight: (K, C / groups, kH, kW).
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: zeros put at both ends of each spatial axis: a number, one per axis, a pair (before, after) per axis,
            "valid" for none, or "same" for a result as long as `x`.
        dilation: the step between the taps of a window.
        groups: into how many groups the channels are split, each of which sees only its own.

    Returns:
        (N, K, oH, oW), with lengths floor((n + 2 padding - dilation (k - 1) - 1) / stride) + 1,
        in the dtype of `x` and `weight` together. The batch lies innermost in memory, for speed.

    Raises:
        ShapeError: shapes that do not fit together, or a kernel longer than the padded input.
        ValueError: padding="same" with a stride, or another word.

    Example:
        >>> import grad_core as gd
        >>> gd.conv2d(gd.ones((1, 3, 3)), gd.ones((1, 1, 3, 3)), padding=1)
        tensor([[[4., 6., 4.],
                 [6., 9., 6.],
                 [4., 6., 4.]]])
    """
    return _forward(x, weight, bias, stride, padding, dilation, groups, 2)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Padding = 0,
    dilation: _Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over three spatial axes: the weights are laid on each window of `x`, multiplied and summed.

    out[n, k, o] = bias[k] + sum over c and taps t of weight[k, c, t] x[n, c, o * stride - padding + t * dilation], with
    zeros as padding; as in every such library the kernel is not flipped. Names and meaning as in PyTorch.

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one.
        weight: (K, C / groups, kD, kH, kW).
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: zeros put at both ends of each spatial axis: a number, one per axis, a pair (before, after) per axis,
            "valid" for none, or "same" for a result as long as `x`.
        dilation: the step between the taps of a window.
        groups: into how many groups the channels are split, each of which sees only its own.

    Returns:
        (N, K, oD, oH, oW), with lengths floor((n + 2 padding - dilation (k - 1) - 1) / stride) + 1,
        in the dtype of `x` and `weight` together. The batch lies innermost in memory, for speed.

    Raises:
        ShapeError: shapes that do not fit together, or a kernel longer than the padded input.
        ValueError: padding="same" with a stride, or another word.

    Example:
        >>> import grad_core as gd
        >>> gd.conv3d(gd.ones((1, 2, 2, 3)), gd.ones((1, 1, 2, 2, 2)), bias=[0.5])
        tensor([[[[8.5, 8.5]]]])
    """
    return _forward(x, weight, bias, stride, padding, dilation, groups, 3)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Size = 0,
    output_padding: _Size = 0,
    groups: int = 1,
    dilation: _Size = 1,
) -> Tensor:
    """The transpose of ``conv1d``: the gradient by its input, as a layer that makes images larger.

    Each element of `x` adds the weights, multiplied by it, to its window of the result; then `padding` is cut off.

    Args:
        x: (N, C, L), or (C, L) for a single one.
        weight: (C, K / groups, kL): input channels first.
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: what is cut off both ends.
        output_padding: length added at the far end, less than the stride or the dilation: several lengths of an input
            give the same length of a convolution, and this says which of them is meant.
        groups: into how many groups the channels are split, each of which sees only its own.
        dilation: the step between the taps of a window.

    Returns:
        K channels with lengths (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1.

    Raises:
        ShapeError: shapes that do not fit together, or options that leave nothing.

    Example:
        >>> import grad_core as gd
        >>> gd.conv_transpose1d(gd.tensor([[1.0, 2.0]]), gd.ones((1, 1, 2)), stride=2)
        tensor([[1., 1., 2., 2.]])
    """
    return _transposed(x, weight, bias, stride, padding, output_padding, groups, dilation, 1)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Size = 0,
    output_padding: _Size = 0,
    groups: int = 1,
    dilation: _Size = 1,
) -> Tensor:
    """The transpose of ``conv2d``: the gradient by its input, as a layer that makes images larger.

    Each element of `x` adds the weights, multiplied by it, to its window of the result; then `padding` is cut off.

    Args:
        x: (N, C, H, W), or (C, H, W) for a single one.
        weight: (C, K / groups, kH, kW): input channels first.
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: what is cut off both ends.
        output_padding: length added at the far end, less than the stride or the dilation: several lengths of an input
            give the same length of a convolution, and this says which of them is meant.
        groups: into how many groups the channels are split, each of which sees only its own.
        dilation: the step between the taps of a window.

    Returns:
        K channels with lengths (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1.

    Raises:
        ShapeError: shapes that do not fit together, or options that leave nothing.

    Example:
        >>> import grad_core as gd
        >>> gd.conv_transpose2d(gd.tensor([[[1.0, 2.0]]]), gd.ones((1, 1, 2, 2)))
        tensor([[[1., 3., 2.],
                 [1., 3., 2.]]])
    """
    return _transposed(x, weight, bias, stride, padding, output_padding, groups, dilation, 2)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: _Size = 1,
    padding: _Size = 0,
    output_padding: _Size = 0,
    groups: int = 1,
    dilation: _Size = 1,
) -> Tensor:
    """The transpose of ``conv3d``: the gradient by its input, as a layer that makes images larger.

    Each element of `x` adds the weights, multiplied by it, to its window of the result; then `padding` is cut off.

    Args:
        x: (N, C, D, H, W), or (C, D, H, W) for a single one.
        weight: (C, K / groups, kD, kH, kW): input channels first.
        bias: (K,), or None.
        stride: the step between windows, a number or one for each spatial axis.
        padding: what is cut off both ends.
        output_padding: length added at the far end, less than the stride or the dilation: several lengths of an input
            give the same length of a convolution, and this says which of them is meant.
        groups: into how many groups the channels are split, each of which sees only its own.
        dilation: the step between the taps of a window.

    Returns:
        K channels with lengths (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1.

    Raises:
        ShapeError: shapes that do not fit together, or options that leave nothing.

    Example:
        >>> import grad_core as gd
        >>> gd.conv_transpose3d(gd.ones((1, 1, 2, 3)), gd.ones((1, 4, 2, 2, 2)), stride=2).shape
        (4, 2, 4, 6)
    """
    return _transposed(x, weight, bias, stride, padding, output_padding, groups, dilation, 3)
