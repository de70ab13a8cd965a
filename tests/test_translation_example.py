"""The translating Transformer: it learns, its masks hold, it decodes greedily, and it says what is wrong."""

from __future__ import annotations

import argparse
import re
import sys

import example_runs
import grad_core as gd
import grad_data as data
import numpy as np
import pytest


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("translation") as module:
        yield module


@pytest.fixture
def model(program):
    words = data.Vocabulary([["a", "b", "c", "d"]])
    return program.Translator(words, words, argparse.Namespace(width=8, heads=2, layers=2, dropout=0.0, seed=1)).eval()


def test_it_learns_to_translate_and_shows_it(tmp_path):
    end = example_runs.job(
        "translation",
        tmp_path,
        "--quick",
        "--say",
        "The old man finds a letter.",
        "A friendly woman must buy the house today.",
    )
    assert (end.returncode, end.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    lines = end.stdout.splitlines()
    rows = [re.fullmatch(r" +(\d) +(\d\.\d{4}) +([\d.]+) % +[\d.]+", line) for line in lines]
    shares = [float(row[3]) for row in rows if row]
    assert len(shares) == 8
    assert shares[-1] > 90 > shares[0]
    share = re.fullmatch(r"test: ([\d.]+) % of the sentences are translated without a mistake", lines[-1])
    assert float(share[1]) > 50
    assert lines[lines.index("  The old man finds a letter.") + 1].startswith("  der alte mann findet ")
    assert lines[lines.index("  A friendly woman must buy the house today.") + 1].startswith("  eine freundliche frau ")
    taken = [float(line.split()[1]) for line in lines if line.count(" % ") == 1 and line.endswith("%")]
    assert len(taken) > 5
    assert max(taken) > 90


def test_padding_and_the_future_count_for_nothing(model):
    source, target = np.array([[1, 4, 5, 2]]), np.array([[1, 6, 7, 4]])
    longer = np.array([[1, 4, 5, 2, 0, 0]])
    changed = np.array([[1, 6, 5, 5]])
    with gd.no_grad():
        scores, padded, other = (
            model(*pair).numpy() for pair in ((source, target), (longer, target), (source, changed))
        )
    assert scores.shape == (1, 4, 8)
    np.testing.assert_allclose(padded, scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other[:, :2], scores[:, :2], rtol=1e-4, atol=1e-5)
    assert np.abs(other[:, 2:] - scores[:, 2:]).max() > 1e-3


def test_each_token_of_a_translation_is_the_likeliest_after_those_before(program, model):
    source = np.array([[1, 4, 5, 2, 0], [1, 7, 6, 5, 2]])
    found = program.greedy(model, source)
    model.eval()
    with gd.no_grad():
        scores = model(source, found[:, :-1]).numpy()
    assert (found[:, 0] == 1).all()
    np.testing.assert_array_equal(scores.argmax(axis=-1), found[:, 1:])
    assert found.shape[1] == program.LONGEST or (found == 2).any(axis=1).all()


def test_only_places_with_words_count(program, model):
    source, target = np.array([[1, 4, 2]] * 2), np.array([[1, 5, 2, 0, 0], [1, 5, 6, 7, 2]])
    with gd.no_grad():
        right = model(source, target[:, :-1]).numpy().argmax(axis=-1) == target[:, 1:]
    assert program.words_right(model, source, target) == pytest.approx((right[0, :2].sum() + right[1].sum()) / 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--sentences 99", "argument --sentences: '99' is not a whole number from 100 to 100000"),
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--width 7", "argument --width: '7' is not an even number of at least 2"),
        ("--width 30 --heads 4", "argument --heads: 4 heads cannot share a width of 30 equally"),
        ("--lr -1", "argument --lr: '-1' is not a number above 0"),
        (f"--say {'old-' * 3 + 'man, ' * 20}", "argument --say: a sentence may have 38 words and signs"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, monkeypatch, capsys):
    arguments = options.split(maxsplit=1) if options.startswith("--say") else options.split()
    monkeypatch.setattr(sys, "argv", ["translation.py", *arguments])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err


def test_unknown_words_are_told(tmp_path):
    end = example_runs.job("translation", tmp_path, "--quick", "--say", "The zebra paints a xylophone.")
    assert end.returncode == 1
    assert end.stderr == "translation.py: the training has no such word: xylophone, zebra\n"


def test_a_training_that_runs_away_says_so(program, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["translation.py", "--quick", "--epochs", "2", "--lr", "1e30"])
    with np.errstate(all="ignore"), pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == "translation.py: the loss has become nan; a smaller --lr than 1e+30 may help"
