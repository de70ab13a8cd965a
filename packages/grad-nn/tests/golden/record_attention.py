"""Record torch.nn's Transformer: `python record_attention.py`, with PyTorch 2.13, writes attention.npz."""

import warnings
from pathlib import Path

import numpy as np
import torch

RNG = np.random.default_rng(21)
SIZES = {"d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 5}
KINDS = {"relu": {"norm_first": False, "bias": True}, "gelu": {"norm_first": True, "bias": False}}


def main() -> None:
    """Write weights, inputs, masks, the result and all gradients of two Transformers, and of an attention layer."""
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    found: dict[str, np.ndarray] = {}

    def case(name, module, inputs, masks, function):
        tensors = {key: torch.tensor(a, requires_grad=True) for key, a in inputs.items()}
        result = function(module, tensors, {key: torch.tensor(a) for key, a in masks.items()})
        upstream = RNG.uniform(0.5, 2, tuple(result.shape))
        result.backward(torch.tensor(upstream))
        found.update({f"{name}/input/{key}": a for key, a in inputs.items()})
        found.update({f"{name}/mask/{key}": a for key, a in masks.items()})
        found.update({f"{name}/by/{key}": t.grad.numpy() for key, t in tensors.items()})
        for key, p in module.named_parameters():
            found[f"{name}/state/{key}"] = p.detach().numpy()
            found[f"{name}/grad/{key}"] = p.grad.numpy()
        found[f"{name}/upstream"], found[f"{name}/result"] = upstream, result.detach().numpy()

    padding = np.array([[False, False, False], [False, False, True]])
    for activation, options in KINDS.items():
        module = torch.nn.Transformer(
            **SIZES, **options, activation=activation, dropout=0.0, batch_first=True, dtype=torch.float64
        )
        case(
            f"transformer/{activation}",
            module,
            {"src": RNG.normal(size=(2, 3, 4)), "tgt": RNG.normal(size=(2, 2, 4))},
            {
                "src_key_padding_mask": padding,
                "memory_key_padding_mask": padding,
                "tgt_mask": np.array([[False, True], [False, False]]),
            },
            lambda module, x, masks: module(**x, **masks),
        )
    case(
        "attention",
        torch.nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True, dtype=torch.float64),
        {"query": RNG.normal(size=(2, 3, 4)), "key": RNG.normal(size=(5, 3, 3)), "value": RNG.normal(size=(5, 3, 5))},
        {"attn_mask": RNG.normal(size=(6, 2, 5))},
        lambda module, x, masks: module(**x, **masks)[0],
    )
    np.savez_compressed(Path(__file__).with_name("attention.npz"), **found)


if __name__ == "__main__":
    main()
