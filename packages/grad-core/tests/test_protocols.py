"""NumPy's functions on tensors, and tensors in NumPy's functions."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core._protocols import FUNCTIONS, REDUCTIONS, UFUNCS
from grad_core.errors import ConversionError, UnsupportedError

A = np.array([[0.5, 1.5, 2.5], [0.25, 1.25, 0.75]])
INT_OR_BOOL = {
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.bitwise_not,
    np.bitwise_left_shift,
    np.bitwise_right_shift,
}
INSIDE = {np.arccos: A / 3, np.arcsin: A / 3, np.arctanh: A / 3, np.arccosh: A + 1}


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_each_ufunc_of_the_table_gives_numpys_value_as_a_tensor(ufunc: Any) -> None:
    a = (A * 4).astype(int) if ufunc in INT_OR_BOOL else INSIDE.get(ufunc, A)
    others = [a.T.copy() if ufunc is np.matmul else a + a.dtype.type(1)] * (ufunc.nin - 1)
    result = ufunc(gd.asarray(a), *others)
    assert isinstance(result, gd.Tensor)
    np.testing.assert_allclose(result.numpy(), ufunc(a, *others))
    if others:
        np.testing.assert_allclose(ufunc(others[0], gd.asarray(a)).numpy(), ufunc(others[0], a))


@pytest.mark.parametrize("ufunc", REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": None}, {"axis": 0, "keepdims": True}], ids=str)
def test_reductions(ufunc: Any, options: dict[str, Any]) -> None:
    result = ufunc.reduce(gd.asarray(A), **options)
    assert isinstance(result, gd.Tensor)
    np.testing.assert_allclose(result.numpy(), ufunc.reduce(A, **options))


CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (np.all, (), {"axis": 0}),
    (np.amax, (), {"axis": 1}),
    (np.amin, (), {}),
    (np.any, (), {"keepdims": True}),
    (np.argmax, (), {"axis": 1}),
    (np.argmin, (), {}),
    (np.broadcast_to, ((2, 2, 3),), {}),
    (np.clip, (0.6, 1.0), {}),
    (np.concatenate, (), {"axis": 1}),
    (np.empty_like, (), {}),
    (np.expand_dims, (1,), {}),
    (np.full_like, (3.0,), {}),
    (np.matrix_transpose, (), {}),
    (np.max, (0,), {}),
    (np.mean, (), {"axis": (0, 1)}),
    (np.min, (1,), {"keepdims": True}),
    (np.moveaxis, (0, 1), {}),
    (np.ndim, (), {}),
    (np.ones_like, (), {}),
    (np.ravel, (), {}),
    (np.reshape, ((3, 2),), {}),
    (np.shape, (), {}),
    (np.size, (), {}),
    (np.squeeze, (), {}),
    (np.stack, (), {"axis": -1}),
    (np.sum, (), {"axis": -1, "dtype": np.float64}),
    (np.swapaxes, (0, 1), {}),
    (np.transpose, (), {}),
    (np.argsort, (), {"axis": 0}),
    (np.count_nonzero, (), {"axis": 1}),
    (np.cumprod, (1,), {}),
    (np.cumsum, (), {"axis": 0}),
    (np.cumulative_prod, (), {"axis": 1}),
    (np.cumulative_sum, (), {"axis": 0, "include_initial": True}),
    (np.diagonal, (1,), {}),
    (np.dot, (A.T,), {}),
    (np.flip, (0,), {}),
    (np.kron, (A,), {}),
    (np.linalg.norm, (), {"axis": 1}),
    (np.linalg.tensordot, (A,), {}),
    (np.linalg.vecdot, (A,), {}),
    (np.outer, (A,), {}),
    (np.pad, (1,), {"constant_values": 3.0}),
    (np.prod, (0,), {}),
    (np.repeat, (2,), {"axis": 0}),
    (np.roll, (1,), {}),
    (np.round, (1,), {}),
    (np.sort, (0,), {}),
    (np.std, (0,), {"ddof": 1}),
    (np.take, ([1, 0],), {"axis": 0}),
    (np.take_along_axis, (np.array([[0], [2]]), 1), {}),
    (np.tensordot, (A.T, 1), {}),
    (np.tile, (2,), {}),
    (np.trace, (1,), {"dtype": np.float32}),
    (np.linalg.cond, (), {}),
    (np.linalg.diagonal, (), {"offset": 1}),
    (np.linalg.matmul, (A.T,), {}),
    (np.linalg.matrix_norm, (), {"ord": 1}),
    (np.linalg.matrix_rank, (), {}),
    (np.linalg.matrix_transpose, (), {}),
    (np.linalg.pinv, (1e-10,), {}),
    (np.linalg.svdvals, (), {}),
    (np.linalg.trace, (), {"offset": -1}),
    (np.linalg.vector_norm, (), {"ord": 1, "axis": 0}),
    (np.tril, (), {}),
    (np.triu, (1,), {}),
    (np.unique_values, (), {}),
    (np.var, (0,), {"ddof": 1}),
    (np.where, (), {}),
    (np.zeros_like, (), {}),
    (np.argwhere, (), {}),
    (np.astype, (np.float32,), {}),
    (np.average, (), {"axis": 1, "weights": A + 1}),
    (np.copy, (), {}),
    (np.diff, (), {"axis": 0}),
    (np.flatnonzero, (), {}),
    (np.fliplr, (), {}),
    (np.flipud, (), {}),
    (np.inner, (A + 1,), {}),
    (np.isclose, (A + 1e-9,), {}),
    (np.isin, ([0.5, 0.75],), {}),
    (np.ptp, (1,), {"keepdims": True}),
]


# these take or give something else than one array
SEVERAL: dict[Any, Any] = {
    np.atleast_1d: lambda x: np.atleast_1d(x[0, 0], x)[0],
    np.atleast_2d: lambda x: np.atleast_2d(x[0]),
    np.broadcast_arrays: lambda x: np.broadcast_arrays(x, A[0])[1],
    np.column_stack: lambda x: np.column_stack([x[0], A.T]),
    np.dstack: lambda x: np.dstack([x, A]),
    np.hstack: lambda x: np.hstack([x, A]),
    np.nonzero: lambda x: np.nonzero(x)[1],
    np.vstack: lambda x: np.vstack([x[0], A]),
    np.linalg.cholesky: lambda x: np.linalg.cholesky(x @ A.T, upper=True),
    np.linalg.cross: lambda x: np.linalg.cross(x[0], A, axis=-1),
    np.linalg.det: lambda x: np.linalg.det(x @ A.T),
    np.linalg.eigh: lambda x: np.linalg.eigh(x @ A.T, "U").eigenvalues,
    np.linalg.eigvalsh: lambda x: np.linalg.eigvalsh(x @ A.T),
    np.linalg.inv: lambda x: np.linalg.inv(x @ A.T),
    np.linalg.matrix_power: lambda x: np.linalg.matrix_power(x @ A.T, -2),
    np.linalg.qr: lambda x: np.linalg.qr(x, mode="complete").R,
    np.linalg.slogdet: lambda x: np.linalg.slogdet(x @ A.T).logabsdet,
    np.linalg.solve: lambda x: np.linalg.solve(A @ A.T, x),
    np.linalg.svd: lambda x: np.linalg.svd(x, full_matrices=False).S,
    np.einsum: lambda x: np.einsum("ij,kj->ik", A, x),
    np.linalg.outer: lambda x: np.linalg.outer(x[0], A[1]),
    np.meshgrid: lambda x: np.meshgrid(x[0], A[1])[1],
    np.searchsorted: lambda x: np.searchsorted(np.sort(x[0]), A[1], "right"),
    np.split: lambda x: np.split(x, 2)[1],
    np.unique_all: lambda x: np.unique_all(x).indices,
    np.unique_counts: lambda x: np.unique_counts(x).counts,
    np.unique_inverse: lambda x: np.unique_inverse(x).inverse_indices,
    np.unstack: lambda x: np.unstack(x, axis=1)[2],
}


# these answer with a Python bool
QUESTIONS: dict[Any, list[tuple[Any, bool]]] = {
    np.allclose: [
        (lambda x: np.allclose(x, A * (1 + 1e-7)), True),
        (lambda x: np.allclose(A + 0.1, x), False),
        (lambda x: np.allclose(x * np.nan, x * np.nan, equal_nan=True), True),
    ],
    np.array_equal: [
        (lambda x: np.array_equal(x, A), True),
        (lambda x: np.array_equal(x, A * (1 + 1e-15)), False),
        (lambda x: np.array_equal(x * 0, A[0] * 0), False),
        (lambda x: np.array_equal(x * np.inf, A * np.inf), True),
    ],
    np.iscomplexobj: [(np.iscomplexobj, False)],
    np.isrealobj: [(np.isrealobj, True)],
}


def test_each_function_of_the_table_is_tried() -> None:
    assert {f for f, _, _ in CALLS} | set(SEVERAL) | set(QUESTIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("function", QUESTIONS, ids=lambda f: f.__name__)
def test_questions_about_whole_arrays(function: Any) -> None:
    for ask, wanted in QUESTIONS[function]:
        for x in (gd.asarray(A), gd.tensor(A, requires_grad=True)):
            assert ask(x) is wanted


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.hstack([x[0], A[0]]),
        lambda x: np.hstack([x[0, 0], 1.0]),
        lambda x: np.dstack([x[0], A[0]]),
        lambda x: np.column_stack([x, A]),
        lambda x: np.vstack([x, A]),
        lambda x: np.inner(x, 2.0),
        lambda x: np.inner(x[0], A[1]),
        lambda x: np.average(x),
        lambda x: np.average(x, 1, A[0]),
        lambda x: np.average(x, axis=0, weights=A[:, 0], keepdims=True),
        lambda x: np.argwhere(x[0, 0]),
        lambda x: np.astype(x, np.float64, copy=False),
        lambda x: np.copy(x[0, 0]),
        lambda x: np.diff(x, 2, prepend=1.0),
        lambda x: np.isin(x, [0.5], invert=True),
        lambda x: np.atleast_2d(x[0, 0]),
    ],
)
def test_other_forms_of_functions_made_of_several(call: Any) -> None:
    result = call(gd.asarray(A))
    assert isinstance(result, gd.Tensor)
    assert result.dtype == call(A).dtype
    np.testing.assert_allclose(result.numpy(), call(A), strict=True)


@pytest.mark.parametrize(
    "call",
    [lambda x: np.average(x, weights=A[0]), lambda x: np.average(x, axis=0, weights=A[0])],
    ids=["no axis", "other"],
)
def test_weights_that_fit_nowhere(call: Any) -> None:
    with pytest.raises(gd.errors.ShapeError, match=r"average: weights of shape \(3,\) for shape \(2, 3\) and axis"):
        call(gd.asarray(A))


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda x: np.average(x, weights=A), A / A.sum()),
        (lambda x: np.vstack([x[0], x])[0], [[1, 1, 1], [0, 0, 0]]),
        (lambda x: np.hstack([x, A]) * 2, np.full((2, 3), 2.0)),
        (lambda x: np.exp2(x) / np.log(2), 2**A),
        (lambda x: np.degrees(x) + np.rad2deg(x), np.full((2, 3), 360 / np.pi)),
        (lambda x: np.deg2rad(x) + np.radians(x), np.full((2, 3), np.pi / 90)),
        (lambda x: np.fabs(-x) + np.conjugate(x), np.full((2, 3), 2.0)),
        (lambda x: np.ptp(x), [[0, 0, 1], [-1, 0, 0]]),
        (lambda x: np.diff(x), [[-1, 0, 1], [-1, 0, 1]]),
        (lambda x: np.copy(x) * 3, np.full((2, 3), 3.0)),
    ],
)
def test_their_gradients(call: Any, wanted: Any) -> None:
    x = gd.tensor(A, requires_grad=True)
    call(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("function", SEVERAL, ids=lambda f: f.__name__)
def test_functions_that_take_or_give_several_arrays(function: Any) -> None:
    result = SEVERAL[function](gd.asarray(A))
    assert isinstance(result, gd.Tensor)
    np.testing.assert_allclose(result.numpy(), SEVERAL[function](A))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ord": 2},
        {"ord": "nuc", "keepdims": True},
        {"ord": 1, "axis": (1, 0), "keepdims": True},
        {"ord": 1, "axis": 1},
        {"axis": (0, 1)},
    ],
    ids=str,
)
def test_the_norm_of_a_matrix_and_that_of_its_elements(options: dict[str, Any]) -> None:
    wanted = np.linalg.norm(A, **options)
    result = np.linalg.norm(gd.asarray(A), **options)
    assert result.shape == wanted.shape
    np.testing.assert_allclose(result.numpy(), wanted)


def test_only_the_singular_values() -> None:
    np.testing.assert_allclose(np.linalg.svd(gd.asarray(A), compute_uv=False).numpy(), np.linalg.svdvals(A))


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=[f.__name__ for f, _, _ in CALLS])
def test_each_function_of_the_table_gives_numpys_value(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    def call(x: Any) -> Any:
        if function in (np.concatenate, np.stack):
            return function([x, A], **kwargs)
        return function(A > 1, x, A) if function is np.where else function(x, *args, **kwargs)

    result = call(gd.asarray(A))
    wanted = call(A)
    if isinstance(wanted, np.ndarray | np.generic):
        assert isinstance(result, gd.Tensor)
        result = result.numpy()
    if function is np.empty_like:
        assert result.shape == wanted.shape
    else:
        np.testing.assert_allclose(result, wanted)


def test_numpys_functions_carry_gradients() -> None:
    x = gd.tensor(A, requires_grad=True)
    y = np.sum(np.exp(np.stack([x, x * 2])[1]) * np.where(A > 1, x, 0.0)) + np.mean(np.concatenate([x, A]))
    y.backward()
    e = np.exp(2 * A)
    np.testing.assert_allclose(x.grad.numpy(), np.where(A > 1, e + 2 * A * e, 0.0) + 1 / 12)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (np.spacing, "numpy.spacing"),
        (np.fft.fft, "numpy.fft.fft"),
        (np.linalg.eig, "numpy.linalg.eig"),
        (np.median, "numpy.median"),
        (np.hypot.reduce, "numpy.hypot.reduce"),
        (np.add.accumulate, "numpy.add.accumulate"),
        (lambda x: np.multiply.outer(x, x), "numpy.multiply.outer"),
    ],
)
def test_what_is_not_there_names_itself(call: Any, name: str) -> None:
    for x in (gd.asarray(A), gd.tensor(A, requires_grad=True)):
        with pytest.raises(
            UnsupportedError,
            match=rf"{name} has no counterpart in grad_core: compose it.*grad_core.extend.*x?\.?detach",
        ):
            call(x)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.sum(x, where=A > 1), "numpy.sum: .*'where'"),
        (lambda x: np.mean(x, dtype="float32"), "numpy.mean: .*'dtype'"),
        (lambda x: np.exp(x, where=A > 1), "numpy.exp: the option 'where'"),
        (lambda x: np.add(x, 1, dtype="float32"), "numpy.add: the option 'dtype'"),
        (lambda x: np.add(A, 1, out=x), r"numpy.add: out= cannot be a tensor; write t = np.add\(...\)"),
    ],
)
def test_options_that_are_not_there_are_named(call: Any, text: str) -> None:
    with pytest.raises(UnsupportedError, match=text):
        call(gd.asarray(A))


def test_adding_a_tensor_into_an_array() -> None:
    a = A.copy()
    a += gd.asarray(A)
    assert type(a) is np.ndarray
    np.testing.assert_array_equal(a, 2 * A)
    with pytest.raises(ConversionError, match="would lose its history: write it the other way round"):
        a += gd.tensor(A, requires_grad=True)
    np.testing.assert_array_equal(a, 2 * A)


def test_numpys_own_checks_take_untracked_tensors() -> None:
    np.testing.assert_allclose(gd.asarray(A), A)
    np.testing.assert_array_equal(gd.asarray(A), A)


def test_errors_of_the_function_itself_are_not_hidden() -> None:
    with pytest.raises(gd.errors.ShapeError, match="axis 5 is out of range"):
        np.sum(gd.asarray(A), axis=5)
