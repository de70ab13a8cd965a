"""A variational autoencoder on MNIST: two numbers for each image, and a plane of images for all pairs of numbers.

    python3 examples/vae.py
    python3 examples/vae.py --epochs 40 --hidden 400

The encoder says where in a plane an image belongs, and how sure it is; a point drawn there goes through the decoder,
which has to draw the image again (Kingma and Welling, 2013). The points of all images together are kept near to a
normal distribution, so a point drawn from one gives a digit that nobody has written. The same options give the same
numbers and the same files. Data is that of mnist_mlp.py.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from statistics import NormalDist
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _picture import INK, canvas, heading, save
from _program import COUNT, RATE, finite, options, parsed, progress, start
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from mnist_mlp import load


class Autoencoder(nn.Module):
    """From images (N, 784) to scores of their pixels, by way of two numbers each."""

    def __init__(self, hidden: int, rng: gd.random.Generator) -> None:
        """Two hidden layers of a size on each side."""
        self.rng = rng
        self.encoder = nn.MLP(784, [hidden, hidden], 4, generator=rng)
        self.decoder = nn.MLP(2, [hidden, hidden], 784, generator=rng)

    def encode(self, images: Any) -> tuple[gd.Tensor, gd.Tensor]:
        """Mean (N, 2) and logarithm of the variance (N, 2) of where each image belongs."""
        both = self.encoder(images)
        return both[:, :2], both[:, 2:]

    def forward(self, images: Any) -> tuple[gd.Tensor, gd.Tensor, gd.Tensor]:
        """Scores (N, 784) of the pixels, from a point drawn for each image; and what `encode` gives.

        The point is mean + deviation · noise: the noise is drawn apart, so gradients pass by it to both.
        """
        mean, log_variance = self.encode(images)
        noise = self.rng.normal(mean.shape)
        return self.decoder(mean + gd.exp(0.5 * log_variance) * noise), mean, log_variance


def loss_of(model: Autoencoder, images: Any) -> tuple[gd.Tensor, gd.Tensor]:
    """Nats for an image: what the pixels cost when the point is known, and what the point costs.

    Their sum is the negative of the evidence lower bound. The second is the Kullback-Leibler divergence of the point's
    normal distribution from the standard one.
    """
    scores, mean, log_variance = model(images)
    pixels = nn.functional.binary_cross_entropy_with_logits(scores, images, reduction="sum") / len(images)
    point = 0.5 * (gd.exp(log_variance) + mean**2 - 1 - log_variance).sum() / len(images)
    return pixels, point


def main() -> None:
    """Data, model, training, losses, files."""
    began = time.perf_counter()
    args = arguments()
    name, *parts = load(args.data, args.quick)
    (x, _), (x_test, y_test) = ((ink(images), labels) for images, labels in parts)
    model = Autoencoder(args.hidden, gd.random.Generator(args.seed))
    print(f"model: 784-{args.hidden}-{args.hidden}-2-{args.hidden}-{args.hidden}-784", end=", ")
    print(f"{sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)
    blind = plain_cost(x, x_test)
    history = [measure(model, x_test), *fit(model, x, x_test, args)]

    print(f"\n{'epoch':>5}  {'pixels':>8}  {'point':>6}  {'in all, nats for a test image':>30}")
    for epoch, (pixels, point) in enumerate(history):
        print(f"{epoch:5d}  {pixels:8.2f}  {point:6.2f}  {pixels + point:30.2f}")
    draw(args.out / "vae.png", model, f"{name} in a plane", x_test, y_test)
    nn.save(model, args.out / "weights.npz", overwrite=True)
    print(f"\nwrote weights.npz and vae.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    print(f"test: {sum(history[-1]):.2f} nats for an image; the mean image alone needs {blind:.2f}")


def ink(images: np.ndarray) -> np.ndarray:
    """Images with 0 for paper and 1 for the blackest ink."""
    low, high = images.min(), images.max()
    return ((images - low) / (high - low)).astype(np.float32)


def plain_cost(x: np.ndarray, x_test: np.ndarray) -> float:
    """What pixels cost, in nats for an image, where only each pixel's mean is known."""
    mean = np.clip(x.mean(axis=0, dtype=np.float64), 1e-4, 1 - 1e-4)
    return float(-(x_test * np.log(mean) + (1 - x_test) * np.log1p(-mean)).sum(axis=1).mean())


def measure(model: Autoencoder, images: np.ndarray) -> tuple[float, float]:
    """Both parts of the loss on images, without history."""
    with gd.no_grad():
        parts = [[part.item() for part in loss_of(model, some)] for some in np.array_split(images, 10)]
    return tuple(np.mean(parts, axis=0).tolist())


