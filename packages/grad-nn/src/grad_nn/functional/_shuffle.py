"""Channels in another order, or as places of an image: rearrangements without arithmetic."""

from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from ._checks import check_size

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def _image(x: Any, name: str) -> Any:
    x = gd.asarray(x)
    if x.ndim < 3:
        raise ShapeError(f"{name}: takes images (..., C, H, W), and x has shape {x.shape}")
    return x


def pixel_shuffle(x: Any, upscale_factor: int) -> gd.Tensor:
    """Each r * r channels become one, r times as high and wide: out[c, r h + i, r w + j] = x[c r² + i r + j, h, w].

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", 2016.

    Args:
        x: (..., C * r * r, H, W).
        upscale_factor: r.

    Returns:
        (..., C, H * r, W * r).

    Raises:
        ShapeError: fewer than three axes, or the channels are no multiple of r * r.
        TypeError: `upscale_factor` is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.pixel_shuffle(gd.tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), 2).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """
    x, r = _image(x, "pixel_shuffle"), check_size(upscale_factor, "pixel_shuffle", "upscale_factor")
    *lead, channels, height, width = x.shape
    if channels % (r * r):
        raise ShapeError(
            f"pixel_shuffle: with upscale_factor={r}, each {r * r} channels become one, and x of shape {x.shape} has "
            f"{channels}, no multiple of {r * r}"
        )
    n = len(lead)
    parts = x.reshape((*lead, channels // (r * r), r, r, height, width))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return gd.permute_dims(parts, order).reshape((*lead, channels // (r * r), height * r, width * r))


def pixel_unshuffle(x: Any, downscale_factor: int) -> gd.Tensor:
    """What undoes ``pixel_shuffle``: each r * r places of a channel become channels of one place.

    Args:
        x: (..., C, H * r, W * r).
        downscale_factor: r.

    Returns:
        (..., C * r * r, H, W).

    Raises:
        ShapeError: fewer than three axes, or height or width are no multiples of r.
        TypeError: `downscale_factor` is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.pixel_unshuffle(gd.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).tolist()
        [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]
    """
    x, r = _image(x, "pixel_unshuffle"), check_size(downscale_factor, "pixel_unshuffle", "downscale_factor")
    *lead, channels, height, width = x.shape
    if height % r or width % r:
        raise ShapeError(
            f"pixel_unshuffle: downscale_factor={r} divides height and width, and x has shape {x.shape}: cut or pad it"
        )
    n = len(lead)
    parts = x.reshape((*lead, channels, height // r, r, width // r, r))
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return gd.permute_dims(parts, order).reshape((*lead, channels * r * r, height // r, width // r))


def channel_shuffle(x: Any, groups: int) -> gd.Tensor:
    """Channels of all groups in turn: the first of each group, then the second of each, and so on.

    Source: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", 2018.

    Args:
        x: (N, C, ...).
        groups: how many the channels are cut into, in order; it divides C.

    Returns:
        The shape of `x`.

    Raises:
        ShapeError: fewer than three axes, or `groups` does not divide the channels.
        TypeError: `groups` is no integer.
        ValueError: it is not positive.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.channel_shuffle(gd.arange(4.0).reshape(1, 4, 1), 2).reshape(4)
        tensor([0., 2., 1., 3.])
    """
    x, groups = gd.asarray(x), check_size(groups, "channel_shuffle", "groups")
    if x.ndim < 3:
        raise ShapeError(f"channel_shuffle: takes (N, C, ...) with spatial axes, and x has shape {x.shape}")
    n, channels, *rest = x.shape
    if channels % groups:
        raise ShapeError(
            f"channel_shuffle: {channels} channels, axis 1 of {x.shape}, cannot be cut into {groups} groups"
        )
    mixed = x.reshape((n, groups, channels // groups, *rest)).swapaxes(1, 2)
    return mixed.reshape(x.shape)  # type: ignore[no-any-return]
