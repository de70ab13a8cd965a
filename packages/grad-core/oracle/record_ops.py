"""Record what PyTorch gives for every sample: value, gradients, and gradients of gradients. Run with torch==2.13.0:

python packages/grad-core/oracle/record_ops.py
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

PACKAGE = Path(__file__).resolve().parent.parent
sys.path += [str(PACKAGE / "tests"), str(PACKAGE / "oracle")]

from samples import Sample, load  # noqa: E402 - after the path is set
from samples.golden import weights  # noqa: E402 - after the path is set
from torch_ops import CALLS  # noqa: E402 - after the path is set

# these have the same arguments here as there
PACKED = ("einsum", "linalg.cholesky", "linalg.eigh", "linalg.eigvalsh")


def evaluate(sample: Sample, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """Value, first and second order: arrays by name; nothing where PyTorch sees no dependence."""
    tensors = [torch.tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in inputs]
    leaves = [t for t in tensors if t.requires_grad]
    args = sample.pack(*tensors) if sample.pack and sample.function in PACKED else tensors
    value = CALLS[sample.function](*args, **sample.params)
    value = sample.join(value) if sample.join else value
    first = torch.autograd.grad(
        value, leaves, torch.tensor(weights(tuple(value.shape), 0)), create_graph=True, allow_unused=True
    )
    first = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, first, strict=True)]
    found = {"value": value, **{f"first{i}": g for i, g in enumerate(first)}}
    total = sum((g * torch.tensor(weights(tuple(g.shape), i + 1))).sum() for i, g in enumerate(first))
    second = [None] * len(leaves)
    if total.requires_grad:
        second = torch.autograd.grad(total, leaves, allow_unused=True)
    found |= {
        f"second{i}": torch.zeros_like(x) if g is None else g
        for i, (x, g) in enumerate(zip(leaves, second, strict=True))
    }
    return {name: tensor.numpy(force=True) for name, tensor in found.items()}


def main() -> None:
    """Write tests/golden/ops.npz, in float32: enough to tell a right rule from a wrong one, at half the size."""
    samples = [s for s in load() if s.differentiable]
    arrays = {f"{s.id}/{name}": a.astype(np.float32) for s in samples for name, a in evaluate(s, s.inputs).items()}
    target = PACKAGE / "tests" / "golden" / "ops.npz"
    ends = np.cumsum(
        [a.size for a in arrays.values()]
    )  # one long array: a member of a .npz for each would be mostly headers
    np.savez_compressed(
        target, names=list(arrays), ends=ends, values=np.concatenate([a.ravel() for a in arrays.values()])
    )
    print(f"{len(samples)} samples, {len(arrays)} arrays, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
