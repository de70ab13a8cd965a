"""The language model with grad."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
from transformer.problem import BATCH, FEED, HEADS, LAYERS, LENGTH, TOKENS, WIDTH, measure_with, start

__all__ = ["make_step", "measure"]

NAMES = {"in.weight": "self_attn.in_proj_weight", "in.bias": "self_attn.in_proj_bias"}
NAMES |= {f"out.{kind}": f"self_attn.out_proj.{kind}" for kind in ("weight", "bias")}


class Model(nn.Module):
    """Scores of the next token."""

    def __init__(self) -> None:
        """Embeddings, layers, a norm, and the scores."""
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, FEED, 0.0, batch_first=True, norm_first=True)
        self.tokens = nn.Embedding(TOKENS, WIDTH)
        self.positions = nn.LearnedPositionalEmbedding(WIDTH, LENGTH)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(WIDTH))
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, ids: Any) -> Any:
        """(N, L) to (N, L, TOKENS)."""
        return self.head(self.encoder(self.positions(self.tokens(ids)), is_causal=True))


def name_of(short: str) -> str:
    """The name in our state dict."""
    if short in ("tokens", "positions"):
        return f"{short}.weight"
    if short.startswith("norm."):
        return f"encoder.{short}"
    number, _, rest = short.partition(".")
    return f"encoder.layers.{number}.{NAMES.get(rest, rest)}" if number.isdigit() else short


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = Model()
    model.load_state_dict({name_of(name): array for name, array in start().items()})
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss: gd.Tensor = loss_function(model(x).reshape((BATCH * LENGTH, TOKENS)), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(make_step, seed, quick)
