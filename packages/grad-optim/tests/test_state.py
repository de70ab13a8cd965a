"""Row C6: going on from a state dict, bit for bit; and what does not fit, said all at once."""

import copy

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

SHAPES = [(3, 2), (2,), ()]
CASES = [
    pytest.param(optim.SGD, {"lr": 0.1}, id="SGD"),
    pytest.param(optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}, id="SGD-momentum"),
    pytest.param(optim.RMSProp, {}, id="RMSProp"),
    pytest.param(optim.RMSProp, {"momentum": 0.9, "centered": True, "alpha": 0.97}, id="RMSProp-all"),
    pytest.param(optim.Adam, {}, id="Adam"),
    pytest.param(optim.Adam, {"amsgrad": True, "betas": (0.7, 0.997)}, id="Adam-amsgrad"),
    pytest.param(optim.AdamW, {"weight_decay": 0.1}, id="AdamW"),
    pytest.param(optim.NAdam, {}, id="NAdam"),
    pytest.param(optim.RAdam, {}, id="RAdam"),
    pytest.param(optim.Adamax, {}, id="Adamax"),
    pytest.param(optim.Adagrad, {"initial_accumulator_value": 0.3}, id="Adagrad"),
    pytest.param(optim.Adadelta, {}, id="Adadelta"),
    pytest.param(optim.Adafactor, {"weight_decay": 0.1}, id="Adafactor"),
    pytest.param(optim.ASGD, {"t0": 7.0}, id="ASGD"),
    pytest.param(optim.Rprop, {}, id="Rprop"),
    pytest.param(optim.Lion, {}, id="Lion"),
    pytest.param(optim.LAMB, {}, id="LAMB"),
]


def parameters(dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def train(params, optimizer, first, last):
    for step in range(first, last):
        rng = np.random.default_rng(step)
        for k, p in enumerate(params):
            g = rng.normal(size=p.shape) * 10.0 ** rng.integers(-6, 3, p.shape)
            p.grad = None if k == 1 and step % 3 == 0 else g
        optimizer.step()


def roundtrip_through_a_file(state_dict, folder):
    """As .npz without pickle: the arrays by name, the rest as they are."""
    arrays = {f"{k}/{name}": value for k, entry in state_dict["state"].items() for name, value in entry.items()}
    np.savez(folder / "state.npz", **arrays)
    state = {}
    with np.load(folder / "state.npz", allow_pickle=False) as file:
        for key in file.files:
            k, name = key.split("/")
            state.setdefault(int(k), {})[name] = file[key]
    return {"state": state, "param_groups": copy.deepcopy(state_dict["param_groups"])}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("make", "options"), CASES)
def test_going_on_is_bit_for_bit(make, options, dtype, tmp_path):
    params = parameters(dtype)
    optimizer = make(params, **options)
    train(params, optimizer, 0, 50)
    saved = roundtrip_through_a_file(optimizer.state_dict(), tmp_path)
    resumed = [gd.tensor(p, requires_grad=True) for p in params]
    other = make(resumed, lr=123.0)
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    for tensors, each in ((params, optimizer), (resumed, other)):
        train(tensors, each, 50, 100)
    for p, q in zip(params, resumed, strict=True):
        assert p.data.tobytes() == q.data.tobytes()
    for k, entry in optimizer.state_dict()["state"].items():
        for name, value in entry.items():
            assert np.asarray(value).tobytes() == np.asarray(other.state_dict()["state"][k][name]).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saving_changes_nothing(dtype):
    params, twins = parameters(dtype), parameters(dtype)
    optimizer, other = optim.Adam(params), optim.Adam(twins)
    for step in range(20):
        optimizer.state_dict()
        train(params, optimizer, step, step + 1)
        train(twins, other, step, step + 1)
    assert all(p.data.tobytes() == q.data.tobytes() for p, q in zip(params, twins, strict=True))


