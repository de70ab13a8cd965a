"""Tensor: attributes, conversions, operators, text."""

import copy
import inspect
import operator
import pickle
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core._methods import Methods
from grad_core.errors import ConversionError, DTypeError, GradientError, ShapeError

# Making


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, "float32", ()),
        (2, "int64", ()),
        (True, "bool", ()),
        ([1.0, 2], "float32", (2,)),
        ([1, 2], "int64", (2,)),
        ([2, 2.5], "float32", (2,)),
        ([[True], [False]], "bool", (2, 1)),
        ([], "float32", (0,)),
        ([[], []], "float32", (2, 0)),
        (np.float64(1.5), "float64", ()),
        ([np.float64(1.5)], "float64", (1,)),
        ([np.ones(2), np.ones(2)], "float64", (2, 2)),
        (np.ones(3, "float16"), "float16", (3,)),
        (np.ones((2, 1)), "float64", (2, 1)),
        (np.int32(3), "int32", ()),
        (range(3), "int64", (3,)),
        (gd.tensor([1.0]), "float32", (1,)),
        ([gd.tensor(1.0), gd.tensor(2.0)], "float32", (2,)),
    ],
)
def test_dtype_and_shape_of_data(data: Any, dtype: str, shape: tuple[int, ...]) -> None:
    for make in (gd.tensor, gd.asarray, gd.Tensor):
        made = make(data)
        assert (made.dtype, made.shape) == (np.dtype(dtype), shape)
        assert made.is_leaf
        assert not made.requires_grad


