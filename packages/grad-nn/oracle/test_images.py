"""Layers for images beside torch.nn: convolution, pooling, padding, resizing, with every option."""

import itertools
from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
from comparing import COUNT, RNG, compare_layers, same

SIZES = {1: (9,), 2: (9, 8), 3: (5, 6, 7)}


@pytest.fixture(scope="module", autouse=True)
def report() -> Any:
    yield
    print(f"\ngrad-nn, images: {next(COUNT)} arrays compared with torch {torch.__version__}")


pytestmark = [
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
    # PyTorch's own advice about "same" with even kernels
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]

CONV: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"padding": "same"},
    {"padding": "valid", "bias": False},
    {"dilation": 2, "padding": 2},
    {"groups": 2},
    {"groups": 4, "stride": 3, "padding": 2},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "replicate"},
    {"padding": 1, "padding_mode": "circular"},
    {"padding": "same", "padding_mode": "reflect", "dilation": 2},
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", CONV, ids=str)
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_conv(rank: int, options: Any, batch: Any, dtype: str) -> None:
    ours, theirs = (getattr(lib, f"Conv{rank}d")(4, 8, 3, **options) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [RNG.normal(size=(*batch, 4, *SIZES[rank]))], dtype)


def test_conv_with_a_number_for_each_axis(dtype: str) -> None:
    options = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 3)}
    ours, theirs = (lib.Conv2d(4, 6, **options) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [RNG.normal(size=(2, 4, 9, 8))], dtype)


TRANSPOSED: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"dilation": 2, "bias": False},
    {"groups": 2, "stride": 3},
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_conv_transpose(rank: int, options: Any, batch: Any, dtype: str) -> None:
    ours, theirs = (getattr(lib, f"ConvTranspose{rank}d")(4, 6, 3, **options) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [RNG.normal(size=(*batch, 4, *SIZES[rank]))], dtype)


@pytest.mark.parametrize("wanted", [(17, 15), (18, 16)])
def test_conv_transpose_to_a_size(wanted: Any, dtype: str) -> None:
    ours, theirs = (lib.ConvTranspose2d(2, 3, 3, stride=2, padding=1) for lib in (nn, torch.nn))
    x = RNG.normal(size=(2, 2, 9, 8)).astype(dtype)
    ours, theirs = ours.to(dtype), theirs.to(getattr(torch, dtype))
    ours.load_state_dict(theirs.state_dict())
    same(ours(x, wanted), theirs(torch.tensor(x), wanted), dtype)


POOLS: list[tuple[str, dict[str, Any]]] = [
    ("MaxPool", {"kernel_size": 2}),
    ("MaxPool", {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("MaxPool", {"kernel_size": 2, "dilation": 2, "ceil_mode": True}),
    ("AvgPool", {"kernel_size": 2}),
    ("AvgPool", {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("AvgPool", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False, "ceil_mode": True}),
    ("AdaptiveAvgPool", {"output_size": 3}),
    ("AdaptiveAvgPool", {"output_size": 1}),
    ("AdaptiveMaxPool", {"output_size": 4}),
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("name", "options"), POOLS, ids=str)
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_pool(rank: int, name: str, options: Any, batch: Any, dtype: str) -> None:
    ours, theirs = (getattr(lib, f"{name}{rank}d")(**options) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [RNG.normal(size=(*batch, 4, *SIZES[rank]))], dtype)


def test_pool_with_positions_and_a_divisor(dtype: str) -> None:
    x = RNG.normal(size=(2, 3, 9, 8)).astype(dtype)
    for name, options in (("MaxPool2d", {"kernel_size": 3}), ("AdaptiveMaxPool2d", {"output_size": (2, None)})):
        ours, theirs = (getattr(lib, name)(**options, return_indices=True) for lib in (nn, torch.nn))
        for a, b in zip(ours(x), theirs(torch.tensor(x)), strict=True):
            assert a.shape == tuple(b.shape)
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    ours, theirs = (lib.AvgPool2d((3, 2), divisor_override=5) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [x], dtype)


PADS = ["ConstantPad", "ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", PADS)
def test_pad(rank: int, name: str, dtype: str) -> None:
    extra = (1.5,) if name == "ConstantPad" else ()
    for padding in (2, tuple(range(2 * rank)) if rank < 3 else (0, 1, 2, 1, 0, 3)):
        ours, theirs = (getattr(lib, f"{name}{rank}d")(padding, *extra) for lib in (nn, torch.nn))
        compare_layers(ours, theirs, [RNG.normal(size=(2, 3, *SIZES[rank]))], dtype)
        compare_layers(ours, theirs, [RNG.normal(size=(3, *SIZES[rank]))], dtype)


def test_negative_padding_cuts(dtype: str) -> None:
    x = RNG.normal(size=(2, 3, 9, 8)).astype(dtype)
    for widths in ((-1, 2), (-2, -1, 3, 0)):
        same(F.pad(x, widths, value=2.0), torch.nn.functional.pad(torch.tensor(x), widths, value=2.0), dtype)


RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
RESIZES: list[tuple[int, dict[str, Any]]] = [
    *[(rank, {"size": size}) for rank in (1, 2, 3) for size in (4, 13)],
    *[(rank, {"scale_factor": factor}) for rank in (1, 2, 3) for factor in (2, 0.6, 1.7)],
    *[
        (
            {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}[mode],
            {"mode": mode, **how, "align_corners": corners},
        )
        for mode, how, corners in itertools.product(
            ("linear", "bilinear", "bicubic", "trilinear"),
            ({"size": 4}, {"size": 13}, {"scale_factor": 2}, {"scale_factor": 1.7}),
            (True, False),
        )
    ],
    (2, {"mode": "bilinear", "scale_factor": (1.7, 0.6), "recompute_scale_factor": True}),
    (2, {"mode": "bilinear", "size": (1, 5), "align_corners": True}),
]


@pytest.mark.parametrize(("rank", "options"), RESIZES, ids=str)
def test_upsample(rank: int, options: Any, dtype: str) -> None:
    ours, theirs = (lib.Upsample(**options) for lib in (nn, torch.nn))
    compare_layers(ours, theirs, [RNG.normal(size=(2, 3, *SIZES[rank]))], dtype)


def test_unfold_and_fold(dtype: str) -> None:
    options = {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (1, 0), "stride": (2, 1)}
    x = RNG.normal(size=(2, 3, 9, 8))
    compare_layers(nn.Unfold(**options), torch.nn.Unfold(**options), [x], dtype)
    columns = np.asarray(gd.unfold(x, **options))
    compare_layers(nn.Fold((9, 8), **options), torch.nn.Fold((9, 8), **options), [columns], dtype)
