"""Buffers, what is found in an object, and looking up and registering by name."""

import copy
import re
from dataclasses import dataclass
from typing import Any

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import GradientError, InPlaceError, ShapeError
from grad_nn.errors import StateDictError


class Counted(nn.Module):
    def __init__(self):
        self.count = nn.Buffer(0)
        self.inner = nn.Linear(1, 1)
        self.mean = nn.Buffer(np.zeros(2, "float32"))
        self.cache = nn.Buffer([1.0], persistent=False)
        self.scale = nn.Parameter([1.0])
        self.mask = nn.Buffer([True, False])


STATE = ["scale", "count", "mean", "mask", "inner.weight", "inner.bias"]


@pytest.mark.parametrize(
    ("data", "dtype"), [(3, "int64"), ([True], "bool"), (np.zeros(2, "uint8"), "uint8"), ([1.5], "float32")]
)
def test_a_buffer_is_a_tensor_of_any_dtype_without_grad(data, dtype):
    buffer = nn.Buffer(data)
    assert (buffer.dtype, buffer.requires_grad, buffer.persistent) == (np.dtype(dtype), False, True)
    assert type(buffer + 1) is gd.Tensor
    assert not hasattr(buffer, "__dict__")
    with pytest.raises(GradientError, match="never requires grad: make it a Parameter"):
        buffer.requires_grad_()
    assert buffer.requires_grad_(False) is buffer


def test_a_buffer_of_a_tensor_that_requires_grad_has_no_history():
    x = gd.tensor([1.0], requires_grad=True)
    buffer = nn.Buffer(x * 2)
    assert (buffer.is_leaf, buffer.requires_grad) == (True, False)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy])
@pytest.mark.parametrize("persistent", [True, False])
def test_a_copy_of_a_buffer_is_one(copied, persistent):
    twin = copied(nn.Buffer([1, 2], persistent, name="ids"))
    assert (type(twin), twin.persistent, twin.name, twin.tolist()) == (nn.Buffer, persistent, "ids", [1, 2])


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: nn.Buffer([1, 2]), "Buffer([1, 2])"),
        (lambda: nn.Buffer([1.0], False), "Buffer([1.], persistent=False)"),
        (lambda: nn.Buffer(np.eye(2, dtype="f")), "Buffer([[1., 0.],\n        [0., 1.]])"),
    ],
)
def test_buffer_repr(made, text):
    assert repr(made()) == text


def test_buffers_of_a_module():
    model = Counted()
    assert [name for name, _ in model.named_buffers()] == ["count", "mean", "cache", "mask"]
    assert [id(b) for b in model.buffers()] == [id(b) for b in (model.count, model.mean, model.cache, model.mask)]
    assert [name for name, _ in model.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    assert list(model.state_dict()) == STATE


def test_state_of_buffers_goes_and_comes_with_its_dtype():
    a, b = Counted(), Counted()
    a.count.data += 3
    a.mean.data += 0.5
    a.mask.data[1] = True
    state = a.state_dict()
    assert [state[name].dtype.name for name in ("count", "mean", "mask")] == ["int64", "float32", "bool"]
    a.count.data += 1
    assert state["count"] == 3
    array = b.count.data
    b.load_state_dict(state)
    assert (b.count.item(), b.mean.tolist(), b.mask.tolist()) == (3, [0.5, 0.5], [True, True])
    assert b.count.data is array
    b.load_state_dict(state | {"count": np.uint8(9)})
    assert b.count.item() == 9


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("count", 1.5, "count: has dtype float64, and the module needs integers (int64)"),
        ("mask", [1, 0], "mask: has dtype int64, and the module needs booleans (bool)"),
        ("mean", [1, 0], "mean: has dtype int64, and the module needs floats (float32)"),
        ("count", np.uint64(2**63), "count: holds values beyond the range of int64, the module's dtype"),
        ("cache", [1.0], "cache: is unexpected (the module has nothing of that name)"),
    ],
)
def test_what_does_not_fit_a_buffer_is_not_loaded(name, value, text):
    model = Counted()
    state = model.state_dict()
    with pytest.raises(StateDictError, match=re.escape(text)):
        model.load_state_dict(state | {"scale": [5.0], name: value})
    assert model.scale.tolist() == [1.0]


