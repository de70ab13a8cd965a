"""releases.toml: package, version, commit and date of every release."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import Version

FILE = "releases.toml"
HEAD = """\
# Every release: the commit is the one that first holds the version, and what the wheel is built from.
# Written by `python3 noxfile.py -s release`; docs/guides/versions.md explains it.
"""


@dataclass(frozen=True)
class Release:
    """One release of one package."""

    package: str
    version: Version
    commit: str
    date: str

    @property
    def tag(self) -> str:
        """The tag of the release."""
        return f"{self.package}-v{self.version}"


def read(text: str) -> list[Release]:
    """Return the releases that the text of releases.toml holds, in its order."""
    entries = tomllib.loads(text).get("release", [])
    return [Release(e["package"], Version(e["version"]), e["commit"], e["date"].isoformat()) for e in entries]


def write(releases: Iterable[Release]) -> str:
    """Return the text of releases.toml."""
    blocks = [
        f'\n[[release]]\npackage = "{r.package}"\nversion = "{r.version}"\ncommit = "{r.commit}"\ndate = {r.date}\n'
        for r in releases
    ]
    return HEAD + "".join(blocks)


def of(package: str, releases: Iterable[Release]) -> list[Release]:
    """Return the releases of one package, the oldest version first."""
    return sorted((r for r in releases if r.package == package), key=lambda r: r.version)


def last(package: str, releases: Iterable[Release]) -> Release | None:
    """Return the release of a package with the highest version, or None."""
    return next(reversed(of(package, releases)), None)
