"""AveragedModel: averages of weights over training."""

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest


def model(dtype="float32"):
    rng = gd.random.Generator(0)
    return nn.Sequential(nn.Linear(2, 3, generator=rng, dtype=dtype), nn.BatchNorm1d(3, dtype=dtype))


def walk(trained, average, steps):
    """Other weights in each step; what they were."""
    seen = []
    rng = np.random.default_rng(1)
    for _ in range(steps):
        for x in [*trained.parameters(), *trained.buffers()]:
            x.data[...] = rng.normal(size=x.shape) * 10
        average.update_parameters(trained)
        seen.append(trained.state_dict())
    return seen


@pytest.mark.parametrize("decay", [None, 0.0, 0.9])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_the_average(decay, use_buffers):
    trained = model("float64")
    average = nn.AveragedModel(trained, decay, use_buffers=use_buffers)
    seen = walk(trained, average, 4)
    for name, value in average.module.state_dict().items():
        values = [state[name] for state in seen]
        if "num_batches" in name or ("running" in name and not use_buffers):
            expected = values[-1]
        elif decay is None:
            expected = np.mean(values, axis=0)
        else:
            expected = values[0]
            for v in values[1:]:
                expected = decay * expected + (1 - decay) * v
        assert np.allclose(value, expected, rtol=1e-12), name
    assert average.n_averaged.item() == 4


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_are_kept(dtype):
    trained = model(dtype)
    average = nn.AveragedModel(trained, 0.5)
    walk(trained, average, 3)
    assert {p.dtype.name for p in average.parameters()} == {dtype}
    assert not any(p.requires_grad for p in average.parameters())
    assert all(p.requires_grad for p in trained.parameters())


def test_the_copy_is_apart_and_computes():
    trained = model()
    average = nn.AveragedModel(trained)
    before = average.eval()(gd.ones((4, 2))).data
    trained[0].weight.data += 1
    assert np.array_equal(average(gd.ones((4, 2))).data, before)
    average.update_parameters(trained)
    assert np.array_equal(average.module[0].weight.data, trained[0].weight.data)  # the first is a copy
    assert not np.array_equal(average(gd.ones((4, 2))).data, before)


def test_its_state_goes_on():
    trained, again = model(), model()
    average = nn.AveragedModel(trained, 0.9)
    walk(trained, average, 2)
    other = nn.AveragedModel(again, 0.9)
    other.load_state_dict(average.state_dict())
    average.update_parameters(trained)
    other.update_parameters(trained)
    state = average.state_dict()
    assert all(np.array_equal(value, state[name]) for name, value in other.state_dict().items())
    assert list(average.state_dict())[:2] == ["n_averaged", "module.0.weight"]


def test_applied_for_a_while_even_after_an_error():
    trained = model()
    average = nn.AveragedModel(trained, 0.9)
    walk(trained, average, 3)
    own, arrays = trained.state_dict(), [p.data for p in trained.parameters()]
    expected = {name.removeprefix("module."): value for name, value in average.state_dict().items()}

    def fail():
        with average.applied_to(trained) as applied:
            assert applied is trained
            assert all(np.array_equal(value, expected[name]) for name, value in trained.state_dict().items())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all(np.array_equal(value, own[name]) for name, value in trained.state_dict().items())
    assert all(p.data is array for p, array in zip(trained.parameters(), arrays, strict=True))  # an optimizer's memory


def test_refusals():
    with pytest.raises(TypeError, match="AveragedModel takes a module, not a dict"):
        nn.AveragedModel({})
    for decay in (1, -0.1):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\), or None"):
            nn.AveragedModel(model(), decay)
    average = nn.AveragedModel(model())
    message = r"built differently from the one that was copied: 0.weight, 0.bias, 1.weight"
    with pytest.raises(ValueError, match=message):
        average.update_parameters(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)))
    with pytest.raises(ValueError, match="built differently"), average.applied_to(nn.Linear(2, 3)):
        pass
    assert average.n_averaged.item() == 0
