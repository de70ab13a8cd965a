"""The table of the guide to first values against the code above it."""

from __future__ import annotations

from pathlib import Path

import fences
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "initialisation.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = TEXT.partition("<!-- spread -->\n\n")[2].partition("\n\n")[0].splitlines()[2:]
CELLS = [[cell.strip() for cell in row.strip("|").split("|")] for row in ROWS]


@pytest.fixture(scope="module")
def page():
    """What the page defines, from its first block to the one with the experiment."""
    names = {}
    for block in fences.blocks(TEXT.partition("<!-- spread -->")[0]):
        exec(compile(block.code, PAGE.name, "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.mark.parametrize("cells", CELLS, ids=[f"{row[0]}, {row[1]}" for row in CELLS])
def test_signals_are_kept_and_lost_as_the_table_says(cells, page):
    activation, start, *shown = cells
    found = page["spread"](page["activations"][activation], page["starts"][start])
    assert [float(value) for value in shown] == pytest.approx([float(value) for value in found], rel=0.06)


def test_the_table_shows_every_activation_and_start(page):
    assert {row[0] for row in CELLS} == set(page["activations"])
    assert {row[1] for row in CELLS} == set(page["starts"])
