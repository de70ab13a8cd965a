"""A step length along a line, by the strong conditions of Wolfe."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Array", "strong_wolfe"]

Array = np.ndarray[Any, Any]

FALL = 1e-4  # the loss falls by at least this share of what the slope promises
FLAT = 0.9  # and the slope there is at most this share of the slope here


class _Point(NamedTuple):
    """A place on the line: how far, the loss, the gradient, the slope."""

    t: float
    loss: float
    g: Array
    slope: float


def strong_wolfe(
    along: Callable[[float, Array], tuple[float, Array]],
    t: float,
    d: Array,
    loss: float,
    g: Array,
    slope: float,
    most: int,
    tolerance: float,
) -> tuple[float, Array, float, int]:
    """Find t such that going t * d satisfies both conditions, or nearly so within `most` tries.

    Args:
        along: the loss and the gradient at t, d.
        t: where to begin.
        d: the direction.
        loss: at t = 0.
        g: the gradient there.
        slope: g . d.
        most: how often `along` may be called after the first time.
        tolerance: end when the interval is smaller than this in every element.

    Returns:
        The loss, the gradient and t of the best point, and how often `along` was called.
    """

    def at(t: float) -> _Point:
        value, gradient = along(t, d)
        return _Point(t, value, gradient, float(gradient @ d))

    start = _Point(0.0, loss, g, slope)
    before, here = start, at(t)
    tries = 0
    found = False
    # go on until an interval must hold a good point
    while True:
        if tries == most:
            ends = [start, here]
            break
        if here.loss > loss + FALL * here.t * slope or (tries > 1 and here.loss >= before.loss):
            ends = [before, here]
            break
        if abs(here.slope) <= -FLAT * slope:
            ends = [here, here]
            found = True
            break
        if here.slope >= 0:
            ends = [before, here]
            break
        bounds = here.t + 0.01 * (here.t - before.t), here.t * 10
        t = _cubic(before, here, bounds)
        before, here = here, at(t)
        tries += 1

    # make it smaller; its ends are ordered by how far they are, the better one is `low`
    stuck = False
    low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
    reach = float(np.abs(d).max())
    while not found and tries < most:
        left, right = sorted((ends[0].t, ends[1].t))
        if (right - left) * reach < tolerance:
            break
        t = _cubic(ends[0], ends[1], (left, right))
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too near to an end; twice so, or on it: move it away
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        here = at(t)
        tries += 1
        if here.loss > loss + FALL * t * slope or here.loss >= ends[low].loss:
            ends[high] = here
            low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
        else:
            if abs(here.slope) <= -FLAT * slope:
                found = True
            elif here.slope * (ends[high].t - ends[low].t) >= 0:
                ends[high] = ends[low]
            ends[low] = here
    best = ends[low]
    return best.loss, best.g, best.t, tries + 1


def _cubic(a: _Point, b: _Point, bounds: tuple[float, float]) -> float:
    """The minimum within bounds of the cubic through two points with their slopes, or the middle if it has none."""
    if a.t > b.t:
        a, b = b, a
    low, high = bounds
    width = b.t - a.t
    if width == 0:
        return (low + high) / 2
    first = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = first * first - a.slope * b.slope
    if not square >= 0 or not math.isfinite(square):
        return (low + high) / 2
    second = math.sqrt(square)
    below = b.slope - a.slope + 2 * second
    if below == 0:
        return (low + high) / 2
    return min(max(b.t - width * ((b.slope + second - first) / below), low), high)
