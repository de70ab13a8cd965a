"""Linear algebra beyond the battery: singular and degenerate matrices, free choices, bad input."""

from functools import partial
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, GradError, GradientError, LinAlgError, ShapeError
from grad_core.testing import check_grads
from samples import load
from test_battery import call

la = gd.linalg
RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
TALL = RNG.normal(size=(4, 2))
FLAT = np.array([[1.0, 2.0], [2.0, 4.0]])  # of rank 1
ALIASES = ("matmul", "matrix_transpose", "outer", "tensordot", "vecdot")


def test_every_name_has_samples_or_is_the_function_of_the_package() -> None:
    sampled = {s.function.removeprefix("linalg.") for s in load() if s.function.startswith("linalg.")}
    assert sampled | set(ALIASES) == set(la.__all__)
    for name in ALIASES:
        assert getattr(la, name) is getattr(gd, name)


def test_results_have_names() -> None:
    assert la.qr(TALL)._fields == ("Q", "R")
    assert la.svd(TALL)._fields == ("U", "S", "Vh")
    assert la.eigh(SQUARE)._fields == ("eigenvalues", "eigenvectors")
    assert la.slogdet(SQUARE)._fields == ("sign", "logabsdet")


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 3), (1, 1), (0, 3)])
def test_the_factors_multiply_to_the_matrix(shape: tuple[int, ...]) -> None:
    x = gd.asarray(RNG.normal(size=shape))
    k = min(shape[-2:])
    for mode in ("reduced", "complete"):
        parts = la.qr(x, mode)
        np.testing.assert_allclose((parts.Q @ parts.R).numpy(), x.numpy(), atol=1e-12)
        np.testing.assert_allclose((parts.Q.mT @ parts.Q).numpy() - np.eye(parts.Q.shape[-1]), 0, atol=1e-12)
    for full in (True, False):
        u, s, vh = la.svd(x, full)
        np.testing.assert_allclose((u[..., :k] * s[..., None, :] @ vh[..., :k, :]).numpy(), x.numpy(), atol=1e-12)
        assert (u.shape[-1], vh.shape[-2]) == (shape[-2:] if full else (k, k))


def test_integers_become_float64() -> None:
    whole = [[2, 1], [1, 3]]
    for name in ("inv", "det", "cholesky", "svdvals", "eigvalsh", "pinv", "matrix_norm", "vector_norm", "cond"):
        assert getattr(la, name)(gd.tensor(whole)).dtype == np.float64
    assert la.solve(gd.tensor(whole), gd.tensor([1, 2])).dtype == np.float64
    assert la.trace(gd.tensor(whole)).dtype == np.int64
    assert la.matrix_rank(whole).dtype == np.int64


# Determinants of singular matrices


def minors(x: Any) -> Any:
    """The matrix of cofactors, from determinants of the matrices without one row and one column."""
    n = len(x)
    return np.array(
        [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in range(n)] for i in range(n)]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("lost", [0, 1, 2, 3, 5])
def test_the_gradient_of_det_is_the_matrix_of_cofactors_at_every_rank(n: int, lost: int, dtype: str) -> None:
    rng = np.random.default_rng(10 * n + lost)
    rank = max(n - lost, 0)
    a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
    x = gd.tensor(a.astype(dtype), requires_grad=True)
    (la.det(x) * 3).backward()
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(x.grad.numpy(), 3 * minors(a), rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, 3)),
        np.eye(3),
        np.ones((3, 3)),
        np.diag([2.0, 1.0, 0.0]),
        np.diag([1.0, 1.0, 0.0]),
        FLAT,
        -np.eye(2),
    ],
    ids=str,
)
def test_the_second_derivative_of_det_is_right_at_every_rank(x: Any) -> None:
    check_grads(la.det, [x], order=2)


