"""A small Vision Transformer on MNIST: each image is a sentence of sixteen patches.

    python3 examples/mnist_vit.py
    python3 examples/mnist_vit.py --epochs 4 --width 96

Every patch of 7 x 7 pixels becomes a token, a learned token is put in front, and after some layers of attention that
token says which digit it is (Dosovitskiy and others, 2020). A Transformer does not know that neighbouring pixels belong
together, as a convolution does, and needs more time to come as far. Data, training and progress bar are those of
mnist_cnn.py. The same options give the same numbers and the same files.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_nn as nn
import numpy as np
from _mnist_picture import Epoch
from _picture import BLUE, ORANGE, QUIET, canvas, heading, legend, plain, save
from _program import COUNT, RATE, number, options, parsed, start
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mnist_cnn import fit
from mnist_mlp import load, predict, table

PATCH = 7  # pixels; 28 / 7 = 4 patches in each direction


class VisionTransformer(nn.Module):
    """Scores (N, 10) of images (N, 1, 28, 28)."""

    def __init__(self, width: int, heads: int, layers: int, seed: int) -> None:
        """With so many numbers for each token, heads of attention, and layers."""
        rng = gd.random.Generator(seed)
        self.patches = nn.Conv2d(1, width, PATCH, stride=PATCH, generator=rng)
        self.answer = nn.Parameter(0.02 * rng.normal((1, 1, width)))  # the token that is put in front
        self.places = nn.LearnedPositionalEmbedding(width, 1 + (28 // PATCH) ** 2, generator=rng)
        self.layers = [
            nn.TransformerEncoderLayer(
                width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True, generator=rng
            )
            for _ in range(layers)
        ]
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, 10, generator=rng)

    def tokens(self, images: Any) -> gd.Tensor:
        """Tokens (N, 17, width): the answer's, then the patches row by row, each with its place added."""
        x = self.patches(images)  # (N, width, 4, 4)
        x = gd.matrix_transpose(x.reshape(*x.shape[:2], -1))  # (N, 16, width)
        answer = gd.broadcast_to(self.answer, (len(x), 1, x.shape[2]))
        return self.places(gd.concat([answer, x], axis=1))

    def forward(self, images: Any) -> gd.Tensor:
        """Patches, layers, and the scores of the answer's token."""
        x = self.tokens(images)
        for layer in self.layers:
            x = layer(x)
        return self.scores(self.norm(x[:, 0]))

    def looks(self, images: Any) -> np.ndarray:
        """How much the answer's token attends to each patch, (N, heads, 4, 4), in the last layer."""
        with gd.no_grad():
            x = self.tokens(images)
            for layer in self.layers[:-1]:
                x = layer(x)
            x = self.layers[-1].norm1(x)
            attention = self.layers[-1].self_attn
            _, weights = attention(x, x, x, need_weights=True, average_attn_weights=False)  # (N, heads, 17, 17)
        side = 28 // PATCH
        return weights.numpy()[:, :, 0, 1:].reshape(*weights.shape[:2], side, side)


