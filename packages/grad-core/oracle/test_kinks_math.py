"""The table of kinks of tests/test_kinks_math.py against PyTorch, the differences named."""

from typing import Any

import numpy as np
import pytest
import torch
from test_kinks_math import GRADIENTS

INF = float("inf")

SAME: dict[str, Any] = {
    "ceil": torch.ceil,
    "trunc": torch.trunc,
    "round": torch.round,
    "copysign at 0": lambda x: torch.copysign(x, torch.tensor(1.0)),
    "copysign with a minus": lambda x: torch.copysign(x, torch.tensor(-1.0)),
    "atan2 at the origin": lambda x: torch.atan2(x, torch.zeros(())),
    "atan2 along the axis": lambda x: torch.atan2(x, torch.tensor(2.0)),
    "hypot at the origin": lambda x: torch.hypot(x, torch.zeros(())),
    "norm of zeros": torch.linalg.vector_norm,
    "1-norm at 0": lambda x: torch.linalg.vector_norm(x, 1),
    "3-norm of zeros": lambda x: torch.linalg.vector_norm(x, 3),
    "3-norm with a zero": lambda x: torch.linalg.vector_norm(x, 3),
    "1.5-norm with a zero": lambda x: torch.linalg.vector_norm(x, 1.5),
    "half-norm with a zero": lambda x: torch.linalg.vector_norm(x, 0.5),
    "inf-norm ties": lambda x: torch.linalg.vector_norm(x, INF),
    "inf-norm of zeros": lambda x: torch.linalg.vector_norm(x, INF),
    "std of a constant": lambda x: torch.std(x, correction=0),
    "std of one": lambda x: torch.std(x, correction=0),
    "prod with a zero": torch.prod,
    "prod with two zeros": torch.prod,
    "cumprod with a zero": lambda x: torch.cumprod(x, 0),
    "cumprod with two zeros": lambda x: torch.cumprod(x, 0),
    "softplus far out": torch.nn.functional.softplus,
    "silu far out": torch.nn.functional.silu,
    "erf far out": torch.erf,
    "atan far out": torch.atan,
    "asinh far out": torch.asinh,
    "logaddexp far out": lambda x: torch.logaddexp(x, torch.zeros(())),
    "logaddexp of one infinity": lambda x: torch.logaddexp(x, torch.zeros(())),
    "logaddexp of two -inf": lambda x: torch.logaddexp(x, torch.tensor(-INF)),
}
UNLIKE_TORCH = {
    "hypot at the origin": "PyTorch gives NaN",
    "logaddexp of two -inf": "PyTorch gives NaN",
}


@pytest.mark.parametrize(
    ("name", "at", "wanted"), [(n, at, w) for n, _, at, w in GRADIENTS], ids=[row[0] for row in GRADIENTS]
)
def test_kinks(name: str, at: list[float], wanted: list[float]) -> None:
    x = torch.tensor(at, requires_grad=True)
    SAME[name](x).sum().backward()
    assert x.grad is not None
    if name in UNLIKE_TORCH:
        assert not np.allclose(x.grad.numpy(), wanted), "PyTorch agrees now: take it off the list"
    else:
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)
