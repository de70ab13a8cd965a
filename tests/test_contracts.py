from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}

# A contract, the module that gets a forbidden import, and the import.
PLANTED = [
    ("packages", "grad_core.testing", "import grad_nn.errors"),
    ("packages", "grad_nn.errors", "import grad_optim._flat"),
    ("packages", "grad_optim._flat", "import grad_nn.errors"),
    ("data-needs-nobody", "grad_data._errors", "import grad_core"),
    ("data-needs-nobody", "grad_data._errors", "import grad_nn"),
    ("data-needs-nobody", "grad_data._errors", "import grad_optim"),
    ("nobody-needs-data", "grad_core.errors", "import grad_data"),
    ("nobody-needs-data", "grad_nn.errors", "import grad_data"),
    ("nobody-needs-data", "grad_optim._flat", "import grad_data"),
    ("public-door", "grad_nn.errors", "from grad_core import _op"),
    ("public-door", "grad_nn", "from grad_core.ops.arithmetic import add"),
    ("public-door", "grad_optim._flat", "import grad_core._modes"),
    ("inside-core", "grad_core.errors", "from grad_core import _op"),
    ("inside-nn", "grad_nn.errors", "from grad_nn import _module"),
    ("inside-optim", "grad_optim._flat", "from grad_optim import _optimizer"),
    ("inside-data", "grad_data._errors", "from grad_data import _idx"),
]


@pytest.fixture
def tree(tmp_path):
    for package in ROOT.glob("packages/*"):
        shutil.copytree(package / "src", tmp_path / "packages" / package.name / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree, module, line):
    inner = module.replace(".", "/")
    (file,) = [*tree.glob(f"packages/*/src/{inner}.py"), *tree.glob(f"packages/*/src/{inner}/__init__.py")]
    file.write_text(f"{file.read_text()}\n{line}\n")


def lint(tree):
    """Run the contracts over a tree: the exit status, the result of each contract by its name, and the output."""
    source = os.pathsep.join(str(path) for path in tree.glob("packages/*/src"))
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": source, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    results = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert len(results) == len(CONTRACTS), done.stdout + done.stderr
    return done.returncode, results, done.stdout


def test_every_contract_has_a_planted_violation():
    assert {contract for contract, _, _ in PLANTED} == set(CONTRACTS)


def test_the_tree_as_it_is_keeps_every_contract(tree):
    status, results, _ = lint(tree)
    assert (status, set(results.values())) == (0, {"KEPT"})


@pytest.mark.parametrize(("contract", "module", "line"), PLANTED)
def test_a_planted_violation_breaks_exactly_its_contract(tree, contract, module, line):
    plant(tree, module, line)
    status, results, _ = lint(tree)
    assert status == 1
    assert [name for name, result in results.items() if result == "BROKEN"] == [CONTRACTS[contract]["name"]]


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if "containers" in CONTRACTS[c]])
def test_each_layer_inside_a_package_may_not_import_the_one_above(tree, contract):
    (package,) = CONTRACTS[contract]["containers"]
    layers = [re.findall(r"\w+", layer) for layer in CONTRACTS[contract]["layers"]]
    for upper, lower in itertools.pairwise(layers):
        plant(tree, f"{package}.{lower[0]}", f"import {package}.{upper[0]}")
    status, _, output = lint(tree)
    assert status == 1
    for upper, lower in itertools.pairwise(layers):
        assert f"{package}.{lower[0]} is not allowed to import {package}.{upper[0]}" in output


@pytest.mark.parametrize("package", ["grad_core", "grad_data", "grad_nn", "grad_optim"])
def test_a_module_that_no_layer_names_breaks_the_contract_of_its_package(tree, package):
    (folder,) = tree.glob(f"packages/*/src/{package}")
    (folder / "newcomer.py").write_text("")
    status, _, output = lint(tree)
    assert status == 1
    assert "newcomer" in output
