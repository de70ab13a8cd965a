"""The pictures of home page and tutorials, drawn from their numbers: `python tests/pictures.py --write [PAGE ...]`."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fences
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

# Lines and letters in a grey that can be read on white and on the dark of the site; the ground is transparent.
GREY, TEAL, AMBER, RED = "#808890", "#14a08d", "#d98a1f", "#d9534f"
STYLE = {
    "figure.dpi": 110,
    "savefig.transparent": True,
    "font.size": 10,
    "svg.hashsalt": "grad",
    "axes.prop_cycle": plt.cycler(color=[TEAL, AMBER, RED]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(["text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"], GREY),
    "axes.titlecolor": GREY,
    "legend.frameon": False,
    "legend.labelcolor": GREY,
}
Page = dict[str, Any]  # what the blocks of a page have left behind, by name


def bare(axes: Axes) -> Axes:
    """Take away the frame and the numbers along it."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def wave(page: Page) -> Figure:
    """A function and two derivatives."""
    figure, axes = plt.subplots(figsize=(4.6, 2.6), layout="constrained")
    x = np.linspace(0, 6, 200)
    axes.axhline(0, color=GREY, linewidth=0.5)
    for name, values in (
        ("wave", page["wave"](x)),
        ("slope", [page["slope"](place).item() for place in x]),
        ("bend", [page["bend"](place).item() for place in x]),
    ):
        axes.plot(x, values, label=name)
    axes.legend(loc="upper right")
    return figure


def moons(page: Page) -> Figure:
    """Points of two classes, and what a network says everywhere."""
    figure, axes = plt.subplots(figsize=(4.6, 2.9), layout="constrained")
    reach = [-1.4, 2.4, -1.0, 1.5]
    plane = np.stack(np.meshgrid(np.linspace(*reach[:2], 150), np.linspace(*reach[2:], 100)), -1)
    scores = page["model"](plane).detach().numpy()
    says = 1 / (1 + np.exp(scores[..., 0] - scores[..., 1]))
    axes.imshow(says, extent=reach, origin="lower", cmap="BrBG", vmin=0, vmax=1, interpolation="bilinear")
    for label, colour in ((0, AMBER), (1, TEAL)):
        axes.scatter(*page["x"][page["ids"] == label].T, s=9, color=colour, edgecolor="white", linewidth=0.3)
    bare(axes).axis(reach)
    return figure


def spirals(page: Page) -> Figure:
    """The points, and what the network says everywhere."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.6), layout="constrained")
    reach = [-1.25, 1.25, -1.25, 1.25]
    right.imshow(page["says"], extent=reach, origin="lower", cmap="BrBG", vmin=0, vmax=1, interpolation="bilinear")
    for axes in (left, right):
        for label, colour in ((0, AMBER), (1, TEAL)):
            points = page["x"][page["labels"] == label]
            axes.scatter(*points.T, s=9, color=colour, edgecolor="white", linewidth=0.3)
        bare(axes).axis(reach)
        axes.set_aspect("equal")
    left.set_title("what it is given")
    right.set_title("what it says")
    return figure


def images(page: Page) -> Figure:
    """Three rows of digits with their labels."""
    figure, axes = plt.subplots(3, 10, figsize=(7.4, 2.9), layout="constrained")
    for place, one in enumerate(axes.flat):
        image, label = page["train"][place]
        bare(one).imshow(image, cmap="gray_r", vmin=0, vmax=255)
        one.set_title(str(label), fontsize=9, pad=2)
    return figure


def curves(page: Page) -> Figure:
    """The loss of each batch, and the accuracy after each epoch."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.8), layout="constrained")
    losses = np.array(page["losses"])
    left.plot(losses, linewidth=0.6, alpha=0.5)
    left.plot(np.arange(10, len(losses) - 9), np.convolve(losses, np.ones(20) / 20, "valid"), color=TEAL)
    left.set(xlabel="batch", ylabel="loss", yscale="log")
    epochs = np.arange(1, 1 + len(page["test_right"]))
    for shares, label in ((page["train_right"], "training images"), (page["test_right"], "test images")):
        right.plot(epochs, 100 * np.array(shares), marker="o", markersize=4, label=label)
    right.set(xlabel="epoch", ylabel="right, %", xticks=epochs)
    right.legend()
    return figure


