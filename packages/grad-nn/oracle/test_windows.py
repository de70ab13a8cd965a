"""Power-mean pooling, undone pooling, response over channels, shuffles and the named resizings beside torch.nn."""

from typing import Any

import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it
from comparing import COUNT, RNG, compare, compare_layers, same

SIZES = {1: (9,), 2: (9, 8), 3: (5, 6, 7)}


@pytest.fixture(scope="module", autouse=True)
def report() -> Any:
    yield
    print(f"\ngrad-nn, windows and shuffles: {next(COUNT)} arrays compared so far with torch {torch.__version__}")


pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])
BATCHES = pytest.mark.parametrize("batch", [(), (1,), (3,)])


def both(name: str, *args: Any, **options: Any) -> list[Any]:
    layers = [getattr(lib, name)(*args, **options) for lib in (nn, torch.nn)]
    assert repr(layers[0]) == repr(layers[1])
    return layers


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"stride": 2, "ceil_mode": True}], ids=repr)
@pytest.mark.parametrize("norm_type", [1, 2, 3, 2.5])
@BATCHES
def test_lp_pool(rank: int, options: Any, norm_type: float, batch: Any, dtype: str) -> None:
    x = RNG.uniform(0.1, 2, (*batch, 2, *SIZES[rank]))
    layers = both(f"LPPool{rank}d", norm_type, 3, **options)
    compare_layers(*layers, [x], dtype)
    compare(*layers, [x], dtype, factor=5)


def test_lp_pool_of_negative_numbers_and_a_size_for_each_axis(dtype: str) -> None:
    layers = both("LPPool2d", 2, (3, 2), stride=(2, 1))
    compare(*layers, [RNG.normal(size=(2, 3, 9, 8))], dtype, factor=5)


@pytest.mark.parametrize("shape", [(2, 5, 7), (1, 5, 4, 3), (2, 1, 2, 3, 2)])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("options", [{}, {"alpha": 0.7, "beta": 0.4, "k": 2.0}], ids=repr)
def test_local_response_norm(shape: Any, size: int, options: Any, dtype: str) -> None:
    compare(*both("LocalResponseNorm", size, **options), [RNG.normal(size=shape)], dtype)


UNPOOLED: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 3, "padding": 1},
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", UNPOOLED, ids=repr)
@BATCHES
def test_max_unpool(rank: int, options: Any, batch: Any, dtype: str) -> None:
    layers = both(f"MaxUnpool{rank}d", **options)
    shape = (*batch, 2, *SIZES[rank])
    sizes = [shape[-rank:], [*shape[-rank:]], *([shape] if batch else [])]
    if options["kernel_size"] == 2:  # with these the usual lengths are long enough for all places
        shape = (*shape[:-rank], *[n // 2 * 2 for n in SIZES[rank]])
        sizes = [None, shape[-rank:]]
    x = RNG.permutation(np.arange(np.prod(shape), dtype=dtype)).reshape(shape)
    maxima, places = getattr(T, f"max_pool{rank}d")(torch.tensor(x), **options, return_indices=True)
    for size in sizes:
        same(layers[0](maxima.numpy(), places.numpy(), size), layers[1](maxima, places, size), dtype)
        if (
            options.get("stride", 2) >= options["kernel_size"]
        ):  # else some have one place, and torch gives all a gradient
            compare(
                lambda a, size=size: layers[0](a, places.numpy(), size),
                lambda a, size=size: layers[1](a, places, size),
                [maxima.numpy()],
                dtype,
            )


@pytest.mark.parametrize("front", [(), (1,), (2, 3)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixels(front: Any, factor: int, dtype: str) -> None:
    few, many = RNG.normal(size=(*front, 2 * factor**2, 3, 5)), RNG.normal(size=(*front, 2, 3 * factor, 5 * factor))
    compare(*both("PixelShuffle", factor), [few], dtype)
    compare(*both("PixelUnshuffle", factor), [many], dtype)


@pytest.mark.parametrize("shape", [(2, 6, 3, 5), (1, 6, 4), (2, 12, 2, 3, 1)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle(shape: Any, groups: int, dtype: str) -> None:
    compare(*both("ChannelShuffle", groups), [RNG.normal(size=shape)], dtype)
    compare(lambda x: F.channel_shuffle(x, groups), lambda x: T.channel_shuffle(x, groups), [np.ones(shape)], dtype)


@pytest.mark.parametrize("name", ["UpsamplingNearest2d", "UpsamplingBilinear2d"])
@pytest.mark.parametrize(
    "options", [{"size": 5}, {"size": (4, 13)}, {"scale_factor": 2}, {"scale_factor": (2, 3)}], ids=repr
)
def test_named_resizings(name: str, options: Any, dtype: str) -> None:
    ours, theirs = (getattr(lib, name)(**options) for lib in (nn, torch.nn))
    for batch in (1, 2):
        compare_layers(ours, theirs, [RNG.normal(size=(batch, 3, 4, 3))], dtype)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 2, 2), (3, 4, 5)])
def test_softmax2d(shape: Any, dtype: str) -> None:
    compare(*both("Softmax2d"), [RNG.normal(size=shape)], dtype)
