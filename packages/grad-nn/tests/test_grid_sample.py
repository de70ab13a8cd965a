"""Images at the places of a grid: beside the definition in loops, with their gradients, and what bad input is told."""

import itertools
import math
from typing import Any

import grad_core as gd
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

PADDINGS = ("zeros", "border", "reflection")
KINDS = [
    *itertools.product(("bilinear", "nearest", "bicubic"), PADDINGS, (True, False), (2,)),
    *itertools.product(("bilinear", "nearest"), PADDINGS, (True, False), (3,)),
]
kinds = pytest.mark.parametrize(("mode", "padding", "corners", "rank"), KINDS)


def moved(at: float, n: int, padding: str, corners: bool) -> float:
    """The place of an image that stands for one outside of it."""
    low, high = (0.0, n - 1.0) if corners else (-0.5, n - 0.5)
    while padding == "reflection" and low < high and not low <= at <= high:
        at = 2 * low - at if at < low else 2 * high - at
    return at if padding == "zeros" else min(max(at, 0.0), n - 1.0)


def cubic(distance: float) -> float:
    d, a = abs(distance), -0.75
    return (a + 2) * d**3 - (a + 3) * d**2 + 1 if d <= 1 else a * (d**3 - 5 * d**2 + 8 * d - 4)


def neighbours(place: float, n: int, mode: str, padding: str, corners: bool) -> list[tuple[int, float]]:
    """The elements along one axis that are taken, and their weights."""
    at = (place + 1) / 2 * (n - 1) if corners else (place + 1) / 2 * n - 0.5
    first = math.floor(at)
    if mode == "bicubic":
        return [(int(moved(first + k, n, padding, corners)), cubic(at - first - k)) for k in (-1, 0, 1, 2)]
    at = moved(at, n, padding, corners)
    first = math.floor(at)
    return [(round(at), 1.0)] if mode == "nearest" else [(first, 1 - at + first), (first + 1, at - first)]


def in_loops(x: Any, grid: Any, mode: str, padding: str, corners: bool) -> Any:
    lengths = x.shape[2:]
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, *where in np.ndindex(x.shape[0], *grid.shape[1:-1]):
        along = [
            neighbours(place, length, mode, padding, corners)
            for place, length in zip(grid[(n, *where)][::-1], lengths, strict=True)
        ]
        for chosen in itertools.product(*along):
            element = tuple([number for number, _ in chosen])
            if all(0 <= i < length for i, length in zip(element, lengths, strict=True)):
                y[(n, slice(None), *where)] += math.prod([w for _, w in chosen]) * x[(n, slice(None), *element)]
    return y


