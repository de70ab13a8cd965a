from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOWER = {
    "grad-core": {"numpy"},
    "grad-nn": {"numpy", "grad-core"},
    "grad-optim": {"numpy", "grad-core"},
    "grad-data": {"numpy"},
}


@pytest.fixture(params=LOWER)
def package(request):
    return request.param


def requirements(package):
    found = [Requirement(text) for text in importlib.metadata.requires(package) or []]
    return [requirement for requirement in found if requirement.marker is None]


def test_a_package_needs_numpy_and_the_layers_below_it_and_nothing_else(package):
    assert {requirement.name for requirement in requirements(package)} == LOWER[package]


def test_a_range_on_a_layer_has_both_ends_and_admits_the_layer_in_this_checkout(package):
    for requirement in requirements(package):
        operators = sorted(clause.operator for clause in requirement.specifier)
        assert operators == ([">="] if requirement.name == "numpy" else ["<", ">="])
        assert requirement.specifier.contains(importlib.metadata.version(requirement.name))


def test_the_version_is_the_same_wherever_it_is_written(package):
    folder = ROOT / "packages" / package
    written = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    changes = re.search(r"^## (\S+)", (folder / "CHANGELOG.md").read_text(), re.MULTILINE)
    module = importlib.import_module(package.replace("-", "_"))
    assert {written, module.__version__} == {importlib.metadata.version(package)}
    if Version(written).is_devrelease:  # on the way to a release, whose changes are still fragments
        assert Version(changes[1]) < Version(written)
    else:
        assert changes[1] == written


def test_a_package_says_that_it_is_typed_and_carries_its_licence(package):
    assert (importlib.resources.files(package.replace("-", "_")) / "py.typed").is_file()
    assert importlib.metadata.metadata(package)["License-Expression"] == "MIT"
    assert (ROOT / "packages" / package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
