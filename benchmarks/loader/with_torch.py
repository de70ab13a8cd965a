"""An epoch with PyTorch's DataLoader over a TensorDataset, which takes samples one by one."""

from typing import Any

import torch
from loader.problem import BATCH, arrays, measure_with
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["measure"]


def measure(seed: int, quick: bool) -> dict[str, Any]:
    """Iterate over it."""
    tensors = [torch.from_numpy(array) for array in arrays(seed)]
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*tensors), BATCH, shuffle=True, generator=generator)
    return measure_with(lambda: loader, quick)
