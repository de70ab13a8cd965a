"""Modules that hold others: lists, dicts, Sequential with names, Residual, MLP; and the layers that only pass on."""

import copy
import re
from collections import OrderedDict

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError


def one(bias=False):
    return nn.Linear(1, 1, bias=bias)


MAKERS = {
    "Sequential": lambda items: nn.Sequential(*items),
    "ModuleList": nn.ModuleList,
    "ParameterList": nn.ParameterList,
}


@pytest.fixture(params=MAKERS)
def row(request):
    """A row of the kind, and the items that it may hold."""
    make = MAKERS[request.param]
    items = [nn.Parameter([float(i)]) if make is nn.ParameterList else one() for i in range(4)]
    return make(items[:3]), items


def names(module):
    return [name.split(".")[0] for name, _ in module.named_parameters()]


def test_a_row_is_a_sequence(row):
    held, (a, b, c, d) = row
    assert (len(held), list(held), list(reversed(held))) == (3, [a, b, c], [c, b, a])
    assert held[0] is a
    assert held[-1] is c
    assert (a in held, d in held) == (True, False)
    assert names(held) == ["0", "1", "2"]


def test_a_slice_is_a_row_of_the_same_items(row):
    held, (_, b, c, _) = row
    part = held.eval()[1:]
    assert (type(part), list(part), part.training) == (type(held), [b, c], False)
    part.append(b)
    assert (len(held), len(part)) == (3, 3)


def test_a_row_changes(row):
    held, (a, b, c, d) = row
    assert held.append(d) is held
    assert list(held) == [a, b, c, d]
    assert held.pop() is d
    assert held.pop(0) is a
    held.insert(1, a)
    assert list(held) == [b, a, c]
    held[1] = d
    assert list(held) == [b, d, c]
    del held[0]
    assert list(held) == [d, c]
    assert held.extend([a, b]) is held
    del held[1:3]
    assert list(held) == [d, b]
    held += [c]
    longer = held + [a]  # noqa: RUF005 - the operator is what is tested
    assert (list(held), list(longer), type(longer)) == ([d, b, c], [d, b, c, a], type(held))
    assert names(longer) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("index", [3, -4])
@pytest.mark.parametrize(
    "act", [lambda r, i: r[i], lambda r, i: r.pop(i), lambda r, i: r.__delitem__(i), lambda r, i: r.__setitem__(i, 0)]
)
def test_there_is_no_such_item(row, act, index):
    held, items = row
    with pytest.raises(IndexError, match=rf"\w+ {index} of a {type(held).__name__} that has 3"):
        act(held, index)
    assert list(held) == items[:3]


def test_extend_takes_all_or_nothing(row):
    held, items = row
    with pytest.raises((TypeError, DTypeError)):
        held.extend([items[3], np.array(["x"])])
    assert list(held) == items[:3]
    with pytest.raises(TypeError, match=f"{type(held).__name__} takes items in a list or the like, not a int"):
        held.extend(3)


