"""Samples of linear algebra. What LAPACK may choose freely, as signs, is joined into what does not depend on it."""

from typing import Any

import numpy as np

from . import Sample, arrays

la: Any = np.linalg


def regular(*shape: int, seed: int = 0) -> Any:
    """Random square matrices far from singular ones, and of no symmetry."""
    return arrays(shape, seed=seed)[0] + 3 * np.eye(shape[-1])


def _symmetric(x: Any) -> tuple[Any]:
    """The gradient of functions of symmetric matrices is meant for symmetric changes."""
    return (x + x.mT,)


def _positive(x: Any) -> tuple[Any]:
    return (x @ x.mT,)


def _vectors(result: Any) -> Any:
    """The second power of each element of eigenvectors, which has no sign, beside the eigenvalues."""
    w, v = result
    return v * v * w[..., None, :]


def _columns(result: Any) -> Any:
    return result[1] * result[1]


def _planes(result: Any) -> Any:
    """The products of elements of a left and a right singular vector, and of their singular value."""
    u, s, vh = result
    k = s.shape[-1]
    return u[..., :, None, :k] * vh.mT[..., None, :, :k] * (s * s)[..., None, None, :]


def _left(result: Any) -> Any:
    return result[0] * result[0]


def _right(result: Any) -> Any:
    return result[2] * result[2]


def _first(result: Any) -> Any:
    return result[0]


def _second(result: Any) -> Any:
    return result[1]


def _both(result: Any) -> Any:
    return result[0] @ (result[1] * result[1])


def _product(result: Any) -> Any:
    return result[0] * result[1]


def _nothing(x: Any, **_options: Any) -> Any:
    """The norm of matrices without elements, for which older versions of NumPy have none."""
    return np.zeros(x.shape[:-2])


def _pinv(x: Any, rtol: Any = None) -> Any:
    return la.pinv(x, rtol=rtol)


NOTHING = np.zeros((0, 0))
ONE = np.array([[1.5]])
# singular, of ranks 2 and 1: the columns add up to 0, and equal ones
SINGULAR = np.array([[1.0, 2.0, -3.0], [0.5, -1.0, 0.5], [2.0, 0.25, -2.25]])
BARELY = np.outer([1.0, -2.0, 0.5], [0.5, 1.0, 3.0])
SQUARES: tuple[Any, ...] = (regular(3, 3), regular(2, 3, 3, seed=1), regular(1, 2, 2, 2, seed=2), ONE, NOTHING)
RANDOM: tuple[Any, ...] = (*arrays((3, 3), (2, 3, 3), (2, 1, 2, 2), (1, 1), seed=3), NOTHING)
ANY_SHAPE: tuple[Any, ...] = arrays((4, 2), (2, 4), (3, 3), (2, 3, 2), (2, 2, 3), (1, 1), (3, 1), (1, 3), seed=4)
EMPTY: tuple[Any, ...] = (NOTHING, np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((0, 2, 2)))
ORDERS: tuple[Any, ...] = ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def lapack(function: str, x: Any, reference: Any, params: dict[str, Any] | None = None, **options: Any) -> Sample:
    """A sample of a function that refuses float16."""
    inputs = x if isinstance(x, tuple) else (x,)
    return Sample(f"linalg.{function}", inputs, reference, params or {}, half=False, **options)


