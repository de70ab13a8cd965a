"""Record what torch.nn's layers for images give: `python record_images.py`, with PyTorch 2.13, writes images.npz."""

from pathlib import Path

import numpy as np
import torch
from image_layers import LAYERS


def main() -> None:
    """For each layer its state, input, upstream gradient, result, and gradients by input and parameters."""
    torch.manual_seed(0)
    found: dict[str, np.ndarray] = {}
    for i, (name, options, shape) in enumerate(LAYERS):
        layer = getattr(torch.nn, name)(**options).double()
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        result = layer(x)
        upstream = torch.rand_like(result) + 0.5
        result.backward(upstream)
        kinds = {"x": x, "result": result, "upstream": upstream, "by_x": x.grad}
        found |= {f"{i}/{kind}": value.detach().numpy() for kind, value in kinds.items()}
        for key, p in layer.named_parameters():
            found[f"{i}/state/{key}"] = p.detach().numpy()
            found[f"{i}/grad/{key}"] = p.grad.numpy()
    arrays = {key: value.astype(np.float32) for key, value in found.items()}
    np.savez_compressed(Path(__file__).with_name("images.npz"), **arrays)


if __name__ == "__main__":
    main()
