"""A network of linear layers on MNIST, to 99 % of the test images, by bending the images it learns from.

    python3 examples/mnist_elastic.py
    python3 examples/mnist_elastic.py --epochs 30 --hidden 1024 1024

The same options give the same numbers and the same files. Data, progress bar and picture are those of mnist_mlp.py.

Without convolutions a network has to learn anew for every place and slant that a digit is the same digit, and 60,000
images are too few for that: it gets stuck at about 98.4 %. So no image is seen twice as it is: each is turned, moved,
stretched and bent at random when its batch is made, by a thread that works on the second core while the network learns
on the first. Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis" (2003), did this first.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: the other core makes the batches, and the numbers are the same everywhere.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _mnist_picture import Epoch, draw
from grad_data import transforms
from mnist_mlp import Arrays, load, network, number, predict, progress

MEAN, STD = 0.1307, 0.3081


def main() -> None:
    """Data, network, training, table, files, and the result as the last line."""
    start = time.perf_counter()
    args = options()
    name, train, test = load(args.data, args.quick)
    sizes = [784, *args.hidden, 10]
    model = network(sizes, 0.0, gd.random.Generator(args.seed))
    title = f"{'-'.join(map(str, sizes))} on bent {name}"
    print(f"network: {title}, {sum(p.size for p in model.parameters()):,} numbers to learn", flush=True)

    history = fit(model, train, test, args)
    print("\nepoch     loss       train        test   training")
    for count, epoch in enumerate(history, 1):
        shares = f"{100 * epoch.train:9.2f} % {100 * epoch.test:9.2f} %"
        print(f"{count:5d} {np.mean(epoch.losses):8.4f} {shares} {epoch.seconds:8.2f} s")

    nn.save(model, args.out / "weights.npz", overwrite=True)
    draw(args.out / "report.png", title, history, model[0].weight.data, *test, predict(model, test[0]))
    print(f"\nwrote weights.npz and report.png into the folder {args.out}")
    print(f"training {sum(epoch.seconds for epoch in history):.1f} s, in all {time.perf_counter() - start:.1f} s")
    print(f"test accuracy: {100 * history[-1].test:.2f} %")


def distortion(alpha: float, sigma: float, degrees: float) -> Callable[..., Any]:
    """What is done to a batch of images (N, 28, 28) in [0, 1]: another view of each, normalised, as rows (N, 784)."""
    steps = [transforms.flatten, partial(transforms.normalize, mean=MEAN, std=STD)]
    if alpha:
        steps.insert(0, partial(transforms.elastic, alpha=alpha, sigma=sigma))
    if degrees:
        turn = partial(transforms.random_affine, degrees=degrees, translate=0.05, scale=(0.9, 1.1), shear=degrees / 2)
        steps.insert(0, turn)
    return transforms.compose(*steps)


def fit(model: nn.Module, train: Arrays, test: Arrays, args: argparse.Namespace) -> list[Epoch]:
    """Train the model with a progress bar for each epoch, and measure it after each, on images that are not bent."""
    images = (train[0] * np.float32(STD) + np.float32(MEAN)).reshape(-1, 28, 28)  # as pixels again: 0 is paper
    bend = distortion(args.alpha, args.sigma, args.degrees)
    loader = data.DataLoader(
        (images, train[1]), args.batch_size, shuffle=True, seed=args.seed, transform=bend, prefetch=4
    )
    optimizer = optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.decay)
    schedule = optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * len(loader) + 1, pct_start=0.2, cycle_momentum=False
    )
    loss_of = nn.CrossEntropyLoss()
    some = train[0][:10_000], train[1][:10_000]  # enough to see how well the training images are known
    history = []
    for epoch in range(1, args.epochs + 1):
        losses: list[float] = []
        start = time.perf_counter()
        with progress(f"epoch {epoch}/{args.epochs}", len(train[0])) as bar:
            for bent, labels in loader:
                loss = loss_of(model(bent), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                bar.update(len(labels))
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
        seconds = time.perf_counter() - start
        if not math.isfinite(losses[-1]):
            sys.exit(f"mnist_elastic.py: the loss has become {losses[-1]}; a smaller --lr than {args.lr} may help")
        right = [data.accuracy(predict(model, images), labels) for images, labels in (some, test)]
        history.append(Epoch(losses, *right, seconds))
    return history


def options() -> argparse.Namespace:
    """What stands on the command line, checked; the folder for the results exists afterwards."""
    count = number(int, "a whole number of at least 1", lambda n: n >= 1)
    natural = number(int, "a whole number of at least 0", lambda n: n >= 0)
    rate = number(float, "a number above 0", lambda x: 0 < x < math.inf)
    some = number(float, "a number of at least 0", lambda x: 0 <= x < math.inf)
    angle = number(float, "an angle from 0 to 90", lambda x: 0 <= x <= 90)
    parser = argparse.ArgumentParser(
        description="Train a network of linear layers on bent images of MNIST.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--epochs", type=count, metavar="N", help="times through the images (20; with --quick 2)")
    add("--hidden", type=count, nargs="+", default=[800, 400], metavar="N", help="sizes of hidden layers (800 400)")
    add("--lr", type=rate, default=0.004, metavar="X", help="highest learning rate of AdamW (0.004)")
    add("--decay", type=some, default=0.01, metavar="X", help="weight decay (0.01)")
    add("--batch-size", type=count, default=128, metavar="N", help="images in a step (128)")
    add("--alpha", type=some, default=25.0, metavar="X", help="strength of the bending, 0 for none (25)")
    add("--sigma", type=rate, default=4.0, metavar="X", help="its smoothness in pixels (4)")
    add(
        "--degrees", type=angle, default=8.0, metavar="X", help="by which images are turned and slanted, 0 for none (8)"
    )
    add("--seed", type=natural, default=0, metavar="N", help="of weights, the order of images, and distortions (0)")
    add("--data", choices=["auto", "mnist", "digits"], default="auto", help="auto: drawn digits where MNIST is not")
    add("--quick", action="store_true", help="two epochs on 5,000 images, to see that it works")
    add(
        "--out", type=Path, default=Path("runs", "mnist_elastic"), metavar="FOLDER", help="results (runs/mnist_elastic)"
    )
    args = parser.parse_args()
    args.epochs = args.epochs or (2 if args.quick else 20)
    try:
        args.out.mkdir(parents=True, exist_ok=True)  # now: later it would cost the training
    except OSError as error:
        parser.error(f"argument --out: {str(args.out)!r} cannot be made a folder: {error.strerror}")
    return args


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nmnist_elastic.py: stopped; nothing is left half-written", file=sys.stderr)
        sys.exit(130)