SAMPLES = [
    *[lapack("inv", x, la.inv) for x in SQUARES],
    *[lapack("det", x, la.det) for x in SQUARES],
    lapack("det", SINGULAR, la.det, note="of rank 2"),
    lapack("det", BARELY, la.det, note="of rank 1"),
    lapack("det", np.stack([SINGULAR, regular(3, 3), BARELY]), la.det, note="both kinds"),
    *[lapack("slogdet", x, la.slogdet, join=_product) for x in SQUARES],
    lapack("slogdet", -regular(3, 3), la.slogdet, join=_first, note="sign", differentiable=False),
    *[
        lapack("solve", (regular(*a, seed=i), arrays(b, seed=i)[0]), la.solve)
        for i, (a, b) in enumerate(
            [
                ((3, 3), (3,)),
                ((3, 3), (3, 2)),
                ((2, 3, 3), (3,)),
                ((2, 3, 3), (3, 1)),
                ((2, 3, 3), (2, 3, 2)),
                ((2, 2), (3, 2, 2)),
                ((2, 1, 2, 2), (3, 2, 1)),
                ((1, 1), (1,)),
                ((3, 3), (3, 0)),
                ((0, 0), (0, 2)),
            ]
        )
    ],
    *[lapack("pinv", x, _pinv) for x in (*ANY_SHAPE, *EMPTY)],
    *[lapack("matrix_power", regular(2, 2, 2), la.matrix_power, {"n": n}) for n in (0, 1, 2, 5, -1, -2)],
    lapack("matrix_power", NOTHING, la.matrix_power, {"n": 3}),
    *[lapack("cholesky", x, la.cholesky, pack=_positive) for x in SQUARES],
    lapack("cholesky", SQUARES[1], la.cholesky, {"upper": True}, pack=_positive),
    *[
        lapack("qr", x, la.qr, join=join, note=join.__name__)
        for x in (*ANY_SHAPE, *EMPTY)
        for join in (_first, _second, _both)
    ],
    *[
        lapack("qr", x, la.qr, {"mode": "complete"}, join=join, note=join.__name__)
        for x in (ANY_SHAPE[1], ANY_SHAPE[2])
        for join in (_first, _second)
    ],
    *[
        lapack("qr", ANY_SHAPE[0], la.qr, {"mode": "complete"}, join=join, note=join.__name__, differentiable=False)
        for join in (_first, _second)
    ],
    *[
        lapack("svd", x, la.svd, {"full_matrices": False}, join=join, note=join.__name__)
        for x in (*ANY_SHAPE, *EMPTY)
        for join in (_planes, _left, _second, _right)
    ],
    *[lapack("svd", x, la.svd, join=_planes) for x in ANY_SHAPE[:3]],
    *[lapack("svdvals", x, la.svdvals) for x in (*ANY_SHAPE, *EMPTY)],
    *[
        lapack("eigh", x, la.eigh, {"UPLO": part}, pack=_symmetric, join=join, note=join.__name__)
        for x in RANDOM
        for join, part in ((_vectors, "L"), (_first, "U"), (_columns, "L"))
    ],
    *[lapack("eigvalsh", x, la.eigvalsh, {"UPLO": part}, pack=_symmetric) for x in RANDOM for part in "LU"],
    *[
        lapack("matrix_norm", x, la.matrix_norm, {"ord": p})
        for p in ORDERS
        for x in (*ANY_SHAPE[:3], ANY_SHAPE[4], ANY_SHAPE[5])
    ],
    *[lapack("matrix_norm", ANY_SHAPE[3], la.matrix_norm, {"ord": p, "keepdims": True}) for p in ORDERS],
    *[lapack("matrix_norm", x, _nothing, {"ord": p}) for p in ("fro", "nuc", 2) for x in EMPTY],
    *[lapack("matrix_norm", x, _nothing, {"ord": p}, differentiable=False) for p in (1, np.inf) for x in EMPTY[:3]],
    lapack("matrix_rank", np.stack([SINGULAR, regular(3, 3), BARELY]), la.matrix_rank, differentiable=False),
    lapack("matrix_rank", np.diag([1.0, 1e-3]), la.matrix_rank, {"rtol": 1e-2}, differentiable=False),
    *[lapack("matrix_rank", x, lambda x: _nothing(x).astype(np.intp), differentiable=False) for x in EMPTY[:3]],
    *[lapack("cond", x, la.cond) for x in (*ANY_SHAPE[:5], regular(1, 2, 2))],
    *[lapack("cond", regular(2, 3, 3), la.cond, {"p": p}) for p in (2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")],
    *[Sample("linalg.vector_norm", ANY_SHAPE[0:1], la.vector_norm, {"ord": p}) for p in (2, 1, 3, np.inf, -np.inf)],
    Sample("linalg.vector_norm", ANY_SHAPE[3:4], la.vector_norm, {"ord": -2, "axis": 1}),
    Sample("linalg.vector_norm", ANY_SHAPE[3:4], la.vector_norm, {"ord": -0.5, "axis": (0, 2), "keepdims": True}),
    Sample("linalg.vector_norm", ANY_SHAPE[3:4], la.vector_norm, {"ord": 0, "axis": 0}, note="count"),
    Sample("linalg.vector_norm", (np.arange(1, 4),), la.vector_norm, {"ord": -1}, differentiable=False),
    Sample("linalg.cross", arrays((3,), (3,)), la.cross),
    Sample("linalg.cross", arrays((2, 1, 3), (4, 3)), la.cross),
    Sample("linalg.cross", arrays((3, 2), (3, 2)), la.cross, {"axis": 0}),
    Sample("trace", arrays((3, 3)), np.trace),
    Sample("trace", arrays((2, 3, 4)), np.trace, {"offset": -1, "axis1": -1, "axis2": 1}),
    Sample("trace", (np.arange(6).reshape(2, 3),), np.trace, {"offset": 1}, differentiable=False),
    Sample("linalg.trace", arrays((2, 3, 4)), la.trace, {"offset": 1}),
    Sample("linalg.trace", (NOTHING,), la.trace),
    Sample("linalg.diagonal", arrays((2, 3, 4)), la.diagonal, {"offset": 1}),
]
