"""The example of ops declared outside of the package: they pass the checks, and training through them works."""

from __future__ import annotations

import sys

import example_runs
import grad_core as gd
import numpy as np
import pytest
from grad_core.testing import check_grads


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("own_op") as module:
        yield module


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--cells 1", "argument --cells: '1' is not a whole number of at least 2"),
        ("--steps 0", "argument --steps: '0' is not a whole number of at least 1"),
        ("--seed x", "argument --seed: 'x' is not a whole number of at least 0"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["own_op.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err


def test_few_steps_are_taken_too(program, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["own_op.py", "--cells", "2", "--steps", "3"])
    program.main()
    assert "3 steps in" in capsys.readouterr().out
