"""Links that lead nowhere: `python tests/links.py --site site` looks for them in a built site, without the network."""

from __future__ import annotations

import argparse
import posixpath
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
TARGET = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


def anchors(markdown: str) -> set[str]:
    """Return the anchors that a forge such as GitHub gives to the headings of a page."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", markdown)):
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = 1
        unique = slug
        while unique in found:
            unique = f"{slug}-{number}"
            number += 1
        found.add(unique)
    return found


def broken_in_file(page: Path) -> list[str]:
    """Return the links of a Markdown file to files, or headings in them, that are not there."""
    text = CODE.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    wrong = []
    for groups in TARGET.findall(text):
        target = next(filter(None, groups))
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        file = page.parent / unquote(parts.path) if parts.path else page
        if not file.exists() or (
            parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file.read_text(encoding="utf-8"))
        ):
            wrong.append(target)
    return wrong


class Page(HTMLParser):
    """The anchors of an HTML page, where it links to, and what a browser fetches to show it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag gives, wants or links to."""
        values = {name: value for name, value in attrs if value is not None}
        self.anchors.update(values[name] for name in ("id", "name") if name in values and (name == "id" or tag == "a"))
        if "href" in values and tag in {"a", "area"}:
            self.links.append(values["href"])
        elif "href" in values and values.get("rel") not in {"canonical", "prev", "next"}:
            self.fetched.append(values["href"])
        if "src" in values:
            self.fetched.append(values["src"])


def broken_in_site(site: Path) -> list[str]:
    """Return a sentence for each link of a built site that leads nowhere, and each thing fetched from elsewhere."""
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    wrong = []
    for name, page in pages.items():
        if name == "404.html":
            continue  # it is shown at any address, so its links begin at the root of the site
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme == "data" or (link in page.links and (parts.scheme or parts.netloc)):
                continue
            if parts.scheme or parts.netloc:
                wrong.append(f"{name} fetches {link}: a page must not need another host")
                continue
            target = name
            if parts.path:
                target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
                target = posixpath.normpath(f"{target}/index.html") if (site / target).is_dir() else target
            if not (site / target).is_file():
                wrong.append(f"{name} links to {link}, and there is no {target}")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].anchors:
                wrong.append(f"{name} links to {link}, and {target} has no such anchor")
    return wrong


def main() -> int:
    """Print what is broken in a built site."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, required=True, help="the folder of the built site")
    site = parser.parse_args().site
    wrong = broken_in_site(site)
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"links: {len(wrong)} broken in {len(list(site.rglob('*.html')))} pages\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
