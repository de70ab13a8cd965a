from __future__ import annotations

import io

import fences
import figures
import numpy as np
import pictures
import pytest
from matplotlib import image
from PIL import Image


@pytest.mark.parametrize("name", figures.PAGES)
def test_the_figures_in_the_docs_are_what_their_page_draws(name):
    assert figures.drawn(figures.PAGES[name]) == figures.kept(name), "renew them by: python tests/figures.py --write"


@pytest.mark.parametrize("name", figures.PAGES)
def test_each_figure_is_small_and_shown_on_its_page(name):
    page = figures.PAGES[name].read_text(encoding="utf-8")
    files = figures.kept(name)
    assert files
    for file, text in files.items():
        assert f"assets/{name}/{file})" in page
        assert len(text) < 12_000


def test_the_sheet_of_digits_is_what_its_page_draws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = figures.ROOT / "docs" / "layers" / "grad-data.md"
    fences.run(page)
    kept = figures.FOLDER / "digits.png"
    assert (image.imread(tmp_path / "digits.png") == image.imread(kept)).all()
    assert "](../assets/digits.png)" in page.read_text(encoding="utf-8")
    assert kept.stat().st_size < 80_000


@pytest.mark.parametrize("name", pictures.DRAWINGS)
def test_the_pictures_of_a_page_are_what_its_numbers_draw(name):
    page = (pictures.DOCS / f"{name}.md").read_text(encoding="utf-8")
    drawn = pictures.drawn(name)
    for picture, data in drawn.items():
        kept = pictures.place(name, picture)
        assert f"{kept.relative_to(pictures.DOCS).as_posix()})" in page
        assert kept.stat().st_size < 40_000
        assert differs(data, kept.read_bytes()) < 0.5, "renew it by: python tests/pictures.py --write"
    assert {path.stem for path in pictures.place(name, "any").parent.glob("*.png")} == set(drawn)


def differs(one, other):
    """How far two PNG files are apart, as a share of what is drawn in the second: training is not the same to the last
    bit on each machine, so a line may lie a little elsewhere."""
    one, other = (pixels(data) for data in (one, other))
    if one.shape != other.shape:
        return np.inf
    colours, counts = np.unique(other.reshape(-1, 4), axis=0, return_counts=True)
    return np.abs(one - other).sum() / np.abs(other - colours[counts.argmax()]).sum()


def pixels(data):
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGBA"), float)


def test_another_picture_is_told_from_the_kept_one():
    circles, arm, rising = (
        pictures.place("tutorials/higher-order", name).read_bytes() for name in ("circles", "arm", "rising")
    )
    assert differs(circles, circles) == 0
    assert differs(circles, rising) > 0.5  # the same size
    assert differs(circles, arm) == np.inf
