"""Test released packages and the checkout on each other: `python -m releasing.compat`, from the session `compat`.

The environment needs NumPy and the tools for tests and wheels, and none of the packages: each cell of the matrix gets
its own from unpacked wheels on PYTHONPATH, so cells run side by side.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from releasing import history, matrix, packages, record, versions
from releasing.record import Release

CORE = "grad-core"
UPPER = packages.above(CORE)
TOGETHER = ("grad-nn", "grad-optim", "grad-data")
# The tests of the layers together that use nothing of the checkout besides the packages. The others read pages of the
# docs, example programs or the list of public names, which belong to the checkout's versions only.
TOGETHER_TESTS = (
    "tests/test_layers_together.py",
    "tests/test_per_sample_gradients.py",
    "tests/test_resuming.py",
    "tests/test_safetensors.py",
    "tests/test_training_recipes.py",
)


@dataclass
class House:
    """The checkout, its releases, and wheels of both unpacked: of releases in `cache`, of the checkout in `fresh`."""

    root: Path
    cache: Path
    fresh: Path
    releases: list[Release] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the releases and check that the history holds them."""
        self.releases = record.read((self.root / record.FILE).read_text(encoding="utf-8"))
        for release in self.releases:
            history.require(self.root, release)

    def release(self, package: str, version: Version) -> Release:
        """Return one release."""
        (found,) = [r for r in self.releases if r.package == package and r.version == version]
        return found

    def released(self, package: str) -> list[Version]:
        """Return the released versions of a package, oldest first."""
        return [release.version for release in record.of(package, self.releases)]

    def settings(self, package: str, version: Version | None) -> str:
        """Return the text of the pyproject.toml of a version, or of the checkout's."""
        path = packages.settings_file(package)
        if version is None:
            return (self.root / path).read_text(encoding="utf-8")
        return history.show(self.root, self.release(package, version).commit, path)

    def here(self, package: str) -> Version:
        """Return the version in the checkout."""
        return packages.version_of(self.settings(package, None))

    def admitted(self, package: str, version: Version | None) -> SpecifierSet:
        """Return which versions of grad-core a version of a package admits; all where it does not need it."""
        return packages.ranges_of(self.settings(package, version)).get(CORE, SpecifierSet())

    def tree(self, package: str, version: Version | None) -> Path:
        """Return the folder with the tests that belong to a version."""
        if version is None:
            return self.root
        return history.exported(self.root, self.release(package, version).commit, self.cache)

    def built(self, package: str) -> Path:
        """Return the wheel of a package in the checkout."""
        out = self.fresh / "wheels" / package
        return next(out.glob("*.whl"), None) or history.build(self.root / packages.folder(package), out)

    def unpacked(self, package: str, version: Version | None) -> Path:
        """Return a folder with the content of a wheel, to be put on PYTHONPATH."""
        if version is None:
            return history.unpacked(self.built(package), self.fresh / package)
        wheel = history.wheel_of(self.root, self.release(package, version), self.cache)
        return history.unpacked(wheel, wheel.parent / "unpacked")


