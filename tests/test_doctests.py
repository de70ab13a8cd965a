from __future__ import annotations

import doctest
import importlib
import pkgutil

import fences
import pytest
from public_names import PACKAGES


def modules():
    for package in PACKAGES:
        yield package
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            yield module.name


EXAMPLES = [
    test
    for name in modules()
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    if test.examples
]


@pytest.mark.parametrize("example", [pytest.param(test, id=test.name) for test in EXAMPLES])
def test_the_example_of_a_docstring_runs(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fences.check(example)


def test_no_example_is_lost_on_the_way():
    written = 0
    for name in modules():
        source = importlib.import_module(name).__loader__.get_source(name)
        written += sum(line.lstrip().startswith(">>> ") for line in source.splitlines())
    assert sum(len(test.examples) for test in EXAMPLES) == written
