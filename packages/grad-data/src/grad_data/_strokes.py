"""How each digit is written: strokes through control points, several ways for each digit.

A way of writing is a text: strokes between slashes, points "x,y" in hundredths of the digit's height, x to the right, y
downwards. A stroke is a smooth curve through its points (a Catmull-Rom spline). A corner is the end of one stroke and
the start of the next in the same point; points with equal coordinates are one point and move together.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WRITINGS", "Writings"]

Point = tuple[float, float]

_STEP = 0.115  # length of a straight piece of a curve, in units of the digit's height (about two pixels)
_LOOSE_ENDS = 1.6  # how much more freely the end of a stroke moves than its middle

_WAYS: tuple[tuple[str, ...], ...] = (
    (  # 0: an oval; rounder, with overlapping ends; narrow, left open at the top
        "42,0 15,13 0,50 13,87 38,100 62,86 73,50 62,14 38,1",
        "62,10 36,0 8,20 0,55 16,90 44,100 74,80 82,42 64,10 42,5",
        "36,4 12,22 0,55 7,90 27,100 46,80 54,42 48,8 30,0",
    ),
    (  # 1: a bar; with a flag; with flag and foot
        "30,0 30,50 30,100",
        "10,24 24,12 33,0 / 33,0 33,50 33,100",
        "12,20 24,10 33,0 / 33,0 33,50 33,98 / 8,100 33,98 58,98",
    ),
    (  # 2: with a straight foot; with a loop at the foot; swan-like with a wavy foot
        "4,24 20,3 48,3 60,26 44,57 20,80 0,98 / 0,98 34,98 68,96",
        "6,20 27,1 55,8 58,36 36,70 13,95 0,90 9,77 30,86 50,98 74,90",
        "0,16 30,0 56,16 46,50 6,94 / 6,94 25,86 48,97 72,93",
    ),
    (  # 3: round; with a flat top; with a small loop in the middle
        "4,14 28,0 54,14 48,37 20,47 / 20,47 50,54 60,77 38,98 14,97 0,84",
        "4,3 30,2 56,2 / 56,2 40,22 22,40 / 22,40 50,48 60,74 38,98 0,90",
        "3,10 32,0 53,20 36,44 22,50 24,41 44,46 58,70 42,97 0,92",
    ),
    (  # 4: open and round; closed; open and angular
        "12,0 3,30 6,50 30,56 66,48 / 57,6 53,50 47,100",
        "48,0 24,33 0,64 / 0,64 36,65 74,62 / 48,0 47,50 45,100",
        "13,3 6,26 0,50 / 0,50 32,50 70,47 / 58,0 55,50 50,100",
    ),
    (  # 5: in one go; S-like without corners; body first, then a hat
        "62,0 38,2 14,3 / 14,3 11,22 8,43 / 8,43 34,37 59,52 59,80 34,99 0,92",
        "62,2 32,1 12,20 24,42 50,57 54,83 28,100 0,90",
        "13,7 10,26 7,46 / 7,46 36,40 56,58 50,86 24,100 0,95 / 13,7 40,6 70,0",
    ),
    (  # 6: curved; with a straight stem; with a small, closed bowl
        "52,0 22,20 3,55 8,88 32,100 56,84 50,60 28,53 6,70",
        "28,0 10,36 0,74 18,100 48,92 55,70 36,55 2,76",
        "46,2 20,15 4,50 5,82 24,100 44,88 42,70 24,64 7,76",
    ),
    (  # 7: plain; with a bar; with a serif and a bent stem
        "0,6 30,4 62,2 / 62,2 42,46 24,100",
        "0,6 30,4 62,3 / 62,3 42,48 22,100 / 14,52 36,50 60,47",
        "0,20 2,12 4,4 / 4,4 30,7 60,0 / 60,0 44,30 36,62 36,100",
    ),
    (  # 8: in one go from the upper right; two circles; from the crossing
        "54,14 30,0 9,16 20,40 44,58 56,80 30,100 5,82 16,60 42,42 57,24 50,6",
        "32,0 10,12 14,37 32,46 50,36 54,12 32,0 / 32,46 6,60 6,88 32,100 58,87 58,60 32,46",
        "28,48 8,24 26,1 50,14 42,38 14,62 4,86 26,100 50,86 44,62 24,44",
    ),
    (  # 9: with a straight stem; with a curved tail; in one slanting go
        "55,14 30,0 5,20 10,44 34,48 53,32 55,14 / 55,14 54,55 50,100",
        "52,12 28,0 3,19 10,46 34,48 53,28 52,12 / 52,12 57,50 42,92 6,96",
        "60,8 34,0 10,20 18,44 44,38 60,8 46,50 26,100",
    ),
)


@dataclass(frozen=True)
class Writings:
    """All ways of writing as tables, padded to equal length, W of them, so that a batch is drawn without branching.

    Attributes:
        first: (10,) for each digit the number of its first way of writing.
        count: (10,) for each digit how many there are.
        control: (W, K, 2) control points.
        looseness: (W, K) how freely a control point moves, 1 inside a stroke and more at its ends.
        source: (W, S, 2, 4) for the start and the end of each straight piece, the control points that it depends on.
        weight: (W, S, 2, 4) and how much on each. Pieces beyond a way's own number have no length.
        along: (W, S, 2) where on its stroke the start or end lies, -1 to 1.
    """

    first: NDArray[np.intp]
    count: NDArray[np.intp]
    control: NDArray[np.float32]
    looseness: NDArray[np.float32]
    source: NDArray[np.intp]
    weight: NDArray[np.float32]
    along: NDArray[np.float32]


def _tabulate(ways: tuple[tuple[str, ...], ...]) -> Writings:
    parsed = [_parse(way) for digit in ways for way in digit]
    tables = [_pieces(points, strokes) for points, strokes in parsed]
    most_points = max(len(points) for points, _ in parsed)
    most_pieces = max(len(along) for _, _, along in tables)
    writings = Writings(
        first=np.cumsum([0, *(len(digit) for digit in ways[:-1])]),
        count=np.array([len(digit) for digit in ways]),
        control=np.zeros((len(parsed), most_points, 2), np.float32),
        looseness=np.zeros((len(parsed), most_points), np.float32),
        source=np.zeros((len(parsed), most_pieces, 2, 4), np.intp),
        weight=np.zeros((len(parsed), most_pieces, 2, 4), np.float32),
        along=np.zeros((len(parsed), most_pieces, 2), np.float32),
    )
    for way, ((points, strokes), (source, weight, along)) in enumerate(zip(parsed, tables, strict=True)):
        writings.control[way, : len(points)] = points
        writings.looseness[way, : len(points)] = 1.0
        writings.looseness[way, [end for stroke in strokes for end in (stroke[0], stroke[-1])]] = _LOOSE_ENDS
        for table, rows in ((writings.source, source), (writings.weight, weight), (writings.along, along)):
            table[way, : len(rows)] = rows
            table[way, len(rows) :] = rows[-1][1]  # both ends where the last piece ends: no length
    return writings


def _parse(way: str) -> tuple[list[Point], list[list[int]]]:
    """The different points of a way of writing, and its strokes as lists of their numbers."""
    points: list[Point] = []
    strokes = []
    for text in way.split("/"):
        stroke = []
        for pair in text.split():
            x, y = pair.split(",")
            point = (int(x) / 100, int(y) / 100)
            if point not in points:
                points.append(point)
            stroke.append(points.index(point))
        strokes.append(stroke)
    return points, strokes


def _pieces(
    points: list[Point], strokes: list[list[int]]
) -> tuple[list[list[list[int]]], list[list[list[float]]], list[list[float]]]:
    """Cut every curve into straight pieces: for both ends of each the sources, their weights, and the place."""
    source, weight, along = [], [], []
    for stroke in strokes:
        # A curve through n points is n - 1 spans, each shaped by the points before and after it as well.
        padded = [stroke[0], *stroke, stroke[-1]]
        spans = len(stroke) - 1
        for span in range(spans):
            around = padded[span : span + 4]
            (x0, y0), (x1, y1) = points[around[1]], points[around[2]]
            parts = max(1, round(math.sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)) / _STEP))
            for part in range(parts):
                ends = (part / parts, (part + 1) / parts)
                source.append([around, around])
                weight.append([_catmull_rom(t) for t in ends])
                along.append([2 * (span + t) / spans - 1 for t in ends])
    return source, weight, along


def _catmull_rom(t: float) -> list[float]:
    """Weights of four neighbouring points at t in [0, 1] between the two in the middle (Catmull and Rom, 1974)."""
    return [
        0.5 * (-t + 2 * t * t - t * t * t),
        0.5 * (2 - 5 * t * t + 3 * t * t * t),
        0.5 * (t + 4 * t * t - 3 * t * t * t),
        0.5 * (-t * t + t * t * t),
    ]


WRITINGS = _tabulate(_WAYS)
