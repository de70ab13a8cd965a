"""The import of mygrad."""

from typing import Any

from imports.problem import measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Time it."""
    return measure_with("mygrad", quick)
