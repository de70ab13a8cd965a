"""Every differentiable function against PyTorch: value, gradient and second order, on eight inputs for each sample."""

import sys
from pathlib import Path
from typing import Any

import grad_core as gd
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from record_ops import evaluate
from samples import Sample, load
from test_golden import evaluate_grad
from test_kinks import GRADIENTS
from torch_ops import CALLS

SAMPLES = [s for s in load() if s.differentiable]
DRAWS = 8
compared = {"arrays": 0, "inputs": 0}


def drawn(sample: Sample, seed: int) -> tuple[Any, ...]:
    """The sample's inputs moved a little, at random; the first draw leaves them as they are."""
    rng = np.random.default_rng(seed)
    move = [seed > 0 and np.asarray(x).dtype.kind == "f" for x in sample.inputs]
    return tuple(
        np.asarray(x * rng.uniform(0.9, 1.1, np.shape(x)) if m else x) for x, m in zip(sample.inputs, move, strict=True)
    )


def test_all_functions_are_compared() -> None:
    assert {s.function for s in SAMPLES} == set(CALLS)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_values_and_derivatives(sample: Sample) -> None:
    for seed in range(DRAWS):
        inputs = drawn(sample, seed)
        wanted = evaluate(sample, inputs)
        got = evaluate_grad(sample, inputs)
        assert got.keys() == wanted.keys()
        for name, array in wanted.items():
            np.testing.assert_allclose(got[name], array, rtol=1e-9, atol=1e-9, err_msg=name)
            compared["arrays"] += 1
        compared["inputs"] += 1


UNLIKE_TORCH = {
    "logsumexp of only -inf": "PyTorch gives NaN",
}


@pytest.mark.parametrize(
    ("name", "at", "wanted"), [(n, at, w) for n, _, at, w in GRADIENTS], ids=[row[0] for row in GRADIENTS]
)
def test_kinks(name: str, at: list[float], wanted: list[float]) -> None:
    import torch

    same: dict[str, Any] = {
        "relu at 0": torch.relu,
        "abs at 0": torch.abs,
        "sign": torch.sign,
        "floor": torch.floor,
        "maximum tie": lambda x: torch.maximum(x, torch.ones(())),
        "minimum tie": lambda x: torch.minimum(x, torch.ones(())),
        "maximum tie of two": lambda x: torch.maximum(x, x),
        "max ties": torch.amax,
        "min ties": torch.amin,
        "clip at bounds": lambda x: torch.clamp(x, -1, 1),
        "clip with crossed bounds": lambda x: torch.clamp(x, 1, -1),
        "power 0 at 0": lambda x: x**0,
        "power 1 at 0": lambda x: x**1,
        "power 2 of negatives": lambda x: x**2,
        "power 3.0 of negatives": lambda x: x**3.0,
        "power -1": lambda x: x**-1,
        "power array 0 at 0": lambda x: x ** torch.tensor([0.0, 2.0]),
        "0 to a power": lambda x: 0.0**x,
        "remainder by a constant": lambda x: x % 2.0,
        "where not taken": lambda x: torch.where(x > 0, x * 3, 0.0),
        "logsumexp of -inf": lambda x: torch.logsumexp(x, 0),
        "logsumexp of only -inf": lambda x: torch.logsumexp(x, 0),
        "sigmoid far out": torch.sigmoid,
        "tanh far out": torch.tanh,
        "relu of inf": torch.relu,
        "abs of inf": torch.abs,
        "softmax far out": lambda x: torch.softmax(x, 0)[0],
        "log_softmax far out": lambda x: torch.log_softmax(x, 0)[0],
    }
    x = torch.tensor(at, requires_grad=True)
    same[name](x).sum().backward()
    if name in UNLIKE_TORCH:
        assert not np.allclose(x.grad.numpy(), wanted), "PyTorch agrees now: take it off the list"
    else:
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)


def test_an_infinite_gradient_at_sqrt_of_0() -> None:
    import torch

    x = torch.tensor([0.0], requires_grad=True)
    torch.sqrt(x).sum().backward()
    assert x.grad.item() == np.inf


def test_how_many_were_compared(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        functions = len({s.function for s in SAMPLES})
        counts = f"{functions} functions, {compared['inputs']} inputs, {compared['arrays']} arrays"
        print(f"\ngrad-core oracle: {counts} compared with PyTorch")
    assert compared["inputs"] == DRAWS * len(SAMPLES)
    assert gd.__version__
