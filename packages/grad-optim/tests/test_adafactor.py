"""What Adafactor alone has: states by rows and columns, kept beside the flat arrays."""

import copy

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

SHAPES = [(30, 20), (2, 3, 4), (5,), ()]


def parameters(dtype="float32"):
    rng = np.random.default_rng(0)
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def train(params, optimizer, steps, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in params:
            p.grad = rng.normal(size=p.shape)
        optimizer.step()


def test_a_matrix_has_a_state_of_its_rows_and_columns_only():
    params = parameters()
    optimizer = optim.Adafactor(params)
    train(params, optimizer, 2)
    state = optimizer.state_dict()["state"]
    shapes = [{name: np.shape(value) for name, value in entry.items()} for entry in state.values()]
    assert shapes[0] == {"step": (), "row_var": (30, 1), "col_var": (1, 20)}
    assert shapes[1] == {"step": (), "row_var": (2, 3, 1), "col_var": (2, 1, 4)}
    assert shapes[2:] == [{"step": (), "variance": (5,)}, {"step": (), "variance": ()}]
    assert not any(flat.states for flats in optimizer._flats for flat in flats)  # nothing of the size of a matrix


def test_a_step_is_at_most_a_share_of_the_size_of_the_parameter(rng):
    for scale in (1e-2, 1e4):
        w = gd.tensor(rng.normal(size=(8, 8)) * scale, requires_grad=True)
        before = w.data.copy()
        w.grad = rng.normal(size=(8, 8)) * 1e6
        optim.Adafactor([w], lr=0.05).step()
        share = np.sqrt(np.mean((w.data - before) ** 2) / np.mean(before**2))
        assert 0.04 < share <= 0.05 * (1 + 1e-12)


def test_the_dtype_of_a_parameter_may_change():
    params = parameters()
    optimizer = optim.Adafactor(params)
    train(params, optimizer, 3)
    for p in params:
        p.data = p.data.astype(np.float64)
        p.grad = None
    train(params, optimizer, 3)
    assert all(p.dtype == np.float64 and np.isfinite(p.data).all() for p in params)
    for entry in optimizer.state_dict()["state"].values():
        assert {value.dtype for value in entry.values() if isinstance(value, np.ndarray)} == {np.dtype(np.float64)}
        assert entry["step"] == 6


def test_groups_count_their_parameters_one_after_the_other():
    params = parameters()
    optimizer = optim.Adafactor([{"params": params[:1]}, {"params": params[1:], "lr": 0.1}])
    params[2].requires_grad = False
    train([params[0], params[1], params[3]], optimizer, 1)
    assert list(optimizer.state_dict()["state"]) == [0, 1, 3]
    again = copy.deepcopy(optimizer)
    np.testing.assert_equal(again.state_dict(), optimizer.state_dict())


def test_empty_parameters_are_no_error():
    params = [gd.zeros((0, 3), requires_grad=True), gd.zeros(0, requires_grad=True), gd.ones(2, requires_grad=True)]
    train(params, optim.Adafactor(params), 2)
    assert not (params[2].data == 1).any()


def test_states_of_dead_units_end_at_zero():
    w = gd.tensor(np.ones(4), requires_grad=True)
    optimizer = optim.Adafactor([w], beta2_decay=0.0)  # each square replaces the one before
    w.grad = np.full(4, 1e-152)  # its square is far below the cut
    for _ in range(31):
        optimizer.step()
    assert optimizer.state_dict()["state"][0]["variance"].all()
    optimizer.step()
    assert not optimizer.state_dict()["state"][0]["variance"].any()


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda e: e.pop("row_var"), r"state\[0\] has no 'row_var'"),
        (lambda e: e.pop("step"), r"state\[0\] has no 'step'"),
        (lambda e: e.update(step=0), r"state\[0\] has no 'step' that is a whole number of at least 1: 0"),
        (lambda e: e.update(step=1.5), r"a whole number of at least 1: 1.5"),
        (
            lambda e: e.update(col_var=np.zeros(20)),
            r"'col_var'\] is float64 of shape \(20,\), .* be \(1, 20\)",
        ),
        (lambda e: e.update(row_var=np.zeros((30, 1), int)), r"'row_var'\] is int64 of shape \(30, 1\)"),
        (lambda e: e.update(variance=np.zeros(3)), r"has 'variance', and .* it would be row_var and col_var"),
    ],
)
def test_a_state_dict_that_does_not_fit(spoil, text):
    params = parameters()
    optimizer = optim.Adafactor(params)
    train(params, optimizer, 2)
    saved = optimizer.state_dict()
    before = copy.deepcopy(saved)
    spoil(saved["state"][0])
    with pytest.raises(ValueError, match=rf"Adafactor: .* does not fit, and nothing was loaded(.|\n)*{text}"):
        optimizer.load_state_dict(saved)
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_an_entry_that_is_no_dict_and_one_of_no_parameter():
    optimizer = optim.Adafactor(parameters())
    groups = optimizer.state_dict()["param_groups"]
    with pytest.raises(ValueError, match=r"state\[0\] is a list and not a dict"):
        optimizer.load_state_dict({"state": {0: [1]}, "param_groups": groups})
    with pytest.raises(ValueError, match=r"state\[9\] belongs to no parameter"):
        optimizer.load_state_dict({"state": {9: {}}, "param_groups": groups})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "lr must be a finite number of at least 0"),
        ({"beta2_decay": 0.5}, "beta2_decay must be a finite number of at most 0, and 0.5 was given"),
        (
            {"eps": 1e-3},
            r"eps must be two finite numbers of at least 0, of which the first may be None",
        ),
        ({"eps": (1e-30, None)}, "eps must be two finite numbers"),
        ({"d": 0.5}, "d must be a finite number of at least 1, and 0.5 was given"),
        ({"weight_decay": -1}, "weight_decay must be a finite number of at least 0"),
        ({"maximize": 1}, "maximize must be True or False"),
    ],
)
def test_options_that_make_no_sense(options, text):
    with pytest.raises(ValueError, match=text):
        optim.Adafactor(parameters(), **options)
