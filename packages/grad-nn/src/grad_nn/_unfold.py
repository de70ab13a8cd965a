"""Unfold and Fold: the windows of images as columns, and columns added up as images."""

from typing import Any

import grad_core as gd

from ._module import Module

__all__ = ["Fold", "Unfold"]

Size = int | tuple[int, ...]


class Unfold(Module):
    """Each window of images (N, C, H, W) as a column: (N, C * kh * kw, number of windows).

    Args:
        kernel_size: the lengths of a window, a number or a pair; so are the others.
        dilation: the step between the elements of a window.
        padding: zeros put at both ends.
        stride: the step between windows.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Unfold(2)(gd.ones((1, 3, 4, 5))).shape
        (1, 12, 12)
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, H, W) to columns.

        Raises:
            ShapeError: `x` has other axes, or is smaller than a window.
        """
        return gd.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns (N, C * kh * kw, L) added up where their windows stand in images (N, C, *output_size).

    Args:
        output_size: the lengths of the images, a number or a pair; so are the others.
        kernel_size: the lengths of a window.
        dilation: the step between the elements of a window.
        padding: what is cut off both ends.
        stride: the step between windows.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Fold(3, 2)(gd.ones((1, 4, 4))).tolist()
        [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]
    """

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, x: Any) -> gd.Tensor:
        """Columns to images.

        Raises:
            ShapeError: the columns do not fit the images and windows.
        """
        return gd.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