@pytest.mark.parametrize(
    ("data", "arguments", "error", "text"),
    [
        (
            [1, 2],
            {"requires_grad": True},
            DTypeError,
            "requires_grad=True needs a floating dtype, and this tensor is int64",
        ),
        ([True], {"requires_grad": True}, DTypeError, "this tensor is bool"),
        ([1.0], {"dtype": "float99"}, DTypeError, "unknown dtype 'float99': give one of 'float32'"),
        ([1.0], {"dtype": "complex64"}, DTypeError, "dtype complex64 is not supported"),
        ([1j], {}, DTypeError, "dtype complex128 cannot become a tensor"),
        (["a"], {}, DTypeError, "cannot become a tensor: tensors hold floats, integers and booleans"),
        (None, {}, DTypeError, "NoneType of dtype object"),
        ([[1.0], [1.0, 2.0]], {}, ConversionError, "Rows must have equal lengths"),
        ([gd.ones(1, requires_grad=True)], {}, ConversionError, "would lose its history"),
    ],
)
def test_data_that_cannot_become_a_tensor(
    data: Any, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        gd.tensor(data, **arguments)


@pytest.mark.parametrize("make", [gd.tensor, gd.asarray, lambda x, dtype: gd.full((1,), np.max(x), dtype=dtype)])
@pytest.mark.parametrize("value", [0.1, 1e300, [0.1], [[1, 0.1]], 3])
def test_a_dtype_that_is_given_is_not_reached_through_the_default_one(make: Any, value: Any) -> None:
    made = make(value, dtype="float64")
    assert made.dtype == np.float64
    assert made.data.max() == np.max(value)


def test_tensor_copies_and_asarray_does_not() -> None:
    a = np.zeros(2)
    assert not np.shares_memory(gd.tensor(a).data, a)
    assert np.shares_memory(gd.asarray(a).data, a)
    assert not np.shares_memory(gd.asarray(a, copy=True).data, a)
    scalar = np.zeros(())
    assert np.shares_memory(gd.asarray(scalar).data, scalar)
    t = gd.tensor(a, requires_grad=True)
    assert gd.asarray(t) is t
    assert gd.asarray(t, dtype="float32").grad_fn is not None
    with pytest.raises(ValueError, match="copy=False"):
        gd.asarray([1.0], copy=False)


def test_things_that_become_arrays() -> None:
    class WithArray:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([1.0, 2.0])

    class WithDLPack:
        def __dlpack__(self, **options: Any) -> Any:
            return np.array([1.0, 2.0]).__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return np.array([1.0]).__dlpack_device__()

    assert gd.tensor(WithArray()).tolist() == [1.0, 2.0]
    assert gd.tensor(WithDLPack()).tolist() == [1.0, 2.0]
    assert (gd.ones(2) + WithArray()).tolist() == [2.0, 3.0]


def test_the_default_dtype_can_be_set() -> None:
    gd.set_default_dtype("float64")
    try:
        assert gd.tensor(1.0).dtype == gd.zeros(1).dtype == gd.random.normal(2).dtype == gd.exp(1.0).dtype == np.float64
    finally:
        gd.set_default_dtype("float32")
    with pytest.raises(DTypeError, match="must be floating, and int64 is not"):
        gd.set_default_dtype("int64")


# Attributes


def test_attributes() -> None:
    x = gd.tensor([[1.0, 2.0, 3.0]], requires_grad=True, name="x")
    y = x * 2
    assert (x.shape, x.ndim, x.size, x.dtype, x.name) == ((1, 3), 2, 3, np.float32, "x")
    assert (x.T.shape, x.mT.shape) == ((3, 1), (3, 1))
    assert (x.is_leaf, y.is_leaf) == (True, False)
    assert (x.grad_fn, repr(y.grad_fn)) == (None, "<multiply>")
    assert x.grad is None
    with pytest.raises(AttributeError):
        x.gradient  # noqa: B018
    with pytest.raises(AttributeError):
        x.requires_gard = True


def test_conversions() -> None:
    x = gd.tensor([1.0, 2.0])
    assert x.numpy() is x.data
    assert np.asarray(x) is x.data
    assert np.asarray(x, "float64").dtype == np.float64
    assert gd.tensor(3.0).item() == 3.0
    assert isinstance(gd.tensor(3).item(), int)
    assert x.tolist() == [1.0, 2.0]
    assert (float(gd.tensor(2.5)), int(gd.tensor(2.5)), bool(gd.tensor(0.0))) == (2.5, 2, False)
    assert [1, 2, 3][gd.tensor(1)] == 2
    assert (len(x), [v.item() for v in x], 2.0 in x, 7.0 in x) == (2, [1.0, 2.0], True, False)
    assert f"{gd.tensor(3.14159):.2f}" == "3.14"
    assert f"{x}" == "tensor([1., 2.])"
    assert gd.tensor([1.0, 2.0], requires_grad=True).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("convert", "error", "text"),
    [
        (lambda x: x.numpy(), ConversionError, r"requires grad \(name='w'\).*call x.detach\(\).numpy\(\)"),
        (np.asarray, ConversionError, "would lose its history"),
        (lambda x: x.item(), ConversionError, r"item\(\) needs just one element, and shape \(2,\) has 2: use tolist"),
        (bool, ConversionError, r"ambiguous: use x.any\(\) or x.all\(\)"),
        (lambda x: [1, 2][x], TypeError, "only a 0-d integer tensor"),
        (lambda x: len(x.sum()), TypeError, r"len\(\) of a 0-d tensor"),
        (lambda x: list(x.sum()), TypeError, "no axis to iterate over"),
    ],
)
def test_conversions_that_would_lose_something(convert: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        convert(gd.tensor([1.0, 2.0], requires_grad=True, name="w"))


def test_detach_shares_memory_and_cuts_history() -> None:
    x = gd.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).detach()
    assert (y.requires_grad, y.grad_fn) == (False, None)
    assert np.shares_memory(x.detach().data, x.data)


def test_requires_grad_can_be_switched_on_leaves() -> None:
    x = gd.ones(2)
    assert x.requires_grad_() is x
    assert x.requires_grad
    y = x * 2
    y.requires_grad = True
    with pytest.raises(GradientError, match=r"use x.detach\(\) to cut its history"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_grad_can_be_set_and_is_checked() -> None:
    x = gd.ones(2)
    x.grad = [1.0, 2.0]
    assert x.grad.dtype == np.float32
    x.grad = np.array([1.0, 2.0])
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [1.0, 2.0])
    with pytest.raises(ShapeError, match=r"gradient of shape \(3,\) cannot belong to a tensor of shape \(2,\)"):
        x.grad = np.ones(3)
    x.grad = None
    assert x.grad is None


