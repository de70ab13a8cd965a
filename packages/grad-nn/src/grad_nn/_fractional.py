"""Max pooling with windows at random places, as layers."""

from collections.abc import Callable
from typing import Any

from grad_core.random import Generator

from . import functional as F  # noqa: N812 - as everybody writes it
from ._module import Module
from .functional._fractional import Ratio, check_lengths
from .functional._windows import Size

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d"]


class _FractionalMaxPool(Module):
    """Maxima of windows at random places in any number of dimensions."""

    rank: int
    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        return_indices: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.output_size, self.output_ratio = check_lengths(self.rank, output_size, output_ratio, type(self).__name__)
        self.return_indices = return_indices
        self._generator = generator

    def forward(self, x: Any) -> Any:
        """(N, C, ...) or (C, ...), with one number for each window; with `return_indices` a pair.

        Raises:
            ShapeError: `x` has other axes, or is too short for so many windows.
        """
        return type(self)._function(
            x, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, generator=self._generator
        )

    def extra_repr(self) -> str:
        """The arguments."""
        size = f"output_size={self.output_size}" if self.output_size else f"output_ratio={self.output_ratio}"
        return f"kernel_size={self.kernel_size}, {size}"


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maximum of each window of images (N, C, H, W) or (C, H, W), where windows begin at random places.

    Places are drawn in evaluation too, as in PyTorch; ``functional.fractional_max_pool2d`` says how.

    Source: Graham, "Fractional Max-Pooling", 2014.

    Args:
        kernel_size: the length of a window, or one for each axis.
        output_size: how many windows, or one number for each axis.
        output_ratio: instead of `output_size`: how many by the length of the input, in (0, 1).
        return_indices: return the pair (maxima, where they stand), for ``MaxUnpool2d``.
        generator: draws the places; the default Generator where not given.

    Raises:
        ValueError: both or none of `output_size` and `output_ratio`, or one out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.FractionalMaxPool2d(2, output_ratio=0.7)(gd.ones((1, 10, 10))).shape
        (1, 7, 7)
    """

    rank = 2
    _function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """``FractionalMaxPool2d`` for volumes (N, C, D, H, W) or (C, D, H, W).

    Source: Graham, "Fractional Max-Pooling", 2014.

    Args:
        kernel_size: the length of a window, or one for each axis.
        output_size: how many windows, or one number for each axis.
        output_ratio: instead of `output_size`: how many by the length of the input, in (0, 1).
        return_indices: return the pair (maxima, where they stand), for ``MaxUnpool3d``.
        generator: draws the places; the default Generator where not given.

    Raises:
        ValueError: both or none of `output_size` and `output_ratio`, or one out of range.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.FractionalMaxPool3d(2, output_size=(3, 3, 2))(gd.ones((1, 6, 6, 4))).shape
        (1, 3, 3, 2)
    """

    rank = 3
    _function = staticmethod(F.fractional_max_pool3d)
