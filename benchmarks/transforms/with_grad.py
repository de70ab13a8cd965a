"""Random affine maps, elastic distortion and a normalised epoch with grad."""

from typing import Any

import grad_data as data
from grad_data import transforms
from transforms.problem import BATCH, Array, images, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Change, and time."""
    arrays = images(seed)

    def affine(batch: Array, number: int) -> Array:
        return transforms.random_affine(batch, degrees=15, translate=0.1, scale=(0.9, 1.1), shear=10, generator=number)

    def elastic(batch: Array, number: int) -> Array:
        return transforms.elastic(batch, generator=number)

    def normal(batch: Array, labels: Array) -> tuple[Array, Array]:
        return transforms.normalize(
            transforms.to_float(transforms.flatten(batch)), data.MNIST.mean, data.MNIST.std
        ), labels

    loader = data.DataLoader(arrays, BATCH, shuffle=True, seed=seed, transform=normal)
    return measure_with({"affine": affine, "elastic": elastic}, loader, arrays[0][:BATCH], quick)
