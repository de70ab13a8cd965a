from __future__ import annotations

from pathlib import Path

import links
import pytest

# Pages of the site are looked at by the docs session, after building them; these are read in the repository.
OUTSIDE = sorted(
    path
    for pattern in ("*.md", ".github/**/*.md", "benchmarks/**/*.md", "examples/**/*.md", "packages/**/*.md")
    for path in links.ROOT.glob(pattern)
)


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(links.ROOT))) for p in OUTSIDE])
def test_links_of_a_page_outside_of_the_site_lead_somewhere(page):
    assert links.broken_in_file(page) == []


def test_the_main_pages_are_among_them():
    names = {str(page.relative_to(links.ROOT)) for page in OUTSIDE}
    assert {"README.md", "CONTRIBUTING.md", "examples/README.md", "packages/grad-core/README.md"} <= names


def test_broken_links_of_a_file_are_found(tmp_path):
    (tmp_path / "other.md").write_text("# A title, *twice*\n\n# A title, twice\n\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#a-title-twice-1) [c](#here) ![d](gone.png) [e](other.md#no-heading)\n"
        "[f](#there) [g](https://example.org/x) `[h](code.md)`\n\n```\n[i](fence.md)\n```\n[j]: missing.md\n"
    )
    assert links.broken_in_file(page) == ["gone.png", "other.md#no-heading", "#there", "missing.md"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<a href="other/#part">', ""),
        ('<a href="other/index.html">', ""),
        ('<a href="#top">', ""),
        ('<a href="https://example.org">', ""),
        ('<img src="data:image/png;base64,AAAA">', ""),
        ('<a href="gone/">', "index.html links to gone/, and there is no gone"),
        ('<a href="other/#gone">', "index.html links to other/#gone, and other/index.html has no such anchor"),
        ('<img src="gone.png">', "index.html links to gone.png, and there is no gone.png"),
        ('<script src="https://example.org/x.js">', "index.html fetches https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "index.html fetches //example.org/x.css"),
    ],
)
def test_what_is_broken_in_a_site_is_named(tmp_path: Path, body, message):
    (tmp_path / "other").mkdir()
    (tmp_path / "index.html").write_text(f'<h1 id="top">{body}')
    (tmp_path / "other" / "index.html").write_text('<h1 id="part"><a href="../#top">')
    found = links.broken_in_site(tmp_path)
    assert len(found) == bool(message)
    assert "".join(found).startswith(message)
