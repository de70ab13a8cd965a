"""Against values that PyTorch gave, recorded by oracle/record_ops.py: these guard the runs where PyTorch is absent."""

from pathlib import Path
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from samples import Sample, load
from samples.golden import weights
from test_battery import call

SAMPLES = [s for s in load() if s.differentiable]
with np.load(Path(__file__).parent / "golden" / "ops.npz", allow_pickle=False) as recorded:
    PARTS = np.split(recorded["values"], recorded["ends"][:-1])
    GOLDEN = dict(zip(recorded["names"].tolist(), PARTS, strict=True))


def evaluate_grad(sample: Sample, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """Value, first and second order of grad_core, named as oracle/record_ops.py names them."""
    tensors = [gd.tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in inputs]
    leaves = [t for t in tensors if t.requires_grad]
    value = call(sample, *tensors)
    grads = gd.gradients(value, leaves, gradient=weights(value.shape, 0), create_graph=True)
    first = [gd.zeros_like(x) if grads[x] is None else grads[x] for x in leaves]
    found = {"value": value, **{f"first{i}": g for i, g in enumerate(first)}}
    total = sum((g * weights(g.shape, i + 1)).sum() for i, g in enumerate(first))
    again = gd.gradients(total, leaves) if total.requires_grad else dict.fromkeys(leaves)
    found |= {f"second{i}": gd.zeros_like(x) if again[x] is None else again[x] for i, x in enumerate(leaves)}
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_value_and_both_orders_are_those_of_pytorch(sample: Sample) -> None:
    found = evaluate_grad(sample, sample.inputs)
    wanted = {key.removeprefix(f"{sample.id}/"): a for key, a in GOLDEN.items() if key.startswith(f"{sample.id}/")}
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name].ravel(), array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_nothing_recorded_is_left_over() -> None:
    assert {key.rpartition("/")[0] for key in GOLDEN} == {s.id for s in SAMPLES}
