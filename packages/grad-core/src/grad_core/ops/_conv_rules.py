"""The ops of convolution, which is linear in its input and in its weights; so are its two gradients in their arguments.

The three are each other's rules, so that derivatives of any order stay among them. Each takes any number of axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._kinds import broadcast_to
from grad_core._op import Op, op

from ._conv_kernels import convolve, input_gradient, weight_gradient
from ._windows import Windows

__all__ = ["conv", "conv_biased", "conv_input", "per_channel"]

_Axes = tuple[int | None, ...]


def _conv_by_x(g: Any, _ans: Any, _x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    return conv_input.on(g, weight, windows=windows, groups=groups)


def _conv_by_weight(g: Any, _ans: Any, x: Any, _weight: Any, windows: Windows, groups: int) -> Any:
    return conv_weight.on(g, x, windows=windows, groups=groups)


def _input_by_g(g: Any, _ans: Any, _g: Any, weight: Any, windows: Windows, groups: int) -> Any:
    return conv.on(g, weight, windows=windows, groups=groups)


def _input_by_weight(g: Any, _ans: Any, earlier: Any, _weight: Any, windows: Windows, groups: int) -> Any:
    return conv_weight.on(earlier, g, windows=windows, groups=groups)


def _weight_by_g(g: Any, _ans: Any, _g: Any, x: Any, windows: Windows, groups: int) -> Any:
    return conv.on(x, g, windows=windows, groups=groups)


def _weight_by_x(g: Any, _ans: Any, earlier: Any, _x: Any, windows: Windows, groups: int) -> Any:
    return conv_input.on(earlier, g, windows=windows, groups=groups)


def _product_rule(made: str) -> Any:
    """The tangent of an op that is linear in each of two arguments."""

    def jvp(tangents: tuple[Any, ...], _ans: Any, x: Any, y: Any, **params: Any) -> Any:
        function = _OPS[made]
        by_x, by_y = tangents
        if by_x is None:
            return function.on(x, by_y, **params)
        total = function.on(by_x, y, **params)
        return total if by_y is None else total + function.on(x, by_y, **params)

    return jvp


def _folded(x: Any, axis: int) -> Any:
    """The batch axis of vmap made part of the batch: (B, N, ...) as (B N, ...)."""
    x = np.moveaxis(x, axis, 0)
    return x.reshape((x.shape[0] * x.shape[1], *x.shape[2:]))


def _beside(x: Any, axis: int | None, count: int, place: int) -> Any:
    """The batch axis of vmap made part of the channels, at `place`; where there is none, `x` is repeated."""
    x = broadcast_to.on(x, shape=(count, *x.shape)) if axis is None else np.moveaxis(x, axis, 0)
    x = np.moveaxis(x, 0, place)
    return x.reshape((*x.shape[:place], count * x.shape[place + 1], *x.shape[place + 2 :]))


def _apart(x: Any, count: int, place: int) -> Any:
    """The opposite of `_folded` and `_beside`."""
    return x.reshape((*x.shape[:place], count, x.shape[place] // count, *x.shape[place + 1 :]))


def _two_batches(made: str, places: tuple[int, int], to: int) -> Any:
    """Batching by groups: each entry of the batch is a group of channels, which stand at `places`, and at `to`."""

    def batch(inputs: tuple[Any, ...], axes: _Axes, *, windows: Windows, groups: int) -> tuple[Any, int]:
        x, y = inputs
        count = next(x.shape[axis] for x, axis in zip(inputs, axes, strict=True) if axis is not None)
        function = _OPS[made]
        if axes[1] is None and places[1] == 0 and axes[0] is not None:  # the same weights for all
            result = function.on(_folded(x, axes[0]), y, windows=windows, groups=groups)
            return _apart(result, count, 0), 0
        x = _beside(x, axes[0], count, places[0])
        y = _beside(y, axes[1], count, places[1])
        return _apart(function.on(x, y, windows=windows, groups=groups * count), count, to), to

    return batch


_conv_batch = _two_batches("conv", (1, 0), 1)


@op(vjp=(_conv_by_x, _conv_by_weight), jvp=_product_rule("conv"), batch=_conv_batch, name="conv")
def conv(x: Any, weight: Any, *, windows: Windows, groups: int) -> Any:
    return convolve(x, weight, None, windows, groups)


@op(
    vjp=(_input_by_g, _input_by_weight),
    jvp=_product_rule("conv_input"),
    batch=_two_batches("conv_input", (1, 0), 1),
    name="conv_input",
)
def conv_input(g: Any, weight: Any, *, windows: Windows, groups: int) -> Any:
    return input_gradient(g, weight, windows, groups)


@op(
    vjp=(_weight_by_g, _weight_by_x),
    jvp=_product_rule("conv_weight"),
    batch=_two_batches("conv_weight", (1, 1), 0),
    name="conv_weight",
)
def conv_weight(g: Any, x: Any, *, windows: Windows, groups: int) -> Any:
    return weight_gradient(g, x, windows, groups)


_OPS: dict[str, Op] = {"conv": conv, "conv_input": conv_input, "conv_weight": conv_weight}


def per_channel(bias: Any, rank: int) -> Any:
    return bias.reshape((*bias.shape, *(1,) * rank))


def _biased_by_x(g: Any, _ans: Any, _x: Any, weight: Any, _bias: Any, windows: Windows, groups: int) -> Any:
    return conv_input.on(g, weight, windows=windows, groups=groups)


def _biased_by_weight(g: Any, _ans: Any, x: Any, _weight: Any, _bias: Any, windows: Windows, groups: int) -> Any:
    return conv_weight.on(g, x, windows=windows, groups=groups)


def _biased_by_bias(g: Any, _ans: Any, _x: Any, _weight: Any, _bias: Any, windows: Windows, groups: int) -> Any:
    return g.sum(axis=(0, *range(2, len(windows.size) + 2)))


def _biased_jvp(
    tangents: tuple[Any, ...], ans: Any, x: Any, weight: Any, _bias: Any, *, windows: Windows, groups: int
) -> Any:
    by_x, by_weight, by_bias = tangents
    terms = []
    if by_x is not None:
        terms.append(conv.on(by_x, weight, windows=windows, groups=groups))
    if by_weight is not None:
        terms.append(conv.on(x, by_weight, windows=windows, groups=groups))
    if by_bias is not None:
        terms.append(broadcast_to.on(per_channel(by_bias, len(windows.size)), shape=np.shape(ans)))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _biased_batch(inputs: tuple[Any, ...], axes: _Axes, *, windows: Windows, groups: int) -> tuple[Any, int]:
    x, weight, bias = inputs
    rank = len(windows.size)
    if axes[0] is None and axes[1] is None:
        result = conv.on(x, weight, windows=windows, groups=groups)[None]
    else:
        result, axis = _conv_batch((x, weight), axes[:2], windows=windows, groups=groups)
        result = np.moveaxis(result, axis, 0)
    if axes[2] is not None:
        bias = np.moveaxis(bias, axes[2], 0)[:, None]
    return result + per_channel(bias, rank), 0


@op(vjp=(_biased_by_x, _biased_by_weight, _biased_by_bias), jvp=_biased_jvp, batch=_biased_batch, name="conv")
def conv_biased(x: Any, weight: Any, bias: Any, *, windows: Windows, groups: int) -> Any:
    return convolve(x, weight, bias, windows, groups)
