"""The character language model: it predicts, it sees no future, it learns, and it says what is wrong."""

from __future__ import annotations

import argparse
import re
import sys

import example_runs
import grad_core as gd
import numpy as np
import pytest

SMALL = ("--layers", "1", "--width", "16", "--heads", "2", "--context", "12", "--length", "40")


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("char_lm") as module:
        yield module


@pytest.fixture
def run(program, tmp_path, monkeypatch, capsys):
    """Run the program on this text; returns the status, what it printed, and its complaints."""

    def run(*options, text="the cat sat on the mat. " * 600):
        (tmp_path / "text.txt").write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["char_lm.py", "--text", str(tmp_path / "text.txt"), *map(str, options)])
        try:
            program.main()
        except SystemExit as end:
            return end.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return run


def test_the_pages_of_the_repository_are_learned_from(tmp_path):
    shown = example_runs.lines("char_lm", tmp_path, "--quick", "--steps", 60, "--length", 80)
    without = float(re.search(r"^(\d\.\d\d) where only their frequencies", "\n".join(shown), re.MULTILINE)[1])
    assert float(re.fullmatch(r"test: (\d\.\d{3}) bits per character", shown[-1])[1]) < without
    assert list(tmp_path.iterdir()) == []


def test_it_learns_a_text_without_surprises_and_writes_it(run):
    status, shown, complaints = run(*SMALL, "--steps", 150, "--lr", 0.01, "--dropout", 0, "--start", "the cat")
    assert (status, complaints) == (0, "")
    before, after = (shown.partition(f" {when} training ")[2].splitlines()[1] for when in ("before", "after"))
    assert before.startswith("the cat")
    assert after.startswith("the cat sat on the mat. the cat sat")
    assert before != after
    assert float(shown.split()[-4]) < 0.4


def test_the_same_options_give_the_same_numbers(run):
    def figures(shown):
        return re.sub(r"\d+\.\d$|in all .*", "", shown, flags=re.MULTILINE)

    first, again, other = (run(*SMALL, "--steps", 20, "--start", "t", "--seed", seed)[1] for seed in (0, 0, 1))
    assert figures(first) == figures(again)
    assert figures(first) != figures(other)


def test_scores_depend_on_nothing_later(program):
    sizes = argparse.Namespace(width=8, layers=2, heads=2, context=10, dropout=0.0)
    model = program.Writer(5, sizes, gd.random.Generator(0))
    ids = np.random.default_rng(0).integers(5, size=(3, 10))
    changed = ids.copy()
    changed[:, 6:] = (ids[:, 6:] + 1) % 5
    with gd.no_grad():
        first, second = model(ids).numpy(), model(changed).numpy()
        np.testing.assert_allclose(model(ids[:, :4]).numpy(), first[:, :4], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(first[:, :6], second[:, :6])
    assert (np.abs(first[:, 6:] - second[:, 6:]).max(axis=2) > 1e-4).all()


@pytest.mark.parametrize("quick", [False, True])
def test_what_is_tested_on_is_not_trained_on(program, quick):
    ids = np.arange(43_210)
    train, test = program.split(ids, 64, quick)
    assert test.shape[1] == 65
    assert (np.diff(test) == 1).all()
    assert not set(train) & set(test.ravel())
    assert len(train) == 39_210
    assert len(test) == (30 if quick else 60)


def test_bits_are_those_of_the_scores(program):
    chances = np.array([0.5, 0.25, 0.125, 0.125])

    def model(ids):
        return gd.tensor(np.broadcast_to(np.log(chances), (*ids.shape, 4)))

    model.eval = model.train = lambda: None
    windows = np.array([[3, 0, 0, 1]] * 100 + [[0, 2, 3, 3]] * 37)
    assert program.measure(model, windows) == pytest.approx((100 * (1 + 1 + 2) + 37 * 9) / (3 * 137), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--steps 0", "argument --steps: '0' is not a whole number of at least 1"),
        ("--context 501", "argument --context: '501' is not a whole number from 1 to 500"),
        ("--temperature 0", "argument --temperature: '0' is not a number above 0"),
        ("--dropout 1", "argument --dropout: '1' is not a share of at least 0 and below 1"),
        ("--width 30 --heads 4", "argument --heads: 4 heads cannot share a width of 30 equally"),
        ("--start=", "argument --start: it must have a character at least"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, run):
    status, shown, complaints = run(*options.split())
    assert (status, shown) == (2, "")
    assert message in complaints


def test_what_cannot_be_learned_from_is_told(run):
    assert run(text="short")[0] == "char_lm.py: the text has 5 characters, and 10,000 are the least to learn from"
    assert run("--start", "the dog")[0] == "char_lm.py: the text to learn from has no 'dg': give another --start"
    assert run("--text", "nowhere")[0].startswith("char_lm.py: the text cannot be read: ")


def test_a_training_that_runs_away_says_so(run):
    with np.errstate(all="ignore"):
        status, *_ = run(*SMALL, "--steps", 50, "--lr", 1e30, "--start", "t")
    assert status == "char_lm.py: the loss has become nan; a smaller --lr than 1e+30 may help"
