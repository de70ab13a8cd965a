"""Fit a curve twice: a law with five unknown numbers by L-BFGS, and a network that knows no law by Adam.

    python3 examples/fit.py
    python3 examples/fit.py --points 40 --noise 0.3

A pendulum swings and comes to rest; its place is measured with noise, for two thirds of the time. Where there are
measurements, both fits come nearer to the truth than the measurements do. Beyond them, only the law knows how it goes
on. The same options give the same numbers and the same picture.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _picture import BLUE, INK, ORANGE, QUIET, canvas, legend, plain, save
from _program import COUNT, RATE, finite, number, options, parsed, progress, start

NAMES = ("amplitude", "damping", "frequency", "phase", "rest")
TRUE = np.array([2.0, 0.25, 3.1, 0.6, 0.5])
MEASURED, END = 8.0, 12.0  # seconds
GUESS = np.array([1.0, 0.1, 2.0, 0.0, 0.0])  # a frequency too far off could lead into the valley of another one


def law(parameters: Any, t: Any) -> Any:
    """A damped oscillation: amplitude · exp(-damping · t) · cos(frequency · t + phase) + rest."""
    amplitude, damping, frequency, phase, rest = parameters
    return amplitude * gd.exp(-damping * t) * gd.cos(frequency * t + phase) + rest


def main() -> None:
    """Measurements, both fits, their errors, and the picture."""
    began = time.perf_counter()
    args = arguments()
    rng = np.random.default_rng(args.seed)
    t = np.sort(rng.uniform(0, MEASURED, args.points))
    y = law(TRUE, t).numpy() + args.noise * rng.normal(size=t.shape)
    print(f"{len(t)} measurements with a noise of {args.noise:g}, from 0 to {MEASURED:g} s of {END:g} s", flush=True)

    found, loss = fit_law(t, y, GUESS)
    errors = standard_errors(found, t, loss)
    print(f"\n{'the law':<12}{'true':>10}{'found':>10}{'+-':>8}")
    for row in zip(NAMES, TRUE, found, errors, strict=True):
        print("{:<12}{:10.4f}{:10.4f}{:8.4f}".format(*row))
    print()
    network = fit_network(t, y, args)

    times = np.linspace(0, END, 600)
    truth = law(TRUE, times).numpy()
    with gd.no_grad():
        curves = {"law, L-BFGS": law(found, times).numpy(), "network, Adam": network(scaled(times)).numpy()[:, 0]}
    print(f"\n{'error (rms)':<16}{'measured part':>16}{'beyond':>10}")
    inside = times <= MEASURED
    away = {}
    for name, curve in curves.items():
        away[name] = [float(np.sqrt(np.mean((curve - truth)[part] ** 2))) for part in (inside, ~inside)]
        print(f"{name:<16}{away[name][0]:16.4f}{away[name][1]:10.4f}")
    draw(args.out / "fit.png", (t, y), times, truth, curves)
    print(f"\nwrote fit.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    worst = np.max(np.abs(found - TRUE) / errors)
    print(f"largest error of the law's numbers: {worst:.1f} standard errors")


def fit_law(t: np.ndarray, y: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, float]:
    """The numbers of the law that lead to the least squares from this guess, and the mean square that they leave."""
    parameters = gd.tensor(guess, requires_grad=True)
    optimizer = optim.LBFGS([parameters], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> gd.Tensor:
        optimizer.zero_grad()
        loss = gd.square(law(parameters, t) - y).mean()
        loss.backward()
        return loss

    with np.errstate(over="ignore", invalid="ignore"):  # a line search may try numbers far off, and takes them back
        optimizer.step(closure)
        loss = closure().item()
    amplitude, damping, frequency, phase, rest = parameters.tolist()
    if amplitude < 0:  # the same curve, written in another way
        amplitude, phase = -amplitude, phase + np.pi
    if frequency < 0:
        frequency, phase = -frequency, -phase
    phase = (phase + np.pi) % (2 * np.pi) - np.pi
    return np.array([amplitude, damping, frequency, phase, rest]), loss


def standard_errors(found: np.ndarray, t: np.ndarray, loss: float) -> np.ndarray:
    """How sure each number is: from the curve's derivative by the numbers, and the noise that the fit leaves."""
    j = gd.jacobian(lambda parameters: law(parameters, t), mode="forward")(found).numpy()
    variance = loss * len(t) / max(len(t) - len(found), 1)
    return np.sqrt(variance * np.diag(np.linalg.inv(j.T @ j)))


def scaled(t: np.ndarray) -> np.ndarray:
    """Times as a column about 0 for the network."""
    return (t[:, None] / MEASURED * 2 - 1).astype(np.float32)


def fit_network(t: np.ndarray, y: np.ndarray, args: argparse.Namespace) -> nn.Module:
    """Train an MLP on all measurements at once; weight decay keeps it from following the noise."""
    rng = gd.random.Generator(args.seed)
    model = nn.MLP(1, [64, 64], 1, activation=nn.Tanh, generator=rng)
    nn.init.uniform_(model[0].weight, -5, 5, generator=rng)  # the curve bends often between -1 and 1
    optimizer = optim.AdamW(model.parameters(), args.lr, weight_decay=args.decay)
    falling = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    loss_of = nn.MSELoss()
    x, wanted = scaled(t), y[:, None].astype(np.float32)
    with progress("network", args.steps, " steps") as bar:
        for _ in range(args.steps):
            loss = loss_of(model(x), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            falling.step()
            bar.update()
        bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
    finite(loss.item(), f"a smaller --lr than {args.lr} may help")
    return model


def draw(path: Path, measured: Any, times: np.ndarray, truth: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """The measurements, the truth, and both curves."""
    figure = canvas("A pendulum comes to rest", "fitted where it was measured, and let go on from there")
    axes = figure.add_axes((0.06, 0.13, 0.91, 0.68))
    plain(axes, "seconds", "place")
    axes.axvspan(MEASURED, END, color="#f3f4f6", zorder=0)
    axes.annotate("not measured", (MEASURED, 0.03), (6, 0), ("data", "axes fraction"), "offset points", color=QUIET)
    axes.plot(*measured, "o", color=QUIET, alpha=0.55, markersize=3.5, markeredgewidth=0, label="measured")
    axes.plot(times, truth, color=INK, linewidth=4, alpha=0.2, label="truth")
    for (name, curve), color in zip(curves.items(), (BLUE, ORANGE), strict=True):
        axes.plot(times, curve, color=color, linewidth=1.6, label=name)
    axes.set(xlim=(0, END), ylim=(-1.8, 2.8))
    legend(axes, "upper right")
    save(figure, path)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    points = number(int, "a whole number of at least 20", lambda n: n >= 20)
    natural = number(float, "a number of at least 0", lambda x: 0 <= x < np.inf)
    parser = options(
        "Fit measurements of a damped oscillation by its law and by a network.",
        seed="measurements and first weights",
        quick="1000 steps of the network, to see that it works",
        out="fit",
    )
    add = parser.add_argument
    add("--points", type=points, default=150, metavar="N", help="measurements (150)")
    add("--noise", type=RATE, default=0.15, metavar="X", help="standard deviation of their errors (0.15)")
    add("--steps", type=COUNT, metavar="N", help="of the network's training (3000; with --quick 1000)")
    add("--lr", type=RATE, default=0.01, metavar="X", help="of Adam (0.01)")
    add("--decay", type=natural, default=0.1, metavar="X", help="of the network's weights (0.1)")
    return parsed(parser, steps=(3000, 1000))


if __name__ == "__main__":
    start(main)
