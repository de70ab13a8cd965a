"""Record values and gradients of torch.nn's recurrent layers: `python record_recurrent.py` writes recurrent.npz."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

RNG = np.random.default_rng(21)
LAYERS = {
    "RNN": ("RNN", {"nonlinearity": "relu"}),
    "LSTM": ("LSTM", {"num_layers": 2}),
    "GRU": ("GRU", {"bias": True}),
    "LSTM projected": ("LSTM", {"num_layers": 2, "proj_size": 2}),
}
LENGTHS = [5, 2, 4]


def main() -> None:
    """Write for each layer, bidirectional and over packed sequences: weights, input, output, last states, gradients."""
    found: dict[str, np.ndarray] = {}
    torch.manual_seed(21)
    for name, (kind, options) in LAYERS.items():
        layer = getattr(torch.nn, kind)(2, 3, bidirectional=True, **options).double()
        x = torch.tensor(RNG.normal(size=(5, 3, 2)), requires_grad=True)
        count = 2 * options.get("num_layers", 1)
        widths = [options.get("proj_size", 3), 3][: 1 + (kind == "LSTM")]
        starts = [torch.tensor(RNG.normal(size=(count, 3, width)), requires_grad=True) for width in widths]
        packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
        output, last = layer(packed, tuple(starts) if kind == "LSTM" else starts[0])
        results = [pad_packed_sequence(output)[0], *(last if kind == "LSTM" else (last,))]
        upstream = [torch.tensor(RNG.uniform(0.5, 2.0, tuple(y.shape))) for y in results]
        sum((y * u).sum() for y, u in zip(results, upstream, strict=True)).backward()
        found[f"{name}/x"], found[f"{name}/by_x"] = x.detach().numpy(), x.grad.numpy()
        for i, start in enumerate(starts):
            found[f"{name}/start{i}"], found[f"{name}/by_start{i}"] = start.detach().numpy(), start.grad.numpy()
        for i, (y, u) in enumerate(zip(results, upstream, strict=True)):
            found[f"{name}/result{i}"], found[f"{name}/upstream{i}"] = y.detach().numpy(), u.numpy()
        for key, p in layer.named_parameters():
            found[f"{name}/state/{key}"], found[f"{name}/grad/{key}"] = p.detach().numpy(), p.grad.numpy()
    np.savez_compressed(Path(__file__).with_name("recurrent.npz"), **found)


if __name__ == "__main__":
    main()
