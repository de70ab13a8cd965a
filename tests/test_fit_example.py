"""The two fits: how near they come, what the errors promise, what is printed and drawn, and what is refused."""

from __future__ import annotations

import re

import example_runs
import numpy as np
import pytest


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("fit") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("fit", folder, "--quick")


def test_both_come_nearer_than_the_measurements_and_only_the_law_goes_on(done):
    _, lines = done
    rows = {line[:16].strip(): line[16:].split() for line in lines if line.startswith(("law,", "network,"))}
    (law, law_beyond), (network, network_beyond) = (map(float, rows[name]) for name in ("law, L-BFGS", "network, Adam"))
    assert law < 0.06
    assert network < 0.1  # the noise is 0.15
    assert law_beyond < 0.06
    assert network_beyond > 0.3


def test_the_numbers_of_the_law_are_found_within_their_errors(done):
    _, lines = done
    names = ("amplitude", "damping", "frequency", "phase", "rest")
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(names)}
    assert tuple(rows) == names
    off = []
    for true, found, error in (map(float, row) for row in rows.values()):
        off.append(abs(found - true) / error)
        assert 0 < error < 0.1
    assert max(off) < 4
    assert float(re.fullmatch(r"largest .* numbers: (\d\.\d) standard errors", lines[-1])[1]) == pytest.approx(
        max(off), abs=0.1
    )


def test_the_picture_has_measurements_and_curves(done):
    ink = example_runs.ink(done[0] / "runs" / "fit" / "fit.png", 5, 6)
    assert (ink[1:4, :4] > 0.005).all()
    assert (ink[1:4, 4:] > 0.8).all()  # the part that was not measured is grey
    assert ink[0, 0] > 0.02  # the title


def test_again_it_gives_the_same_and_another_seed_something_else(done, tmp_path):
    folder, lines = done
    for seed, same in ((0, True), (1, False)):
        again = example_runs.lines("fit", tmp_path, "--quick", "--seed", seed, "--out", seed)
        assert (example_runs.figures(again) == example_runs.figures(lines)) is same
        drawn = [path.read_bytes() for path in (folder / "runs/fit/fit.png", tmp_path / f"{seed}/fit.png")]
        assert (drawn[0] == drawn[1]) is same


def test_without_noise_the_law_is_found_to_many_digits(program):
    t = np.linspace(0, 8, 60)
    found, loss = program.fit_law(t, program.law(program.TRUE, t).numpy(), program.GUESS)
    np.testing.assert_allclose(found, program.TRUE, atol=1e-4)
    assert loss < 1e-9


def test_a_frequency_too_far_off_ends_in_another_valley(program):
    rng = np.random.default_rng(1)
    t = np.sort(rng.uniform(0, 8, 150))
    y = program.law(program.TRUE, t).numpy() + 0.15 * rng.normal(size=150)
    near, far = (program.fit_law(t, y, np.array([1.0, 0.1, frequency, 0.0, 0.0])) for frequency in (2.0, 8.0))
    assert near[1] < 0.03
    assert far[1] > 0.2


def test_errors_are_those_of_many_repeated_measurements(program):
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(0, 8, 100))
    clean = program.law(program.TRUE, t).numpy()
    ends = [program.fit_law(t, clean + 0.1 * rng.normal(size=100), program.GUESS) for _ in range(60)]
    spread = np.std([found for found, _ in ends], axis=0)
    claimed = np.mean([program.standard_errors(found, t, loss) for found, loss in ends], axis=0)
    np.testing.assert_allclose(claimed, spread, rtol=0.35)


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("fit", tmp_path, "--steps", 20, "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert re.fullmatch(r"fit.py: the loss has become (nan|inf); a smaller --lr than 1e\+30 may help\n", end.stderr)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--points 19", "argument --points: '19' is not a whole number of at least 20"),
        ("--noise 0", "argument --noise: '0' is not a number above 0"),
        ("--decay -1", "argument --decay: '-1' is not a number of at least 0"),
        ("--steps 0", "argument --steps: '0' is not a whole number of at least 1"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program):
    assert message in example_runs.told(program, options)
