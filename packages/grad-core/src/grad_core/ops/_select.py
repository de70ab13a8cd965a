"""How rules stop a gradient: elements where a mask holds, 0 elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._kinds import elementwise

__all__ = ["select"]

_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def _select_back(g: Any, _ans: Any, mask: Any, _x: Any) -> Any:
    return select.on(mask, g)


@elementwise(None, _select_back)
def select(mask: Any, x: Any) -> Any:
    """Elements of x where the mask holds, 0 elsewhere; a product with the mask would make NaN of infinities.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import select
        >>> select(gd.tensor([True, False]), gd.tensor([1.0, float("inf")]))
        tensor([1., 0.])
    """
    if x.size < 1000 or type(x) is not np.ndarray:
        return np.where(mask, x, x.dtype.type(0))
    # `where` takes a branch for each element, wrongly guessed half the time. Bits as integers, times the mask, keep all
    # or nothing of any number, infinities and NaN included, up to ten times faster
    return (x.view(_BITS[x.dtype.itemsize]) * np.asarray(mask, np.bool_)).view(x.dtype)
