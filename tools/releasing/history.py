"""What Git knows: files and folders as they were at a commit, and wheels built from them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from releasing import packages
from releasing.record import Release

EXPORTED = ("packages", "tests", "pyproject.toml")
# A hook of Git sets these, and every command would then act on that repository instead of the one that is asked for.
ELSEWHERE = {"GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"}
CACHES = {"__pycache__", ".pytest_cache", ".hypothesis"}


class HistoryError(Exception):
    """What the history should hold and does not, with a way out."""


def git(root: Path, *arguments: str) -> str:
    """Return what a Git command prints."""
    settings = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, env=settings, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise HistoryError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def require(root: Path, release: Release) -> None:
    """Raise unless the commit of a release is there and holds the version that releases.toml says."""
    name = f"{release.package} {release.version}"
    require_repository(root)
    try:
        git(root, "cat-file", "-e", f"{release.commit}^{{commit}}")
    except HistoryError:
        shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
        missing = f"releases.toml says that {name} was made from commit {release.commit[:12]}, and this "
        if shallow:
            missing += "shallow clone does not reach back to it; get the whole history with `git fetch --unshallow`"
        else:
            missing += "clone does not hold it; try `git fetch origin`, and see whether it was rebased or amended"
        raise HistoryError(missing) from None
    try:
        git(root, "merge-base", "--is-ancestor", release.commit, "HEAD")
    except HistoryError:
        raise HistoryError(
            f"releases.toml says that {name} was made from commit {release.commit[:12]}, which does not belong to "
            "the history of the checkout: it was rebased, amended or left on another branch; merge that branch"
        ) from None
    held = packages.version_of(show(root, release.commit, packages.settings_file(release.package)))
    if held != release.version:
        raise HistoryError(f"releases.toml says that {name} is commit {release.commit[:12]}, which holds {held}")


def require_repository(root: Path) -> None:
    """Raise unless a folder is the checkout of a Git repository."""
    if shutil.which("git") is None:
        raise HistoryError("released versions are built from the history, and there is no command `git` here")
    try:
        git(root, "rev-parse", "--git-dir")
    except HistoryError:
        raise HistoryError(
            f"{root} is no Git repository, and released versions are built from its history: clone it, an archive is "
            "not enough"
        ) from None


def show(root: Path, commit: str, path: str) -> str:
    """Return the text of a file at a commit."""
    return git(root, "show", f"{commit}:{path}")


def time_of(root: Path, commit: str) -> int:
    """Return when a commit was made, in seconds since 1970."""
    return int(git(root, "show", "--no-patch", "--format=%ct", commit))


def exported(root: Path, commit: str, cache: Path) -> Path:
    """Return a folder with the packages, tests and settings of a commit, written once by `git archive`."""
    target = cache / "trees" / commit
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            git(root, "archive", "--format=tar", f"--output={scratch}/tree.tar", commit, *EXPORTED)
            with tarfile.open(f"{scratch}/tree.tar") as archive:
                archive.extractall(f"{scratch}/tree", filter="data")
            Path(scratch, "tree").rename(target)
    return target


def build(source: Path, out: Path, stamp: str | None = None) -> Path:
    """Build the wheel of the package in a folder; `stamp` is the time on its files, in seconds since 1970."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(source)]
    settings = {**os.environ, "SOURCE_DATE_EPOCH": stamp} if stamp else None
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HistoryError(f"no wheel can be built from {source}:\n{done.stdout}{done.stderr}")
    (wheel,) = out.glob("*.whl")
    return wheel


def build_at(root: Path, package: str, commit: str, out: Path) -> Path:
    """Build the wheel of a package as it was at a commit, with the time of that commit on its files."""
    with tempfile.TemporaryDirectory() as scratch:
        source = exported(root, commit, Path(scratch)) / packages.folder(package)
        return build(source, out, str(time_of(root, commit)))


def wheel_of(root: Path, release: Release, cache: Path) -> Path:
    """Return the wheel of a release, built at most once for package, version and commit."""
    target = cache / "wheels" / f"{release.tag}-{release.commit[:12]}"
    if not target.exists():
        require(root, release)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent))
        try:
            build_at(root, release.package, release.commit, scratch)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    (wheel,) = target.glob("*.whl")
    return wheel


def unpacked(wheel: Path, target: Path) -> Path:
    """Return a folder with what a wheel holds, written at most once."""
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:  # what is interrupted leaves no half folder
            shutil.unpack_archive(wheel, f"{scratch}/wheel", "zip")
            Path(scratch, "wheel").rename(target)
    return target


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fingerprint(*folders: Path) -> str:
    """Return a number for what folders hold, caches and the version left out: equal where tests must come out equal."""
    digest = hashlib.sha256()
    for place in folders:
        for file in sorted(place.rglob("*")) or [place]:
            inside = file.relative_to(place)
            if file.is_file() and not CACHES & set(inside.parts):
                content = re.sub(rb'^__version__ = "[^"]*"', b"", file.read_bytes(), flags=re.MULTILINE)
                digest.update(f"{inside.as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
