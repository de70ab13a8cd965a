"""Release one package: `python -m releasing.release grad-nn minor`, from the session `release`.

Everything is written and committed in a second work tree. The branch moves to its result in one step at the end, so a
release that fails anywhere leaves the checkout as it was.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from releasing import api, edits, history, packages, record, versions
from releasing.record import Release

FIRST = "first"


class RefusedError(Exception):
    """Why a release was not made; nothing has changed."""


@dataclass(frozen=True)
class Proposal:
    """The release that is to be made, and what is already there."""

    root: Path
    package: str
    step: str
    last: Release | None
    version: Version

    @property
    def cache(self) -> Path:
        """Where trees and wheels of releases are kept."""
        return self.root / ".nox" / "releases"


def recorded(root: Path) -> list[Release]:
    """Return the releases that releases.toml holds."""
    return record.read((root / record.FILE).read_text(encoding="utf-8"))


def proposed(root: Path, package: str, step: str) -> Proposal:
    """Return the release that a step from the last one leads to; refuse what is no step."""
    if package not in packages.LAYERS:
        raise RefusedError(f"there is no package {package!r}; there are {', '.join(packages.LAYERS)}")
    if step not in (FIRST, *versions.STEPS):
        raise RefusedError(
            f"{step!r} is no step; the steps are {', '.join(versions.STEPS)}, and {FIRST} for a new package"
        )
    last = record.last(package, recorded(root))
    here = packages.version_of((root / packages.settings_file(package)).read_text(encoding="utf-8"))
    if step == FIRST:
        if last:
            raise RefusedError(f"{package} {last.version} is released already; name one of {', '.join(versions.STEPS)}")
        return Proposal(root, package, step, None, here)
    if last is None:
        raise RefusedError(f"{package} has no release yet; `{FIRST}` releases {here}, which its pyproject.toml holds")
    version = versions.following(last.version, step)
    if here > version:
        raise RefusedError(f"the checkout says {here} already, so a {step} step to {version} would go backwards")
    return Proposal(root, package, step, last, version)


def check(proposal: Proposal) -> None:
    """Refuse a release from a tree that is not clean, without a word for its readers, or with too small a step."""
    root, package = proposal.root, proposal.package
    changed = history.git(root, "status", "--porcelain").strip()
    if changed:
        raise RefusedError(f"the work tree is not clean; commit or put away:\n{changed}")
    fragments = root / packages.folder(package) / "changelog.d"
    if not list(fragments.glob("*.*.md")) and not told(root, package, proposal.version):
        raise RefusedError(
            f"{fragments.relative_to(root)} holds no fragment: what would a user notice in this release?"
        )
    for lower in packages.LAYERS[package]:
        check_range(proposal, lower)
    if proposal.last:
        found, step = api.needed(root, proposal.last, proposal.cache)
        if not versions.large_enough(proposal.step, step):
            reasons = "".join(f"\n  - {line}" for line in found.breaks or found.adds)
            raise RefusedError(f"since {proposal.last.version} a {step} step is needed, because of{reasons}")


def check_range(proposal: Proposal, lower: str) -> None:
    """Refuse a release that no released version of a lower layer fits, as nobody could install it."""
    text = (proposal.root / packages.settings_file(proposal.package)).read_text(encoding="utf-8")
    admitted = packages.ranges_of(text)[lower]
    floor = packages.floor_of(admitted)
    fitting = [r for r in record.of(lower, recorded(proposal.root)) if packages.admits(admitted, r.version)]
    if floor.is_devrelease or not fitting:
        raise RefusedError(f"{proposal.package} needs {lower}{admitted}, which is not released: release {lower} first")


def told(root: Path, package: str, version: Version) -> bool:
    """Whether the CHANGELOG has a dated section about a version."""
    text = (root / packages.folder(package) / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.search(rf"^## {re.escape(str(version))} \(\d{{4}}-\d\d-\d\d\)$", text, re.MULTILINE) is not None


@contextmanager
def second_tree(root: Path) -> Iterator[Path]:
    """Give a work tree of its own at the current commit, and take it away at the end, whatever happened."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        history.git(root, "worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
        try:
            yield tree
        finally:
            history.git(root, "worktree", "remove", "--force", str(tree))


