"""Images taken at other places than their pixels: grids of places, smooth noise, bilinear interpolation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["affine_grid", "checked_images", "sampled", "smooth_noise"]

_Array = NDArray[Any]
_REACH = 4.0  # a Gaussian is cut off at this many times its width


def checked_images(images: _Array) -> None:
    """Say what is wrong with images that are not (N, H, W) or (N, C, H, W)."""
    if images.ndim not in (3, 4) or images.dtype.kind not in "iufb":
        raise ValueError(
            f"images are (N, H, W) or (N, C, H, W) of a real dtype, not {images.dtype} {images.shape}; "
            "a single image becomes a batch with image[None]"
        )


def affine_grid(
    angle: _Array, slope: _Array, factor: _Array, dx: _Array, dy: _Array, shape: tuple[int, int]
) -> tuple[_Array, _Array]:
    """Where each pixel of n results comes from: rows and columns (n, H, W), float32."""
    cosine, sine = np.cos(angle), np.sin(angle)
    # M = rotation @ [[1, slope], [0, 1]] * factor takes (x, y) of the image to the result; this is its inverse.
    inverse = np.stack([cosine + slope * sine, sine - slope * cosine, -sine, cosine]) / factor
    xx, xy, yx, yy = inverse.astype(np.float32)[:, :, None, None]
    height, width = shape
    middle_x, middle_y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    x = (np.arange(width, dtype=np.float32) - middle_x) - dx.astype(np.float32)[:, None, None]
    y = (np.arange(height, dtype=np.float32)[:, None] - middle_y) - dy.astype(np.float32)[:, None, None]
    return yx * x + yy * y + middle_y, xx * x + xy * y + middle_x


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> NDArray[np.float32]:
    """Uniform noise in [-1, 1], smoothed along the last two axes by a Gaussian; zero beyond the border."""
    noise = rng.random(shape, np.float32)
    noise *= 2
    noise -= 1
    return np.asarray(_band(shape[-2], sigma) @ noise @ _band(shape[-1], sigma), np.float32)


def _band(size: int, sigma: float) -> NDArray[np.float32]:
    """The matrix that smooths along an axis; symmetric."""
    reach = int(_REACH * sigma + 0.5)
    steps = np.arange(-reach, reach + 1)
    total = np.exp(-0.5 * (steps / sigma) ** 2).sum()
    apart = np.abs(np.arange(size)[:, None] - np.arange(size))
    weights = np.where(apart <= reach, np.exp(-0.5 * (apart / sigma) ** 2) / total, 0)
    return weights.astype(np.float32)


def sampled(images: _Array, rows: _Array, columns: _Array, fill: float) -> _Array:
    """The images at these places (n, H, W), by bilinear interpolation between pixels; `fill` lies all around."""
    height, width = images.shape[-2:]
    if images.dtype.kind == "b":
        as_bytes = sampled(images.astype(np.uint8), rows, columns, fill)
        return as_bytes.astype(bool)
    dtype = images.dtype if images.dtype.kind == "f" and images.dtype.itemsize >= 4 else np.dtype(np.float32)
    # A frame of two pixels of fill, into which everything farther outside is moved.
    framed = np.full((len(images), *images.shape[1:-2], height + 3, width + 3), fill, dtype)
    framed[..., 1:-2, 1:-2] = images
    rows, columns = (np.clip(rows, -1, height).astype(dtype), np.clip(columns, -1, width).astype(dtype))
    top, left = np.floor(rows), np.floor(columns)
    down, across = rows - top, columns - left
    stride = width + 3
    start = (top + 1).astype(np.intp) * stride + (left + 1).astype(np.intp)
    pixels = (height + 3) * stride
    channels = 1 if images.ndim == 3 else images.shape[1]
    start += (np.arange(len(images)) * (pixels * channels))[:, None, None]
    if images.ndim == 4:
        start = start[:, None] + (np.arange(channels) * pixels)[:, None, None]
        down, across = down[:, None], across[:, None]
    flat = framed.reshape(-1)
    upper, lower = flat.take(start), flat.take(start + stride)
    upper += (flat.take(start + 1) - upper) * across
    lower += (flat.take(start + (stride + 1)) - lower) * across
    lower -= upper
    lower *= down
    upper += lower
    if images.dtype.kind in "iu":
        limits = np.iinfo(images.dtype)
        np.clip(np.rint(upper, out=upper), limits.min, limits.max, out=upper)
    result: _Array = upper.astype(images.dtype, copy=False)
    return result
