"""Making arrays as the standard has it: with a device, which is always the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grad_core import creation
from grad_core._exchange import check_device
from grad_core.ops import fill

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """See ``grad_core.arange``."""
    check_device(device, "arange")
    return creation.arange(start, stop, step, dtype=dtype)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """See ``grad_core.asarray``."""
    check_device(device, "asarray")
    return creation.asarray(obj, dtype=dtype, copy=copy)


def empty(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.empty``."""
    check_device(device, "empty")
    return creation.empty(shape, dtype=dtype)


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.empty_like``."""
    check_device(device, "empty_like")
    return fill.empty_like(x, dtype)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.eye``."""
    check_device(device, "eye")
    return creation.eye(n_rows, n_cols, k=k, dtype=dtype)


def full(shape: Shape, fill_value: float, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.full``."""
    check_device(device, "full")
    return creation.full(shape, fill_value, dtype=dtype)


def full_like(x: Any, /, fill_value: float, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.full_like``."""
    check_device(device, "full_like")
    return fill.full_like(x, fill_value, dtype)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """See ``grad_core.linspace``."""
    check_device(device, "linspace")
    return creation.linspace(start, stop, num, dtype=dtype, endpoint=endpoint)


def ones(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.ones``."""
    check_device(device, "ones")
    return creation.ones(shape, dtype=dtype)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.ones_like``."""
    check_device(device, "ones_like")
    return fill.ones_like(x, dtype)


def zeros(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.zeros``."""
    check_device(device, "zeros")
    return creation.zeros(shape, dtype=dtype)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """See ``grad_core.zeros_like``."""
    check_device(device, "zeros_like")
    return fill.zeros_like(x, dtype)
