"""Row C4: learning rates equal torch's, recorded by golden/record_schedules.py; states, and what is refused."""

import inspect
import json
import math
from pathlib import Path

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest
from grad_optim import lr_scheduler

LAMBDAS = {"inverse": lambda t: 1 / (1 + t), "constant": lambda t: 0.9, "wave": lambda t: 1 + 0.5 * (-1) ** t}
RECORDED = json.loads((Path(__file__).parent / "golden" / "schedules.json").read_text())
every_case = pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{i}-{case['name']}") for i, case in enumerate(RECORDED)]
)
NOAM = {"optimizer": "Adam", "name": "NoamLR", "options": {"d_model": 16, "warmup_steps": 5}}


def measure(step):
    return 2.0 / (1 + step // 6) + (0.5 if step % 5 == 3 else 0.0)


def make_optimizer(kind="SGD", lr=0.5):
    params = [gd.zeros(2, requires_grad=True) for _ in range(2)]
    momentum = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(optim, kind)([{"params": params[:1]}, {"params": params[1:], "lr": 0.05}], lr=lr, **momentum)


def build(optimizer, name, options):
    options = dict(options)
    for key in ("lr_lambda", "scale_fn"):
        if isinstance(options.get(key), list):
            options[key] = [LAMBDAS[each] for each in options[key]]
        elif key in options:
            options[key] = LAMBDAS[options[key]]
    if "schedulers" in options:
        options["schedulers"] = [build(optimizer, *part) for part in options["schedulers"]]
    make = getattr(lr_scheduler, name)
    return make(**options) if name == "ChainedScheduler" else make(optimizer, **options)


def go(optimizer, scheduler, first, last):
    """The rates and the momentum of the second group after each step."""
    out = []
    for step in range(first, last):
        optimizer.step()
        scheduler.step(*([measure(step)] if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau) else []))
        group = optimizer.param_groups[1]
        out.append((*scheduler.get_last_lr(), group.get("momentum", group.get("betas", [0])[0])))
        assert scheduler.get_last_lr() == [each["lr"] for each in optimizer.param_groups]
    return out


@every_case
def test_rates_and_momentum_equal_those_of_torch(case):
    optimizer = make_optimizer(case["optimizer"])
    seen = go(optimizer, build(optimizer, case["name"], case["options"]), 0, len(case["rates"]))
    expected = [(*rates, momentum) for rates, momentum in zip(case["rates"], case["momenta"], strict=True)]
    np.testing.assert_allclose(seen, expected, rtol=1e-12, atol=1e-15)


def test_every_schedule_is_recorded():
    assert {case["name"] for case in RECORDED} == set(lr_scheduler.__all__) - {"LRScheduler", "NoamLR"}


@pytest.mark.parametrize("name", sorted(set(lr_scheduler.__all__) - {"LRScheduler", "NoamLR"}))
def test_every_option_of_a_schedule_is_recorded_with_another_value_than_its_default(name):
    options = inspect.signature(getattr(lr_scheduler, name)).parameters
    cases = [case["options"] for case in RECORDED if case["name"] == name]
    never = {
        key
        for key, option in options.items()
        if not any(case.get(key, option.default) != option.default for case in cases)
    }
    assert never <= {"optimizer", "last_epoch"}  # last_epoch: see the comparison with a live PyTorch


def test_noam_is_the_formula_of_the_paper():
    optimizer = make_optimizer("Adam", lr=1.0)
    seen = go(optimizer, build(optimizer, "NoamLR", NOAM["options"]), 0, 30)
    for n, (rate, *_) in enumerate(seen, 2):
        assert math.isclose(rate, 16**-0.5 * min(n**-0.5, n * 5**-1.5))
    assert max(rate for rate, *_ in seen) == seen[3][0]