def test_the_form_is_that_of_torch():
    params = parameters()
    optimizer = optim.Adam([{"params": params[:2]}, {"params": params[2:], "lr": 0.5}])
    train(params, optimizer, 1, 3)
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert saved["param_groups"][1] == {
        "lr": 0.5,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": False,
        "maximize": False,
        "decoupled_weight_decay": False,
        "params": [2],
    }
    assert list(saved["state"]) == [0, 1, 2]
    assert set(saved["state"][0]) == {"step", "exp_avg", "exp_avg_rest", "exp_avg_sq", "exp_avg_sq_rest"}
    assert {name: array.shape for name, array in saved["state"][0].items() if name != "step"} == dict.fromkeys(
        ("exp_avg", "exp_avg_rest", "exp_avg_sq", "exp_avg_sq_rest"), (3, 2)
    )


@pytest.mark.parametrize(("make", "options"), CASES)
def test_a_state_dict_is_a_copy(make, options):
    params = parameters()
    optimizer = make(params, **options)
    train(params, optimizer, 0, 3)
    saved = optimizer.state_dict()
    kept = copy.deepcopy(saved)
    train(params, optimizer, 3, 6)
    optimizer.load_state_dict(saved)
    train(params, optimizer, 6, 9)
    np.testing.assert_equal(saved, kept)


def test_loading_forgets_what_was_there():
    params = parameters()
    optimizer = optim.Adam(params)
    fresh = optimizer.state_dict()
    train(params, optimizer, 1, 4)
    optimizer.load_state_dict(fresh)
    assert optimizer.state_dict()["state"] == {}
    twins = [gd.tensor(p, requires_grad=True) for p in params]
    train(params, optimizer, 4, 8)
    train(twins, optim.Adam(twins), 4, 8)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(params, twins, strict=True))


def test_options_of_a_state_dict_are_copies_too():
    optimizer = optim.SGD([("w", gd.zeros(1, requires_grad=True))])
    optimizer.state_dict()["param_groups"][0]["param_names"].append("v")
    assert optimizer.param_groups[0]["param_names"] == ["w"]


