"""A training step of a language model: two causal Transformer layers over 64 tokens of 64 kinds, batch 16, Adam.

Every batch is new: a token follows from the one before it by a fixed table, with noise, so that the loss never ends.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from peak import memory_of, start_of_memory
from timing import steps

__all__ = ["BATCH", "FEED", "HEADS", "LAYERS", "LENGTH", "TOKENS", "WIDTH", "measure_with", "start"]

Array = np.ndarray[Any, Any]

TOKENS, LENGTH, WIDTH, HEADS, FEED, BATCH, LAYERS = 64, 64, 64, 4, 256, 16, 2


def start() -> dict[str, Array]:
    """Weights by name, float32; matrices are (out, in)."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"tokens": (TOKENS, WIDTH), "positions": (LENGTH, WIDTH)}
    for i in range(LAYERS):
        shapes |= {
            f"{i}.norm1.weight": (WIDTH,),
            f"{i}.norm1.bias": (WIDTH,),
            f"{i}.in.weight": (3 * WIDTH, WIDTH),
            f"{i}.in.bias": (3 * WIDTH,),
            f"{i}.out.weight": (WIDTH, WIDTH),
            f"{i}.out.bias": (WIDTH,),
            f"{i}.norm2.weight": (WIDTH,),
            f"{i}.norm2.bias": (WIDTH,),
            f"{i}.linear1.weight": (FEED, WIDTH),
            f"{i}.linear1.bias": (FEED,),
            f"{i}.linear2.weight": (WIDTH, FEED),
            f"{i}.linear2.bias": (WIDTH,),
        }
    shapes |= {"norm.weight": (WIDTH,), "norm.bias": (WIDTH,), "head.weight": (TOKENS, WIDTH), "head.bias": (TOKENS,)}
    found = {}
    for name, shape in shapes.items():
        if len(shape) == 2:
            found[name] = (rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32)
        else:
            found[name] = np.full(shape, "norm" in name and "weight" in name, np.float32)
    return found


def measure_with(
    make: Callable[[], Callable[..., Any]], seed: int, quick: bool, convert: Callable[..., Any] = lambda a: a
) -> dict[str, Any]:
    """Time a step of what `make` makes, and how much memory it took at its highest beyond what was there before."""
    rng = np.random.default_rng(seed)
    follows = np.random.default_rng(1).permutation(TOKENS)
    losses: list[Any] = []

    def draw() -> tuple[Any, Any]:
        ids = np.empty((BATCH, LENGTH + 1), np.int64)
        ids[:, 0] = rng.integers(0, TOKENS, BATCH)
        for i in range(LENGTH):
            ids[:, i + 1] = np.where(rng.random(BATCH) < 0.5, follows[ids[:, i]], rng.integers(0, TOKENS, BATCH))
        return convert(ids[:, :-1].copy()), convert(ids[:, 1:].copy())

    before = start_of_memory()
    step = make()
    times = steps(draw, lambda x, y: losses.append(step(x, y)), 20, 60 if quick else 300)
    return {"times": times, "result": float(np.mean(losses[-20:])), "values": {"peak": memory_of(before)}}
