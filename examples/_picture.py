"""What the programs' pictures share: colours, titles, axes, and files that are written whole."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

INK, QUIET, BLUE, ORANGE, GREEN, PURPLE = "#1f2430", "#6b7280", "#2563eb", "#ea580c", "#059669", "#7c3aed"


def canvas(title: str, note: str, size: tuple[float, float] = (9.6, 4.4)) -> Figure:
    """A white figure of this size in inches, each of 100 pixels, with two lines of text at its top."""
    figure = Figure(figsize=size, dpi=100, facecolor="white")
    figure.text(0.04, 1 - 0.38 / size[1], title, size=16, weight="bold", color=INK)
    figure.text(0.04, 1 - 0.66 / size[1], note, size=11, color=QUIET)
    return figure


def heading(axes: Axes, text: str, note: str = "") -> None:
    """What a part of the picture shows, above it."""
    axes.annotate(text, (0, 1), (0, 20 if note else 7), "axes fraction", "offset points", weight="bold", color=INK)
    axes.annotate(note, (0, 1), (0, 7), "axes fraction", "offset points", size=9.5, color=QUIET)


def plain(axes: Axes, x: str = "", y: str = "") -> None:
    """Two thin axes with quiet labels, and lines across that the eye can follow."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c7cbd1")
    axes.tick_params(which="both", colors=QUIET, labelsize=9, length=3)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, size=9.5, color=QUIET)
    axes.set_ylabel(y, size=9.5, color=QUIET)


def legend(axes: Axes, place: str = "best") -> None:
    """The names of the lines, without a box."""
    axes.legend(loc=place, frameon=False, fontsize=9.5, labelcolor=INK)


def save(figure: Figure, path: Path, colors: int = 200) -> None:
    """Write a small PNG file, whole or not at all; the same figure gives the same bytes."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    image = Image.open(raw).convert("RGB").quantize(colors, kmeans=2, dither=Image.Dither.NONE)
    part = path.with_name(f".{path.name}.part")
    try:
        image.save(part, format="png", optimize=True)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
