"""Windows beside maximum and mean: LPPool, MaxUnpool and LocalResponseNorm."""

from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module

__all__ = [
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LocalResponseNorm",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Size = int | Sequence[int]


class _LPPool(Module):
    """Power means over windows in any number of dimensions."""

    _function: Callable[..., gd.Tensor]

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...) or (C, ...), with one number for each window.

        Raises:
            ShapeError: `x` has other axes, or is shorter than a window.
            ValueError: `norm_type` is not positive and finite.
        """
        return type(self)._function(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _MaxUnpool(Module):
    """Maxima back at their places in any number of dimensions."""

    rank: int
    _function: Callable[..., gd.Tensor]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        self.kernel_size = self._each(kernel_size)
        self.stride = self.kernel_size if stride is None else self._each(stride)
        self.padding = self._each(padding)

    def _each(self, size: Any) -> tuple[int, ...]:
        return tuple(size) if isinstance(size, list | tuple) else (size,) * self.rank

    def forward(self, x: Any, indices: Any, output_size: Any = None) -> gd.Tensor:
        """Maxima and their positions, both (N, C, ...) or (C, ...), to a result of the lengths before the pooling.

        With `output_size` those lengths, or the whole shape, are given, where pooling made several equal.

        Raises:
            ShapeError: shapes do not fit, or pooling does not lead from `output_size` to `x`.
            IndexError: an index is no place of the result.
            DTypeError: indices that are not integers.
        """
        return type(self)._function(x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class LPPool1d(_LPPool):
    """(sum of x**p)**(1/p) over each window of (N, C, L) or (C, L), with p = `norm_type`.

    Where a sum is 0 the gradient is taken as 0. With an even p the sum is that of absolute values.

    Source: Sermanet, Chintala, LeCun, "Convolutional Neural Networks Applied to House Numbers Digit Classification",
    2012.

    Args:
        norm_type: p, above 0: 1 for the sum, and large ones near the maximum.
        kernel_size: the length of a window.
        stride: the step between windows; None for `kernel_size`.
        ceil_mode: windows may pass the end, as long as they start before it; their sums are scaled to whole windows.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LPPool1d(2, 2)(gd.ones((2, 3, 9))).shape
        (2, 3, 4)
    """

    _function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """LPPool1d for images (N, C, H, W) or (C, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LPPool2d(2, 2)(gd.ones((2, 3, 9, 8))).shape
        (2, 3, 4, 4)
    """

    _function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """LPPool1d for volumes (N, C, D, H, W) or (C, D, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LPPool3d(2, 2)(gd.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 2, 2, 2)
    """

    _function = staticmethod(F.lp_pool3d)


class LocalResponseNorm(Module):
    """Each channel by (k + alpha m)**beta, with m the mean of the squares over `size` neighbouring channels, 0 outside.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012; as
    in PyTorch alpha goes with the mean, there with the sum.

    Args:
        size: how many channels; of an even number one more lies before than behind.
        alpha: what the mean counts.
        beta: the exponent.
        k: keeps the divisor away from 0.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.LocalResponseNorm(2)(gd.ones((1, 4, 5, 5))).shape
        (1, 4, 5, 5)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, x: Any) -> gd.Tensor:
        """(N, C, ...), kept.

        Raises:
            ShapeError: fewer than three axes.
        """
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class MaxUnpool1d(_MaxUnpool):
    """Maxima of (N, C, L) or (C, L) back at their places, and 0 elsewhere: it undoes ``MaxPool1d`` as far as it can.

    Source: Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2014.

    Args:
        kernel_size: that of the pooling, and so are stride and padding.
        stride: the step between windows; None for `kernel_size`.
        padding: of the pooling.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> x, places = nn.MaxPool1d(2, return_indices=True)(gd.ones((2, 3, 9)))
        >>> nn.MaxUnpool1d(2)(x, places, output_size=(2, 3, 9)).shape
        (2, 3, 9)
    """

    rank = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """MaxUnpool1d for images (N, C, H, W) or (C, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> x, places = nn.MaxPool2d(2, return_indices=True)(gd.ones((2, 3, 9, 8)))
        >>> nn.MaxUnpool2d(2)(x, places, output_size=(2, 3, 9, 8)).shape
        (2, 3, 9, 8)
    """

    rank = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """MaxUnpool1d for volumes (N, C, D, H, W) or (C, D, H, W); sizes are a number, or one for each axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> x, places = nn.MaxPool3d(2, return_indices=True)(gd.ones((2, 3, 4, 4, 5)))
        >>> nn.MaxUnpool3d(2)(x, places, output_size=(2, 3, 4, 4, 5)).shape
        (2, 3, 4, 4, 5)
    """

    rank = 3
    _function = staticmethod(F.max_unpool3d)
