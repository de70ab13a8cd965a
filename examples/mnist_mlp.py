"""The main job: train a network on MNIST and draw what it has learned.

    python3 noxfile.py -s mnist
    python3 noxfile.py -s mnist -- --epochs 3 --hidden 256 128 --optimizer sgd

The same options give the same numbers and the same files.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores, and other programs cannot
# slow it down much. Two threads beside one busy program were seen to take ten times as long as one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _mnist_picture import Epoch, draw
from tqdm import tqdm

Arrays = tuple[np.ndarray, np.ndarray]  # images (N, 784) float32 and their labels (N,) int64

OPTIMIZERS = {  # each with the learning rate that suits it here
    "adam": (optim.Adam, 0.004),
    "sgd": (lambda parameters, lr: optim.SGD(parameters, lr, momentum=0.9), 0.1),
    "rmsprop": (optim.RMSprop, 0.001),
}


def main() -> None:
    """Data, network, training, table, files, and the result as the last line."""
    start = time.perf_counter()
    args = options()
    name, train, test = load(args.data, args.quick)
    rng = gd.random.Generator(args.seed)
    sizes = [784, *args.hidden, 10]
    model = network(sizes, args.dropout, rng)
    title = f"{'-'.join(map(str, sizes))} on {name}"
    print(f"network: {title}, {sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)

    history = fit(model, train, test, args)
    print("\nepoch     loss       train        test   training")
    for number, epoch in enumerate(history, 1):
        shares = f"{100 * epoch.train:9.2f} % {100 * epoch.test:9.2f} %"
        print(f"{number:5d} {np.mean(epoch.losses):8.4f} {shares} {epoch.seconds:8.2f} s")

    nn.save(model, args.out / "weights.npz", overwrite=True)
    draw(args.out / "report.png", title, history, model[0].weight.data, *test, predict(model, test[0]))
    print(f"\nwrote weights.npz and report.png into the folder {args.out}")
    print(f"training {sum(epoch.seconds for epoch in history):.1f} s, in all {time.perf_counter() - start:.1f} s")
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
        start = time.perf_counter()
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
        seconds = time.perf_counter() - start
        if not math.isfinite(losses[-1]):
            sys.exit(f"mnist_mlp.py: the loss has become {losses[-1]}; a smaller --lr than {highest_lr} may help")
        right = [data.accuracy(predict(model, images), labels) for images, labels in (train, test)]
        history.append(Epoch(losses, *right, seconds))
    return history


def predict(model: nn.Module, images: np.ndarray, size: int = 5000) -> np.ndarray:
    """The scores (N, 10) of images, in big batches, in evaluation mode and without history."""
    model.eval()
    with gd.no_grad():
        scores = [model(images[start : start + size]).numpy() for start in range(0, len(images), size)]
    model.train()
    return np.concatenate(scores)


@contextlib.contextmanager
def progress(title: str, images: int) -> Iterator[tqdm]:
    """A bar that moves on a terminal; elsewhere, in a log, one line when the epoch is over."""
    moving = sys.stdout.isatty()
    where = {"file": sys.stdout} if moving else {"file": io.StringIO(), "ascii": " ="}
    with tqdm(desc=title, total=images, unit=" images", unit_scale=True, **where) as bar:
        yield bar
        if not moving:
            print(bar, flush=True)


def number(kind: type, wanted: str, holds: Callable[[Any], bool]) -> Callable[[str], Any]:
    """A reader of numbers for argparse, which says what is wanted where it is given something else."""

    def read(text: str) -> Any:
        with contextlib.suppress(ValueError):
            if holds(kind(text)):
                return kind(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")

    return read


def options() -> argparse.Namespace:
    """What stands on the command line, checked; the folder for the results exists afterwards."""
    count = number(int, "a whole number of at least 1", lambda n: n >= 1)
    seed = number(int, "a whole number of at least 0", lambda n: n >= 0)
    rate = number(float, "a number above 0", lambda x: 0 < x < math.inf)
    share = number(float, "a share of at least 0 and below 1", lambda x: 0 <= x < 1)
    parser = argparse.ArgumentParser(
        description="Train a network on MNIST and draw what it has learned.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--epochs", type=count, metavar="N", help="times through the images (4; with --quick 2)")
    add("--hidden", type=count, nargs="+", default=[512, 256], metavar="N", help="sizes of hidden layers (512 256)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="adam; sgd has a momentum of 0.9")
    add("--lr", type=rate, metavar="X", help="highest learning rate (adam 0.004, sgd 0.1, rmsprop 0.001)")
    add("--batch-size", type=count, default=256, metavar="N", help="images in a step (256)")
    add("--dropout", type=share, default=0.0, metavar="P", help="share of hidden units dropped in training (0)")
    add("--seed", type=seed, default=0, metavar="N", help="of weights, the order of images, and dropout (0)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    add("--quick", action="store_true", help="two epochs on 5,000 images, to see that it works")
    add("--out", type=Path, default=Path("runs", "mnist"), metavar="FOLDER", help="for the results (runs/mnist)")
    args = parser.parse_args()
    args.epochs = args.epochs or (2 if args.quick else 4)
    try:
        args.out.mkdir(parents=True, exist_ok=True)  # now: later it would cost the training
    except OSError as error:
        parser.error(f"argument --out: {str(args.out)!r} cannot be made a folder: {error.strerror}")
    return args


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nmnist_mlp.py: stopped; nothing is left half-written", file=sys.stderr)
        sys.exit(130)
