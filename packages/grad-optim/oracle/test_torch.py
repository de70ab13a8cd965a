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
        "decoupled_weight_decay": [False, True],
    },
    "AdamW": {
        "lr": [0.001, 0.1],
        "betas": [(0.9, 0.999), (0.5, 0.8)],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.01, 0.3],
        "amsgrad": [False, True],
        "maximize": [False, True],
    },
    "NAdam": {
        "lr": [0.002, 0.1],
        "betas": [(0.9, 0.999), (0.5, 0.8)],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.0, 0.1],
        "momentum_decay": [0.004, 0.1],
        "decoupled_weight_decay": [False, True],
        "maximize": [False, True],
    },
    "RAdam": {
        "lr": [0.001, 0.05],
        "betas": [(0.9, 0.999), (0.5, 0.8)],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.0, 0.1],
        "decoupled_weight_decay": [False, True],
        "maximize": [False, True],
    },
    "Adamax": {
        "lr": [0.002, 0.1],
        "betas": [(0.9, 0.999), (0.5, 0.8)],
        "eps": [1e-8, 1e-3],
        "weight_decay": [0.0, 0.1],
        "maximize": [False, True],
    },
    "Adagrad": {
        "lr": [0.01, 0.5],
        "lr_decay": [0.0, 0.1],
        "weight_decay": [0.0, 0.1],
        "initial_accumulator_value": [0.0, 0.5],
        "eps": [1e-10, 1e-3],
        "maximize": [False, True],
    },
    "Adadelta": {
        "lr": [1.0, 0.1],
        "rho": [0.9, 0.5],
        "eps": [1e-6, 1e-3],
        "weight_decay": [0.0, 0.1],
        "maximize": [False, True],
    },
    "Adafactor": {
        "lr": [0.01, 0.2],
        "beta2_decay": [-0.8, -0.3],
        "eps": [(None, 1e-3), (0.1, 0.3)],
        "d": [1.0, 3.0],
        "weight_decay": [0.0, 0.1],
        "maximize": [False, True],
    },
    "ASGD": {
        "lr": [0.01, 0.1],
        "lambd": [1e-4, 0.1],
        "alpha": [0.75, 0.3],
        "t0": [1e6, 20.0],
        "weight_decay": [0.0, 0.1],
        "maximize": [False, True],
    },
    "Rprop": {
        "lr": [0.01, 0.1],
        "etas": [(0.5, 1.2), (0.25, 1.5)],
        "step_sizes": [(1e-6, 50), (1e-3, 0.02)],
        "maximize": [False, True],
    },
    "Muon": {
        "lr": [0.001, 0.1],
        "weight_decay": [0.1, 0.0],
        "momentum": [0.95, 0.5],
        "nesterov": [True, False],
        "ns_coefficients": [(3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)],
        "eps": [1e-7, 1.0],
        "ns_steps": [5, 2],
        "adjust_lr_fn": [None, "match_rms_adamw"],
    },
}
SHAPES = [(7, 3), (3,), (), (2, 3, 4), (1, 1)]
MATRICES = [(7, 3), (3, 1), (1, 1), (4, 6), (1, 5)]


