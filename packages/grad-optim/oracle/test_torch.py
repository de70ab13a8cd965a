"""Every step of live torch optimizers against ours: all pairs of option values, both dtypes, several groups."""

import itertools
import warnings

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest
import torch

OPTIONS = {
    "SGD": {
        "lr": [0.1, 0.003],
        "momentum": [0.9, 0.0],
        "dampening": [0.0, 0.3],
        "weight_decay": [0.0, 0.1],
        "nesterov": [False, True],
        "maximize": [False, True],
    },
    "RMSprop": {
        "lr": [0.01, 0.1],
        "alpha": [0.99, 0.5],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.0, 0.1],
        "momentum": [0.0, 0.9],
        "centered": [False, True],
        "maximize": [False, True],
    },
    "Adam": {
        "lr": [0.001, 0.1],
        "betas": [(0.9, 0.999), (0.5, 0.8)],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.0, 0.1],
        "amsgrad": [False, True],
        "maximize": [False, True],
    },
}
SHAPES = [(7, 3), (3,), (), (2, 3, 4), (1, 1)]


def pairs(values):
    """Cases in which each pair of values of two options occurs, the rest at its first value."""
    base = {key: choices[0] for key, choices in values.items()}
    cases = [base]
    for one, other in itertools.combinations(values, 2):
        cases += [{**base, one: a, other: b} for a, b in itertools.product(values[one], values[other])]
    unique = {str(case): case for case in cases}
    return [
        case for case in unique.values() if not (case.get("nesterov") and (case["dampening"] or not case["momentum"]))
    ]


CASES = [(name, case) for name, values in OPTIONS.items() for case in pairs(values)]


@pytest.fixture(scope="module")
def counted(request):
    count = [0]
    yield count
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        request.config.get_terminal_writer().line(f"\n{count[0]:,} numbers compared with torch {torch.__version__}")


def compare(ours, theirs, dtype, counted):
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=tolerance, atol=tolerance)
        counted[0] += p.size


def make_pair(rng, dtype):
    arrays = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    ours = [gd.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    return ours, theirs


def give_gradients(ours, theirs, rng, step, dtype):
    for k, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        g = (rng.normal(size=p.shape) * 10.0 ** (k - 2)).astype(dtype)
        missing = k == step % 7
        p.grad = None if missing else g
        q.grad = None if missing else torch.tensor(g)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_100_steps_with_a_schedule(name, options, dtype, counted):
    rng = np.random.default_rng(3)
    ours, theirs = make_pair(rng, dtype)
    optimizer = getattr(optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for step in range(100):
        give_gradients(ours, theirs, rng, step, dtype)
        for each in (optimizer, reference):
            each.param_groups[0]["lr"] = options["lr"] * (1 + step % 10) / 10
        optimizer.step()
        reference.step()
        compare(ours, theirs, dtype, counted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIONS)
def test_groups_and_options_that_change_on_the_way(name, dtype, counted):
    rng = np.random.default_rng(4)
    ours, theirs = make_pair(rng, dtype)
    changes = {
        "SGD": {20: {"momentum": 0.9}, 50: {"momentum": 0.0}, 60: {"momentum": 0.5, "weight_decay": 0.1}},
        "RMSprop": {20: {"alpha": 0.9}, 50: {"weight_decay": 0.1}, 60: {"alpha": 0.5, "eps": 1e-2}},
        "Adam": {20: {"betas": (0.5, 0.9)}, 50: {"weight_decay": 0.1}, 60: {"betas": (0.9, 0.999), "eps": 1e-2}},
    }[name]
    optimizer = getattr(optim, name)([{"params": ours[:2]}, {"params": ours[2:4], "lr": 0.05}], lr=0.01)
    reference = getattr(torch.optim, name)([{"params": theirs[:2]}, {"params": theirs[2:4], "lr": 0.05}], lr=0.01)
    for step in range(100):
        give_gradients(ours, theirs, rng, step, dtype)
        for each, tensors in ((optimizer, ours), (reference, theirs)):
            if step == 30:
                each.add_param_group({"params": tensors[4:], "lr": 0.1})
            for group in each.param_groups[:2]:
                group.update(changes.get(step, {}))
            each.step()
        compare(ours, theirs, dtype, counted)


def arrays_of(state_dict):
    state = {
        k: {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in entry.items()}
        for k, entry in state_dict["state"].items()
    }
    return {"state": state, "param_groups": state_dict["param_groups"]}


def tensors_of(state_dict):
    state = {
        k: {name: torch.as_tensor(value) for name, value in entry.items()} for k, entry in state_dict["state"].items()
    }
    return {"state": state, "param_groups": state_dict["param_groups"]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("RMSprop", {"momentum": 0.9, "centered": True}),
        ("Adam", {"amsgrad": True}),
    ],
)
def test_state_dicts_go_both_ways(name, options, dtype, counted):
    rng = np.random.default_rng(5)
    ours, theirs = make_pair(rng, dtype)
    optimizer = getattr(optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for step in range(60):
        give_gradients(ours, theirs, rng, step, dtype)
        optimizer.step()
        reference.step()
        if step == 20:
            optimizer = getattr(optim, name)(ours)
            optimizer.load_state_dict(arrays_of(reference.state_dict()))
        if step == 40:
            fresh = getattr(torch.optim, name)(theirs, **options)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torch, about itself
                saved = tensors_of(optimizer.state_dict())
                saved["param_groups"] = [{**fresh.param_groups[0], **saved["param_groups"][0]}]
                fresh.load_state_dict(saved)
            reference = fresh
        compare(ours, theirs, dtype, counted)
