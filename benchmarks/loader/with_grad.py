"""An epoch with grad's DataLoader."""

from typing import Any

import grad_data as data
from loader.problem import BATCH, arrays, measure_with

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Iterate over it."""
    loader = data.DataLoader(arrays(seed), BATCH, shuffle=True, seed=seed)
    return measure_with(lambda: loader, quick)