def main() -> None:
    """Data, model, training, table, files, and the result as the last line."""
    began = time.perf_counter()
    args = arguments()
    name, *parts = load(args.data, args.quick)
    train, test = ((images.reshape(-1, 1, 28, 28), labels) for images, labels in parts)
    model = VisionTransformer(args.width, args.heads, args.layers, args.seed)
    title = f"Vision Transformer, {args.layers} layer{'s'[: args.layers > 1]} of {args.width}, on {name}"
    print(f"model: {title}, {sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)

    history = fit(model, train, test, args)
    table(history)
    nn.save(model, args.out / "weights.npz", overwrite=True)
    draw(args.out / "vit.png", title, history, model, *test)
    print(f"\nwrote weights.npz and vit.png into the folder {args.out}")
    print(f"training {sum(epoch.seconds for epoch in history):.1f} s, in all {time.perf_counter() - began:.1f} s")
    print(f"test accuracy: {100 * history[-1].test:.2f} %")


def draw(
    path: Path, title: str, history: list[Epoch], model: VisionTransformer, images: np.ndarray, labels: np.ndarray
) -> None:
    """Accuracy after each epoch; what the heads look at in four images; and the worst mistakes."""
    figure = canvas(title, f"{100 * history[-1].test:.2f} % of {len(labels):,} test images right")
    axes = figure.add_axes((0.06, 0.13, 0.25, 0.6))
    heading(axes, "Accuracy", "in per cent, after each epoch")
    plain(axes, "epoch")
    for what, color in (("train", BLUE), ("test", ORANGE)):
        shares = [100 * getattr(epoch, what) for epoch in history]
        axes.plot(range(1, len(shares) + 1), shares, "o-", color=color, label=what, markersize=4, linewidth=1.6)
    axes.set_xticks(range(1, len(history) + 1))
    legend(axes, "lower right")

    scores = predict(model, images, 500)
    chances = (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(scores.argmax(axis=1) != labels)
    worst = wrong[np.argsort(chances[wrong], kind="stable")][:16]
    ink = (images[:, 0] - images.min()) / (images.max() - images.min())
    shown = np.array([np.flatnonzero(labels == digit)[0] for digit in (2, 3, 5, 8)])
    looks = model.looks(images[shown])[:, :4]
    tiles = [tinted(ink[image], look) for image, heads in zip(shown, looks, strict=True) for look in heads]
    sheet(figure, 0.37, ("Where it looks", "a row for an image, a column for a head"), tiles, looks.shape[1])
    tiles = [tinted(ink[image], np.zeros((1, 1))) for image in worst]
    names = [f"{labels[image]}, not {scores[image].argmax()}" for image in worst]
    sheet(figure, 0.69, ("Worst mistakes", f"{len(worst)} of {len(wrong)}"), tiles, 4, names)
    save(figure, path)


def tinted(ink: np.ndarray, look: np.ndarray) -> np.ndarray:
    """Black ink (28, 28) on paper that is orange where it is looked at, as colours (28, 28, 3)."""
    patches = np.kron(look / max(look.max(), 1e-9), np.ones((28 // len(look), 28 // len(look))))
    return (1 - patches[..., None] * (1 - np.array(to_rgb(ORANGE))) * 0.85) * (1 - ink[..., None])


def sheet(
    figure: Figure, left: float, words: tuple[str, str], tiles: list[np.ndarray], columns: int, names: Sequence = ()
) -> None:
    """Images side by side under a heading of two lines, each with its name above where there are names."""
    frame = figure.add_axes((left, 0.05, 0.29, 0.68))
    frame.set_axis_off()
    heading(frame, *words)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        axes = figure.add_axes((left + 0.074 * column, 0.562 - 0.17 * row, 0.066, 0.144))
        axes.imshow(tile, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#e5e7eb")
        if names:
            axes.set_title(names[place], size=7.5, pad=2, color=QUIET)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    few = number(int, "a whole number from 0 to 8", lambda n: 0 <= n <= 8)
    parser = options(
        "Train a small Vision Transformer on MNIST and draw where it looks.",
        seed="weights, the order of images, and moves",
        quick="a small model, ten epochs on 5,000 images, to see that it works",
        out="mnist_vit",
    )
    add = parser.add_argument
    add("--epochs", type=COUNT, metavar="N", help="times through the images (8; with --quick 10)")
    add("--width", type=COUNT, metavar="N", help="numbers for each token (64; with --quick 32)")
    add("--heads", type=COUNT, default=4, metavar="N", help="of attention; they divide the width (4)")
    add("--layers", type=COUNT, metavar="N", help="of attention (2; with --quick 1)")
    add("--lr", type=RATE, default=0.003, metavar="X", help="highest learning rate (0.003)")
    add("--batch-size", type=COUNT, default=128, metavar="N", help="images in a step (128)")
    add("--shift", type=few, default=1, metavar="N", help="pixels by which images are moved in training (1)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    args = parsed(parser, epochs=(8, 10), width=(64, 32), layers=(2, 1))
    if args.width % args.heads:
        parser.error(f"argument --heads: {args.heads} heads cannot share a width of {args.width} equally")
    return args


if __name__ == "__main__":
    start(main)
