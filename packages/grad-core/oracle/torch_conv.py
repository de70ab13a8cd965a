"""What PyTorch calls convolution, pooling, unfold and fold: mostly the same."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - as PyTorch's own code calls it

_SAME = (
    *[f"conv_transpose{rank}d" for rank in (1, 2, 3)],
    *[f"{kind}_pool{rank}d" for kind in ("avg", "max", "adaptive_avg", "adaptive_max") for rank in (1, 2, 3)],
    "fold",
    "unfold",
)


def _conv(rank: int) -> Callable[..., Any]:
    def call(x: Any, *others: Any, padding: Any = 0, **options: Any) -> Any:
        if isinstance(padding, tuple) and isinstance(padding[0], tuple):  # a pair for each axis, which PyTorch has not
            x = F.pad(x, [n for pair in padding[::-1] for n in pair])
            padding = 0
        with warnings.catch_warnings():  # that padding="same" of an even kernel takes a copy
            warnings.filterwarnings("ignore", message="Using padding='same'")
            return getattr(F, f"conv{rank}d")(x, *others, padding=padding, **options)

    return call


CALLS: dict[str, Callable[..., torch.Tensor]] = {
    **{name: getattr(F, name) for name in _SAME},
    **{f"conv{rank}d": _conv(rank) for rank in (1, 2, 3)},
}
