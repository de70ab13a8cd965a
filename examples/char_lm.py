"""A language model that writes one character after the other: a small Transformer, trained on this repository's docs.

    python3 examples/char_lm.py
    python3 examples/char_lm.py --text letters.txt diary.txt --steps 3000

It shows what it writes before and after training, and says in bits per character how well it predicts text that it
has not seen. The same options and texts give the same numbers.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _program import COUNT, NATURAL, RATE, SHARE, finite, number, options, parsed, start

ROOT = Path(__file__).resolve().parents[1]
PIECE = 1000  # characters; every tenth piece of the text is kept for testing


class Writer(nn.Module):
    """From characters (N, L) as numbers, the scores (N, L, characters) of each next one."""

    def __init__(self, count: int, args: argparse.Namespace, rng: gd.random.Generator) -> None:
        """For so many different characters."""
        self.characters = nn.Embedding(count, args.width, generator=rng)
        self.places = nn.LearnedPositionalEmbedding(args.width, args.context, generator=rng)
        self.blocks = [
            nn.TransformerEncoderLayer(
                args.width,
                args.heads,
                4 * args.width,
                args.dropout,
                "gelu",
                batch_first=True,
                norm_first=True,
                generator=rng,
            )
            for _ in range(args.layers)
        ]
        self.norm = nn.LayerNorm(args.width)
        self.scores = nn.Linear(args.width, count, generator=rng)
        nn.init.normal_(self.characters.weight, std=0.02, generator=rng)

    def forward(self, ids: Any) -> gd.Tensor:
        """The scores; L is at most `args.context`."""
        x = self.places(self.characters(ids))
        for block in self.blocks:
            x = block(x, is_causal=True)  # no position sees what comes after it
        return self.scores(self.norm(x))


def main() -> None:
    """Text, model, a sample, training, and another sample."""
    began = time.perf_counter()
    args = arguments()
    text = read(args.text)
    alphabet = "".join(sorted(set(text)))
    train, test = split(np.searchsorted(list(alphabet), list(text)), args.context, args.quick)
    rng = gd.random.Generator(args.seed)
    model = Writer(len(alphabet), args, rng)
    numbers = sum(p.size for p in model.parameters())
    shares = (np.bincount(train, minlength=len(alphabet)) + 1) / (len(train) + len(alphabet))
    print(f"text: {len(text):,} characters, {len(alphabet)} different ones; {test[:, 1:].size:,} are kept to test on")
    print(f"model: {args.layers} blocks of width {args.width}, {numbers:,} numbers to learn")
    print(f"without a model: {math.log2(len(alphabet)):.2f} bits for each character where all are as likely, and")
    print(f"{-np.log2(shares[test[:, 1:]]).mean():.2f} where only their frequencies are known")

    show("before training", write(model, alphabet, args, args.seed))
    print(f"\n{'step':>6}  {'bits, training':>14}  {'bits, test':>10}  {'seconds':>7}")
    end = fit(model, train, test, args)
    show("after training", write(model, alphabet, args, args.seed))
    print(f"\nin all {time.perf_counter() - began:.1f} s")
    print(f"test: {end:.3f} bits per character")


def read(files: list[Path]) -> str:
    """The text of these files, or of the pages that belong to this repository."""
    if not files:
        pages = sorted((ROOT / "docs").rglob("*.md"))
        files = [ROOT / "README.md", *(page for page in pages if page.parent.name != "reference")]
    try:
        return "\n".join(file.read_text(encoding="utf-8") for file in files)
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"char_lm.py: the text cannot be read: {error}")


def split(ids: np.ndarray, context: int, quick: bool) -> tuple[np.ndarray, np.ndarray]:
    """Nine tenths in one row to train on; the rest as windows (N, context + 1) to test on. They do not overlap."""
    pieces = [ids[start : start + PIECE] for start in range(0, len(ids), PIECE)]
    test = [
        piece[start : start + context + 1]
        for piece in pieces[9::10]
        for start in range(0, len(piece) - context, context)
    ]
    if not test:
        sys.exit(f"char_lm.py: the text has {len(ids):,} characters, and {10 * PIECE:,} are the least to learn from")
    train = np.concatenate([piece for place, piece in enumerate(pieces) if place % 10 != 9])
    return train, np.array(test[:: 1 + len(test) // 40] if quick else test)


def fit(model: nn.Module, train: np.ndarray, test: np.ndarray, args: argparse.Namespace) -> float:
    """Train, with a row of the table now and then; returns the bits per character on what was kept to test on."""
    draws = np.random.default_rng(args.seed)
    optimizer = optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.99))
    loss_of = nn.CrossEntropyLoss()
    losses: list[float] = []
    began = time.perf_counter()
    for step in range(1, args.steps + 1):
        # The learning rate rises over the first tenth of the steps and then falls to nothing.
        optimizer.param_groups[0]["lr"] = args.lr * min(10 * step, (args.steps + 1 - step) / 0.9) / args.steps
        places = draws.integers(len(train) - args.context, size=(args.batch_size, 1)) + np.arange(args.context + 1)
        windows = train[places]
        scores = model(windows[:, :-1])
        loss = loss_of(scores.reshape(-1, scores.shape[-1]), windows[:, 1:].ravel())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / math.log(2))
        finite(losses[-1], f"a smaller --lr than {args.lr} may help")
        if step == args.steps or step % max(1, args.steps // 10) == 0:
            bits = measure(model, test)
            seconds = time.perf_counter() - began
            print(f"{step:6d}  {np.mean(losses[-50:]):14.3f}  {bits:10.3f}  {seconds:7.1f}", flush=True)
    return bits


def measure(model: nn.Module, windows: np.ndarray) -> float:
    """Bits per character that the model needs for windows of text."""
    model.eval()
    total = 0.0
    with gd.no_grad():
        for some in np.array_split(windows, 1 + len(windows) // 64):
            scores = model(some[:, :-1])
            loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), some[:, 1:].ravel())
            total += loss.item() / math.log(2) * len(some)
    model.train()
    return total / len(windows)


def write(model: nn.Module, alphabet: str, args: argparse.Namespace, seed: int) -> str:
    """Text that goes on from `args.start`: each character is drawn from what the model expects after those before."""
    draws = np.random.default_rng(seed)
    text = args.start
    unknown = sorted(set(text) - set(alphabet))
    if unknown:
        sys.exit(f"char_lm.py: the text to learn from has no {''.join(unknown)!r}: give another --start")
    model.eval()
    with gd.no_grad():
        for _ in range(args.length):
            ids = np.array([[alphabet.index(c) for c in text[-args.context :]]])
            scores = model(ids).numpy()[0, -1].astype(np.float64)
            chances = np.exp((scores - scores.max()) / args.temperature)
            text += alphabet[draws.choice(len(alphabet), p=chances / chances.sum())]
    model.train()
    return text


def show(title: str, text: str) -> None:
    """A sample between two lines."""
    print(f"\n{f' {title} ':-^80}\n{text}\n{'':-^80}", flush=True)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    window = number(int, f"a whole number from 1 to {PIECE // 2}", lambda n: 1 <= n <= PIECE // 2)
    parser = options(
        "Train a language model on text, character by character, and let it write.",
        seed="weights, windows, dropout and samples",
        quick="a small model and few steps, to see that it works",
    )
    add = parser.add_argument
    add("--text", type=Path, nargs="+", default=[], metavar="FILE", help="to learn from (this repository's pages)")
    add("--steps", type=COUNT, metavar="N", help="of training (2000; with --quick 400)")
    add("--layers", type=COUNT, metavar="N", help="blocks (2; with --quick 1)")
    add("--width", type=COUNT, metavar="N", help="numbers for each character (96; with --quick 48)")
    add("--heads", type=COUNT, default=4, metavar="N", help="of attention; they divide the width (4)")
    add("--context", type=window, metavar="N", help="characters that the model sees at a time (64; --quick 48)")
    add("--dropout", type=SHARE, default=0.0, metavar="P", help="share of each block's results dropped (0)")
    add("--batch-size", type=COUNT, default=16, metavar="N", help="windows in a step (16)")
    add("--lr", type=RATE, default=0.004, metavar="X", help="highest learning rate (0.004)")
    add("--start", default="# ", metavar="TEXT", help="what the samples begin with ('# ')")
    add("--length", type=NATURAL, default=600, metavar="N", help="characters in a sample (600)")
    add("--temperature", type=RATE, default=0.7, metavar="X", help="below 1 the likely become likelier (0.7)")
    args = parsed(parser, steps=(2000, 400), layers=(2, 1), width=(96, 48), context=(64, 48))
    if args.width % args.heads:
        parser.error(f"argument --heads: {args.heads} heads cannot share a width of {args.width} equally")
    if not args.start:
        parser.error("argument --start: it must have a character at least")
    return args


if __name__ == "__main__":
    start(main)