@dataclass(frozen=True)
class Job:
    """What one cell runs: tests in a tree, with these wheels on the path."""

    tree: Path
    tests: tuple[str, ...]
    path: tuple[Path, ...]

    @property
    def key(self) -> str:
        """Equal for jobs that must come out equal."""
        content = [self.tree / test for test in self.tests]
        modules = [module for wheel in self.path for module in sorted(wheel.iterdir()) if module.suffix != ".dist-info"]
        return history.fingerprint(*content, *modules)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the tests and return what they said."""
        paths = os.pathsep.join(map(str, self.path))
        options = ["-c", "pyproject.toml", "-q", "-p", "no:cacheprovider", "--maxfail=5", "--tb=short"]
        command = [sys.executable, "-m", "pytest", *options, *self.tests]
        # cells run side by side, so each keeps to one core
        settings = {"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            command,
            cwd=self.tree,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


def own_job(house: House, package: str, version: Version | None, core: Version | None) -> Job:
    """Return the tests of a package, as they were when that version was made, on a version of grad-core."""
    path = (house.unpacked(package, version), house.unpacked(CORE, core))
    return Job(house.tree(package, version), (f"{packages.folder(package)}/tests",), path)


def joint_job(house: House, parts: dict[str, Version | None]) -> Job | None:
    """Return the tests of the layers together over a mixture of versions.

    They are those of the oldest part, as nothing promises that an older version can do what newer tests ask for. What
    broke deliberately since then is not promised either: the result is None where a part is of another series than
    its contemporary of those tests.
    """
    path = tuple(house.unpacked(package, version) for package, version in parts.items())
    dated = [house.release(package, version) for package, version in parts.items() if version is not None]
    if not dated:
        return Job(house.root, together_tests(house.root), path)
    oldest = min(dated, key=lambda release: history.time_of(house.root, release.commit))
    for package, version in parts.items():
        then = history.show(house.root, oldest.commit, packages.settings_file(package))
        now = version or house.here(package)
        if versions.ceiling(packages.version_of(then)) != versions.ceiling(now):
            return None
    tree = house.tree(oldest.package, oldest.version)
    return Job(tree, together_tests(tree), path)


def together_tests(tree: Path) -> tuple[str, ...]:
    """Return those of the tests of the layers together that a tree has."""
    return tuple(test for test in TOGETHER_TESTS if (tree / test).exists())


def rows(house: House) -> list[matrix.Row]:
    """Return what is tested: each package above grad-core, and the layers together, both released and here.

    Of the releases of a package the oldest and the newest of each series are taken: what lies between is expected to
    work where both ends do. Together stand the newest releases, one release among packages of the checkout, and the
    checkout alone.
    """
    found = []
    for package in UPPER:
        found += [row(house, {package: version}) for version in [*versions.ends(house.released(package)), None]]
    here: dict[str, Version | None] = dict.fromkeys(TOGETHER)
    newest = {package: house.released(package)[-1] for package in TOGETHER if house.released(package)}
    if len(newest) == len(TOGETHER):
        found.append(row(house, newest))
    for package in TOGETHER:
        found += [row(house, {**here, package: version}) for version in versions.ends(house.released(package))]
    return [*found, row(house, here)]


def row(house: House, parts: Mapping[str, Version | None]) -> matrix.Row:
    """Return a row of packages that are tested together, with the range that all of them admit."""
    ranges = [str(house.admitted(package, version)) for package, version in parts.items()]
    return matrix.Row(tuple(parts.items()), SpecifierSet(",".join(filter(None, ranges))))


def job_of(house: House, row: matrix.Row, core: Version | None) -> Job | None:
    """Return what a cell of the matrix runs."""
    if len(row.parts) > 1:
        return joint_job(house, {**dict(row.parts), CORE: core})
    ((package, version),) = row.parts
    return own_job(house, package, version, core)


def run(house: House, package: str | None = None) -> tuple[matrix.Plan, list[str]]:
    """Run the matrix, or what concerns one package of the checkout; return the result of each cell, and complaints."""
    cells = matrix.plan(rows(house), house.released(CORE), house.here(CORE))
    if package:
        cells = matrix.concerning(package, CORE, cells)
    jobs = {cell: job_of(house, *cell) for cell, state in cells.items() if state == matrix.RUN}
    cells.update({cell: matrix.UNTRIED for cell, job in jobs.items() if job is None})
    wanted = {cell: job for cell, job in jobs.items() if job is not None}
    same = matrix.repeated({cell: job.key for cell, job in wanted.items()})
    distinct = {cell: job for cell, job in wanted.items() if cell not in same}
    complaints = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for cell, done in zip(distinct, pool.map(Job.run, distinct.values()), strict=True):
            name = f"{matrix.label(cell, cells)}: {cell[0]} on {CORE} {matrix.named(cell[1])}"
            cells[cell] = matrix.FAILED if done.returncode else matrix.PASSED
            print(f"{name}: {cells[cell]}; {done.stdout.strip().rpartition(chr(10))[2]}", flush=True)
            if done.returncode:
                complaints.append(f"--- {name} ---\n{done.stdout}")
    for cell, first in same.items():
        cells[cell] = matrix.FAILED if cells[first] == matrix.FAILED else f"as {matrix.label(first, cells)}"
    return cells, complaints


def oldest(house: House, package: str) -> list[Path]:
    """Return wheels of the oldest lower layers that a package in the checkout admits."""
    found = []
    for lower in packages.LAYERS[package]:
        admitted = packages.ranges_of(house.settings(package, None))[lower]
        within = [release for release in record.of(lower, house.releases) if packages.admits(admitted, release.version)]
        if within:
            found.append(history.wheel_of(house.root, within[0], house.cache))
        else:
            found.append(house.built(lower))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix and print it, or print where wheels of the oldest lower layers lie."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=packages.checkout, default=packages.ROOT, help="the checkout")
    parser.add_argument("--package", choices=list(packages.LAYERS), help="only what this one of the checkout meets")
    parser.add_argument("--oldest", metavar="PACKAGE", help="print the oldest wheels that this one admits below it")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        cache = options.root / ".nox" / "releases"
        if options.oldest:
            fresh = cache / "checkout" / options.oldest
            shutil.rmtree(fresh, ignore_errors=True)
            print("\n".join(map(str, oldest(House(options.root, cache, fresh), options.oldest))))
            return 0
        with tempfile.TemporaryDirectory() as scratch:  # of its own, so that two runs do not meet
            house = House(options.root, cache, Path(scratch))
            cells, complaints = run(house, options.package)
    except history.HistoryError as error:
        print(f"compat: {error}", file=sys.stderr)
        return 2
    print("\n".join(["", *complaints, matrix.table(CORE, house.here(CORE), cells), "", matrix.LEGEND]))
    print(
        f"\n{time.monotonic() - started:.0f} s; {CORE} and grad-data stand on no layer: the session `tests` runs theirs"
    )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
