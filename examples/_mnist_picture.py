"""The picture that mnist_mlp.py and mnist_cnn.py leave: how it learned, what it looks for, and where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from _picture import BLUE, INK, ORANGE, QUIET, heading, legend, plain, save
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

ARROW = "\N{RIGHTWARDS ARROW}"


class Epoch(NamedTuple):
    """What is known after an epoch."""

    losses: list[float]  # of each batch
    train: float  # share of right answers on the images trained on
    test: float  # and on the others
    seconds: float  # of training


def draw(
    path: Path,
    title: str,
    history: list[Epoch],
    weights: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Draw learning curves, first-layer weights and worst mistakes into a PNG file, whole or not at all.

    Args:
        path: of the file.
        title: what was trained on what.
        history: one entry an epoch.
        weights: (H, 784), of the first layer, or (C, 1, K, K), its filters.
        images: (N, 784), the test images.
        labels: (N,) int, their digits.
        scores: (N, 10), the network's outputs for them.
    """
    figure = Figure(figsize=(13, 7.2), dpi=100, facecolor="white")
    figure.text(0.06, 0.935, title, size=19, weight="bold", color=INK)
    times = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
    result = f"{100 * history[-1].test:.2f} % of {len(labels):,} test images right after {times}"
    figure.text(0.06, 0.892, result, size=13, color=QUIET)
    _losses(figure.add_axes((0.06, 0.525, 0.25, 0.265)), history)
    _shares(figure.add_axes((0.06, 0.09, 0.25, 0.265)), history)
    middle = figure.add_axes((0.36, 0.065, 0.28, 0.725))
    if weights.ndim == 2:
        _weights(middle, weights)
    else:
        _filters(middle, weights[:, 0], images.reshape(-1, 28, 28))
    _mistakes(figure, (0.685, 0.065, 0.29, 0.725), images, labels, scores)
    save(figure, path, colors=96)


def _style(axes: Axes, epochs: int) -> None:
    plain(axes, "epoch")
    axes.set_xlim(0, epochs * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _losses(axes: Axes, history: list[Epoch]) -> None:
    heading(axes, "Loss", "of each batch, and smoothed")
    _style(axes, len(history))
    losses = np.concatenate([epoch.losses for epoch in history])
    time = np.arange(1, len(losses) + 1) / len(history[0].losses)
    window = max(1, len(losses) // 30)
    smooth = np.convolve(losses, np.full(window, 1 / window), "valid")
    axes.plot(time, losses, color=BLUE, alpha=0.22, linewidth=0.7)
    axes.plot(time[window // 2 :][: len(smooth)], smooth, color=BLUE, linewidth=2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def _shares(axes: Axes, history: list[Epoch]) -> None:
    heading(axes, "Accuracy", "in per cent, after each epoch")
    _style(axes, len(history))
    time = range(1, len(history) + 1)
    for what, color in (("train", BLUE), ("test", ORANGE)):
        shares = [100 * getattr(epoch, what) for epoch in history]
        axes.plot(time, shares, "o-", color=color, label=what, markersize=5, linewidth=1.8, clip_on=False)
    legend(axes, "upper left")


def _weights(axes: Axes, weights: np.ndarray) -> None:
    """The units with the largest weights as one sheet of small images, blue for ink that counts against them."""
    rows, columns = 10, 7
    largest = np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")[: rows * columns]
    heading(axes, "First-layer weights", f"{len(largest)} of {len(weights)} units: red wants ink, blue wants none")
    sheet = np.full((rows * 30, columns * 30), np.nan)
    for place, unit in enumerate(largest):
        y, x = divmod(place, columns)
        tile = weights[unit].reshape(28, 28)
        sheet[30 * y : 30 * y + 28, 30 * x : 30 * x + 28] = tile / np.abs(tile).max()
    axes.imshow(sheet[:-2, :-2], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()


def _filters(axes: Axes, filters: np.ndarray, images: np.ndarray) -> None:
    """The filters with the largest weights, and beside each what it makes of some images."""
    largest = np.argsort(-np.linalg.norm(filters, axis=(1, 2)), kind="stable")[:6]
    shown = images[:4] - images.min()
    size = filters.shape[-1]
    note = f"{len(largest)} of {len(filters)}, and where they find (red) what they want"
    heading(axes, "First-layer filters", note)
    sheet = np.full((30 * (len(largest) + 1), 30 * (len(shown) + 1)), np.nan)

    def put(y: int, x: int, tile: np.ndarray) -> None:
        top, left = (28 - tile.shape[0]) // 2, (28 - tile.shape[1]) // 2
        place = sheet[30 * y + top :, 30 * x + left :]
        place[: tile.shape[0], : tile.shape[1]] = tile / max(np.abs(tile).max(), 1e-9)

    for x, image in enumerate(shown, 1):
        put(0, x, image)
    for y, unit in enumerate(largest, 1):
        put(y, 0, np.kron(filters[unit], np.ones((28 // size, 28 // size))))
        for x, image in enumerate(shown, 1):
            patches = np.lib.stride_tricks.sliding_window_view(image, (size, size))
            put(y, x, np.einsum("yxij,ij->yx", patches, filters[unit]))
    axes.imshow(sheet[:-2, :-2], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()


def _mistakes(
    figure: Figure,
    box: tuple[float, float, float, float],
    images: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
) -> None:
    """The test images with the largest loss, if the network gets them wrong."""
    rows, columns = 4, 4
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    answers = chances.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(chances[wrong, labels[wrong]], kind="stable")][: rows * columns]
    left, bottom, width, height = box
    frame = figure.add_axes(box)
    frame.set_axis_off()
    heading(frame, "Worst mistakes", f"{len(worst)} of {len(wrong)}: digit {ARROW} answer, and how sure it was")
    for place, image in enumerate(worst):
        y, x = divmod(place, columns)
        corner = (left + x * width / columns, bottom + (rows - 1 - y + 0.24) * height / rows)
        axes = figure.add_axes((*corner, 0.92 * width / columns, 0.74 * height / rows))
        axes.imshow(images[image].reshape(28, 28), cmap="gray_r", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#e5e7eb")
        answer = f"{labels[image]} {ARROW} {answers[image]}"
        sure = f"{100 * chances[image, answers[image]]:.0f} %"
        axes.annotate(answer, (0, 0), (1, -13), "axes fraction", "offset points", size=9.5, weight="bold", color=INK)
        axes.annotate(sure, (1, 0), (-1, -13), "axes fraction", "offset points", size=8, ha="right", color=QUIET)
