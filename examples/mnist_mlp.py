"""The main job: train a network on MNIST and draw what it has learned.

    python3 noxfile.py -s mnist
    python3 noxfile.py -s mnist -- --epochs 3 --hidden 256 128 --optimizer sgd

The same options give the same numbers and the same files.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

# One thread, before NumPy is imported: then the numbers are the same on any number of cores, and other programs cannot
# slow it down much. Two threads beside one busy program were seen to take ten times as long as one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _mnist_picture import Epoch, draw
from _program import COUNT, RATE, SHARE, finite, options, parsed, progress, start

Arrays = tuple[np.ndarray, np.ndarray]  # images (N, 784) float32 and their labels (N,) int64

OPTIMIZERS = {  # each with the learning rate that suits it here
    "adam": (optim.Adam, 0.004),
    "sgd": (lambda parameters, lr: optim.SGD(parameters, lr, momentum=0.9), 0.1),
    "rmsprop": (optim.RMSprop, 0.001),
}


def main() -> None:
    """Data, network, training, table, files, and the result as the last line."""
    began = time.perf_counter()
    args = arguments()
    name, train, test = load(args.data, args.quick)
    rng = gd.random.Generator(args.seed)
    sizes = [784, *args.hidden, 10]
    model = network(sizes, args.dropout, rng)
    title = f"{'-'.join(map(str, sizes))} on {name}"
    print(f"network: {title}, {sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)

    history = fit(model, train, test, args)
    table(history)
    nn.save(model, args.out / "weights.npz", overwrite=True)
    draw(args.out / "report.png", title, history, model[0].weight.data, *test, predict(model, test[0]))
    print(f"\nwrote weights.npz and report.png into the folder {args.out}")
    print(f"training {sum(epoch.seconds for epoch in history):.1f} s, in all {time.perf_counter() - began:.1f} s")
    print(f"test accuracy: {100 * history[-1].test:.2f} %")


def load(wanted: str, quick: bool) -> tuple[str, Arrays, Arrays]:
    """The data's name, and what to train and to test on: MNIST, or drawn digits where it cannot be had; says why."""
    name, why = "Digits", "drawn by a procedure, as asked"
    if wanted != "digits":
        print("looking for MNIST on this machine, then on its mirrors", flush=True)
        try:
            parts = data.MNIST(train=True), data.MNIST(train=False)
            name, why = "MNIST", f"read from {parts[0].files[0].parent}"
        except data.DataError as error:
            if wanted == "mnist":
                sys.exit(f"{Path(sys.argv[0]).name}: {error}")
            why = f"drawn by a procedure, because {str(error).splitlines()[0].rstrip(':')}"
    if name == "Digits":
        parts = data.Digits(5_000 if quick else 20_000, seed=0), data.Digits(2_000 if quick else 10_000, seed=1)
    (x, y), (x_test, y_test) = (part.as_arrays(flatten=True, normalize=True) for part in parts)
    if quick:
        x, y, x_test, y_test = x[:5_000], y[:5_000], x_test[:2_000], y_test[:2_000]
    print(f"data: {name}, {len(x):,} images to train on and {len(x_test):,} to test on, {why}", flush=True)
    return name, (x, y), (x_test, y_test)


def network(sizes: list[int], dropout: float, rng: gd.random.Generator) -> nn.Sequential:
    """Linear layers of these sizes; between them ReLU, and dropout where it is asked for."""
    layers: list[nn.Module] = [nn.Linear(sizes[0], sizes[1], generator=rng)]
    for inputs, outputs in itertools.pairwise(sizes[1:]):
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout, generator=rng))
        layers.append(nn.Linear(inputs, outputs, generator=rng))
    return nn.Sequential(*layers)


def fit(model: nn.Module, train: Arrays, test: Arrays, args: argparse.Namespace) -> list[Epoch]:
    """Train the model with a progress bar for each epoch, and measure it after each."""
    loader = data.DataLoader(train, batch_size=args.batch_size, shuffle=True, seed=args.seed)
    make, usual_lr = OPTIMIZERS[args.optimizer]
    highest_lr = args.lr or usual_lr
    optimizer = make(model.parameters(), lr=highest_lr)
    loss_of = nn.CrossEntropyLoss()
    steps = args.epochs * len(loader)
    step = 0
    history = []
    for number in range(1, args.epochs + 1):
        losses: list[float] = []
        began = time.perf_counter()
        with progress(f"epoch {number}/{args.epochs}", len(train[0])) as bar:
            for images, labels in loader:
                # The learning rate rises over the first fifth of the steps and then falls to nothing.
                optimizer.param_groups[0]["lr"] = highest_lr * min(5 * (step + 1), 1.25 * (steps - step)) / steps
                step += 1
                loss = loss_of(model(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.update(len(labels))
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
        seconds = time.perf_counter() - began
        finite(losses[-1], f"a smaller --lr than {highest_lr} may help")
        right = [data.accuracy(predict(model, images), labels) for images, labels in (train, test)]
        history.append(Epoch(losses, *right, seconds))
    return history


def table(history: list[Epoch]) -> None:
    """Print a row for each epoch."""
    print("\nepoch     loss       train        test   training")
    for number, epoch in enumerate(history, 1):
        shares = f"{100 * epoch.train:9.2f} % {100 * epoch.test:9.2f} %"
        print(f"{number:5d} {np.mean(epoch.losses):8.4f} {shares} {epoch.seconds:8.2f} s")


def predict(model: nn.Module, images: np.ndarray, size: int = 5000) -> np.ndarray:
    """The scores (N, 10) of images, in big batches, in evaluation mode and without history."""
    model.eval()
    with gd.no_grad():
        scores = [model(images[first : first + size]).numpy() for first in range(0, len(images), size)]
    model.train()
    return np.concatenate(scores)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked; the folder for the results exists afterwards."""
    parser = options(
        "Train a network on MNIST and draw what it has learned.",
        seed="weights, the order of images, and dropout",
        quick="two epochs on 5,000 images, to see that it works",
        out="mnist",
    )
    add = parser.add_argument
    add("--epochs", type=COUNT, metavar="N", help="times through the images (4; with --quick 2)")
    add("--hidden", type=COUNT, nargs="+", default=[512, 256], metavar="N", help="sizes of hidden layers (512 256)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="adam; sgd has a momentum of 0.9")
    add("--lr", type=RATE, metavar="X", help="highest learning rate (adam 0.004, sgd 0.1, rmsprop 0.001)")
    add("--batch-size", type=COUNT, default=256, metavar="N", help="images in a step (256)")
    add("--dropout", type=SHARE, default=0.0, metavar="P", help="share of hidden units dropped in training (0)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    return parsed(parser, epochs=(4, 2))


if __name__ == "__main__":
    start(main)
