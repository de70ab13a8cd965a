"""Gradient descent on a polynomial: where the paths end, what is printed and drawn, and what is refused."""

from __future__ import annotations

import re

import example_runs
import numpy as np
import pytest
from grad_core.testing import check_grads

MINIMA = np.array([[3, 2], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848127]])


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("descent") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("descent", folder, "--quick")


def test_each_path_ends_in_a_minimum(done):
    _, lines = done
    ends = [re.fullmatch(r"(.{14}) ends at \( *([-\d.]+), *([-\d.]+)\)", line) for line in lines]
    found = {end[1].strip(): np.array([float(end[2]), float(end[3])]) for end in ends if end}
    assert list(found) == ["by hand", "SGD", "SGD, momentum", "Adam"]
    for name, end in found.items():
        assert np.linalg.norm(MINIMA - end, axis=1).min() < (0.05 if name == "Adam" else 1e-4)
    assert lines[-2] == "by hand and SGD took the same path, to the last bit"
    assert float(re.fullmatch(r"largest value at an end: (\S+)", lines[-1])[1]) < 0.01


def test_the_picture_has_hills_and_curves(done):
    ink = example_runs.ink(done[0] / "runs" / "descent" / "descent.png", 4, 4)
    assert (ink[1:, :2] > 0.02).all()  # the hills
    assert (ink[1:, 2:] > 0.005).all()  # the curves
    assert ink[0, 0] > 0.02  # the title


def test_again_it_gives_the_same_and_another_seed_something_else(done, tmp_path):
    folder, lines = done
    for seed, same in ((0, True), (1, False)):
        again = example_runs.lines("descent", tmp_path, "--quick", "--seed", seed, "--out", seed)
        assert (example_runs.figures(again) == example_runs.figures(lines)) is same
        drawn = [path.read_bytes() for path in (folder / "runs/descent/descent.png", tmp_path / f"{seed}/descent.png")]
        assert (drawn[0] == drawn[1]) is same


def test_the_polynomial_is_himmelblaus(program):
    np.testing.assert_allclose(program.himmelblau(MINIMA), 0, atol=1e-9)
    assert program.himmelblau(np.array([0.0, 0.0])) == 11**2 + 7**2
    check_grads(program.himmelblau, [np.random.default_rng(0).normal(size=(3, 2))], order=2)


def test_by_hand_is_the_rule_of_gradient_descent(program):
    path = program.by_hand(np.array([1.0, -1.0]), 0.01, 2)
    x, y = path[0]
    slope = np.array([4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7), 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7)])
    np.testing.assert_allclose(path[1], path[0] - 0.01 * slope)
    assert path.shape == (3, 2)


def test_steps_that_are_too_large_are_told(tmp_path):
    end = example_runs.job("descent", tmp_path, "--quick", "--lr", 1)
    assert end.returncode == 1
    assert re.fullmatch(r"descent.py: the loss has become (nan|inf); a smaller --lr than 1.0 may help\n", end.stderr)
    assert list((tmp_path / "runs" / "descent").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--start 0 6", "argument --start: '6' is not a number from -5 to 5"),
        ("--start 0", "argument --start: expected 2 arguments"),
        ("--steps 0", "argument --steps: '0' is not a whole number of at least 1"),
        ("--lr -1", "argument --lr: '-1' is not a number above 0"),
        ("--momentum 1", "argument --momentum: '1' is not a share of at least 0 and below 1"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program):
    assert message in example_runs.told(program, options)
