"""What a module is made of, hooks, parametrizations and averages, against torch."""

import copy
from collections import OrderedDict
from typing import Any

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from comparing import RNG, compare_layers, same
from torch.nn.utils import parametrizations
from torch.optim import swa_utils


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def build(lib: Any) -> Any:
    """The same module in both libraries."""

    class Net(lib.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = lib.Sequential(OrderedDict(a=lib.Linear(3, 4), b=lib.BatchNorm1d(4), c=lib.ReLU()))
            self.scale = lib.Parameter(lib.Linear(1, 4).bias.detach())
            self.register_buffer("shift", gd.ones(4) if lib is nn else torch.ones(4))
            self.register_buffer("cache", None)
            self.fleeting = lib.Buffer(gd.ones(1) if lib is nn else torch.ones(1), persistent=False)
            self.heads = lib.ModuleDict({"x": lib.Linear(4, 2), "y": lib.Linear(4, 2, bias=False)})
            self.more = lib.ModuleList([lib.Linear(2, 2), lib.Sequential(lib.Linear(2, 2), lib.Tanh())])
            self.ps = lib.ParameterList([lib.Linear(1, 2).bias.detach()])
            self.pd = lib.ParameterDict({"k": lib.Linear(1, 2).bias.detach()})
            self.add_module("flat", lib.Unflatten(1, (1, 2)))
            self.register_parameter("last", lib.Parameter(lib.Linear(1, 1).bias.detach()))

        def forward(self, x: Any) -> Any:
            y = self.first(x) * self.scale + self.shift
            z = self.heads["x"](y) * self.ps[0] - self.heads["y"](y) * self.pd["k"]
            for layer in self.more:
                z = layer(z)
            return self.flat(z * self.last + self.fleeting)

    return Net()


def test_names_orders_and_values(dtype: str) -> None:
    ours, theirs = build(nn), build(torch.nn)
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [name for name, _ in getattr(ours, walk)()] == [name for name, _ in getattr(theirs, walk)()], walk
    for x in RNG.normal(size=(2, 5, 3)):
        compare_layers(ours, theirs, [x], dtype)
        ours.zero_grad()
        theirs.zero_grad()
    for key, value in theirs.state_dict().items():
        same(ours.state_dict()[key], value, dtype)
    compare_layers(ours.eval(), theirs.eval(), [RNG.normal(size=(1, 3))], dtype)
    assert ours.get_submodule("more.1.0") is ours.more[1][0]


def hooked(lib: Any, to: Any) -> Any:
    """Results, and gradients in the order in which hooks see them."""
    model = lib.Sequential(lib.Linear(3, 4), lib.Tanh(), lib.Linear(4, 2))
    seen: list[Any] = []
    model[1].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    model[1].register_forward_hook(lambda module, args, out: out + args[0])
    model[2].register_full_backward_pre_hook(lambda module, out: (out[0] * 3,))
    for layer in (model, *model):
        layer.register_full_backward_hook(lambda module, into, out: seen.extend([*into, *out]))
    model[0].register_full_backward_hook(lambda module, into, out: (into[0] * 5,))
    return to(model), seen


def test_hooks(dtype: str) -> None:
    ours, seen = hooked(nn, lambda m: m.to(dtype))
    theirs, others = hooked(torch.nn, lambda m: m.to(getattr(torch, dtype)))
    compare_layers(ours, theirs, [RNG.normal(size=(5, 3))], dtype)
    assert len(seen) == len(others) == 8
    for a, b in zip(seen, others, strict=True):
        same(a, b, dtype)


NORMED: list[tuple[str, tuple[Any, ...], str, dict[str, Any], tuple[int, ...]]] = [
    ("Linear", (3, 4), "weight_norm", {}, (5, 3)),
    ("Linear", (3, 4), "weight_norm", {"dim": 1}, (5, 3)),
    ("Linear", (3, 4), "weight_norm", {"dim": None}, (1, 3)),
    ("Linear", (3, 4), "weight_norm", {"dim": -1}, (1, 3)),
    ("Conv2d", (2, 3, 3), "weight_norm", {}, (2, 2, 5, 4)),
    ("Linear", (3, 4), "weight_norm", {"name": "bias"}, (5, 3)),
    ("Linear", (3, 4), "spectral_norm", {}, (5, 3)),
    ("Linear", (3, 4), "spectral_norm", {"n_power_iterations": 3, "dim": 1, "eps": 1e-6}, (1, 3)),
    ("Conv2d", (2, 3, 3), "spectral_norm", {}, (2, 2, 5, 4)),
    ("ConvTranspose1d", (2, 3, 3), "spectral_norm", {}, (2, 2, 5)),
    ("Linear", (3, 4), "spectral_norm", {"name": "bias"}, (5, 3)),
]


@pytest.mark.parametrize(("layer", "sizes", "norm", "options", "shape"), NORMED)
def test_norms_of_weights(layer: str, sizes: Any, norm: str, options: Any, shape: Any, dtype: str) -> None:
    ours = getattr(nn, norm)(getattr(nn, layer)(*sizes), **options)
    theirs = getattr(parametrizations, norm)(getattr(torch.nn, layer)(*sizes), **options)
    for _ in range(2):  # power iteration goes on
        compare_layers(ours, theirs, [RNG.normal(size=shape)], dtype)
        for key, value in theirs.state_dict().items():
            same(ours.state_dict()[key], value, dtype)
        ours.zero_grad()
        theirs.zero_grad()
    compare_layers(ours.eval(), theirs.eval(), [RNG.normal(size=shape)], dtype)


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("ema", [False, True])
def test_averages(use_buffers: bool, ema: bool, dtype: str) -> None:
    def model(lib: Any) -> Any:
        return lib.Sequential(lib.Linear(2, 3), lib.BatchNorm1d(3))

    ours, theirs = model(nn).to(dtype), model(torch.nn).to(getattr(torch, dtype))
    average = nn.EMA(ours, 0.6, use_buffers) if ema else nn.AveragedModel(ours, use_buffers=use_buffers)
    avg_fn = swa_utils.get_ema_avg_fn(0.6) if ema else None
    other = swa_utils.AveragedModel(copy.deepcopy(theirs), avg_fn=avg_fn, use_buffers=use_buffers)
    assert list(average.state_dict()) == list(other.state_dict())
    for _ in range(4):
        with torch.no_grad():
            for value in theirs.parameters():
                value.normal_()
        theirs(torch.tensor(RNG.normal(size=(6, 2)).astype(dtype)))
        ours.load_state_dict(theirs.state_dict())
        average.update_parameters(ours)
        other.update_parameters(theirs)
        for key, value in other.state_dict().items():
            if not ("tracked" in key and use_buffers):  # torch averages these too, cut to integers
                same(average.state_dict()[key], value, dtype)


def test_a_batch_of_one_and_evaluation_of_a_checkpoint(dtype: str) -> None:
    ours = nn.Checkpoint(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh())
    compare_layers(ours, theirs, [RNG.normal(size=(5, 3))], dtype)
    for key, value in theirs.state_dict().items():
        same(ours.state_dict()[key], value, dtype)
    ours.zero_grad()
    theirs.zero_grad()
    compare_layers(ours.eval(), theirs.eval(), [RNG.normal(size=(1, 3))], dtype)
    assert np.all(ours.module[1].num_batches_tracked.data == 1)
