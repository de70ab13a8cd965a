"""The variational autoencoder as its user meets it, on drawn digits, and the parts of its loss one by one."""

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
    with example_runs.imported("vae") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short training on drawn digits: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("vae", folder, *QUICK, "--epochs", 12, "--seed", 3)


def test_it_says_what_it_does_and_ends_in_what_an_image_costs(done):
    _, lines = done
    assert lines[0] == "data: Digits, 5,000 images to train on and 2,000 to test on, drawn by a procedure, as asked"
    assert lines[1] == "model: 784-128-128-2-128-128-784, 235,540 numbers to learn"
    assert sum(line.startswith("epoch ") and "100%" in line for line in lines) == 12
    rows = [re.fullmatch(r" *(\d+) +([\d.]+) +([\d.]+) +([\d.]+)", line) for line in lines]
    found = [tuple(map(float, row.groups())) for row in rows if row]
    assert [row[0] for row in found] == list(range(13))
    for _, pixels, point, both in found:
        assert pixels + point == pytest.approx(both, abs=0.011)
    end = re.fullmatch(r"test: ([\d.]+) nats for an image; the mean image alone needs ([\d.]+)", lines[-1])
    assert float(end[1]) == found[-1][3]
    assert float(end[1]) < 0.9 * float(end[2]) < found[0][3]
    assert found[-1][2] > 2  # nats: the points say something about their images


def test_the_weights_know_where_digits_belong_and_draw_them_again(done, program):
    results = done[0] / "runs" / "vae"
    assert sorted(path.name for path in results.iterdir()) == ["vae.png", "weights.npz"]
    model = program.Autoencoder(128, gd.random.Generator(99))
    model.load_state_dict(nn.load(results / "weights.npz"))
    x, y = data.Digits(2000, seed=1).as_arrays(flatten=True)
    with gd.no_grad():
        means = model.encode(x)[0].numpy()
    assert (means.std(axis=0) > 0.4).all()
    again = program.decoded(model, means)
    assert again.shape == (2000, 28, 28)
    middles = np.stack([x[y == digit].mean(axis=0) for digit in range(10)])
    nearest = ((again.reshape(2000, 1, 784) - middles) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == y).mean() > 0.25  # two numbers for an image, and nobody has said which digit it is


def test_the_picture_has_something_in_each_of_its_parts(done):
    picture = imread(done[0] / "runs" / "vae" / "vae.png")[..., :3]
    assert picture.shape == (460, 960, 3)
    inked = (picture.min(axis=2) < 0.9).reshape(10, 46, 10, 96).mean(axis=(1, 3))
    assert inked[:2].max() > 0.01  # title
    assert (inked[3:9, [0, 1, 3, 4, 5]] > 0.02).all()  # again, new, the plane
    spread = np.ptp(picture, axis=2) > 0.2
    assert spread[140:, 640:].mean() > 0.005  # points in colours
    assert not spread[:, :620].any()


def test_again_it_gives_the_same_to_the_last_bit_and_another_seed_something_else(tmp_path):
    for folder, seed in (("one", 0), ("two", 0), ("three", 1)):
        example_runs.lines("vae", tmp_path, *QUICK, "--epochs", 1, "--hidden", 8, "--seed", seed, "--out", folder)
    for name in ("weights.npz", "vae.png"):
        one, two, three = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "three"))
        assert one == two
        assert one != three


def test_both_parts_of_the_loss_are_what_they_are_said_to_be(program):
    """A point is drawn as it should be; pixels cost the sum that stands in books, and a point what many draws give."""
    model = program.Autoencoder(4, gd.random.Generator(0))
    images = np.random.default_rng(0).random((3, 784), np.float32)
    state = model.rng.get_state()
    with gd.no_grad():
        scores, mean, log_variance = (part.numpy().astype(float) for part in model(images))
        model.rng.set_state(state)
        pixels, point = (part.item() for part in program.loss_of(model, images))
        model.rng.set_state(state)
        point_drawn = (mean + np.exp(log_variance / 2) * model.rng.normal((3, 2)).numpy()).astype(np.float32)
        np.testing.assert_allclose(model.decoder(point_drawn).numpy(), scores, rtol=1e-4, atol=1e-5)
    ink = 1 / (1 + np.exp(-scores))
    assert pixels == pytest.approx(-(images * np.log(ink) + (1 - images) * np.log(1 - ink)).sum() / 3, rel=1e-5)
    deviation = np.exp(log_variance / 2)
    draws = mean + deviation * np.random.default_rng(1).normal(size=(400_000, 3, 2))
    here = -0.5 * ((draws - mean) / deviation) ** 2 - np.log(deviation)
    assert point == pytest.approx((here + 0.5 * draws**2).mean(axis=0).sum() / 3, abs=0.01)


def test_gradients_pass_by_the_noise_to_mean_and_variance(program):
    model = program.Autoencoder(4, gd.random.Generator(0))
    scores, _, _ = model(np.ones((5, 784), np.float32))
    scores.sum().backward()
    last = model.encoder[-1].weight.grad.numpy()
    assert (np.abs(last).sum(axis=1) > 0).all()  # two rows for means, two for logarithms of variances


def test_the_mean_image_needs_what_its_entropy_says(program):
    half = np.tile([0.0, 1.0, 1.0, 1.0], (4, 1)).T
    assert program.plain_cost(half, half) == pytest.approx(-4 * (0.75 * np.log(0.75) + 0.25 * np.log(0.25)))


def test_without_data_and_network_it_trains_on_digits_or_says_what_to_do(tmp_path):
    end = example_runs.job("vae", tmp_path, "--data", "mnist")
    assert end.returncode == 1
    assert end.stderr.startswith("vae.py: MNIST was not found and could not be downloaded:\n")
    lines = example_runs.lines("vae", tmp_path, "--quick", "--epochs", 1, "--hidden", 4)
    assert "because MNIST was not found and could not be downloaded" in lines[1]


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("vae", tmp_path, *QUICK, "--hidden", 4, "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert end.stderr.endswith("vae.py: the loss has become nan; a smaller --lr than 1e+30 may help\n")
    assert list((tmp_path / "runs" / "vae").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--hidden 1.5", "argument --hidden: '1.5' is not a whole number of at least 1"),
        ("--lr nan", "argument --lr: 'nan' is not a number above 0"),
        ("--data fashion", "argument --data: invalid choice: 'fashion'"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vae.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
