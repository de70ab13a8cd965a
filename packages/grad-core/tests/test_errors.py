"""Bad input to functions: the kind of error, and that its text names the op, what was given, and the remedy."""

import inspect
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import errors
from grad_core.errors import ConversionError, DTypeError, GradientError, ShapeError

X = gd.ones((2, 3))

CASES: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: X + gd.ones((2, 4)),
        ShapeError,
        r"^add: shapes \(2, 3\) and \(2, 4\) do not broadcast: axis -1 has lengths 3 and 4\. .*expand_dims",
    ),
    (
        lambda: X * gd.ones((3, 3)),
        ShapeError,
        r"multiply: shapes \(2, 3\) and \(3, 3\) do not broadcast: axis -2 has lengths 2 and 3",
    ),
    (
        lambda: gd.where(X > 0, X, gd.ones(4)),
        ShapeError,
        r"where: shapes \(2, 3\) and \(2, 3\) and \(4,\) do not broadcast: axis -1",
    ),
    (lambda: gd.maximum(X, np.ones(2)), ShapeError, r"maximum: shapes \(2, 3\) and \(2,\)"),
    (
        lambda: X @ gd.ones((2, 3)),
        ShapeError,
        r"matmul: shapes \(2, 3\) and \(2, 3\) do not fit: axis -1 of the first has length 3, axis -2 .* 2.*\.mT",
    ),
    (
        lambda: gd.ones((2, 2, 3)) @ gd.ones((3, 3, 2)),
        ShapeError,
        r"matmul: .*the axes before the last two must broadcast",
    ),
    (
        lambda: X @ gd.ones(2),
        ShapeError,
        r"matmul: shapes \(2, 3\) and \(2,\) do not fit: the last axis of the first and the only one",
    ),
    (lambda: gd.ones(2) @ gd.ones((3, 2)), ShapeError, r"one before the last of the second must have equal lengths"),
    (lambda: X @ 2.0, ShapeError, r"matmul: shapes \(2, 3\) and \(\): both need an axis; multiply by a scalar with \*"),
    (lambda: X.reshape(4, 2), ShapeError, r"reshape: shape \(2, 3\) has 6 elements, and \(4, 2\) has 8"),
    (
        lambda: X.reshape(4, -1),
        ShapeError,
        r"reshape: shape \(2, 3\) has 6 elements, and \(4, -1\) cannot hold that number",
    ),
    (lambda: X.reshape(-1, -1), ShapeError, r"reshape: \(-1, -1\) is not a shape: .* at most one may be -1"),
    (lambda: X.reshape(-2, 3), ShapeError, r"reshape: \(-2, 3\) is not a shape"),
    (lambda: X.reshape("ab"), ShapeError, r"reshape: a shape is an integer or a tuple of integers, and 'ab' is not"),
    (lambda: X.reshape(2.0, 3), ShapeError, "a shape is an integer or a tuple of integers"),
    (lambda: X.sum(axis=2), ShapeError, r"sum: axis 2 is out of range for an array with 2 axes \(allowed: -2 to 1\)"),
    (lambda: X.sum(axis=(0, -2)), ShapeError, r"sum: axis \(0, -2\) names an axis twice"),
    (lambda: X.sum(axis=1.5), ShapeError, r"sum: axis must be an integer, and 1\.5 is a float"),
    (lambda: gd.ones(()).sum(axis=0), ShapeError, r"allowed: none: it has no axes"),
    (lambda: gd.zeros((0, 3)).max(axis=0), ShapeError, r"max: shape \(0, 3\) has no elements along axis \(0,\)"),
    (lambda: gd.zeros(0).min(), ShapeError, r"min: shape \(0,\) has no elements"),
    (lambda: gd.zeros(0).mean(), ShapeError, r"mean: shape \(0,\) has no elements"),
    (lambda: gd.zeros((2, 0)).var(axis=1), ShapeError, r"var: shape \(2, 0\) has no elements"),
    (
        lambda: gd.ones(1).var(correction=1),
        ShapeError,
        r"var: 1 elements with correction=1 leave nothing to divide by; give correction=0",
    ),
    (lambda: gd.softmax(gd.zeros((2, 0))), ShapeError, r"softmax: shape \(2, 0\) has no elements"),
    (lambda: gd.log_softmax(gd.zeros((2, 0))), ShapeError, r"log_softmax: shape"),
    (lambda: gd.logsumexp(gd.zeros(0)), ShapeError, r"logsumexp: shape"),
    (lambda: gd.softmax(gd.ones(())), ShapeError, r"softmax: axis -1 is out of range"),
    (lambda: gd.permute_dims(X, (0, 0)), ShapeError, r"permute_dims: axis \(0, 0\) names an axis twice"),
    (lambda: gd.permute_dims(X, (0,)), ShapeError, r"permute_dims: shape \(2, 3\) has 2 axes, and axes=\(0,\) names 1"),
    (lambda: gd.ones(3).mT, ShapeError, r"matrix_transpose: needs two axes or more, and shape \(3,\) has 1"),
    (lambda: X.squeeze(0), ShapeError, r"squeeze: axis 0 of shape \(2, 3\) has length 2, and only length 1 can go"),
    (lambda: gd.flatten(X, 1, 0), ShapeError, r"flatten: start_axis=1 comes after end_axis=0"),
    (lambda: gd.moveaxis(X, (0, 1), 0), ShapeError, r"moveaxis: 2 axes to move, \(0, 1\), and 1 places"),
    (lambda: gd.broadcast_to(X, (2, 4)), ShapeError, r"broadcast_to: shape \(2, 3\) does not broadcast to \(2, 4\)"),
    (lambda: gd.broadcast_to(X, (3,)), ShapeError, r"there may be no more axes"),
    (
        lambda: gd.concat([X, gd.ones((2, 3, 1))]),
        ShapeError,
        r"concat: shapes \(2, 3\) and \(2, 3, 1\) must have as many axes",
    ),
    (lambda: gd.concat([X, gd.ones((2, 4))]), ShapeError, r"equal lengths on every axis but 0"),
    (lambda: gd.concat([]), ShapeError, "concat: needs at least one array, and the sequence is empty"),
    (lambda: gd.stack([]), ShapeError, "stack: needs at least one array"),
    (
        lambda: gd.stack([X, gd.ones(3)]),
        ShapeError,
        r"stack: shapes must be equal, and these are \(2, 3\) and \(3,\); concat joins",
    ),
    (lambda: X.astype("text"), DTypeError, "unknown dtype 'text'"),
    (lambda: X & 1, DTypeError, r"bitwise_and: cannot take float32, int"),
    (lambda: -gd.tensor([True]), DTypeError, r"negative: cannot take bool \(shapes \(1,\)\)"),
    (lambda: X[5], IndexError, r"getitem: shape \(2, 3\): index 5 is out of bounds"),
    (lambda: X[0, 0, 0], IndexError, r"getitem: shape \(2, 3\): too many indices"),
    (
        lambda: X[1.5],
        IndexError,
        r"getitem: an index of dtype float64 into shape \(2, 3\): positions are integers, slices",
    ),
    (lambda: X[gd.ones(2)], IndexError, "an index of dtype float32"),
    (lambda: X["a"], IndexError, "an index of dtype"),
    (lambda: X[[0, 7]], IndexError, "index 7 is out of bounds"),
    (lambda: X[np.array([True, False, True])], IndexError, "boolean index did not match"),
    (
        lambda: gd.scatter_add(X, 0, gd.ones(2)),
        ShapeError,
        r"scatter_add: values of shape \(2,\) do not broadcast to the \(3,\) of x\[index\]",
    ),
    (lambda: gd.scatter_add(X, [9], 1.0), IndexError, "out of bounds"),
    (lambda: gd.zeros((2, -1)), ShapeError, r"zeros: \(2, -1\) is not a shape"),
    (lambda: gd.ones("ab"), ShapeError, "ones: 'ab' is not a shape"),
    (lambda: gd.zeros(2, dtype="no"), DTypeError, "unknown dtype 'no'"),
    (lambda: gd.arange(0, 3, 0), ValueError, "arange: step is 0"),
    (lambda: gd.linspace(0, 1, -1), ValueError, "linspace: num is -1"),
    (lambda: gd.random.uniform(2, 1, 0), ValueError, "uniform: low=1 is above high=0"),
    (lambda: gd.random.normal(2, std=-1), ValueError, "normal: std=-1 is negative"),
    (
        lambda: gd.random.normal(2, dtype="int64"),
        DTypeError,
        r"normal: draws floats, and dtype int64 is not floating; use integers\(\)",
    ),
    (lambda: gd.random.bernoulli(1.5), ValueError, r"bernoulli: p holds a value outside \[0, 1\]"),
    (
        lambda: gd.random.Generator(0).set_state({}),
        ValueError,
        "set_state needs what get_state of a Generator returned",
    ),
    (lambda: gd.grad(lambda x: x * 2)([1.0, 2.0]), GradientError, None),
    (
        lambda: gd.grad(lambda x: x.sum())(2),
        DTypeError,
        "cannot differentiate by an argument of dtype int64: give floats, such as 2.0",
    ),
    (lambda: gd.grad(lambda x: 3.0)(2.0), GradientError, "returns one number as a tensor, and this returned float"),
    (lambda: gd.grad(lambda x: x, 1)(2.0), GradientError, "asks for argument 1, and the function was called with 1"),
    (lambda: gd.gradients(X.sum(), [X]), GradientError, "input 0 does not require grad"),
    (lambda: gd.tensor([gd.ones(2), gd.ones(3)]), ConversionError, "Rows must have equal lengths"),
]


@pytest.mark.parametrize(("call", "error", "text"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_bad_input(call: Any, error: type[Exception], text: str | None) -> None:
    with pytest.raises(error, match=text):
        call()


def test_every_error_shows_cause_example_and_repair() -> None:
    for name in errors.__all__:
        text = inspect.getdoc(getattr(errors, name)) or ""
        if name != "GradError":
            assert "Repair:" in text
            assert ">>>" in text
            assert f"grad_core.errors.{name}:" in text


def test_errors_are_also_the_built_in_ones() -> None:
    assert issubclass(errors.ShapeError, ValueError)
    assert issubclass(errors.DTypeError, TypeError)
    assert issubclass(errors.GradientError, RuntimeError)
    assert all(issubclass(getattr(errors, name), errors.GradError) for name in errors.__all__)
