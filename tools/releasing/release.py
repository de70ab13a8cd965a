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
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from releasing import api, edits, history, packages, record, versions
from releasing.record import Release

FIRST = "first"
UNRELEASED = "unreleased"  # in place of the date, where a CHANGELOG was begun before there were fragments


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
    if not fragments(root, package) and not (proposal.step == FIRST and section(root, package, UNRELEASED)):
        raise RefusedError(
            f"{packages.folder(package)}/changelog.d holds no fragment: what would a user notice in this release? "
            "README.md there says how one is written"
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


def fragments(root: Path, package: str) -> list[Path]:
    """Return the fragments of a package: what its next release will say."""
    return sorted((root / packages.folder(package) / "changelog.d").glob("*.*.md"))


def section(root: Path, package: str, dated: str) -> re.Match[str] | None:
    """Return the heading and the text that the CHANGELOG of a package has under a date, or None."""
    text = (root / packages.folder(package) / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.search(rf"^## \S+ \({dated}\)\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)


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
    """Move the fragments of a package into its CHANGELOG, or date what it says about a first release."""
    folder = packages.folder(package)
    if section(tree, package, UNRELEASED):
        edits.edit(tree / folder / "CHANGELOG.md", rf"^## \S+ \({UNRELEASED}\)$", f"## {version} ({date})")
        return
    options = ["--config", packages.settings_file(package), "--dir", folder, "--version", str(version), "--date", date]
    command = [sys.executable, "-m", "towncrier", "build", "--yes", *options]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"towncrier cannot write the CHANGELOG:\n{done.stdout}{done.stderr}")


def commit(tree: Path, message: str) -> str:
    """Commit everything that has changed in a tree, and return the hash of the commit."""
    history.git(tree, "add", "--all")
    history.git(tree, "commit", "--quiet", "--message", message)
    return history.git(tree, "rev-parse", "HEAD").strip()


def built_twice(root: Path, release: Release, scratch: Path) -> Path:
    """Build the wheel of a release two times from its commit; refuse it unless both are equal and hold the package."""
    wheels = [history.build_at(root, release.package, release.commit, scratch / str(n)) for n in (1, 2)]
    if len({history.checksum(wheel) for wheel in wheels}) > 1:
        raise RefusedError(f"two builds of {release.package} {release.version} from one commit differ")
    module = packages.module_file(release.package).partition("/src/")[2]
    with zipfile.ZipFile(wheels[0]) as wheel:
        if module not in wheel.namelist():
            raise RefusedError(f"{wheels[0].name} holds no {module}")
    return wheels[0]


def make(proposal: Proposal, date: str, *, keep: bool = True) -> list[str]:
    """Make a release that was checked; return what was done, and what is left to do, in lines.

    With `keep=False` all is done in the second work tree and nothing of it is kept.
    """
    root, package, version = proposal.root, proposal.package, proposal.version
    release = Release(package, version, "", date)
    with second_tree(root) as tree, tempfile.TemporaryDirectory() as scratch:
        lines = edits.set_version(tree, package, version)
        write_changelog(tree, package, version, date)
        release = replace(release, commit=commit(tree, f"{package} {version}"))
        wheel = built_twice(tree, release, Path(scratch))
        (tree / record.FILE).write_text(record.write([*recorded(tree), release]), encoding="utf-8")
        newest = commit(tree, f"releases.toml: {package} {version} is {release.commit[:12]}")
        lines += [f"{wheel.name}, built twice with the same result, SHA-256 {history.checksum(wheel)}"]
        if keep:
            target = root / "dist" / wheel.name
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(wheel, target.with_suffix(".part"))
            history.git(root, "merge", "--quiet", "--ff-only", newest)
            target.with_suffix(".part").rename(target)
            return [*lines, *farewell(release)]
        told = section(tree, package, date)
        changed = history.git(root, "diff", "--stat", "HEAD", newest).rstrip()
        return [*lines, "", told[0].rstrip() if told else "", "", changed, "", "a dry run: nothing of this was kept"]


def farewell(release: Release) -> list[str]:
    """Return what is left to do after a release."""
    name = f"{release.package} {release.version}"
    return [
        "two commits were made and the wheel lies in dist/; push the commits, and then the tag:",
        f"  git tag -a {release.tag} -m '{name}' {release.commit} && git push origin {release.tag}",
    ]


def open_version(proposal: Proposal) -> list[str]:
    """Write the version in the making, `0.2.0.dev0`, and let the packages above admit it; nothing is committed."""
    version = Version(f"{proposal.version}.dev0")
    done = edits.set_version(proposal.root, proposal.package, version)
    lowest = f"{proposal.package}>={version}"
    return [*done, f"a package above that needs what is new writes {lowest} itself", "nothing is committed"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a release, make it, or open a version."""
    parser = argparse.ArgumentParser(prog="release", description="Release one package.")
    parser.add_argument("package", help=", ".join(packages.LAYERS))
    parser.add_argument("step", help=f"{', '.join(versions.STEPS)}; {FIRST} for a package without a release")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="do everything in a second work tree and keep nothing")
    what.add_argument("--open", action="store_true", help="write the next version with .dev0, where a change breaks")
    parser.add_argument("--root", type=packages.checkout, default=packages.ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        history.require_repository(options.root)
        proposal = proposed(options.root, options.package, options.step)
        if options.open:
            lines = open_version(proposal)
        else:
            check(proposal)
            lines = make(proposal, dt.datetime.now(dt.UTC).date().isoformat(), keep=not options.dry_run)
    except (RefusedError, edits.EditError, history.HistoryError) as error:
        print(f"release: refused, and nothing has changed: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
