"""What cannot be optimized, and options that make no sense: what the messages say."""

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest


def leaf(*shape):
    return gd.zeros(shape, requires_grad=True)


W = leaf(3)
SHARED = np.zeros(6, np.float32)
GRID = np.zeros((4, 4), np.float32)


def view(array):
    return gd.Tensor(array, requires_grad=True)


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ([], ValueError, r"SGD got an empty list of parameters: .* used up .*\(call model.parameters\(\) anew"),
        (iter(()), ValueError, "empty list"),
        (
            {},
            TypeError,
            r"params is a dict: pass model.parameters\(\), or a list of tensors, or the items\(\) of the dict",
        ),
        ({"w": W}, TypeError, r"params is a dict"),
        (W, TypeError, r"a single tensor of shape \(3,\): put it into a list"),
        (None, TypeError, r"a NoneType, which holds no tensors: pass model.parameters\(\)"),
        ("parameters", TypeError, "a str, which holds no tensors"),
        (3, TypeError, "a int, which holds no tensors"),
        ({W}, TypeError, "is a set, whose order is not the same in every run: use a list"),
        ([W, 2.0], TypeError, "parameter 1 is a float and not a Tensor: pass model.parameters"),
        ([np.zeros(3)], TypeError, "parameter 0 is a ndarray and not a Tensor"),
        ([("w", 2.0)], TypeError, "parameter 'w' is a float"),
        ([W * 2], ValueError, r"parameter 0 of shape \(3,\) was computed \(<multiply>\).*detach\(\)"),
        ([gd.arange(3)], TypeError, "parameter 0 has dtype int64, and only floating .* dtype='float32'"),
        ([gd.Tensor([1, 2], name="ids")], TypeError, r"parameter 0 \('ids'\) has dtype int64"),
        (
            [W, leaf(2), W],
            ValueError,
            r"parameter 2 of shape \(3,\) is the same tensor as parameter 0 .*: pass it once",
        ),
        ([("w", W), ("v", W)], ValueError, "parameter 'v' of shape .* is the same tensor as parameter 'w'"),
        ([W, ("v", leaf(1))], ValueError, r"1 of 2 parameters have names: pass all as \(name, tensor\), or none"),
        ([gd.zeros(3), gd.zeros(2)], ValueError, "none of the 2 parameters requires grad, .* requires_grad=True"),
        ([view(SHARED), view(SHARED[2:4])], ValueError, "parameters 0 and 1 are different tensors that share memory"),
        ([leaf(2), view(SHARED[3:]), view(SHARED[:4])], ValueError, "parameters 1 and 2 are .* use one tensor in both"),
        ([view(SHARED.reshape(2, 3)), view(SHARED.reshape(2, 3).T)], ValueError, "share memory"),
        ([view(GRID[:, 0]), view(GRID[0, 1:3]), view(GRID[1, :2])], ValueError, "parameters 0 and 2 are"),
        ([view(GRID[:, 0]), view(GRID[:, 1]), view(GRID[2])], ValueError, "parameters 0 and 2 are"),
        ([view(GRID[:, 1]), view(GRID[:, 0]), view(GRID[2, 1:])], ValueError, "parameters 0 and 2 are"),
        ([{"params": [W]}, leaf(1)], TypeError, "1 of 2 items of params are groups and the others are not"),
        ([{"lr": 0.1}], TypeError, r"SGD must be a dict with 'params', .*not \{'lr': 0.1\}"),
        ([{"params": [W]}, {"params": []}], ValueError, "SGD: group 1 got an empty list"),
        ([{"params": W}], TypeError, "a single tensor"),
        ([{"params": [W]}, {"params": [W]}], ValueError, "group 1: parameter 0 .* is a parameter of group 0"),
        ([{"params": [W], "lrr": 1}], ValueError, "unknown option 'lrr': the options are lr, momentum, dampening, "),
        ([{"params": [W], "lr": -1}], ValueError, "lr must be a finite number of at least 0"),
    ],
)
def test_what_cannot_be_optimized(params, error, text):
    with pytest.raises(error, match=text):
        optim.SGD(params)


def test_arrays_side_by_side_and_interleaved_do_not_overlap():
    optim.SGD([view(SHARED[:3]), view(SHARED[3:]), view(GRID[:, ::2]), view(GRID[:, 1::2])])


def test_an_empty_parameter_and_a_frozen_one_are_no_error():
    optimizer = optim.Adam([leaf(0), gd.zeros(3), leaf(2)])
    for p in optimizer.param_groups[0]["params"]:
        p.grad = np.ones(p.shape)
    optimizer.step()
    assert len(optimizer.state_dict()["state"]) == 3