@pytest.mark.parametrize("case", [*RECORDED[: len(RECORDED) // 2], NOAM], ids=lambda case: case["name"])
def test_a_training_goes_on_where_it_stopped(case):
    optimizer = make_optimizer(case["optimizer"])
    scheduler = build(optimizer, case["name"], case["options"])
    go(optimizer, scheduler, 0, 13)
    saved = json.loads(json.dumps([optimizer.state_dict()["param_groups"], scheduler.state_dict()]))
    milestones = saved[1].get("milestones")
    if milestones is not None:
        saved[1]["milestones"] = type(scheduler.milestones)({int(k): n for k, n in milestones.items()})
    expected = go(optimizer, scheduler, 13, 35)
    other = make_optimizer(case["optimizer"])
    resumed = build(other, case["name"], case["options"])
    other.load_state_dict({"state": {}, "param_groups": saved[0]})
    restore(resumed, saved[1])
    assert go(other, resumed, 13, 35) == expected


def restore(scheduler, state):
    """JSON makes strings of the numbers that are keys."""
    parts = state.get("_schedulers", [])
    for i, part in enumerate(parts):
        if "milestones" in part:
            part["milestones"] = type(scheduler._schedulers[i].milestones)(
                {int(k): n for k, n in part["milestones"].items()}
            )
    scheduler.load_state_dict(state)


def test_a_state_dict_is_a_copy():
    optimizer = make_optimizer()
    scheduler = build(optimizer, "StepLR", {"step_size": 2})
    saved = scheduler.state_dict()
    go(optimizer, scheduler, 0, 5)
    assert saved["last_epoch"] == 0
    assert "optimizer" not in saved
    saved["base_lrs"][0] = 7.0
    assert scheduler.base_lrs == [0.5, 0.05]


def test_functions_stay_and_objects_are_saved():
    class Falling:
        def __init__(self, power):
            self.power = power

        def __call__(self, t):
            return (1 + t) ** -self.power

    def make(power):
        optimizer = make_optimizer()
        return lr_scheduler.LambdaLR(optimizer, [Falling(power), LAMBDAS["inverse"]])

    first, second = make(2.0), make(1.0)
    saved = first.state_dict()
    assert saved["lr_lambdas"] == [{"power": 2.0}, None]
    second.load_state_dict(saved)
    assert second.lr_lambdas[0].power == 2.0
    assert second.lr_lambdas[1] is LAMBDAS["inverse"]

    def cycle(power):
        return lr_scheduler.CyclicLR(make_optimizer(), 0.1, 1.0, scale_fn=Falling(power))

    first, second = cycle(2.0), cycle(1.0)
    second.load_state_dict(first.state_dict())
    assert second._scale_fn_custom.power == 2.0


def test_last_epoch_goes_on_with_a_loaded_optimizer():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.StepLR(optimizer, 3, gamma=0.5)
    go(optimizer, scheduler, 0, 4)
    other = make_optimizer()
    other.load_state_dict(optimizer.state_dict())
    other.step()
    again = lr_scheduler.StepLR(other, 3, gamma=0.5, last_epoch=4)
    assert again.last_epoch == 5
    with pytest.raises(ValueError, match=r"group 0 of the optimizer has no 'initial_lr': load the state dict"):
        lr_scheduler.StepLR(make_optimizer(), 3, last_epoch=4)


def test_fractions_of_an_epoch():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    for time, share in [(0.5, 0.25), (1.0, 0.5), (2.0, 0.0), (4.0, 0.5), (6.0, 0.0), (10.0, 0.5)]:
        scheduler.step(time)
        assert math.isclose(scheduler.get_last_lr()[0], 0.5 * (1 + math.cos(math.pi * share)) / 2)
    with pytest.raises(ValueError, match="epoch must be at least 0, and -1 was given"):
        scheduler.step(-1)


def test_stepping_before_the_optimizer_is_warned_of():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match=r"ExponentialLR.step\(\) was called before optimizer.step\(\), so the first"):
        scheduler.step()
    scheduler.step()


def test_other_changes_of_the_rate_stay():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    optimizer.param_groups[0]["lr"] = 8.0
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [4.0, 0.025]


def test_a_tensor_or_nan_as_a_measure():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    scheduler.step(gd.tensor(1.0))
    for _ in range(2):
        scheduler.step(float("nan"))
    assert scheduler.get_last_lr() == [0.25, 0.025]


def test_a_group_added_later_gets_its_lowest_rate():
    optimizer = make_optimizer()
    one = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.04)
    several = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    optimizer.add_param_group({"params": [gd.zeros(1, requires_grad=True)]})
    one.step(1.0)
    one.step(1.0)
    assert one.get_last_lr() == [0.05, 0.04, 0.05]
    several.step(1.0)
    with pytest.raises(
        ValueError, match=r"min_lr has 2 values, and the optimizer has 3 .* append to scheduler.min_lrs"
    ):
        several.step(1.0)


PLATEAU = lr_scheduler.ReduceLROnPlateau


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: lr_scheduler.StepLR([o], 2), TypeError, "StepLR: optimizer is a list, and one of grad_optim is"),
        (lambda o: PLATEAU(3), TypeError, "ReduceLROnPlateau: optimizer is a int"),
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size must be a whole number of at least 1, and 0 was"),
        (lambda o: lr_scheduler.LambdaLR(o, 0.5), TypeError, "lr_lambda is a float, and a function is expected"),
        (
            lambda o: lr_scheduler.LambdaLR(o, [LAMBDAS["wave"]]),
            ValueError,
            "lr_lambda has 1 values, .* has 2 parameter",
        ),
        (lambda o: lr_scheduler.ConstantLR(o, 1.5), ValueError, "factor must be above 0 and at most 1, and 1.5 was"),
        (
            lambda o: lr_scheduler.LinearLR(o, 0, 2),
            ValueError,
            "start_factor must be .* 0 was given; end_factor must be",
        ),
        (lambda o: lr_scheduler.PolynomialLR(o, 0), ValueError, "total_iters must be a whole number"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max must be a number above 0, and 0 was given"),
        (
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0, 0.5),
            ValueError,
            "T_0 must be a whole number of at least 1, and 0 was given; T_mult must be",
        ),
        (lambda o: lr_scheduler.NoamLR(o, 0), ValueError, "d_model must be a whole number of at least 1, and 0 was"),
        (
            lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, mode="up"),
            ValueError,
            "mode must be 'triangular'.* 'up' was given",
        ),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, 0), ValueError, "step sizes must be above 0, and 0 and None"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, scale_mode="x"), ValueError, "scale_mode must be 'cycle' or"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0), ValueError, "needs total_steps, or epochs and steps_per_epoch"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 0), ValueError, "total_steps must be a whole number"),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, pct_start=2),
            ValueError,
            "pct_start must be a number from 0 to 1",
        ),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, anneal_strategy="sine"),
            ValueError,
            "anneal_strategy must be 'cos' or 'linear', and 'sine'",
        ),
        (
            lambda o: lr_scheduler.OneCycleLR(optim.Rprop([gd.zeros(1, requires_grad=True)]), 1.0, 9),
            ValueError,
            "Rprop has neither 'momentum' nor 'betas' to cycle: set cycle_momentum=False",
        ),
        (
            lambda o: lr_scheduler.SWALR(o, 0.1, -1, "sine"),
            ValueError,
            "anneal_epochs must be a whole number of at least 0, and -1 was given; anneal_strategy must be 'cos' or",
        ),
        (lambda o: lr_scheduler.SWALR(o, [0.1]), ValueError, "swa_lr has 1 values, and the optimizer has 2 parameter"),
        (lambda o: PLATEAU(o, factor=1.0), ValueError, "factor must be at least 0 and less than 1, and 1.0 was given"),
        (lambda o: PLATEAU(o, mode="low"), ValueError, "mode must be 'min' or 'max', and 'low' was given"),
        (lambda o: PLATEAU(o, threshold_mode="x"), ValueError, "threshold_mode must be 'rel' or 'abs'"),
        (lambda o: lr_scheduler.ChainedScheduler([]), ValueError, "there is no scheduler in the list"),
        (lambda o: lr_scheduler.ChainedScheduler([o]), TypeError, "item 0 is a SGD and not a scheduler"),
        (lambda o: lr_scheduler.ChainedScheduler([PLATEAU(o)]), ValueError, "whose step needs a measure: step it by"),
        (
            lambda o: lr_scheduler.ChainedScheduler(
                [lr_scheduler.LinearLR(o), lr_scheduler.LinearLR(make_optimizer())]
            ),
            ValueError,
            "item 1, LinearLR, belongs to another optimizer",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o)], [3]),
            ValueError,
            "1 schedules need 0 milestones, and 1 were given",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(
                o, [lr_scheduler.LinearLR(o), lr_scheduler.ChainedScheduler([lr_scheduler.LinearLR(o)])], [3]
            ),
            ValueError,
            "item 1 is a ChainedScheduler, which cannot begin later",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make(make_optimizer())


