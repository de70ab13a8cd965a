"""Activations and losses against what golden/record_values.py recorded from torch.nn."""

import importlib.util
from pathlib import Path

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest

GOLDEN = Path(__file__).with_name("golden")
SPEC = importlib.util.spec_from_file_location("value_layers", GOLDEN / "value_layers.py")
value_layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(value_layers)
CASES = [(name, options, ("same",)) for name, options in value_layers.ROWS] + value_layers.LOSSES
RECORDED = nn.load(GOLDEN / "values.npz")


def test_nothing_recorded_is_forgotten():
    assert {key.split("/")[0] for key in RECORDED} == {str(i) for i in range(len(CASES))}


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}{CASES[i][1] or ''}")
def test_value_and_gradients(case):
    name, options, kinds = CASES[case]
    arrays = [RECORDED[f"{case}/input{j}"] for j in range(len(kinds))]
    wanted = {j: RECORDED[f"{case}/grad{j}"] for j in range(len(kinds)) if f"{case}/grad{j}" in RECORDED}
    assert wanted
    inputs = [gd.tensor(a, requires_grad=j in wanted) for j, a in enumerate(arrays)]
    result = getattr(nn, name)(**options).to("float64")(*inputs)
    np.testing.assert_allclose(result.detach().numpy(), RECORDED[f"{case}/result"], 1e-6, 1e-9)
    result.backward(RECORDED[f"{case}/upstream"])
    for j, g in wanted.items():
        np.testing.assert_allclose(inputs[j].grad.numpy(), g, 1e-6, 1e-9)
