"""What convolution and pooling say about arguments that do not fit."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

X = np.ones((2, 4, 5, 6))
W = np.ones((6, 4, 3, 3))
CASES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: gd.conv2d(X, np.ones((6, 3, 3, 3))),
        ShapeError,
        r"conv2d: x of shape \(2, 4, 5, 6\) has 4 channels, and the weight of shape \(6, 3, 3, 3\) takes 3; ch",
    ),
    (lambda: gd.conv2d(X, np.ones((6, 4, 3, 3)), groups=2), ShapeError, r"takes 8 \(4 for each of 2 groups\)"),
    (
        lambda: gd.conv2d(X, np.ones((5, 2, 3, 3)), groups=2),
        ShapeError,
        r"conv2d: groups=2 does not divide the 5 output channels of the weight, of shape \(5, 2, 3, 3\)",
    ),
    (lambda: gd.conv2d(X, W, groups=0), ShapeError, "conv2d: groups is an integer of 1 or more, and this is 0"),
    (
        lambda: gd.conv2d(X[0, 0], W),
        ShapeError,
        r"conv2d: x has shape \(5, 6\), and it needs 4 axes, \(N, C, H, W\), or 3 without the batch, \(C, H, W\)",
    ),
    (
        lambda: gd.conv2d(X, W[..., 0]),
        ShapeError,
        r"conv2d: the weight has shape \(6, 4, 3\), and it needs 4 axes, \(out_channels, in_channels / groups",
    ),
    (lambda: gd.conv2d(X, W[:, :, :0]), ShapeError, "a kernel has length 1 or more on each axis"),
    (
        lambda: gd.conv2d(X, W, np.ones(4)),
        ShapeError,
        r"conv2d: the bias has shape \(4,\), and it needs one number per output channel, \(6,\)",
    ),
    (
        lambda: gd.conv2d(X, np.ones((6, 4, 3, 7))),
        ShapeError,
        "conv2d: a kernel of length 7 does not fit on spatial axis 1, whose length is 6, with padding 6; use a smaller",
    ),
    (
        lambda: gd.conv2d(X, W, dilation=3),
        ShapeError,
        r"a kernel of length 3 \(spread over 7 by dilation 3\) does not fit on spatial axis 0, whose length is 5",
    ),
    (
        lambda: gd.conv2d(X, W, padding="same", stride=2),
        ValueError,
        r"conv2d: padding='same' keeps the length of every axis, which stride \(2, 2\) does not allow; use stride 1",
    ),
    (lambda: gd.conv2d(X, W, padding="full"), ValueError, "padding is 'same', 'valid' or numbers, and this is 'full'"),
    (lambda: gd.conv2d(X, W, padding=-1), ShapeError, "conv2d: padding must be 0 or more on each axis, and it is -1"),
    (
        lambda: gd.conv2d(X, W, padding=((1, 1),)),
        ShapeError,
        r"needs one pair \(before, after\) for each of 2 spatial axes",
    ),
    (lambda: gd.conv2d(X, W, stride=0), ShapeError, "conv2d: stride must be 1 or more on each axis, and it is 0"),
    (lambda: gd.conv2d(X, W, stride=(1, 1, 1)), ShapeError, r"stride \(1, 1, 1\) has 3 numbers for 2 spatial axes"),
    (
        lambda: gd.conv2d(X, W, stride=1.5),
        ShapeError,
        r"conv2d: stride is an integer, or one for each axis, and this is 1\.5",
    ),
    (lambda: gd.conv1d(X[0], np.ones((6, 4, 3))), ShapeError, r"conv1d: x of shape \(4, 5, 6\) has 5 channels"),
    (
        lambda: gd.conv_transpose2d(X, np.ones((3, 4, 3, 3))),
        ShapeError,
        r"conv_transpose2d: x of shape \(2, 4, 5, 6\) has 4 channels, and the weight of shape \(3, 4, 3, 3\) takes 3",
    ),
    (
        lambda: gd.conv_transpose2d(X, np.ones((4, 2, 3, 3)), groups=3),
        ShapeError,
        "groups=3 does not divide the 4 input channels of the weight",
    ),
    (
        lambda: gd.conv_transpose2d(X, np.ones((4, 2, 3, 3)), output_padding=1),
        ShapeError,
        r"conv_transpose2d: output_padding 1 must be smaller than the stride, \(1, 1\), or the dilation, \(1, 1\)",
    ),
    (
        lambda: gd.conv_transpose2d(X, np.ones((4, 2, 3, 3)), padding=4),
        ShapeError,
        r"would give spatial lengths \(-1, 0\), with padding 4 taken away from both ends",
    ),
    (lambda: gd.unfold(X[0, 0], 2), ShapeError, r"unfold: x has shape \(5, 6\), and it needs 4 axes"),
    (lambda: gd.unfold(X, 6), ShapeError, "unfold: a kernel of length 6 does not fit on spatial axis 0"),
    (lambda: gd.fold(X, 5, 2), ShapeError, r"fold: x has shape \(2, 4, 5, 6\), and it needs 3 axes"),
    (
        lambda: gd.fold(X[0], 3, 2),
        ShapeError,
        r"fold: x has shape \(4, 5, 6\), and windows \(2, 2\) of an image \(3, 3\) need a multiple of 4 rows and 4 col",
    ),
    (lambda: gd.max_pool2d(X[0, 0], 2), ShapeError, r"max_pool2d: x has shape \(5, 6\), and it needs 4 axes"),
    (lambda: gd.max_pool2d(X, 6), ShapeError, "max_pool2d: a kernel of length 6 does not fit on spatial axis 0"),
    (
        lambda: gd.max_pool2d(X, 2, padding=2),
        ShapeError,
        "max_pool2d: padding 2 is more than half of the kernel, 2: some windows would have nothing but padding",
    ),
    (lambda: gd.avg_pool2d(X, 2, stride=0), ShapeError, "avg_pool2d: stride must be 1 or more"),
    (lambda: gd.avg_pool2d(X, (2, 2, 2)), ShapeError, "kernel_size .* has 3 numbers for 2 spatial axes"),
    (lambda: gd.avg_pool2d(X, 2, divisor_override=0), ValueError, "divisor_override is an integer other than 0"),
    (lambda: gd.max_pool2d(X.astype(int), 2), DTypeError, "max_pool2d: x is int64, and pooling takes floats; cast it"),
    (lambda: gd.adaptive_avg_pool2d(X, 0), ShapeError, "adaptive_avg_pool2d: output_size must be 1 or more"),
    (lambda: gd.adaptive_max_pool2d(X, (1, 2, 3)), ShapeError, r"output_size \(1, 2, 3\) has 3 numbers for 2 spatial"),
    (lambda: gd.adaptive_max_pool1d(np.ones((2, 0)), 1), ShapeError, "a spatial axis without elements has no windows"),
]


@pytest.mark.parametrize(("call", "error", "text"), CASES)
def test_errors_say_what_does_not_fit(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
