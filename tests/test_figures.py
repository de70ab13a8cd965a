from __future__ import annotations

import figures
import pytest


@pytest.mark.parametrize("name", figures.PAGES)
def test_the_figures_in_the_docs_are_what_their_page_draws(name):
    assert figures.drawn(figures.PAGES[name]) == figures.kept(name), "renew them by: python tests/figures.py --write"


@pytest.mark.parametrize("name", figures.PAGES)
def test_each_figure_is_small_and_shown_on_its_page(name):
    page = figures.PAGES[name].read_text(encoding="utf-8")
    files = figures.kept(name)
    assert files
    for file, text in files.items():
        assert f"](../assets/{name}/{file})" in page
        assert len(text) < 12_000