def test_the_rate_of_averaging_goes_on_from_where_another_schedule_ended():
    optimizer = make_optimizer()
    first = lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    last = lr_scheduler.SWALR(optimizer, 0.05, anneal_epochs=2, anneal_strategy="linear")
    go(optimizer, first, 0, 4)
    np.testing.assert_allclose([rates[0] for rates in go(optimizer, last, 0, 3)], [0.0875, 0.05, 0.05])
    optimizer.add_param_group({**optimizer.param_groups[0], "params": [gd.zeros(1, requires_grad=True)]})


def test_without_steps_to_anneal_the_rate_of_averaging_is_there_at_once():
    assert lr_scheduler.SWALR(make_optimizer(), [0.2, 0.1], anneal_epochs=0).get_last_lr() == [0.2, 0.1]


def test_a_cooldown_can_be_seen():
    optimizer = make_optimizer()
    scheduler = PLATEAU(optimizer, patience=0, cooldown=2)
    seen = []
    for _ in range(5):
        optimizer.step()
        scheduler.step(1.0)
        seen.append(scheduler.in_cooldown)
    assert seen == [False, True, True, False, True]


def test_a_cycle_has_an_end():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, 3)
    go(optimizer, scheduler, 0, 3)
    with pytest.raises(ValueError, match="this is step 4, and the cycle ends after 3: step once in each batch"):
        scheduler.step()


