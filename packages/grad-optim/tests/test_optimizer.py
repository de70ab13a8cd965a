"""Groups, gradients, closures: what all optimizers have in common."""

import copy
import gc
import weakref

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest
from grad_core.errors import InPlaceError

ALL = [
    pytest.param(optim.AdamW, {"lr": 0.1}, id="AdamW"),
    pytest.param(optim.NAdam, {"lr": 0.1}, id="NAdam"),
    pytest.param(optim.RAdam, {"weight_decay": 0.01, "decoupled_weight_decay": True}, id="RAdam"),
    pytest.param(optim.Adamax, {"lr": 0.1}, id="Adamax"),
    pytest.param(optim.Adagrad, {"lr": 0.5, "initial_accumulator_value": 0.1}, id="Adagrad"),
    pytest.param(optim.Adadelta, {"lr": 10.0}, id="Adadelta"),
    pytest.param(optim.ASGD, {"lr": 0.1, "t0": 3.0}, id="ASGD"),
    pytest.param(optim.Rprop, {}, id="Rprop"),
    pytest.param(optim.Lion, {"lr": 0.01}, id="Lion"),
    pytest.param(optim.LAMB, {"lr": 0.1, "weight_decay": 0.0}, id="LAMB"),
    pytest.param(optim.SGD, {"lr": 0.1}, id="SGD"),
    pytest.param(optim.SGD, {"lr": 0.1, "momentum": 0.9}, id="SGD-momentum"),
    pytest.param(optim.RMSProp, {"momentum": 0.9, "centered": True}, id="RMSProp"),
    pytest.param(optim.Adam, {"amsgrad": True}, id="Adam"),
]
every_optimizer = pytest.mark.parametrize(("make", "options"), ALL)
# these two take steps of their own, from which the learning rate is taken at the first, or before the last
following_lr = pytest.mark.parametrize(("make", "options"), [case for case in ALL if case.id not in ("ASGD", "Rprop")])
RATES = {optim.Adagrad: 1.0, optim.Adadelta: 5.0, optim.RAdam: 0.2, optim.LAMB: 0.05}


def parameters(rng, shapes=((3, 2), (2,), ()), dtype=np.float32):
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in shapes]


def give_gradients(params, rng):
    for p in params:
        p.grad = rng.normal(size=p.shape).astype(p.dtype)


def values(params):
    return [p.data.copy() for p in params]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_the_public_names():
    assert set(optim.__all__) == {
        *("SGD", "RMSProp", "RMSprop", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "ASGD"),
        *("Adafactor", "EarlyStopping", "LRRange", "lr_range_test"),
        *("Rprop", "Lion", "LAMB", "Muon", "LBFGS", "Optimizer", "lr_scheduler", "__version__"),
        *("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"),
    }
    assert optim.RMSprop is optim.RMSProp


@pytest.mark.parametrize(
    ("make", "defaults"),
    [
        (
            optim.SGD,
            {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False},
        ),
        (
            optim.RMSProp,
            {
                "lr": 1e-2,
                "alpha": 0.99,
                "eps": 1e-8,
                "weight_decay": 0,
                "momentum": 0,
                "centered": False,
                "maximize": False,
            },
        ),
        (
            optim.Adam,
            {
                "lr": 1e-3,
                "betas": (0.9, 0.999),
                "eps": 1e-8,
                "weight_decay": 0,
                "amsgrad": False,
                "maximize": False,
                "decoupled_weight_decay": False,
            },
        ),
    ],
)
def test_defaults_are_those_of_torch(make, defaults):
    assert make([gd.zeros(1, requires_grad=True)]).defaults == defaults


@every_optimizer
def test_a_line_is_fitted(make, options, rng):
    x = rng.normal(size=(64, 1)).astype(np.float32)
    y = 3 * x - 1
    w, b = gd.zeros((1, 1), requires_grad=True), gd.zeros((1,), requires_grad=True)
    optimizer = make([w, b], **{**options, "lr": RATES.get(make, 0.05)})
    for step in range(500):
        if step == 400:
            optimizer.param_groups[0]["lr"] /= 10
        optimizer.zero_grad()
        ((x @ w + b - y) ** 2).mean().backward()
        optimizer.step()
    assert abs(w.item() - 3) < 0.05
    assert abs(b.item() + 1) < 0.05


