"""Record what torch.nn's activations and losses give: `python record_values.py`, with PyTorch 2.13: values.npz."""

from pathlib import Path

import numpy as np
import torch
from value_layers import LOSSES, ROWS

RNG = np.random.default_rng(5)
SHAPE = (3, 4)
MAKERS = {
    "same": lambda: RNG.normal(size=SHAPE) * 2,
    "units": lambda: RNG.uniform(0.05, 0.95, SHAPE),
    "positive": lambda: RNG.uniform(0.2, 3.0, SHAPE),
    "ids": lambda: RNG.integers(0, SHAPE[1], SHAPE[0]),
    "labels": lambda: np.array([[2, 0, -1, 1], [-1, 0, 0, 0], [3, 1, 0, 2]]),
    "signs": lambda: np.array([1.0, -1.0, 1.0]),
    "same signs": lambda: np.sign(RNG.normal(size=SHAPE)),
}


def main() -> None:
    """For each its inputs, upstream gradient, result, and the gradients by its floating inputs."""
    found: dict[str, np.ndarray] = {}
    cases = [(name, options, ("same",)) for name, options in ROWS] + LOSSES
    for i, (name, options, kinds) in enumerate(cases):
        arrays = [MAKERS[kind]() for kind in kinds]
        inputs = [
            torch.tensor(a, requires_grad=a.dtype.kind == "f" and "signs" not in k)
            for a, k in zip(arrays, kinds, strict=True)
        ]
        result = getattr(torch.nn, name)(**options).double()(*inputs)
        upstream = torch.tensor(RNG.uniform(0.5, 2.0, tuple(result.shape)))
        tracked = [x for x in inputs if x.requires_grad]
        grads = torch.autograd.grad(result, tracked, upstream, allow_unused=True)
        by = dict(zip(map(id, tracked), grads, strict=True))
        found |= {f"{i}/result": result.detach().numpy(), f"{i}/upstream": upstream.numpy()}
        for j, (array, x) in enumerate(zip(arrays, inputs, strict=True)):
            found[f"{i}/input{j}"] = array
            if by.get(id(x)) is not None:
                found[f"{i}/grad{j}"] = by[id(x)].numpy()
    np.savez_compressed(Path(__file__).with_name("values.npz"), **found)


if __name__ == "__main__":
    main()
