"""Weight and spectral normalisation, and averages of models, beside torch.nn.utils and torch.optim.swa_utils."""

import copy

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from comparing import RNG, compare_layers, same
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import register_parametrization

LAYERS = {
    "linear": (lambda m: m.Linear(5, 3), (7, 5)),
    "without bias": (lambda m: m.Linear(3, 4, bias=False), (1, 3)),
    "conv": (lambda m: m.Conv2d(3, 5, 3), (2, 3, 7, 5)),
    "transposed": (lambda m: m.ConvTranspose1d(3, 5, 2), (2, 3, 5)),
}
each_layer = pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS.keys())
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@each_dtype
@each_layer
@pytest.mark.parametrize("dim", [0, 1, -1, None])
def test_weight_norm(make, shape, dim, dtype):
    ours = nn.parametrize.weight_norm(make(nn), dim=dim)
    theirs = parametrizations.weight_norm(make(torch.nn), dim=dim)
    compare_layers(ours, theirs, [RNG.normal(size=shape)], dtype)
    same(ours.weight, theirs.weight, dtype)


@each_dtype
@each_layer
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_norm(make, shape, training, iterations, dtype):
    ours = nn.parametrize.spectral_norm(make(nn), n_power_iterations=iterations).train(training)
    theirs = parametrizations.spectral_norm(make(torch.nn), n_power_iterations=iterations).train(training)
    compare_layers(ours, theirs, [RNG.normal(size=shape)], dtype)
    same(ours.weight, theirs.weight, dtype)
    for name, array in ours.state_dict().items():
        same(array, theirs.state_dict()[name], dtype)


def test_the_starting_weight_is_split_as_in_torch():
    ours, theirs = nn.Linear(5, 3), torch.nn.Linear(5, 3)
    ours.load_state_dict(theirs.state_dict())
    nn.parametrize.weight_norm(ours)
    parametrizations.weight_norm(theirs)
    for name, array in ours.state_dict().items():
        same(array, theirs.state_dict()[name], "float32")


class Symmetric(torch.nn.Module):
    def forward(self, w):
        return torch.triu(w) + torch.triu(w, 1).mT


@each_dtype
def test_a_function_of_ones_own(dtype):
    ours = nn.parametrize.register_parametrization(nn.Linear(4, 4), "weight", lambda w: gd.triu(w) + gd.triu(w, 1).mT)
    theirs = torch.nn.Linear(4, 4)
    register_parametrization(theirs, "weight", Symmetric())
    compare_layers(ours, theirs, [RNG.normal(size=(3, 4))], dtype)


@each_dtype
@pytest.mark.parametrize("decay", [None, 0.9])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averages(decay, use_buffers, dtype):
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).to(getattr(torch, dtype))
    mine = nn.Sequential(nn.Linear(4, 3, dtype=dtype), nn.BatchNorm1d(3, dtype=dtype))
    mean = None if decay is None else torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    theirs = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=mean, use_buffers=use_buffers)
    mine.load_state_dict(network.state_dict())
    ours = nn.AveragedModel(mine, decay, use_buffers=use_buffers)
    for _ in range(4):
        state = {
            name: torch.tensor(RNG.normal(size=x.shape).astype(dtype)) if x.is_floating_point() else x + 3
            for name, x in network.state_dict().items()
        }
        network.load_state_dict(copy.deepcopy(state))
        mine.load_state_dict(state)
        theirs.update_parameters(network)
        ours.update_parameters(mine)
    expected = theirs.state_dict()
    assert set(ours.state_dict()) == set(expected)
    for name, array in ours.state_dict().items():
        if np.issubdtype(array.dtype, np.floating):
            same(array, expected[name], dtype)
        elif name == "n_averaged" or not use_buffers:
            assert array == expected[name].item()
    ours.load_state_dict(expected)