def test_copies_of_rows_are_independent(row):
    held, items = row
    twin = copy.deepcopy(held)
    twin.append(items[3])
    assert (len(held), len(twin), twin[0] is held[0]) == (3, 4, False)


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda: nn.ModuleList([one(), gd.tanh]), "item 1 of a ModuleList must be a module, and is a Op: nn.Lam"),
        (lambda: nn.ModuleList([nn.ReLU]), "item 0 of a ModuleList is the class ReLU: make a module of it, ReLU(...)"),
        (lambda: nn.ModuleDict({"a": 3}), "'a' of a ModuleDict must be a module, and is a int"),
        (lambda: nn.ModuleDict({3: one()}), "a name in a ModuleDict is a string, and 3 is a int"),
        (lambda: nn.Residual(3), "layer 0 of a Residual is a int, which cannot be called"),
        (lambda: nn.Residual([one()]), "unpack it, Residual(*layers)"),
        (lambda: nn.Residual(nn.ReLU), "layer 0 of a Residual is the class ReLU"),
        (lambda: nn.Lambda(3), "Lambda makes a module of a function, and a int cannot be called"),
        (lambda: nn.Unflatten(1, 4), "unflattened_size is a tuple of lengths like (28, 28), not 4"),
        (lambda: nn.MLP(2, [2.5], 1), "must be an integer, and 2.5 is a float"),
        (lambda: nn.MLP(2, [2], 1, activation="relu"), "layer 1 of a Sequential is a str, which cannot be called"),
    ],
)
def test_what_is_no_item(act, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        act()


def test_parameter_list_makes_parameters():
    buffer = nn.Buffer([1])
    held = nn.ParameterList([gd.ones(2), np.zeros(1), 3.0, buffer])
    assert [type(item) for item in held] == [nn.Parameter] * 3 + [nn.Buffer]
    assert list(held.state_dict()) == ["0", "1", "2", "3"]
    with pytest.raises(DTypeError, match="a Parameter holds floats, and the data are int64"):
        held.append([1, 2])
    assert repr(nn.ParameterList([gd.ones(2)])) == "ParameterList(\n  (0): Parameter of shape (2,), float32\n)"


# By name


@pytest.mark.parametrize("make", [nn.ModuleDict, nn.ParameterDict])
def test_a_dict_of_modules_or_parameters(make):
    a, b, c = [nn.Parameter([1.0]) if make is nn.ParameterDict else one() for _ in range(3)]
    held = make({"a": a})
    held.update([("b", b)])
    held["c"] = c
    assert list(held) == list(held.keys()) == ["a", "b", "c"]
    assert (list(held.values()), list(held.items())[1], len(held)) == ([a, b, c], ("b", b), 3)
    assert ("a" in held, "x" in held, held.get("a") is a, held.get("x", 5)) == (True, False, True, 5)
    assert names(held) == ["a", "b", "c"]
    assert held.pop("a") is a
    del held["b"]
    assert list(held) == ["c"]
    both = held.eval() | {"a": a}
    assert (type(both), list(both), both.training, len(held)) == (make, ["c", "a"], False, 1)
    held |= {"b": b}
    assert list(held) == ["c", "b"]
    with pytest.raises(KeyError, match="has no 'x', but 'c', 'b'"):
        held.pop("x")
    with pytest.raises(KeyError, match="has no 'x'"):
        del held["x"]
    held.clear()
    assert len(held) == 0
    with pytest.raises(KeyError, match="has no 'x', but nothing"):
        held["x"]


@pytest.mark.parametrize(("name", "text"), [("", "'' in a ModuleDict is empty"), ("a.b", "'a.b' in a ModuleDict is a")])
def test_names_in_a_dict(name, text):
    held = nn.ModuleDict()
    with pytest.raises(KeyError, match=text):
        held.update({"a": one(), name: one()})
    assert len(held) == 0


def test_what_a_derived_class_adds():
    class Heads(nn.ModuleDict):
        def __init__(self):
            super().__init__({"a": one()})
            self.body = one()

    class Blocks(nn.ModuleList):
        def __init__(self):
            super().__init__([one()])
            self.body = one()

    assert names(Heads()) == ["a", "body"]
    assert names(Blocks()) == ["0", "body"]
    for model in (Heads(), Blocks()):
        assert repr(model).count("Linear") == 2
        assert "(body): Linear" in repr(model)


# Sequential with names


def named():
    return nn.Sequential(OrderedDict(first=one(), act=gd.tanh, last=one(bias=True)))


def test_sequential_of_a_dict_has_names():
    model = named()
    assert list(model.state_dict()) == ["first.weight", "last.weight", "last.bias"]
    x = gd.ones((2, 1))
    np.testing.assert_array_equal(model(x).data, model.last(gd.tanh(model.first(x))).data)
    assert (len(model), model[0], model[-1], next(reversed(model))) == (3, model.first, model.last, model.last)
    assert "(act): tanh\n  (last): Linear" in repr(model)
    model.first = nn.Lambda(lambda x: x * 0)
    np.testing.assert_array_equal(model(x).data, model.last(gd.zeros((2, 1))).data)


def test_sequential_with_names_changes():
    model = named()
    part = model.eval()[:2]
    assert (type(part), part.training, part.first is model.first, len(part)) == (nn.Sequential, False, True, 2)
    extra = nn.ReLU()
    assert model.append(extra) is model
    assert model[3] is extra is getattr(model, "3")
    model[1] = extra
    assert model.act is extra
    assert extra in model
    del model[1]
    assert not hasattr(model, "act")
    assert model.pop() is extra
    del model[:1]
    assert list(model) == [model.last]
    model.extend([extra])
    assert [name for name, _ in model.named_children()] == ["last", "1"]
    assert (len(model + [extra]), len(model)) == (3, 2)  # noqa: RUF005 - the operator is what is tested
    with pytest.raises(ValueError, match="insert: the layers of this Sequential have names"):
        model.insert(0, extra)
    twin = copy.deepcopy(model)
    twin.last.weight.data += 10  # past the zeros of relu, whatever was drawn
    assert twin(gd.ones((1, 1))).item() != model(gd.ones((1, 1))).item()


@pytest.mark.parametrize(
    ("layers", "kind", "text"),
    [
        ({"forward": one()}, KeyError, "cannot be called 'forward': it has such an attribute"),
        ({"a.b": one()}, KeyError, "layer 0 of a Sequential has the name 'a.b': give a string without dots"),
        ({"a": one(), 3: one()}, KeyError, "layer 1 of a Sequential has the name 3"),
        ({"a": nn.ReLU}, TypeError, "layer 0 of a Sequential is the class ReLU"),
    ],
)
def test_names_that_sequential_refuses(layers, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        nn.Sequential(layers)


# Residual, MLP and layers that only pass on


def test_residual():
    inner = nn.Linear(2, 2)
    x = gd.ones((3, 2))
    np.testing.assert_array_equal(nn.Residual(inner)(x).data, (x + inner(x)).data)
    several = nn.Residual(inner, gd.tanh)
    np.testing.assert_array_equal(several(x).data, (x + gd.tanh(inner(x))).data)
    assert repr(nn.Residual(gd.tanh)) == "Residual(\n  (inner): tanh\n)"


@pytest.mark.parametrize(
    ("arguments", "shapes"),
    [
        ((3, [4, 5], 2), [(4, 3), (5, 4), (2, 5)]),
        ((3, 4, 2), [(4, 3), (2, 4)]),
        ((3, [], 2), [(2, 3)]),
        ((2, (), 1), [(1, 2)]),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_mlp(arguments, shapes, bias):
    model = nn.MLP(*arguments, gd.tanh, bias=bias, dtype="float64", generator=gd.random.Generator(0))
    assert [p.shape for p in model.parameters() if p.ndim == 2] == shapes
    assert sum(1 for p in model.parameters() if p.ndim == 1) == bias * len(shapes)
    x = expected = gd.random.normal((5, arguments[0]), dtype="float64")
    for i, linear in enumerate(model[::2]):
        expected = linear(expected if i == 0 else gd.tanh(expected))
    np.testing.assert_array_equal(model(x).data, expected.data)
    again = nn.MLP(*arguments, bias=bias, dtype="float64", generator=gd.random.Generator(0))
    assert all(
        np.array_equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_options_of_mlp():
    model = nn.MLP(2, [3, 3], 1, output_activation=nn.Sigmoid, dropout=0.5)
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear", "Sigmoid"]
    assert model[1] is not model[4]
    with pytest.raises(ValueError, match="Dropout"):
        nn.MLP(2, [3], 1, dropout=1.5)


def test_micrograd_in_one_line():
    model = nn.MLP(3, [4, 4], 1, gd.tanh, output_activation=gd.tanh, generator=gd.random.Generator(3))
    x = np.array([[2, 3, -1], [3, -1, 0.5], [0.5, 1, 1], [1, 1, -1]], "float32")
    target = np.array([[1], [-1], [-1], [1]], "float32")
    for _ in range(100):
        loss = ((model(x) - target) ** 2).sum()
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad.data
    assert loss.item() < 0.05


def test_layers_that_only_pass_on():
    x = gd.random.normal((2, 6))
    assert nn.Identity(3, name="x")(x) is x
    assert nn.Lambda(lambda a, b=1: a * b)(3, b=2) == 6
    y = nn.Unflatten(-1, (3, -1))(x)
    np.testing.assert_array_equal(y.data, x.data.reshape(2, 3, 2))
    np.testing.assert_array_equal(nn.Flatten()(y).data, x.data)
    assert nn.Unflatten(0, (2, 1))(x).shape == (2, 1, 6)
    assert repr(nn.Lambda(gd.tanh)) == "Lambda(tanh)"
    assert repr(nn.Lambda(nn.ReLU(), "positive part")) == "Lambda(positive part)"
    assert repr(nn.Unflatten(1, [2, 3])) == "Unflatten(dim=1, unflattened_size=(2, 3))"
    assert list(nn.Lambda(nn.Linear(1, 1)).state_dict()) == ["function.weight", "function.bias"]


@pytest.mark.parametrize(
    ("dim", "sizes"), [(1, (4, 2)), (1, (4, -1)), (1, (-1, -1)), (1, (0, -1)), (1, (-2, -3)), (2, (6,)), (-3, (2,))]
)
def test_unflatten_refuses(dim, sizes):
    with pytest.raises(ShapeError, match=r"Unflatten: .* \(2, 6\)"):
        nn.Unflatten(dim, sizes)(gd.ones((2, 6)))


@pytest.mark.parametrize("base", [nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict])
def test_a_derived_container_may_leave_out_the_base(base):
    class Own(base):
        def __init__(self):
            self.extra = nn.Linear(2, 2)

    own = Own()
    assert len(own) == 0
    assert [name for name, _ in own.named_parameters()] == ["extra.weight", "extra.bias"]
    assert "(extra): Linear" in repr(own)
    assert len(copy.deepcopy(own)) == 0
    if base is nn.Sequential:
        assert own.append(own.extra)(gd.ones((1, 2))).shape == (1, 2)
