from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fences
import layer_weights
import pytest
from test_wheels import LOWER

BLOCKS = fences.blocks(layer_weights.PAGE.read_text(encoding="utf-8"))
STATED = layer_weights.stated(layer_weights.PAGE.read_text(encoding="utf-8"))
BLOCK_IMPORTS = "import sys; sys.modules.update(dict.fromkeys({}))\n"
ALL = {"grad_core", "grad_nn", "grad_optim", "grad_data"}


@pytest.mark.parametrize(
    ("block", "layers"), [(0, {"grad_core"}), (1, {"grad_core", "grad_optim"})], ids=["core", "core and optim"]
)
def test_a_stack_imports_no_layer_but_its_own(block, layers, tmp_path):
    program = BLOCK_IMPORTS.format(sorted(ALL - layers)) + BLOCKS[block].code  # None in sys.modules fails the import
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=tmp_path)


def test_the_third_stack_has_no_layer_but_the_data():
    assert [name for name in ALL if name in BLOCKS[2].code] == ["grad_data"]
    assert len(BLOCKS) == 3


def test_the_page_weighs_every_layer_and_says_what_it_needs():
    assert {package: weight.needs for package, weight in STATED.items()} == LOWER


@pytest.mark.parametrize("package", LOWER)
def test_the_installed_size_on_the_page_is_that_of_the_sources(package):
    source = Path(__file__).parents[1] / "packages" / package / "src"
    kilobytes = sum(path.stat().st_size for path in source.rglob("*.py")) / 1000
    assert kilobytes == pytest.approx(STATED[package].installed, rel=layer_weights.SHARE)


def test_a_wrong_figure_on_the_page_is_a_complaint():
    said = layer_weights.Weight(frozenset({"numpy"}), 100.0, 200.0)
    assert layer_weights.complaints("grad-x", said, said._replace(wheel=109.0)) == []
    wrong = said._replace(needs=frozenset({"numpy", "scipy"}), wheel=111.0, installed=100.0)
    needs, wheel, installed = layer_weights.complaints("grad-x", said, wrong)
    assert "scipy" in needs
    assert wheel == "grad-x, wheel: 111 kB, the page says 100; correct docs/layers/choosing.md"
    assert "grad-x, installed: 100 kB" in installed
