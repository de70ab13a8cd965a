"""Layers that drop, by their distribution, and those that change nothing but shapes, beside torch.nn."""

from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it
from comparing import RNG, compare, same

pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])
# name, shape, and the axes of what is dropped together
DROPS: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("Dropout", (200, 200), ()),
    ("AlphaDropout", (200, 200), ()),
    ("FeatureAlphaDropout", (200, 200, 3), (2,)),
    ("Dropout1d", (200, 200, 3), (2,)),
    ("Dropout1d", (40_000, 3), (1,)),
    ("Dropout2d", (200, 200, 2, 3), (2, 3)),
    ("Dropout3d", (200, 200, 2, 1, 3), (2, 3, 4)),
    ("Dropout3d", (40_000, 2, 1, 3), (1, 2, 3)),
]


@pytest.mark.parametrize(("name", "shape", "axes"), DROPS, ids=repr)
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_what_is_dropped(name: str, shape: Any, axes: Any, p: float, dtype: str) -> None:
    x = np.ones(shape, dtype)
    ours = getattr(nn, name)(p, generator=gd.random.Generator(0))
    theirs = getattr(torch.nn, name)(p)
    assert repr(ours) == repr(theirs).replace(", inplace=False", "")
    found, wanted = ours(x).data, theirs(torch.tensor(x)).numpy()
    assert found.dtype == wanted.dtype
    levels = np.unique(wanted)
    np.testing.assert_allclose(np.unique(found), levels, 1e-4)
    shares = [np.mean(np.isclose(values, levels[0])) for values in (found, wanted)]
    assert abs(shares[0] - shares[1]) < 0.02
    for values in (found, wanted):
        if axes:
            assert not np.ptp(values, axes).any()
    np.testing.assert_array_equal(ours.eval()(x).data, x)


@pytest.mark.parametrize("tau", [0.5, 2.0])
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("dim", [0, -1])
def test_gumbel_softmax(dim: int, hard: bool, tau: float, dtype: str) -> None:
    """The same distribution, and for the same noise the same gradient."""
    logits = np.broadcast_to(np.array([0.0, 1.0, -1.0], dtype), (50_000, 3))
    logits = logits if dim else logits.T
    ours = F.gumbel_softmax(logits, tau, hard, dim=dim, generator=gd.random.Generator(0))
    theirs = T.gumbel_softmax(torch.tensor(logits), tau, hard, dim=dim).numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    other = 1 + dim if dim else 1  # the axis of the samples
    for moment in (1, 2, 3):
        found, wanted = ((y**moment).mean(other) for y in (ours.data, theirs))
        np.testing.assert_allclose(found, wanted, atol=0.01)
    x = RNG.normal(size=(4, 3)).astype(dtype)
    noise = gd.random.Generator(1).numpy.gumbel(size=x.shape).astype(dtype)
    compare(
        lambda x: F.gumbel_softmax(x, tau, dim=dim, generator=gd.random.Generator(1)),
        lambda x: torch.softmax((x + torch.tensor(noise)) / tau, dim),
        [x],
        dtype,
    )


@pytest.mark.parametrize(("start", "end"), [(1, -1), (0, -1), (0, 1), (1, 2), (-2, -1)])
def test_flatten_and_unflatten(start: int, end: int, dtype: str) -> None:
    x = RNG.normal(size=(2, 3, 4, 1))
    compare(nn.Flatten(start, end), torch.nn.Flatten(start, end), [x], dtype)
    for dim, sizes in ((2, (2, -1)), (-3, (3, 1))):
        compare(nn.Unflatten(dim, sizes), torch.nn.Unflatten(dim, sizes), [x], dtype)
    compare(nn.Identity(3, a=4), torch.nn.Identity(3, a=4), [x], dtype)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_decoders_alone(batch: Any, layers: int, mode: bool, dtype: str) -> None:
    made = []
    for lib in (nn, torch.nn):
        layer: Any = lib.TransformerDecoderLayer(6, 2, 5, dropout=0.0)
        made.append(
            lib.TransformerDecoder(layer, layers, lib.LayerNorm(6)).train(mode) if layers else layer.train(mode)
        )
    ours, theirs = made[0].to(dtype), made[1].to(getattr(torch, dtype))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x, memory = RNG.normal(size=(4, *batch, 6)), RNG.normal(size=(7, *batch, 6))
    compare(ours, theirs, [x, memory], dtype, 1, factor=10)


def test_a_transformer_of_parts_of_ones_own(dtype: str) -> None:
    made = []
    for lib in (nn, torch.nn):
        encoder = lib.TransformerEncoder(
            lib.TransformerEncoderLayer(6, 3, 5, dropout=0.0), 1, enable_nested_tensor=False
        )
        decoder = lib.TransformerDecoder(lib.TransformerDecoderLayer(6, 2, 5, dropout=0.0), 1)
        made.append(lib.Transformer(6, 2, custom_encoder=encoder, custom_decoder=decoder))
    ours, theirs = made[0].to(dtype), made[1].to(getattr(torch, dtype))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x, y = RNG.normal(size=(5, 2, 6)).astype(dtype), RNG.normal(size=(3, 2, 6)).astype(dtype)
    same(ours(x, y), theirs(torch.tensor(x), torch.tensor(y)), dtype, 10)
