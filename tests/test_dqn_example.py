"""The Q-network as its user meets it: it learns to balance, in a world that keeps energy, and it says what is wrong."""

from __future__ import annotations

import re
import sys

import example_runs
import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
import pytest
from matplotlib.image import imread


@pytest.fixture(scope="module")
def program():
    with example_runs.imported("dqn") as module:
        yield module


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick training: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    return folder, example_runs.lines("dqn", folder, "--quick")


def test_it_learns_to_balance_and_says_how_well(done):
    _, lines = done
    chance = re.fullmatch(r"pushed at random, a pole stands for (\d+) moments of 0.02 s; 500 are wanted", lines[0])
    assert 15 < float(chance[1]) < 30
    assert lines[1].startswith("learning: 100%|")
    rows = [re.fullmatch(r" *(\d+) +([\d.]+)", line) for line in lines]
    found = [(int(row[1]), float(row[2])) for row in rows if row]
    assert (found[0][0], found[-1][0]) == (0, 1500)
    end = re.fullmatch(r"of 200 poles (\d+) stand to the end; on average ([\d.]+) moments of 500", lines[-1])
    assert float(end[2]) > 5 * float(chance[1])


def test_the_weights_balance_again(done, program):
    results = done[0] / "runs" / "dqn"
    assert sorted(path.name for path in results.iterdir()) == ["dqn.png", "weights.npz"]
    model = program.network(99)
    model.load_state_dict(nn.load(results / "weights.npz"))
    assert f"on average {program.balance(model, 200, 0).mean():.1f} moments" in done[1][-1]


def test_the_picture_has_something_in_each_of_its_parts(done):
    picture = imread(done[0] / "runs" / "dqn" / "dqn.png")[..., :3]
    assert picture.shape == (440, 960, 3)
    inked = (picture.min(axis=2) < 0.98).reshape(10, 44, 10, 96).mean(axis=(1, 3))
    assert inked[:2].max() > 0.01  # title
    assert (inked[3:9, 1] > 0.001).all()  # learning
    assert (inked[3:8, 5] > 0.5).all()  # what it does
    orange = (picture[..., 0] - picture[..., 2] > 0.5).reshape(440, 10, 96).mean(axis=(0, 2))
    blue = (picture[..., 2] - picture[..., 0] > 0.5).reshape(440, 10, 96).mean(axis=(0, 2))
    assert min(orange[1], blue[1], orange[7], blue[7]) > 0.0005  # by chance, and by the network


def test_again_it_gives_the_same_to_the_last_bit_and_another_seed_something_else(tmp_path):
    for folder, seed in (("one", 0), ("two", 0), ("three", 1)):
        example_runs.lines("dqn", tmp_path, "--steps", 200, "--seed", seed, "--out", folder)
    for name in ("weights.npz", "dqn.png"):
        one, two, three = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "three"))
        assert one == two
        assert one != three


def energy(states, force):
    """Of cart and pole, less what a constant force has put in."""
    place, speed, angle, turning = (states[:, column] for column in range(4))
    across, up = speed + 0.5 * gd.cos(angle) * turning, -0.5 * gd.sin(angle) * turning  # of the middle of the pole
    moving = 0.5 * speed**2 + 0.05 * (across**2 + up**2) + 0.5 * (0.1 / 12) * turning**2
    return moving + 0.1 * 9.8 * 0.5 * gd.cos(angle) - force * place


def test_the_world_keeps_energy_but_for_what_pushes_put_in(program):
    """An independent check of the equations: along what they say, the energy does not change."""
    rng = np.random.default_rng(0)
    carts = program.Carts(50, rng)
    carts.states[:] = before = rng.uniform(-1, 1, (50, 4)) * (2, 2, 0.2, 2)
    right = rng.integers(2, size=50)
    change = (carts.push(right)[0] - before) / 0.02
    uphill = gd.grad(lambda states: energy(states, np.where(right, 10.0, -10.0)).sum())(gd.tensor(before)).numpy()
    assert np.abs(uphill * change).max() > 1
    np.testing.assert_allclose((uphill * change).sum(axis=1), 0, atol=1e-10)


