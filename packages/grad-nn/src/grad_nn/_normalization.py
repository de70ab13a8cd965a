"""Layers that normalise each sample on its own: LayerNorm, RMSNorm, GroupNorm, and AddNorm around a residual."""

from collections.abc import Sequence
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import functional
from ._dropout import Dropout
from ._module import Module
from ._parameter import Parameter

__all__ = ["AddNorm", "GroupNorm", "LayerNorm", "RMSNorm", "need_channels"]


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, over the last axes of each sample.

    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.

    Args:
        normalized_shape: the length of the last axis, or the lengths of the last axes.
        eps: added to the variance.
        elementwise_affine: whether there are weight and bias.
        bias: whether there is a bias beside the weight.
        dtype: of the parameters; the default dtype where not given.

    Attributes:
        weight: Parameter of `normalized_shape`, ones at first, or None.
        bias: Parameter of `normalized_shape`, zeros at first, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LayerNorm(2, eps=0.0)(gd.tensor([[1.0, 3.0], [-10.0, 10.0]])).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = Parameter(gd.ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        self.bias = Parameter(gd.zeros(self.normalized_shape, dtype=dtype)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> gd.Tensor:
        """(..., *normalized_shape), kept.

        Raises:
            ShapeError: the last lengths of `x` are others.
        """
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The shape, eps, and whether there are parameters."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class RMSNorm(Module):
    """X / sqrt(mean(x²) + eps) * weight, over the last axes of each sample.

    Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.

    Args:
        normalized_shape: the length of the last axis, or the lengths of the last axes.
        eps: added to the mean square; None for the smallest step of the dtype at 1.
        elementwise_affine: whether there is a weight.
        dtype: of the weight; the default dtype where not given.

    Attributes:
        weight: Parameter of `normalized_shape`, ones at first, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.RMSNorm(2, eps=0.0)(gd.tensor([3.0, -3.0])).tolist()
        [1.0, -1.0]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = Parameter(gd.ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None

    def forward(self, x: Any) -> gd.Tensor:
        """(..., *normalized_shape), kept.

        Raises:
            ShapeError: the last lengths of `x` are others.
        """
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The shape, eps, and whether there is a weight."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class GroupNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, over groups of channels of each sample.

    Source: Wu, He, "Group Normalization", 2018.

    Args:
        num_groups: how many groups the channels are cut into, in order.
        num_channels: C, which `num_groups` divides.
        eps: added to the variance.
        affine: whether there are weight and bias, one number for each channel.
        bias: whether there is a bias beside the weight.
        dtype: of the parameters; the default dtype where not given.

    Attributes:
        weight: Parameter (C,), ones at first, or None.
        bias: Parameter (C,), zeros at first, or None.

    Raises:
        ValueError: `num_groups` does not divide `num_channels`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.GroupNorm(2, 4, eps=0.0)(gd.tensor([[1.0, 3.0, -5.0, 5.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels cannot be cut into {num_groups} equal groups")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = Parameter(gd.ones(num_channels, dtype=dtype)) if affine else None
        self.bias = Parameter(gd.zeros(num_channels, dtype=dtype)) if affine and bias else None

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...), kept.

        Raises:
            ShapeError: `x` has another number of channels, or one number in each group.
        """
        need_channels(x, self.num_channels, "GroupNorm")
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        bias = ", bias=False" if self.weight is not None and self.bias is None else ""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.weight is not None}{bias}"


class AddNorm(Module):
    """LayerNorm(x + dropout(update)): how the first Transformers join a layer's output to what it was computed from.

    Source: Vaswani et al., "Attention Is All You Need", 2017 (section 3.1).

    Args:
        normalized_shape: the length of the last axis, or the lengths of the last axes.
        dropout: probability of dropping an element of the update, in training.
        eps: added to the variance.
        dtype: of the parameters; the default dtype where not given.
        generator: draws what is dropped; the default Generator where not given.

    Attributes:
        norm: the LayerNorm.
        dropout: the Dropout.

    Raises:
        ValueError: `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AddNorm(2, eps=0.0)(gd.tensor([1.0, 1.0]), gd.tensor([0.0, 2.0])).tolist()
        [-1.0, 1.0]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        dropout: float = 0.0,
        eps: float = 1e-5,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.norm = LayerNorm(normalized_shape, eps, dtype=dtype)
        self.dropout = Dropout(dropout, generator=generator)

    def forward(self, x: Any, update: Any) -> gd.Tensor:
        """Two of the same shape (..., *normalized_shape).

        Raises:
            ShapeError: the shapes differ, or the last lengths are others.
        """
        x, update = gd.asarray(x), gd.asarray(update)
        if x.shape != update.shape:
            raise ShapeError(f"AddNorm: adds two of the same shape, and got {x.shape} and {update.shape}")
        return self.norm(x + self.dropout(update))  # type: ignore[no-any-return]


def need_channels(x: Any, wanted: int, name: str) -> None:
    """An error that says so, if axis 1 of `x` is not `wanted` long."""
    x = gd.asarray(x)
    if x.ndim < 2 or x.shape[1] != wanted:
        raise ShapeError(
            f"{name}: made for {wanted} channels, which is axis 1 of (N, C, ...), and x has shape {x.shape}"
        )
