"""The table of kinks and ties in the docs: each row runs as it stands, and says the same as the tables of the tests."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import grad_core as gd
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guides" / "sharp-bits.md"
ROW = re.compile(r"^\| `(?P<function>[^`]+)` \| `(?P<at>\[[^`]+)` \| `(?P<gradient>\[[^`]+)` \|", re.MULTILINE)
NAMES = {"gd": gd, "inf": float("inf"), "__builtins__": {}}
ROWS = [
    (match["function"], eval(match["at"], NAMES), eval(match["gradient"], NAMES))  # noqa: S307 - our own page
    for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))
]


def rows_of_core():
    """The tables that grad-core's own tests run and compare with PyTorch: function, input, gradient."""
    found = []
    for path in sorted(ROOT.glob("packages/grad-core/tests/test_kinks*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [(function, [float(v) for v in at], gradient) for _, function, at, gradient in module.GRADIENTS]
    return found


TESTED = rows_of_core()


def gradient_of_sum(function, at):
    x = gd.tensor([float(v) for v in at], dtype="float64", requires_grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


def test_the_table_is_there():
    table = PAGE.read_text(encoding="utf-8").partition("## Kinks and ties")[2].partition("\n## ")[0]
    assert len(ROWS) == len(re.findall(r"^\| `", table, re.MULTILINE)) >= 25


@pytest.mark.parametrize(("function", "at", "gradient"), ROWS, ids=[f"{row[0]} at {row[1]}" for row in ROWS])
def test_a_row_of_the_docs_is_true_and_tested(function, at, gradient):
    called = eval(f"lambda x: {function}", NAMES)  # noqa: S307 - our own page
    np.testing.assert_allclose(gradient_of_sum(called, at), gradient, rtol=1e-12)
    # the same row stands in a table that grad-core tests: same input and gradient, and a function of the same values
    same = [row for row in TESTED if row[1] == [float(v) for v in at] and np.allclose(row[2], gradient)]
    x = gd.tensor([float(v) for v in at], dtype="float64")
    assert any(np.array_equal(row[0](x).numpy(), called(x).numpy(), equal_nan=True) for row in same)
