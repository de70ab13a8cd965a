"""A repository in small for the tests of tools/releasing: four packages named as the real ones, a line or two each."""

from __future__ import annotations

import shutil
from pathlib import Path

from packaging.version import Version
from releasing import history, packages, record
from releasing.record import Release

ROOT = Path(__file__).resolve().parents[1]
DATE = "2026-01-02"
SOURCES = {
    "grad-core": "def double(x, *, times=1):\n    return x * 2**times\n",
    "grad-nn": "from grad_core import double\n\n\ndef layer(x):\n    return double(x) + 1\n",
    "grad-optim": "from grad_core import double\n\n\ndef step(x):\n    return double(x, times=2)\n",
    "grad-data": "def load():\n    return 3\n",
}
NAMES = {"grad-core": "double", "grad-nn": "layer", "grad-optim": "step", "grad-data": "load"}
TESTS = {
    "grad-core": "double(2) == 4",
    "grad-nn": "layer(2) == 5",
    "grad-optim": "step(2) == 8",
    "grad-data": "load() == 3",
}
SETTINGS = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{package}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
  "numpy>=2.1",
{lower}]

[tool.hatch.build.targets.wheel]
packages = ["src/{module}"]

[tool.towncrier]
name = "{package}"
directory = "changelog.d"
filename = "CHANGELOG.md"
template = "../../tools/releasing/changelog.md.jinja"
title_format = "## {{version}} ({{project_date}})"
underlines = ["", "", ""]

[tool.towncrier.fragment.added]
[tool.towncrier.fragment.changed]
[tool.towncrier.fragment.fixed]
[tool.towncrier.fragment.removed]
"""


def write(root: Path, path: str, text: str) -> None:
    """Write a file, and the folders above it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def replace(root: Path, path: str, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = (root / path).read_text(encoding="utf-8")
    assert text.count(old) == 1
    write(root, path, text.replace(old, new))


def commit(root: Path, message: str = "a change") -> str:
    """Commit everything and return the hash."""
    history.git(root, "add", "--all")
    history.git(root, "commit", "--quiet", "--message", message)
    return history.git(root, "rev-parse", "HEAD").strip()


def made(root: Path) -> Path:
    """Make the repository, with 0.1.0 of each package released from its first commit."""
    root.mkdir()
    history.git(root, "init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "test"), ("user.email", "test@test.invalid"), ("commit.gpgsign", "false")):
        history.git(root, "config", name, value)
    for package, source in SOURCES.items():
        module = package.replace("-", "_")
        lower = "".join(f'  "{name}>=0.1,<0.2",\n' for name in packages.LAYERS[package])
        folder = packages.folder(package)
        write(root, f"{folder}/pyproject.toml", SETTINGS.format(package=package, module=module, lower=lower))
        head = f'__version__ = "0.1.0"\n__all__ = ["__version__", "{NAMES[package]}"]\n'
        write(root, packages.module_file(package), f"{source}\n\n{head}")
        begin = "<!-- towncrier release notes start -->\n\n"
        write(root, f"{folder}/CHANGELOG.md", f"# Changelog\n\n{begin}## 0.1.0 ({DATE})\n\n- All.\n")
        write(root, f"{folder}/changelog.d/README.md", "How a fragment is written.\n")
        test = f"from {module} import {NAMES[package]}\n\n\ndef test_it():\n    assert {TESTS[package]}\n"
        write(root, f"{folder}/tests/test_{module}.py", test)
    public = sorted(f"{package.replace('-', '_')}.{name}" for package, name in NAMES.items())
    write(root, "tests/public_names.txt", "\n".join(public) + "\n")
    together = (
        "import grad_data\nimport grad_nn\nimport grad_optim\n\n\n"
        "def test_together():\n    assert grad_optim.step(grad_nn.layer(grad_data.load())) == 28\n"
    )
    write(root, "tests/test_layers_together.py", together)
    write(root, "pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n')
    write(root, ".gitignore", ".nox/\ndist/\n__pycache__/\n")
    template = "tools/releasing/changelog.md.jinja"
    (root / template).parent.mkdir(parents=True)
    shutil.copy(ROOT / template, root / template)
    first = commit(root, "the beginning")
    releases = [Release(package, Version("0.1.0"), first, DATE) for package in SOURCES]
    write(root, record.FILE, record.write(releases))
    commit(root, "the first releases")
    return root


def copied(house: Path, target: Path) -> Path:
    """Copy the repository, with the wheels that were built before."""
    shutil.copytree(house, target)
    return target
