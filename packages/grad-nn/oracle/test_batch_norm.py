"""BatchNorm and InstanceNorm against torch.nn: training, running statistics, evaluation, state."""

from typing import Any

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from comparing import RNG, compare_layers, same

SIZES = {1: (5,), 2: (3, 4), 3: (2, 3, 2)}
BATCH: list[dict[str, Any]] = [
    {},
    {"momentum": None},
    {"momentum": 0.4, "eps": 1e-2},
    {"affine": False},
    {"bias": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]
INSTANCE = [
    *BATCH,
    {"affine": True},
    {"affine": True, "bias": False},
    {"track_running_stats": True},
    {"track_running_stats": True, "momentum": None},
]


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def pair(kind: str, rank: int, options: Any, dtype: str) -> Any:
    ours, theirs = (getattr(lib, f"{kind}Norm{rank}d")(4, **options) for lib in (nn, torch.nn))
    with torch.no_grad():
        for p in theirs.parameters():
            p.uniform_(0.5, 2)
    return ours.to(dtype), theirs.to(getattr(torch, dtype))


def run(kind: str, rank: int, options: Any, shapes: list[Any], dtype: str) -> None:
    """Several steps of training, each compared with state, then evaluation; then a fresh layer from the state."""
    ours, theirs = pair(kind, rank, options, dtype)
    for shape in shapes:
        compare_layers(ours, theirs, [RNG.normal(1, 2, shape)], dtype)
        for key, value in theirs.state_dict().items():
            same(ours.state_dict()[key], value, dtype)
        ours.zero_grad()
        theirs.zero_grad()
    assert [name for name, _ in ours.named_buffers()] == [name for name, _ in theirs.named_buffers()]
    compare_layers(ours.eval(), theirs.eval(), [RNG.normal(size=shapes[0])], dtype)
    if theirs.running_mean is not None:
        one = (1, *shapes[0][1:]) if shapes[0][1] == 4 else shapes[0]
        ours.zero_grad()
        theirs.zero_grad()
        compare_layers(ours, theirs, [RNG.normal(size=one)], dtype)
    fresh, _ = pair(kind, rank, options, dtype)
    fresh.load_state_dict(ours.state_dict())
    x = RNG.normal(size=shapes[0]).astype(dtype)
    np.testing.assert_array_equal(fresh.eval()(x).data, ours(x).data)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", BATCH, ids=str)
def test_batch_norm(rank: int, options: Any, dtype: str) -> None:
    run("Batch", rank, options, [(n, 4, *SIZES[rank]) for n in (3, 1, 2)], dtype)


@pytest.mark.parametrize("options", BATCH, ids=str)
def test_batch_norm_of_vectors(options: Any, dtype: str) -> None:
    run("Batch", 1, options, [(n, 4) for n in (3, 2, 7)], dtype)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", INSTANCE, ids=str)
@pytest.mark.parametrize("alone", [False, True])
def test_instance_norm(rank: int, options: Any, alone: bool, dtype: str) -> None:
    shapes = [(4, *SIZES[rank])] * 2 if alone else [(n, 4, *SIZES[rank]) for n in (3, 1, 2)]
    run("Instance", rank, options, shapes, dtype)


def test_second_order(dtype: str) -> None:
    ours, theirs = pair("Batch", 1, {}, dtype)
    ours.load_state_dict(theirs.state_dict())
    a = RNG.normal(size=(5, 4)).astype(dtype)
    upstream = RNG.uniform(0.5, 2, (5, 4)).astype(dtype)
    x, t = gd.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    g = gd.gradients((ours(x) ** 2 * upstream).sum(), [x], create_graph=True)[x]
    (h,) = torch.autograd.grad((theirs(t) ** 2 * torch.tensor(upstream)).sum(), t, create_graph=True)
    same(g, h, dtype, 10)
    (g * g * upstream).sum().backward()
    (h * h * torch.tensor(upstream)).sum().backward()
    same(x.grad, t.grad, dtype, 100)


def test_both_refuse_one_value_for_each_channel() -> None:
    for lib, x, kind in (
        (nn, np.zeros((1, 4), "float32"), gd.errors.ShapeError),
        (torch.nn, torch.zeros(1, 4), ValueError),
    ):
        with pytest.raises(kind):
            lib.BatchNorm1d(4)(x)
        assert lib.BatchNorm1d(4).eval()(x).shape == (1, 4)


def test_reset(dtype: str) -> None:
    ours, theirs = pair("Batch", 2, {}, dtype)
    compare_layers(ours, theirs, [RNG.normal(size=(3, 4, 2, 2))], dtype)
    ours.reset_running_stats()
    theirs.reset_running_stats()
    for key, value in theirs.state_dict().items():
        same(ours.state_dict()[key], value, dtype)
