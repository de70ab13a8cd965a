"""Where boxes and arrows go: in layers, inputs above, with few crossings and no arrow across a box.

The method of Sugiyama, Tagawa and Toda (1981): layers by the longest path, an invisible box in each layer that a long
arrow passes, barycentre sweeps against crossings. Positions within a layer are then the least squares towards the
neighbours under the order found and the distances needed, which pooling adjacent violators solves exactly.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, inf

__all__ = ["Layout", "arrange"]

Point = tuple[float, float]

GAP = 22.0  # between boxes of a layer
LAYER_GAP = 42.0  # between layers: the room of the curves
LANE = 10.0  # what a passing arrow takes
PORT = 16.0  # between arrows that end at one box
_ORDER_SWEEPS = 24
_PLACE_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the boxes, and per arrow the points of its route, going straight down and curving in turn."""

    centres: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def arrange(sizes: Sequence[tuple[float, float]], arrows: Sequence[tuple[int, int]], pulls: Sequence[float]) -> Layout:
    """Lay out boxes of the given widths and heights; arrows go from box to box, without cycles.

    `pulls` says how much each box draws those that use it to stand under it.
    """
    layers, chains, lanes = _layers(len(sizes), arrows)
    links = [(a, b) for chain in chains for a, b in itertools.pairwise(chain)]
    count = len(sizes) + lanes
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for a, b in links:
        below[a].append(b)
        above[b].append(a)
    widths = [width for width, _ in sizes] + [LANE] * lanes
    layers = _ordered(layers, above, below)
    x = _placed(layers, above, below, widths, pulls)
    _straighten(x, layers, chains, widths)
    left = min([x[v] - widths[v] / 2 for layer in layers for v in layer], default=0.0)
    x = [p - left for p in x]

    tops, bottoms = [0.0] * count, [0.0] * count
    centres: list[Point] = [(0.0, 0.0)] * len(sizes)
    y = 0.0
    for layer in layers:
        height = max([sizes[v][1] for v in layer if v < len(sizes)], default=0.0)
        for v in layer:
            tops[v], bottoms[v] = y, y + height
            if v < len(sizes):
                centres[v] = (x[v], y + height / 2)
        y += height + LAYER_GAP
    routes = _routes(chains, sizes, centres, x, tops, bottoms)
    right = max([x[v] + widths[v] / 2 for layer in layers for v in layer], default=0.0)
    return Layout(centres, routes, right, max(y - LAYER_GAP, 0.0))


def _layers(count: int, arrows: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]], int]:
    """Boxes and lanes by layer, the top one first; per arrow the boxes and lanes that it runs through."""
    into: list[list[int]] = [[] for _ in range(count)]
    uses = [0] * count
    for a, b in arrows:
        into[b].append(a)
        uses[a] += 1
    rank = [0] * count  # the longest way to a box that nothing uses
    ready = [v for v in range(count) if uses[v] == 0]
    visited = []
    while ready:
        b = ready.pop()
        visited.append(b)
        for a in reversed(into[b]):
            rank[a] = max(rank[a], rank[b] + 1)
            uses[a] -= 1
            if uses[a] == 0:
                ready.append(a)
    top = max(rank, default=-1)
    layers: list[list[int]] = [[] for _ in range(top + 1)]
    for v in visited:
        layers[top - rank[v]].append(v)
    lanes = 0
    chains = []
    for a, b in arrows:
        chain = [a]
        for between in range(rank[a] - 1, rank[b], -1):
            chain.append(count + lanes)
            layers[top - between].append(count + lanes)
            lanes += 1
        chains.append([*chain, b])
    return layers, chains, lanes


