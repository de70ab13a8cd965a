"""Creation functions against NumPy's, and their dtypes."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest

CASES: list[tuple[Any, Any]] = [
    (lambda m, **k: m.zeros((2, 3), **k), "float32"),
    (lambda m, **k: m.ones(3, **k), "float32"),
    (lambda m, **k: m.full((2,), 1.5, **k), "float32"),
    (lambda m, **k: m.full((2,), 3, **k), "int64"),
    (lambda m, **k: m.full((2,), True, **k), "bool"),
    (lambda m, **k: m.arange(5, **k), "int64"),
    (lambda m, **k: m.arange(2, 8, 3, **k), "int64"),
    (lambda m, **k: m.arange(0.0, 1.0, 0.25, **k), "float32"),
    (lambda m, **k: m.arange(5, 0, -2, **k), "int64"),
    (lambda m, **k: m.linspace(-1, 1, 5, **k), "float32"),
    (lambda m, **k: m.linspace(0, 1, 4, endpoint=False, **k), "float32"),
    (lambda m, **k: m.eye(3, **k), "float32"),
    (lambda m, **k: m.eye(2, 4, k=1, **k), "float32"),
    (lambda m, **k: m.zeros((), **k), "float32"),
    (lambda m, **k: m.ones((0, 2), **k), "float32"),
]


@pytest.mark.parametrize(("make", "dtype"), CASES)
def test_values_and_default_dtype(make: Any, dtype: str) -> None:
    made = make(gd)
    assert made.dtype == np.dtype(dtype)
    np.testing.assert_allclose(made.numpy(), make(np), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32"])
@pytest.mark.parametrize(("make", "_default"), CASES)
def test_a_dtype_may_be_given(make: Any, _default: str, dtype: str) -> None:
    made = make(gd, dtype=dtype)
    assert made.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(made.numpy(), make(np).astype(dtype))


@pytest.mark.parametrize(
    "make",
    [gd.zeros, gd.ones, gd.empty, gd.eye, lambda n, **k: gd.full(n, 1.0, **k), lambda n, **k: gd.arange(0.0, n, **k)],
)
def test_they_may_require_grad(make: Any) -> None:
    x = make(3, requires_grad=True)
    assert x.requires_grad
    assert x.is_leaf


def test_empty_has_shape_and_dtype() -> None:
    x = gd.empty((2, 3), dtype="float64")
    assert (x.shape, x.dtype) == ((2, 3), np.float64)