def confusion(page: Page) -> Figure:
    """The table of classes, and ten mistakes."""
    figure = plt.figure(figsize=(7.4, 3.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.15])
    axes = left.subplots()
    axes.imshow(np.sqrt(page["table"]), cmap="BuGn")
    for (row, column), count in np.ndenumerate(page["table"]):
        if count:
            axes.text(
                column, row, count, ha="center", va="center", fontsize=6, color="white" if row == column else "black"
            )
    axes.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="true class")
    for one, place in zip(right.subplots(2, 5).flat, page["worst"], strict=True):
        bare(one).imshow(page["test"][place][0], cmap="gray_r", vmin=0, vmax=255)
        one.set_title(f"{page['y_test'][place]}, read {page['scores'][place].argmax()}", fontsize=8)
    return figure


def kernels(page: Page) -> Figure:
    """The kernels of the first layer, and what each finds."""
    figure, axes = plt.subplots(2, 8, figsize=(7.4, 2.1), layout="constrained")
    size = np.abs(page["kernels"]).max()
    for top, bottom, kernel, found in zip(*axes, page["kernels"], page["found"], strict=True):
        bare(top).imshow(kernel, cmap="PRGn", vmin=-size, vmax=size)
        bare(bottom).imshow(found, cmap="gray_r", vmin=0, vmax=page["found"].max())
    return figure


