"""Drawing digits: control points to pixels, a batch at a time.

Only elementwise sums, products, quotients, roots, minima and maxima are used, each of which IEEE 754 defines to the
last bit, and sums over an axis run in a fixed order. So the pixels are the same on every machine. (Sines, matrix
products and NumPy's own sums are not: their last bits depend on the processor.)
"""

import numpy as np
from numpy.typing import NDArray

from grad_data._strokes import WRITINGS

__all__ = ["draw"]

_SIDE = 28
_BOX = np.float32(20)  # MNIST fits its digits into 20x20 pixels
_SHAKE = np.float32(0.082)  # how far control points move, in units of the digit's height
_SOFT = np.float32(1.3)  # width of the edge of a line, in pixels
_TINY = np.float32(1e-6)

_Array = NDArray[np.float32]


def draw(way: NDArray[np.intp], traits: _Array, shake: _Array) -> NDArray[np.uint8]:
    """Draw n digits.

    Args:
        way: (n,) numbers of the ways of writing.
        traits: (n, 14) uniform random numbers in [-1, 1): the style of each digit as a whole.
        shake: (n, K, 2) random numbers in [-1, 1] that move the control points.

    Returns:
        (n, 28, 28) uint8.
    """
    control = WRITINGS.control[way] + shake * _SHAKE * WRITINGS.looseness[way][..., None]
    x, y = _bend(control[..., 0] - np.float32(0.33), control[..., 1] - np.float32(0.5), traits)
    x, y = _curves(x, way), _curves(y, way)
    radius = _pressure(way, traits)
    x, y = _place(x, y, radius, traits)
    ink = _ink(x, y, radius)
    gain = np.float32(265) + 25 * traits[:, 11]
    return np.minimum(ink * gain[:, None, None] + np.float32(0.5), np.float32(255)).astype(np.uint8)


def _bend(x: _Array, y: _Array, traits: _Array) -> tuple[_Array, _Array]:
    """Curve, stretch, shear and turn control points (n, K) around the origin."""
    t = traits[:, :, None]
    x, y = x + np.float32(0.22) * t[:, 0] * y * y, y + np.float32(0.25) * t[:, 1] * x * x
    x = x * (1 + np.float32(0.22) * t[:, 2]) * (1 + np.float32(0.25) * t[:, 3] * y)
    x = x - (np.float32(0.14) + np.float32(0.25) * (t[:, 4] + t[:, 5])) * y  # most people's writing leans to the right
    # A turn by the angle whose half has the tangent h, without sine and cosine; at most 15 degrees.
    h = np.float32(0.08) * (t[:, 6] + t[:, 7])
    cosine, sine = (1 - h * h) / (1 + h * h), 2 * h / (1 + h * h)
    return cosine * x - sine * y, sine * x + cosine * y


def _curves(control: _Array, way: NDArray[np.intp]) -> _Array:
    """One coordinate of the ends of all straight pieces, (n, S, 2), from that of the control points (n, K)."""
    rows = np.arange(len(way))[:, None, None]
    total = np.zeros((len(way), *WRITINGS.along.shape[1:]), np.float32)
    for i in range(4):
        total += control[rows, WRITINGS.source[way, :, :, i]] * WRITINGS.weight[way, :, :, i]
    return total


def _pressure(way: NDArray[np.intp], traits: _Array) -> _Array:
    """Half the width of the line in pixels at the ends of all pieces, (n, S, 2)."""
    along = WRITINGS.along[way]
    t = traits[:, :, None, None]
    slope = 1 + np.float32(0.18) * t[:, 8] * along + np.float32(0.14) * t[:, 9] * along * along
    return (np.float32(1.3) + np.float32(0.5) * t[:, 10]) * slope


def _place(x: _Array, y: _Array, radius: _Array, traits: _Array) -> tuple[_Array, _Array]:
    """Scale to the box, put the centre of mass (of the line, by length and width) near the middle of the image."""
    room = _BOX - 2 * radius.max(axis=(1, 2))
    extent = np.maximum(np.ptp(x, axis=(1, 2)), np.ptp(y, axis=(1, 2)))
    scale = (room / extent * (np.float32(0.95) + np.float32(0.05) * traits[:, 12]))[:, None, None]
    x, y = x * scale, y * scale
    dx, dy = x[:, :, 1] - x[:, :, 0], y[:, :, 1] - y[:, :, 0]
    mass = np.sqrt(dx * dx + dy * dy) * (radius[:, :, 0] + radius[:, :, 1])
    shift = np.float32(0.8) * traits[:, 11:14]
    return _centred(x, mass, shift[:, 1]), _centred(y, mass, shift[:, 2])


def _centred(place: _Array, mass: _Array, shift: _Array) -> _Array:
    total, moment = np.zeros((2, len(place)), np.float32)
    for s in range(mass.shape[1]):
        total += mass[:, s]
        moment += mass[:, s] * (place[:, s, 0] + place[:, s, 1])
    return place + (np.float32((_SIDE - 1) / 2) + shift - moment / (2 * total))[:, None, None]


def _ink(x: _Array, y: _Array, radius: _Array) -> _Array:
    """Paint all pieces: (n, 28, 28), 1 where a pixel's centre lies well inside a line, 0 outside, a ramp between.

    A piece touches only a small window of pixels, so only that is computed.
    """
    n, pieces, _ = x.shape
    reach = radius.max() + _SOFT
    widest = max(float(np.abs(x[:, :, 0] - x[:, :, 1]).max()), float(np.abs(y[:, :, 0] - y[:, :, 1]).max()))
    window = min(_SIDE, int(widest + 2 * float(reach)) + 2)
    left = np.clip((x.min(axis=2) - reach).astype(np.intp), 0, _SIDE - window)
    top = np.clip((y.min(axis=2) - reach).astype(np.intp), 0, _SIDE - window)
    steps = np.arange(window)
    corner = np.arange(n) * (_SIDE * _SIDE)
    ink = np.zeros(n * _SIDE * _SIDE, np.float32)
    for s in range(pieces):
        columns, rows = left[:, s, None] + steps, top[:, s, None] + steps
        pixels = (corner[:, None] + rows * _SIDE)[:, :, None] + columns[:, None, :]
        px = (columns.astype(np.float32) - x[:, s, 0, None])[:, None, :]
        py = (rows.astype(np.float32) - y[:, s, 0, None])[:, :, None]
        dx, dy = (x[:, s, 1] - x[:, s, 0])[:, None, None], (y[:, s, 1] - y[:, s, 0])[:, None, None]
        nearest = (px * dx + py * dy) / (dx * dx + dy * dy + _TINY)  # on the piece, as a share of its length
        np.minimum(np.maximum(nearest, 0, out=nearest), 1, out=nearest)
        off_x, off_y = px - nearest * dx, py - nearest * dy
        distance = np.sqrt(off_x * off_x + off_y * off_y)
        start, end = radius[:, s, 0, None, None], radius[:, s, 1, None, None]
        painted = (start + (end - start) * nearest - distance) / _SOFT + np.float32(0.5)
        ink[pixels] = np.maximum(ink[pixels], np.minimum(painted, 1))
    return ink.reshape(n, _SIDE, _SIDE)
