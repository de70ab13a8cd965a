"""Compare the public API with the last release: `python -m releasing.api`, from the session `api`.

What counts are the names in tests/public_names.txt and the signatures behind them. griffe reads both versions without
running them. It sees names, parameters, their order, kind and defaults, base classes and methods; it does not see
behaviour, which is why a fragment of the type `removed` demands the same step as a break that is seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import griffe
from packaging.version import Version

from releasing import history, packages, record, versions
from releasing.record import Release


@dataclass
class Difference:
    """How the public API of a package differs from that of its last release."""

    breaks: list[str] = field(default_factory=list)
    adds: list[str] = field(default_factory=list)


def public(tree: Path, package: str) -> dict[str, griffe.Object | griffe.Alias]:
    """Return what each public name of a package, as tests/public_names.txt of that tree lists them, stands for."""
    name = package.replace("-", "_")
    module = loaded(tree / packages.folder(package) / "src", name)
    listed = (tree / "tests" / "public_names.txt").read_text(encoding="utf-8").split()
    paths = [path for path in listed if path.startswith(f"{name}.") and not path.endswith(".__version__")]
    return {path: module[path.removeprefix(f"{name}.")] for path in paths}


def loaded(source: Path, name: str) -> griffe.Object | griffe.Alias:
    """Read the source of a package, without running it."""
    loader = griffe.GriffeLoader(search_paths=[source], allow_inspection=False)
    module = loader.load(name)
    loader.resolve_aliases(implicit=True)
    return module


def compare(old: Path, new: Path, package: str) -> Difference:
    """Compare a package in two trees."""
    before, after = (public(tree, package) for tree in (old, new))
    found = Difference(adds=sorted(after.keys() - before.keys()))
    for path, thing in before.items():
        if path not in after:
            found.breaks.append(f"{path}: removed")
            continue
        for breakage in griffe.find_breaking_changes(alone(thing), alone(after[path])):
            found.breaks.append(f"{path}: {explained(breakage)}")
    found.breaks = sorted(set(found.breaks))
    return found


def alone(thing: griffe.Object | griffe.Alias) -> griffe.Module:
    """Return a module that holds nothing else: griffe compares the members of two things, and not the things."""
    module = griffe.Module("public")
    module.members[thing.name] = thing
    return module


def explained(breakage: griffe.Breakage) -> str:
    """Return one line about a breakage: what changed, and how."""
    values = [value for value in (breakage.old_value, breakage.new_value) if value is not None]
    change = " -> ".join(map(shown, values))
    return f"{breakage.obj.name}: {breakage.kind.value.lower()}{': ' if change else ''}{change}"


def shown(value: object) -> str:
    """Return a value of a breakage as text; a parameter with its kind and its default."""
    if isinstance(value, griffe.Parameter):
        kind = f"{value.kind.value} " if value.kind else ""
        return f"{kind}{value.name}" if value.default is None else f"{kind}{value.name}={value.default}"
    return str(value.path) if isinstance(value, griffe.Object | griffe.Alias) else str(value)


def needed(root: Path, release: Release, cache: Path) -> tuple[Difference, str]:
    """Return how a package differs from its last release, and the step that this demands."""
    history.require(root, release)
    found = compare(history.exported(root, release.commit, cache), root, release.package)
    removed = sorted((root / packages.folder(release.package) / "changelog.d").glob("*.removed.md"))
    found.breaks += [f"changelog.d/{fragment.name} says so" for fragment in removed]
    return found, versions.demanded(release.version, breaks=bool(found.breaks), adds=bool(found.adds))


def judged(release: Release, here: Version, found: Difference, step: str) -> tuple[bool, list[str]]:
    """Return whether the version in the checkout is right after what has changed, and the lines that say why."""
    last = release.version
    lines = [f"{release.package} since {last}: {len(found.breaks)} break, {len(found.adds)} new"]
    lines += [f"  - {line}" for line in found.breaks] + [f"  + {name}" for name in found.adds]
    taken = versions.step_of(last, here)
    if here < last:
        lines.append(f"  FAILED: the checkout says {here}, which is below the last release")
        return False, lines
    if found.breaks and not versions.large_enough(taken, step):
        wanted = versions.following(last, step)
        lines.append(
            f"  FAILED: this breaks code that works with {last}, and the checkout still says {here}. Either leave the "
            "old name or signature working, or call\n"
            f"    python3 noxfile.py -s release -- {release.package} {step} --open\n"
            f"  which writes {wanted}.dev0 and lets the packages above admit it"
        )
        return False, lines
    lines.append(f"  fine: the checkout says {here}, and the next release must be a {step} step at least")
    return True, lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare every package that has a release, and say which version step its changes demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=packages.checkout, default=packages.ROOT, help="the checkout")
    root = parser.parse_args(arguments).root
    releases = record.read((root / record.FILE).read_text(encoding="utf-8"))
    right = True
    for package in packages.LAYERS:
        release = record.last(package, releases)
        if release is None:
            print(f"{package} has no release to compare with")
            continue
        try:
            found, step = needed(root, release, root / ".nox" / "releases")
        except history.HistoryError as error:
            print(f"api: {error}", file=sys.stderr)
            return 2
        here = packages.version_of((root / packages.settings_file(package)).read_text(encoding="utf-8"))
        fine, lines = judged(release, here, found, step)
        print("\n".join(lines))
        right = right and fine
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
