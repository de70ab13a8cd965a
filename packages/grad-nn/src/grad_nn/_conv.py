"""Convolution layers in one to three dimensions, and the transposed ones, with the parameters of torch.nn."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import functional, init
from ._module import Module
from ._parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Size = int | Sequence[int]
_PADDINGS = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def as_tuple(value: Any, rank: int, name: str, what: str) -> tuple[int, ...]:
    """A number for all axes, or one for each, as a tuple."""
    given = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(given) != rank:
        raise ValueError(f"{name}: {what}={value!r} must be a number, or {rank} of them")
    return given


class _Conv(Module):
    """What the layers share: the parameters and how they start."""

    rank: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Any,
        dilation: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
        generator: Generator | None,
    ) -> None:
        name = type(self).__name__
        if in_channels < 1 or out_channels < 1 or groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}, and "
                "all be positive"
            )
        if padding_mode not in _PADDINGS or (self.transposed and padding_mode != "zeros"):
            allowed = "'zeros'" if self.transposed else ", ".join(map(repr, _PADDINGS))
            raise ValueError(f"{name}: padding_mode={padding_mode!r}: give {allowed}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = as_tuple(kernel_size, self.rank, name, "kernel_size")
        self.stride = as_tuple(stride, self.rank, name, "stride")
        # a word, or numbers
        self.padding: Any = padding if isinstance(padding, str) else as_tuple(padding, self.rank, name, "padding")
        self.dilation = as_tuple(dilation, self.rank, name, "dilation")
        self.groups = groups
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(gd.empty((*channels, *self.kernel_size), dtype=dtype))
        self.bias = Parameter(gd.empty((out_channels,), dtype=dtype)) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            bound = 1 / math.sqrt(channels[1] * math.prod(self.kernel_size))
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def _check(self, x: Any) -> Any:
        x = gd.asarray(x)
        if x.ndim not in (self.rank + 1, self.rank + 2) or x.shape[-self.rank - 1] != self.in_channels:
            axes = ("L", "H, W", "D, H, W")[self.rank - 1]
            hint = ""
            if x.ndim == self.rank + 2 and x.shape[-1] == self.in_channels:
                hint = ": the channels come first here: move them with gd.moveaxis(x, -1, 1)"
            elif self.in_channels == 1 and x.ndim == self.rank + 1:
                hint = ": add the axis of the one channel with gd.expand_dims(x, 1)"
            raise ShapeError(
                f"{type(self).__name__}: made for (N, {self.in_channels}, {axes}) or ({self.in_channels}, {axes}), and "
                f"x has shape {x.shape}{hint}"
            )
        return x

    def extra_repr(self) -> str:
        """The sizes, and what is not as usual."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = (
            ("padding", (0,) * self.rank),
            ("dilation", (1,) * self.rank),
            ("groups", 1),
            ("padding_mode", "zeros"),
        )
        parts += [f"{name}={getattr(self, name)!r}" for name, value in usual if getattr(self, name) != value]
        parts += ["bias=False"] if self.bias is None else []
        return ", ".join(parts)


