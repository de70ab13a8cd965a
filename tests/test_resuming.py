"""A training that was saved and loaded goes on as if it had never stopped, to the last bit."""

from __future__ import annotations

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
import pytest
from grad_nn.errors import StateDictError

ROWS, WIDTH = 200, 6
BATCHES = 10  # in an epoch
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(ROWS, WIDTH)).astype(np.float32)
LABELS = RNG.integers(0, 3, ROWS)


class Training:
    """What a training consists of; with another seed all of it is different."""

    def __init__(self, seed, make=optim.Adam):
        self.rng = gd.random.Generator(seed)
        self.model = nn.Sequential(
            nn.Linear(WIDTH, 16, generator=self.rng),
            nn.ReLU(),
            nn.Dropout(0.4, generator=self.rng),
            nn.LayerNorm(16),
            nn.Dropout(0.2),  # draws from the default Generator
            nn.Linear(16, 3, generator=self.rng),
        )
        self.optimizer = make(self.model.parameters(), lr=0.01)
        self.loader = data.DataLoader((INPUTS, LABELS), ROWS // BATCHES, shuffle=True, seed=seed)
        self.default = gd.random.default_generator()
        self.default.seed(seed)
        self.losses = []

    def parts(self):
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "rng": self.rng,
            "default": self.default,
            "order": self.loader,
        }

    def epoch(self):
        for images, labels in self.loader:
            loss = nn.CrossEntropyLoss()(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())

    def bits(self):
        return {name: array.tobytes() for name, array in self.model.state_dict().items()}, self.losses


@pytest.mark.parametrize("make", [optim.Adam, optim.SGD, optim.RMSprop])
def test_10_steps_a_checkpoint_and_10_more_are_20(make, tmp_path):
    straight = Training(0, make)
    straight.epoch()
    straight.epoch()
    assert len(straight.losses) == 2 * BATCHES

    first = Training(0, make)
    first.epoch()
    nn.save_checkpoint(tmp_path / "c.npz", losses=first.losses, **first.parts())
    second = Training(1, make)
    second.epoch()  # it must all be replaced, whatever was there
    rest = nn.load_checkpoint(tmp_path / "c.npz", **second.parts())
    second.losses = rest["losses"]
    second.epoch()
    assert second.bits() == straight.bits()


@pytest.mark.parametrize("left_out", ["model", "optimizer", "rng", "default", "order"])
def test_without_any_one_part_it_would_not(left_out, tmp_path):
    """So that the test above tests each of them."""
    first = Training(0)
    first.epoch()
    nn.save_checkpoint(tmp_path / "c.npz", **first.parts())
    first.default.seed(2)
    first.epoch()
    second = Training(1)
    parts = second.parts()
    nn.load_checkpoint(tmp_path / "c.npz", **parts)
    second.default.seed(2)
    second.epoch()
    assert second.bits()[0] == first.bits()[0]  # where all is right

    third = Training(1)
    del (parts := third.parts())[left_out]
    nn.load_checkpoint(tmp_path / "c.npz", **parts)
    if left_out != "default":
        third.default.seed(2)
    third.epoch()
    assert third.bits()[0] != first.bits()[0]


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path):
    first = Training(0)
    first.epoch()
    nn.save_checkpoint(
        tmp_path / "c.npz", **{**first.parts(), "optimizer": optim.SGD(first.model.parameters(), lr=1.0)}
    )
    second, twin = Training(1), Training(1)
    second.epoch()
    twin.default.seed(1)
    twin.epoch()
    with pytest.raises(StateDictError, match=r"optimizer: (.|\n)*betas"):
        nn.load_checkpoint(tmp_path / "c.npz", **second.parts())
    state = second.default.get_state()
    second.epoch()
    twin.default.set_state(state)
    twin.epoch()
    assert second.bits() == twin.bits()
