"""AdaptiveLogSoftmaxWithLoss beside torch.nn: names, value, gradients, probabilities of all classes, the best class."""

from typing import Any

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from comparing import RNG, same

pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])
CASES: list[dict[str, Any]] = [
    {"cutoffs": [3], "div_value": 4.0, "head_bias": False},
    {"cutoffs": [3, 7], "div_value": 2.0, "head_bias": True},
    {"cutoffs": [1, 2, 10], "div_value": 1.5, "head_bias": False},
]


def both(options: dict[str, Any], dtype: str) -> tuple[Any, Any]:
    ours = nn.AdaptiveLogSoftmaxWithLoss(9, 12, **options, dtype=dtype)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(9, 12, **options, dtype=getattr(torch, dtype))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("options", CASES, ids=repr)
@pytest.mark.parametrize("target", [[0, 11, 5, 2, 3, 7], [1], [8, 8], 4, list(range(12))], ids=repr)
@pytest.mark.parametrize("by_output", [True, False])
def test_value_and_gradients(by_output: bool, target: Any, options: dict[str, Any], dtype: str) -> None:
    ours, theirs = both(options, dtype)
    x = RNG.normal(size=(*np.shape(target), 9)).astype(dtype)
    a, b = gd.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    found, wanted = ours(a, target), theirs(b, torch.tensor(target))
    same(found.output, wanted.output, dtype)
    same(found.loss, wanted.loss, dtype)
    upstream = RNG.uniform(0.5, 2, np.shape(target)).astype(dtype)
    if by_output:
        found.output.backward(upstream)
        wanted.output.backward(torch.tensor(upstream))
    else:
        found.loss.backward()
        wanted.loss.backward()
    same(a.grad, b.grad, dtype)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        assert (p.grad is None) == (q.grad is None)
        if q.grad is not None:
            same(p.grad, q.grad, dtype)


@pytest.mark.parametrize("options", CASES, ids=repr)
def test_all_probabilities_and_the_best_class(options: dict[str, Any], dtype: str) -> None:
    ours, theirs = both(options, dtype)
    for rows in (1, 40):
        x = 5 * RNG.normal(size=(rows, 9)).astype(dtype)
        with torch.no_grad():
            same(ours.log_prob(x), theirs.log_prob(torch.tensor(x)), dtype)
            same(ours.predict(x), theirs.predict(torch.tensor(x)), dtype)