def pairs(values):
    """Cases in which each pair of values of two options occurs, the rest at its first value."""
    base = {key: choices[0] for key, choices in values.items()}
    cases = [base]
    for one, other in itertools.combinations(values, 2):
        cases += [{**base, one: a, other: b} for a, b in itertools.product(values[one], values[other])]
    unique = {str(case): case for case in cases}
    return [
        case
        for case in unique.values()
        if not (case.get("nesterov") and (case.get("dampening") or not case["momentum"]))
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


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Single numbers in states are float64, and Muon's iteration is not rounded to bfloat16."""
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    yield
    torch.set_default_dtype(torch.float32)


def make_pair(rng, dtype, name=None):
    arrays = [rng.normal(size=shape).astype(dtype) for shape in (MATRICES if name == "Muon" else SHAPES)]
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
    ours, theirs = make_pair(rng, dtype, name)
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
    ours, theirs = make_pair(rng, dtype, name)
    changes = {
        "SGD": {20: {"momentum": 0.9}, 50: {"momentum": 0.0}, 60: {"momentum": 0.5, "weight_decay": 0.1}},
        "RMSprop": {20: {"alpha": 0.9}, 50: {"weight_decay": 0.1}, 60: {"alpha": 0.5, "eps": 1e-2}},
        "Adagrad": {20: {"lr_decay": 0.1}, 50: {"weight_decay": 0.1}, 60: {"eps": 1e-2}},
        "Adadelta": {20: {"rho": 0.5}, 50: {"weight_decay": 0.1}, 60: {"rho": 0.95, "eps": 1e-2}},
        "Adafactor": {20: {"beta2_decay": -0.5}, 50: {"weight_decay": 0.1}, 60: {"d": 2.0, "eps": (1e-2, 1e-2)}},
        "ASGD": {20: {"lambd": 0.1}, 50: {"weight_decay": 0.1}, 60: {"t0": 40.0, "alpha": 0.5}},
        "Rprop": {20: {"etas": (0.25, 1.5)}, 50: {"step_sizes": (1e-3, 0.1)}},
        "Muon": {20: {"momentum": 0.5}, 50: {"weight_decay": 0.1}, 60: {"nesterov": False, "eps": 1e-2}},
    }.get(name)
    if changes is None:  # those of Adam's kind
        changes = {20: {"betas": (0.5, 0.9)}, 50: {"weight_decay": 0.1}, 60: {"betas": (0.9, 0.999), "eps": 1e-2}}
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
        ("AdamW", {"lr": 0.01}),
        ("NAdam", {}),
        ("RAdam", {"lr": 0.01}),
        ("Adamax", {}),
        ("Adagrad", {"initial_accumulator_value": 0.5}),
        ("Adadelta", {}),
        ("Adafactor", {}),
        ("ASGD", {"t0": 10.0}),
        ("Rprop", {}),
        ("Muon", {}),
    ],
)
def test_state_dicts_go_both_ways(name, options, dtype, counted):
    rng = np.random.default_rng(5)
    ours, theirs = make_pair(rng, dtype, name)
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [2, 1, 3.5, 0, float("inf"), float("-inf"), "inf"])
@pytest.mark.parametrize("limit", [0.1, 5.0, 1e6])
def test_clipping(order, limit, dtype, counted):
    ours, theirs = make_pair(np.random.default_rng(6), dtype)
    give_gradients(ours, theirs, np.random.default_rng(7), 2, dtype)
    for clip, reference in [
        (optim.clip_grad_norm_, torch.nn.utils.clip_grad_norm_),
        (optim.clip_grad_value_, torch.nn.utils.clip_grad_value_),
    ]:
        total, expected = [
            each(tensors, limit, *([order] if each.__name__ == "clip_grad_norm_" else []))
            for each, tensors in ((clip, ours), (reference, theirs))
        ]
        tolerance = 1e-6 if dtype == "float32" else 1e-13
        if total is not None:
            np.testing.assert_allclose(total.item(), expected.item(), rtol=tolerance)
        for p, q in zip(ours, theirs, strict=True):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance)
                counted[0] += p.size


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("history", [1, 5, 100])
@pytest.mark.parametrize("seed", range(6))
def test_lbfgs_on_random_problems(seed, history, line_search_fn, counted):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(30, 6)), rng.normal(size=(30, 1)) > 0
    ours, theirs = gd.tensor(np.zeros((6, 1)), requires_grad=True), torch.zeros(6, 1, requires_grad=True)
    options = {"lr": 0.3, "max_iter": 5, "history_size": history, "line_search_fn": line_search_fn}
    optimizer, reference = optim.LBFGS([ours], **options), torch.optim.LBFGS([theirs], **options)
    signs = np.where(y, 1.0, -1.0)

    def run(module, w, each, array):
        def closure():
            each.zero_grad()
            loss = module.log(1 + module.exp(-(array(x) @ w) * array(signs))).mean() + 0.01 * (w * w).sum()
            loss.backward()
            return loss

        return each.step(closure)

    for step in range(6):
        loss, expected = run(gd, ours, optimizer, gd.tensor), run(torch, theirs, reference, torch.tensor)
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-9)
        np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-6, atol=1e-7)
        counted[0] += ours.size
        if step == 3:  # through a state dict of torch's
            state = reference.state_dict()
            entry = {
                k: [a.numpy() for a in v] if isinstance(v, list) and k != "al" else v
                for k, v in state["state"][0].items()
            }
            entry["d"], entry["prev_flat_grad"] = entry["d"].numpy(), entry["prev_flat_grad"].numpy()
            optimizer = optim.LBFGS([ours], **options)
            optimizer.load_state_dict({"state": {0: entry}, "param_groups": state["param_groups"]})


def test_schedules_with_steps_of_the_optimizer(counted):
    rng = np.random.default_rng(8)
    ours, theirs = make_pair(rng, "float64")
    optimizer, reference = optim.Adam(ours, lr=0.1), torch.optim.Adam(theirs, lr=0.1)
    pair = [
        module.lr_scheduler.OneCycleLR(each, 0.1, total_steps=60)
        for module, each in ((optim, optimizer), (torch.optim, reference))
    ]
    for step in range(59):  # the first of the betas changes with each step
        give_gradients(ours, theirs, rng, step, "float64")
        optimizer.step()
        reference.step()
        for scheduler in pair:
            scheduler.step()
        compare(ours, theirs, "float64", counted)
    state = {k: v for k, v in pair[1].state_dict().items() if not isinstance(v, torch.Tensor)}
    pair[0].load_state_dict(state)
    assert pair[0].get_last_lr() == pair[1].get_last_lr()