def write_changelog(tree: Path, package: str, version: Version, date: str) -> None:
    """Move the fragments of a package into its CHANGELOG."""
    folder = packages.folder(package)
    options = ["--config", packages.settings_file(package), "--dir", folder, "--version", str(version), "--date", date]
    command = [sys.executable, "-m", "towncrier", "build", "--yes", *options]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"towncrier cannot write the CHANGELOG:\n{done.stdout}{done.stderr}")


def commit(tree: Path, message: str) -> str:
    """Commit everything that has changed in a tree, if anything has, and return the hash of the newest commit."""
    history.git(tree, "add", "--all")
    history.git(tree, "commit", "--quiet", "--allow-empty", "--message", message)
    return history.git(tree, "rev-parse", "HEAD").strip()


def built_twice(root: Path, release: Release, scratch: Path) -> Path:
    """Build the wheel of a release two times from its commit, and refuse it unless both are equal to the last bit."""
    wheels = [history.build_at(root, release.package, release.commit, scratch / str(n)) for n in (1, 2)]
    if len({history.checksum(wheel) for wheel in wheels}) > 1:
        raise RefusedError(f"two builds of {release.package} {release.version} from one commit differ")
    return wheels[0]


def make(proposal: Proposal, date: str) -> list[str]:
    """Make a release that was checked; return what was done, and what is left to do, in lines."""
    root, package, version = proposal.root, proposal.package, proposal.version
    release = Release(package, version, "", date)
    with second_tree(root) as tree, tempfile.TemporaryDirectory() as scratch:
        done = edits.set_version(tree, package, version)
        if list((tree / packages.folder(package) / "changelog.d").glob("*.*.md")):
            write_changelog(tree, package, version, date)
        release = replace(release, commit=commit(tree, f"{package} {version}"))
        wheel = built_twice(tree, release, Path(scratch))
        (tree / record.FILE).write_text(record.write([*recorded(tree), release]), encoding="utf-8")
        newest = commit(tree, f"releases.toml: {package} {version} is {release.commit[:12]}")
        history.git(root, "merge", "--quiet", "--ff-only", newest)
        target = root / "dist" / wheel.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(wheel, target)
    return [
        *done,
        f"the wheel, built twice with the same result: {target.relative_to(root)}, SHA-256 {history.checksum(target)}",
        "two commits were made; push them, and then the tag:",
        f"  git tag -a {release.tag} -m '{package} {version}' {release.commit} && git push origin {release.tag}",
    ]


def open_version(proposal: Proposal) -> list[str]:
    """Write the version in the making, `0.2.0.dev0`, and let the packages above admit it; nothing is committed."""
    version = Version(f"{proposal.version}.dev0")
    done = edits.set_version(proposal.root, proposal.package, version)
    lowest = f"{proposal.package}>={version}"
    return [*done, f"a package above that needs what is new writes {lowest} itself", "nothing is committed"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a release, make it, or open a version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=list(packages.LAYERS))
    parser.add_argument("step", choices=[FIRST, *versions.STEPS])
    parser.add_argument("what", nargs="?", default="make", choices=["make", "check", "open"])
    parser.add_argument("--root", type=Path, default=packages.ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        proposal = proposed(options.root, options.package, options.step)
        if options.what == "open":
            lines = open_version(proposal)
        else:
            check(proposal)
            lines = [f"{proposal.package} {proposal.version} can be released"]
        if options.what == "make":
            lines = make(proposal, dt.datetime.now(dt.UTC).date().isoformat())
    except (RefusedError, history.HistoryError) as error:
        print(f"release: refused, and nothing has changed: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
