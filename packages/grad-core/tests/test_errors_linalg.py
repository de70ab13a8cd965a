"""What linear algebra says to matrices that do not fit, and where LAPACK fails."""

from functools import partial
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, GradError, LinAlgError, ShapeError

la = gd.linalg
FLAT = np.array([[1.0, 2.0], [2.0, 4.0]])  # of rank 1
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
