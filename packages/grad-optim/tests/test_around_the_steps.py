"""Early stopping, and the learning-rate range test."""

import math

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest


class Thing:
    """Something with a state."""

    def __init__(self):
        self.values = np.zeros(3)

    def state_dict(self):
        return {"values": self.values}  # not a copy

    def load_state_dict(self, state):
        self.values = state["values"]


# measures, options, the epoch in which it stops (or None), the best epoch
CASES = [
    ([3, 2, 1], {}, None, 3),
    ([3, 2, 2.5, 2.5], {}, 4, 2),
    ([3, 2, 2.5, 1, 1, 1], {}, 6, 4),
    ([1, 1, 1], {}, 3, 1),  # equal is not better
    ([1, 0.95, 0.9], {"min_delta": 0.15}, 3, 1),
    ([1, 0.95, 0.84, 0.8], {"min_delta": 0.15}, None, 3),
    ([0.1, 0.2, 0.1, 0.15], {"mode": "max"}, 4, 2),
    ([0.1, 0.2, 0.3], {"mode": "max", "min_delta": 0.15}, None, 3),
    ([2, math.nan, math.nan], {}, 3, 1),
    ([math.nan, math.nan], {}, 2, 0),
    ([math.inf, 1, 2, 2], {}, 4, 2),
    ([2, 3], {"patience": 1}, 2, 1),
]


@pytest.mark.parametrize(("measures", "options", "stop", "best"), CASES)
def test_when_it_is_time_to_stop(measures, options, stop, best):
    stopping = optim.EarlyStopping(**{"patience": 2, **options})
    answers = [stopping.step(measure) for measure in measures]
    assert answers == [epoch == stop for epoch in range(1, len(measures) + 1)]
    assert stopping.stopped is (stop is not None)
    assert stopping.best_epoch == best
    assert stopping.last_epoch == len(measures)
    assert stopping.num_bad_epochs == len(measures) - best
    if best:
        assert stopping.best == measures[best - 1]


def test_the_best_state_comes_back_however_often():
    thing = Thing()
    stopping = optim.EarlyStopping(keep=thing)
    for measure in (3.0, 1.0, 2.0):
        thing.values += 1
        stopping.step(measure)
    for _ in range(2):
        stopping.restore()
        assert thing.values.tolist() == [2, 2, 2]
        thing.values += 10


def test_it_goes_on_from_its_state_dict():
    thing, other = Thing(), Thing()
    first, second = optim.EarlyStopping(2, keep=thing), optim.EarlyStopping(2, keep=other)
    thing.values += 7
    assert [first.step(measure) for measure in (1.0, 2.0)] == [False, False]
    saved = first.state_dict()
    thing.values += 1
    second.load_state_dict(saved)
    saved["kept"]["values"][:] = -1  # it is a copy in both directions
    assert second.step(3.0)
    second.restore()
    assert other.values.tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"patience": 0}, ValueError, "EarlyStopping: patience must be a whole number of at least 1, and 0 was given"),
        ({"min_delta": -1}, ValueError, "min_delta must be a finite number of at least 0"),
        ({"mode": "best"}, ValueError, "mode must be one of 'min', 'max', and 'best' was given"),
        ({"keep": 3}, TypeError, "keep is a int, which has no state_dict and load_state_dict: pass the model"),
    ],
)
def test_what_early_stopping_refuses(options, error, text):
    with pytest.raises(error, match=text):
        optim.EarlyStopping(**options)


def test_what_cannot_be_restored_or_loaded():
    with pytest.raises(ValueError, match="nothing is kept, so nothing can be restored: pass keep=model"):
        optim.EarlyStopping().restore()
    stopping = optim.EarlyStopping(keep=Thing())
    stopping.step(math.nan)
    with pytest.raises(ValueError, match="none of the 1 measures so far is a best one"):
        stopping.restore()
    for wrong in (None, {}, {**stopping.state_dict(), "more": 1}):
        with pytest.raises(ValueError, match="does not fit, and nothing was loaded: it must have the keys"):
            stopping.load_state_dict(wrong)
    assert stopping.last_epoch == 1


def problem(curvature=1.0):
    w = gd.tensor([3.0, -3.0], requires_grad=True)
    seen = []

    def closure_of(optimizer):
        def closure():
            optimizer.zero_grad()
            seen.append([group["lr"] for group in optimizer.param_groups])
            loss = (curvature * (w * w)).sum()
            loss.backward()
            return loss

        return closure

    return w, seen, closure_of


