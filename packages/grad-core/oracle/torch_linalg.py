"""What PyTorch calls the functions of linear algebra."""

from collections.abc import Callable
from typing import Any

import torch


def _solve(a: Any, b: Any) -> Any:
    if b.ndim > 1:  # PyTorch takes some batches of matrices for batches of vectors
        shape = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return torch.linalg.solve(a.expand(*shape, *a.shape[-2:]), b.expand(*shape, *b.shape[-2:]))
    return torch.linalg.solve(a, b[:, None])[..., 0]


def _det(x: Any) -> Any:
    value = torch.linalg.det(x)
    # where that is exactly 0, so is PyTorch's gradient without create_graph, and it is wrong at rank n - 1
    return value if (value.abs() > 1e-3).all() else _expanded(x)


def _expanded(x: Any) -> Any:
    """The determinant by Laplace's expansion along the first row."""
    n = x.shape[-1]
    if n == 1:
        return x[..., 0, 0]
    rest = [[j for j in range(n) if j != i] for i in range(n)]
    return sum((-1) ** i * x[..., 0, i] * _expanded(x[..., 1:, :][..., rest[i]]) for i in range(n))


def _cond(x: Any, p: Any = None) -> Any:
    # torch.linalg.cond has no second derivative for some of these
    if p in (None, 2, -2):
        s = torch.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return torch.linalg.matrix_norm(x, p) * torch.linalg.matrix_norm(torch.linalg.inv(x), p)


def _trace(x: Any, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Any:
    return torch.diagonal(x, offset, axis1, axis2).sum(-1)


def _vector_norm(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
    return torch.linalg.vector_norm(x, dim=axis, keepdim=keepdims, **options)


def _matrix_norm(x: Any, keepdims: bool = False, **options: Any) -> Any:
    if x.numel() == 0:  # PyTorch refuses some that NumPy gives 0 for
        return x.sum((-2, -1), keepdim=keepdims)
    return torch.linalg.matrix_norm(x, keepdim=keepdims, **options)


CALLS: dict[str, Callable[..., Any]] = {
    "linalg.cholesky": torch.linalg.cholesky,
    "linalg.cond": _cond,
    "linalg.cross": lambda x, y, axis=-1: torch.linalg.cross(*torch.broadcast_tensors(x, y), dim=axis),
    "linalg.det": _det,
    "linalg.diagonal": lambda x, offset=0: torch.linalg.diagonal(x, offset=offset),
    "linalg.eigh": torch.linalg.eigh,
    "linalg.eigvalsh": torch.linalg.eigvalsh,
    "linalg.inv": torch.linalg.inv,
    "linalg.matrix_norm": _matrix_norm,
    "linalg.matrix_power": torch.linalg.matrix_power,
    "linalg.pinv": torch.linalg.pinv,
    "linalg.qr": torch.linalg.qr,
    "linalg.slogdet": torch.linalg.slogdet,
    "linalg.solve": _solve,
    "linalg.svd": torch.linalg.svd,
    "linalg.svdvals": torch.linalg.svdvals,
    "linalg.trace": _trace,
    "linalg.vector_norm": _vector_norm,
    "trace": lambda x, offset=0, axis1=0, axis2=1: _trace(x, offset, axis1, axis2),
}
