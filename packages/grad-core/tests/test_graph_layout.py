"""The layout of drawings: nothing overlaps, arrows go down and past boxes, few cross, and long ones are straight."""

import itertools
import random

import pytest
from grad_core.graph import _layout
from grad_core.graph._layout import Layout, arrange

Arrows = list[tuple[int, int]]


def laid(sizes: list[tuple[float, float]], arrows: Arrows) -> Layout:
    return arrange(sizes, arrows, [1.0] * len(sizes))


def dag(seed: int, count: int) -> tuple[list[tuple[float, float]], Arrows]:
    """Boxes as `draw` gives them: results first, each after those that use it; any arrow may be there twice."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    sizes = [(rng.uniform(40, 200), rng.uniform(27, 83)) for _ in range(count)]
    arrows: Arrows = []
    for v in range(1, count):
        ends = [max(0, v - 1 - int(rng.expovariate(0.4))) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        arrows += [(v, end if rng.random() < 0.9 else rng.randrange(v)) for end in ends]
    return sizes, arrows


def along(route: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points on the route: straight and curved pieces in turn."""
    points = []
    for i, ((x0, y0), (x1, y1)) in enumerate(itertools.pairwise(route)):
        middle = (y0 + y1) / 2
        for k in range(21):
            t = k / 20
            s = 1 - t
            if i % 2:
                x = s**3 * x0 + 3 * s * s * t * x0 + 3 * s * t * t * x1 + t**3 * x1
                y = s**3 * y0 + 3 * s * s * t * middle + 3 * s * t * t * middle + t**3 * y1
                points.append((x, y))
            else:
                assert x0 == x1
                points.append((x0, s * y0 + t * y1))
    return points


@pytest.mark.parametrize("seed", range(12))
def test_boxes_do_not_overlap_and_arrows_pass_them(seed: int) -> None:
    sizes, arrows = dag(seed, 5 + 6 * seed)
    layout = laid(sizes, arrows)
    rects = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (w, h), (x, y) in zip(sizes, layout.centres, strict=True)]
    for i, a in enumerate(rects):
        assert a[0] >= -1e-6
        assert a[2] <= layout.width + 1e-6
        assert a[1] >= 0
        assert a[3] <= layout.height + 1e-6
        for b in rects[:i]:
            assert a[2] + _layout.LANE <= b[0] or b[2] + _layout.LANE <= a[0] or a[3] < b[1] or b[3] < a[1]
    for (source, target), route in zip(arrows, layout.routes, strict=True):
        heights = [round(y, 6) for _, y in route]
        assert heights == sorted(heights)
        assert route[0][1] == pytest.approx(rects[source][3])
        assert route[-1][1] == pytest.approx(rects[target][1])
        for v, end in ((source, route[0][0]), (target, route[-1][0])):
            assert rects[v][0] <= end <= rects[v][2]
        for x, y in along(route):
            for v, (left, top, right, bottom) in enumerate(rects):
                assert v in (source, target) or not (left < x < right and top < y < bottom)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_boxes_are_laid_out_the_same(seed: int) -> None:
    assert laid(*dag(seed, 30)) == laid(*dag(seed, 30))


def test_a_chain_is_straight() -> None:
    layout = laid([(50.0 + 10 * i, 27.0) for i in range(6)], [(i + 1, i) for i in range(5)])
    assert {round(x, 6) for route in layout.routes for x, _ in route} == {50.0}


def test_a_long_arrow_is_straight_beside_the_boxes_it_passes() -> None:
    layout = laid([(40.0 + 50 * (i % 3), 30.0) for i in range(8)], [*[(i + 1, i) for i in range(7)], (7, 0)])
    inner = layout.routes[-1][2:-2]
    assert len({round(x, 6) for x, _ in inner}) == 1


def crossings(count: int, arrows: Arrows) -> tuple[int, int]:
    """How many there are before and after the ordering."""
    layers, chains, lanes = _layout._layers(count, arrows)
    above: list[list[int]] = [[] for _ in range(count + lanes)]
    below: list[list[int]] = [[] for _ in range(count + lanes)]
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            below[a].append(b)
            above[b].append(a)
    before = _layout._crossings(layers, below)
    return before, _layout._crossings(_layout._ordered(layers, above, below), below)


@pytest.mark.parametrize(
    ("arrows", "count", "fewest"),
    [
        ([(2, 0), (3, 1), (2, 1), (3, 0)], 4, 1),  # K(2,2)
        ([(1, 0), (2, 0), (3, 1), (4, 2), (5, 1), (6, 2)], 7, 0),
        ([(4, 0), (3, 1), (5, 2), (6, 3), (7, 4), (8, 5)], 9, 0),
        ([(1, 0), (2, 0), (3, 0), (4, 3), (5, 1), (6, 2), (4, 5)], 7, 0),
    ],
)
def test_arrows_seldom_cross(arrows: Arrows, count: int, fewest: int) -> None:
    _, after = crossings(count, arrows)
    assert after == fewest


def test_the_sweeps_take_crossings_away() -> None:
    pairs = [crossings(30, dag(seed, 30)[1]) for seed in range(10)]
    assert all(after <= before for before, after in pairs)
    assert sum(after for _, after in pairs) < 0.7 * sum(before for before, _ in pairs)


def test_crossings_are_counted() -> None:
    below = [[3], [2], [], []]
    assert _layout._crossings([[0, 1], [2, 3]], below) == 1
    assert _layout._crossings([[1, 0], [2, 3]], below) == 0


@pytest.mark.parametrize(
    ("aims", "weights", "needs", "expected"),
    [
        ([0.0, 10.0], [1.0, 1.0], [5.0], [0.0, 10.0]),
        ([0.0, 0.0], [1.0, 1.0], [10.0], [-5.0, 5.0]),
        ([0.0, 0.0], [3.0, 1.0], [8.0], [-2.0, 6.0]),
        ([5.0, 5.0, 5.0], [1.0, 1.0, 1.0], [2.0, 2.0], [3.0, 5.0, 7.0]),
        ([9.0, 0.0, 20.0], [1.0, 1.0, 1.0], [1.0, 1.0], [4.0, 5.0, 20.0]),
    ],
)
def test_positions_are_the_nearest_that_keep_the_distances(
    aims: list[float], weights: list[float], needs: list[float], expected: list[float]
) -> None:
    assert _layout._apart(aims, weights, needs) == pytest.approx(expected)


def test_nothing_to_lay_out() -> None:
    assert laid([], []) == Layout([], [], 0.0, 0.0)
