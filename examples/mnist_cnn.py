"""A convolutional network on MNIST, to more than 99 % of the test images.

    python3 examples/mnist_cnn.py
    python3 examples/mnist_cnn.py --epochs 5 --channels 12 24

The same options give the same numbers and the same files. Data, progress bar and picture are those of mnist_mlp.py.

The network is LeCun's of 1998 in today's form: ReLU in place of tanh, the largest of four in place of their mean, and
cross-entropy. In training each image is moved by up to a pixel, so it is hardly ever the same twice.
"""

from __future__ import annotations

import argparse
import os
import time

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _mnist_picture import Epoch, draw
from _program import COUNT, RATE, finite, number, options, parsed, progress, start
from mnist_mlp import Arrays, load, predict, table


def main() -> None:
    """Data, network, training, table, files, and the result as the last line."""
    began = time.perf_counter()
    args = arguments()
    name, *parts = load(args.data, args.quick)
    train, test = ((images.reshape(-1, 1, 28, 28), labels) for images, labels in parts)
    model = network(args.channels, args.hidden, gd.random.Generator(args.seed))
    first, second = args.channels
    title = f"CNN {first}-{second}-{args.hidden}-10 on {name}"
    print(f"network: {title}, {sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)

    history = fit(model, train, test, args)
    table(history)
    nn.save(model, args.out / "weights.npz", overwrite=True)
    draw(args.out / "report.png", title, history, model[0].weight.data, *test, predict(model, test[0], 500))
    print(f"\nwrote weights.npz and report.png into the folder {args.out}")
    print(f"training {sum(epoch.seconds for epoch in history):.1f} s, in all {time.perf_counter() - began:.1f} s")
    print(f"test accuracy: {100 * history[-1].test:.2f} %")


def network(channels: tuple[int, int], hidden: int, rng: gd.random.Generator) -> nn.Sequential:
    """Two convolutions, each with pooling, then two linear layers; comments give the shape of one image's result."""
    first, second = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2, generator=rng),  # (first, 28, 28)
        nn.MaxPool2d(2),  # (first, 14, 14)
        nn.ReLU(),  # after the pooling: the same result from a quarter of the numbers
        nn.Conv2d(first, second, 5, generator=rng),  # (second, 10, 10)
        nn.MaxPool2d(2),  # (second, 5, 5)
        nn.ReLU(),
        nn.Flatten(),  # (second * 25,)
        nn.Linear(second * 25, hidden, generator=rng),
        nn.ReLU(),
        nn.Linear(hidden, 10, generator=rng),
    )


def fit(model: nn.Module, train: Arrays, test: Arrays, args: argparse.Namespace) -> list[Epoch]:
    """Train the model with a progress bar for each epoch, and measure it after each."""
    loader = data.DataLoader(train, batch_size=args.batch_size, shuffle=True, seed=args.seed)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    loss_of = nn.CrossEntropyLoss()
    moves = np.random.default_rng(args.seed)
    some = train[0][:10_000], train[1][:10_000]  # enough to see how well the training images are known
    steps = args.epochs * len(loader)
    step = 0
    history = []
    for epoch in range(1, args.epochs + 1):
        losses: list[float] = []
        began = time.perf_counter()
        with progress(f"epoch {epoch}/{args.epochs}", len(train[0])) as bar:
            for images, labels in loader:
                # The learning rate rises over the first fifth of the steps and then falls to nothing.
                optimizer.param_groups[0]["lr"] = args.lr * min(5 * (step + 1), 1.25 * (steps - step)) / steps
                step += 1
                loss = loss_of(model(moved(images, args.shift, moves)), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.update(len(labels))
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
        seconds = time.perf_counter() - began
        finite(losses[-1], f"a smaller --lr than {args.lr} may help")
        right = [data.accuracy(predict(model, images, 500), labels) for images, labels in (some, test)]
        history.append(Epoch(losses, *right, seconds))
    return history


def moved(images: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Each image (N, 1, H, W) moved by up to so many pixels down or up, right or left; paper comes in from outside."""
    if not pixels:
        return images
    count, _, height, width = images.shape
    room = ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels))
    wide = np.pad(images, room, constant_values=images.min())
    places = np.lib.stride_tricks.sliding_window_view(wide, (height, width), axis=(2, 3))  # a view: nothing is copied
    down, right = rng.integers(2 * pixels + 1, size=(2, count))
    return places[np.arange(count), :, down, right]


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked; the folder for the results exists afterwards."""
    few = number(int, "a whole number from 0 to 8", lambda n: 0 <= n <= 8)
    parser = options(
        "Train a convolutional network on MNIST and draw what it has learned.",
        seed="weights, the order of images, and moves",
        quick="two epochs on 5,000 images, to see that it works",
        out="mnist_cnn",
    )
    add = parser.add_argument
    add("--epochs", type=COUNT, metavar="N", help="times through the images (10; with --quick 2)")
    add("--channels", type=COUNT, nargs=2, default=[6, 16], metavar="N", help="of the two convolutions (6 16)")
    add("--hidden", type=COUNT, default=120, metavar="N", help="size of the hidden linear layer (120)")
    add("--lr", type=RATE, default=0.003, metavar="X", help="highest learning rate (0.003)")
    add("--batch-size", type=COUNT, default=64, metavar="N", help="images in a step (64)")
    add("--shift", type=few, default=1, metavar="N", help="pixels by which images are moved in training (1)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    return parsed(parser, epochs=(10, 2))


if __name__ == "__main__":
    start(main)
