import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import GradError, InPlaceError
from grad_nn.errors import StateDictError


class Foreign:
    """An array of another library."""

    def __init__(self, array, error=None):
        self.array, self.error = array, error

    def __array__(self, dtype=None, copy=None):
        if self.error is not None:
            raise self.error
        return self.array


def two_layers(dtype=None):
    return nn.Sequential(nn.Linear(3, 4, dtype=dtype), nn.ReLU(), nn.Linear(4, 2, dtype=dtype))


def test_state_dict_is_a_copy():
    model = two_layers()
    state = model.state_dict()
    assert {name: (type(a), a.shape, a.dtype.name) for name, a in state.items()} == {
        "0.weight": (np.ndarray, (4, 3), "float32"),
        "0.bias": (np.ndarray, (4,), "float32"),
        "2.weight": (np.ndarray, (2, 4), "float32"),
        "2.bias": (np.ndarray, (2,), "float32"),
    }
    kept = state["0.bias"].copy()
    model[0].bias.data += 1
    assert np.array_equal(state["0.bias"], kept)


def test_a_fresh_model_becomes_equal():
    a, b = two_layers(), two_layers()
    x = gd.random.normal((5, 3))
    assert not np.array_equal(a(x).data, b(x).data)
    assert b.load_state_dict(a.state_dict()) == ([], [])
    assert np.array_equal(a(x).data, b(x).data)


def test_loading_writes_into_the_arrays_that_are_there_and_backward_notices():
    flat = np.zeros(8, np.float32)
    layer = nn.Linear(3, 2)
    layer.weight.data = flat[:6].reshape(2, 3)  # as an optimizer with one buffer for all does
    layer.bias.data = flat[6:]
    array = layer.weight.data
    loss = (layer.weight * layer.weight).sum()
    layer.load_state_dict({"weight": np.full((2, 3), 2.0), "bias": np.full(2, 3.0)})
    assert layer.weight.data is array
    assert flat.tolist() == [2.0] * 6 + [3.0] * 2
    with pytest.raises(InPlaceError):
        loss.backward()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, ">f4"])
def test_the_module_keeps_its_dtype(dtype, given):
    layer = nn.Linear(2, 1, dtype=dtype)
    layer.load_state_dict({"weight": np.array([[0.5, 2.0]], given), "bias": np.array([1.0], given)})
    assert layer.weight.dtype == layer.bias.dtype == dtype
    assert layer.weight.tolist() == [[0.5, 2.0]]


@pytest.mark.parametrize(
    "make", [gd.Tensor, nn.Parameter, Foreign, lambda a: a.tolist()], ids=["tensor", "parameter", "foreign", "list"]
)
def test_anything_that_is_an_array_loads(make):
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": make(np.array([[1.0, 2.0]])), "bias": make(np.array([3.0]))})
    assert layer.weight.tolist() == [[1.0, 2.0]]
    assert layer.bias.tolist() == [3.0]


def test_swapping_live_arrays_loads_what_they_held():
    layer = nn.Module()
    layer.a, layer.b = nn.Parameter([1.0]), nn.Parameter([2.0])
    layer.load_state_dict({"a": layer.b, "b": layer.a})
    assert (layer.a.item(), layer.b.item()) == (2.0, 1.0)


def test_one_error_lists_everything_and_nothing_is_loaded():
    model = two_layers()
    model.frozen = nn.Parameter(np.broadcast_to(np.float32(1), (2,)))
    model.tied = model[2].bias
    before = model.state_dict()
    state = {
        "0.weight": np.zeros((3, 4), np.float32),
        "0.bias": np.zeros(4, np.int64),
        "2.weight": "weights",
        "2.bias": np.zeros(2),
        "tied": np.ones(2),
        "frozen": np.zeros(2),
        "3.weight": np.zeros(1),
        5: np.zeros(1),
    }
    model.extra = nn.Parameter(np.zeros((2, 2)))
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict(state)
    assert str(caught.value) == (
        "the state does not fit Sequential, and nothing was loaded:\n"
        "  frozen: cannot be loaded: the module's own array is read-only, so give its Parameter a copy\n"
        "  0.weight: has shape (3, 4), and the module needs (4, 3)\n"
        "  0.bias: has dtype int64, and the module needs floats (float32)\n"
        "  2.weight: has shape (), and the module needs (2, 4); has dtype <U7, and the module needs floats (float32)\n"
        "  2.bias: differs from tied, and in the module both are the same tensor\n"
        "  extra: is missing (the module has it, of shape (2, 2))\n"
        "  3.weight: is unexpected (the module has nothing of that name)\n"
        "  5: is unexpected (the module has nothing of that name)\n"
        "If names are meant to be missing or left over, pass strict=False"
    )
    assert isinstance(caught.value, GradError | ValueError)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items() if name in before)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, r"bias: is a dict and not an array of numbers"),
        ([[1.0], [1.0, 2.0]], r"bias: is a list that cannot become an array: .*inhomogeneous"),
        (
            Foreign(None, RuntimeError("requires grad")),
            r"bias: is a Foreign that cannot become an array: requires grad",
        ),
        (np.array([1j]), r"bias: has dtype complex128, and the module needs floats"),
        (np.array([True]), r"bias: has dtype bool, and the module needs floats"),
        (np.array([1e300]), r"bias: holds values beyond the range of float32, .* model\.to\('float64'\) first"),
    ],
)
def test_values_that_do_not_fit(value, message):
    layer = nn.Linear(1, 1)
    before = layer.weight.item()
    with pytest.raises(StateDictError, match=message):
        layer.load_state_dict({"weight": [[before + 1]], "bias": value})
    assert layer.weight.item() == before


def test_infinity_and_nan_load():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": [[np.inf, np.nan]], "bias": [-np.inf]})
    assert layer.weight.data[0, 0] == np.inf
    assert np.isnan(layer.weight.data[0, 1])


def test_not_strict_loads_what_fits_and_returns_the_rest():
    layer = nn.Linear(2, 1)
    before = layer.bias.item()
    found = layer.load_state_dict({"weight": [[1.0, 2.0]], "head.bias": [1.0]}, strict=False)
    assert found.missing_keys == ["bias"]
    assert found.unexpected_keys == ["head.bias"]
    assert layer.weight.tolist() == [[1.0, 2.0]]
    assert layer.bias.item() == before
    with pytest.raises(StateDictError, match=r"weight: has shape \(1, 1\)") as caught:
        layer.load_state_dict({"weight": [[1.0]]}, strict=False)
    assert "strict=False" not in str(caught.value)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        (
            lambda k: f"net.{k}",
            r"The names differ by 'net\.', which the state .*; remove it: \{k\.removeprefix\('net\.'\)",
        ),
        (
            lambda k: k.removeprefix("0."),
            r"The names differ by '0\.', which the module .*; add it: \{'0\.' \+ k: v for k",
        ),
    ],
)
def test_a_prefix_is_recognised(rename, message):
    model = nn.Sequential(nn.Linear(2, 1))
    with pytest.raises(StateDictError, match=message):
        model.load_state_dict({rename(k): v for k, v in model.state_dict().items()})


@pytest.mark.parametrize("state", ["model.npz", [1.0], nn.ReLU(), None])
def test_what_is_no_dict_says_what_to_pass(state):
    name = type(state).__name__
    with pytest.raises(TypeError, match=rf"takes a dict from name to array, not a {name}: .* or nn\.load\(path\)"):
        nn.Linear(1, 1).load_state_dict(state)


def test_state_dict_error_is_among_ours():
    assert issubclass(StateDictError, GradError)
    assert issubclass(StateDictError, ValueError)
