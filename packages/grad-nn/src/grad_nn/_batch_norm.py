"""BatchNorm and InstanceNorm: each channel normalised, with statistics that run along over the batches."""

from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from . import functional
from ._module import Module
from ._normalization import need_channels
from ._parameter import Buffer, Parameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class _ChannelNorm(Module):
    """What BatchNorm and InstanceNorm share: parameters and running statistics with one number for each channel."""

    ranks: tuple[int, ...]  # how many axes an input may have
    shapes: str

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: Any,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(gd.ones(num_features, dtype=dtype)) if affine else None
        self.bias = Parameter(gd.zeros(num_features, dtype=dtype)) if affine and bias else None
        self.running_mean = Buffer(gd.zeros(num_features, dtype=dtype)) if track_running_stats else None
        self.running_var = Buffer(gd.ones(num_features, dtype=dtype)) if track_running_stats else None
        self.num_batches_tracked = Buffer(gd.tensor(0)) if track_running_stats else None

    def reset_running_stats(self) -> None:
        """Running mean 0, running variance 1, and no batch counted."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.data[...] = 0
            self.running_var.data[...] = 1
            self.num_batches_tracked.data[...] = 0

    def _check(self, x: Any) -> None:
        name = type(self).__name__
        if x.ndim not in self.ranks:
            raise ShapeError(f"{name}: takes {self.shapes}, and x has shape {x.shape}")

    def _share(self) -> float:
        """The share of the newest statistics, for `momentum` None that of a plain mean over all batches and this."""
        if self.momentum is not None:
            return self.momentum
        return 0.0 if self.num_batches_tracked is None else 1.0 / (self.num_batches_tracked.item() + 1)

    def extra_repr(self) -> str:
        """The arguments."""
        bias = ", bias=False" if self.affine and self.bias is None else ""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}{bias}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    """What BatchNorm is for every number of axes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...), kept.

        Raises:
            ShapeError: `x` has another number of axes or channels, or in training one value for each channel only.
        """
        x = gd.asarray(x)
        self._check(x)
        need_channels(x, self.num_features, type(self).__name__)
        out = functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self._share(),
            self.eps,
        )
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.data += 1
        return out


class BatchNorm1d(_BatchNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias, for each channel, over the batch.

    In training mean and variance are those of the batch, and running ones follow them:
    (1 - momentum) * running + momentum * newest, the variance unbiased. In evaluation the running ones are used.

    Source: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", 2015.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: the share of the newest statistics; None for the plain mean over all batches so far.
        affine: whether there are weight and bias, one number for each channel.
        track_running_stats: whether there are running statistics; without, those of the batch are used always.
        bias: whether there is a bias beside the weight.
        dtype: of parameters and statistics; the default dtype where not given.

    Attributes:
        weight: Parameter (C,), ones at first, or None.
        bias: Parameter (C,), zeros at first, or None.
        running_mean: Buffer (C,), zeros at first, or None.
        running_var: Buffer (C,), ones at first, or None.
        num_batches_tracked: Buffer, an integer, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.BatchNorm1d(2, eps=0.0)
        >>> layer(gd.tensor([[1.0, -5.0], [3.0, 5.0]])).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
        >>> layer.num_batches_tracked.item(), round(layer.running_mean[0].item(), 4)
        (1, 0.2)
    """

    ranks = (2, 3)
    shapes = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for images (N, C, H, W): each channel over the batch and both axes of the image.

    Arguments, attributes and formula are those of ``BatchNorm1d``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.BatchNorm2d(3)(gd.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    ranks = (4,)
    shapes = "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    """BatchNorm1d for volumes (N, C, D, H, W): each channel over the batch and all axes of the volume.

    Arguments, attributes and formula are those of ``BatchNorm1d``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.BatchNorm3d(3)(gd.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    ranks = (5,)
    shapes = "(N, C, D, H, W)"


class _InstanceNorm(_ChannelNorm):
    """What InstanceNorm is for every number of axes; one sample alone, without its axis, is taken too."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, L, ...) or one sample (C, L, ...), kept.

        Raises:
            ShapeError: `x` has another number of axes or channels, or one value for each channel only.
        """
        x = gd.asarray(x)
        self._check(x)
        alone = x.ndim == self.ranks[0]
        batch = gd.expand_dims(x) if alone else x
        need_channels(batch, self.num_features, type(self).__name__)
        own = self.training or self.running_mean is None
        share = 0.0 if self.momentum is None else self.momentum
        out = functional.instance_norm(
            batch, self.running_mean, self.running_var, self.weight, self.bias, own, share, self.eps
        )
        return out[0] if alone else out


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias, over each channel of each sample, (N, C, L) or (C, L).

    Source: Ulyanov, Vedaldi, Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: the share of the newest statistics in the running ones; None leaves these as they are, as in PyTorch.
        affine: whether there are weight and bias, one number for each channel.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        bias: whether there is a bias beside the weight.
        dtype: of parameters and statistics; the default dtype where not given.

    Attributes:
        weight: Parameter (C,), ones at first, or None.
        bias: Parameter (C,), zeros at first, or None.
        running_mean: Buffer (C,), zeros at first, or None.
        running_var: Buffer (C,), ones at first, or None.
        num_batches_tracked: Buffer that stays 0, as in PyTorch, or None.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.InstanceNorm1d(2, eps=0.0)(gd.tensor([[[1.0, 3.0], [-5.0, 5.0]]])).tolist()
        [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    ranks = (2, 3)
    shapes = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """InstanceNorm1d for images (N, C, H, W) or (C, H, W); arguments and attributes are the same.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.InstanceNorm2d(3)(gd.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    ranks = (3, 4)
    shapes = "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    """InstanceNorm1d for volumes (N, C, D, H, W) or (C, D, H, W); arguments and attributes are the same.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.InstanceNorm3d(3)(gd.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    ranks = (4, 5)
    shapes = "(N, C, D, H, W) or (C, D, H, W)"
