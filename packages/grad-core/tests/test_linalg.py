"""Linear algebra beyond the battery: singular and degenerate matrices, free choices, bad input."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import GradientError, LinAlgError, ShapeError
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
