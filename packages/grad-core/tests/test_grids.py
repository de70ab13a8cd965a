"""meshgrid, which returns several tensors, and one_hot, which takes integers only: the battery takes neither."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.ops import grids

AXES: list[tuple[list[Any], ...]] = [
    (),
    ([1.0, 2.0, 3.0],),
    ([1.0, 2.0, 3.0], [4.0, 5.0]),
    ([1.0, 2.0, 3.0], [4.0, 5.0], [6.0, 7.0, 8.0, 9.0]),
    ([], [1.0, 2.0]),
]


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("arrays", AXES, ids=len)
def test_meshgrid_is_that_of_numpy(arrays: Any, indexing: Any) -> None:
    found = gd.meshgrid(*[gd.tensor(a) for a in arrays], indexing=indexing)
    wanted = np.meshgrid(*[np.array(a) for a in arrays], indexing=indexing)
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
        assert a.dtype == np.float32


def test_meshgrid_takes_numbers_and_mixed_dtypes() -> None:
    a, b = gd.meshgrid(3, [1.0, 2.0], indexing="ij")
    assert (a.tolist(), b.tolist()) == ([[3, 3]], [[1.0, 2.0]])
    assert (a.dtype, b.dtype) == (np.dtype("int64"), np.dtype("float32"))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_gradients_of_a_grid_are_summed_back(indexing: str) -> None:
    x = gd.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    y = gd.tensor([4.0, 5.0], dtype="float64", requires_grad=True)
    a, b = gd.meshgrid(x, y, indexing=indexing)
    weights = np.arange(6.0).reshape(a.shape)
    (a * b * b * weights).sum().backward()
    places = weights if indexing == "ij" else weights.T
    np.testing.assert_allclose(x.grad.numpy(), places @ [16.0, 25.0])
    np.testing.assert_allclose(y.grad.numpy(), 2 * y.detach().numpy() * (x.detach().numpy() @ places))


def test_meshgrid_copies_nothing() -> None:
    x = gd.arange(3)
    assert np.shares_memory(gd.meshgrid(x, x)[0].data, x.data)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("dtype", [None, "float16", "int64", "bool"])
def test_one_hot_is_rows_of_the_unit_matrix(shape: tuple[int, ...], dtype: Any) -> None:
    indices = np.random.default_rng(0).integers(0, 5, shape)
    result = gd.one_hot(gd.tensor(indices), 5, dtype=dtype)
    np.testing.assert_array_equal(result.numpy(), np.eye(5)[indices])
    assert result.dtype == np.dtype(dtype or "float32")
    assert result.requires_grad is False


def test_one_hot_takes_lists_and_small_integers() -> None:
    assert gd.one_hot([1, 0], 2).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert gd.one_hot(np.array([1], np.uint8), 2).tolist() == [[0.0, 1.0]]
    assert gd.one_hot([], 2).shape == (0, 2)
    assert gd.one_hot(np.zeros((2, 0), int), 0).shape == (2, 0, 0)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot_of_a_batch(axis: int) -> None:
    indices = np.array([[0, 2, 1], [1, 1, 0]])
    result, place = extend.push_batch(
        grids._one_hot, [gd.tensor(indices)], [axis], {"num_classes": 3, "dtype": np.dtype("float32")}
    )
    np.testing.assert_array_equal(np.moveaxis(result.numpy(), place, 0), np.eye(3)[np.moveaxis(indices, axis, 0)])
