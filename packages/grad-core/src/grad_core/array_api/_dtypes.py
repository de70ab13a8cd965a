"""Questions about dtypes, and what the namespace says of itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from grad_core._dtypes import get_default_dtype
from grad_core._exchange import check_device
from grad_core._node import Value

__all__ = ["Info", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

DType = np.dtype[Any]

_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": (),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"]


class FInfo(NamedTuple):
    """What ``finfo`` says of a floating dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IInfo(NamedTuple):
    """What ``iinfo`` says of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype(x: Any) -> DType:
    array: Any = x._data if isinstance(x, Value) else x
    return array.dtype if isinstance(array, np.ndarray | np.generic) else np.dtype(array)


def finfo(type: Any, /) -> FInfo:  # noqa: A002 - the standard's name
    """The limits of a floating dtype, or of that of an array, as Python numbers.

    Example:
        >>> import grad_core as gd
        >>> gd.array_api.finfo(gd.zeros(2)).eps == 2**-23
        True
    """
    found: Any = np.finfo(_dtype(type))
    return FInfo(
        found.bits, float(found.eps), float(found.max), float(found.min), float(found.smallest_normal), found.dtype
    )


def iinfo(type: Any, /) -> IInfo:  # noqa: A002 - the standard's name
    """The limits of an integer dtype, or of that of an array.

    Example:
        >>> import grad_core as gd
        >>> gd.array_api.iinfo("int8").max
        127
    """
    found: Any = np.iinfo(_dtype(type))
    return IInfo(found.bits, found.max, found.min, found.dtype)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether every value of one dtype (or of that of an array) is one of another, of the same kind.

    Example:
        >>> import grad_core as gd
        >>> gd.array_api.can_cast("float32", "float64"), gd.array_api.can_cast("int8", "float64")
        (True, False)
    """
    given, wanted = _dtype(from_), np.dtype(to)
    same_kind = given.kind == wanted.kind or given.kind + wanted.kind in ("ui", "iu")
    return same_kind and np.can_cast(given, wanted)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another one, or of a kind such as "real floating", or any of a tuple of these.

    Example:
        >>> import grad_core as gd
        >>> gd.array_api.isdtype(gd.zeros(2).dtype, ("integral", "real floating"))
        True
    """
    return np.isdtype(np.dtype(dtype), kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays, dtypes and numbers come to when they meet; numbers alone take the default ones.

    Example:
        >>> import grad_core as gd
        >>> gd.array_api.result_type(gd.zeros(2), 3.5)
        dtype('float32')
    """
    given = [x._data.dtype if isinstance(x, Value) else x for x in arrays_and_dtypes]
    found: DType = np.result_type(*given)
    numbers = [type(x) for x in given if isinstance(x, float | int)]
    return get_default_dtype() if len(numbers) == len(given) and float in numbers else found


class Info:
    """What ``__array_namespace_info__()`` of the standard gives: what there is, and what is taken by default.

    Example:
        >>> import grad_core as gd
        >>> info = gd.array_api.__array_namespace_info__()
        >>> info.devices(), sorted(info.dtypes(kind="real floating"))
        (('cpu',), ['float32', 'float64'])
    """

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices and shapes that depend on values both work."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The CPU."""
        return "cpu"

    def devices(self) -> tuple[str, ...]:
        """The CPU alone."""
        return ("cpu",)

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """What Python numbers become. The complex one completes the table: no tensor holds it."""
        check_device(device, "default_dtypes")
        integer = np.dtype(np.int64)
        return {
            "real floating": get_default_dtype(),
            "complex floating": np.result_type(get_default_dtype(), np.complex64),
            "integral": integer,
            "indexing": integer,
        }

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The dtypes of the standard that tensors hold, by name: all, or those of one or several kinds.

        Raises:
            ValueError: an unknown kind.
        """
        check_device(device, "dtypes")
        kinds = ("bool", "numeric") if kind is None else (kind,) if isinstance(kind, str) else kind
        unknown = [k for k in kinds if k not in _KINDS]
        if unknown:
            raise ValueError(f"dtypes: {unknown[0]!r} is no kind of dtype; there are {', '.join(_KINDS)}")
        return {name: np.dtype(name) for k in kinds for name in _KINDS[k]}