class _Forward(_Conv):
    """Convolution in any number of dimensions."""

    _function: Callable[..., gd.Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
            generator,
        )

    def forward(self, x: Any) -> gd.Tensor:
        """(N, in_channels, ...) or (in_channels, ...) to the same with out_channels and other lengths.

        Raises:
            ShapeError: `x` has other axes or channels, or is shorter than the kernel.
        """
        x = self._check(x)
        padding = self.padding
        if self.padding_mode != "zeros":
            x = functional.pad(x, self._widths(), _PADDINGS[self.padding_mode])
            padding = 0
        return type(self)._function(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def _widths(self) -> list[int]:
        """The padding as `functional.pad` takes it: the last axis first."""
        if self.padding == "valid":
            return [0, 0] * self.rank
        if self.padding == "same":
            whole = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [n for total in reversed(whole) for n in (total // 2, total - total // 2)]
        return [n for n in reversed(self.padding) for _ in range(2)]


class Conv1d(_Forward):
    """Convolution over one axis: y[n, k] = bias[k] + sum over c of weight[k, c] * x[n, c], slid along the axis.

    Weight and bias start uniform in ±1/sqrt(in_channels / groups * kernel_size), as in ``torch.nn``.

    Source: LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", 1989.

    Args:
        in_channels: C of the input.
        out_channels: K of the result.
        kernel_size: the length of the kernel.
        stride: the step between windows.
        padding: elements put at both ends; "same" for a result as long as the input, or "valid" for none.
        dilation: the step between the taps of the kernel.
        groups: into how many groups the channels are split, each of which sees only its own.
        bias: whether a bias is added; if not, the attribute `bias` is None.
        padding_mode: what is put there: "zeros", "reflect", "replicate" or "circular".
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter (out_channels, in_channels / groups, kernel_size).
        bias: Parameter (out_channels,), or None.

    Raises:
        ValueError: `groups` does not divide the channels, or an unknown `padding_mode`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Conv1d(3, 5, 3, padding=1)(gd.ones((2, 3, 10))).shape
        (2, 5, 10)
    """

    rank = 1
    _function = staticmethod(gd.conv1d)


class Conv2d(_Forward):
    """Convolution over images (N, C, H, W): arguments and attributes are those of ``Conv1d``, numbers or pairs.

    Source: LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", 1989.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Conv2d(1, 6, 5, stride=(1, 2), padding="valid")(gd.ones((2, 1, 28, 28))).shape
        (2, 6, 24, 12)
    """

    rank = 2
    _function = staticmethod(gd.conv2d)


class Conv3d(_Forward):
    """Convolution over volumes (N, C, D, H, W): arguments and attributes are those of ``Conv1d``, numbers or triples.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Conv3d(1, 2, 3)(gd.ones((2, 1, 5, 6, 7))).shape
        (2, 2, 3, 4, 5)
    """

    rank = 3
    _function = staticmethod(gd.conv3d)


class _Transposed(_Conv):
    """Transposed convolution in any number of dimensions."""

    transposed = True
    _function: Callable[..., gd.Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
            generator,
        )
        self.output_padding = as_tuple(output_padding, self.rank, type(self).__name__, "output_padding")

    def forward(self, x: Any, output_size: Sequence[int] | None = None) -> gd.Tensor:
        """(N, in_channels, ...) or (in_channels, ...) to the same with out_channels and larger lengths.

        Args:
            x: the input.
            output_size: the lengths that the result shall have, of the spatial axes or of all, instead of
                `output_padding`.

        Raises:
            ShapeError: `x` has other axes or channels, or `output_size` cannot be reached.
        """
        x = self._check(x)
        extra = self.output_padding if output_size is None else self._reaching(x, tuple(output_size))
        return type(self)._function(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=extra,
            groups=self.groups,
            dilation=self.dilation,
        )

    def _reaching(self, x: Any, wanted: tuple[int, ...]) -> tuple[int, ...]:
        wanted = wanted[-self.rank :]
        plan = zip(x.shape[-self.rank :], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in plan]
        extra = tuple([w - low for w, low in zip(wanted, least, strict=False)])
        if len(wanted) != self.rank or any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
            raise ShapeError(
                f"{type(self).__name__}: output_size={wanted} cannot be reached from x {x.shape}: lengths from "
                f"{tuple(least)} to {tuple(most)} can"
            )
        return extra


class ConvTranspose1d(_Transposed):
    """The transpose of ``Conv1d``: each element adds the kernel, multiplied by it, to its window of a longer result.

    Weight and bias start as those of ``torch.nn`` do.

    Args:
        in_channels: C of the input.
        out_channels: K of the result.
        kernel_size: the length of the kernel.
        stride: the step between windows.
        padding: what is cut off both ends.
        output_padding: length added at the far end.
        groups: into how many groups the channels are split, each of which sees only its own.
        bias: whether a bias is added; if not, the attribute `bias` is None.
        dilation: the step between the taps of the kernel.
        padding_mode: "zeros" is all there is.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight: Parameter (in_channels, out_channels / groups, kernel_size).
        bias: Parameter (out_channels,), or None.

    Raises:
        ValueError: `groups` does not divide the channels, or another `padding_mode`.

    Source: Zeiler et al., "Deconvolutional Networks", 2010.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConvTranspose1d(3, 5, 4, stride=2, padding=1)(gd.ones((2, 3, 10))).shape
        (2, 5, 20)
    """

    rank = 1
    _function = staticmethod(gd.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """The transpose of ``Conv2d``: arguments and attributes are those of ``ConvTranspose1d``, numbers or pairs.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1)(gd.ones((2, 3, 8, 8))).shape
        (2, 5, 16, 16)
    """

    rank = 2
    _function = staticmethod(gd.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """The transpose of ``Conv3d``: arguments and attributes are those of ``ConvTranspose1d``, numbers or triples.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ConvTranspose3d(3, 5, 2, stride=2)(gd.ones((1, 3, 4, 4, 4))).shape
        (1, 5, 8, 8, 8)
    """

    rank = 3
    _function = staticmethod(gd.conv_transpose3d)