NUMBER = "must be a finite number, and"
POSITIVE = "must be a finite number of at least 0"
SHARE = "must be a number of at least 0 and less than 1, and"


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        *[
            (make, {"lr": lr}, rf"{make.__name__}: lr {POSITIVE}; to climb .* use maximize=True, and {lr!r} was given")
            for make in (optim.SGD, optim.RMSProp, optim.Adam)
            for lr in (-0.1, float("nan"), float("inf"), "0.1", None, True)
        ],
        (optim.SGD, {"momentum": -0.9}, f"momentum {POSITIVE}, and -0.9 was given"),
        (optim.SGD, {"dampening": "no"}, f"dampening {NUMBER} 'no' was given"),
        (optim.SGD, {"weight_decay": -1}, f"weight_decay {POSITIVE}"),
        (optim.SGD, {"nesterov": 1}, "nesterov must be True or False, and 1 was given"),
        (optim.SGD, {"maximize": None}, "maximize must be True or False"),
        (optim.SGD, {"nesterov": True}, "nesterov=True needs momentum > 0 and dampening = 0, and momentum=0.0 and "),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening=0.1 were given: try momentum"),
        (optim.RMSProp, {"alpha": 1.0}, f"alpha {SHARE} 1.0"),
        (optim.RMSProp, {"alpha": -0.5}, f"alpha {SHARE}"),
        (optim.RMSProp, {"eps": -1e-8}, f"eps {POSITIVE}"),
        (optim.RMSProp, {"momentum": -1}, f"momentum {POSITIVE}"),
        (optim.RMSProp, {"weight_decay": -1}, f"weight_decay {POSITIVE}"),
        (optim.RMSProp, {"centered": "yes"}, "centered must be True or False"),
        (optim.RMSProp, {"maximize": 0}, "maximize must be True or False"),
        (optim.Adam, {"betas": (0.9, 1.0)}, r"betas must be two numbers of at least 0 and less than 1, such as \(0.9,"),
        (optim.Adam, {"betas": (-0.1, 0.9)}, "betas must be two numbers"),
        (optim.Adam, {"betas": 0.9}, "betas must be two numbers .*, and 0.9 was given"),
        (optim.Adam, {"betas": (0.9,)}, "betas must be two numbers"),
        (optim.Adam, {"eps": -1}, f"eps {POSITIVE}"),
        (optim.Adam, {"weight_decay": float("nan")}, f"weight_decay {POSITIVE}"),
        (optim.Adam, {"amsgrad": 1}, "amsgrad must be True or False"),
        (optim.Adam, {"maximize": 1}, "maximize must be True or False"),
        (optim.Adam, {"lr": -1, "eps": -1}, "lr must be .*; eps must be "),
    ],
)
def test_options_that_make_no_sense(make, options, text):
    with pytest.raises(ValueError, match=text):
        make([leaf(3)], **options)


def test_a_group_that_is_refused_leaves_the_optimizer_as_it_was():
    optimizer = optim.SGD([W], lr=0.5)
    for group in ({"params": [W]}, {"params": [leaf(1)], "lr": -1}, {"params": []}, [leaf(1)]):
        with pytest.raises((ValueError, TypeError), match="SGD: group 1"):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    W.grad = np.ones(3)
    optimizer.step()


@pytest.mark.parametrize("spoil", [lambda g: g[0].update(params=[leaf(3)]), lambda g: g.append({"params": (leaf(1),)})])
def test_parameters_replaced_behind_the_back_are_noticed(spoil):
    optimizer = optim.SGD([leaf(3)])
    spoil(optimizer.param_groups)
    with pytest.raises(ValueError, match=r"param_groups\[\d\] were replaced by assignment.*call add_param_group"):
        optimizer.step()


def test_a_parameter_that_has_become_integer_is_an_error():
    w = leaf(3)
    optimizer = optim.SGD([w])
    w.data = np.zeros(3, np.int64)
    w.grad = np.ones(3)
    with pytest.raises(TypeError, match=r"a parameter of shape \(3,\) has become int64.*convert it back"):
        optimizer.step()


def test_an_optimizer_without_update_says_so():
    w = leaf(3)
    w.grad = np.ones(3)
    with pytest.raises(NotImplementedError, match=r"Optimizer has no update\(group, run\)"):
        optim.Optimizer([w], {"lr": 1.0}).step()
