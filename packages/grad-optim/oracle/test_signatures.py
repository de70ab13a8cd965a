"""Names, options and defaults against a live torch, by one table of what differs and why."""

import inspect

import grad_core as gd
import grad_optim as optim
import pytest
import torch

# Options of torch's loops on devices; here there is one loop, which is fast already.
LOOPS = {"foreach", "fused", "capturable", "differentiable", "device"}

# What torch has and this package has not, each with the reason.
ABSENT = {
    "SparseAdam": "gradients are dense arrays",
    "AveragedModel": "grad_nn has it, as it copies a model",
    "update_bn": "the averaged model takes the newest statistics, or averages them with use_buffers=True",
    "get_ema_avg_fn": "grad_nn.EMA",
    "get_ema_multi_avg_fn": "grad_nn.EMA",
    "get_swa_avg_fn": "what grad_nn.AveragedModel does by itself",
    "get_swa_multi_avg_fn": "what grad_nn.AveragedModel does by itself",
}
METHODS_ABSENT = {
    "register_step_pre_hook": "override step",
    "register_step_post_hook": "override step",
    "register_state_dict_pre_hook": "override state_dict",
    "register_state_dict_post_hook": "override state_dict",
    "register_load_state_dict_pre_hook": "override load_state_dict",
    "register_load_state_dict_post_hook": "override load_state_dict",
    "OptimizerPreHook": "a type of hooks",
    "OptimizerPostHook": "a type of hooks",
    "profile_hook_step": "of torch's profiler",
    "share_memory": "for torch's processes",
    "recursive_undo": "inside of SequentialLR",
}

# Options that only this package has; the docstring of each says so.
OURS = {("Muon", "maximize"), ("LBFGS", "maximize")}
BY_NAME_ONLY = {("ASGD", "maximize"), ("RMSprop", "maximize")}  # there, torch has `foreach` before it
NOT_IN_TORCH = {"Lion", "LAMB", "NoamLR", "EarlyStopping", "LRRange", "lr_range_test", "RMSProp"}

SWA = torch.optim.swa_utils
CLIPPING = ("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm")
THEIRS = {
    **{name: each for name, each in vars(torch.optim).items() if inspect.isclass(each)},
    **{name: each for name, each in vars(torch.optim.lr_scheduler).items() if name in torch.optim.lr_scheduler.__all__},
    **{name: getattr(SWA, name) for name in SWA.__all__},
    **{name: getattr(torch.nn.utils, name) for name in CLIPPING},
}
HERE = {name: getattr(optim, name) for name in optim.__all__ if name not in ("__version__", "lr_scheduler")} | {
    name: getattr(optim.lr_scheduler, name) for name in optim.lr_scheduler.__all__
}


def options(made):
    """By name; `self` and what concerns torch's loops left out."""
    found = inspect.signature(made).parameters
    return {name: option for name, option in found.items() if name not in LOOPS}


def test_every_name_of_torch_is_here_or_absent_for_a_reason():
    assert set(THEIRS) - set(HERE) == set(ABSENT)


def test_every_name_here_is_torchs_or_known_to_be_our_own():
    assert set(HERE) - set(THEIRS) == NOT_IN_TORCH


@pytest.mark.parametrize("name", sorted(set(THEIRS) & set(HERE)))
def test_options_have_torchs_names_order_and_defaults(name):
    theirs, ours = options(THEIRS[name]), options(HERE[name])
    added = {key for owner, key in OURS if owner == name}
    assert list(theirs) == [key for key in ours if key not in added]
    assert set(ours) - set(theirs) == added
    for key, option in theirs.items():
        assert ours[key].default == option.default, key
        if (name, key) in BY_NAME_ONLY:
            assert ours[key].kind is inspect.Parameter.KEYWORD_ONLY
        else:
            assert ours[key].kind is option.kind, key


@pytest.mark.parametrize("name", sorted(name for name in set(THEIRS) & set(HERE) if inspect.isclass(HERE[name])))
def test_methods_are_torchs(name):
    public = [{each for each in dir(made) if not each.startswith("_")} for made in (THEIRS[name], HERE[name])]
    assert public[0] - public[1] <= set(METHODS_ABSENT)
    for each in public[0] & public[1]:
        theirs, ours = getattr(THEIRS[name], each), getattr(HERE[name], each)
        if callable(theirs):
            asked = list(inspect.signature(ours).parameters)[: len(inspect.signature(theirs).parameters)]
            assert set(asked) <= set(inspect.signature(theirs).parameters), each


def test_every_reason_is_still_needed():
    assert set(ABSENT) <= set(THEIRS)
    missing = {
        each
        for name in set(THEIRS) & set(HERE)
        if inspect.isclass(HERE[name])
        for each in set(dir(THEIRS[name])) - set(dir(HERE[name]))
    }
    assert set(METHODS_ABSENT) <= missing
    assert all(key not in options(THEIRS[name]) for name, key in OURS)


@pytest.mark.parametrize(("name", "key"), sorted(OURS))
def test_an_option_of_our_own_is_said_to_be_one(name, key):
    text = " ".join(HERE[name].__doc__.split())
    assert any(each in text for each in (f"`{key}` is not in PyTorch", f"Different from it: `{key}`"))


@pytest.mark.parametrize("name", sorted(set(THEIRS) & set(HERE) & set(dir(torch.optim)) - {"Optimizer"}))
def test_groups_have_the_options_of_torchs(name):
    """So that state dicts go both ways."""
    ours = getattr(optim, name)([gd.zeros((2, 2), requires_grad=True)])
    theirs = getattr(torch.optim, name)([torch.zeros(2, 2, requires_grad=True)])
    assert set(theirs.param_groups[0]) - LOOPS <= set(ours.param_groups[0])


def test_the_base_says_what_all_of_them_leave_out():
    text = " ".join(optim.Optimizer.__doc__.split())
    assert all(f"`{name}`" in text for name in LOOPS - {"device"})
    assert "hooks" in text
