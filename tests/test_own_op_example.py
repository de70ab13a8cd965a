"""The example of ops declared outside of the package: they pass the checks, and training through them works."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import grad_core as gd
import numpy as np
import pytest
from grad_core.testing import check_grads

PROGRAM = Path(__file__).parents[1] / "examples" / "own_op.py"


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("own_op", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("cells", [1, 2, 6])
def test_the_solver_is_that_of_numpy_with_its_derivatives(program, cells):
    rng = np.random.default_rng(cells)
    lower, upper = rng.normal(size=(2, cells - 1))
    main, b = 4 + rng.random(cells), rng.normal(size=(cells, 3))
    dense = np.diag(main) + np.diag(lower, -1) + np.diag(upper, 1)
    result = program.SolveTridiagonal.apply(lower, main, upper, b)
    np.testing.assert_allclose(result.numpy(), np.linalg.solve(dense, b), rtol=1e-10)
    check_grads(program.SolveTridiagonal.apply, [lower, main, upper, b], order=2)


def test_heat_is_neither_lost_nor_gained(program):
    end = program.temperatures(gd.tensor([0.3, 2.0, 1.0], dtype="float64"), np.eye(4)).numpy()
    np.testing.assert_allclose(end.sum(axis=0), 1.0)
    assert (end > 0).all()


def test_the_program_finds_the_conductivities(program, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["own_op.py", "--quick"])
    program.main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    pairs = [(float(line[-2]), float(line[-1])) for line in lines if line[1:2] == ["and"] and line[0].isdigit()]
    assert len(pairs) == 7
    for found, true in pairs:
        assert found == pytest.approx(true, abs=0.05)
