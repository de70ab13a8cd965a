"""The convolutional network on MNIST as its user meets it, on drawn digits, and the parts it adds to the main job."""

from __future__ import annotations

import re
import sys

import example_runs
import grad_core as gd
import grad_data as data
import grad_nn as nn
import numpy as np
import pytest
from matplotlib.image import imread

QUICK = ("--data", "digits", "--quick")


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("mnist_cnn") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick training on drawn digits: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    end = example_runs.job("mnist_cnn", folder, *QUICK, "--seed", 3)
    assert (end.returncode, end.stderr) == (0, "")
    return folder, end.stdout.splitlines()


def test_it_says_what_it_does_and_ends_in_the_accuracy(done):
    _, lines = done
    assert lines[0] == "data: Digits, 5,000 images to train on and 2,000 to test on, drawn by a procedure, as asked"
    assert lines[1] == "network: CNN 6-16-120-10 on Digits, 51,902 numbers to learn"
    bars = [line for line in lines if line.startswith("epoch ") and "%" in line]
    assert [re.match(r"epoch (\d/\d): 100%\|", bar)[1] for bar in bars] == ["1/2", "2/2"]
    rows = [re.fullmatch(r" *(\d) +(\d\.\d{4}) +([\d.]+) % +([\d.]+) % +([\d.]+) s", line) for line in lines]
    found = [row.groups() for row in rows if row]
    assert [row[0] for row in found] == ["1", "2"]
    assert float(found[1][1]) < float(found[0][1])
    assert lines[-1] == f"test accuracy: {found[1][3]} %"
    assert float(found[1][3]) > 90


def test_the_weights_give_the_accuracy_again(done, program):
    folder, lines = done
    results = folder / "runs" / "mnist_cnn"
    assert sorted(path.name for path in results.iterdir()) == ["report.png", "weights.npz"]
    model = program.network((6, 16), 120, gd.random.Generator(99))
    model.load_state_dict(nn.load(results / "weights.npz"))
    x, y = data.Digits(2000, seed=1).as_arrays(normalize=True)
    with gd.no_grad():
        assert lines[-1] == f"test accuracy: {100 * data.accuracy(model(x[:, None]).numpy(), y):.2f} %"


def test_the_picture_has_something_in_each_of_its_parts(done):
    picture = imread(done[0] / "runs" / "mnist_cnn" / "report.png")[..., :3]
    assert picture.shape == (720, 1300, 3)
    inked = (picture.min(axis=2) < 0.98).reshape(10, 72, 10, 130).mean(axis=(1, 3))
    assert inked[:2].max() > 0.01  # title
    assert (inked[2:9, 1] > 0.001).all()  # curves
    assert (inked[3:9, 4:6] > 0.3).all()  # what the filters find
    assert (inked[3:9, 7:9] > 0.03).all()  # mistakes


def test_again_it_gives_the_same_to_the_last_bit_and_another_seed_something_else(done, tmp_path):
    there = done[0] / "runs" / "mnist_cnn"
    for seed, same in ((3, True), (4, False)):
        end = example_runs.job("mnist_cnn", tmp_path, *QUICK, "--seed", seed, "--out", seed)
        assert (end.returncode, end.stderr) == (0, "")
        for name in ("weights.npz", "report.png"):
            assert ((there / name).read_bytes() == (tmp_path / str(seed) / name).read_bytes()) is same


def test_other_sizes_and_no_moves(tmp_path):
    sizes = ("--channels", 8, 4, "--hidden", 16, "--batch-size", 20)
    end = example_runs.job("mnist_cnn", tmp_path, *QUICK, *sizes, "--epochs", 1, "--shift", 0)
    assert (end.returncode, end.stderr) == (0, "")
    assert "network: CNN 8-4-16-10 on Digits, 2,798 numbers to learn" in end.stdout
    assert float(end.stdout.splitlines()[-1].split()[2]) > 60


def test_moved_images_are_the_images_moved(program):
    images = np.random.default_rng(0).random((300, 1, 6, 5), np.float32)
    after = program.moved(images, 2, np.random.default_rng(1))
    assert after.dtype == np.float32
    assert after.shape == images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=images.min())
    seen = set()
    for image, ways in zip(after, wide, strict=True):
        found = [(y, x) for y in range(5) for x in range(5) if (ways[:, y : y + 6, x : x + 5] == image).all()]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 25
    assert program.moved(images, 0, np.random.default_rng(1)) is images


def test_without_data_and_network_it_trains_on_digits_or_says_what_to_do(tmp_path):
    end = example_runs.job("mnist_cnn", tmp_path, "--data", "mnist")
    assert end.returncode == 1
    assert end.stderr.startswith("mnist_cnn.py: MNIST was not found and could not be downloaded:\n")
    end = example_runs.job("mnist_cnn", tmp_path, "--quick", "--epochs", 1, "--channels", 1, 1, "--hidden", 4)
    assert (end.returncode, end.stderr) == (0, "")
    assert "because MNIST was not found and could not be downloaded" in end.stdout.splitlines()[1]


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("mnist_cnn", tmp_path, *QUICK, "--channels", 1, 1, "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert end.stderr.endswith("mnist_cnn.py: the loss has become nan; a smaller --lr than 1e+30 may help\n")
    assert list((tmp_path / "runs" / "mnist_cnn").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--channels 6", "argument --channels: expected 2 arguments"),
        ("--channels 6 0", "argument --channels: '0' is not a whole number of at least 1"),
        ("--shift 9", "argument --shift: '9' is not a whole number from 0 to 8"),
        ("--shift -1", "argument --shift: '-1' is not a whole number from 0 to 8"),
        ("--lr inf", "argument --lr: 'inf' is not a number above 0"),
        ("--seed -1", "argument --seed: '-1' is not a whole number of at least 0"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mnist_cnn.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
