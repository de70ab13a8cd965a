"""Layers that pad images, and Upsample, which makes them larger."""

from collections.abc import Sequence
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from . import functional
from ._module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Size = int | Sequence[int]


class _Pad(Module):
    """Padding of the last axes in any number of dimensions."""

    rank: int
    mode: str

    def __init__(self, padding: Size) -> None:
        given = (padding,) * (2 * self.rank) if isinstance(padding, int) else tuple(padding)
        if len(given) != 2 * self.rank:
            raise ValueError(
                f"{type(self).__name__}: padding={padding!r} must be a number, or {2 * self.rank} of them, before and "
                "after for the last axis first"
            )
        self.padding = given

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...) or (C, ...), longer.

        Raises:
            ShapeError: `x` has other axes, or is too short for what is mirrored.
        """
        x = gd.asarray(x)
        if x.ndim not in (self.rank + 1, self.rank + 2):
            raise ShapeError(f"{type(self).__name__}: pads {self.rank} axes behind (N, C) or (C,), and x has {x.shape}")
        return functional.pad(x, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The argument."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """The same with a number of one's own."""

    mode = "constant"

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x: Any) -> gd.Tensor:
        """Any axes in front of those that are padded.

        Raises:
            ShapeError: `x` has fewer axes.
        """
        return functional.pad(x, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A number around (N, C, L).

    Args:
        padding: how many elements at each end: a number, or (left, right).
        value: the number.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConstantPad1d(1, 9.0)(gd.ones((1, 2, 5))).shape
        (1, 2, 7)
    """

    rank = 1


class ConstantPad2d(_ConstantPad):
    """A number around (N, C, H, W).

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom).
        value: the number.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConstantPad2d(1, 9.0)(gd.ones((1, 2, 5, 5))).shape
        (1, 2, 7, 7)
    """

    rank = 2


class ConstantPad3d(_ConstantPad):
    """A number around (N, C, D, H, W).

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom, front, back).
        value: the number.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConstantPad3d(1, 9.0)(gd.ones((1, 2, 5, 5, 5))).shape
        (1, 2, 7, 7, 7)
    """

    rank = 3


class ZeroPad1d(_Pad):
    """Zeros around (N, C, L).

    Args:
        padding: how many elements at each end: a number, or (left, right).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ZeroPad1d(1)(gd.ones((1, 2, 5))).shape
        (1, 2, 7)
    """

    rank = 1
    mode = "constant"


class ZeroPad2d(_Pad):
    """Zeros around (N, C, H, W).

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ZeroPad2d(1)(gd.ones((1, 2, 5, 5))).shape
        (1, 2, 7, 7)
    """

    rank = 2
    mode = "constant"


class ZeroPad3d(_Pad):
    """Zeros around (N, C, D, H, W).

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom, front, back).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ZeroPad3d(1)(gd.ones((1, 2, 5, 5, 5))).shape
        (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "constant"


class ReflectionPad1d(_Pad):
    """(N, C, L), mirrored at its edges.

    Args:
        padding: how many elements at each end: a number, or (left, right).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReflectionPad1d(1)(gd.ones((1, 2, 5))).shape
        (1, 2, 7)
    """

    rank = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """(N, C, H, W), mirrored at its edges.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReflectionPad2d(1)(gd.ones((1, 2, 5, 5))).shape
        (1, 2, 7, 7)
    """

    rank = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W), mirrored at its edges.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom, front, back).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReflectionPad3d(1)(gd.ones((1, 2, 5, 5, 5))).shape
        (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """(N, C, L), its edges repeated.

    Args:
        padding: how many elements at each end: a number, or (left, right).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReplicationPad1d(1)(gd.ones((1, 2, 5))).shape
        (1, 2, 7)
    """

    rank = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """(N, C, H, W), its edges repeated.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReplicationPad2d(1)(gd.ones((1, 2, 5, 5))).shape
        (1, 2, 7, 7)
    """

    rank = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W), its edges repeated.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom, front, back).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ReplicationPad3d(1)(gd.ones((1, 2, 5, 5, 5))).shape
        (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """(N, C, L), going on at the other end.

    Args:
        padding: how many elements at each end: a number, or (left, right).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.CircularPad1d(1)(gd.ones((1, 2, 5))).shape
        (1, 2, 7)
    """

    rank = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """(N, C, H, W), going on at the other end.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.CircularPad2d(1)(gd.ones((1, 2, 5, 5))).shape
        (1, 2, 7, 7)
    """

    rank = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """(N, C, D, H, W), going on at the other end.

    Args:
        padding: how many elements at each end: a number, or (left, right, top, bottom, front, back).

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.CircularPad3d(1)(gd.ones((1, 2, 5, 5, 5))).shape
        (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "circular"


class Upsample(Module):
    """Images of another size: see ``functional.interpolate``.

    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, for mode "bicubic".

    Args:
        size: the new lengths of the spatial axes, or one number for all.
        scale_factor: the new lengths by the old ones, instead of `size`.
        mode: "nearest", "linear", "bilinear", "bicubic" or "trilinear".
        align_corners: whether the first and the last element of old and new lie on one another; not for "nearest".
        recompute_scale_factor: compute the factor again from the rounded sizes.

    Raises:
        ValueError: when called, what does not go together; see ``functional.interpolate``.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Upsample(scale_factor=2, mode="bilinear")(gd.ones((1, 3, 4, 5))).shape
        (1, 3, 8, 10)
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...) to the same with other lengths.

        Raises:
            ShapeError: `x` has a number of axes that the mode does not take.
        """
        return functional.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """Size or factor, and the mode."""
        given = f"size={self.size}" if self.size is not None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """``Upsample`` of images (N, C, H, W) with mode "nearest".

    Args:
        size: the new height and width, or one number for both.
        scale_factor: the new lengths by the old ones, instead of `size`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.UpsamplingNearest2d(scale_factor=2)(gd.ones((1, 3, 4, 5))).shape
        (1, 3, 8, 10)
    """

    def __init__(self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """``Upsample`` of images (N, C, H, W) with mode "bilinear" and corners that lie on one another.

    Args:
        size: the new height and width, or one number for both.
        scale_factor: the new lengths by the old ones, instead of `size`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.UpsamplingBilinear2d(size=(3, 3))(gd.tensor([[[[0.0, 2.0], [2.0, 4.0]]]])).reshape(9)
        tensor([0., 1., 2., 1., 2., 3., 2., 3., 4.])
    """

    def __init__(self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