def importance(page: Page) -> Figure:
    """A digit beside the gradient of its score by the pixels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(4.4, 2.2), layout="constrained")
    bare(left).imshow(page["x_test"][0, 0], cmap="gray_r")
    bare(right).imshow(page["importance"], cmap="magma_r")
    left.set_title(f"a {page['label']}")
    right.set_title("what decides")
    return figure


def attention(page: Page) -> Figure:
    """The shares of each head of each block."""
    figure, axes = plt.subplots(2, 2, figsize=(5.4, 5.6), layout="constrained")
    letters = page["text"](page["inputs"][0])
    for place, (one, shares) in enumerate(zip(axes.flat, np.concatenate(page["looks"]), strict=True)):
        one.imshow(shares, cmap="BuGn", vmin=0, vmax=1)
        one.set_xticks(range(12), letters)
        one.set_yticks(range(12), letters)
        one.tick_params(length=0)
        one.set_title(f"block {1 + place // 2}, head {1 + place % 2}")
    figure.supxlabel("looks at", color=GREY)
    figure.supylabel("the place that looks", color=GREY)
    return figure


def orbit(page: Page) -> Figure:
    """The observations, and the ellipses before and after."""
    figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
    angle = np.linspace(0, 2 * np.pi, 200)
    for a, e, look, label in ((1.0, 0.5, "--", "start"), (page["a"], page["found"], "-", "found")):
        colour = TEAL if look == "-" else GREY
        axes.plot(a * (np.cos(angle) - e), a * np.sqrt(1 - e**2) * np.sin(angle), look, color=colour, label=label)
    axes.scatter(*page["seen"].T, s=14, color=AMBER, label="seen", zorder=3)
    axes.scatter(0, 0, s=60, marker="*", color=RED, label="the sun")
    bare(axes).set_aspect("equal")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def circles(page: Page) -> Figure:
    """A curve, and the circles that touch it best."""
    figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
    across = np.linspace(-2.6, 2.6, 200)
    axes.plot(across, page["bump"](across))
    for x in (-1.6, 0.0, 1.2):
        radius, centre = page["circle"](x)
        axes.add_patch(plt.Circle(centre, radius, fill=False, color=AMBER, linewidth=1))
        axes.plot(x, page["bump"](x), "o", color=RED, markersize=4)
    axes.set(xlim=(-2.6, 2.6), ylim=(-0.4, 2.0), aspect="equal")
    return figure


def valley(page: Page) -> Figure:
    """Level lines, and two ways down."""
    figure, axes = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
    low = page["fast"].min(0)[1] - 0.2
    x, y = np.meshgrid(np.linspace(-1.4, 1.5, 200), np.linspace(low, 1.8, 300))
    axes.contour(x, y, page["valley"]((x, y)), levels=np.logspace(-1, 2.8, 11), colors=GREY, linewidths=0.5)
    axes.plot(*page["slow"].T, ".-", markersize=4, linewidth=0.8, color=AMBER, label="gradient descent, 100 steps")
    axes.plot(*page["fast"].T, "o-", markersize=4, linewidth=1.2, color=TEAL, label="Newton, 6 steps")
    axes.plot(1, 1, "*", color=RED, markersize=11)
    axes.set(xlim=(-1.4, 1.5), ylim=(low, 1.8))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def rising(page: Page) -> Figure:
    """A free fit and one that may not fall."""
    figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
    across = np.linspace(-2, 2, 200)[:, None]
    axes.plot(across, page["curve"](page["free"], across).numpy(), color=AMBER, label="free")
    axes.plot(across, page["curve"](page["rising"], across).numpy(), color=TEAL, label="with the penalty")
    axes.scatter(page["inputs"], page["outputs"], s=18, color=GREY, zorder=3)
    axes.legend()
    return figure


def arm(page: Page) -> Figure:
    """The arm at each step."""
    figure, axes = plt.subplots(figsize=(4.4, 3.2), layout="constrained")
    for place, angles in enumerate(page["moves"][:7]):
        along = np.cumsum(angles)
        joints = np.cumsum(
            [[0, 0], *zip(page["lengths"] * np.cos(along), page["lengths"] * np.sin(along), strict=True)], 0
        )
        axes.plot(*joints.T, "o-", color=TEAL, alpha=0.25 + place / 8, markersize=4)
    axes.plot(*page["goal"], "*", color=RED, markersize=12)
    bare(axes).set_aspect("equal")
    return figure


DRAWINGS: dict[str, dict[str, Callable[[Page], Figure]]] = {  # by page, as it is named in docs/
    "index": {"wave": wave, "moons": moons},
    "tutorials/first-network": {"spirals": spirals},
    "tutorials/mnist": {"images": images, "curves": curves, "confusion": confusion},
    "tutorials/cnn": {"kernels": kernels, "importance": importance},
    "tutorials/transformer": {"attention": attention},
    "tutorials/own-op": {"orbit": orbit},
    "tutorials/higher-order": {"circles": circles, "valley": valley, "rising": rising, "arm": arm},
}


def place(name: str, picture: str) -> Path:
    """Where the picture of a page stands in the docs."""
    return DOCS / "assets" / ("home" if name == "index" else name) / f"{picture}.png"


def drawn(name: str) -> dict[str, bytes]:
    """Run the blocks of a page in an empty folder, and return its pictures as PNG files of few colours."""
    page: Page = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        fences.run(DOCS / f"{name}.md", page)
    result = {}
    with plt.rc_context(STYLE):
        for picture, draw in DRAWINGS[name].items():
            figure = draw(page)
            file = io.BytesIO()
            figure.savefig(file, format="png")
            plt.close(figure)
            small = io.BytesIO()
            Image.open(file).quantize(128, method=Image.Quantize.FASTOCTREE).save(small, format="png", optimize=True)
            result[picture] = small.getvalue()
    return result


def main() -> None:
    """Draw, and write where asked; say how large the pictures are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the pictures into docs/assets")
    parser.add_argument(
        "names", nargs="*", default=list(DRAWINGS), help="of pages, such as tutorials/cnn; all where not given"
    )
    options = parser.parse_args()
    for name in options.names:
        for picture, data in drawn(name).items():
            sys.stdout.write(f"{name}/{picture}.png: {len(data) / 1000:.1f} kB\n")
            if options.write:
                place(name, picture).parent.mkdir(parents=True, exist_ok=True)
                place(name, picture).write_bytes(data)


if __name__ == "__main__":
    plt.switch_backend("agg")
    main()
