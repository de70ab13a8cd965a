"""nn.checkpoint: modules that compute twice instead of keeping values."""

import copy
import tracemalloc

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest


def block(seed, own=True):
    rng = gd.random.Generator(seed)
    return nn.Sequential(
        nn.Linear(4, 8, generator=rng),
        nn.BatchNorm1d(8),
        nn.Dropout(0.5, generator=rng if own else None),
        gd.tanh,
        nn.Linear(8, 4, generator=rng),
    )


def gradients(model, x, again=lambda: None):
    x = gd.tensor(x, requires_grad=True)
    y = model(x)
    again()
    y.backward(np.linspace(0.5, 2, y.size, dtype=np.float32).reshape(y.shape))
    return [y.data, x.grad.data, *[p.grad.data for p in model.parameters()], *[b.data for b in model.buffers()]]


X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.mark.parametrize("own", [True, False])
def test_everything_is_as_without(own):
    plain, frugal = (nn.Sequential(block(0, own), block(1, own)) for _ in range(2))
    for part in frugal:
        assert nn.checkpoint(part) is part
    assert list(frugal.state_dict()) == list(plain.state_dict())
    for _ in range(2):
        gd.random.seed(3)
        expected = gradients(plain, X)
        left = gd.random.uniform(3).tolist()
        plain.zero_grad()
        gd.random.seed(3)
        found = gradients(frugal, X)
        frugal.zero_grad()
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
        assert gd.random.uniform(3).tolist() == left
    assert frugal[0][1].num_batches_tracked.item() == 2


def test_the_second_run_sees_mode_and_buffers_of_the_first():
    plain, frugal = block(0), nn.checkpoint(block(0))

    def meanwhile(model):
        model.eval()
        for buffer in model.buffers():
            buffer.data[...] += 1

    expected = gradients(plain, X, lambda: meanwhile(plain))
    found = gradients(frugal, X, lambda: meanwhile(frugal))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert not frugal.training
    assert not frugal[2].training


def test_it_runs_twice_with_gradients_once_without_and_can_be_ended():
    runs = []

    class Counting(nn.Module):
        def forward(self, x, *, factor):
            runs.append(self)
            return gd.exp(x) * factor

    module = nn.checkpoint(Counting())
    x = gd.ones(3, requires_grad=True)
    module(x, factor=2.0).sum().backward()
    assert len(runs) == 2
    with gd.no_grad():
        module(x, factor=2.0)
    assert len(runs) == 3
    twin = copy.deepcopy(module)
    twin(x, factor=2.0).sum().backward()
    assert runs[3:] == [twin, twin]
    nn.checkpoint(module, enabled=False)(x, factor=2.0).sum().backward()
    assert len(runs) == 6


def test_hooks_run_once():
    seen = []
    module = nn.checkpoint(nn.Linear(2, 2))
    module.register_forward_hook(lambda *_: seen.append(1))
    module(gd.ones((1, 2))).sum().backward()
    assert seen == [1]


def test_less_is_kept():
    def peak(wrap):
        model = nn.Sequential(*[wrap(nn.Sequential(*[gd.sin] * 8)) for _ in range(8)])
        x = gd.ones((50_000,), requires_grad=True)
        tracemalloc.start()
        y = model(x).sum()
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        y.backward()
        return kept, x.grad.data

    (much, expected), (little, found) = peak(lambda m: m), peak(nn.checkpoint)
    assert np.array_equal(found, expected)
    assert little < much / 4


def test_functions_are_refused():
    with pytest.raises(TypeError, match=r"nn.checkpoint takes a module, and .* gd.checkpoint\(function\)"):
        nn.checkpoint(gd.sin)
