import copy
import gc
import weakref

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError


class Pair(nn.Module):
    def __init__(self):  # no super().__init__() here, on purpose
        self.scale = nn.Parameter([1.0])
        self.first = nn.Linear(2, 3)
        self.shift = nn.Parameter([0.0])
        self.second = nn.Linear(3, 1, bias=False)

    def forward(self, x, *, twice=False):
        y = self.second(self.first(x) * self.scale) + self.shift
        return y * 2 if twice else y


class Nest(nn.Module):
    def __init__(self):
        self.rows = [nn.Linear(1, 1), (nn.Parameter([1.0]), {"a": nn.ReLU(), 7: nn.Parameter([2.0])})]
        self.number = 3
        self.words = ["x", None]


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_parameters_come_in_the_order_of_definition_and_before_those_of_modules():
    assert names(Pair()) == ["scale", "shift", "first.weight", "first.bias", "second.weight"]


def test_lists_tuples_and_dicts_are_looked_into():
    model = Nest()
    assert names(model) == ["rows.1.0", "rows.1.1.7", "rows.0.weight", "rows.0.bias"]
    assert [name for name, _ in model.named_modules()] == ["", "rows.0", "rows.1.1.a"]
    assert list(model.state_dict()) == names(model)


def test_modules_and_children():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU(), nn.Tanh()))
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "1.0", "1.1"]
    assert [type(m).__name__ for m in model.modules()] == ["Sequential", "Linear", "Sequential", "ReLU", "Tanh"]
    assert [name for name, _ in model.named_children()] == ["0", "1"]
    assert list(model.children()) == [model[0], model[1]]


def test_assigning_again_replaces_and_deleting_removes():
    model = Pair()
    old = model.first
    model.first = nn.Linear(2, 3, bias=False)
    assert names(model) == ["scale", "shift", "first.weight", "second.weight"]
    assert all(p is not old.weight for p in model.parameters())
    model.scale = 2.0
    del model.shift
    assert names(model) == ["first.weight", "second.weight"]


def test_shared_parameters_and_modules_count_once_and_have_all_their_names_in_the_state():
    model = Pair()
    model.again = model.first
    model.tied = [model.scale]
    assert names(model) == ["scale", "shift", "first.weight", "first.bias", "second.weight"]
    assert sum(1 for _ in model.modules()) == 3
    assert [name for name, _ in model.named_children()] == ["first", "second"]
    assert list(model.state_dict()) == [
        "scale", "shift", "tied.0", "first.weight", "first.bias", "second.weight", "again.weight", "again.bias",
    ]  # fmt: skip


def test_cycles_end():
    model = Pair()
    model.first.parent = model
    model.first.siblings = {"all": [model.second, model.first]}
    loop = [model.scale]
    loop.append(loop)
    model.loop = loop
    assert names(model) == [
        "scale", "shift", "first.weight", "first.bias", "first.siblings.all.0.weight",
    ]  # fmt: skip
    assert len(list(model.modules())) == 3
    assert "loop.0" in model.state_dict()
    assert not any("parent" in name for name in model.state_dict())
    model.load_state_dict(model.state_dict())
    assert model.eval().second.training is False
    assert "(parent): Pair(...)" in repr(model)
    seen = []
    model.apply(seen.append)
    assert [type(m).__name__ for m in seen] == ["Linear", "Linear", "Pair"]


def test_a_deep_diamond_is_walked_at_once():
    module = nn.Sequential(nn.Linear(1, 1))
    for _ in range(60):
        module = nn.Sequential(module, module)
    assert len(list(module.parameters())) == 2
    assert len(list(module.modules())) == 62


def test_apply_goes_from_the_inside_out_in_order():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()), nn.Tanh())
    seen = []
    assert model.apply(seen.append) is model
    assert seen == [model[0], model[1][0], model[1], model[2], model]


def test_train_and_eval_reach_everything():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model.train() is model
    assert all(m.training for m in model.modules())
    assert "training" not in vars(nn.ReLU())


def test_train_refuses_data():
    with pytest.raises(
        TypeError, match=r"takes True or False, not a ndarray: the training itself is a loop over backw"
    ):
        nn.ReLU().train(np.zeros(3))


def test_requires_grad_freezes_and_zero_grad_forgets():
    model = Pair()
    assert model.requires_grad_(False) is model
    assert not any(p.requires_grad for p in model.parameters())
    assert not model(gd.ones((1, 2))).requires_grad
    model.requires_grad_()
    model(gd.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_to_converts_parameters_and_gradients_and_keeps_the_tensors(dtype):
    model = Pair()
    before = list(model.parameters())
    model(gd.ones((1, 2))).sum().backward()
    assert model.to(dtype) is model
    after = list(model.parameters())
    assert all(a is b for a, b in zip(before, after, strict=True))
    assert {p.dtype.name for p in after} == {p.grad.dtype.name for p in after} == {dtype}
    assert model(gd.ones((1, 2), dtype=dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "message"),
    [("int64", r"to\(\): parameters are floats, and int64 is not: give 'float16'"), ("float99", "unknown dtype")],
)
def test_to_refuses_what_is_not_floating(dtype, message):
    model = nn.Linear(1, 1)
    with pytest.raises(DTypeError, match=message):
        model.to(dtype)
    assert model.weight.dtype == "float32"


def test_calling_passes_everything_on():
    model = Pair()
    x = gd.ones((4, 2))
    assert np.allclose(model(x, twice=True).data, 2 * model(x=x).data)


def test_a_module_without_forward_says_so():
    with pytest.raises(nn.errors.ForwardMissingError, match=r"^Nest has no method 'forward': define `def forward"):
        Nest()(gd.ones(1))
    assert issubclass(nn.errors.ForwardMissingError, NotImplementedError)


def test_a_misspelt_attribute_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="'Pair' object has no attribute 'frist'"):
        Pair().frist  # noqa: B018 - reading it is the test


