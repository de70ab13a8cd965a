"""What the layers weigh by the page that helps to choose one, and what an installed one really weighs."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PAGE = Path(__file__).resolve().parents[1] / "docs" / "layers" / "choosing.md"
SHARE = 0.1  # by which the page may be off: a release is not held up by a paragraph more in a docstring


class Weight(NamedTuple):
    """Of one package: what it needs, and kB of its wheel and of its installed files."""

    needs: frozenset[str]
    wheel: float
    installed: float


def stated(text: str) -> dict[str, Weight]:
    """Read the table of the page."""
    table = text.split("<!-- weights -->")[1].split("<!-- /weights -->")[0]
    out = {}
    for line in table.strip().splitlines()[2:]:
        package, needs, wheel, installed = [cell.strip(" `") for cell in line.split("|")[1:5]]
        names = frozenset(name.strip(" `").lower() for name in needs.split(","))
        out[package] = Weight(names, float(wheel), float(installed))
    return out


def measured(package: str) -> Weight:
    """Weigh a package that was installed from a wheel on this machine."""
    installed = importlib.metadata.distribution(package)
    needs = [re.split(r"[^\w.-]", text)[0] for text in installed.requires or [] if "extra ==" not in text]
    size = sum(file.size or 0 for file in installed.files or [] if file.suffix != ".pyc")
    origin = json.loads(installed.read_text("direct_url.json") or "{}").get("url", "")
    wheel = Path(unquote(urlsplit(origin).path)).stat().st_size
    return Weight(frozenset(needs), wheel / 1000, size / 1000)


def complaints(package: str, said: Weight, found: Weight) -> list[str]:
    """Say where the page is wrong about a package."""
    out = [f"{package} needs {set(found.needs)}, the page says {set(said.needs)}"] if said.needs != found.needs else []
    for what in ("wheel", "installed"):
        page, here = getattr(said, what), getattr(found, what)
        if abs(here - page) > SHARE * page:
            out.append(f"{package}, {what}: {here:.0f} kB, the page says {page:.0f}; correct docs/layers/choosing.md")
    return out
