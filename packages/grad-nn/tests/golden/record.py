"""Record values and gradients of torch.nn for the tests: `python record.py`, with PyTorch 2.13, writes torch.npz."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

RNG = np.random.default_rng(20)
SHAPES = {"rows": ((4, 3), (4,)), "images": ((2, 3, 2, 2), (2, 2, 2)), "single": ((3,), ())}


def main() -> None:
    """Write every case: its inputs, its upstream gradient, its value and gradients to second order."""
    found: dict[str, np.ndarray] = {}

    def case(name, function, *arrays):
        inputs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        tracked = [x for x in inputs if x.requires_grad]
        value = function(*inputs)
        upstream = torch.tensor(RNG.uniform(0.5, 2.0, tuple(value.shape)))
        first = torch.autograd.grad(value, tracked, upstream, create_graph=True)
        total = sum((g * torch.cos(torch.arange(g.numel(), dtype=g.dtype).reshape(g.shape))).sum() for g in first)
        second = torch.autograd.grad(total, tracked, materialize_grads=True)
        found[f"{name}/upstream"] = upstream.numpy()
        found[f"{name}/value"] = value.detach().numpy()
        for i, array in enumerate(arrays):
            found[f"{name}/input{i}"] = array
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            found[f"{name}/first{i}"] = a.detach().numpy()
            found[f"{name}/second{i}"] = b.numpy()

    for rank, shape in enumerate([(3,), (4, 3), (2, 2, 3)], 1):
        case(f"linear{rank}", functional.linear, RNG.normal(size=shape), RNG.normal(size=(2, 3)), RNG.normal(size=2))
    for reduction in ("mean", "sum", "none"):
        for kind, (shape, ids) in SHAPES.items():
            logits = RNG.normal(size=shape) * 3

            def loss(x, y, reduction=reduction):
                return functional.cross_entropy(x, y, reduction=reduction)

            case(f"cross_entropy/ids/{kind}/{reduction}", loss, logits, RNG.integers(0, 3, ids))
            case(f"cross_entropy/floats/{kind}/{reduction}", loss, logits, RNG.uniform(0.1, 1, shape))

        def squares(x, y, reduction=reduction):
            return functional.mse_loss(x, y, reduction=reduction)

        case(f"mse_loss/{reduction}", squares, RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)))

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.Tanh(),
        torch.nn.Linear(4, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 3),
    )  # fmt: skip
    x = torch.tensor(RNG.normal(size=(7, 2, 3)), dtype=torch.float32)
    ids = torch.tensor(RNG.integers(0, 3, 7))
    loss = torch.nn.CrossEntropyLoss()(model(x), ids)
    loss.backward()
    found |= {"model/x": x.numpy(), "model/ids": ids.numpy(), "model/loss": loss.detach().numpy()}
    found["model/output"] = model(x).detach().numpy()
    for name, p in model.named_parameters():
        found[f"model/state/{name}"] = p.detach().numpy()
        found[f"model/grad/{name}"] = p.grad.numpy()
    np.savez_compressed(Path(__file__).with_name("torch.npz"), **found)


if __name__ == "__main__":
    main()
