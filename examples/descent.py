"""Gradient descent on a polynomial: a few lines by hand, then three optimizers on the same hills.

    python3 examples/descent.py
    python3 examples/descent.py --start 0 0 --lr 0.02 --steps 60

Himmelblau's polynomial of 1972 has four minima, all of the value 0. Where a path ends depends on where it begins and
on how it is walked. The same options give the same numbers and the same picture.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_optim as optim
import numpy as np
from _picture import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, canvas, heading, legend, plain, save
from _program import COUNT, RATE, SHARE, finite, number, options, parsed, progress, start

BY_HAND = "by hand"
COLORS = {BY_HAND: INK, "SGD": BLUE, "SGD, momentum": ORANGE, "Adam": GREEN}


def himmelblau(p: Any) -> Any:
    """(x² + y - 11)² + (x + y² - 7)², of points (..., 2)."""
    x, y = p[..., 0], p[..., 1]
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def by_hand(p: np.ndarray, lr: float, steps: int) -> np.ndarray:
    """The path (steps + 1, 2) of plain gradient descent, without an optimizer."""
    slope = gd.grad(himmelblau)
    path = [p]
    for _ in range(steps):
        p = p - lr * slope(p).numpy()
        path.append(p)
    return np.array(path)


def walk(p: np.ndarray, make: Any, steps: int) -> np.ndarray:
    """The path of an optimizer, which `make` gives for a list of tensors."""
    point = gd.tensor(p, requires_grad=True)
    optimizer = make([point])
    path = [p]
    for _ in range(steps):
        optimizer.zero_grad()
        himmelblau(point).backward()
        optimizer.step()
        path.append(point.detach().numpy().copy())
    return np.array(path)


def main() -> None:
    """The paths, a table, the picture, and how near each came."""
    began = time.perf_counter()
    args = arguments()
    here = np.array(args.start or np.random.default_rng(args.seed).uniform([0.0, -0.8], [0.8, -0.7]).round(2))
    optimizers = {
        "SGD": lambda p: optim.SGD(p, args.lr),
        "SGD, momentum": lambda p: optim.SGD(p, args.lr, momentum=args.momentum),
        "Adam": lambda p: optim.Adam(p, 20 * args.lr),
    }
    print(f"from ({here[0]:g}, {here[1]:g}), where the polynomial is {himmelblau(here):.2f}", flush=True)
    with np.errstate(over="ignore", invalid="ignore"), progress("paths", len(COLORS), " paths") as bar:
        paths = {BY_HAND: by_hand(here, args.lr, args.steps)}
        bar.update()
        for name, make in optimizers.items():
            paths[name] = walk(here, make, args.steps)
            bar.update()
        heights = {name: himmelblau(path) for name, path in paths.items()}
    for height in heights.values():
        finite(height[-1], f"a smaller --lr than {args.lr} may help")

    print(f"\n{'step':>5}" + "".join(f"{name:>15}" for name in paths))
    for step in sorted({0, 1, 2, 5, 10, 20, 50, args.steps}):
        if step <= args.steps:
            print(f"{step:5d}" + "".join(f"{height[step]:15.3e}" for height in heights.values()))
    print()
    for name, path in paths.items():
        print(f"{name:<14} ends at ({path[-1, 0]:9.6f}, {path[-1, 1]:9.6f})")

    draw(args.out / "descent.png", paths, heights)
    same = np.array_equal(paths[BY_HAND], paths["SGD"])
    print(f"\nwrote descent.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    print(f"by hand and SGD took {'the same path, to the last bit' if same else 'different paths'}")
    print(f"largest value at an end: {max(height[-1] for height in heights.values()):.1e}")


def draw(path: Any, paths: dict[str, np.ndarray], heights: dict[str, np.ndarray]) -> None:
    """The hills from above with the paths, and how high each path is after each step."""
    figure = canvas("Gradient descent on a polynomial", "Himmelblau's, with four minima of the value 0")
    axes = figure.add_axes((0.05, 0.09, 0.4, 0.63))
    heading(axes, "From above", "each ring is higher than the one within")
    x, y = np.meshgrid(np.linspace(-5.5, 5.5, 300), np.linspace(-5.5, 5.5, 300))
    levels = np.geomspace(1, 1500, 14)
    axes.contour(x, y, himmelblau(np.stack([x, y], axis=-1)), levels, colors="#c7cbd1", linewidths=0.8)
    beside = figure.add_axes((0.55, 0.13, 0.42, 0.59))
    heading(beside, "Height", "the polynomial's value after each step, until it is 0")
    plain(beside, "step")
    beside.set_xlim(0, len(heights[BY_HAND]) - 1)
    for name, color in COLORS.items():
        way = paths[name]
        wide, alpha = (4.5, 0.3) if name == BY_HAND else (1.6, 1)
        axes.plot(*way.T, color=color, linewidth=wide, alpha=alpha, zorder=2)
        axes.plot(*way[-1], "o", color=color, markersize=5, zorder=3)
        height = np.where(heights[name] > 0, heights[name], np.nan)  # a logarithmic axis has no 0
        beside.semilogy(height, color=color, linewidth=wide, alpha=alpha, label=name)
    axes.plot(*paths[BY_HAND][0], "s", color=PURPLE, markersize=6, zorder=4)
    axes.set(xlim=(-5.5, 5.5), ylim=(-5.5, 5.5), xticks=[-4, 0, 4], yticks=[-4, 0, 4])
    axes.tick_params(labelsize=9, length=3, colors=QUIET)
    axes.spines[:].set_color("#c7cbd1")
    legend(beside)
    save(figure, path)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    place = number(float, "a number from -5 to 5", lambda x: -5 <= x <= 5)
    parser = options(
        "Gradient descent on a polynomial, by hand and by optimizers.",
        seed="the start, where none is given",
        quick="100 steps, to see that it works",
        out="descent",
    )
    add = parser.add_argument
    add("--start", type=place, nargs=2, metavar="X", help="where the paths begin (drawn near a saddle)")
    add("--steps", type=COUNT, metavar="N", help="of each path (150; with --quick 100)")
    add("--lr", type=RATE, default=0.01, metavar="X", help="step size; Adam's is 20 times as large (0.01)")
    add("--momentum", type=SHARE, default=0.8, metavar="X", help="of the second SGD (0.8)")
    return parsed(parser, steps=(150, 100))


if __name__ == "__main__":
    start(main)
