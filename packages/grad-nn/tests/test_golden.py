"""Compare with values that golden/record.py recorded from torch.nn."""

import functools
from pathlib import Path

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest

RECORDED = nn.load(Path(__file__).with_name("golden") / "torch.npz")
CASES = sorted(name.removesuffix("/value") for name in RECORDED if name.endswith("/value"))


def function_of(case):
    parts = case.split("/")
    if parts[0].startswith("linear"):
        return F.linear
    return functools.partial(getattr(F, parts[0]), reduction=parts[-1])


def numbered(case, kind):
    found = []
    while f"{case}/{kind}{len(found)}" in RECORDED:
        found.append(RECORDED[f"{case}/{kind}{len(found)}"])
    return found


def test_nothing_recorded_is_forgotten():
    assert len(CASES) == 3 + 3 * (2 * 3 + 1)


@pytest.mark.parametrize("case", CASES)
def test_value_gradient_and_second_gradient(case):
    inputs = [gd.tensor(a, requires_grad=a.dtype.kind == "f") for a in numbered(case, "input")]
    tracked = [x for x in inputs if x.requires_grad]
    value = function_of(case)(*inputs)
    assert value.shape == RECORDED[f"{case}/value"].shape
    assert np.allclose(value.data, RECORDED[f"{case}/value"], 1e-12, 1e-12)
    first = gd.gradients(value, tracked, gradient=RECORDED[f"{case}/upstream"], create_graph=True)
    wanted = numbered(case, "first")
    assert len(wanted) == len(tracked)
    for x, g in zip(tracked, wanted, strict=True):
        assert np.allclose(first[x].data, g, 1e-12, 1e-12)
    total = sum((g * np.cos(np.arange(g.size)).reshape(g.shape)).sum() for g in first.values())
    second = gd.gradients(total, tracked)
    for x, g in zip(tracked, numbered(case, "second"), strict=True):
        assert np.allclose(0 if second[x] is None else second[x].data, g, 1e-10, 1e-10)


def test_a_whole_model():
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(6, 5),
        nn.ReLU(),
        nn.Linear(5, 4),
        nn.Tanh(),
        nn.Linear(4, 4),
        gd.sigmoid,
        nn.Linear(4, 3),
    )
    parts = {kind: {} for kind in ("state", "grad")}
    for name, array in RECORDED.items():
        if name.startswith(("model/state/", "model/grad/")):
            _, kind, key = name.split("/")
            parts[kind][key] = array
    model.load_state_dict(parts["state"])
    output = model(RECORDED["model/x"])
    loss = nn.CrossEntropyLoss()(output, RECORDED["model/ids"])
    loss.backward()
    assert output.dtype == np.float32
    assert np.allclose(output.data, RECORDED["model/output"], 1e-5, 1e-6)
    assert np.allclose(loss.data, RECORDED["model/loss"], 1e-6)
    for name, p in model.named_parameters():
        assert np.allclose(p.grad.data, parts["grad"][name], 1e-4, 1e-6)
