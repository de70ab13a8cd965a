"""What a new version of a package changes in the text of files; a release and the opening of a version share it."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from releasing import packages, versions


class EditError(Exception):
    """A file that does not look as it must, so that nothing can be written into it."""


def set_version(root: Path, package: str, version: Version) -> list[str]:
    """Write a version into a package, and let the packages above it admit it; return what was done, in words."""
    settings = packages.settings_file(package)
    edit(root / settings, r'^version = "[^"]*"$', f'version = "{version}"')
    edit(root / packages.module_file(package), r'^__version__ = "[^"]*"$', f'__version__ = "{version}"')
    return [f"{package} is {version}", *admit(root, package, version)]


def admit(root: Path, package: str, version: Version) -> list[str]:
    """Widen the ranges on a package where they do not admit its new version; return what was done, in words."""
    done = []
    for upper in packages.above(package):
        file = root / packages.settings_file(upper)
        before = packages.ranges_of(file.read_text(encoding="utf-8"))[package]
        after = versions.widened(before, version)
        if SpecifierSet(after) != before:
            edit(file, rf'^  "{package}[<>=].*",$', f'  "{package}{after}",')
            done.append(f"{upper} needs {package}{after}")
    return done


def edit(file: Path, pattern: str, new: str) -> None:
    """Replace one line of a file."""
    text = file.read_text(encoding="utf-8")
    changed, times = re.subn(pattern, lambda _: new, text, flags=re.MULTILINE)
    if times != 1:
        raise EditError(f"{file}: expected one line that looks like {pattern}, found {times}")
    file.write_text(changed, encoding="utf-8")
