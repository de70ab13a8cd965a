"""The rules of version numbers: what a step makes of a version, which step a change demands, how ranges follow.

Below 1.0 the middle number counts what breaks: 0.3.1 to 0.3.2 (a patch) adds or mends, 0.3.2 to 0.4.0 (a minor step)
may break. From 1.0 on the first number counts it (a major step), and additions demand a minor step.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from releasing.packages import admits, floor_of

STEPS = ("patch", "minor", "major")


def following(last: Version, step: str) -> Version:
    """Return the version one step after the last release."""
    major, minor, patch = last.release
    numbers = {"patch": (major, minor, patch + 1), "minor": (major, minor + 1, 0), "major": (major + 1, 0, 0)}
    return Version(".".join(map(str, numbers[step])))


def demanded(last: Version, *, breaks: bool, adds: bool) -> str:
    """Return the least step that may follow a release after changes of these kinds."""
    if breaks:
        return "major" if last.major else "minor"
    return "minor" if adds and last.major else "patch"


def step_of(last: Version, version: Version) -> str | None:
    """Return the step from the last release to a version, which may be a `.dev0`; None where it is not above."""
    if version <= last:
        return None
    places = zip(("major", "minor", "patch"), last.release, version.release, strict=True)
    return next((name for name, old, new in places if old != new), None)


def large_enough(step: str | None, needed: str) -> bool:
    """Whether a step is at least as large as the one that is needed."""
    return step is not None and STEPS.index(step) >= STEPS.index(needed)


def short(version: Version) -> str:
    """Write a version as ranges do: `0.2` for 0.2.0, `0.2.1`, `0.2.0.dev0`."""
    text = str(version)
    return text.removesuffix(".0") if version.micro == 0 and not version.is_devrelease else text


def ceiling(version: Version) -> str:
    """Return the first version after this one that may break: `0.3` for 0.2.1, `2` for 1.4.0."""
    return str(version.major + 1) if version.major else f"0.{version.minor + 1}"


def widened(versions: SpecifierSet, new: Version) -> str:
    """Return a range on a layer so that it admits the new version, and as much below as before.

    A floor that names a version in the making (`0.2.0.dev0`) becomes that version when it is released.
    """
    floor = floor_of(versions)
    if floor.is_devrelease and not new.is_devrelease and floor.release == new.release:
        floor = new
    (top,) = [clause.version for clause in versions if clause.operator == "<"]
    return f">={short(floor)},<{top if admits(versions, new) else ceiling(new)}"


def ends(released: Iterable[Version]) -> list[Version]:
    """Return the oldest and the newest version of each series, which is what must not break each other, in order."""
    series: dict[str, list[Version]] = {}
    for version in sorted(released):
        series.setdefault(ceiling(version), []).append(version)
    return [version for found in series.values() for version in dict.fromkeys([found[0], found[-1]])]
