"""What a training does around its steps: several batches as one, going on after a stop, updates by hand."""

from __future__ import annotations

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
import pytest

OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: optim.Adam(params, lr=0.01),
    "AdamW": lambda params: optim.AdamW(params, lr=0.01),
    "NAdam": lambda params: optim.NAdam(params, lr=0.01),
    "Lion": lambda params: optim.Lion(params, lr=0.001),
    "LAMB": lambda params: optim.LAMB(params, lr=0.01),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def network(seed=0, dropout=0.0, dtype="float64"):
    rng = gd.random.Generator(seed)
    return nn.Sequential(
        nn.Linear(6, 8, generator=rng, dtype=dtype),
        nn.Tanh(),
        nn.Dropout(dropout, generator=rng),
        nn.Linear(8, 3, generator=rng, dtype=dtype),
    ), rng


def batches(count, size, seed=1):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(size, 6)), rng.integers(0, 3, size=size)) for _ in range(count)]


@each_optimizer
def test_micro_batches_equal_one_batch(make):
    """Row C3: losses divided by the number of parts, gradients added up, one step."""
    (whole, _), (parts, _) = network(), network()
    one, other = make(whole.parameters()), make(parts.parameters())
    loss_of = nn.CrossEntropyLoss()
    for x, y in batches(5, 32):
        one.zero_grad()
        loss_of(whole(gd.tensor(x)), gd.tensor(y)).backward()
        one.step()
        other.zero_grad()
        for k in range(4):
            part = slice(8 * k, 8 * k + 8)
            (loss_of(parts(gd.tensor(x[part])), gd.tensor(y[part])) / 4).backward()
        other.step()
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-9, atol=1e-12)


@each_optimizer
def test_a_checkpoint_goes_on_bit_for_bit(make):
    """Row C6: model, optimizer, schedule and Generator, with clipping and dropout."""

    def job(model, optimizer, scheduler, data):
        loss_of = nn.CrossEntropyLoss()
        for x, y in data:
            optimizer.zero_grad()
            loss_of(model(gd.tensor(x)), gd.tensor(y)).backward()
            optim.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            scheduler.step()

    def begin(seed):
        model, rng = network(seed, dropout=0.3, dtype="float32")
        optimizer = make(model.parameters())
        return model, rng, optimizer, optim.lr_scheduler.OneCycleLR(optimizer, 0.05, 20)

    data = [(x.astype(np.float32), y) for x, y in batches(20, 8)]
    model, rng, optimizer, scheduler = begin(0)
    job(model, optimizer, scheduler, data[:11])
    saved = [each.state_dict() for each in (model, optimizer, scheduler)]
    state = rng.get_state()
    job(model, optimizer, scheduler, data[11:])
    again, other_rng, other, schedule = begin(5)
    for each, values in zip((again, other, schedule), saved, strict=True):
        each.load_state_dict(values)
    other_rng.set_state(state)
    job(again, other, schedule, data[11:])
    for p, q in zip(model.parameters(), again.parameters(), strict=True):
        assert p.data.tobytes() == q.data.tobytes()


def test_updates_by_hand_are_those_of_sgd():
    """Row C8: no optimizer is needed."""
    (model, _), (by_hand, _) = network(), network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss_of = nn.CrossEntropyLoss()
    for x, y in batches(5, 16):
        optimizer.zero_grad()
        loss_of(model(gd.tensor(x)), gd.tensor(y)).backward()
        optimizer.step()
        for p in by_hand.parameters():
            p.grad = None
        loss_of(by_hand(gd.tensor(x)), gd.tensor(y)).backward()
        for p in by_hand.parameters():
            p.data -= 0.1 * p.grad.data
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