@every_optimizer
def test_groups_have_their_own_options_and_share_the_others(make, options, rng):
    params = parameters(rng)
    twins = [gd.tensor(p, requires_grad=True) for p in params]
    other = {"etas": (0.25, 3.0)} if make is optim.Rprop else {"weight_decay": 0.25}
    optimizer = make([{"params": params[:1], "lr": 0.5}, {"params": params[1:], **other}], **options)
    apart = [make(twins[:1], **{**options, "lr": 0.5}), make(twins[1:], **{**options, **other})]
    for _ in range(5):
        give_gradients(params, rng)
        for p, twin in zip(params, twins, strict=True):
            twin.grad = p.grad
        optimizer.step()
        for each in apart:
            each.step()
    assert same(values(params), values(twins))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, options.get("lr", optimizer.defaults["lr"])]


@every_optimizer
def test_a_group_can_be_added_later(make, options, rng):
    params, late = parameters(rng), parameters(rng)
    optimizer = make(params, **options)
    give_gradients(params + late, rng)
    before = values(late)
    optimizer.step()
    assert same(values(late), before)
    optimizer.add_param_group({"params": late, "lr": 0.125})
    optimizer.step()
    assert not any(np.array_equal(a, b) for a, b in zip(values(late), before, strict=True))
    assert [entry["step"] for entry in optimizer.state_dict()["state"].values()] == (
        [2, 2, 2, 1, 1, 1] if optimizer.states(optimizer.param_groups[0]) else []
    )


@following_lr
@pytest.mark.parametrize("number", [float, np.float64, np.float32])
def test_options_are_read_at_each_step(make, options, number, rng):
    (p,) = parameters(rng, [(4,)])
    optimizer = make([p], **options)
    group = optimizer.param_groups[0]
    p.grad = np.ones(4, np.float32)
    optimizer.step()
    group["lr"] = number(0)
    before = values([p])
    optimizer.step()
    assert same(values([p]), before)
    group["lr"] = number(0.5)
    optimizer.step()
    assert p.dtype == np.float32
    assert not same(values([p]), before)


@pytest.mark.parametrize(
    ("make", "first", "then"),
    [
        (optim.Adam, {"betas": (0.9, 0.999)}, {"betas": (0.5, 0.9)}),
        (optim.Adam, {"amsgrad": True, "betas": (0.0, 0.9)}, {"betas": (0.9, 0.0)}),
        (optim.RMSProp, {"alpha": 0.99, "momentum": 0.9}, {"alpha": 0.5}),
        (optim.RMSProp, {"alpha": 0.9, "centered": True, "momentum": 0.9}, {"alpha": 0.99, "momentum": 0.5}),
    ],
)
def test_averages_keep_their_values_when_their_factors_change(make, first, then, rng):
    params = parameters(rng, dtype=np.float64)
    optimizer = make(params, **first)
    for _ in range(3):
        give_gradients(params, rng)
        optimizer.step()
    before = optimizer.state_dict()["state"]
    optimizer.param_groups[0].update(then)
    after = optimizer.state_dict()["state"]
    assert after.keys() == before.keys()
    for k in before:
        for name in optimizer.states(optimizer.param_groups[0]):
            np.testing.assert_allclose(after[k][name], before[k][name], rtol=1e-14)