def _ordered(layers: list[list[int]], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """The layers in an order with few crossings."""
    best, fewest = layers, _crossings(layers, below)
    current = [list(layer) for layer in layers]
    for sweep in range(_ORDER_SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        neighbours = above if down else below
        steps = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for i in steps:
            fixed = {v: float(p) for p, v in enumerate(current[i - 1 if down else i + 1])}
            centre = {}
            for p, v in enumerate(current[i]):
                near = [fixed[u] for u in neighbours[v]]
                centre[v] = fsum(near) / len(near) if near else float(p)
            # of equals, every second pair of sweeps tries the other order
            turned = -1 if sweep % 4 >= 2 else 1
            at = {v: turned * p for p, v in enumerate(current[i])}
            current[i].sort(key=lambda v: (centre[v], at[v]))
        crossings = _crossings(current, below)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in current], crossings
    return best


def _crossings(layers: list[list[int]], below: list[list[int]]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(layers):
        at = {v: p for p, v in enumerate(lower)}
        seen: list[int] = []
        for v in upper:
            ends = sorted(at[u] for u in below[v])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _placed(
    layers: list[list[int]],
    above: list[list[int]],
    below: list[list[int]],
    widths: list[float],
    pulls: Sequence[float],
) -> list[float]:
    """Where the middle of each box and lane is from left to right."""
    x = [0.0] * len(widths)
    for layer in layers:
        at = 0.0
        for v in layer:
            x[v] = at + widths[v] / 2
            at += widths[v] + GAP
        for v in layer:
            x[v] -= (at - GAP) / 2

    boxes = len(pulls)

    def weight(u: int, v: int) -> float:
        # lanes draw each other, so that long arrows are straight
        return 8.0 if u >= boxes and v >= boxes else 2.0 if u >= boxes or v >= boxes else pulls[u]

    def spread(layer: list[int], near: list[list[int]], firmness: float) -> None:
        # with nothing to go to, a box stays where it is, as firmly as that
        aims, weights = [], []
        for v in layer:
            towards = [(weight(u, v), x[u]) for u in near[v]]
            total = fsum(w for w, _ in towards)
            aims.append(fsum(w * p for w, p in towards) / total if total else x[v])
            weights.append(total or firmness)
        needs = [(widths[a] + widths[b]) / 2 + GAP for a, b in itertools.pairwise(layer)]
        for v, p in zip(layer, _apart(aims, weights, needs), strict=True):
            x[v] = p

    for _ in range(_PLACE_SWEEPS):
        for layer in reversed(layers):
            spread(layer, below, 0.1)
        for layer in layers:
            spread(layer, above, 0.1)
    # at last what nothing leads to moves next to its use, with all others held where they are
    free = [below[v] if not above[v] else [] for v in range(len(widths))]
    for layer in reversed(layers):
        spread(layer, free, 1e4)
    return x


def _straighten(x: list[float], layers: list[list[int]], chains: list[list[int]], widths: list[float]) -> None:
    """Move lanes within the room that their neighbours leave, so that long arrows bend as seldom as they can."""
    left: dict[int, int] = {}
    right: dict[int, int] = {}
    for layer in layers:
        for u, v in itertools.pairwise(layer):
            right[u], left[v] = v, u

    def settle(run: list[int], low: float, high: float) -> None:
        middle = fsum(x[v] for v in run) / max(len(run), 1)
        for v in run:
            x[v] = min(max(middle, low), high)

    for chain in sorted(chains, key=len, reverse=True):
        run: list[int] = []
        low, high = -inf, inf
        for v in chain[1:-1]:
            a, b = left.get(v), right.get(v)
            from_left = -inf if a is None else x[a] + (widths[a] + widths[v]) / 2 + GAP
            to_right = inf if b is None else x[b] - (widths[b] + widths[v]) / 2 - GAP
            if max(low, from_left) > min(high, to_right):
                settle(run, low, high)
                run, low, high = [], -inf, inf
            run.append(v)
            low, high = max(low, from_left), min(high, to_right)
        settle(run, low, high)


def _apart(aims: list[float], weights: list[float], needs: list[float]) -> list[float]:
    """The positions nearest to `aims` by weighted squares, each at least `needs` behind the one before."""
    offsets = [0.0]
    for need in needs:
        offsets.append(offsets[-1] + need)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for aim, weight, offset in zip(aims, weights, offsets, strict=True):
        mean, count = aim - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, many = blocks.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight += heavy
            count += many
        blocks.append((mean, weight, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _routes(
    chains: list[list[int]],
    sizes: Sequence[tuple[float, float]],
    centres: list[Point],
    x: list[float],
    tops: list[float],
    bottoms: list[float],
) -> list[list[Point]]:
    """Per arrow: from the edge of its box to the edge of the layer, a curve to the next layer, straight through, ..."""
    leaving: dict[int, list[int]] = {}
    entering: dict[int, list[int]] = {}
    for i, chain in enumerate(chains):
        leaving.setdefault(chain[0], []).append(i)
        entering.setdefault(chain[-1], []).append(i)
    start, end = [0.0] * len(chains), [0.0] * len(chains)
    for ends, side, towards in ((leaving, start, 1), (entering, end, -2)):
        for v, of_box in ends.items():
            of_box.sort(key=lambda i: (x[chains[i][towards]], i))
            step = min(PORT, (sizes[v][0] - PORT) / len(of_box))
            for p, i in enumerate(of_box):
                side[i] = x[v] + (p - (len(of_box) - 1) / 2) * step
    routes = []
    for i, chain in enumerate(chains):
        first, last = chain[0], chain[-1]
        points = [(start[i], centres[first][1] + sizes[first][1] / 2), (start[i], bottoms[first])]
        for v in chain[1:-1]:
            points += [(x[v], tops[v]), (x[v], bottoms[v])]
        routes.append([*points, (end[i], tops[last]), (end[i], centres[last][1] - sizes[last][1] / 2)])
    return routes