def fit(model: Autoencoder, x: np.ndarray, x_test: np.ndarray, args: argparse.Namespace) -> list[tuple[float, float]]:
    """Train with a bar for each epoch; both parts of the loss on test images after each."""
    loader = data.DataLoader(x, batch_size=args.batch_size, shuffle=True, seed=args.seed)
    optimizer = optim.Adam(model.parameters(), args.lr)
    falling = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(loader))
    history = []
    for epoch in range(1, args.epochs + 1):
        with progress(f"epoch {epoch}/{args.epochs}", len(x)) as bar:
            for images in loader:
                pixels, point = loss_of(model, images)
                loss = pixels + point
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                falling.step()
                bar.update(len(images))
            bar.set_postfix(loss=f"{loss.item():.1f}", refresh=False)
        finite(loss.item(), f"a smaller --lr than {args.lr} may help")
        history.append(measure(model, x_test))
    return history


def decoded(model: Autoencoder, points: np.ndarray) -> np.ndarray:
    """Images (N, 28, 28) of points (N, 2)."""
    with gd.no_grad():
        return gd.sigmoid(model.decoder(points.astype(np.float32))).numpy().reshape(-1, 28, 28)


def draw(path: Path, model: Autoencoder, title: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Images and what comes back, images of points drawn at random, a walk through the plane, and where digits lie."""
    figure = canvas(title, "a variational autoencoder with two numbers for each image", (9.6, 4.6))
    with gd.no_grad():
        means = model.encode(images)[0].numpy()
    first = np.array([np.flatnonzero(labels == digit)[0] for digit in range(10)])
    there = np.stack([images[first].reshape(-1, 28, 28), decoded(model, means[first])], axis=1).reshape(20, 28, 28)
    sheet(figure, (0.04, 2, 10), there, "Again", "given, drawn")
    sheet(figure, (0.145, 3, 10), decoded(model, np.random.default_rng(0).normal(size=(30, 2))), "New", "at random")
    shares = [NormalDist().inv_cdf(share) for share in np.linspace(0.03, 0.97, 12)]
    walk = np.stack(np.meshgrid(shares, shares[::-1]), axis=-1).reshape(-1, 2)
    sheet(figure, (0.295, 12, 12), decoded(model, walk), "The plane", "what is drawn from its points")

    axes = figure.add_axes((0.655, 0.05, 0.32, 0.32 * 9.6 / 4.6))
    heading(axes, "Test images", "where the encoder puts them")
    axes.scatter(*means[:3000].T, c=labels[:3000], cmap="tab10", vmin=-0.5, vmax=9.5, s=3, linewidths=0)
    for digit, place in enumerate(homes(means, labels)):
        text = axes.annotate(str(digit), place, size=14, weight="bold", color=INK)
        text.set(ha="center", va="center", path_effects=[withStroke(linewidth=4, foreground="white")])
    axes.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xticks=[], yticks=[])
    axes.spines[:].set_color("#e5e7eb")
    save(figure, path, 128)


def homes(means: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each digit a place (10, 2) where it has many images and others have few."""
    edges = np.linspace(-3.5, 3.5, 15)
    counts = np.stack([np.histogram2d(*means[labels == digit].T, (edges, edges))[0] for digit in range(10)])
    best = (counts**2 / np.maximum(counts.sum(axis=0), 1)).reshape(10, -1).argmax(axis=1)
    return (edges[:-1] + 0.25)[np.stack(np.divmod(best, 14), axis=1)]


def sheet(figure: Figure, place: tuple[float, int, int], images: np.ndarray, title: str, note: str) -> None:
    """Images (N, 28, 28) side by side; the place is the left edge, and how many columns and rows there are."""
    left, columns, rows = place
    high = 0.32 * 9.6 / 4.6
    axes = figure.add_axes((left, 0.05, 0.32 * columns / rows, high))
    heading(axes, title, note)
    whole = images.reshape(rows, columns, 28, 28).swapaxes(1, 2).reshape(28 * rows, 28 * columns)
    axes.imshow(whole, cmap="gray_r", vmin=0, vmax=1, aspect="auto", interpolation="antialiased")
    axes.set_axis_off()


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    parser = options(
        "Train a variational autoencoder on MNIST and draw what it makes of a plane.",
        seed="weights, the order of images, and noise",
        quick="a small model, twenty epochs on 5,000 images, to see that it works",
        out="vae",
    )
    add = parser.add_argument
    add("--epochs", type=COUNT, metavar="N", help="times through the images (20; with --quick 20)")
    add("--hidden", type=COUNT, metavar="N", help="size of the hidden layers (256; with --quick 128)")
    add("--lr", type=RATE, default=0.002, metavar="X", help="highest learning rate of Adam (0.002)")
    add("--batch-size", type=COUNT, default=128, metavar="N", help="images in a step (128)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    return parsed(parser, epochs=(20, 20), hidden=(256, 128))


if __name__ == "__main__":
    start(main)