def test_momentum_can_be_switched_on_and_off():
    p = gd.tensor([0.0], dtype="float64", requires_grad=True)
    optimizer = optim.SGD([p], lr=1.0, dampening=0.5)
    moved = []
    for momentum in (0.0, 0.5, 0.5, 0.0, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        p.grad = [1.0]
        before = p.item()
        optimizer.step()
        moved.append(before - p.item())
    assert moved == [
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
    ]  # b is 1 at its first step, not 1 - dampening, and 0.5 * 1 + 0.5 * 1 after
    assert optimizer.state_dict()["state"][0]["step"] == 3


@every_optimizer
def test_parameters_without_gradient_are_left_alone(make, options, rng):
    params = parameters(rng)
    optimizer = make(params, **options)
    give_gradients(params, rng)
    optimizer.step()
    params[1].grad = None
    before, state = values(params), optimizer.state_dict()["state"]
    optimizer.step()
    after = optimizer.state_dict()["state"]
    assert np.array_equal(params[1].data, before[1])
    assert not np.array_equal(params[0].data, before[0])
    assert not np.array_equal(params[2].data, before[2])
    if state:
        assert [after[k]["step"] for k in range(3)] == [2, 1, 2]
        assert all(np.array_equal(state[1][key], after[1][key]) for key in state[1])


@every_optimizer
def test_frozen_parameters_are_left_alone(make, options, rng):
    x = rng.normal(size=(5, 3)).astype(np.float32)
    w, b = parameters(rng, [(3, 2), (2,)])
    optimizer = make([w, b], **options)
    w.requires_grad = False
    before = values([w])
    for _ in range(3):
        optimizer.zero_grad()
        (x @ w + b).sum().backward()
        optimizer.step()
    assert same(values([w]), before)
    w.requires_grad = True
    optimizer.zero_grad()
    (x @ w + b).sum().backward()
    optimizer.step()
    assert not same(values([w]), before)


@every_optimizer
def test_a_step_without_any_gradient_does_nothing(make, options, rng):
    params = parameters(rng)
    optimizer = make(params, **options)
    before = values(params)
    optimizer.step()
    assert same(values(params), before)
    assert optimizer.state_dict()["state"] == {}


def test_zero_grad_forgets_or_fills(rng):
    params = parameters(rng)
    optimizer = optim.SGD(params)
    give_gradients(params[:2], rng)
    optimizer.zero_grad(set_to_none=False)
    assert [None if p.grad is None else p.grad.tolist() for p in params] == [[[0, 0]] * 3, [0, 0], None]
    optimizer.zero_grad()
    assert [p.grad for p in params] == [None] * 3


def test_step_calls_the_closure_with_gradients_on_and_returns_its_result():
    w = gd.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with gd.no_grad():
        loss = optimizer.step(closure)
    assert (loss.item(), w.item()) == (4.0, 1.0)
    assert optimizer.step() is None


def test_accumulated_micro_batches_equal_one_batch(rng):
    x = rng.normal(size=(8, 3))
    params = parameters(rng, [(3, 1)], np.float64)
    twins = [gd.tensor(p, requires_grad=True) for p in params]
    one, many = optim.Adam(params, lr=0.1), optim.Adam(twins, lr=0.1)
    for _ in range(5):
        one.zero_grad()
        many.zero_grad()
        ((x @ params[0]) ** 2).mean().backward()
        for part in np.split(x, 4):
            (((part @ twins[0]) ** 2).mean() / 4).backward()
        one.step()
        many.step()
    np.testing.assert_allclose(params[0].data, twins[0].data, rtol=1e-12)


def test_a_graph_made_before_the_step_is_stale_after_it():
    w = gd.tensor([2.0, 1.0], requires_grad=True)
    optimizer = optim.SGD([w])
    (w * w).sum().backward()
    stale = (w * w).sum()
    optimizer.step()
    with pytest.raises(InPlaceError):
        stale.backward()


def test_named_parameters_are_taken_and_their_names_kept(rng):
    w, b = parameters(rng, [(3,), (2,)])
    optimizer = optim.SGD(iter([("w", w), ("b", b)]))
    assert optimizer.param_groups[0]["params"] == (w, b)
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    optimizer.load_state_dict(optim.SGD(parameters(rng, [(3,), (2,)])).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]


def test_a_group_may_have_labels_that_are_no_options(rng):
    optimizer = optim.SGD([{"params": parameters(rng), "name": "head", "initial_lr": 0.1}])
    assert optimizer.param_groups[0]["name"] == "head"


def test_repr_names_options_and_sizes(rng):
    optimizer = optim.SGD([{"params": parameters(rng)}, {"params": parameters(rng), "lr": 0.5}], momentum=0.9)
    assert repr(optimizer) == (
        "SGD (\n"
        "  group 0: tensors=3, numbers=9, dampening=0.0, lr=0.001, maximize=False, momentum=0.9, nesterov=False, "
        "weight_decay=0.0\n"
        "  group 1: tensors=3, numbers=9, dampening=0.0, lr=0.5, maximize=False, momentum=0.9, nesterov=False, "
        "weight_decay=0.0\n"
        ")"
    )


@every_optimizer
def test_a_copy_goes_on_by_itself(make, options, rng):
    params = parameters(rng)
    optimizer = make(params, **options)
    give_gradients(params, rng)
    optimizer.step()
    twin = copy.deepcopy(optimizer)
    twins = twin.param_groups[0]["params"]
    give_gradients(params, rng)
    for p, q in zip(params, twins, strict=True):
        assert not np.shares_memory(p.data, q.data)
        q.grad = p.grad.data
    before = values(twins)
    optimizer.step()
    assert same(values(twins), before)
    twin.step()
    assert same(values(twins), values(params))


@every_optimizer
def test_memory_goes_without_the_garbage_collector(make, options, rng):
    gc.collect()
    gc.disable()
    try:
        params = parameters(rng)
        optimizer = make(params, **options)
        give_gradients(params, rng)
        optimizer.step()
        gone = [weakref.ref(optimizer), *(weakref.ref(flat) for flats in optimizer._flats for flat in flats)]
        assert gone[-1]() is not None
        del optimizer
        assert [ref() for ref in gone] == [None] * len(gone)
    finally:
        gc.enable()
