"""AND, OR and XOR: what is learned and what cannot be, what is printed and drawn, and what is refused."""

from __future__ import annotations

import re

import example_runs
import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("gates") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("gates", folder, "--quick")


def test_one_neuron_learns_and_and_or_and_a_layer_learns_all(done):
    _, lines = done
    rows = [re.fullmatch(r"(.{24})(\w+) +([\d. ]+?)( +not learned)?", line) for line in lines]
    rows = [row for row in rows if row]
    assert [(row[1].strip(), row[2]) for row in rows] == [
        (net, gate) for net in ("one neuron", "a layer of 4, and one") for gate in ("AND", "OR", "XOR")
    ]
    for row, learned in zip(rows, [True, True, False, True, True, True], strict=True):
        *chances, loss = map(float, row[3].split())
        wanted = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}[row[2]]
        assert (row[4] is None) == learned
        assert (np.abs(np.subtract(chances, wanted)).max() < 0.2) == learned
        assert (loss < 0.1) == learned
    alone, bound, together = map(float, re.findall(r"\d\.\d{4}", lines[-1]))
    assert alone == bound == 0.6931  # one half, four times, is the best that there is
    assert together < 0.01


def test_the_picture_has_a_field_for_each_net_and_gate(done):
    ink = example_runs.ink(done[0] / "runs" / "gates" / "gates.png", 5, 3)
    assert ink.shape == (5, 3)
    assert (ink[[1, 3]] > 0.2).all()
    assert ink[0, 0] > 0.02  # the title


def test_again_it_gives_the_same_and_another_seed_something_else(done, tmp_path):
    folder, lines = done
    for seed, same in ((0, True), (1, False)):
        again = example_runs.lines("gates", tmp_path, "--quick", "--seed", seed, "--out", seed)
        assert (example_runs.figures(again) == example_runs.figures(lines)) is same
        drawn = [path.read_bytes() for path in (folder / "runs/gates/gates.png", tmp_path / f"{seed}/gates.png")]
        assert (drawn[0] == drawn[1]) is same


def test_chances_are_those_of_the_log_odds(program):
    model = nn.Linear(2, 1, generator=gd.random.Generator(0))
    odds = np.exp(program.INPUTS @ model.weight.data[0] + model.bias.data[0])
    np.testing.assert_allclose(program.chances(model, program.INPUTS), odds / (1 + odds), rtol=1e-6)


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("gates", tmp_path, "--steps", 50, "--lr", "1e38", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert re.fullmatch(r"gates.py: the loss has become (nan|inf); a smaller --lr than 1e\+38 may help\n", end.stderr)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--hidden 0", "argument --hidden: '0' is not a whole number of at least 1"),
        ("--steps some", "argument --steps: 'some' is not a whole number of at least 1"),
        ("--lr 0", "argument --lr: '0' is not a number above 0"),
        ("--seed -1", "argument --seed: '-1' is not a whole number of at least 0"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program):
    assert message in example_runs.told(program, options)
