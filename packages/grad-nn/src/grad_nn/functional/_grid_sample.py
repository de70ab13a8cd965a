"""Images sampled at places that a grid names, and the grids of affine maps.

Between its neighbours an image is a polynomial of the place along each axis, so that there are gradients by the places
too. Everything is composed of ops that are there: only which elements are taken is worked out beside the graph.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import batch_in_front, nondiff

from ._checks import like

__all__ = ["affine_grid", "grid_sample"]

_A = -0.75  # of Keys' cubic, as in interpolate
# For each mode the first neighbour, counted from the element at or before a place, and for each neighbour its weight as
# a polynomial of how far behind that element the place lies: the factors of 1, t, t**2 and so on.
_NEIGHBOURS: dict[str, tuple[int, list[list[float]]]] = {
    "nearest": (0, [[1]]),
    "bilinear": (0, [[1, -1], [0, 1]]),
    "bicubic": (
        -1,
        [
            [0, _A, -2 * _A, _A],
            [1, 0, -(_A + 3), _A + 2],
            [0, -_A, 2 * _A + 3, -(_A + 2)],
            [0, 0, _A, -_A],
        ],
    ),
}
_PADDINGS = ("zeros", "border", "reflection")


def grid_sample(
    x: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> gd.Tensor:
    """y[n, c, i, j] = x[n, c] at the place grid[n, i, j] = (across, down), between its elements too.

    Places run from -1 at the left, top and front edge of an image to 1 at the right, bottom and back one, whatever its
    size. ``affine_grid`` makes them for a turn, a shift, a stretch.

    There are gradients by `x` and by `grid`. That by the grid is 0 where a place does not matter: with "nearest", on
    and outside the border with padding_mode="border", at the points of reflection with "reflection".

    Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial Transformer Networks", 2015; the weights of "bicubic"
    are those of Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.75.

    Args:
        x: images (N, C, H, W) or volumes (N, C, D, H, W), floats.
        grid: a place for each element of the result, in the dtype of `x`: (N, height, width, 2), with x before y, or
            (N, depth, height, width, 3), with x, y and z: the last axis of `x` comes first.
        mode: "nearest" takes the element next to the place; "bilinear" weighs two along each axis, of volumes too;
            "bicubic", for images, weighs four.
        padding_mode: what lies outside: "zeros" is 0; "border" goes on with the elements at the edge; "reflection"
            mirrors the image at its edges, as often as it takes.
        align_corners: whether -1 and 1 are the middles of the first and the last element; otherwise they are their
            outer edges.

    Returns:
        (N, C, height, width) or (N, C, depth, height, width), in the dtype of `x`.

    Raises:
        ShapeError: `x` has other axes, or empty spatial ones, or `grid` does not fit it.
        DTypeError: no floats, or two dtypes.
        ValueError: an unknown mode or padding_mode, or "bicubic" for volumes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> x = gd.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> F.grid_sample(x, gd.tensor([[[[0.0, 0.0], [1.0, -1.0]]]]), align_corners=True)
        tensor([[[[2.5, 2. ]]]])
    """
    x = gd.asarray(x)
    grid = like(grid, x)
    _check(x, grid, mode, padding_mode)
    batch, channels, *lengths = x.shape
    rank, size, places = len(lengths), math.prod(lengths), math.prod(grid.shape[1:-1])
    # for each axis of x, in its order, the places along it: one after the other in memory, so that all is quick
    at = gd.stack([grid[..., i].reshape((batch, places)) for i in reversed(range(rank))])
    at = _elements(at, lengths, padding_mode, bool(align_corners), mode)
    first = gd.round(at) if mode == "nearest" else gd.floor(at)
    taken = _taken(first, lengths=tuple(lengths), mode=mode, padding_mode=padding_mode, corners=bool(align_corners))
    # one more element, a 0, is what is taken outside; so nothing there can make NaN of an infinite element of x
    flat = gd.pad(gd.moveaxis(x, 1, 0).reshape((channels, batch * size)), ((0, 0), (0, 1)))
    found = gd.take(flat, taken, 1)
    if mode == "nearest":
        # chosen always: it makes the result depend on the grid, so that the gradient is there, and 0
        y = gd.where(True, found[:, :, 0], gd.sum(first, 0))
    else:
        y = gd.sum(found * _weights(at - first, mode), 2)
    return gd.moveaxis(y, 0, 1).reshape((batch, channels, *grid.shape[1:-1]))


def _check(x: Any, grid: Any, mode: str, padding_mode: str) -> None:
    if mode not in _NEIGHBOURS:
        raise ValueError(f"grid_sample: unknown mode {mode!r}: give one of {', '.join(map(repr, _NEIGHBOURS))}")
    if padding_mode not in _PADDINGS:
        raise ValueError(
            f"grid_sample: unknown padding_mode {padding_mode!r}: give one of {', '.join(map(repr, _PADDINGS))}"
        )
    if x.ndim not in (4, 5):
        raise ShapeError(
            f"grid_sample: takes images (N, C, H, W) or volumes (N, C, D, H, W), and x has shape {x.shape}"
        )
    if mode == "bicubic" and x.ndim == 5:
        raise ValueError(
            f"grid_sample: mode='bicubic' takes images (N, C, H, W), and x has shape {x.shape}: use 'bilinear'"
        )
    for name, given in (("x", x), ("grid", grid)):
        if given.dtype.kind != "f":
            raise DTypeError(f"grid_sample: it weighs floats, and {name} is {given.dtype}: use .astype('float32')")
    if x.dtype != grid.dtype:
        raise DTypeError(
            f"grid_sample: x is {x.dtype} and grid {grid.dtype}, and they must be equal: use grid.astype('{x.dtype}')"
        )
    rank = x.ndim - 2
    if grid.ndim != x.ndim or grid.shape[-1] != rank:
        raise ShapeError(
            f"grid_sample: for x of shape {x.shape} a grid has shape (N, {'depth, ' if rank == 3 else ''}height, "
            f"width, {rank}), with {rank} coordinates for each place, and this one has {grid.shape}"
        )
    if grid.shape[0] != x.shape[0]:
        raise ShapeError(
            f"grid_sample: {x.shape[0]} images and {grid.shape[0]} grids, of shapes {x.shape} and {grid.shape}: each "
            f"image needs its own, so use gd.broadcast_to(grid, {(x.shape[0], *grid.shape[1:])}) where they share one"
        )
    if 0 in x.shape[2:]:
        raise ShapeError(
            f"grid_sample: x has shape {x.shape}, and no spatial axis may be empty: there is nothing there"
        )


def _elements(at: Any, lengths: list[int], padding_mode: str, corners: bool, mode: str) -> Any:
    """Places from -1 to 1 as numbers of elements; where one place is taken for another, the other one."""
    n = np.asarray(lengths, at.dtype).reshape(-1, 1, 1)
    at = (at + 1) * ((n - 1) / 2) if corners else (at + 1) * (n / 2) - 0.5
    if padding_mode == "reflection" and mode != "bicubic":  # whose neighbours are reflected, and not its place
        low, span = (0.0, np.maximum(n - 1, 1)) if corners else (-0.5, n)
        behind = gd.remainder(abs(at - low), 2 * span)
        at = low + gd.minimum(behind, 2 * span - behind)
    if padding_mode == "zeros" or mode == "bicubic":
        # further out all is the same, and numbers that are no integers of the machine would give a warning
        return at if padding_mode == "reflection" else gd.clip(at, -4, n + 3)
    # not `clip`, through which a gradient passes on the bounds, where torch lets none pass
    return gd.where(at <= 0, 0, gd.where(at >= n - 1, n - 1, at))


@nondiff(name="grid_sample")
def _taken(first: Any, *, lengths: tuple[int, ...], mode: str, padding_mode: str, corners: bool) -> Any:
    """For each place the numbers of its neighbours in all the images as one row; outside, the number behind the last.

    `first` has for each axis the element at or before each place: (..., axes, N, places), of axes of these lengths; the
    result is (..., N, neighbours, places).
    """
    batch, places = first.shape[-2:]
    size = math.prod(lengths)
    start, polynomials = _NEIGHBOURS[mode]
    steps = np.arange(start, start + len(polynomials)).reshape(-1, 1)
    far = ~(np.abs(first.astype(np.float64)) < 2**62)  # NaN too
    first = np.where(far, -8, first).astype(np.intp)
    numbers: Any = np.zeros((1, 1), np.intp)
    inside: Any = np.ones((1, 1), np.bool_)
    for i, n in enumerate(lengths):
        each = first[..., i, :, None, :] + steps
        if mode == "bicubic" and padding_mode == "border":
            each = np.clip(each, 0, n - 1)
        elif mode == "bicubic" and padding_mode == "reflection":
            each = _reflected(each, n, corners)
        within = (each >= 0) & (each < n)
        # all neighbours along this axis for each along the axes before it
        shape = (*each.shape[:-2], numbers.shape[-2] * len(steps), places)
        numbers = (numbers[..., :, None, :] * n + each[..., None, :, :]).reshape(shape)
        inside = (inside[..., :, None, :] & within[..., None, :, :]).reshape(shape)
    return np.where(inside, numbers + np.arange(batch).reshape(-1, 1, 1) * size, batch * size)


_taken.batch = batch_in_front(_taken)


def _reflected(each: Any, n: int, corners: bool) -> Any:
    """The numbers of elements that an image of n mirrored over and over has at these places."""
    if n == 1:
        return np.zeros_like(each)
    turn = each % (2 * n - 2 if corners else 2 * n)
    return np.where(turn < n, turn, (2 * n - 2 if corners else 2 * n - 1) - turn)


def _weights(t: Any, mode: str) -> Any:
    """The weights (N, neighbours, places) from how far each place lies behind its first element: (axes, N, places)."""
    factors = np.asarray(_NEIGHBOURS[mode][1], t.dtype)
    powers = [t]
    while len(powers) < factors.shape[1] - 1:
        powers.append(powers[-1] * t)
    along = factors[:, :1] + gd.matmul(factors[:, 1:], gd.stack(powers, 2))
    total = along[0]
    for one in along[1:]:
        each = total[:, :, None] * one[:, None]
        total = each.reshape((t.shape[1], total.shape[1] * len(factors), t.shape[2]))
    return total


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> gd.Tensor:
    """grid[n, i, j] = theta[n] @ (x, y, 1), with (x, y) the place of element (i, j) of an image of `size`.

    For ``grid_sample``: element (i, j) of its result is what stood at that place. Places run from -1 to 1 along each
    axis. Theta [[1, 0, 0], [0, 1, 0]] leaves an image as it is.

    Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial Transformer Networks", 2015.

    Args:
        theta: for each image a matrix (N, 2, 3), or (N, 3, 4) for volumes: a linear map, and a shift in its last
            column, floats.
        size: of the result of ``grid_sample``: (N, C, H, W), or (N, C, D, H, W) for volumes.
        align_corners: whether -1 and 1 are the middles of the first and the last element; otherwise they are their
            outer edges. ``grid_sample`` takes the same.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3), in the dtype of `theta`.

    Raises:
        ShapeError: `size` has other axes or an empty one, or `theta` does not fit it.
        DTypeError: `theta` holds no floats.
        TypeError: a number of `size` is no integer.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> upside_down = gd.tensor([[[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]])
        >>> grid = F.affine_grid(upside_down, (1, 1, 2, 2))
        >>> F.grid_sample(gd.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), grid)
        tensor([[[[3., 4.],
                  [1., 2.]]]])
    """
    theta = gd.asarray(theta)
    try:
        lengths = tuple([operator.index(n) for n in size])
    except TypeError as error:
        raise TypeError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), integers, and not {size!r}") from error
    if len(lengths) not in (4, 5) or min(lengths) < 1:
        raise ShapeError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), 1 or more each, and not {lengths}")
    if theta.dtype.kind != "f":
        raise DTypeError(f"affine_grid: theta holds floats, and it is {theta.dtype}: use .astype('float32')")
    batch, _, *spatial = lengths
    rank = len(spatial)
    if theta.shape != (batch, rank, rank + 1):
        raise ShapeError(
            f"affine_grid: for size {lengths} theta has shape {(batch, rank, rank + 1)}, a matrix for each image with "
            f"the shift in its last column, and this one has {theta.shape}"
        )
    along = [_middles(n, bool(align_corners)) for n in spatial]
    places = np.stack([*np.meshgrid(*along, indexing="ij")[::-1], np.ones(spatial)], -1).reshape(-1, rank + 1)
    grid = gd.matmul(places.astype(theta.dtype), gd.swapaxes(theta, 1, 2))
    return grid.reshape((batch, *spatial, rank))


def _middles(n: int, corners: bool) -> Any:
    """The places from -1 to 1 of the middles of n elements."""
    if corners:
        return np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return (2 * np.arange(n) + 1) / n - 1