def test_a_pole_left_alone_falls_the_way_it_leans_and_the_cart_begins_anew(program):
    carts = program.Carts(2, np.random.default_rng(0))
    carts.states[:] = [[0, 0, 0.208, 0.5], [2.39, 1, 0, 0]]
    after, fallen = carts.push(np.array([0, 1]))
    assert fallen.all()
    assert after[0, 2] > program.LIMIT_ANGLE
    assert after[1, 0] > program.LIMIT_X
    assert (np.abs(carts.states) <= 0.05).all()
    assert (carts.ages == 0).all()


def test_a_pole_that_stands_to_the_end_has_not_fallen(program):
    carts = program.Carts(1, np.random.default_rng(0))
    carts.ages[:] = program.LONGEST - 1
    before = carts.states
    after, fallen = carts.push(np.array([1]))
    assert not fallen.any()
    np.testing.assert_allclose(after, before, atol=0.5)
    assert carts.ages[0] == 0


def test_the_memory_forgets_the_oldest_and_draws_from_the_rest(program):
    memory = program.Memory(5)
    rng = np.random.default_rng(0)
    for first in (0, 2, 4):
        numbers = np.arange(first, first + 2)
        memory.add(np.tile(numbers[:, None], 4), numbers % 2, np.tile(numbers[:, None], 4) + 10, numbers == 3)
    before, pushes, after, fallen = memory.draw(200, rng)
    assert set(before[:, 0].tolist()) == {1, 2, 3, 4, 5}  # 0 has been forgotten
    np.testing.assert_array_equal(after, before + 10)
    np.testing.assert_array_equal(pushes, before[:, 0] % 2)
    np.testing.assert_array_equal(fallen, before[:, 0] == 3)
    young = program.Memory(5)
    young.add(np.ones((2, 4)), np.ones(2), np.ones((2, 4)), np.zeros(2))
    assert (young.draw(100, rng)[0] == 1).all()  # nothing that was never written


def test_what_is_wanted_of_a_push_is_what_followed(program):
    """Learned over and over from one fall and one moment after it, the values come to what they must be."""
    model, target = program.network(0), program.network(1)
    before = np.array([[0, 0, 0.2, 1], [1, 0, 0, 0]], np.float32)
    after = np.array([[0, 0, 0.3, 2], [1.2, 0, 0, 0]], np.float32)
    batch = before, np.array([1, 0]), after, np.array([1, 0], np.float32)
    optimizer = optim.Adam(model.parameters(), 0.003)
    for _ in range(400):
        loss = program.learn(model, target, optimizer, batch, 0.9)
    assert loss < 1e-5
    found = program.values(model, before)
    assert found[0, 1] == pytest.approx(-1, abs=0.02)
    best = program.values(model, after)[1].argmax()
    later = 0.9 * program.values(target, after)[1, best] - program.AWAY * (1.2 / 2.4) ** 2 / 2
    assert found[1, 0] == pytest.approx(later, abs=0.02)


def test_the_second_network_follows_by_a_share(program):
    model, target = program.network(0), program.network(1)
    started = target[0].weight.data.copy()
    program.follow(target, model, 0.25)
    np.testing.assert_allclose(target[0].weight.data, 0.75 * started + 0.25 * model[0].weight.data, rtol=1e-5)
    assert isinstance(target[0].weight, gd.Tensor)


def test_a_training_that_runs_away_says_so(tmp_path):
    end = example_runs.job("dqn", tmp_path, "--quick", "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert re.search(r"dqn\.py: the loss has become (nan|inf); a smaller --lr than 1e\+30 may help\n$", end.stderr)
    assert list((tmp_path / "runs" / "dqn").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--steps 0", "argument --steps: '0' is not a whole number of at least 1"),
        ("--carts 2.5", "argument --carts: '2.5' is not a whole number of at least 1"),
        ("--discount 1", "argument --discount: '1' is not a share of at least 0 and below 1"),
        ("--follow -0.1", "argument --follow: '-0.1' is not a share of at least 0 and below 1"),
        ("--lr 0", "argument --lr: '0' is not a number above 0"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, program, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dqn.py", *options.split()])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
