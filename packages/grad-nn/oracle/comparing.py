"""Comparing a layer or function of grad-nn with its counterpart in torch: value and gradients of both orders."""

import itertools
from typing import Any

import grad_core as gd
import numpy as np
import torch

RNG = np.random.default_rng(0)
COUNT = itertools.count()
EXACT = {"float32": 5e-5, "float64": 1e-10}


def same(ours: Any, theirs: Any, dtype: str, factor: float = 1) -> None:
    """Equal shape, dtype and numbers."""
    next(COUNT)
    ours = ours.data if isinstance(ours, gd.Tensor) else ours
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, factor * EXACT[dtype], factor * EXACT[dtype])


def compare_layers(ours: Any, theirs: Any, arrays: list[Any], dtype: str) -> None:
    """Names and loading of the state, value, and gradients by inputs and parameters with a non-uniform upstream."""
    theirs = theirs.to(getattr(torch, dtype))
    ours = ours.to(dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    xs = [gd.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    ts = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y, z = ours(*xs), theirs(*ts)
    same(y, z, dtype)
    upstream = RNG.uniform(0.5, 2, y.shape).astype(dtype)
    y.backward(upstream)
    z.backward(torch.tensor(upstream))
    for x, t in zip(xs, ts, strict=True):
        if x.requires_grad:
            same(x.grad, t.grad, dtype)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        same(p.grad, q.grad, dtype, 10)
