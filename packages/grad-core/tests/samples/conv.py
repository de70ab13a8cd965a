"""Samples of convolutions, transposed ones, unfold and fold, with references that follow the definitions."""

import itertools
from typing import Any

import numpy as np

from . import Sample, arrays


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * rank


def _places(index: tuple[int, ...], kernel: tuple[int, ...], stride: Any, dilation: Any) -> tuple[slice, ...]:
    return tuple(
        slice(o * s, o * s + (k - 1) * d + 1, d) for o, k, s, d in zip(index, kernel, stride, dilation, strict=True)
    )


def convolved(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    rank = weight.ndim - 2
    if x.ndim == rank + 1:
        return convolved(x[None], weight, bias, stride, padding, dilation, groups)[0]
    stride, dilation, kernel = _each(stride, rank), _each(dilation, rank), weight.shape[2:]
    if padding == "same":
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        padding = tuple((n // 2, n - n // 2) for n in total)
    padding = 0 if padding == "valid" else padding
    pairs = [p if isinstance(p, tuple) else (p, p) for p in _each(padding, rank)]
    x = np.pad(x, [(0, 0), (0, 0), *pairs])
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)]
    each, channels = weight.shape[0] // groups, weight.shape[1]
    result = np.zeros((x.shape[0], weight.shape[0], *out))
    for index in itertools.product(*map(range, out)):
        window = x[(..., *_places(index, kernel, stride, dilation))]
        for k in range(weight.shape[0]):
            group = k // each
            seen = window[:, group * channels : (group + 1) * channels]
            result[(slice(None), k, *index)] = (seen * weight[k]).sum(axis=tuple(range(1, rank + 2)))
    return result if bias is None else result + bias.reshape(-1, *(1,) * rank)


def transposed(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    rank = weight.ndim - 2
    if x.ndim == rank + 1:
        return transposed(x[None], weight, bias, stride, padding, output_padding, groups, dilation)[0]
    stride, dilation, kernel = _each(stride, rank), _each(dilation, rank), weight.shape[2:]
    pads, extra = _each(padding, rank), _each(output_padding, rank)
    whole = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, k, s, d, e in zip(x.shape[2:], kernel, stride, dilation, extra, strict=True)
    ]
    each, made = weight.shape[0] // groups, weight.shape[1]
    result = np.zeros((x.shape[0], made * groups, *whole))
    for index in itertools.product(*map(range, x.shape[2:])):
        places = _places(index, kernel, stride, dilation)
        for c in range(weight.shape[0]):
            group = c // each
            part = result[(slice(None), slice(group * made, (group + 1) * made), *places)]
            part += x[(slice(None), c, *index)].reshape(-1, *(1,) * (rank + 1)) * weight[c]
    result = result[(..., *[slice(p, n - p) for n, p in zip(whole, pads, strict=True)])]
    return result if bias is None else result + bias.reshape(-1, *(1,) * rank)


def unfolded(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    kernel = _each(kernel_size, 2)
    channels = x.shape[-3]
    taps = np.eye(kernel[0] * kernel[1]).reshape(-1, 1, *kernel)  # each finds one element of a window
    weight = np.tile(taps, (channels, 1, 1, 1))
    result = convolved(x, weight, None, stride, padding, dilation, channels)
    return result.reshape(*result.shape[:-2], -1)


def folded(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    kernel = _each(kernel_size, 2)
    channels = x.shape[-2] // (kernel[0] * kernel[1])
    image = np.zeros((*x.shape[:-2], channels, *_each(output_size, 2)))
    # the transpose of unfolding, by its matrix
    basis = np.eye(image[..., 0, :, :].reshape(-1)[: int(np.prod(_each(output_size, 2)))].size)
    columns = unfolded(basis.reshape(-1, 1, *_each(output_size, 2)), kernel, dilation, padding, stride)
    split = x.reshape(*x.shape[:-2], channels, *columns.shape[1:])
    return np.einsum("...ij,pij->...p", split, columns).reshape(image.shape)


def _conv(*shapes: tuple[int, ...], **params: Any) -> Sample:
    return Sample(f"conv{len(shapes[1]) - 2}d", arrays(*shapes), convolved, params)


def _back(*shapes: tuple[int, ...], **params: Any) -> Sample:
    return Sample(f"conv_transpose{len(shapes[1]) - 2}d", arrays(*shapes), transposed, params)


SAMPLES = [
    _conv((2, 2, 6), (3, 2, 3)),
    _conv((2, 2, 6), (3, 2, 3), (3,), stride=2),
    _conv((2, 7), (3, 2, 2), (3,), stride=2, padding=1, dilation=2),
    _conv((2, 4, 5), (4, 2, 2), groups=2, padding="same"),
    _conv((1, 3, 4), (3, 1, 1), (3,), groups=3, padding="valid"),
    _conv((2, 1, 5), (1, 1, 2), padding=((2, 0),)),
    _conv((2, 1, 2), (2, 1, 3), padding=2, stride=3),
    _conv((0, 2, 5), (1, 2, 2), (1,)),
    _conv((2, 2, 4, 5), (2, 2, 3, 2)),
    _conv((2, 2, 4, 5), (2, 2, 3, 2), (2,), padding=1),
    _conv((1, 2, 5, 4), (2, 2, 2, 3), (2,), stride=(2, 1), padding=(1, 2)),
    _conv((1, 1, 5, 6), (2, 1, 2, 2), stride=3, dilation=(2, 1)),
    _conv((1, 4, 3, 4), (4, 2, 2, 2), (4,), groups=2, padding="same", dilation=2),
    _conv((2, 4, 3), (2, 2, 2, 2), padding=((1, 0), (0, 2))),
    _conv((2, 3, 3, 3), (2, 3, 1, 1), (2,)),
    _conv((1, 2, 5, 4), (4, 1, 3, 3), (4,), groups=2, stride=2, padding=1),
    _conv((0, 2, 3, 3), (1, 2, 2, 2), (1,)),
    _conv((1, 1, 3, 4, 3), (2, 1, 2, 2, 2)),
    _conv((1, 2, 3, 3, 4), (2, 1, 2, 1, 3), (2,), groups=2, stride=(1, 2, 2), padding=(1, 0, 1)),
    _conv((1, 3, 4, 3), (1, 1, 2, 2, 2), padding="same"),
    _conv((1, 1, 4, 3, 3), (1, 1, 2, 2, 1), (1,), dilation=(2, 1, 1), stride=2),
    _back((2, 2, 4), (2, 3, 3)),
    _back((2, 2, 4), (2, 3, 3), (3,), stride=2, padding=1, output_padding=1),
    _back((4, 3), (4, 2, 2), (4,), groups=2, dilation=2, stride=3),
    _back((0, 2, 3), (2, 1, 2), (1,)),
    _back((2, 2, 3, 2), (2, 2, 2, 3)),
    _back((1, 2, 3, 3), (2, 2, 3, 2), (2,), stride=(2, 1), padding=(1, 0)),
    _back((1, 4, 2, 3), (4, 1, 2, 2), (2,), groups=2, stride=2, output_padding=(1, 0)),
    _back((2, 2, 3), (2, 1, 2, 2), dilation=(1, 3), output_padding=(0, 2)),
    _back((1, 1, 2, 3, 2), (1, 2, 2, 2, 2), (2,)),
    _back((2, 2, 2, 3), (2, 1, 2, 1, 2), (2,), groups=2, stride=2, padding=(1, 0, 1), output_padding=1),
    Sample("unfold", arrays((2, 2, 3, 4)), unfolded, {"kernel_size": 2}),
    Sample(
        "unfold",
        arrays((1, 2, 4, 5)),
        unfolded,
        {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 0), "stride": (1, 2)},
    ),
    Sample("unfold", arrays((2, 3, 3)), unfolded, {"kernel_size": (3, 1), "stride": 2}),
    Sample("fold", arrays((2, 8, 6)), folded, {"output_size": (3, 4), "kernel_size": 2}),
    Sample(
        "fold",
        arrays((1, 6, 8)),
        folded,
        {"output_size": (4, 5), "kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 0), "stride": (1, 2)},
    ),
    Sample("fold", arrays((8, 4)), folded, {"output_size": (4, 5), "kernel_size": 2, "stride": (2, 3)}),
]
