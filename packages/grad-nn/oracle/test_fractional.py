"""Max pooling at random places beside torch, with the same random numbers."""

from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it
from comparing import RNG, compare, same

pytestmark = pytest.mark.parametrize("dtype", ["float32", "float64"])
CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 9, 7), {"kernel_size": 2, "output_size": 4}),
    ((1, 2, 9, 7), {"kernel_size": (3, 2), "output_size": (7, 1)}),
    ((3, 8, 8), {"kernel_size": 2, "output_ratio": (0.7, 0.7)}),
    ((2, 1, 10, 6), {"kernel_size": (2, 3), "output_ratio": (0.5, 0.6)}),
    ((2, 3, 5, 6, 7), {"kernel_size": 2, "output_size": (2, 3, 4)}),
    ((2, 6, 6, 6), {"kernel_size": (1, 2, 3), "output_ratio": (0.5, 0.7, 0.6)}),
]


@pytest.mark.parametrize(("shape", "options"), CASES, ids=repr)
def test_the_same_numbers_drawn(shape: Any, options: dict[str, Any], dtype: str) -> None:
    rank = 3 if len(shape) == 5 or len(options.get("output_ratio", ())) == 3 else 2 if isinstance(shape, tuple) else 0
    name = f"fractional_max_pool{rank}d"
    lead = shape[:-rank] if len(shape) == rank + 2 else (1, *shape[:-rank])
    samples = torch.tensor(gd.random.Generator(0).numpy.random((*lead, rank)).astype(dtype))

    def ours(x: Any, **more: Any) -> Any:
        return getattr(F, name)(x, **options, **more, generator=gd.random.Generator(0))

    def theirs(x: Any, **more: Any) -> Any:
        return getattr(T, name)(x, **options, **more, _random_samples=samples)

    x = RNG.normal(size=shape)
    compare(ours, theirs, [x], dtype, 1)
    x = x.astype(dtype)
    found, wanted = ours(x, return_indices=True), theirs(torch.tensor(x), return_indices=True)
    same(found[0], wanted[0], dtype)
    same(found[1], wanted[1], dtype)
    layer = getattr(nn, f"FractionalMaxPool{rank}d")(**options, generator=gd.random.Generator(0))
    module = getattr(torch.nn, f"FractionalMaxPool{rank}d")(**options, _random_samples=samples)
    for mode in (True, False):
        layer._generator = gd.random.Generator(0)
        same(layer.train(mode)(x), module.train(mode)(torch.tensor(x)), dtype)
    plain = getattr(torch.nn, f"FractionalMaxPool{rank}d")(**options)
    assert list(layer.state_dict()) == list(plain.state_dict()) == []
    assert np.isfinite(found[0].data).all()
