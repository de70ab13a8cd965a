"""100 steps against torch, recorded by golden/record.py."""

import json
from pathlib import Path

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"
CLASSES = {
    "sgd": optim.SGD,
    "rmsprop": optim.RMSProp,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "adamax": optim.Adamax,
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "adafactor": optim.Adafactor,
    "asgd": optim.ASGD,
    "rprop": optim.Rprop,
    "muon": optim.Muon,
}
OURS = {"muon": {"maximize"}, "adamw": {"decoupled_weight_decay"}}  # options that the constructor of torch has not


def load(name):
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


RECORDED = {name: load(name) for name in CLASSES}
INPUT = load("gradients")
SHAPES = [tuple(shape) for shape in json.loads(str(INPUT["shapes"]))]
MATRICES = [(3, 4), (4, 1), (1, 1), (6, 2), (1, 1)]
ENDS = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]
CASES = [(name, i) for name in CLASSES for i in range(len(RECORDED[name]["cases"]))]


def options(name, i):
    return json.loads(str(RECORDED[name]["cases"][i]))


def split(row, dtype, shapes):
    return [part.astype(dtype).reshape(shape) for part, shape in zip(np.split(row, ENDS), shapes, strict=True)]


def make_params(dtype, name=None):
    shapes = MATRICES if name == "muon" else SHAPES
    return [gd.tensor(part, requires_grad=True) for part in split(INPUT["start"], dtype, shapes)]


def set_gradients(params, row):
    for p, g in zip(params, split(row, params[0].dtype, [p.shape for p in params]), strict=True):
        p.grad = None if np.isnan(g).any() else g


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "i"), CASES)
def test_100_steps_equal_those_of_torch(name, i, dtype):
    params = make_params(dtype, name)
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
    params = make_params(dtype, name)
    last = recorded[f"{dtype}/{i}/params"][-1]
    for p, part in zip(params, split(last, dtype, [p.shape for p in params]), strict=True):
        p.data = part
    optimizer = CLASSES[name](params, **options(name, i))
    state = {}
    for key, value in recorded.items():
        if key.startswith(f"{dtype}/{i}/state/"):
            k, entry = key.split("/")[-2:]
            state.setdefault(int(k), {})[entry] = value
    group = {**optimizer.param_groups[0], "params": [0, 1, 2, 3, 4], "foreach": None, "fused": None}
    optimizer.load_state_dict({"state": state, "param_groups": [group]})

    whole = make_params(dtype, name)
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
    params = [gd.zeros((1, 1), requires_grad=True)]
    used = {key for i in range(len(RECORDED[name]["cases"])) for key in options(name, i)}
    assert used == set(CLASSES[name](params).defaults) - OURS.get(name, set())


@pytest.mark.parametrize("name", CLASSES)
def test_the_record_holds_both_present_and_missing_gradients(name):
    missing = np.isnan(INPUT["gradients"])
    assert missing.any()
    assert not missing.all(axis=0).any()
    assert len(RECORDED[name]["cases"]) >= 4


def valley(params):
    x = gd.concat([p.reshape(-1) for p in params])
    return ((1 - x[:-1]) ** 2 + 10 * (x[1:] - x[:-1] ** 2) ** 2).sum()


LBFGS = load("lbfgs")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("i", range(len(LBFGS["cases"])))
def test_ten_steps_of_lbfgs_equal_those_of_torch(i, dtype):
    params = [gd.tensor(np.array(a, dtype), requires_grad=True) for a in ([[-0.5, 1.5]], [0.5, -1.0, 0.25])]
    optimizer = optim.LBFGS(params, **json.loads(str(LBFGS["cases"][i])))

    def closure():
        optimizer.zero_grad()
        loss = valley(params)
        loss.backward()
        return loss

    rows = []
    for _ in range(10):
        optimizer.step(closure)
        rows.append(np.concatenate([p.data.ravel() for p in params]))
    tolerance = 2e-3 if dtype == "float32" else 1e-9  # rounding errors grow from one iteration to the next
    np.testing.assert_allclose(np.stack(rows), LBFGS[f"{dtype}/{i}/params"], rtol=tolerance, atol=tolerance)
    if dtype == "float64":
        state = optimizer.state_dict()["state"][0]
        assert [state["n_iter"], state["func_evals"]] == LBFGS[f"{dtype}/{i}/counts"].tolist()