def test_the_rates_grow_by_one_factor_and_keep_their_ratios():
    w, seen, closure_of = problem()
    other = gd.zeros(2, requires_grad=True)
    optimizer = optim.SGD([{"params": [w], "lr": 0.2}, {"params": [other], "lr": 0.4}], lr=0.1)
    found = optim.lr_range_test(optimizer, closure_of(optimizer), start_lr=1e-3, end_lr=0.1, num_iter=21)
    np.testing.assert_allclose(found.lrs, np.geomspace(1e-3, 0.1, 21))
    np.testing.assert_allclose(np.array(seen)[:, 1], found.lrs)
    np.testing.assert_allclose(np.array(seen)[:, 0], 0.5 * np.array(found.lrs))
    assert found.losses[0] == 18.0
    average = 0.0
    for i, (loss, smooth) in enumerate(zip(found.losses, found.smoothed, strict=True), 1):
        average = 0.9 * average + 0.1 * loss
        assert smooth == pytest.approx(average / (1 - 0.9**i))


@pytest.mark.parametrize("curvature", [0.01, 1.0, 100.0])
def test_the_suggestion_is_stable_and_useful(curvature):
    w, _, closure_of = problem(curvature)
    optimizer = optim.SGD([w], lr=1.0)
    found = optim.lr_range_test(optimizer, closure_of(optimizer), end_lr=1e4)
    assert len(found.lrs) < 100  # it ended when the loss grew
    limit = 1 / curvature  # where plain descent on this loss diverges
    assert limit / 100 < found.suggestion < limit
    optimizer.param_groups[0]["lr"] = found.suggestion
    for _ in range(100):
        loss = optimizer.step(closure_of(optimizer))
    assert loss.item() < 1e-3 * found.losses[0]


@pytest.mark.parametrize("ends", ["by itself", "by an error"])
def test_everything_is_put_back(ends):
    w, _, closure_of = problem()
    optimizer = optim.Adam([w], lr=0.1)
    closure = closure_of(optimizer)
    for _ in range(3):
        optimizer.step(closure)
    thing, rng = Thing(), gd.random.Generator(4)
    before, state, draws = w.data.copy(), optimizer.state_dict(), rng.get_state()
    calls = []

    def disturbing():
        thing.values = thing.values + 1
        rng.normal((3,))
        calls.append(1)
        if ends == "by an error" and len(calls) == 5:
            raise KeyError("the data are over")
        return closure()

    if ends == "by an error":
        with pytest.raises(KeyError):
            optim.lr_range_test(optimizer, disturbing, keep=[thing, rng])
    else:
        optim.lr_range_test(optimizer, disturbing, keep=[thing, rng])
    assert len(calls) >= 5
    np.testing.assert_array_equal(w.data, before)
    assert w.grad is None
    np.testing.assert_equal(optimizer.state_dict(), state)
    np.testing.assert_equal(rng.get_state(), draws)
    assert thing.values.tolist() == [0, 0, 0]


def test_a_loss_that_is_never_finite_is_an_error():
    w, _, _ = problem()
    optimizer = optim.SGD([w], lr=0.1)
    with pytest.raises(ValueError, match="the first loss, at a learning rate of 1e-06, is not finite"):
        optim.lr_range_test(optimizer, lambda: math.nan)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"start_lr": 0}, ValueError, "must be 0 < start_lr < end_lr, and 0 and 10.0 were given"),
        ({"start_lr": 2, "end_lr": 1}, ValueError, "must be 0 < start_lr < end_lr, and 2 and 1 were given"),
        ({"num_iter": 1}, ValueError, "num_iter must be a whole number of at least 2, and 1 was given"),
        ({"beta": 1.0}, ValueError, "beta must be a number of at least 0 and less than 1"),
        ({"diverge": 1}, ValueError, "diverge must be a number above 1"),
        ({"keep": [3]}, TypeError, "keep has a int, which has neither state_dict and load_state_dict nor get_state"),
    ],
)
def test_what_the_range_test_refuses(options, error, text):
    w, seen, closure_of = problem()
    optimizer = optim.SGD([w], lr=0.1)
    with pytest.raises(error, match=text):
        optim.lr_range_test(optimizer, closure_of(optimizer), **options)
    assert not seen
