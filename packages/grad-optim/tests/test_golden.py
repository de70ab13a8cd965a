"""100 steps against torch, recorded by golden/record.py."""

import json
from pathlib import Path

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"
CLASSES = {"sgd": optim.SGD, "rmsprop": optim.RMSProp, "adam": optim.Adam}


def load(name):
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


RECORDED = {name: load(name) for name in CLASSES}
INPUT = load("gradients")
SHAPES = [tuple(shape) for shape in json.loads(str(INPUT["shapes"]))]
ENDS = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]
CASES = [(name, i) for name in CLASSES for i in range(len(RECORDED[name]["cases"]))]


def options(name, i):
    return json.loads(str(RECORDED[name]["cases"][i]))


def split(row, dtype):
    return [part.astype(dtype).reshape(shape) for part, shape in zip(np.split(row, ENDS), SHAPES, strict=True)]


def make_params(dtype):
    return [gd.tensor(part, requires_grad=True) for part in split(INPUT["start"], dtype)]


def set_gradients(params, row):
    for p, g in zip(params, split(row, params[0].dtype), strict=True):
        p.grad = None if np.isnan(g).any() else g


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "i"), CASES)
def test_100_steps_equal_those_of_torch(name, i, dtype):
    params = make_params(dtype)
    optimizer = CLASSES[name](params, **options(name, i))
    rows = []
    for step, row in enumerate(INPUT["gradients"], 1):
        set_gradients(params, row)
        optimizer.step()
        if step in INPUT["steps"]:
            rows.append(np.concatenate([p.data.ravel() for p in params]))
    assert all(p.dtype == dtype for p in params)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    recorded = RECORDED[name]
    np.testing.assert_allclose(np.stack(rows), recorded[f"{dtype}/{i}/params"], rtol=tolerance, atol=tolerance)

    state = optimizer.state_dict()["state"]
    expected = {key: value for key, value in recorded.items() if key.startswith(f"{dtype}/{i}/state/")}
    for key, value in expected.items():
        k, entry = key.split("/")[-2:]
        np.testing.assert_allclose(state[int(k)][entry], value, rtol=tolerance, atol=tolerance, err_msg=key)
        assert np.shape(state[int(k)][entry]) == value.shape
    assert sorted(state) == sorted({int(key.split("/")[-2]) for key in expected})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "i"), CASES)
def test_a_state_dict_of_torch_is_understood(name, i, dtype):
    recorded = RECORDED[name]
    params = make_params(dtype)
    for p, part in zip(params, split(recorded[f"{dtype}/{i}/params"][-1], dtype), strict=True):
        p.data = part
    optimizer = CLASSES[name](params, **options(name, i))
    state = {}
    for key, value in recorded.items():
        if key.startswith(f"{dtype}/{i}/state/"):
            k, entry = key.split("/")[-2:]
            state.setdefault(int(k), {})[entry] = value
    group = {**optimizer.param_groups[0], "params": [0, 1, 2, 3, 4], "foreach": None, "fused": None}
    optimizer.load_state_dict({"state": state, "param_groups": [group]})

    whole = make_params(dtype)
    reference = CLASSES[name](whole, **options(name, i))
    for row in INPUT["gradients"]:
        set_gradients(whole, row)
        reference.step()
    for row in INPUT["gradients"][::-1][:20]:
        for tensors, each in ((params, optimizer), (whole, reference)):
            set_gradients(tensors, row)
            each.step()
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    for p, q in zip(params, whole, strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CLASSES)
def test_the_recorded_cases_use_every_option(name):
    params = [gd.zeros(1, requires_grad=True)]
    used = {key for i in range(len(RECORDED[name]["cases"])) for key in options(name, i)}
    assert used == set(CLASSES[name](params).defaults)


@pytest.mark.parametrize("name", CLASSES)
def test_the_record_holds_both_present_and_missing_gradients(name):
    missing = np.isnan(INPUT["gradients"])
    assert missing.any()
    assert not missing.all(axis=0).any()
    assert len(RECORDED[name]["cases"]) == 9