def test_data_keeps_its_shape() -> None:
    x = gd.ones(2)
    x.data = [3.0, 4.0]
    assert x.tolist() == [3.0, 4.0]
    with pytest.raises(ShapeError, match=r"data of shape \(3,\) cannot replace data of shape \(2,\)"):
        x.data = np.ones(3)


def test_assignment_into_untracked_tensors() -> None:
    x = gd.zeros((2, 2))
    x[0] = gd.ones(2)
    x[gd.tensor([1]), 1] = 5.0
    assert x.tolist() == [[1.0, 1.0], [0.0, 5.0]]
    s = gd.tensor(1.0)
    s[()] = 2.0
    assert s.item() == 2.0


# Operators

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARE = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
OTHERS: list[Any] = [
    2,
    2.0,
    np.float32(2),
    np.float64(2),
    [1.0, 2.0, 3.0],
    (1, 2, 3),
    np.array([1.0, 2.0, 3.0]),
    np.array([[1], [2]]),
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: type(o).__name__ + str(np.shape(o)))
@pytest.mark.parametrize("op", BINARY + COMPARE, ids=lambda o: o.__name__)
@pytest.mark.parametrize("side", ["left", "right"])
def test_operators_with_all_kinds_of_operand_on_either_side(op: Any, other: Any, side: str) -> None:
    x = gd.tensor([1.5, 2.5, 3.5], dtype="float64", requires_grad=True)
    array = x.detach().numpy()
    plain = np.asarray(other) if isinstance(other, list | tuple) else other
    got, wanted = (op(x, other), op(array, plain)) if side == "left" else (op(other, x), op(plain, array))
    assert isinstance(got, gd.Tensor)
    np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-7)
    assert got.requires_grad == (op in BINARY)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor], ids=lambda o: o.__name__)
@pytest.mark.parametrize("other", [True, [True, False], np.array([True, False]), gd.tensor([False, True])], ids=str)
def test_bit_operators(op: Any, other: Any) -> None:
    x = gd.tensor([True, True])
    assert op(x, other).tolist() == op(other, x).tolist() == op(np.array([True, True]), np.asarray(other)).tolist()
    assert (~x).tolist() == [False, False]


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda x: 2 - x, [-1.0, -1.0]),
        (lambda x: 2 / x, [-2.0, -0.5]),
        (lambda x: 2**x, [2 * np.log(2), 4 * np.log(2)]),
        (lambda x: np.ones(2, "float32") * x, [1.0, 1.0]),
        (lambda x: np.array([[1.0, 2.0], [3.0, 4.0]], "float32") @ x, [4.0, 6.0]),
        (lambda x: [[1.0, 2.0], [3.0, 4.0]] @ x, [4.0, 6.0]),
        (lambda x: x @ np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), [3.0, 7.0]),
        (lambda x: -x, [-1.0, -1.0]),
        (lambda x: +x, [1.0, 1.0]),
        (lambda x: abs(x - 3), [-1.0, -1.0]),
        (lambda x: np.float64(3) * x, [3.0, 3.0]),
        (lambda x: np.float32(3) - x, [-1.0, -1.0]),
    ],
)
def test_gradients_through_operators(function: Any, wanted: list[float]) -> None:
    x = gd.tensor([1.0, 2.0], requires_grad=True)
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)
    assert x.grad.dtype == np.float32


def test_python_numbers_do_not_change_the_dtype() -> None:
    for dtype in ("float16", "float32", "float64", "int32"):
        x = gd.tensor([1, 2], dtype=dtype)
        assert (x * 2).dtype == (2 + x).dtype == (x**2).dtype == np.dtype(dtype)
    assert (gd.tensor([1.0]) * 2.5).dtype == np.float32
    assert (gd.tensor(1.0) * 2.5).dtype == np.float32