@pytest.mark.parametrize("least", [0.0, 1e-12, 1e-6, 1e-4, 2e-3, 3e-3, 0.1])
def test_the_second_derivative_of_det_is_exact_near_a_singular_matrix(least: float) -> None:
    s = np.array([2.0, 1.0, least])
    hessian = gd.hessian(la.det)(np.diag(s)).numpy()
    wanted = np.zeros((3, 3, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        wanted[i, i, j, j] = wanted[j, j, i, i] = s[k]
        wanted[i, j, j, i] = wanted[j, i, i, j] = -s[k]
    np.testing.assert_allclose(hessian, wanted, atol=1e-10)


@pytest.mark.parametrize("x", [np.eye(3), 2 * np.eye(2), SQUARE, np.diag([3.0, 2.0, 0.0])], ids=str)
def test_the_third_derivative_of_det(x: Any) -> None:
    check_grads(la.det, [x], order=3, tolerance=1e-4, step=1e-4)


def test_nan_stays_in_its_own_matrix_of_the_batch() -> None:
    x = gd.tensor(np.stack([np.diag([1.0, np.nan]), FLAT, 2 * np.eye(2)]), requires_grad=True)
    with np.errstate(invalid="ignore"):  # NumPy's determinant warns of NaN
        la.det(x).sum().backward()
    assert np.isnan(x.grad.numpy()[0]).any()
    np.testing.assert_allclose(x.grad.numpy()[1:], [minors(FLAT), 2 * np.eye(2)], atol=1e-12)


def test_slogdet_of_a_singular_matrix_has_a_value_and_no_gradient() -> None:
    x = gd.tensor(FLAT, requires_grad=True)
    sign, logabsdet = la.slogdet(x)
    assert (sign.item(), logabsdet.item()) == (0.0, -np.inf)
    with pytest.raises(LinAlgError, match=r"^inv: the matrix of shape \(2, 2\) is singular"):
        logabsdet.backward()


def test_the_sign_of_a_determinant_has_a_gradient_of_0() -> None:
    x = gd.tensor(SQUARE, requires_grad=True)
    la.slogdet(x).sign.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros((3, 3)))


# Equal singular values and eigenvalues

VALUES_ALONE: dict[str, Any] = {
    "svdvals": lambda x: la.svdvals(x).sum(),
    "S of svd": lambda x: la.svd(x).S.sum(),
    "eigvalsh": lambda x: la.eigvalsh(x).sum(),
    "eigenvalues of eigh": lambda x: la.eigh(x).eigenvalues.sum(),
    "the nuclear norm": lambda x: la.matrix_norm(x, "nuc"),
}


@pytest.mark.parametrize("name", VALUES_ALONE)
@pytest.mark.parametrize("create_graph", [False, True])
def test_values_alone_have_gradients_where_they_are_equal(name: str, create_graph: bool) -> None:
    x = gd.tensor(np.eye(3), requires_grad=True)
    VALUES_ALONE[name](x).backward(create_graph=create_graph)
    np.testing.assert_allclose(x.grad.detach().numpy(), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [lambda x: la.svd(x).U, lambda x: la.svd(x).Vh, lambda x: la.eigh(x).eigenvectors],
    ids=["U", "Vh", "eigenvectors"],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_vectors_of_equal_values_have_no_finite_gradient(function: Any, create_graph: bool) -> None:
    x = gd.tensor(np.eye(2), requires_grad=True)
    with pytest.warns(RuntimeWarning):
        function(x).backward(np.array([[1.0, 2.0], [4.0, 8.0]]), create_graph=create_graph)
    assert not np.isfinite(x.grad.detach().numpy()).any()


def test_equal_largest_singular_values_share_the_gradient_of_the_2_norm() -> None:
    x = gd.tensor(np.diag([2.0, 2.0, 1.0]), requires_grad=True)
    la.matrix_norm(x, 2).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.diag([0.5, 0.5, 0.0]), atol=1e-12)


def test_the_gradients_of_functions_of_symmetric_matrices_are_symmetric() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 3))
    a = a @ a.T + np.eye(3)
    for function in (la.cholesky, lambda x: la.eigh(x).eigenvectors ** 2, la.eigvalsh):
        x = gd.tensor(a, requires_grad=True)
        y = function(x)
        y.backward(rng.normal(size=y.shape))
        np.testing.assert_allclose(x.grad.numpy(), x.grad.numpy().T, rtol=1e-12)
        assert np.abs(x.grad.numpy()).min() > 1e-4


