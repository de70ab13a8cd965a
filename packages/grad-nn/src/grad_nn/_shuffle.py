"""PixelShuffle, PixelUnshuffle and ChannelShuffle: channels in another order, or as places of an image."""

from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._checks import check_size

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Each r * r channels become one, r times as high and wide: out[c, r h + i, r w + j] = x[c r² + i r + j, h, w].

    Behind a convolution it makes images larger (Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution
    Using an Efficient Sub-Pixel Convolutional Neural Network").

    Args:
        upscale_factor: r.

    Raises:
        TypeError: it is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.PixelShuffle(2)(gd.ones((1, 8, 3, 5))).shape
        (1, 2, 6, 10)
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = check_size(upscale_factor, "PixelShuffle", "upscale_factor")

    def forward(self, x: Any) -> gd.Tensor:
        """(..., C * r * r, H, W) to (..., C, H * r, W * r).

        Raises:
            ShapeError: fewer than three axes, or the channels are no multiple of r * r.
        """
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        """The argument."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """What undoes ``PixelShuffle``: each r * r places of a channel become channels of one place.

    Args:
        downscale_factor: r.

    Raises:
        TypeError: it is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.PixelUnshuffle(2)(gd.ones((1, 2, 6, 10))).shape
        (1, 8, 3, 5)
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = check_size(downscale_factor, "PixelUnshuffle", "downscale_factor")

    def forward(self, x: Any) -> gd.Tensor:
        """(..., C, H * r, W * r) to (..., C * r * r, H, W).

        Raises:
            ShapeError: fewer than three axes, or height or width are no multiples of r.
        """
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        """The argument."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels of all groups in turn, for convolutions in groups to see some of each (Zhang et al. 2018, ShuffleNet).

    Args:
        groups: how many the channels are cut into, in order.

    Raises:
        TypeError: it is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ChannelShuffle(2)(gd.arange(4.0).reshape(1, 4, 1, 1)).reshape(4)
        tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        self.groups = check_size(groups, "ChannelShuffle", "groups")

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...), kept.

        Raises:
            ShapeError: fewer than three axes, or the channels cannot be cut into `groups`.
        """
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """The argument."""
        return f"groups={self.groups}"
