"""Checkpoint of modules, and averages of weights."""

import re
import tracemalloc

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import InPlaceError


def block(seed=0):
    rng = gd.random.Generator(seed)
    return nn.Sequential(
        nn.Linear(4, 6, generator=rng),
        nn.BatchNorm1d(6),
        nn.Tanh(),
        nn.Dropout(0.5, generator=gd.random.Generator(7)),
        nn.spectral_norm(nn.Linear(6, 3, generator=rng), generator=rng),
        nn.Dropout(0.5),  # of the default Generator
    )


def run(model, x):
    gd.random.seed(1)
    out = model(x)
    drawn = gd.random.uniform(3)  # between forward and backward
    (out * gd.arange(1.0, 4.0)).sum().backward()
    return out, drawn, gd.random.uniform(3)


def test_a_checkpointed_module_is_as_without():
    a, b = block(), block()
    wrapped = nn.Checkpoint(b)
    x, y = (gd.tensor(np.linspace(-1, 1, 20, dtype="float32").reshape(5, 4) ** 3, requires_grad=True) for _ in range(2))
    for _ in range(3):
        for ours, theirs in zip(run(wrapped, y), run(a, x), strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)
        np.testing.assert_array_equal(y.grad.data, x.grad.data)
        for (name, p), (other, q) in zip(wrapped.named_parameters(), a.named_parameters(), strict=True):
            assert name == other
            np.testing.assert_array_equal(p.grad.data, q.grad.data)
        for key, value in a.state_dict().items():  # running statistics and power iteration went on once
            np.testing.assert_array_equal(wrapped.state_dict()[key], value)
    assert b[1].num_batches_tracked.item() == 3


def test_two_calls_before_their_backwards():
    a, b = block(), nn.Checkpoint(block())
    x, y = np.eye(4, dtype="float32"), 1 - np.eye(4, dtype="float32")
    for model in (a, b):
        gd.random.seed(1)
        losses = [(model(batch) * gd.arange(1.0, 4.0)).sum() for batch in (x, y)]
        for loss in reversed(losses):
            loss.backward()
    for (_, p), (_, q) in zip(a.named_parameters(), b.named_parameters(), strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.data, 1e-5, 1e-6)
    for key, value in a.state_dict().items():
        np.testing.assert_array_equal(b.state_dict()[key], value)


def test_the_second_run_is_in_the_mode_of_the_first():
    model = nn.Checkpoint(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)))
    x = gd.ones((3, 4))
    loss = model(x).sum()
    model.eval()
    loss.backward()
    assert not any(part.training for part in model.modules())
    assert model.module[0].weight.grad is not None


def test_names_modules_and_mode_go_through():
    model = nn.Sequential(nn.Checkpoint(block()))
    plain = nn.Sequential(block())
    assert list(model.state_dict()) == list(plain.state_dict())
    model.load_state_dict(plain.state_dict())
    model.eval()
    assert model[0].module[3].training is False
    assert model.get_parameter("0.0.weight") is model[0].module[0].weight
    assert repr(model[0]).startswith("Checkpoint(\n  (module): Sequential(\n    (0): Linear(")
    x = gd.ones((2, 4))
    np.testing.assert_array_equal(model(x).data, plain.eval()(x).data)
    with gd.no_grad():
        np.testing.assert_array_equal(model(x).data, plain(x).data)


def test_keywords_and_several_results():
    class Two(nn.Module):
        def forward(self, x, *, k):
            return {"a": x * k, "b": x + k}

    x = gd.tensor([2.0], requires_grad=True)
    out = nn.Checkpoint(Two())(x, k=3.0)
    (out["a"] * out["b"]).sum().backward()
    assert x.grad.tolist() == [21.0]


def test_checkpoint_takes_modules():
    with pytest.raises(TypeError, match=r"Checkpoint takes a module, not a Op: gd\.checkpoint takes functions"):
        nn.Checkpoint(gd.tanh)


# Averages


