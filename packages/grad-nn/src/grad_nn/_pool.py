"""Pooling layers: of each window the maximum or the mean."""

from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd

from ._module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Size = int | tuple[int, ...]


class _MaxPool(Module):
    """Maxima over windows in any number of dimensions."""

    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> Any:
        """(N, C, ...) or (C, ...), with one number for each window; with `return_indices` a pair.

        Raises:
            ShapeError: `x` has other axes, is shorter than a window, or is padded by more than half of one.
        """
        return type(self)._function(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _AvgPool(Module):
    """Means over windows in any number of dimensions."""

    _function: Callable[..., gd.Tensor]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...) or (C, ...), with one number for each window.

        Raises:
            ShapeError: `x` has other axes, is shorter than a window, or is padded by more than half of one.
        """
        return type(self)._function(x, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "ceil_mode": self.ceil_mode,
            "count_include_pad": self.count_include_pad,
        }

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolOverAreas(_AvgPool):
    """The same where the divisor may be chosen."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "divisor_override": self.divisor_override}


class _AdaptivePool(Module):
    """As many windows as are wanted, in any number of dimensions."""

    _function: Callable[..., Any]

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """(N, C, ...) or (C, ...), with `output_size` for the spatial axes.

        Raises:
            ShapeError: `x` has other axes.
        """
        return type(self)._function(x, self.output_size)

    def extra_repr(self) -> str:
        """The argument."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(_AdaptivePool):
    """The same for maxima, whose positions may be wanted too."""

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x: Any) -> Any:
        """(N, C, ...) or (C, ...), with `output_size` for the spatial axes; with `return_indices` a pair.

        Raises:
            ShapeError: `x` has other axes.
        """
        return type(self)._function(x, self.output_size, return_indices=self.return_indices)


class MaxPool1d(_MaxPool):
    """The maximum of each window over (N, C, L); the gradient goes to the first maximum.

    Args:
        kernel_size: the length of a window, a number; so are stride, padding and dilation.
        stride: the step between windows; None for `kernel_size`.
        padding: places at both ends that never win, at most half of the kernel.
        dilation: the step between the elements of a window.
        return_indices: give the positions of the maxima in the flattened spatial axes too.
        ceil_mode: windows may pass the end, as long as they start before it.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MaxPool1d(2)(gd.ones((2, 3, 9))).shape
        (2, 3, 4)
    """

    _function = staticmethod(gd.max_pool1d)


class MaxPool2d(_MaxPool):
    """The maximum of each window over (N, C, H, W); arguments are those of ``MaxPool1d``, a number or a pair.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MaxPool2d(2)(gd.ones((2, 3, 8, 9))).shape
        (2, 3, 4, 4)
    """

    _function = staticmethod(gd.max_pool2d)


class MaxPool3d(_MaxPool):
    """The maximum of each window over (N, C, D, H, W); arguments are those of ``MaxPool1d``, a number or a triple.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MaxPool3d(2)(gd.ones((1, 2, 4, 4, 6))).shape
        (1, 2, 2, 2, 3)
    """

    _function = staticmethod(gd.max_pool3d)


class AvgPool1d(_AvgPool):
    """The mean of each window over (N, C, L).

    Args:
        kernel_size: the length of a window, a number; so are stride and padding.
        stride: the step between windows; None for `kernel_size`.
        padding: zeros put at both ends, at most half of the kernel.
        ceil_mode: windows may pass the end, as long as they start before it.
        count_include_pad: whether padding counts among the elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AvgPool1d(2)(gd.ones((2, 3, 9))).shape
        (2, 3, 4)
    """

    _function = staticmethod(gd.avg_pool1d)


class AvgPool2d(_AvgPoolOverAreas):
    """The mean of each window over (N, C, H, W); arguments are those of ``AvgPool1d``, a number or a pair.

    Args:
        divisor_override: beside those: divide by this instead of the number of elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AvgPool2d(2)(gd.ones((2, 3, 8, 9))).shape
        (2, 3, 4, 4)
    """

    _function = staticmethod(gd.avg_pool2d)


class AvgPool3d(_AvgPoolOverAreas):
    """The mean of each window over (N, C, D, H, W); arguments are those of ``AvgPool1d``, a number or a triple.

    Args:
        divisor_override: beside those: divide by this instead of the number of elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AvgPool3d(2)(gd.ones((1, 2, 4, 4, 6))).shape
        (1, 2, 2, 2, 3)
    """

    _function = staticmethod(gd.avg_pool3d)


class AdaptiveAvgPool1d(_AdaptivePool):
    """The mean of as many windows as are wanted over (N, C, L); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number; None for as many as there are elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveAvgPool1d(2)(gd.ones((2, 3, 9))).shape
        (2, 3, 2)
    """

    _function = staticmethod(gd.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """The mean of as many windows as are wanted over (N, C, H, W); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number or a pair; None for as many as there are elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveAvgPool2d(2)(gd.ones((2, 3, 8, 9))).shape
        (2, 3, 2, 2)
    """

    _function = staticmethod(gd.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """The mean of as many windows as are wanted over (N, C, D, H, W); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number or a triple; None for as many as there are elements.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveAvgPool3d(2)(gd.ones((1, 2, 4, 4, 6))).shape
        (1, 2, 2, 2, 2)
    """

    _function = staticmethod(gd.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maximum of as many windows as are wanted over (N, C, L); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number; None for as many as there are elements.
        return_indices: give the positions of the maxima in the flattened spatial axes too.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveMaxPool1d(2)(gd.ones((2, 3, 9))).shape
        (2, 3, 2)
    """

    _function = staticmethod(gd.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maximum of as many windows as are wanted over (N, C, H, W); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number or a pair; None for as many as there are elements.
        return_indices: give the positions of the maxima in the flattened spatial axes too.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveMaxPool2d(2)(gd.ones((2, 3, 8, 9))).shape
        (2, 3, 2, 2)
    """

    _function = staticmethod(gd.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maximum of as many windows as are wanted over (N, C, D, H, W); they overlap where lengths do not divide.

    Args:
        output_size: the number of windows, a number or a triple; None for as many as there are elements.
        return_indices: give the positions of the maxima in the flattened spatial axes too.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.AdaptiveMaxPool3d(2)(gd.ones((1, 2, 4, 4, 6))).shape
        (1, 2, 2, 2, 2)
    """

    _function = staticmethod(gd.adaptive_max_pool3d)
