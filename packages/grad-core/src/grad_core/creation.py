"""Tensors from data and from nothing, by the names of the array API standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._dtypes import constant, get_default_dtype, resolve_dtype
from ._exchange import check_device
from ._tensor import Tensor
from .errors import ConversionError, ShapeError

__all__ = ["arange", "asarray", "empty", "eye", "from_dlpack", "full", "linspace", "ones", "tensor", "zeros"]

Shape = int | Sequence[int]


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A new tensor with a copy of the data.

    Args:
        data: a number, a nested list, an array, a tensor, or anything with ``__array__`` or ``__dlpack__``.
        dtype: of the result. None: arrays keep theirs, Python floats become the default dtype (float32 unless set).
        requires_grad: whether gradients are wanted for it.
        name: shown in messages and drawings.

    Raises:
        DTypeError: an unknown or unsupported dtype, or `requires_grad` for integers or booleans.
        ConversionError: rows of unequal lengths, or a tensor that requires grad among the data of a list.

    Example:
        >>> import grad_core as gd
        >>> gd.tensor([[1, 2.5], [3, 4]])
        tensor([[1. , 2.5],
                [3. , 4. ]])
    """
    array = _array(data, dtype).copy()
    made = Tensor(array, requires_grad=requires_grad, name=name)
    if array.ndim == 0:
        made._data = array[()]  # a scalar, which NumPy computes with much faster
    return made


