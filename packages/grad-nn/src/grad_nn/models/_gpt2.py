"""GPT-2: a Transformer that predicts the next token from those before it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.random import Generator, default_generator

from grad_nn import functional, init
from grad_nn._dropout import Dropout
from grad_nn._embedding import Embedding
from grad_nn._grouped_query import KVCache, cached_mask
from grad_nn._module import Module
from grad_nn._normalization import LayerNorm
from grad_nn._parameter import Parameter
from grad_nn._state import plain_array
from grad_nn.errors import StateDictError
from grad_nn.functional._packed_attention import fits_packed, packed_attention

__all__ = ["GPT2", "GPT2Config", "gpt2_state_dict"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GPT2Config:
    """The sizes of a GPT-2; as they stand, those of the smallest published one, with 124 million parameters.

    Example:
        >>> from grad_nn.models import GPT2Config
        >>> GPT2Config(vocab_size=64, context=32, width=48, layers=2, heads=4).width
        48
    """

    vocab_size: int = 50257
    """how many tokens there are"""
    context: int = 1024
    """how many positions"""
    width: int = 768
    """features of a position"""
    layers: int = 12
    """how many blocks"""
    heads: int = 12
    """heads of each attention; it divides `width`"""
    dropout: float = 0.1
    """the probability of dropping, in training: of embeddings, attention weights, and what each part adds"""

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name in ("vocab_size", "context", "width", "layers", "heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"GPT2Config: {name} must be positive, and {getattr(self, name)} is not")
        if self.width % self.heads:
            raise ValueError(f"GPT2Config: {self.heads} heads cannot share {self.width} features equally")


def _table(count: int, width: int, dtype: Any, generator: Generator | None) -> Embedding:
    """A vector for each token or position."""
    table = Embedding(count, width, dtype=dtype, generator=generator)
    init.normal_(table.weight, std=0.02, generator=generator)
    return table


class _Conv1D(Module):
    """X weight + bias, whose weight is (in, out): the other way round than in Linear."""

    def __init__(self, given: int, out: int, std: float, dtype: Any, generator: Generator | None) -> None:
        self.weight = Parameter(gd.empty((given, out), dtype=dtype))
        self.bias = Parameter(gd.zeros(out, dtype=dtype))
        init.normal_(self.weight, std=std, generator=generator)

    def forward(self, x: Any) -> gd.Tensor:
        return functional.linear(x, self.weight.mT, self.bias)


class _Attention(Module):
    """Causal self-attention."""

    def __init__(self, config: GPT2Config, dtype: Any, generator: Generator | None) -> None:
        width = config.width
        self.heads = config.heads
        self.c_attn = _Conv1D(width, 3 * width, 0.02, dtype, generator)
        self.c_proj = _Conv1D(width, width, 0.02 / math.sqrt(2 * config.layers), dtype, generator)
        self.p = config.dropout
        self.generator = generator
        self.dropout = Dropout(config.dropout, generator=generator)

    def forward(self, x: Any, cache: KVCache | None) -> gd.Tensor:
        p = self.p if self.training else 0.0
        joint = self.c_attn(x)
        if cache is None and not p and fits_packed(x, self.c_attn.weight, self.heads):
            out = packed_attention(joint, self.heads, True)
        else:
            q, k, v = (
                part.reshape((*x.shape[:-1], self.heads, -1)).swapaxes(-2, -3) for part in gd.split(joint, 3, -1)
            )
            mask = None
            if cache is not None:
                mask = cached_mask(cache.length, x.shape[-2])
                k, v = cache.append(k, v)
            out = functional.scaled_dot_product_attention(q, k, v, mask, p, cache is None, generator=self.generator)
            out = out.swapaxes(-2, -3).reshape(x.shape)
        return self.dropout(self.c_proj(out))  # type: ignore[no-any-return]


class _Network(Module):
    """Two linear layers, with GELU in between."""

    def __init__(self, config: GPT2Config, dtype: Any, generator: Generator | None) -> None:
        width = config.width
        self.c_fc = _Conv1D(width, 4 * width, 0.02, dtype, generator)
        self.c_proj = _Conv1D(4 * width, width, 0.02 / math.sqrt(2 * config.layers), dtype, generator)
        self.dropout = Dropout(config.dropout, generator=generator)

    def forward(self, x: Any) -> gd.Tensor:
        return self.dropout(self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh")))  # type: ignore[no-any-return]


class _Block(Module):
    def __init__(self, config: GPT2Config, dtype: Any, generator: Generator | None) -> None:
        self.ln_1 = LayerNorm(config.width, dtype=dtype)
        self.attn = _Attention(config, dtype, generator)
        self.ln_2 = LayerNorm(config.width, dtype=dtype)
        self.mlp = _Network(config, dtype, generator)

    def forward(self, x: Any, cache: KVCache | None) -> gd.Tensor:
        x = x + self.attn(self.ln_1(x), cache)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class GPT2(Module):
    """Scores of each next token: embeddings, blocks of causal attention and a network, a norm, the embeddings again.

    Each block computes x = x + attention(norm(x)) and x = x + network(norm(x)), where the network has four times as
    many features and GELU by tanh. The matrix that makes scores is that of the embeddings.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; first values as described
    there, and in their code.

    Args:
        config: the sizes.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Attributes:
        config: the sizes.
        wte: Embedding(vocab_size, width) of tokens.
        wpe: Embedding(context, width) of positions.
        h: the list of blocks: ln_1, attn (c_attn, c_proj), ln_2, mlp (c_fc, c_proj), named as in the published weights.
        ln_f: the last norm.

    Example:
        >>> import grad_core as gd
        >>> from grad_nn.models import GPT2, GPT2Config
        >>> model = GPT2(GPT2Config(vocab_size=10, context=8, width=12, layers=2, heads=3))
        >>> model([[1, 2, 3]]).shape
        (1, 3, 10)
        >>> model.generate([[1, 2, 3]], 4, generator=gd.random.Generator(0)).shape
        (1, 7)
    """

    def __init__(self, config: GPT2Config, *, dtype: Any = None, generator: Generator | None = None) -> None:
        self.config = config
        self.wte = _table(config.vocab_size, config.width, dtype, generator)
        self.wpe = _table(config.context, config.width, dtype, generator)
        self.drop = Dropout(config.dropout, generator=generator)
        self.h = [_Block(config, dtype, generator) for _ in range(config.layers)]
        self.ln_f = LayerNorm(config.width, dtype=dtype)

    def forward(self, ids: Any, *, cache: list[KVCache] | None = None) -> gd.Tensor:
        """Scores (N, L, vocab_size) of what follows each of the tokens (N, L).

        Args:
            ids: integers (N, L), or (L,) for one sequence.
            cache: from ``new_cache``: `ids` follow the tokens that it holds, and are added. The result has no history.

        Raises:
            ShapeError: more positions than `config.context`.
            DTypeError: `ids` are no integers.
            IndexError: there is no such token.
        """
        if cache is None:
            return self._scores(self._ids(ids), 0, [None] * len(self.h))
        with gd.no_grad():
            return self._scores(self._ids(ids), cache[0].length if cache else 0, cache)

    def _ids(self, ids: Any) -> Any:
        ids = gd.asarray(ids).detach()
        if ids.dtype.kind not in "iu":
            raise DTypeError(f"GPT2: tokens are integers, and these are {ids.dtype}: use ids.astype('int64')")
        if ids.ndim not in (1, 2):
            raise ShapeError(f"GPT2: tokens are (N, L), or (L,) for one sequence, and these have shape {ids.shape}")
        wrong = ids.data[(ids.data < 0) | (ids.data >= self.config.vocab_size)]
        if wrong.size:
            raise IndexError(f"GPT2: token {wrong[0]} is out of range: there are 0 to {self.config.vocab_size - 1}")
        return ids

    def _scores(self, ids: Any, earlier: int, caches: Any) -> gd.Tensor:
        end = earlier + ids.shape[-1]
        if end > self.config.context:
            raise ShapeError(f"GPT2: {end} positions, and the model has {self.config.context}: give fewer tokens")
        x = self.drop(self.wte(ids) + self.wpe.weight[earlier:end])
        for block, cache in zip(self.h, caches, strict=True):
            x = block(x, cache)
        return functional.linear(self.ln_f(x), self.wte.weight)

    def new_cache(self) -> list[KVCache]:
        """An empty cache for each block, for ``forward``."""
        return [KVCache(self.config.context) for _ in self.h]

    def generate(
        self,
        ids: Any,
        count: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: Generator | None = None,
    ) -> gd.Tensor:
        """Tokens that follow, drawn one by one from what the model predicts, in eval mode.

        When all positions are used up, the model goes on from the last half of them.

        Args:
            ids: integers (N, L), or (L,) for one sequence; at least one token.
            count: how many are drawn.
            temperature: scores are divided by it: below 1 the likely become likelier; 0 always takes the likeliest.
            top_k: only so many of the likeliest are drawn from; None for all.
            generator: draws; the default Generator where not given.

        Returns:
            `ids` and behind them the new tokens: (N, L + count), or (L + count,).

        Raises:
            ValueError: `count` or `temperature` is negative, or `top_k` is not positive.
            ShapeError: no token to begin with, or more than `config.context`.

        Source: drawing from the likeliest: Fan, Lewis, Dauphin, "Hierarchical Neural Story Generation", 2018.
        """
        if count < 0 or temperature < 0 or (top_k is not None and top_k < 1):
            raise ValueError(
                f"generate: count={count} and temperature={temperature} must not be negative, and top_k={top_k} must "
                "be positive or None"
            )
        given = self._ids(ids)
        tokens = np.atleast_2d(given.data).astype(np.int64)
        if not tokens.shape[1]:
            raise ShapeError("generate: there must be a token to begin with")
        chance = (default_generator() if generator is None else generator).numpy
        training = [module for module in self.modules() if module.training]
        self.eval()
        try:
            caches, new = self.new_cache(), tokens
            for _ in range(count):
                if caches and caches[0].length == self.config.context:
                    for cache in caches:
                        cache.reset()
                    new = tokens[:, -max(1, self.config.context // 2) :]
                scores = self(new, cache=caches).data[:, -1].astype(np.float64)
                new = _drawn(scores, temperature, top_k, chance)[:, None]
                tokens = np.concatenate([tokens, new], axis=1)
        finally:
            for module in training:
                module.training = True
        return gd.asarray(tokens if given.ndim == 2 else tokens[0])


def _drawn(scores: Array, temperature: float, top_k: int | None, chance: Any) -> Array:
    """A token for each row of scores."""
    if temperature == 0:
        likeliest: Array = scores.argmax(axis=1)
        return likeliest
    if top_k is not None and top_k < scores.shape[1]:
        least = np.partition(scores, -top_k, axis=1)[:, -top_k, None]
        scores = np.where(scores < least, -np.inf, scores)
    weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    sums = weights.cumsum(axis=1)
    found: Array = (sums > chance.random((len(sums), 1)) * sums[:, -1:]).argmax(axis=1)
    return found


def gpt2_state_dict(state: Mapping[str, Any]) -> dict[str, Array]:
    """Published weights of a GPT-2 under the names that ``GPT2`` has for ``load_state_dict``.

    The prefix ``transformer.`` goes, and so do the masks that some files hold among the weights (``h.0.attn.bias``,
    ``h.0.attn.masked_bias``), and ``lm_head.weight``, which is ``wte.weight`` again.

    Args:
        state: values by name: arrays, or tensors of grad_core or PyTorch.

    Raises:
        StateDictError: ``lm_head.weight`` differs from ``wte.weight``: ``GPT2`` has one matrix for both.

    Example:
        >>> import numpy as np
        >>> from grad_nn.models import gpt2_state_dict
        >>> state = {"transformer.ln_f.bias": np.zeros(3), "transformer.h.0.attn.bias": np.ones((3, 3))}
        >>> sorted(gpt2_state_dict(state))
        ['ln_f.bias']
    """
    found = {}
    for name, value in state.items():
        short = name.removeprefix("transformer.")
        if not short.endswith((".attn.bias", ".attn.masked_bias")):
            found[short] = plain_array(value)
    head = found.pop("lm_head.weight", None)
    if head is not None and "wte.weight" in found and not np.array_equal(head, found["wte.weight"]):
        raise StateDictError(
            "lm_head.weight differs from wte.weight, and GPT2 makes scores with the matrix of the embeddings: these "
            "weights belong to another model"
        )
    return found
