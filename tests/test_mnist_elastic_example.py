"""The network that learns from bent images as its user meets it, on drawn digits, and what it adds to the main job."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import grad_core as gd
import grad_data as data
import grad_nn as nn
import matplotlib as mpl
import numpy as np
import pytest

PROGRAM = Path(__file__).parents[1] / "examples" / "mnist_elastic.py"
QUICK = ("--data", "digits", "--quick", "--hidden", 64)


def job(folder, *arguments, **environment):
    """Run the program to its end."""
    plain = {"MPLCONFIGDIR": mpl.get_cachedir(), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    surroundings = {**os.environ, **plain, **environment}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture
def program(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # the program sets it, and pytest takes it back
    monkeypatch.syspath_prepend(PROGRAM.parent)
    yield importlib.import_module("mnist_elastic")
    for name in ("mnist_elastic", "mnist_mlp", "_mnist_picture"):
        sys.modules.pop(name)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick training on drawn digits: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    end = job(folder, *QUICK, "--seed", 3)
    assert (end.returncode, end.stderr) == (0, "")
    return folder, end.stdout.splitlines()


def test_it_says_what_it_does_and_ends_in_the_accuracy(done):
    _, lines = done
    assert lines[1] == "network: 784-64-10 on bent Digits, 50,890 numbers to learn"
    rows = [re.fullmatch(r" *(\d) +(\d\.\d{4}) +([\d.]+) % +([\d.]+) % +([\d.]+) s", line) for line in lines]
    found = [row.groups() for row in rows if row]
    assert [row[0] for row in found] == ["1", "2"]
    assert float(found[1][1]) < float(found[0][1])
    assert lines[-1] == f"test accuracy: {found[1][3]} %"
    assert float(found[1][3]) > 75


def test_the_weights_give_the_accuracy_again_on_images_that_are_not_bent(done, program):
    folder, lines = done
    results = folder / "runs" / "mnist_elastic"
    assert sorted(path.name for path in results.iterdir()) == ["report.png", "weights.npz"]
    model = program.network([784, 64, 10], 0.0, gd.random.Generator(99))
    model.load_state_dict(nn.load(results / "weights.npz"))
    x, y = data.Digits(2000, seed=1).as_arrays(flatten=True, normalize=True)
    with gd.no_grad():
        assert lines[-1] == f"test accuracy: {100 * data.accuracy(model(x).numpy(), y):.2f} %"


def test_again_it_gives_the_same_to_the_last_bit_and_another_seed_something_else(done, tmp_path):
    """Although a thread makes the batches."""
    there = done[0] / "runs" / "mnist_elastic"
    for seed, same in ((3, True), (4, False)):
        end = job(tmp_path, *QUICK, "--seed", seed, "--out", seed)
        assert (end.returncode, end.stderr) == (0, "")
        for name in ("weights.npz", "report.png"):
            assert ((there / name).read_bytes() == (tmp_path / str(seed) / name).read_bytes()) is same


def test_a_batch_is_bent_and_then_normalised(program):
    images, labels = data.Digits(50, seed=0).as_arrays()
    images = images.reshape(-1, 28, 28)
    plain, same = program.distortion(0, 4.0, 0)(images, labels)
    assert plain.shape == (50, 784)
    np.testing.assert_allclose(plain * 0.3081 + 0.1307, images.reshape(50, 784), atol=1e-6)
    assert same is labels
    paper = (0 - 0.1307) / 0.3081
    for options in ((25.0, 4.0, 0), (0, 4.0, 8.0), (25.0, 4.0, 8.0)):
        bent, _ = program.distortion(*options)(images, labels)
        assert bent.dtype == np.float32
        moved = np.abs(bent - plain).mean(axis=1)
        assert (moved > 0.02).all()
        assert (moved < 0.8).all()  # still the same digit
        assert bent[:, 0] == pytest.approx(paper)  # paper comes in from outside


def test_a_training_that_runs_away_says_so(tmp_path):
    end = job(tmp_path, *QUICK, "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert end.stderr.endswith("mnist_elastic.py: the loss has become nan; a smaller --lr than 1e+30 may help\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--alpha -1", "argument --alpha: '-1' is not a number of at least 0"),
        ("--sigma 0", "argument --sigma: '0' is not a number above 0"),
        ("--degrees 91", "argument --degrees: '91' is not an angle from 0 to 90"),
        ("--seed -1", "argument --seed: '-1' is not a whole number of at least 0"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mnist_elastic.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