@pytest.mark.parametrize(
    ("convert", "dtype"),
    [(lambda m: m.half(), "float16"), (lambda m: m.double().float(), "float32"), (lambda m: m.double(), "float64")],
)
def test_floating_buffers_are_converted_and_others_are_not(convert, dtype):
    model = Counted()
    buffers = list(model.buffers())
    assert convert(model) is model
    assert all(a is b for a, b in zip(buffers, model.buffers(), strict=True))
    assert [b.dtype.name for b in buffers] == ["int64", dtype, dtype, "bool"]
    assert model.inner.weight.dtype == dtype


def test_freezing_and_copying_leave_buffers_alone():
    model = Counted()
    twin = copy.deepcopy(model.requires_grad_(False).requires_grad_())
    twin.count.data += 1
    assert (model.count.item(), twin.count.item(), twin.cache.persistent) == (0, 1, False)
    assert list(twin.state_dict()) == STATE


def test_zero_grad_to_zeros():
    model = nn.Linear(2, 1)
    model(gd.ones((1, 2))).sum().backward()
    model.bias.grad = None
    model.zero_grad(set_to_none=False)
    assert model.weight.grad.tolist() == [[0.0, 0.0]]
    assert model.bias.grad is None
    model.zero_grad()
    assert model.weight.grad is None


# By name


def test_get_by_name():
    model = nn.Module()
    model.blocks = [nn.Sequential(Counted()), {"a.b": Counted()}]
    assert model.get_submodule("") is model
    assert model.get_submodule("blocks.0.0") is model.blocks[0][0]
    assert model.get_submodule("blocks.1.a.b.inner") is model.blocks[1]["a.b"].inner
    assert model.get_parameter("blocks.0.0.inner.weight") is model.blocks[0][0].inner.weight
    assert model.get_buffer("blocks.1.a.b.cache") is model.blocks[1]["a.b"].cache
    for name, module in model.named_modules():
        assert model.get_submodule(name) is module


@pytest.mark.parametrize(
    ("get", "name", "text"),
    [
        ("get_parameter", "inner.wieght", "Counted has no parameter of the name 'inner.wieght': did you mean 'inner.w"),
        ("get_parameter", "count", "Counted has no parameter of the name 'count'"),
        ("get_buffer", "inner", "Counted has no buffer of the name 'inner'"),
        ("get_submodule", "iner", "Counted has no module of the name 'iner': did you mean 'inner'?"),
        ("get_parameter", "", "no parameter of the name ''"),
    ],
)
def test_get_of_what_is_not_there(get, name, text):
    with pytest.raises(AttributeError, match=re.escape(text)):
        getattr(Counted(), get)(name)


def test_registering_is_assigning():
    model = nn.Module()
    p = nn.Parameter([1.0])
    model.register_parameter("p", p)
    model.register_buffer("b", np.zeros(2), persistent=False)
    model.register_buffer("c", gd.tensor([1]))
    model.register_module("m", nn.ReLU())
    model.add_module("n", None)
    model.register_parameter("q", None)
    model.register_buffer("r", None)
    assert (model.p, type(model.b), model.b.persistent, model.n, model.q, model.r) == (
        p, nn.Buffer, False, None, None, None,
    )  # fmt: skip
    assert list(model.state_dict()) == ["p", "c"]
    assert [name for name, _ in model.named_children()] == ["m"]


@pytest.mark.parametrize(
    ("act", "kind", "text"),
    [
        (lambda m: m.register_buffer("count", [1.0]), KeyError, "Counted has an attribute 'count' already: assign to"),
        (lambda m: m.register_buffer("forward", None), KeyError, "has an attribute 'forward' already"),
        (lambda m: m.register_buffer("", None), KeyError, "the name '' is empty"),
        (lambda m: m.register_module("a.b", None), KeyError, "the name 'a.b' is a path: give a name without dots"),
        (lambda m: m.register_parameter("w", gd.ones(1)), TypeError, "'w' would be a Tensor, and must be a Parameter"),
        (lambda m: m.add_module("w", gd.ones(1)), TypeError, "'w' would be a Tensor, and must be a Module"),
        (lambda m: m.add_module(3, nn.ReLU()), TypeError, "a name is a string, and 3 is a int"),
    ],
)
def test_registering_refuses(act, kind, text):
    model = Counted()
    before = dict(vars(model))
    with pytest.raises(kind, match=re.escape(text)):
        act(model)
    assert vars(model) == before


# Objects without a base


class Neuron:
    def __init__(self, n: int) -> None:
        self.w = nn.Parameter(gd.zeros(n))
        self.b = nn.Parameter(0.0)

    def __call__(self, x: Any) -> Any:
        return gd.tanh(x @ self.w + self.b)


@dataclass(slots=True)
class Slotted:
    first: Any
    others: Any = ()


