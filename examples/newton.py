"""Newton's method with and without a matrix, against gradient descent and L-BFGS.

    python3 examples/newton.py
    python3 examples/newton.py --images 2000 --ridge 0.01

Two convex problems. The first has 10 unknown numbers, a logistic regression; its Hessian is a small matrix, and
Newton's steps with it are known to statisticians as iteratively reweighted least squares. The second has 7,850, the
classes of drawn digits; its Hessian would be half a gigabyte, so the equations are solved by conjugate gradients, which
need only its products with vectors. The same options give the same numbers and the same picture.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_optim as optim
import numpy as np
from _picture import BLUE, GREEN, ORANGE, canvas, heading, legend, plain, save
from _program import COUNT, RATE, options, parsed, progress, start

Function = Callable[[Any], Any]  # of weights; a number
Track = list[tuple[float, float]]  # passes over the data so far, and the length of the gradient then
ENOUGH = 1e-9  # length of the gradient at which a method stops
COLORS = {"Newton": ORANGE, "Newton-CG": ORANGE, "L-BFGS": GREEN, "gradient descent": BLUE}


def two_classes(rng: np.random.Generator, ridge: float) -> tuple[Function, int]:
    """Logistic regression: points within a ring against those outside, by their products up to the third order."""
    x, y = rng.normal(size=(2, 400))
    inside = rng.random(400) < 1 / (1 + np.exp(4 * (x**2 + y**2 - 1.2 + 0.4 * x * y)))
    powers = [(i, j) for i in range(4) for j in range(4 - i)]
    features = np.stack([x**i * y**j for i, j in powers], axis=1)
    signs = np.where(inside, 1.0, -1.0)

    def loss(w: Any) -> Any:
        return gd.softplus(-signs * (features @ w)).mean() + ridge / 2 * gd.square(w).sum()

    return loss, len(powers)


def ten_digits(images: int, seed: int, ridge: float) -> tuple[Function, int]:
    """Softmax regression: which digit an image shows, from its pixels and a constant."""
    pixels, labels = data.Digits(images, seed=seed).as_arrays(flatten=True)
    features = np.concatenate([pixels, np.ones((images, 1))], axis=1).astype(np.float64)
    rows = np.arange(images)

    def loss(w: Any) -> Any:
        scores = features @ w.reshape(-1, 10)
        return (gd.logsumexp(scores, axis=1) - scores[rows, labels]).mean() + ridge / 2 * gd.square(w).sum()

    return loss, features.shape[1] * 10


def newton(f: Function, w: np.ndarray, steps: int) -> tuple[np.ndarray, Track]:
    """Steps to the minimum of the parabola that fits here, of the Hessian H and the gradient g: w - H⁻¹ g."""
    slope, curvature = gd.value_and_grad(f), gd.hessian(f)
    path: Track = []
    passes = 0.0
    for _ in range(steps):
        value, g = (part.numpy() for part in slope(w))
        passes += 1
        path.append((passes, float(np.linalg.norm(g))))
        if path[-1][1] < ENOUGH:
            break
        direction = -np.linalg.solve(curvature(w).numpy(), g)
        passes += 2 * len(w)
        w = w + shorter(f, w, value, g, direction) * direction
    return w, path


def newton_cg(f: Function, w: np.ndarray, steps: int) -> tuple[np.ndarray, Track]:
    """The same without H: H d = -g is solved by conjugate gradients, the better the nearer the minimum is."""
    slope = gd.value_and_grad(f)
    path: Track = []
    passes = 0.0
    for _ in range(steps):
        value, g = (part.numpy() for part in slope(w))
        passes += 1
        size = float(np.linalg.norm(g))
        path.append((passes, size))
        if size < ENOUGH:
            break
        d, r = np.zeros_like(w), -g
        p = r
        while np.linalg.norm(r) > min(0.3, np.sqrt(size)) * size:
            hp = gd.hvp(f, (w,), (p,))[1][0].numpy()
            passes += 2
            alpha = (r @ r) / (p @ hp)
            before = r @ r
            d, r = d + alpha * p, r - alpha * hp
            p = r + (r @ r) / before * p
        w = w + shorter(f, w, value, g, d) * d
    return w, path


def shorter(f: Function, w: np.ndarray, value: Any, g: np.ndarray, direction: np.ndarray) -> float:
    """1, or the first of 1/2, 1/4, ... with which a step goes down as far as its slope promises, in part."""
    t, slope = 1.0, float(g @ direction)
    while t > 1e-4 and f(w + t * direction).item() > value + 1e-4 * t * slope + 1e-14:
        t /= 2
    return t


def descend(f: Function, w: np.ndarray, steps: int) -> tuple[np.ndarray, Track]:
    """Gradient descent with the step 1 / L, where L is the largest curvature at the start, found by products H t."""
    slope = gd.grad(f)
    t = np.random.default_rng(0).normal(size=w.shape)
    for _ in range(30):
        t = gd.hvp(f, (w,), (t / np.linalg.norm(t),))[1][0].numpy()
    lr = 1 / np.linalg.norm(t)
    path: Track = []
    for step in range(1, steps + 1):
        g = slope(w).numpy()
        path.append((step, float(np.linalg.norm(g))))
        if path[-1][1] < ENOUGH:
            break
        w = w - lr * g
    return w, path


def lbfgs(f: Function, w: np.ndarray, steps: int) -> tuple[np.ndarray, Track]:
    """The optimizer of grad-optim, which guesses the curvature from gradients."""
    weights = gd.tensor(w, requires_grad=True)
    optimizer = optim.LBFGS(
        [weights], max_iter=steps, tolerance_grad=ENOUGH / 10, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )
    path: Track = []

    def closure() -> gd.Tensor:
        optimizer.zero_grad()
        loss = f(weights)
        loss.backward()
        path.append((len(path) + 1, float(np.linalg.norm(weights.grad.numpy()))))
        return loss

    optimizer.step(closure)
    return weights.detach().numpy(), path


def main() -> None:
    """Both problems with three methods each, a table, and the picture."""
    began = time.perf_counter()
    args = arguments()
    small = two_classes(np.random.default_rng(args.seed), args.ridge)
    large = ten_digits(args.images, args.seed, args.ridge)
    methods = (
        {"Newton": (newton, 50), "L-BFGS": (lbfgs, 100), "gradient descent": (descend, args.steps)},
        {"Newton-CG": (newton_cg, 50), "L-BFGS": (lbfgs, args.steps // 2), "gradient descent": (descend, args.steps)},
    )
    titles = f"{small[1]} numbers: two classes", f"{large[1]:,} numbers: ten digits"
    paths: list[dict[str, Track]] = []
    rows = []
    with progress("minimising", 6, " runs") as bar:
        for (f, size), ways in zip((small, large), methods, strict=True):
            paths.append({})
            for name, (method, steps) in ways.items():
                since = time.perf_counter()
                w, paths[-1][name] = method(f, np.zeros(size), steps)
                rows.append((size, name, paths[-1][name], f(w).item(), time.perf_counter() - since))
                bar.update()
    print(f"\n{'numbers':>7}  {'method':<17}{'steps':>6}{'passes':>8}{'gradient':>11}{'loss':>15}{'seconds':>9}")
    for size, name, path, value, seconds in rows:
        print(f"{size:7,}  {name:<17}{len(path):6d}{path[-1][0]:8.0f}{path[-1][1]:11.1e}{value:15.11f}{seconds:9.2f}")
    draw(args.out / "newton.png", titles, paths)
    print(f"\nwrote newton.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    ends = [path[-1][1] for ways in paths for name, path in ways.items() if name.startswith("Newton")]
    print(f"Newton's gradients at the end: {ends[0]:.0e} with the matrix, {ends[1]:.0e} without")


def draw(path: Path, titles: tuple[str, str], paths: list[dict[str, Track]]) -> None:
    """The length of the gradient over the passes that a method has needed so far."""
    figure = canvas(
        "Newton, with and without a matrix",
        "a pass: the work of one gradient; a product with the Hessian counts as two",
    )
    for place, (title, ways) in enumerate(zip(titles, paths, strict=True)):
        axes = figure.add_axes((0.07 + 0.48 * place, 0.13, 0.43, 0.6))
        heading(axes, title, "length of the gradient")
        plain(axes, "passes")
        for name, way in ways.items():
            axes.loglog(
                *zip(*way, strict=True),
                ".-" if name.startswith("Newton") else "-",
                color=COLORS[name],
                label=name,
                linewidth=1.6,
                markersize=4,
            )
        axes.set_ylim(1e-11, 10)
        legend(axes, "lower left")
    save(figure, path)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    parser = options(
        "Minimise two convex functions by Newton's method, L-BFGS and gradient descent.",
        seed="the points and the digits",
        quick="200 images and fewer steps, to see that it works",
        out="newton",
    )
    add = parser.add_argument
    add("--images", type=COUNT, metavar="N", help="digits drawn (1000; with --quick 200)")
    add("--steps", type=COUNT, metavar="N", help="of gradient descent (1500; with --quick 300)")
    add("--ridge", type=RATE, default=0.001, metavar="X", help="weight of the squares in the loss (0.001)")
    return parsed(parser, images=(1000, 200), steps=(1500, 300))


if __name__ == "__main__":
    start(main)