def some(rank: int, count: int = 2, far: float = 1.5, seed: int = 0) -> tuple[Any, Any]:
    """Images of odd sizes, and places of which many lie outside."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3, *(5, 2, 3)[:rank]))
    return x, rng.uniform(-far, far, (count, *(4, 3, 2)[:rank], rank))


@kinds
def test_the_definition(mode: str, padding: str, corners: bool, rank: int) -> None:
    for far in (1.2, 9.0):
        x, grid = some(rank, far=far)
        y = F.grid_sample(x, grid, mode, padding, corners)
        np.testing.assert_allclose(y.data, in_loops(x, grid, mode, padding, corners), 1e-12, 1e-12)


@kinds
def test_an_axis_of_one_element(mode: str, padding: str, corners: bool, rank: int) -> None:
    x, grid = some(rank, 1, 4.0)
    x = x[:, :1, :1, :, :1] if rank == 3 else x[:, :1, :1]
    y = F.grid_sample(x, grid, mode, padding, corners)
    np.testing.assert_allclose(y.data, in_loops(x, grid, mode, padding, corners), 1e-12, 1e-12)


@kinds
def test_derivatives(mode: str, padding: str, corners: bool, rank: int) -> None:
    """Of both orders, by x and by the grid; random places lie away from the kinks."""
    x, grid = some(rank, 1)
    check_grads(lambda x, grid: F.grid_sample(x, grid, mode, padding, corners), [x[:, :2], grid], step=1e-7)


@kinds
def test_a_batch_of_them(mode: str, padding: str, corners: bool, rank: int) -> None:
    pairs = [some(rank, seed=i) for i in range(3)]
    xs, grids = (np.stack(each) for each in zip(*pairs, strict=True))

    def sample(x: Any, grid: Any) -> Any:
        return F.grid_sample(x, grid, mode, padding, corners)

    by_both = gd.grad(lambda x, grid: (sample(x, grid) ** 2).sum(), (0, 1))
    for axes in ((0, 0), (0, None), (None, 0)):
        given = [a if axis == 0 else a[0] for a, axis in zip((xs, grids), axes, strict=True)]
        each = [[a[i] if axis == 0 else a for a, axis in zip(given, axes, strict=True)] for i in range(3)]
        together = gd.vmap(sample, axes)(*given)
        np.testing.assert_allclose(together.data, [sample(*pair).data for pair in each], 1e-12, 1e-12)
        for i, grads in enumerate(gd.vmap(by_both, axes)(*given)):
            np.testing.assert_allclose(grads.data, [by_both(*map(gd.tensor, pair))[i].data for pair in each], 1e-10)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@kinds
def test_the_dtype_stays(mode: str, padding: str, corners: bool, rank: int, dtype: str) -> None:
    x, grid = (gd.tensor(a.astype(dtype), requires_grad=True) for a in some(rank))
    y = F.grid_sample(x, grid, mode, padding, corners)
    y.sum().backward()
    assert {str(a.dtype) for a in (y, x.grad, grid.grad)} == {dtype}
    assert F.affine_grid(np.zeros((1, rank, rank + 1), dtype), (1, 1, 4, 3, 2)[: rank + 2]).dtype == dtype


def test_no_gradient_by_places_that_do_not_matter() -> None:
    x = gd.tensor([[[[1.0, 2.0, 4.0]]]])
    outside, on_the_border, within = 1.3, 1.0, 0.5

    def slopes(mode: str, padding: str) -> Any:
        grid = gd.tensor([[[[place, 0.0] for place in (outside, on_the_border, within)]]], requires_grad=True)
        F.grid_sample(x, grid, mode, padding, align_corners=True).sum().backward()
        return grid.grad.data[0, 0, :, 0].tolist()

    assert slopes("bilinear", "border") == [0, 0, 2]
    assert slopes("bilinear", "reflection") == [-2, 0, 2]
    assert slopes("bilinear", "zeros") == [-4, -4, 2]  # towards the first zero outside
    for padding in PADDINGS:
        assert slopes("nearest", padding) == [0, 0, 0]


@pytest.mark.parametrize("place", [50.0, -1e4, 1e30, -math.inf])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_places_far_outside(mode: str, place: float) -> None:
    x = gd.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    for padding, value in (("zeros", 0), ("border", 4 if place < 0 else 6)):
        grid = gd.tensor([[[[place, 1.0]]]], requires_grad=True)
        y = F.grid_sample(x, grid, mode, padding, align_corners=True)
        y.backward(gd.ones(y.shape))
        assert y.item() == value
        assert grid.grad.data[0, 0, 0, 0] == 0
    if math.isfinite(place):
        assert 0 < F.grid_sample(x, [[[[place, 1.0]]]], mode, "reflection", True).item() < 7


def test_what_is_infinite_stays_where_it_is() -> None:
    x = gd.tensor([[[[math.inf, 1.0, 3.0]]]])
    for padding in PADDINGS:
        y = F.grid_sample(x, [[[[0.5, 0.0], [1.0, 0.0]]]], padding_mode=padding, align_corners=True)
        assert y.tolist() == [[[[2.0, 3.0]]]]
    assert F.grid_sample(x, [[[[-2.5, 0.0]]]], align_corners=True).item() == 0
    assert math.isnan(F.grid_sample(x, [[[[math.nan, 0.0]]]], align_corners=True).item())


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize(("mode", "rank"), [("bilinear", 2), ("nearest", 2), ("bicubic", 2), ("bilinear", 3)])
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_identity_gives_the_image(mode: str, rank: int, padding: str, corners: bool) -> None:
    x = some(rank)[0]
    identity = np.broadcast_to(np.eye(rank, rank + 1), (2, rank, rank + 1))
    y = F.grid_sample(x, F.affine_grid(identity, x.shape, corners), mode, padding, corners)
    np.testing.assert_allclose(y.data, x, 1e-12, 1e-12)


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_turns_and_mirrors(mode: str, corners: bool) -> None:
    """The grid says where each element comes from: x and y go to -y and x, and the image turns against the clock."""
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 5))
    for theta, wanted in (
        ([[0, -1, 0], [1, 0, 0]], np.rot90(x, 1, (2, 3))),
        ([[0, 1, 0], [-1, 0, 0]], np.rot90(x, -1, (2, 3))),
        ([[-1, 0, 0], [0, 1, 0]], x[..., ::-1]),
        ([[0, 1, 0], [1, 0, 0]], x.swapaxes(2, 3)),
    ):
        grid = F.affine_grid(np.array([theta], float), x.shape, corners)
        np.testing.assert_allclose(F.grid_sample(x, grid, mode, "zeros", corners).data, wanted, 1e-12, 1e-12)


def test_a_shift_and_another_size() -> None:
    x = np.arange(8.0).reshape(1, 1, 2, 4)
    by_two = F.affine_grid(np.array([[[1.0, 0, 1], [0, 1, 0]]]), x.shape)  # half of the width, 2 elements
    assert F.grid_sample(x, by_two).tolist() == [[[[2, 3, 0, 0], [6, 7, 0, 0]]]]
    same = F.affine_grid(np.eye(2, 3)[None], (1, 1, 4, 3), True)
    larger = F.interpolate(x, (4, 3), mode="bilinear", align_corners=True)
    np.testing.assert_allclose(F.grid_sample(x, same, align_corners=True).data, larger.data, 1e-12)


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("size", [(2, 1, 3, 4), (1, 2, 1, 1), (2, 1, 3, 1, 4)])
def test_grids_of_affine_maps(size: Any, corners: bool) -> None:
    n, _, *lengths = size
    rank = len(lengths)
    theta = np.random.default_rng(0).normal(size=(n, rank, rank + 1))
    grid = F.affine_grid(theta, size, corners)
    assert grid.shape == (n, *lengths, rank)
    for i, *where in np.ndindex(n, *lengths):
        place = [
            (2 * k / (m - 1) - 1 if m > 1 else 0) if corners else (2 * k + 1) / m - 1
            for k, m in zip(where, lengths, strict=True)
        ]
        np.testing.assert_allclose(grid.data[(i, *where)], theta[i] @ [*place[::-1], 1], 1e-12, 1e-12)
    check_grads(lambda theta: F.affine_grid(theta, size, corners) ** 2, [theta])
    many = np.stack([theta, 2 * theta])
    together = gd.vmap(lambda theta: F.affine_grid(theta, size, corners))(many)
    np.testing.assert_allclose(together.data, [grid.data, 2 * grid.data], 1e-12)


def test_a_map_is_learnt_from_images() -> None:
    """What a spatial transformer does: the shift that lays one image upon another, by descent."""
    rows, columns = np.mgrid[:9, :9]

    def spot(row: float, column: float) -> Any:
        return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 6)[None, None]

    x, wanted = spot(4, 4), spot(3, 6)
    theta = gd.tensor(np.eye(2, 3)[None], requires_grad=True)
    for _ in range(60):
        loss = ((F.grid_sample(x, F.affine_grid(theta, x.shape)) - wanted) ** 2).sum()
        theta.grad = None
        loss.backward()
        theta = gd.tensor(theta.data - 0.01 * theta.grad.data, requires_grad=True)
    assert loss.item() < 0.02
    np.testing.assert_allclose(theta.data[0, :, 2], [-2 * 2 / 9, 2 / 9], atol=0.05)


def test_nothing_to_do() -> None:
    for x, grid in (((0, 2, 3, 3), (0, 4, 4, 2)), ((2, 0, 3, 3), (2, 4, 4, 2)), ((2, 2, 3, 3), (2, 0, 4, 2))):
        assert F.grid_sample(gd.zeros(x), gd.zeros(grid)).shape == (*x[:2], *grid[1:3])


IMAGES, PLACES = np.zeros((2, 3, 4, 5), "float32"), np.zeros((2, 6, 7, 2), "float32")
VOLUMES, POINTS = np.zeros((2, 3, 4, 5, 6), "float32"), np.zeros((2, 3, 4, 5, 3), "float32")
THETA = np.zeros((2, 2, 3), "float32")
ERRORS: list[tuple[Any, Any, str]] = [
    (lambda: F.grid_sample(IMAGES, PLACES, "linear"), ValueError, "unknown mode 'linear': give one of 'nearest', 'bil"),
    (lambda: F.grid_sample(IMAGES, PLACES, padding_mode="reflect"), ValueError, "padding_mode 'reflect': give one of"),
    (
        lambda: F.grid_sample(IMAGES[0], PLACES),
        ShapeError,
        r"images \(N, C, H, W\) or volumes .* x has shape \(3, 4, 5",
    ),
    (lambda: F.grid_sample(VOLUMES, POINTS, "bicubic"), ValueError, "'bicubic' takes images .*: use 'bilinear'"),
    (lambda: F.grid_sample(IMAGES.astype(int), PLACES), DTypeError, r"x is int64: use .astype\('float32'\)"),
    (lambda: F.grid_sample(IMAGES, PLACES.astype(int)), DTypeError, r"grid is int64: use .astype\('float32'\)"),
    (
        lambda: F.grid_sample(IMAGES, PLACES.astype(float)),
        DTypeError,
        r"x is float32 and grid float64, and they must be equal: use grid.astype\('float32'\)",
    ),
    (
        lambda: F.grid_sample(IMAGES, POINTS),
        ShapeError,
        r"a grid has shape \(N, height, width, 2\), with 2 coordinates for each place, and this one has \(2, 3, 4",
    ),
    (lambda: F.grid_sample(VOLUMES, PLACES), ShapeError, r"a grid has shape \(N, depth, height, width, 3\)"),
    (lambda: F.grid_sample(IMAGES, PLACES[..., :1]), ShapeError, "with 2 coordinates for each place"),
    (
        lambda: F.grid_sample(IMAGES, PLACES[:1]),
        ShapeError,
        r"2 images and 1 grids.*use gd.broadcast_to\(grid, \(2, 6, 7, 2\)\) where they share one",
    ),
    (lambda: F.grid_sample(IMAGES[:, :, :0], PLACES), ShapeError, "no spatial axis may be empty"),
    (lambda: F.affine_grid(THETA, (2, 1, 3)), ShapeError, r"size is \(N, C, H, W\) or .* and not \(2, 1, 3\)"),
    (lambda: F.affine_grid(THETA, (2, 1, 3, 0)), ShapeError, "1 or more each"),
    (lambda: F.affine_grid(THETA, (2, 1, 3, 4.0)), TypeError, r"integers, and not \(2, 1, 3, 4.0\)"),
    (lambda: F.affine_grid(THETA, 4), TypeError, "integers, and not 4"),
    (lambda: F.affine_grid(THETA.astype(int), (2, 1, 3, 4)), DTypeError, "theta holds floats, and it is int64"),
    (
        lambda: F.affine_grid(THETA[:1], (2, 1, 3, 4)),
        ShapeError,
        r"for size \(2, 1, 3, 4\) theta has shape \(2, 2, 3\).*this one has \(1, 2, 3\)",
    ),
    (lambda: F.affine_grid(THETA, (2, 1, 3, 4, 5)), ShapeError, r"theta has shape \(2, 3, 4\)"),
]


@pytest.mark.parametrize(("act", "kind", "text"), ERRORS)
def test_errors(act: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        act()
