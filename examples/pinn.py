"""A physics-informed network: it solves the heat equation by being trained to obey it.

    python3 examples/pinn.py
    python3 examples/pinn.py --conductivity 0.1 --width 48

The network is a function of place and time. Its loss is how far its own derivatives are from the equation
u_t = a · u_xx, at points of a rod and moments drawn at random; no solution is shown to it. The start and the cold ends
hold by the form of the function. Training differentiates what is already a second derivative: three orders in all.
The exact solution is known here, so the error can be measured. The same options give the same numbers and picture.
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
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _picture import BLUE, INK, ORANGE, QUIET, canvas, heading, legend, plain, save
from _program import COUNT, RATE, finite, number, options, parsed, progress, start

Field = Callable[[Any], Any]  # of points (N, 2), place and time; values (N,)
Row = tuple[int, float, float]  # iteration, loss, largest error
X, T = np.array([1.0, 0.0]), np.array([0.0, 1.0])  # the directions of place and time
WAVES = ((1, 1.0), (3, 0.5))  # the start: half waves on the rod, and how high


def at_start(p: Any) -> Any:
    """The temperatures at the time 0; they are 0 at the ends, x = 0 and x = 1."""
    return sum(height * gd.sin(np.pi * k * p[:, 0]) for k, height in WAVES)


def exact(p: np.ndarray, a: float) -> np.ndarray:
    """The solution: each wave decays by itself, and the shorter the faster."""
    x, t = p.T
    return sum(h * np.exp(-a * (np.pi * k) ** 2 * t) * np.sin(np.pi * k * x) for k, h in WAVES)


class Rod(nn.Module):
    """A network as the temperature: u = start(x) + t · x · (1 - x) · network(x, t)."""

    def __init__(self, width: int, seed: int) -> None:
        """Three hidden layers of a width; double precision, as three orders of derivatives want."""
        rng = gd.random.Generator(seed)
        self.network = nn.MLP(2, [width] * 3, 1, activation=nn.Tanh, dtype="float64", generator=rng)

    def forward(self, p: Any) -> gd.Tensor:
        """The temperatures (N,) at points (N, 2)."""
        x, t = p[:, 0], p[:, 1]
        return at_start(p) + t * x * (1 - x) * self.network(4 * p - 2)[:, 0]


def along(f: Field, direction: np.ndarray) -> Field:
    """The derivative of a field along a direction, at each point: a field again."""
    return lambda p: gd.jvp(f, (p,), (np.broadcast_to(direction, p.shape),))[1]


def residual(u: Field, p: np.ndarray, a: float) -> Any:
    """How far u is from the heat equation at points: u_t - a · u_xx."""
    return along(u, T)(p) - a * along(along(u, X), X)(p)


def main() -> None:
    """Points, network, training, and its errors."""
    began = time.perf_counter()
    args = arguments()
    model = Rod(args.width, args.seed)
    points = np.random.default_rng(args.seed).random((args.points, 2))
    print(f"equation: u_t = {args.conductivity:g} u_xx for 0 < x < 1 and 0 < t < 1, at {args.points} points")
    print(f"network: 2-{args.width}-{args.width}-{args.width}-1, {sum(p.size for p in model.parameters()):,} numbers")
    side = np.linspace(0, 1, 101)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # rows of one time
    truth = exact(grid, args.conductivity)
    history = fit(
        model, points, args.conductivity, args.iterations, lambda: float(np.abs(solve(model, grid) - truth).max())
    )

    print(f"\n{'iteration':>9}  {'loss':>9}  largest error")
    for count, loss, error in history:
        print(f"{count:9d}  {loss:9.2e}  {error:.2e}")
    found = solve(model, grid)
    draw(args.out / "pinn.png", found.reshape(101, 101), truth.reshape(101, 101), history)
    print(f"\nwrote pinn.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    print(f"largest error: {np.abs(found - truth).max():.1e}, where temperatures reach {truth.max():.2f}")


def solve(model: nn.Module, grid: np.ndarray) -> np.ndarray:
    """The temperatures that the network gives, without history."""
    with gd.no_grad():
        return model(grid).numpy()


def fit(model: nn.Module, points: np.ndarray, a: float, iterations: int, error: Callable[[], float]) -> list[Row]:
    """Train by L-BFGS, on all points at once; the error is looked at now and then, and not learned from."""
    each = iterations // 20
    optimizer = optim.LBFGS(
        model.parameters(), max_iter=each, tolerance_grad=0.0, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def closure() -> gd.Tensor:
        optimizer.zero_grad()
        loss = gd.square(residual(model, points, a)).mean()
        loss.backward()
        return loss

    history = [(0, closure().item(), error())]
    with progress("training", iterations, " iterations") as bar:
        for done in range(each, iterations + 1, each):
            optimizer.step(closure)
            loss = finite(closure().item(), "another --seed may help")
            history.append((done, loss, error()))
            bar.update(each)
            bar.set_postfix(loss=f"{loss:.1e}", refresh=False)
    return history


def draw(path: Path, found: np.ndarray, truth: np.ndarray, history: list[Row]) -> None:
    """The solution over place and time, profiles at some times with the exact ones, and how the error fell."""
    figure = canvas("Heat in a rod, from its equation alone", r"a network trained to obey $u_t = a\,u_{xx}$")
    axes = figure.add_axes((0.06, 0.13, 0.24, 0.6))
    heading(axes, "Found", "temperature by place and time")
    axes.imshow(found, origin="lower", extent=(0, 1, 0, 1), cmap="inferno", aspect="auto")
    axes.set_xlabel("place", size=9.5, color=QUIET)
    axes.set_ylabel("time", size=9.5, color=QUIET)
    axes.tick_params(colors=QUIET, labelsize=9, length=3)
    axes = figure.add_axes((0.38, 0.13, 0.25, 0.6))
    heading(axes, "Profiles", "at the times 0, 0.1, 0.3 and 1")
    plain(axes, "place")
    side = np.linspace(0, 1, len(found))
    for row in (0, 10, 30, 100):
        axes.plot(side, truth[row], color=INK, linewidth=5, alpha=0.2, label="" if row else "exact")
        axes.plot(side, found[row], color=BLUE, linewidth=1.5, label="" if row else "network")
    axes.set_ylim(0, 1.45)
    legend(axes, "upper right")
    axes = figure.add_axes((0.72, 0.13, 0.25, 0.6))
    heading(axes, "Training", "what is learned from, and what is not")
    plain(axes, "iteration")
    counts, losses, errors = zip(*history, strict=True)
    axes.semilogy(counts, losses, ".-", color=BLUE, linewidth=1.6, label="loss")
    axes.semilogy(counts, errors, ".-", color=ORANGE, linewidth=1.6, label="largest error")
    legend(axes, "upper right")
    save(figure, path, colors=256)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    twenty = number(int, "a multiple of 20, and at least that", lambda n: n >= 20 and n % 20 == 0)
    parser = options(
        "Solve the heat equation by a network that is trained to obey it.",
        seed="the points and the first weights",
        quick="60 iterations on 200 points, to see that it works",
        out="pinn",
    )
    add = parser.add_argument
    add("--conductivity", type=RATE, default=0.1, metavar="X", help="a in u_t = a u_xx (0.1)")
    add("--width", type=COUNT, default=24, metavar="N", help="of the three hidden layers (24)")
    add("--points", type=COUNT, metavar="N", help="at which the equation is to hold (600; with --quick 200)")
    add("--iterations", type=twenty, metavar="N", help="of L-BFGS, a multiple of 20 (600; with --quick 60)")
    return parsed(parser, points=(600, 200), iterations=(600, 60))


if __name__ == "__main__":
    start(main)
