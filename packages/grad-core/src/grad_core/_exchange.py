"""How other libraries find a tensor's functions and its memory: the array API namespace, the device, DLPack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ConversionError, UnsupportedError

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = ["VERSIONS", "Exchange", "check_device"]

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

# set by `array_api`, which stands above the tensors that name it
namespace: Any = None


def check_device(device: Any, name: str) -> None:
    """Refuse every device but the CPU; None stands for it."""
    if device is not None and device != "cpu":
        raise UnsupportedError(f"{name}: device {device!r}: tensors are NumPy arrays, and their only device is 'cpu'")


class Exchange:
    """The part of Tensor that answers other array libraries."""

    __slots__ = ()

    data: np.ndarray[Any, Any]
    name: str | None
    requires_grad: bool

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        if api_version is not None and api_version not in VERSIONS:
            raise ValueError(
                f"grad_core follows the array API standard up to {VERSIONS[-1]}, and api_version is {api_version!r}: "
                f"give one of {', '.join(VERSIONS)}, or None"
            )
        return namespace

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if self.requires_grad:
            named = f" (name={self.name!r})" if self.name is not None else ""
            raise ConversionError(
                f"this tensor requires grad{named}, and another library would not know its history: export "
                "x.detach(), which shares its memory"
            )
        array = self.data
        if not array.flags.writeable and not copy and (max_version is None or max_version[0] < 1):
            raise BufferError(
                f"the memory of this tensor of shape {array.shape} cannot be written to, and the other library asks in "
                "a version of DLPack that has no word for that: give it a copy, x.astype(x.dtype)"
            )
        return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    @property
    def device(self) -> str:
        """Where the elements are: always "cpu"."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """The tensor itself, as the array API standard asks; the only device is "cpu".

        Raises:
            UnsupportedError: another device, or a stream.
        """
        check_device(device, "to_device")
        if stream is not None:
            raise UnsupportedError(f"to_device: the CPU has no streams, and stream is {stream!r}: leave it out")
        here: Any = self
        return here  # type: ignore[no-any-return]