def _array(data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """The data as an array, straight in the dtype if one is given: through the default dtype digits would be lost."""
    return constant(data.data if isinstance(data, Tensor) else data, None if dtype is None else resolve_dtype(dtype))


def asarray(data: Any, *, dtype: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the data itself where it can be, on a copy where it must; a tensor comes back as it is.

    Args:
        data: as for ``tensor``.
        dtype: of the result; None for that of the data.
        copy: True copies always, None where needed, False never: then what would need a copy raises.

    Raises:
        ValueError: `copy=False`, and the data cannot be used as they are.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> a = np.zeros(2)
        >>> t = gd.asarray(a)
        >>> a[0] = 1
        >>> t
        tensor([1., 0.], dtype=float64)
    """
    x = data if isinstance(data, Tensor) else Tensor(_shared(data) if copy is False else _array(data, dtype))
    wanted = x.dtype if dtype is None else resolve_dtype(dtype)
    if copy is False and wanted != x.dtype:
        raise _needs_copy(data, wanted)
    return x if wanted == x.dtype and not copy else x.astype(wanted)


def _shared(data: Any) -> np.ndarray[Any, Any]:
    """The array on the memory of `data`; raises where there is none."""
    if hasattr(data, "__dlpack__"):
        return constant(np.from_dlpack(data, copy=False))
    try:
        return constant(np.asarray(data, copy=False))
    except ValueError as error:
        raise _needs_copy(data, "any dtype") from error


def _needs_copy(data: Any, wanted: Any) -> ValueError:
    return ValueError(
        f"asarray: copy=False, and {type(data).__name__} cannot become a tensor of {wanted} without a copy"
    )


def from_dlpack(data: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array, of PyTorch or JAX for one: nothing is copied.

    What one side writes the other sees; a change by the other library that a backward pass should notice is told with
    ``grad_core.extend.mark_changed``. The other way round, ``torch.from_dlpack(x)`` takes a tensor that does not
    require grad.

    Args:
        data: anything with ``__dlpack__`` on the CPU, floating, integer or boolean.
        device: "cpu" or None.
        copy: True copies; False and None share the memory.

    Returns:
        A leaf that does not require grad. Memory that the other library keeps to itself, that of JAX, cannot be written
        to; NumPy before 2.3 locks all that comes in.

    Raises:
        ConversionError: `data` does not speak DLPack, or cannot be exported: it is on another device, requires grad
            there, or has a dtype that NumPy does not know, such as bfloat16.
        DTypeError: a complex dtype.
        UnsupportedError: another device.

    Source:
        The DLPack protocol, https://dmlc.github.io/dlpack/latest/python_spec.html.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> a = np.zeros(2)
        >>> t = gd.from_dlpack(a)
        >>> a[0] = 1
        >>> t
        tensor([1., 0.], dtype=float64)
    """
    check_device(device, "from_dlpack")
    if isinstance(data, Tensor) and not data.requires_grad and not copy:
        return data.detach()  # a change of one counts for both
    if not hasattr(data, "__dlpack__"):
        raise ConversionError(
            f"from_dlpack: a {type(data).__name__} has no __dlpack__; gd.asarray takes numbers, lists and whatever has "
            "__array__"
        )
    try:
        array = np.from_dlpack(data)
    except (BufferError, RuntimeError) as error:
        raise ConversionError(
            f"from_dlpack: this {type(data).__name__} cannot be shared: {error}. Detach it, move it to the CPU, or "
            "cast it to a dtype that NumPy has, with its own library"
        ) from error
    return Tensor(array.copy() if copy else array)  # a copy by the other library may be locked as its original is


def _shape(shape: Shape, name: str) -> tuple[int, ...]:
    lengths = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    for n in lengths:
        if not isinstance(n, int | np.integer) or n < 0:
            raise ShapeError(
                f"{name}: {shape!r} is not a shape: give an integer or a tuple of integers, each 0 or more"
            )
    return lengths


def _made(array: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    return Tensor(array, requires_grad=requires_grad)


def _float_dtype(dtype: Any) -> np.dtype[Any]:
    return get_default_dtype() if dtype is None else resolve_dtype(dtype)


def zeros(shape: Shape, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, of the default dtype where none is given.

    Example:
        >>> import grad_core as gd
        >>> gd.zeros(3)
        tensor([0., 0., 0.])
    """
    return _made(np.zeros(_shape(shape, "zeros"), _float_dtype(dtype)), requires_grad)


def ones(shape: Shape, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, of the default dtype where none is given.

    Example:
        >>> import grad_core as gd
        >>> gd.ones(3)
        tensor([1., 1., 1.])
    """
    return _made(np.ones(_shape(shape, "ones"), _float_dtype(dtype)), requires_grad)


def empty(shape: Shape, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """An array to be filled, of the default dtype where none is given; what it holds at first is undefined.

    Example:
        >>> import grad_core as gd
        >>> gd.empty((2, 3)).shape
        (2, 3)
    """
    return _made(np.empty(_shape(shape, "empty"), _float_dtype(dtype)), requires_grad)


def full(shape: Shape, fill_value: float, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One value everywhere; the dtype is the value's where none is given, floats taking the default.

    Example:
        >>> import grad_core as gd
        >>> gd.full(3, 7.0)
        tensor([7., 7., 7.])
    """
    value = _array(fill_value, dtype)
    return _made(np.full(_shape(shape, "full"), value, value.dtype), requires_grad)


def arange(
    start: float, stop: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from `start` up to but not including `stop`, `step` apart; with one argument from 0 up to it.

    Integers give int64, floats the default dtype.

    Raises:
        ValueError: `step` is 0.

    Example:
        >>> import grad_core as gd
        >>> gd.arange(3)
        tensor([0, 1, 2])
    """
    if step == 0:
        raise ValueError("arange: step is 0, which never reaches stop; give a positive or negative step")
    first, last = (0, start) if stop is None else (start, stop)
    array = np.arange(first, last, step)
    wanted = (
        resolve_dtype(dtype) if dtype is not None else get_default_dtype() if array.dtype.kind == "f" else array.dtype
    )
    return _made(array.astype(wanted, copy=False), requires_grad)


def linspace(
    start: float, stop: float, num: int, *, dtype: Any = None, endpoint: bool = True, requires_grad: bool = False
) -> Tensor:
    """`num` numbers evenly spread from `start` to `stop`, which is included unless `endpoint` is False.

    Raises:
        ValueError: `num` is negative.

    Example:
        >>> import grad_core as gd
        >>> gd.linspace(0, 1, 5)
        tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    if num < 0:
        raise ValueError(f"linspace: num is {num}, and a number of elements is 0 or more")
    return _made(
        np.linspace(start, stop, num, endpoint=endpoint).astype(_float_dtype(dtype), copy=False), requires_grad
    )


def eye(
    n_rows: int, n_cols: int | None = None, *, k: int = 0, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones on a diagonal, zeros elsewhere; `k` shifts the diagonal up (positive) or down.

    Example:
        >>> import grad_core as gd
        >>> gd.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    rows, cols = _shape((n_rows, n_rows if n_cols is None else n_cols), "eye")
    return _made(np.eye(rows, cols, k, dtype=_float_dtype(dtype)), requires_grad)