def test_in_place_spellings_bind_a_new_tensor() -> None:
    x = gd.ones(2, requires_grad=True)
    y = x
    y += 1
    y *= 3
    assert y is not x
    assert x.tolist() == [1.0, 1.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_equality_with_none_and_text_is_of_python() -> None:
    x = gd.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "x") is False
    assert x in {x: 1}


@pytest.mark.parametrize("bad", ["text", None, object(), 1j])
def test_operands_that_make_no_sense(bad: Any) -> None:
    with pytest.raises(TypeError):
        gd.ones(2) + bad


M = np.array([[0.5, 2.0, 1.0], [3.0, 0.25, 4.0]])
METHODS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *[
        (name, (), {"axis": 1})
        for name in ("sum", "mean", "max", "min", "argmax", "argmin", "any", "all", "prod", "cumsum")
    ],
    *[(name, (0,), {"keepdims": True}) for name in ("var", "std", "prod", "sum", "mean", "max", "min")],
    ("norm", (1,), {"axis": 0}),
    ("cumprod", (1,), {}),
    ("reshape", ((3, 2),), {}),
    ("transpose", (), {}),
    ("swapaxes", (0, 1), {}),
    ("flatten", (), {}),
    ("ravel", (), {}),
    ("squeeze", (), {}),
    ("astype", ("float32",), {}),
    ("repeat", (2, 1), {}),
    ("diagonal", (1,), {}),
    ("trace", (1,), {}),
    ("take", ([1, 0], 0), {}),
    ("masked_fill", (M > 1, -1.0), {}),
    ("argsort", (0,), {"descending": True}),
    ("topk", (2,), {"largest": False}),
    ("dot", (M.T,), {}),
    ("clip", (0.5, 2.0), {}),
    *[(name, (), {}) for name in ("exp", "log", "sqrt", "tanh", "sigmoid", "relu")],
]


@pytest.mark.parametrize(("name", "args", "options"), METHODS, ids=[f"{m[0]}-{i}" for i, m in enumerate(METHODS)])
def test_a_method_is_the_function_of_its_name(name: str, args: Any, options: Any) -> None:
    got, wanted = getattr(gd.asarray(M), name)(*args, **options), getattr(gd, name)(M, *args, **options)
    for a, b in zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]:
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_every_method_is_tried() -> None:
    tried = {name for name, _, _ in METHODS}
    assert {name for name, f in vars(Methods).items() if inspect.isfunction(f) and not name.startswith("_")} == tried
    assert gd.asarray(M).T.tolist() == gd.asarray(M).mT.tolist() == M.T.tolist()
    assert round(gd.tensor([1.26]), 1).tolist() == gd.round(gd.tensor([1.26]), 1).tolist()


# Text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (gd.tensor(1.5), "tensor(1.5)"),
        (gd.tensor([]), "tensor([])"),
        (gd.zeros((2, 0)), "tensor([], shape=(2, 0))"),
        (gd.tensor([1, 2]), "tensor([1, 2])"),
        (gd.tensor([True]), "tensor([ True])"),
        (gd.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (gd.tensor([1], dtype="int8"), "tensor([1], dtype=int8)"),
        (gd.tensor([1.0], requires_grad=True, name="w"), "tensor([1.], name='w', requires_grad=True)"),
        (gd.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<multiply>)"),
        (gd.tensor([[1.0], [2.0]]), "tensor([[1.],\n        [2.]])"),
        (gd.tensor(float("nan")), "tensor(nan)"),
    ],
)
def test_repr(x: gd.Tensor, text: str) -> None:
    assert repr(x) == text


def test_repr_of_something_huge_is_short() -> None:
    assert len(repr(gd.zeros((1000, 1000)))) < 600


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301 - our own bytes
def test_leaves_can_be_copied(copied: Any) -> None:
    x = gd.tensor([1.0, 2.0], requires_grad=True, name="w")
    again = copied(x)
    assert (again.tolist(), again.requires_grad, again.name, type(again)) == ([1.0, 2.0], True, "w", gd.Tensor)
    assert not np.shares_memory(again.data, x.data)
    with pytest.raises(
        ConversionError, match=r"made by <multiply>, cannot be copied or pickled with it: use x.detach\(\)"
    ):
        copied(x * 2)