@pytest.mark.parametrize(
    ("spoil", "texts"),
    [
        (lambda s: s.pop("gamma"), ["it has no 'gamma'"]),
        (lambda s: s.update(gama=1), ["it has 'gama', which this schedule does not know"]),
        (lambda s: s.update(base_lrs=[1.0]), ["'base_lrs' has 1 rates, and the optimizer has 2 groups"]),
    ],
)
def test_a_state_dict_that_does_not_fit_changes_nothing(spoil, texts):
    scheduler = lr_scheduler.StepLR(make_optimizer(), 2)
    saved = {**scheduler.state_dict(), "last_epoch": 17}
    spoil(saved)
    with pytest.raises(ValueError, match="StepLR: this state dict does not fit, and nothing was loaded") as error:
        scheduler.load_state_dict(saved)
    assert all(text in str(error.value) for text in texts)
    assert scheduler.last_epoch == 0
    with pytest.raises(ValueError, match="it is a int and not a dict"):
        scheduler.load_state_dict(3)


def test_parts_that_do_not_fit_change_nothing():
    def several(count):
        optimizer = make_optimizer()
        parts = [lr_scheduler.ExponentialLR(optimizer, 0.5) for _ in range(count)]
        return lr_scheduler.ChainedScheduler(parts)

    scheduler, saved = several(2), several(3).state_dict()
    with pytest.raises(ValueError, match="it has 3 schedules, and there are 2"):
        scheduler.load_state_dict(saved)
    saved = several(2).state_dict()
    saved["_schedulers"][0]["gamma"] = 0.25
    del saved["_schedulers"][1]["gamma"]
    with pytest.raises(ValueError, match="it has no 'gamma'"):
        scheduler.load_state_dict(saved)
    assert [part.gamma for part in scheduler._schedulers] == [0.5, 0.5]


def test_a_schedule_without_formula_says_so():
    with pytest.raises(NotImplementedError, match=r"LRScheduler has no get_lr\(\)"):
        lr_scheduler.LRScheduler(make_optimizer())
