"""Images at the places of a grid, and grids of affine maps, beside torch: every mode, padding and kind of corners.

Torch has no second derivative of grid_sample; ours is held against central differences in tests/test_grid_sample.py.
"""

import itertools
from typing import Any

import grad_core as gd
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it
from comparing import COUNT, compare

PADDINGS = ("zeros", "border", "reflection")
KINDS = [
    *itertools.product(("bilinear", "nearest", "bicubic"), PADDINGS, (True, False), (2,)),
    *itertools.product(("bilinear", "nearest"), PADDINGS, (True, False), (3,)),
]
SIZES = {
    2: [((2, 3, 5, 7), (4, 3)), ((1, 1, 8, 6), (1, 9)), ((3, 2, 1, 4), (5, 5)), ((1, 2, 1, 1), (3, 4))],
    3: [((2, 3, 5, 4, 7), (4, 3, 2)), ((1, 1, 2, 6, 3), (1, 1, 9)), ((2, 2, 1, 4, 1), (3, 5, 2))],
}

pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])
kinds = pytest.mark.parametrize(("mode", "padding", "corners", "rank"), KINDS)


@pytest.fixture(scope="module", autouse=True)
def report() -> Any:
    yield
    print(f"\ngrad-nn, grids: {next(COUNT)} arrays compared with torch {torch.__version__}")


def rng() -> Any:
    """For each test its own, so that no order of tests lays a place upon a kink."""
    return np.random.default_rng(0)


def both(x: Any, grid: Any, dtype: str, *options: Any) -> None:
    compare(
        lambda x, grid: F.grid_sample(x, grid, *options),
        lambda x, grid: T.grid_sample(x, grid, *options),
        [x, grid],
        dtype,
        order=1,
    )


@kinds
def test_grid_sample(mode: str, padding: str, corners: bool, rank: int, dtype: str) -> None:
    """Places within, some outside, and most far outside."""
    random = rng()
    for (size, shape), far in itertools.product(SIZES[rank], (1.0, 1.5, 8.0)):
        grid = random.uniform(-far, far, (size[0], *shape, rank))
        both(random.normal(size=size), grid, dtype, mode, padding, corners)


@kinds
def test_places_at_kinks(mode: str, padding: str, corners: bool, rank: int, dtype: str) -> None:
    """On elements, on borders, on points of reflection: where the gradient by the grid jumps, torch's side is ours."""
    size = (1, 2, 4, 8, 2)[: rank + 2]
    lengths = np.array(size[2:])
    numbers = np.stack(np.meshgrid(*[np.arange(-3, n + 3) for n in lengths], indexing="ij"), -1)[None]
    if mode != "nearest":  # halves of it are a matter of rounding
        numbers = np.concatenate([numbers, numbers + 0.5], 1)
    places = 2 * numbers / (lengths - 1) - 1 if corners else (2 * numbers + 1) / lengths - 1
    both(rng().normal(size=size), places[..., ::-1], dtype, mode, padding, corners)


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("size", [(2, 3, 5, 4), (1, 1, 7, 2), (2, 1, 3, 4, 5), (1, 2, 2, 1, 3)])
@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior has changed for unit-size:UserWarning")
def test_affine_grid(size: Any, corners: bool, dtype: str) -> None:
    rank = len(size) - 2
    compare(
        lambda theta: F.affine_grid(theta, size, corners),
        lambda theta: T.affine_grid(theta, list(size), corners),
        [rng().normal(size=(size[0], rank, rank + 1))],
        dtype,
    )


@kinds
def test_images_under_affine_maps(mode: str, padding: str, corners: bool, rank: int, dtype: str) -> None:
    """Value and gradients by the image and by the map, as in a spatial transformer."""
    size = (2, 3, 6, 5, 4)[: rank + 2]
    random = rng()
    theta = np.eye(rank, rank + 1) + 0.3 * random.normal(size=(2, rank, rank + 1))

    def warped(lib: Any, x: Any, theta: Any) -> Any:
        return lib.grid_sample(x, lib.affine_grid(theta, size, corners), mode, padding, corners)

    compare(
        lambda *a: warped(F, *a), lambda *a: warped(T, *a), [random.normal(size=size), theta], dtype, order=1, factor=10
    )


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_default_of_corners(mode: str, dtype: str) -> None:
    """Where torch is given nothing it takes False, and warns."""
    random = rng()
    x, grid = random.normal(size=(1, 1, 4, 4)).astype(dtype), random.uniform(-1, 1, (1, 3, 3, 2)).astype(dtype)
    theta = random.normal(size=(1, 2, 3)).astype(dtype)
    with pytest.warns(UserWarning, match="align_corners"):
        z = T.grid_sample(torch.tensor(x), torch.tensor(grid), mode)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode).data, z.numpy(), 1e-5, 1e-5)
    with pytest.warns(UserWarning, match="align_corners"):
        places = T.affine_grid(torch.tensor(theta), [1, 1, 2, 3])
    np.testing.assert_allclose(F.affine_grid(gd.tensor(theta), (1, 1, 2, 3)).data, places.numpy(), 1e-5, 1e-5)
