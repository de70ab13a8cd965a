"""The pages for those who come from elsewhere: what their tables say of grad exists, and is shown by a block."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path

import fences
import grad_core
import grad_data
import grad_nn
import grad_nn.functional
import grad_optim
import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "coming-from"
PAGES = sorted(FOLDER.glob("*.md"))
ROOTS = {
    "gd": grad_core,
    "nn": grad_nn,
    "F": grad_nn.functional,
    "optim": grad_optim,
    "data": grad_data,
    "np": np,
    "x": grad_core.Tensor,
    "model": grad_nn.Module,
}
NAME = re.compile(rf"(?<![\w.])({'|'.join(ROOTS)})((?:\.[A-Za-z_]\w*)+)")
LINK = re.compile(r"\]\(([\w./-]+\.md)[#)]")


def rows(text):
    """Return, for each row of a table with a column "here", that cell and the whole line."""
    found, column = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]] if line.startswith("|") else []
        if not cells:
            column = None
        elif column is None:
            column = cells.index("here") if "here" in cells else -1
        elif column >= 0 and set(line) - set("|-: "):
            found.append((cells[column], line))
    return found


def names(cell):
    """Return the dotted names of grad in the code of a cell."""
    return [(root, rest[1:]) for code in re.findall(r"`([^`]+)`", cell) for root, rest in NAME.findall(code)]


def code(page):
    return "\n".join(block.code for block in fences.blocks(page.read_text(encoding="utf-8")))


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request):
    return request.param


def test_every_name_that_a_table_gives_for_grad_exists(page):
    for cell, _ in rows(page.read_text(encoding="utf-8")):
        for root, path in names(cell):
            assert reduce(getattr, path.split("."), ROOTS[root]) is not None


def test_every_name_that_a_table_gives_for_grad_is_in_a_block_of_the_page_or_of_one_that_the_row_links(page):
    unseen = []
    for cell, line in rows(page.read_text(encoding="utf-8")):
        linked = [page.parent / target for target in LINK.findall(line) if "/reference/" not in target]
        shown = "\n".join(code(source) for source in [page, *linked])
        unseen += [
            f"{root}.{path}" for root, path in names(cell) if not re.search(rf"\b{path.rsplit('.')[-1]}\b", shown)
        ]
    assert unseen == []


def test_every_page_has_a_table_with_grad_in_it_and_stands_in_the_index():
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.name != "index.md":
            assert f"]({page.name})" in index
            assert sum(len(names(cell)) for cell, _ in rows(page.read_text(encoding="utf-8"))) >= 8


def test_names_are_found_in_the_column_named_here_and_nowhere_else():
    table = "| there | here | what differs |\n|---|---|---|\n| `nn.Old` | `nn.Linear`, `x.T` or gd.no | `gd.not` |\n"
    assert [names(cell) for cell, _ in rows(f"{table}\n| a | b |\n|---|---|\n| `nn.X` | `nn.Y` |\n")] == [
        [("nn", "Linear"), ("x", "T")]
    ]
