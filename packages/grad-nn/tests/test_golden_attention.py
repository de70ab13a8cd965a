"""Compare with what golden/record_attention.py recorded of torch.nn."""

from pathlib import Path

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest

RECORDED = nn.load(Path(__file__).with_name("golden") / "attention.npz")


def part(name):
    return {key.removeprefix(f"{name}/"): a for key, a in RECORDED.items() if key.startswith(f"{name}/")}


def transformer(activation, norm_first, bias):
    return nn.Transformer(
        4, 2, 1, 1, 5, 0.0, activation, batch_first=True, norm_first=norm_first, bias=bias, dtype="float64"
    )


MODELS = {
    "transformer/relu": (lambda: transformer("relu", False, True), lambda model, **given: model(**given)),
    "transformer/gelu": (lambda: transformer("gelu", True, False), lambda model, **given: model(**given)),
    "attention": (
        lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True, dtype="float64"),
        lambda model, **given: model(**given)[0],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_recorded(name):
    make, run = MODELS[name]
    model = make()
    model.load_state_dict(part(f"{name}/state"))
    inputs = {key: gd.tensor(a, requires_grad=True) for key, a in part(f"{name}/input").items()}
    result = run(model, **inputs, **part(f"{name}/mask"))
    np.testing.assert_allclose(result.data, RECORDED[f"{name}/result"], 1e-10, 1e-12)
    result.backward(RECORDED[f"{name}/upstream"])
    for key, x in inputs.items():
        np.testing.assert_allclose(x.grad.data, RECORDED[f"{name}/by/{key}"], 1e-9, 1e-12)
    gradients = part(f"{name}/grad")
    assert sorted(gradients) == sorted(key for key, _ in model.named_parameters())
    for key, p in model.named_parameters():
        np.testing.assert_allclose(p.grad.data, gradients[key], 1e-9, 1e-12)