def steps(model, average, count=4):
    """Weights and buffers after each of some changes."""
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(count):
        for p in model.parameters():
            p.data += rng.normal(size=p.shape).astype(p.dtype)
        model(rng.normal(size=(6, 2)).astype("float32"))
        average.update_parameters(model)
        seen.append(model.state_dict())
    return seen


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_the_mean_of_all():
    model = small()
    average = nn.AveragedModel(model)
    seen = steps(model, average)
    for key, value in average.module.state_dict().items():
        newest = "running" in key or "tracked" in key
        expected = seen[-1][key] if newest else np.mean([state[key] for state in seen], 0)
        np.testing.assert_allclose(value, expected, 1e-5, 1e-6)
    assert average.n_averaged.item() == 4
    assert list(average.state_dict()) == ["n_averaged", *[f"module.{key}" for key in model.state_dict()]]


def test_buffers_are_averaged_where_asked():
    model = small()
    average = nn.AveragedModel(model, use_buffers=True)
    seen = steps(model, average)
    mean = np.mean([state["1.running_mean"] for state in seen], 0)
    np.testing.assert_allclose(average.module[1].running_mean.data, mean, 1e-5, 1e-6)
    assert average.module[1].num_batches_tracked.item() == 4


def test_exponential_average_and_a_function():
    model = small()
    averages = nn.EMA(model, 0.7), nn.AveragedModel(model, lambda a, p, n: 0.7 * a + 0.3 * p)
    seen = [steps(model, average) for average in averages]
    for average, states in zip(averages, seen, strict=True):
        expected = states[0]["0.weight"]
        for state in states[1:]:
            expected = 0.7 * expected + 0.3 * state["0.weight"]
        np.testing.assert_allclose(average.module[0].weight.data, expected, 1e-5, 1e-6)
        assert average.module[0].weight.dtype == np.float32


def test_an_average_is_a_copy_with_a_state():
    model = small()
    average = nn.EMA(model, 0.5)
    before = model.state_dict()
    average.module[0].weight.data += 1
    np.testing.assert_array_equal(model[0].weight.data, before["0.weight"])
    steps(model, average)
    fresh = nn.EMA(small(), 0.5)
    fresh.load_state_dict(average.state_dict())
    assert fresh.n_averaged.item() == 4
    x = gd.ones((2, 2))
    np.testing.assert_array_equal(fresh.eval()(x).data, average.eval()(x).data)
    assert repr(nn.EMA(model, 0.5, use_buffers=True)).startswith(
        "EMA(\n  decay=0.5, use_buffers=True\n  (module): Sequ"
    )


def test_the_model_has_the_average_within_a_block():
    model = small()
    average = nn.EMA(model, 0.5)
    steps(model, average)
    before, arrays = model.state_dict(), [p.data for p in model.parameters()]
    for error in (None, ZeroDivisionError):
        try:
            with average.swapped(model) as inside:
                assert inside is model
                for key, value in average.module.state_dict().items():
                    np.testing.assert_array_equal(model.state_dict()[key], value)
                if error is not None:
                    raise error
        except ZeroDivisionError:
            pass
        assert all(np.array_equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.data is array for p, array in zip(model.parameters(), arrays, strict=True))


def test_backward_notices_that_weights_were_swapped():
    model = small()
    average = nn.EMA(model)
    for p in average.module.parameters():
        p.data += 1
    loss = (model(gd.ones((2, 2)) * np.eye(2, dtype="float32")) ** 2).sum()
    with average.swapped(model), pytest.raises(InPlaceError):
        loss.backward()


@pytest.mark.parametrize(
    ("act", "kind", "text"),
    [
        (lambda: nn.EMA(small(), 1.5), ValueError, "EMA: decay is a share between 0 and 1, and 1.5 was given"),
        (lambda: nn.EMA(gd.tanh), TypeError, "EMA takes a module, not a Op"),
        (
            lambda: nn.EMA(small()).update_parameters(nn.Linear(2, 3)),
            ValueError,
            "this Linear differ in name, order or shape: weight (3, 2), bias (3,)",
        ),
    ],
)
def test_averages_refuse(act, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        act()


def test_a_checkpointed_module_keeps_less():
    def kept(wrap):
        model = nn.Sequential(*[wrap(nn.Sequential(*[gd.sin] * 8)) for _ in range(8)])
        x = gd.ones(50_000, requires_grad=True)
        tracemalloc.start()
        y = model(x).sum()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        y.backward()
        return size, x.grad.data

    (much, expected), (little, found) = kept(lambda module: module), kept(nn.Checkpoint)
    np.testing.assert_array_equal(found, expected)
    assert little < much / 4