def test_there_is_no_attribute_magic():
    for magic in ("__getattr__", "__setattr__", "__delattr__", "__init__"):
        assert magic not in vars(nn.Module)


def test_repr_nests_as_in_torch():
    model = Pair()
    model.rest = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), gd.tanh, lambda x: x)
    assert repr(model) == (
        "Pair(\n"
        "  (first): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (second): Linear(in_features=3, out_features=1, bias=False)\n"
        "  (rest): Sequential(\n"
        "    (0): Flatten(start_dim=1, end_dim=-1)\n"
        "    (1): Dropout(p=0.25)\n"
        "    (2): tanh\n"
        "    (3): <lambda>\n"
        "  )\n"
        ")"
    )
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(nn.Sequential()) == "Sequential()"


def test_copies_are_independent():
    model = Pair()
    twin = copy.deepcopy(model)
    twin.first.weight.data += 1
    assert not np.allclose(twin.first.weight.data, model.first.weight.data)
    assert type(twin.first.weight) is nn.Parameter
    assert list(twin.state_dict()) == list(model.state_dict())


def test_a_step_leaves_no_reference_cycle():
    gc.disable()
    try:
        model = Pair()
        loss = model(gd.ones((3, 2))).sum()
        loss.backward()
        gone = weakref.ref(loss), weakref.ref(model.first.weight)
        del loss, model
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("data", "dtype"),
    [([1, 2.5], "float32"), (np.ones(2), "float64"), (gd.ones(2, dtype="float16"), "float16"), (1.5, "float32")],
)
def test_parameter_keeps_dtype_and_tracks(data, dtype):
    p = nn.Parameter(data)
    assert (p.dtype, p.requires_grad, p.is_leaf) == (np.dtype(dtype), True, True)
    assert type(p * 1) is gd.Tensor


def test_parameter_shares_memory():
    array = np.zeros(2, np.float32)
    t = gd.Tensor(array)
    p, q = nn.Parameter(t), nn.Parameter(array)
    array += 1
    assert p.tolist() == q.tolist() == [1.0, 1.0]
    assert not hasattr(p, "__dict__")


def test_parameter_refuses_integers():
    with pytest.raises(DTypeError, match=r"a Parameter holds floats, and the data are int64: convert them first"):
        nn.Parameter([1, 2], requires_grad=False)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: nn.Parameter([1.0, 2.0]), "Parameter([1., 2.])"),
        (lambda: nn.Parameter([1.0], requires_grad=False), "Parameter([1.], requires_grad=False)"),
        (lambda: nn.Parameter(np.ones(1), name="w"), "Parameter([1.], dtype=float64, name='w')"),
        (lambda: nn.Parameter(np.eye(2, dtype="f")), "Parameter([[1., 0.],\n           [0., 1.]])"),
    ],
)
def test_parameter_repr(made, text):
    assert repr(made()) == text


# Sequential


def test_sequential_runs_modules_and_plain_functions_in_turn():
    linear = nn.Linear(2, 3)
    model = nn.Sequential(linear, gd.tanh, lambda x: x * 2)
    x = gd.ones((4, 2))
    assert np.array_equal(model(x).data, (gd.tanh(linear(x)) * 2).data)
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    same = gd.ones(1)
    assert nn.Sequential()(same) is same


def test_sequential_is_a_sequence():
    a, b, c = nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)
    model = nn.Sequential(a, b)
    assert model.append(c) is model
    assert (len(model), list(model), model[0], model[-1]) == (3, [a, b, c], a, c)
    part = model.eval()[1:]
    assert (type(part), list(part), part.training) == (nn.Sequential, [b, c], False)
    assert names(part) == ["1.weight", "1.bias"]


def test_a_class_derived_from_sequential_may_hold_more():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(1, 2))
            self.head = nn.Linear(2, 1)

    model = Net()
    assert names(model) == ["0.weight", "0.bias", "head.weight", "head.bias"]
    assert "(head): Linear" in repr(model)
    assert repr(model).count("Linear") == 2


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.ReLU(), nn.Tanh], r"layer 1 of a Sequential is the class Tanh: make a module of it, Tanh\(\.\.\.\)"),
        ([3], r"layer 0 of a Sequential is a int, which cannot be called: a layer is a module or a function of one"),
        ([[nn.ReLU()]], r"layer 0 of a Sequential is a list, .* argument: unpack it, Sequential\(\*layers\)"),
    ],
)
def test_sequential_refuses_what_is_no_layer(layers, message):
    with pytest.raises(TypeError, match=message):
        nn.Sequential(*layers)


def test_sequential_errors_after_construction():
    model = nn.Sequential(nn.ReLU())
    with pytest.raises(TypeError, match="layer 1 of a Sequential is a NoneType"):
        model.append(None)
    with pytest.raises(IndexError, match="layer 5 of a Sequential that has 1"):
        model[5]
    assert len(model) == 1
