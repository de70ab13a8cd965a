"""Which dtypes there are, the default one for Python floats, and the arrays that constants become."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ConversionError, DTypeError

__all__ = ["PLAIN", "constant", "get_default_dtype", "resolve_dtype", "set_default_dtype"]

_default = np.dtype(np.float32)

# what a NumPy function takes as it is: Python numbers stay weak in NumPy's promotion, so `x * 2` keeps the dtype of x
PLAIN = frozenset({float, int, bool, np.ndarray, np.float32, np.float64, np.float16, np.int64, np.int32, np.bool_})


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats become in ``gd.tensor``, ``gd.zeros`` and the like; float32 at the start.

    Args:
        dtype: a floating dtype: "float16", "float32" or "float64", as a name or a NumPy dtype.

    Raises:
        DTypeError: it is not a floating dtype.

    Example:
        >>> import grad_core as gd
        >>> gd.set_default_dtype("float64")
        >>> gd.tensor(1.5).dtype
        dtype('float64')
        >>> gd.set_default_dtype("float32")
    """
    global _default
    chosen = resolve_dtype(dtype)
    if chosen.kind != "f":
        raise DTypeError(
            f"the default dtype must be floating, and {chosen} is not: give 'float16', 'float32' or 'float64'"
        )
    _default = chosen


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python floats become.

    Example:
        >>> import grad_core as gd
        >>> gd.get_default_dtype()
        dtype('float32')
    """
    return _default


def resolve_dtype(dtype: Any) -> np.dtype[Any]:
    """The NumPy dtype meant by a name, a type or a dtype; refuses what a tensor cannot hold."""
    if dtype is float:
        return _default
    try:
        chosen: np.dtype[Any] = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(
            f"unknown dtype {dtype!r}: give one of 'float32', 'float64', 'float16', 'int64', 'int32', 'bool', ... "
            "or the NumPy dtype itself"
        ) from error
    if chosen.kind not in "fiub":
        raise DTypeError(f"dtype {chosen} is not supported: tensors hold floats, integers and booleans")
    return chosen


def constant(x: Any, dtype: np.dtype[Any] | None = None) -> np.ndarray[Any, Any]:
    """The array that a number, a nested list, or anything with ``__array__`` or ``__dlpack__`` becomes.

    Nothing is copied that need not be. Python floats, alone or in lists, take the default dtype; arrays keep theirs;
    a `dtype` that is given overrules both.
    """
    if type(x) is np.ndarray:
        array = x
    elif hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        array = np.from_dlpack(x)
    else:
        try:
            array = np.asarray(x)
        except ValueError as error:
            raise ConversionError(
                f"cannot make one array of this {type(x).__name__}: {error}. Rows must have equal lengths"
            ) from error
        if (
            array.dtype == np.float64
            and isinstance(_first_item(x), float)
            and not isinstance(_first_item(x), np.generic)
        ):
            array = array.astype(_default) if dtype is None else array
    if array.dtype.kind not in "fiub":
        raise DTypeError(
            f"a {type(x).__name__} of dtype {array.dtype} cannot become a tensor: tensors hold floats, "
            "integers and booleans"
        )
    return array if dtype is None else array.astype(dtype, copy=False)


def _first_item(x: Any) -> Any:
    while isinstance(x, list | tuple):
        if not x:
            return 0.0  # an empty list is floating, as in NumPy
        x = next((item for item in x if isinstance(item, float | np.generic | np.ndarray | list | tuple)), x[0])
    return x
