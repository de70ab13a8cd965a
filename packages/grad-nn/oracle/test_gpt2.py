"""GPT-2 and grouped-query attention beside the same architecture written in plain PyTorch, with the weights copied."""

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import torch
from comparing import COUNT, RNG, same
from grad_nn.models import GPT2, GPT2Config, gpt2_state_dict

CONFIG = GPT2Config(vocab_size=13, context=9, width=12, layers=3, heads=3, dropout=0.0)

pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    print(f"\ngrad-nn, GPT-2: {next(COUNT)} arrays compared with torch {torch.__version__}")


class Columns(torch.nn.Module):
    """A linear layer with weight (in, out)."""

    def __init__(self, given, out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(given, out) * 0.3)
        self.bias = torch.nn.Parameter(torch.randn(out) * 0.3)

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = Columns(CONFIG.width, 3 * CONFIG.width)
        self.c_proj = Columns(CONFIG.width, CONFIG.width)
        n = CONFIG.context
        self.register_buffer("bias", torch.tril(torch.ones(n, n)).view(1, 1, n, n))
        self.register_buffer("masked_bias", torch.tensor(-1e4))

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = (
            part.view(n, length, CONFIG.heads, -1).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2)
        )
        scores = q @ k.transpose(-1, -2) / np.sqrt(q.shape[-1])
        scores = scores.masked_fill(self.bias[:, :, :length, :length] == 0, -torch.inf)
        out = torch.softmax(scores, -1) @ v
        return self.c_proj(out.transpose(1, 2).reshape(n, length, width))


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.c_fc = Columns(CONFIG.width, 4 * CONFIG.width)
        self.c_proj = Columns(4 * CONFIG.width, CONFIG.width)

    def forward(self, x):
        return self.c_proj(torch.nn.functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(CONFIG.width)
        self.attn = Attention()
        self.ln_2 = torch.nn.LayerNorm(CONFIG.width)
        self.mlp = Network()

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Body(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = torch.nn.Embedding(CONFIG.vocab_size, CONFIG.width)
        self.wpe = torch.nn.Embedding(CONFIG.context, CONFIG.width)
        self.h = torch.nn.ModuleList([Block() for _ in range(CONFIG.layers)])
        self.ln_f = torch.nn.LayerNorm(CONFIG.width)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = Body()
        self.lm_head = torch.nn.Linear(CONFIG.width, CONFIG.vocab_size, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, ids):
        body = self.transformer
        x = body.wte(ids) + body.wpe(torch.arange(ids.shape[1]))
        for block in body.h:
            x = block(x)
        return self.lm_head(body.ln_f(x))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 7)])
def test_scores_and_gradients(shape, dtype):
    torch.manual_seed(0)
    theirs = Model().to(getattr(torch, dtype))
    ours = GPT2(CONFIG, dtype=dtype)
    ours.load_state_dict(gpt2_state_dict(theirs.state_dict()))
    ids = RNG.integers(0, CONFIG.vocab_size, shape)
    x, y = ours(ids), theirs(torch.tensor(ids))
    same(x, y, dtype, 10)
    upstream = RNG.uniform(0.5, 2, x.shape).astype(dtype)
    x.backward(upstream)
    y.backward(torch.tensor(upstream))
    gradients = {name.removeprefix("transformer."): p.grad for name, p in theirs.named_parameters()}
    for name, p in ours.named_parameters():
        same(p.grad, gradients.pop(name), dtype, 100)
    assert not gradients
    drawn = ours.generate(ids[:, :1], 8, temperature=0).data
    scores = theirs(torch.tensor(drawn)).argmax(-1).numpy()
    assert (scores[:, :-1] == drawn[:, 1:]).all()


@pytest.mark.parametrize("shared", [4, 2, 1])
@pytest.mark.parametrize("bias", [True, False])
def test_grouped_queries(bias, shared, dtype):
    ours = nn.GroupedQueryAttention(8, 4, shared, bias, dtype=dtype)
    w = {name: torch.tensor(array, requires_grad=True) for name, array in ours.state_dict().items()}
    a = RNG.normal(size=(3, 5, 8)).astype(dtype)
    x, t = gd.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    q, k, v = (
        torch.nn.functional.linear(t, w[f"{name}_proj.weight"], w.get(f"{name}_proj.bias"))
        .unflatten(-1, (heads, 2))
        .transpose(1, 2)
        for name, heads in (("q", 4), ("k", shared), ("v", shared))
    )
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    out = torch.nn.functional.linear(out.transpose(1, 2).flatten(2), w["o_proj.weight"], w.get("o_proj.bias"))
    found = ours(x)
    same(found, out, dtype, 2)
    upstream = RNG.uniform(0.5, 2, a.shape).astype(dtype)
    found.backward(upstream)
    out.backward(torch.tensor(upstream))
    same(x.grad, t.grad, dtype, 5)
    for name, p in ours.named_parameters():
        same(p.grad, w[name].grad, dtype, 5)
