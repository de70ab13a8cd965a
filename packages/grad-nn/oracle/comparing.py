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
    theirs = theirs.detach().numpy(force=True)
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


def compare(ours, theirs, arrays, dtype, order=2, factor=1):
    """Value, gradients with a non-uniform upstream, and gradients of a mixture of those, by every floating input."""
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    xs = [gd.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    ts = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    x_leaves, t_leaves = [x for x in xs if x.requires_grad], [t for t in ts if t.requires_grad]
    y, z = ours(*xs), theirs(*ts)
    same(y, z, dtype, factor)
    upstream = RNG.uniform(0.5, 2, y.shape).astype(dtype)
    by_x = gd.gradients(y, x_leaves, gradient=upstream, create_graph=True)
    by_t = torch.autograd.grad(z, t_leaves, torch.tensor(upstream), create_graph=True)
    for x, t in zip(x_leaves, by_t, strict=True):
        same(by_x[x], t, dtype, factor)
    plain = gd.gradients(ours(*xs), x_leaves, gradient=upstream)  # the same rules, called with arrays
    for x, t in zip(x_leaves, by_t, strict=True):
        same(plain[x], t, dtype, factor)
    if order == 1:
        return
    mix = [RNG.normal(size=a.shape).astype(dtype) for a in by_t]
    total_t = sum((g * torch.tensor(m)).sum() for g, m in zip(by_t, mix, strict=True))
    if not total_t.requires_grad:
        return
    total_x = sum((by_x[x] * m).sum() for x, m in zip(x_leaves, mix, strict=True))
    second_t = torch.autograd.grad(total_t, t_leaves, materialize_grads=True)
    # where the gradient is a constant, torch may still say that it depends on the input, with derivative 0
    second_x = gd.gradients(total_x, x_leaves) if total_x.requires_grad else dict.fromkeys(x_leaves)
    for x, t in zip(x_leaves, second_t, strict=True):
        same(np.zeros(x.shape, dtype) if second_x[x] is None else second_x[x], t, dtype, 5 * factor)