def test_only_one_triangle_is_read() -> None:
    a = np.array([[4.0, 100.0], [1.0, 3.0]])
    lower, upper = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([[4.0, 100.0], [100.0, 3.0]])
    np.testing.assert_allclose(la.cholesky(a).numpy(), np.linalg.cholesky(lower))
    for name in ("eigvalsh", "eigh"):
        function = getattr(la, name)
        for part, wanted in (("L", lower), ("U", upper), ("u", upper)):
            found = function(a, UPLO=part)
            found = found.eigenvalues if name == "eigh" else found
            np.testing.assert_allclose(found.numpy(), np.linalg.eigvalsh(wanted))


# What has no derivative says so


def test_complete_qr_of_a_tall_matrix_says_that_it_has_no_gradient() -> None:
    x = gd.tensor(TALL, requires_grad=True)
    with pytest.raises(
        GradientError, match=r"^qr: mode='complete' has no derivative for the shape \(4, 2\).*'reduced'"
    ):
        la.qr(x, "complete").R.sum().backward()


@pytest.mark.parametrize("a", [TALL, TALL.T], ids=["tall", "wide"])
def test_full_svd_has_the_gradient_of_the_vectors_that_are_determined(a: Any) -> None:
    def full(x: Any) -> Any:
        u, s, vh = la.svd(x)
        return u[:, :2] ** 2 @ (vh[:2] ** 2) + s.sum()

    def thin(x: Any) -> Any:
        u, s, vh = la.svd(x, full_matrices=False)
        return u**2 @ (vh**2) + s.sum()

    check_grads(full, [a], order=2, tolerance=1e-4)
    g = RNG.normal(size=a.shape)
    grads = []
    for function in (full, thin):
        x = gd.tensor(a, requires_grad=True)
        function(x).backward(g)
        grads.append(x.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-12)
    x = gd.tensor(a, requires_grad=True)
    parts = la.svd(x)
    with pytest.raises(
        GradientError, match=r"^svd: full_matrices=True has no derivative by .* beyond the first 2 .*=False"
    ):
        (parts.U if len(a) > 2 else parts.Vh).sum().backward(create_graph=True)


# Any order, and forward


THIRD: dict[str, tuple[Any, Any]] = {
    "inv": (la.inv, SQUARE),
    "solve": (lambda x: la.solve(x, x[:, 0] * x[0]), SQUARE),
    "pinv": (la.pinv, TALL),
    "slogdet": (lambda x: la.slogdet(x).logabsdet, SQUARE),
    "cholesky": (lambda x: la.cholesky(x @ x.mT), SQUARE[:2, :2]),
    "qr": (lambda x: la.qr(x).Q * 1.0, np.array([[2.0, 0.5], [0.3, 1.0]])),
    "svd": (lambda x: la.svd(x, False).U ** 2, np.array([[2.0, 0.5], [0.3, 1.0]])),
    "svdvals": (la.svdvals, np.array([[2.0, 0.5], [0.3, 1.0]])),
    "eigh": (lambda x: la.eigh(x + x.mT).eigenvectors ** 2, np.array([[2.0, 0.5], [0.3, 1.0]])),
    "eigvalsh": (lambda x: la.eigvalsh(x + x.mT), np.array([[2.0, 0.5], [0.3, 1.0]])),
    "matrix_power": (lambda x: la.matrix_power(x, -2), SQUARE[:2, :2]),
    "nuc": (lambda x: la.matrix_norm(x, "nuc"), TALL),
}


