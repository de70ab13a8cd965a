"""Newton's method: where it ends and how fast, its parts, what is printed and drawn, and what is refused."""

from __future__ import annotations

import re

import example_runs
import grad_core as gd
import numpy as np
import pytest


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("newton") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("newton", folder, "--quick")


def test_newton_ends_where_the_others_do_not_come_near(done):
    _, lines = done
    row = r" *([\d,]+)  (.{17}) *(\d+) +(\d+) +(\S+) +(\S+) +\S+"
    found = [re.fullmatch(row, line) for line in lines]
    runs = {(line[1], line[2].strip()): [float(part) for part in line.groups()[2:]] for line in found if line}
    assert [name for _, name in runs] == [
        "Newton",
        "L-BFGS",
        "gradient descent",
        "Newton-CG",
        "L-BFGS",
        "gradient descent",
    ]
    for size, name in (("10", "Newton"), ("7,850", "Newton-CG")):
        steps, passes, gradient, loss = runs[size, name]
        assert steps < 20
        assert passes < 1000
        assert gradient < 1e-9
        assert loss == pytest.approx(runs[size, "L-BFGS"][3], abs=1e-10)
        assert runs[size, "L-BFGS"][2] < 1e-6
        assert runs[size, "gradient descent"][2] > 1e-3
        assert runs[size, "gradient descent"][3] > loss + 1e-3
    assert re.fullmatch(r"Newton's gradients at the end: \d+e-\d+ with the matrix, \d+e-\d+ without", lines[-1])


def test_the_picture_has_both_problems(done):
    ink = example_runs.ink(done[0] / "runs" / "newton" / "newton.png", 4, 2)
    assert (ink[1:] > 0.01).all()
    assert ink[0, 0] > 0.02  # the title


def test_again_it_gives_the_same_and_another_seed_something_else(done, tmp_path):
    folder, _ = done
    for seed, same in ((0, True), (1, False)):
        example_runs.lines("newton", tmp_path, "--quick", "--seed", seed, "--out", seed)
        drawn = [path.read_bytes() for path in (folder / "runs/newton/newton.png", tmp_path / f"{seed}/newton.png")]
        assert (drawn[0] == drawn[1]) is same


def test_on_a_parabola_a_single_step_is_enough(program):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    a = a @ a.T + np.eye(6)
    b = rng.normal(size=6)

    def parabola(w):
        return w @ (a @ w) / 2 - b @ w

    w, track = program.newton(parabola, np.zeros(6), 5)
    assert len(track) == 2
    np.testing.assert_allclose(w, np.linalg.solve(a, b), rtol=1e-9)
    assert track[-1][0] == 1 + 2 * 6 + 1  # a gradient, a Hessian, a gradient
    w, track = program.newton_cg(parabola, np.zeros(6), 50)
    np.testing.assert_allclose(w, np.linalg.solve(a, b), rtol=1e-7)
    assert track[-1][1] < program.ENOUGH


def test_a_step_that_goes_up_is_made_shorter(program):
    def valley(w):
        return gd.sqrt(1 + gd.square(w)).sum()

    w, value, g = np.array([3.0]), np.sqrt(10), np.array([3 / np.sqrt(10)])
    assert program.shorter(valley, w, value, g, np.array([-3.0])) == 1
    assert program.shorter(valley, w, value, g, np.array([-20.0])) == 0.25
    newton = program.newton(valley, w, 30)  # full steps would go from 3 to -27 and on
    assert abs(newton[0][0]) < 1e-8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--images 0", "argument --images: '0' is not a whole number of at least 1"),
        ("--steps -5", "argument --steps: '-5' is not a whole number of at least 1"),
        ("--ridge 0", "argument --ridge: '0' is not a number above 0"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program):
    assert message in example_runs.told(program, options)
