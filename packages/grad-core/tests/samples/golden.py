"""The cotangents of the recorded comparison: the same on the side that records and on the side that is tested."""

from typing import Any

import numpy as np


def weights(shape: tuple[int, ...], number: int) -> Any:
    """Uneven, of both signs, and exactly the same on every machine: no random generator is involved."""
    count = int(np.prod(shape))
    return (((np.arange(count) * (7 + 2 * number) + number) % 11 - 5.25) / 4).reshape(shape)
