"""Samples of pooling, with references that follow the definitions."""

import itertools
import math
from typing import Any

import numpy as np

from . import Sample, arrays


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * rank


def _count(n: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    room = n + 2 * p - d * (k - 1) - 1
    if not ceil_mode:
        return room // s + 1
    count = math.ceil(room / s) + 1
    return count - 1 if (count - 1) * s >= n + p else count  # the last window starts within


def _pooled(rank: int, average: bool) -> Any:
    def call(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        return_indices: bool = False,
    ) -> Any:
        kernel = _each(kernel_size, rank)
        stride = kernel if stride is None else _each(stride, rank)
        padding, dilation = _each(padding, rank), _each(dilation, rank)
        size = x.shape[-rank:]
        out = [_count(*of_axis, ceil_mode) for of_axis in zip(size, kernel, stride, padding, dilation, strict=True)]
        result = np.empty((*x.shape[:-rank], *out))
        found = np.empty(result.shape, np.int64)
        for index in itertools.product(*map(range, out)):
            taps = [
                [o * s - p + t * d for t in range(k)]
                for o, k, s, p, d in zip(index, kernel, stride, padding, dilation, strict=True)
            ]
            inside = [[i for i in places if 0 <= i < n] for places, n in zip(taps, size, strict=True)]
            window = x[(..., *np.ix_(*inside))].reshape(*x.shape[:-rank], math.prod(map(len, inside)))
            if average:
                padded = [[i for i in places if i < n + p] for places, n, p in zip(taps, size, padding, strict=True)]
                counted = padded if count_include_pad else inside
                result[(..., *index)] = window.sum(-1) / (divisor_override or math.prod(map(len, counted)))
            else:
                result[(..., *index)] = window.max(-1)
                flat = np.ravel_multi_index(np.ix_(*inside), size).reshape(-1)
                found[(..., *index)] = flat[window.argmax(-1)]
        return (result, found) if return_indices else result

    return call


def _second(pair: Any) -> Any:
    return pair[1]


def _adaptive(rank: int, average: bool) -> Any:
    def call(x: Any, output_size: Any) -> Any:
        size = x.shape[-rank:]
        out = [n if o is None else o for n, o in zip(size, _each(output_size, rank), strict=True)]
        result = np.empty((*x.shape[:-rank], *out))
        for index in itertools.product(*map(range, out)):
            part = [
                slice(math.floor(i * n / o), math.ceil((i + 1) * n / o))
                for i, n, o in zip(index, size, out, strict=True)
            ]
            window = x[(..., *part)].reshape(*x.shape[:-rank], -1)
            result[(..., *index)] = window.mean(-1) if average else window.max(-1)
        return result

    return call


def _sample(function: str, shape: tuple[int, ...], **params: Any) -> Sample:
    rank = int(function[-2])
    make = _adaptive if function.startswith("adaptive") else _pooled
    indices = "return_indices" in params
    return Sample(
        function,
        arrays(shape),
        make(rank, "avg" in function),
        params,
        join=_second if indices else None,
        differentiable=not indices,
    )


SAMPLES = [
    _sample("max_pool1d", (2, 2, 6), kernel_size=2),
    _sample("max_pool1d", (2, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    _sample("max_pool1d", (1, 2, 8), kernel_size=2, stride=3, dilation=3),
    _sample("max_pool1d", (0, 2, 4), kernel_size=2),
    _sample("max_pool2d", (2, 2, 4, 6), kernel_size=2),
    _sample("max_pool2d", (1, 2, 5, 4), kernel_size=3, stride=1, padding=1),
    _sample("max_pool2d", (2, 5, 6), kernel_size=(2, 3), stride=(3, 2), ceil_mode=True),
    _sample("max_pool2d", (1, 1, 6, 5), kernel_size=2, stride=1, dilation=(2, 3), padding=(0, 1)),
    _sample("max_pool2d", (1, 2, 3, 3), kernel_size=1),
    _sample("max_pool3d", (1, 2, 4, 2, 3), kernel_size=2),
    _sample("max_pool3d", (1, 3, 4, 3), kernel_size=(2, 3, 2), stride=(1, 2, 1), padding=1, ceil_mode=True),
    _sample("max_pool1d", (2, 5), kernel_size=2, padding=1, return_indices=True),
    _sample("max_pool2d", (2, 2, 5, 4), kernel_size=(3, 2), stride=1, padding=1, return_indices=True),
    _sample("max_pool2d", (1, 5, 6), kernel_size=2, dilation=2, return_indices=True),
    _sample("max_pool3d", (1, 3, 4, 3), kernel_size=2, stride=(1, 2, 1), ceil_mode=True, return_indices=True),
    _sample("avg_pool1d", (2, 2, 6), kernel_size=2),
    _sample("avg_pool1d", (2, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    _sample("avg_pool1d", (1, 2, 5), kernel_size=2, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
    _sample("avg_pool1d", (0, 1, 4), kernel_size=2),
    _sample("avg_pool2d", (2, 2, 4, 6), kernel_size=2),
    _sample("avg_pool2d", (1, 2, 5, 4), kernel_size=3, stride=1, padding=1),
    _sample("avg_pool2d", (2, 5, 6), kernel_size=(2, 3), stride=(3, 2), padding=(1, 0), count_include_pad=False),
    _sample("avg_pool2d", (1, 1, 5, 5), kernel_size=3, stride=2, padding=1, divisor_override=4, ceil_mode=True),
    _sample("avg_pool2d", (1, 2, 3, 3), kernel_size=1),
    _sample("avg_pool3d", (1, 2, 4, 2, 3), kernel_size=2),
    _sample("avg_pool3d", (1, 3, 4, 3), kernel_size=(2, 3, 2), stride=(1, 2, 1), padding=1, ceil_mode=True),
    _sample("adaptive_avg_pool1d", (2, 2, 6), output_size=3),
    _sample("adaptive_avg_pool1d", (2, 5), output_size=3),
    _sample("adaptive_avg_pool1d", (2, 2, 3), output_size=5),
    _sample("adaptive_avg_pool2d", (1, 2, 4, 6), output_size=2),
    _sample("adaptive_avg_pool2d", (2, 5, 4), output_size=(3, None)),
    _sample("adaptive_avg_pool3d", (1, 1, 3, 4, 2), output_size=(2, 3, 1)),
    _sample("adaptive_avg_pool3d", (2, 2, 4, 2), output_size=2),
    _sample("adaptive_max_pool1d", (2, 2, 6), output_size=3),
    _sample("adaptive_max_pool1d", (2, 5), output_size=3),
    _sample("adaptive_max_pool1d", (2, 2, 3), output_size=5),
    _sample("adaptive_max_pool2d", (1, 2, 4, 6), output_size=2),
    _sample("adaptive_max_pool2d", (2, 5, 4), output_size=(3, None)),
    _sample("adaptive_max_pool3d", (1, 1, 3, 4, 2), output_size=(2, 3, 1)),
    _sample("adaptive_max_pool3d", (2, 2, 4, 2), output_size=2),
]
