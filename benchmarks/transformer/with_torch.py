"""The language model with PyTorch, eager, with its fused optimizer and its fused attention."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformer.problem import BATCH, FEED, HEADS, LAYERS, LENGTH, TOKENS, WIDTH, measure_with, start

__all__ = ["make_step", "measure"]

NAMES = {"tokens": "tokens.weight"}


class Layer(torch.nn.Module):
    """Causal attention and a network, with the norms first; quicker than torch.nn.TransformerEncoderLayer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = torch.nn.LayerNorm(WIDTH)
        self.add_module("in", torch.nn.Linear(WIDTH, 3 * WIDTH))
        self.out = torch.nn.Linear(WIDTH, WIDTH)
        self.norm2 = torch.nn.LayerNorm(WIDTH)
        self.linear1 = torch.nn.Linear(WIDTH, FEED)
        self.linear2 = torch.nn.Linear(FEED, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joint = self.get_submodule("in")(self.norm1(x)).view(BATCH, LENGTH, 3, HEADS, WIDTH // HEADS)
        q, k, v = joint.permute(2, 0, 3, 1, 4).unbind(0)
        heads = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH))
        return x + self.linear2(torch.relu(self.linear1(self.norm2(x))))


class Model(torch.nn.Module):
    """Scores of the next token."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = torch.nn.Embedding(TOKENS, WIDTH)
        self.positions = torch.nn.Parameter(torch.empty(LENGTH, WIDTH))
        self.layers = torch.nn.ModuleList([Layer() for _ in range(LAYERS)])
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.head = torch.nn.Linear(WIDTH, TOKENS)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def make_step() -> Callable[..., float]:
    """A training step as a function of a batch, with the loss as its result."""
    model = Model()
    names = {name: f"layers.{name}" if name[0].isdigit() else NAMES.get(name, name) for name in start()}
    model.load_state_dict({names[name]: torch.from_numpy(array) for name, array in start().items()})
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = loss_function(model(x).view(BATCH * LENGTH, TOKENS), y.view(-1))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time a training step."""
    return measure_with(make_step, seed, quick, torch.from_numpy)