@pytest.mark.parametrize("name", THIRD)
def test_third_derivatives(name: str) -> None:
    function, x = THIRD[name]
    check_grads(function, [x], order=3, tolerance=1e-4, step=1e-5)


@pytest.mark.parametrize("name", THIRD)
def test_tangents_and_cotangents_give_one_jacobian(name: str) -> None:
    function, x = THIRD[name]
    forward = gd.jacobian(function, mode="forward")(x)
    np.testing.assert_allclose(forward.numpy(), gd.jacobian(function)(x).numpy(), rtol=1e-9, atol=1e-9)


IN_VMAP: dict[str, Any] = {
    "full svd": lambda x: la.svd(x[:, :2]).U[:, :2] ** 2,
    "equal values": lambda x: la.svd(x).S,
    "solve": lambda x: la.solve(x, np.array([1.0, 2.0, 3.0])),
    "det": la.det,
    "norms": lambda x: la.matrix_norm(x, "nuc") + la.matrix_norm(x, 1, keepdims=True),
    "eigh": lambda x: la.eigh(x + x.mT).eigenvectors ** 2,
    "qr": lambda x: la.qr(x[:2]).R,
}


@pytest.mark.parametrize("name", IN_VMAP)
def test_batches_by_vmap_agree_with_a_loop(name: str) -> None:
    def gradient(x: Any) -> Any:
        return gd.grad(lambda y: (IN_VMAP[name](y) ** 2).sum())(x)

    rng = np.random.default_rng(5)
    entries = rng.normal(size=(2, 4, 3, 3)) + np.eye(3)
    for function in (IN_VMAP[name], gradient):
        found = gd.vmap(gd.vmap(function), in_axes=1)(entries)
        for i, j in np.ndindex(4, 2):
            np.testing.assert_allclose(found[i, j].numpy(), function(entries[j, i]).numpy(), rtol=1e-9, atol=1e-12)


def test_pinv_where_the_rank_stays_below_full() -> None:
    rng = np.random.default_rng(2)
    for m, n in ((3, 4), (4, 3), (3, 3)):
        check_grads(lambda u, v: la.pinv(u @ v), [rng.normal(size=(m, 1)), rng.normal(size=(1, n))], order=2)
        check_grads(lambda u, v: la.pinv(u @ v), [rng.normal(size=(m, 2)), rng.normal(size=(2, n))], tolerance=1e-4)


@pytest.mark.parametrize("sample", [s for s in load() if not s.half and s.differentiable], ids=lambda s: s.id)
def test_gradients_in_float32_are_those_of_float64(sample: Any) -> None:
    grads = []
    for dtype in ("float32", "float64"):
        leaves = [gd.tensor(x, dtype=dtype, requires_grad=True) for x in sample.inputs]
        y = call(sample, *leaves)
        y.backward(np.linspace(-1, 2, y.size).reshape(y.shape))
        grads.append([x.grad.numpy() for x in leaves])
    for single, double in zip(*grads, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-4 * np.abs(double).max(initial=1))


def test_the_powers_0_and_1_are_new_tensors_with_a_history() -> None:
    x = gd.tensor(SQUARE, requires_grad=True)
    la.matrix_power(x, 0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros((3, 3)))
    once = la.matrix_power(x, 1)
    once.data[...] = 0
    assert x.data.all()


def test_a_vector_is_one_right_hand_side_and_columns_are_many() -> None:
    a = gd.asarray(np.stack([SQUARE, 2 * SQUARE]))
    assert la.solve(a, np.ones(3)).shape == (2, 3)
    assert la.solve(a, np.ones((3, 2))).shape == (2, 3, 2)
    assert la.solve(a, np.ones((2, 3, 1))).shape == (2, 3, 1)
    with pytest.raises(ShapeError, match=r"3 equations and 2 values on their right"):
        la.solve(a, np.ones((2, 3)))