def test_states_of_parameters_of_several_dtypes_find_their_places():
    params = [*parameters("float32"), *parameters("float64", 1)]
    mixed = [params[i] for i in (3, 0, 1, 4, 2, 5)]
    optimizer = optim.SGD(mixed, lr=0.1, momentum=0.5)
    for i, p in enumerate(mixed):
        p.grad = np.full(p.shape, float(i))
    optimizer.step()
    state = optimizer.state_dict()["state"]
    assert [float(np.max(state[i]["momentum_buffer"])) for i in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [state[i]["momentum_buffer"].shape for i in range(6)] == [p.shape for p in mixed]


def test_what_an_unused_option_left_is_saved_too():
    params = parameters()
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    train(params, optimizer, 1, 4)
    buffer = optimizer.state_dict()["state"][0]["momentum_buffer"]
    optimizer.param_groups[0]["momentum"] = 0.0
    other = optim.SGD(parameters(), lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    np.testing.assert_array_equal(other.state_dict()["state"][0]["momentum_buffer"], buffer)


def saved_adam():
    params = parameters()
    optimizer = optim.Adam(params, lr=0.25)
    train(params, optimizer, 1, 3)
    return optimizer.state_dict()


def spoilt(**changes):
    """A state dict of Adam in which entries have been replaced; a path is written with double underscores."""
    saved = saved_adam()
    for path, value in changes.items():
        *way, last = [int(key) if key.isdigit() else key for key in path.removeprefix("at_").split("__")]
        place = saved
        for key in way:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return saved


@pytest.mark.parametrize(
    ("state_dict", "texts"),
    [
        (None, ["it must be a dict with 'state' and 'param_groups', and it is: NoneType"]),
        ({"weight": 1}, ["it must be a dict with 'state' and 'param_groups', and it is: keys ['weight']"]),
        ({"state": [], "param_groups": []}, ["it must be a dict with 'state' and 'param_groups'"]),
        ({"state": {}, "param_groups": []}, ["it has 0 parameter groups, and this optimizer has 1"]),
        ({"state": {}, "param_groups": [{}]}, ["param_groups[0] has no list 'params'"]),
        (
            {"state": {}, "param_groups": [{"params": [0]}]},
            ["param_groups[0] has 1 parameters, and this optimizer has 3 there"],
        ),
        (optim.SGD(parameters()).state_dict(), ["param_groups[0] has no 'betas'", "param_groups[0] has no 'amsgrad'"]),
        (spoilt(param_groups__0__lr=-1.0), ["param_groups[0]: lr must be a finite number of at least 0"]),
        (
            spoilt(param_groups__0__amsgrad=True),
            ["state[0] has no 'max_exp_avg_sq'", "state[2] has no 'max_exp_avg_sq'"],
        ),
        (
            spoilt(at_state__0__exp_avg=np.zeros((2, 3)), state__1__exp_avg_sq=None, state__2__step=0.5),
            [
                "state[0]['exp_avg'] is float64 of shape (2, 3), the parameter float32 of shape (3, 2)",
                "state[1] has no 'exp_avg_sq'",
                "state[2] has no 'step' that is a whole number of at least 1: 0.5",
            ],
        ),
        (spoilt(state__0__step=None), ["state[0] has no 'step' that is a whole number of at least 1\n"]),
        (spoilt(state__0__step="two"), ["at least 1: 'two'"]),
        (spoilt(state__0__step=0), ["at least 1: 0"]),
        (spoilt(state__0__exp_avg="text"), ["state[0]['exp_avg'] is <U4 of shape ()"]),
        (spoilt(state__0__exp_avg_rest=np.zeros(2)), ["state[0]['exp_avg_rest'] is float64 of shape (2,)"]),
        (
            spoilt(state__0__square_avg=np.zeros((3, 2))),
            ["state[0] has 'square_avg', which this optimizer does not know"],
        ),
        (spoilt(state__0=3), ["state[0] is a int and not a dict"]),
        (spoilt(state__7={"step": 1}), ["state[7] belongs to no parameter of param_groups"]),
    ],
)
def test_what_does_not_fit_is_said_at_once_and_nothing_is_loaded(state_dict, texts):
    params = parameters()
    optimizer = optim.Adam(params, lr=0.125)
    train(params, optimizer, 1, 4)
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"^Adam: this state dict does not fit, and nothing was loaded:") as error:
        optimizer.load_state_dict(state_dict)
    for text in texts:
        assert f"\n  - {text}" in str(error.value) or text in str(error.value).split("\n  - ", 1)[1]
    assert str(error.value).endswith(
        "It must come from the same optimizer, made for the same parameters in the same order and groups."
    )
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_what_torch_leaves_empty_counts_as_not_yet_begun():
    params = parameters()
    optimizer = optim.SGD(params, lr=1.0, momentum=0.9, dampening=0.5)
    group = {**optimizer.param_groups[0], "params": [0, 1, 2]}
    state = {0: {"momentum_buffer": None}, 1: {}, 2: {"momentum_buffer": np.array(2.0)}}
    optimizer.load_state_dict({"state": state, "param_groups": [group]})
    for p in params:
        p.data = np.zeros(p.shape, p.dtype)
        p.grad = np.ones(p.shape)
    optimizer.step()
    assert [p.data.ravel()[0] for p in params] == [-1.0, -1.0, np.float32(-(0.9 * 2 + 0.5))]


def test_a_diverged_training_can_be_saved():
    w = gd.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([w])
    w.grad = [float("nan")]
    optimizer.step()
    w.grad = [float("inf")]
    optimizer.step()
    assert np.isnan(optimizer.state_dict()["state"][0]["exp_avg"]).all()
