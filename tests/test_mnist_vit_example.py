"""The Vision Transformer as its user meets it, on drawn digits: it learns, tokens are patches, errors are told."""

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
RUN = (*QUICK, "--epochs", 6, "--lr", 0.01, "--seed", 3)


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("mnist_vit") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick training on drawn digits: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("mnist_vit", folder, *RUN)


def test_it_says_what_it_does_and_ends_in_the_accuracy(done):
    _, lines = done
    assert lines[0] == "data: Digits, 5,000 images to train on and 2,000 to test on, drawn by a procedure, as asked"
    assert lines[1] == "model: Vision Transformer, 1 layer of 32, on Digits, 11,114 numbers to learn"
    assert sum(line.startswith("epoch ") and "100%" in line for line in lines) == 6
    rows = [re.fullmatch(r" *(\d) +(\d\.\d{4}) +([\d.]+) % +([\d.]+) % +([\d.]+) s", line) for line in lines]
    losses, shares = zip(*((float(row[2]), float(row[4])) for row in rows if row), strict=True)
    assert len(losses) == 6
    assert losses[5] < losses[2] < losses[0]
    assert lines[-1] == f"test accuracy: {shares[-1]:.2f} %"
    assert shares[-1] > 80


def test_the_weights_give_the_accuracy_again(done, program):
    folder, lines = done
    results = folder / "runs" / "mnist_vit"
    assert sorted(path.name for path in results.iterdir()) == ["vit.png", "weights.npz"]
    model = program.VisionTransformer(32, 4, 1, seed=99)
    model.load_state_dict(nn.load(results / "weights.npz"))
    x, y = data.Digits(2000, seed=1).as_arrays(normalize=True)
    with gd.no_grad():
        assert lines[-1] == f"test accuracy: {100 * data.accuracy(model(x[:, None]).numpy(), y):.2f} %"


def test_the_picture_has_something_in_each_of_its_parts(done):
    picture = imread(done[0] / "runs" / "mnist_vit" / "vit.png")[..., :3]
    assert picture.shape == (440, 960, 3)
    inked = (picture.min(axis=2) < 0.98).reshape(10, 44, 10, 96).mean(axis=(1, 3))
    assert inked[:2].max() > 0.01  # title
    assert (inked[3:9, 1] > 0.001).all()  # curves
    assert (inked[3:9, 4:6] > 0.05).all()  # what is looked at
    assert (inked[3:9, 7:9] > 0.03).all()  # mistakes
    colors = (picture[..., 0] - picture[..., 2] > 0.3).reshape(440, 10, 96).mean(axis=(0, 2))
    assert colors[4:6].min() > 0.01  # orange where it is looked at
    assert colors[7:].max() < 0.001


def test_again_it_gives_the_same_to_the_last_bit_and_another_seed_something_else(tmp_path):
    for folder, seed in (("one", 0), ("two", 0), ("three", 1)):
        example_runs.lines("mnist_vit", tmp_path, *QUICK, "--epochs", 1, "--width", 8, "--seed", seed, "--out", folder)
    for name in ("weights.npz", "vit.png"):
        one, two, three = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "three"))
        assert one == two
        assert one != three


def test_a_token_is_a_patch_with_its_place(program):
    model = program.VisionTransformer(8, 2, 1, seed=0)
    images = np.random.default_rng(0).normal(size=(2, 1, 28, 28)).astype(np.float32)
    tokens = model.tokens(images).data
    assert tokens.shape == (2, 17, 8)
    patch = images[1, 0, 14:21, 7:14]  # the third row, the second column
    expected = model.patches.weight.data.reshape(8, 49) @ patch.ravel() + model.patches.bias.data
    np.testing.assert_allclose(tokens[1, 1 + 2 * 4 + 1], expected + model.places.weight.data[10], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tokens[0, 0], model.answer.data[0, 0] + model.places.weight.data[0], rtol=1e-5)


def test_the_looks_are_the_shares_of_the_answer_in_the_last_layer(program):
    model = program.VisionTransformer(8, 2, 2, seed=0)
    images = np.random.default_rng(0).normal(size=(3, 1, 28, 28)).astype(np.float32)
    first, last = model.layers
    with gd.no_grad():
        x = last.norm1(first(model.tokens(images))).numpy()
    asked, found, _ = np.split(x @ last.self_attn.in_proj_weight.data.T + last.self_attn.in_proj_bias.data, 3, axis=2)
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = np.exp((found[:, :, part] @ asked[:, 0, part, None])[..., 0] / 2)
        shares = scores / scores.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.looks(images)[:, head].reshape(3, 16), shares[:, 1:], rtol=1e-4)


def test_without_data_and_network_it_trains_on_digits_or_says_what_to_do(tmp_path):
    end = example_runs.job("mnist_vit", tmp_path, "--data", "mnist")
    assert end.returncode == 1
    assert end.stderr.startswith("mnist_vit.py: MNIST was not found and could not be downloaded:\n")
    lines = example_runs.lines("mnist_vit", tmp_path, "--quick", "--epochs", 1, "--width", 4, "--heads", 1)
    assert "because MNIST was not found and could not be downloaded" in lines[1]


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("mnist_vit", tmp_path, *QUICK, "--width", 4, "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert end.stderr.endswith("mnist_vit.py: the loss has become nan; a smaller --lr than 1e+30 may help\n")
    assert list((tmp_path / "runs" / "mnist_vit").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--width 30", "argument --heads: 4 heads cannot share a width of 30 equally"),
        ("--heads 3", "argument --heads: 3 heads cannot share a width of 64 equally"),
        ("--layers x", "argument --layers: 'x' is not a whole number of at least 1"),
        ("--shift 9", "argument --shift: '9' is not a whole number from 0 to 8"),
        ("--lr 0", "argument --lr: '0' is not a number above 0"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mnist_vit.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