def test_a_singular_matrix_has_an_infinite_condition_number() -> None:
    assert la.cond(np.diag([1.0, 0.0])).item() == np.inf
    assert la.cond(np.diag([1.0, 0.0]), -2).item() == 0


BATCH = np.stack([np.eye(2), FLAT])
CUBE = gd.ones((3,))

CASES: list[tuple[Any, type[Exception], str]] = [
    *[
        (
            partial(getattr(la, name), np.ones((2, 3))),
            ShapeError,
            f"^{name}: shape \\(2, 3\\) has 2 rows and 3 columns, ",
        )
        for name in ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh")
    ],
    *[
        (
            partial(getattr(la, name), CUBE),
            ShapeError,
            f"^{name}: shape \\(3,\\) is not that of a matrix: it needs two",
        )
        for name in ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals", "pinv")
    ],
    *[
        (partial(getattr(la, name), CUBE), ShapeError, f"^{name}: shape \\(3,\\)")
        for name in ("matrix_norm", "matrix_rank", "cond")
    ],
    (lambda: la.inv(np.ones((2, 3))), ShapeError, r"the matrix must be square; pinv takes any shape(?m:$)"),
    (lambda: la.det(np.ones((2, 3))), ShapeError, r"the matrix must be square(?m:$)"),
    (lambda: la.inv(FLAT), LinAlgError, r"^inv: the matrix of shape \(2, 2\) is singular: it has no inverse\. pinv"),
    (lambda: la.inv(BATCH), LinAlgError, r"^inv: the matrix at 1 of the batch of shape \(2, 2, 2\) is singular"),
    (lambda: la.inv(BATCH[None]), LinAlgError, r"^inv: the matrix at \(0, 1\) of the batch"),
    (lambda: la.solve(FLAT, [1.0, 2.0]), LinAlgError, r"^solve: the matrix of shape \(2, 2\) is singular"),
    (lambda: la.solve(BATCH, np.ones((2, 2))), LinAlgError, r"^solve: the matrix at 1 of the batch"),
    (
        lambda: la.solve(np.ones((3, 2)), CUBE),
        ShapeError,
        r"^solve: shape \(3, 2\) has 3 rows and 2 columns, .*; pinv\(a\) @ b is the solution with the least squares",
    ),
    (
        lambda: la.solve(np.eye(2), CUBE),
        ShapeError,
        r"^solve: a matrix of shape \(2, 2\) and a right-hand side of shape \(3,\) do not fit: 2 eq",
    ),
    (
        lambda: la.solve(np.eye(2), np.ones((3, 1))),
        ShapeError,
        r"of shape \(3, 1\) do not fit: 2 eq",
    ),
    (
        lambda: la.solve(np.ones((2, 3, 3)), np.ones((4, 3, 1))),
        ShapeError,
        r"^solve: shapes \(2, 3, 3\) and \(4, 3, 1\): the axes before the last two must broadcast",
    ),
    (lambda: la.solve(np.eye(2), 1.0), ShapeError, r"^solve: the right-hand side has no axes"),
    (lambda: la.solve(np.eye(2), np.ones(2, np.float16)), DTypeError, r"^solve: cannot take float16"),
    (
        lambda: la.cholesky(np.diag([1.0, -1.0])),
        LinAlgError,
        r"^cholesky: the matrix of shape \(2, 2\) is not positive definite \(only its lower .*\).*eye\(n\)",
    ),
    (lambda: la.cholesky(np.stack([np.eye(2), -np.eye(2)])), LinAlgError, r"^cholesky: the matrix at 1 of the batch"),
    (lambda: la.qr(np.eye(2), "r"), ValueError, r"^qr: mode is 'reduced' or 'complete', and it is 'r'"),
    (
        lambda: la.eigh(np.eye(2), "X"),
        ValueError,
        r"^eigh: UPLO says which triangle is read, 'L' or 'U', .* 'X'",
    ),
    (lambda: la.eigvalsh(np.eye(2), 1), ValueError, r"^eigvalsh: UPLO says which .* and it is 1"),
    (lambda: la.matrix_power(np.eye(2), 1.5), ShapeError, r"^matrix_power: n is an integer, and 1\.5 is a float"),
    (
        lambda: la.matrix_power(np.ones((2, 3)), 2),
        ShapeError,
        r"^matrix_power: shape \(2, 3\) has 2 rows and 3 columns",
    ),
    (lambda: la.matrix_power(FLAT, -1), LinAlgError, r"^inv: the matrix of shape \(2, 2\) is singular"),
    (
        lambda: la.matrix_norm(np.eye(2), 3),
        ValueError,
        r"^matrix_norm: ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, and it is 3",
    ),
    (lambda: la.matrix_norm(np.eye(2), "max"), ValueError, r"and it is 'max'"),
    *[
        (lambda p=p: la.matrix_norm(np.zeros((0, 0)), p), ShapeError, f"^matrix_norm: shape .* nothing .* for ord={p}")
        for p in (-1, -2, -np.inf)
    ],
    (
        lambda: la.vector_norm(CUBE, "fro"),
        ValueError,
        r"^vector_norm: ord must be a number, and it is 'fro'\. matrix_norm",
    ),
    (lambda: la.vector_norm(CUBE, np.nan), ValueError, r"and it is nan"),
    (lambda: la.vector_norm(CUBE, True), ValueError, r"and it is True"),
    (
        lambda: la.vector_norm(gd.zeros(0), -np.inf),
        ShapeError,
        r"^vector_norm: shape \(0,\) has no elements along axis",
    ),
    (lambda: la.vector_norm(CUBE, 0, axis=1), ShapeError, r"^vector_norm: axis 1 is out of range"),
    (lambda: la.cond(np.zeros((0, 0))), LinAlgError, r"^cond: shape \(0, 0\) has no elements: there is no condition"),
    (lambda: la.cond(np.ones((2, 3)), 1), ShapeError, r"^cond: .* must be square; p=2 takes any shape"),
    (lambda: la.cond(FLAT, 1), LinAlgError, r"^inv: the matrix of shape \(2, 2\) is singular"),
    (
        lambda: la.cross(np.ones(2), np.ones(3)),
        ShapeError,
        r"^cross: shapes \(2,\) and \(3,\) have lengths 2 and 3 along",
    ),
    (
        lambda: la.cross(np.ones(3), np.ones((3, 2))),
        ShapeError,
        r"have lengths 3 and 2 along axis -1, .* three elements",
    ),
    (lambda: gd.trace(CUBE), ShapeError, r"^trace: needs two axes or more, and shape \(3,\) has 1"),
    (lambda: gd.trace(np.eye(2), 0, 0, 0), ShapeError, r"names an axis twice"),
    (lambda: la.trace(CUBE), ShapeError, r"^trace: needs two axes"),
    (lambda: la.diagonal(CUBE), ShapeError, r"^diagonal: needs two axes"),
]


@pytest.mark.parametrize(("call", "kind", "text"), CASES, ids=[f"{i}-{c[2][:30]}" for i, c in enumerate(CASES)])
def test_message(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()


@pytest.mark.parametrize("name", ["svd", "svdvals", "pinv", "eigh", "eigvalsh"])
def test_a_decomposition_that_lapack_does_not_find(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(x: Any, **options: Any) -> Any:
        raise np.linalg.LinAlgError("did not converge")

    for function in ("svd", "pinv", "eigh", "eigvalsh"):
        monkeypatch.setattr(np.linalg, function, fail)
    with pytest.raises(LinAlgError, match=f"^{name}: the matrix of shape .2, 2. .* look for NaN or infinity in it"):
        getattr(la, name)(np.eye(2))


def test_numpys_own_error_is_caught_too() -> None:
    for kind in (np.linalg.LinAlgError, ValueError, GradError):
        with pytest.raises(kind, match="is singular"):
            la.inv(FLAT)
