from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
TYPES = ["added", "changed", "fixed", "removed"]


def complaints(file):
    """What is wrong with a file in a changelog.d: an empty list where it is a fragment as its README asks for."""
    found = []
    if not re.fullmatch(rf"[a-z0-9][a-z0-9-]*\.({'|'.join(TYPES)})\.md", file.name):
        found.append(f"its name is not <words>.<type>.md with one of {TYPES}")
    text = file.read_text(encoding="utf-8")
    if not re.fullmatch(r"\S.*\S\n?", text):
        found.append("it holds not exactly one line")
    if text.startswith("- "):
        found.append("the dash in front comes by itself")
    return found


@pytest.fixture(params=PACKAGES, ids=lambda path: path.name)
def package(request):
    return request.param


def test_every_fragment_can_become_a_line_of_the_changelog(package):
    files = [file for file in package.glob("changelog.d/*") if file.name != "README.md"]
    assert {file.name: complaints(file) for file in files if complaints(file)} == {}


def test_the_readme_of_the_fragments_explains_the_types_that_towncrier_knows(package):
    page = (package / "changelog.d" / "README.md").read_text(encoding="utf-8")
    settings = tomllib.loads((package / "pyproject.toml").read_text())["tool"]["towncrier"]
    assert settings["name"] == package.name
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == TYPES == list(settings["fragment"])


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("new-thing.added.md", "`thing` is new.\n", 0),
        ("new-thing.feature.md", "`thing` is new.\n", 1),
        ("thing.md", "`thing` is new.\n", 1),
        ("New thing.added.md", "`thing` is new.\n", 1),
        ("thing.fixed.md", "", 1),
        ("thing.fixed.md", "Two\nlines.\n", 1),
        ("thing.fixed.md", "- A dash.\n", 1),
    ],
)
def test_a_fragment_is_one_line_in_a_file_of_a_known_type(tmp_path, name, text, wrong):
    (tmp_path / name).write_text(text)
    assert len(complaints(tmp_path / name)) == wrong
