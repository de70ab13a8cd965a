"""Record what torch.nn's normalising layers give: `python record_norms.py`, with PyTorch 2.13, writes norms.npz."""

from pathlib import Path

import numpy as np
import torch
from norm_layers import LAYERS, STEPS


def main() -> None:
    """For each layer some steps in training, with the state behind them, and one in evaluation."""
    torch.manual_seed(0)
    found: dict[str, torch.Tensor] = {}
    for i, (name, options, shape) in enumerate(LAYERS):
        layer = getattr(torch.nn, name)(shape[1], **options)
        for p in layer.parameters():
            torch.nn.init.uniform_(p, 0.5, 2)
        found |= {f"{i}/before/{key}": value.clone() for key, value in layer.state_dict().items()}
        for step in range(STEPS + 1):
            layer.train(step < STEPS)
            x = (torch.randn(shape) * 2 + 1).requires_grad_()
            result = layer(x)
            upstream = torch.rand_like(result) + 0.5
            layer.zero_grad()
            result.backward(upstream)
            kinds = {"x": x, "result": result, "upstream": upstream, "by_x": x.grad}
            found |= {f"{i}/{step}/{kind}": value for kind, value in kinds.items()}
            found |= {f"{i}/{step}/grad/{key}": p.grad for key, p in layer.named_parameters()}
        found |= {f"{i}/after/{key}": value for key, value in layer.state_dict().items()}
    arrays = {key: value.detach().numpy() for key, value in found.items()}
    np.savez_compressed(Path(__file__).with_name("norms.npz"), **arrays)


if __name__ == "__main__":
    main()