def test_plain_objects_are_looked_into():
    layer = Slotted(Neuron(2), [Neuron(3), {"out": nn.Linear(1, 1)}])
    layer.others.append(layer)  # a cycle
    found = [(name, p.shape) for name, p in nn.named_parameters(layer)]
    assert found == [
        ("first.w", (2,)), ("first.b", ()), ("others.0.w", (3,)), ("others.0.b", ()),
        ("others.1.out.weight", (1, 1)), ("others.1.out.bias", (1,)),
    ]  # fmt: skip
    shared = layer.first
    assert len(list(nn.parameters((shared, shared, gd.tanh, 3, np.zeros(2), Neuron)))) == 2


def test_a_module_has_the_names_that_it_says():
    model = Counted()
    assert list(nn.named_parameters(model)) == list(model.named_parameters())
    assert list(nn.parameters(model.scale)) == [model.scale]


def test_a_long_chain_of_objects_is_no_recursion():
    chain = None
    for _ in range(3000):
        chain = Slotted(nn.Parameter([1.0]), chain)
    assert len(list(nn.parameters(chain))) == 3000


@pytest.mark.parametrize("value", [3, "w", np.zeros(2), gd.ones(2), Neuron, len, None])
def test_there_is_nothing_to_look_into(value):
    with pytest.raises(TypeError, match=r"parameters are looked for in the attributes of an object, and .* is a "):
        nn.parameters(value)


def add(b):
    b += 2
    return b


def subtract(b):
    b -= np.ones(2)
    return b


def multiply(b):
    b *= gd.tensor([2.0, 3.0])
    return b


def divide(b):
    b /= 2
    return b


def whole(b):
    b //= 2
    return b


def rest(b):
    b %= 2
    return b


def power(b):
    b **= 2
    return b


@pytest.mark.parametrize(
    ("change", "result"),
    [(add, [5, 7]), (subtract, [2, 4]), (multiply, [6, 15]), (divide, [1.5, 2.5]), (whole, [1, 2]), (rest, [1, 1]),
     (power, [9, 25])],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_operators_in_place_keep_the_buffer(change, result, dtype):
    buffer = nn.Buffer(np.array([3, 5], dtype))
    array = buffer.data
    assert change(buffer) is buffer
    assert buffer.data is array
    assert buffer.dtype == dtype
    assert buffer.tolist() == result


def test_a_counter_stays_in_the_state_and_backward_notices():
    model = Counted()
    model.count += 1
    assert model.state_dict()["count"] == 1
    x = gd.ones(2, requires_grad=True)
    y = (x * model.mean).sum()
    model.mean += 1
    with pytest.raises(InPlaceError):
        y.backward()


@pytest.mark.parametrize(
    ("start", "other", "kind", "text"),
    [
        (0, 0.5, TypeError, "Cannot cast"),
        ([0.0], [1.0, 2.0], ShapeError, r"a Buffer of shape \(1,\) cannot become \(2,\) in place: assign a new one"),
        ([0.0], gd.ones(1, requires_grad=True), GradientError, r"a tensor that requires grad: use its \.detach\(\)"),
    ],
)
def test_what_does_not_fit_in_place(start, other, kind, text):
    buffer = nn.Buffer(start)
    with pytest.raises(kind, match=text):
        buffer += other
    assert not buffer.data.any()


def test_names_can_have_a_prefix_all_names_or_the_own_ones_only():
    model = Counted()
    model.again = model.inner
    model.same = [model.scale]

    def names(found):
        return [name for name, _ in found]

    assert names(model.named_parameters("a.b")) == ["a.b.scale", "a.b.inner.weight", "a.b.inner.bias"]
    assert names(model.named_parameters(recurse=False)) == ["scale"]
    assert names(model.named_parameters(recurse=False, remove_duplicate=False)) == ["scale", "same.0"]
    assert names(model.named_parameters(remove_duplicate=False)) == [
        "scale", "same.0", "inner.weight", "inner.bias", "again.weight", "again.bias",
    ]  # fmt: skip
    assert list(model.parameters(recurse=False)) == [model.scale]
    outer = nn.Sequential(model)
    assert names(outer.named_buffers("m")) == ["m.0.count", "m.0.mean", "m.0.cache", "m.0.mask"]
    assert names(outer.named_buffers(recurse=False)) == []
    assert len(list(model.buffers(recurse=False))) == 4
    assert names(outer.named_modules(prefix="m")) == ["m", "m.0", "m.0.inner"]
    assert names(outer.named_modules(remove_duplicate=False)) == ["", "0", "0.inner", "0.again"]
