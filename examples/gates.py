"""AND, OR and XOR: what one neuron can learn, and what takes a layer of them.

    python3 examples/gates.py
    python3 examples/gates.py --hidden 3 --steps 2000

A neuron divides the plane by a straight line. That is enough for AND and OR; for XOR no line does it, and the best that
a neuron can say is "one half" everywhere. A hidden layer bends the border. The same options give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _picture import INK, QUIET, canvas, heading, save
from _program import COUNT, RATE, finite, options, parsed, progress, start

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def main() -> None:
    """Each gate with each net, the table of truth, and the picture."""
    began = time.perf_counter()
    args = arguments()
    layers = {"one neuron": [], f"a layer of {args.hidden}, and one": [args.hidden]}
    nets, losses = {}, {}
    with progress("training", args.steps * len(GATES) * len(layers), " steps") as bar:
        for name, hidden in layers.items():
            for gate, outputs in GATES.items():
                model = nn.MLP(2, hidden, 1, activation=nn.Tanh, generator=gd.random.Generator(args.seed))
                losses[name, gate] = fit(model, np.array(outputs, np.float32)[:, None], args)
                nets[name, gate] = model
                bar.update(args.steps)

    print(f"\n{'':<24}{'gate':<6}{'00':>7}{'01':>7}{'10':>7}{'11':>7}{'loss':>10}")
    for (name, gate), model in nets.items():
        says = chances(model, INPUTS)
        right = np.array_equal(says > 0.5, np.array(GATES[gate]) > 0.5)
        shares = "".join(f"{chance:7.3f}" for chance in says)
        print(f"{name:<24}{gate:<6}{shares}{losses[name, gate]:10.5f}{'' if right else '   not learned'}")
    draw(args.out / "gates.png", nets)
    print(f"\nwrote gates.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    alone, together = (losses[name, "XOR"] for name in layers)
    print(f"loss on XOR: {alone:.4f} with one neuron (ln 2 is {np.log(2):.4f}), {together:.4f} with a hidden layer")


def fit(model: nn.Module, wanted: np.ndarray, args: argparse.Namespace) -> float:
    """Train on all four rows of the table at once; the last loss."""
    optimizer = optim.Adam(model.parameters(), args.lr)
    loss_of = nn.BCEWithLogitsLoss()
    for _ in range(args.steps):
        loss = loss_of(model(INPUTS), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return finite(loss.item(), f"a smaller --lr than {args.lr} may help")


def chances(model: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """The chance of a 1 for inputs (N, 2), from the model's log-odds."""
    with gd.no_grad():
        return gd.sigmoid(model(inputs)).numpy()[:, 0]


def draw(path: Path, nets: dict[tuple[str, str], nn.Module]) -> None:
    """A field for each net and gate: red where it says 1, blue where it says 0, white where it cannot tell."""
    figure = canvas("What a neuron can learn", "red: it says 1; blue: it says 0; points: what is right", (9.6, 5.6))
    side = np.linspace(-0.5, 1.5, 120, dtype=np.float32)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for place, ((name, gate), model) in enumerate(nets.items()):
        row, column = divmod(place, len(GATES))
        axes = figure.add_axes((0.09 + 0.31 * column, 0.48 - 0.41 * row, 0.26, 0.31))
        if row == 0:
            heading(axes, gate)
        if column == 0:
            axes.set_ylabel(name, size=9.5, color=QUIET)
        field = chances(model, plane).reshape(len(side), len(side))
        reach = (side[0], side[-1]) * 2
        axes.imshow(field, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.75, origin="lower", extent=reach, aspect="auto")
        if field.min() < 0.45 and field.max() > 0.55:
            axes.contour(side, side, field, [0.5], colors=INK, linewidths=1)
        for point, one in zip(INPUTS, GATES[gate], strict=True):
            axes.plot(*point, "o", markersize=11, color="#b2182b" if one else "#2166ac", markeredgecolor="white")
            axes.annotate(str(one), point, color="white", size=8, ha="center", va="center_baseline", weight="bold")
        axes.set(xticks=[0, 1], yticks=[0, 1])
        axes.tick_params(labelsize=8, length=2, colors=QUIET)
        axes.spines[:].set_color("#e5e7eb")
    save(figure, path)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    parser = options(
        "Train single neurons and small nets on AND, OR and XOR, and draw what they say.",
        seed="the first weights",
        quick="300 steps, to see that it works",
        out="gates",
    )
    add = parser.add_argument
    add("--hidden", type=COUNT, default=4, metavar="N", help="neurons of the hidden layer (4)")
    add("--steps", type=COUNT, metavar="N", help="of each training (1000; with --quick 300)")
    add("--lr", type=RATE, default=0.05, metavar="X", help="learning rate of Adam (0.05)")
    return parsed(parser, steps=(1000, 300))


if __name__ == "__main__":
    start(main)
