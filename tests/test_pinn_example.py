"""The physics-informed network: its error, its residual, what is printed and drawn, and what is refused."""

from __future__ import annotations

import re

import example_runs
import grad_core as gd
import numpy as np
import pytest


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("pinn") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("pinn", folder, "--quick")


def test_the_error_falls_although_no_solution_is_shown(done):
    _, lines = done
    rows = [re.fullmatch(r" *(\d+) +(\d\S+) +(\d\S+)", line) for line in lines]
    history = [(int(row[1]), float(row[2]), float(row[3])) for row in rows if row]
    assert [row[0] for row in history] == list(range(0, 61, 3))
    assert history[-1][1] < history[0][1] / 20
    assert history[-1][2] < 0.15
    end = re.fullmatch(r"largest error: (\S+), where temperatures reach 1.08", lines[-1])
    assert float(end[1]) == pytest.approx(history[-1][2], rel=0.05)


def test_the_picture_has_field_profiles_and_curves(done):
    ink = example_runs.ink(done[0] / "runs" / "pinn" / "pinn.png", 4, 3)
    assert (ink[1:, 0] > 0.3).all()
    assert (ink[1:] > 0.01).all()
    assert ink[0, 0] > 0.02  # the title


def test_again_it_gives_the_same_and_another_seed_something_else(done, tmp_path):
    folder, lines = done
    for seed, same in ((0, True), (1, False)):
        again = example_runs.lines("pinn", tmp_path, "--quick", "--seed", seed, "--out", seed)
        assert (example_runs.figures(again) == example_runs.figures(lines)) is same
        drawn = [path.read_bytes() for path in (folder / "runs/pinn/pinn.png", tmp_path / f"{seed}/pinn.png")]
        assert (drawn[0] == drawn[1]) is same


def test_the_solution_obeys_the_equation_and_something_else_does_not(program):
    points = np.random.default_rng(0).random((50, 2))

    def solution(p, a=0.1):
        waves = program.WAVES
        return sum(h * gd.exp(-a * (np.pi * k) ** 2 * p[:, 1]) * gd.sin(np.pi * k * p[:, 0]) for k, h in waves)

    np.testing.assert_allclose(solution(points).numpy(), program.exact(points, 0.1), rtol=1e-12)
    np.testing.assert_allclose(program.residual(solution, points, 0.1).numpy(), 0, atol=1e-12)
    assert np.abs(program.residual(solution, points, 0.2).numpy()).max() > 0.1


def test_derivatives_along_directions_are_those_of_the_function(program):
    x, t = points = np.random.default_rng(1).random((2, 9))

    def field(p):
        return p[:, 0] ** 3 * p[:, 1] ** 2

    np.testing.assert_allclose(program.along(field, program.T)(points.T).numpy(), 2 * x**3 * t)
    twice = program.along(program.along(field, program.X), program.X)
    np.testing.assert_allclose(twice(points.T).numpy(), 6 * x * t**2)


def test_start_and_cold_ends_hold_whatever_the_network_says(program):
    model = program.Rod(8, 3)
    side, other = np.linspace(0, 1, 11), np.zeros(11)
    with gd.no_grad():
        start = model(np.stack([side, other], axis=1)).numpy()
        ends = [model(np.stack([other + x, side], axis=1)).numpy() for x in (0, 1)]
    np.testing.assert_allclose(start, program.exact(np.stack([side, other], axis=1), 0.1), atol=1e-15)
    np.testing.assert_allclose(ends, 0, atol=1e-15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--conductivity 0", "argument --conductivity: '0' is not a number above 0"),
        ("--iterations 50", "argument --iterations: '50' is not a multiple of 20, and at least that"),
        ("--points 0", "argument --points: '0' is not a whole number of at least 1"),
        ("--width x", "argument --width: 'x' is not a whole number of at least 1"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program):
    assert message in example_runs.told(program, options)
