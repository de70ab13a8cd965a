"""The figures of graphs: `python tests/figures.py --write` renews them from the code on their pages."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

import fences

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "autodiff": ROOT / "docs" / "tutorials" / "autodiff-from-scratch.md",
    "home": ROOT / "docs" / "index.md",
    "graphs": ROOT / "docs" / "guides" / "graphs.md",
}
FOLDER = ROOT / "docs" / "assets"


def drawn(page: Path) -> dict[str, str]:
    """Run the blocks of a page in an empty folder, and return the SVG files that they leave there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        fences.run(page)
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.svg"))}


def kept(name: str) -> dict[str, str]:
    """Return the SVG files of one page that are in the docs."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((FOLDER / name).glob("*.svg"))}


def main() -> int:
    """Write the figures, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/assets")
    options = parser.parse_args()
    wrong = 0
    for name, page in PAGES.items():
        for file, text in drawn(page).items():
            if options.write:
                (FOLDER / name).mkdir(exist_ok=True)
                (FOLDER / name / file).write_text(text, encoding="utf-8", newline="\n")
            elif kept(name).get(file) != text:
                wrong += 1
                sys.stderr.write(f"docs/assets/{name}/{file} differs from what {page.name} draws: use --write\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
