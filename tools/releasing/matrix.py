"""Which versions are tested on which, and the table that shows it: no Git, no files, only decisions.

A row is something under test, a column is one version of the layer below. The version None is the one in the checkout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from releasing.packages import admits

RUN = "to run"
OUTSIDE = "outside the range"
UNTRIED = "not run"
PASSED = "passed"
FAILED = "FAILED"
LEGEND = """\
here                the version in this checkout
passed              the tests of the row passed with the layer of the column
as 2b               passed, as in row 2, column b: source and tests are the same, so they were not run again
FAILED              they failed, and the range of the row promises that they do not
outside the range   the row does not admit this version
not run             admitted, and run when one of the two was the checkout; or there are no tests that promise it"""


def named(part: str | Version | None) -> str:
    """Write a name or a version; None is the version in the checkout."""
    return "here" if part is None else str(part)


@dataclass(frozen=True)
class Row:
    """Something under test: one package, or several together, each in a version, and what they admit below them."""

    parts: tuple[tuple[str, Version | None], ...]
    admitted: SpecifierSet

    @property
    def released(self) -> bool:
        """Whether this row tests releases, and not the checkout."""
        return any(version is not None for _, version in self.parts)

    def __str__(self) -> str:
        """The row as the table names it."""
        if len(self.parts) == 1:
            return " ".join(map(named, self.parts[0]))
        return ", ".join(f"{name.removeprefix('grad-')} {named(version)}" for name, version in self.parts)


Cell = tuple[Row, Version | None]
Plan = dict[Cell, str]


def plan(rows: Sequence[Row], released: Sequence[Version], here: Version) -> Plan:
    """Decide for each row and each version of the layer below: to run, outside the range, or not run.

    The checkout meets the oldest and the newest release that it admits, and the checkout's version. A release meets
    the checkout's only: with its contemporaries it was tested when it was released.
    """
    cells: Plan = {}
    for row in rows:
        within = [version for version in sorted(released) if admits(row.admitted, version)]
        chosen = {within[0], within[-1]} if within and not row.released else set()
        for version in sorted(released):
            cells[row, version] = RUN if version in chosen else UNTRIED if version in within else OUTSIDE
        cells[row, None] = RUN if admits(row.admitted, here) else OUTSIDE
    return cells


def concerning(package: str, lower: str, cells: Plan) -> Plan:
    """Return the cells in which a package of the checkout takes part, above or below."""
    return {
        (row, version): state
        for (row, version), state in cells.items()
        if (package, None) in row.parts or (package == lower and version is None)
    }


def repeated(keys: Mapping[Cell, str]) -> dict[Cell, Cell]:
    """Return the cells whose key, what they would run, an earlier cell has already, each with that earlier cell."""
    first: dict[str, Cell] = {}
    same = {}
    for cell, key in keys.items():
        if key in first:
            same[cell] = first[key]
        else:
            first[key] = cell
    return same


def label(cell: Cell, cells: Plan) -> str:
    """Return how the table calls a cell: the number of its row, and a letter for its column."""
    rows, columns = axes(cells)
    return f"{rows.index(cell[0]) + 1}{letter(columns.index(cell[1]))}"


def letter(column: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..."""
    rest, last = divmod(column, 26)
    return (letter(rest - 1) if rest else "") + chr(ord("a") + last)


def axes(cells: Plan) -> tuple[list[Row], list[Version | None]]:
    """Return the rows and the columns of a table."""
    return list(dict.fromkeys(row for row, _ in cells)), list(dict.fromkeys(version for _, version in cells))


def table(lower: str, here: Version, cells: Plan) -> str:
    """Return the table: a line for each row, a column for each version of the layer below."""
    rows, columns = axes(cells)
    heads = [f"{lower} {version or f'here ({here})'}" for version in columns]
    lines = [["", "", *(f"{letter(i)}: {head}" for i, head in enumerate(heads))]]
    for number, row in enumerate(rows, 1):
        lines.append([str(number), str(row), *(cells[row, version] for version in columns)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
