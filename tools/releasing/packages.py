"""What the repository knows about its packages: the layers, and what a pyproject.toml declares."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]

# each layer and the layers under it
LAYERS: dict[str, list[str]] = {
    "grad-core": [],
    "grad-nn": ["grad-core"],
    "grad-optim": ["grad-core"],
    "grad-data": [],
}


def checkout(text: str) -> Path:
    """Return the folder that an option names, from the root of the file system: programs run elsewhere get it too."""
    return Path(text).resolve()


def above(package: str) -> list[str]:
    """Return the packages that stand on this one."""
    return [upper for upper, lower in LAYERS.items() if package in lower]


def folder(package: str) -> str:
    """Return the folder of a package, as Git writes it."""
    return f"packages/{package}"


def settings_file(package: str) -> str:
    """Return the path of the pyproject.toml of a package, as Git writes it."""
    return f"{folder(package)}/pyproject.toml"


def module_file(package: str) -> str:
    """Return the path of the file that defines `__version__`, as Git writes it."""
    return f"{folder(package)}/src/{package.replace('-', '_')}/__init__.py"


def version_of(settings: str) -> Version:
    """Return the version that the text of a pyproject.toml declares."""
    return Version(tomllib.loads(settings)["project"]["version"])


def ranges_of(settings: str) -> dict[str, SpecifierSet]:
    """Return the range of each requirement, NumPy's too, that the text of a pyproject.toml declares."""
    found = [Requirement(text) for text in tomllib.loads(settings)["project"]["dependencies"]]
    return {requirement.name: requirement.specifier for requirement in found}


def admits(versions: SpecifierSet, version: Version) -> bool:
    """Whether a range admits a version; `0.2.0.dev0` is admitted by `<0.3` and not by `<0.2`."""
    return versions.contains(version, prereleases=True)


def floor_of(versions: SpecifierSet) -> Version:
    """Return the lower end of a range."""
    (floor,) = [Version(clause.version) for clause in versions if clause.operator == ">="]
    return floor
