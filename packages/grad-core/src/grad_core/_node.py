"""What the graph is made of: the state of a tensor, the nodes of its history, and what stands for arrays not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._batched import Batched
from ._dtypes import constant

if TYPE_CHECKING:
    from ._op import Op

__all__ = ["KEPT", "NUMBERS", "Node", "Spec", "Value", "array_like", "spec", "start_version"]

ndarray = np.ndarray

NUMBERS = frozenset({float, int, bool})
# NumPy computes 0-d results as scalars, and ten times faster from scalars than from 0-d arrays: tensors keep
# them as they come
KEPT = frozenset(
    {
        ndarray,
        np.float16,
        np.float32,
        np.float64,
        np.bool_,
        np.int8,
        np.int16,
        np.int32,
        np.int64,
        np.uint8,
        np.uint16,
        Batched,
    }
)


class Value:
    """The state of a tensor. `_tensor.Tensor` adds what users see; nothing else derives from this."""

    __slots__ = ("__weakref__", "_data", "_grad", "_node", "_port", "_requires_grad", "_version", "name")

    _data: Any  # an ndarray, a NumPy scalar for 0-d values, or Batched inside vmap
    _requires_grad: bool
    _node: Node | None  # the op call that made it; None for leaves and constants
    _port: int  # which of the node's outputs it is
    _grad: Any
    _version: list[int] | None  # counts changes in place; made when first needed, shared by views
    name: str | None


class Spec:
    """Stands for an input whose values no rule reads: its shape and dtype, without its memory."""

    __slots__ = ("dtype", "shape")

    def __init__(self, array: Any) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


def spec(value: Any) -> Any:
    """The Spec of an array, or of each in a tuple; numbers have none and stay."""
    if type(value) is tuple:
        return tuple([spec(part) for part in value])
    return value if type(value) in NUMBERS else Spec(value)


class Node:
    """One call of an op in the history of a tensor: what to call, with what, and where the results go.

    It never refers to the tensor it made, so there are no reference cycles and memory goes as soon as it can.
    """

    __slots__ = (
        "__weakref__",
        "ans",
        "edges",
        "number",
        "op",
        "params",
        "ports",
        "result",
        "rules",
        "saved",
        "versions",
    )

    op: Op
    params: dict[str, Any]
    number: int  # newer nodes have smaller numbers
    edges: Sequence[Any]  # per input: the Node it came from, the leaf Tensor itself, or None where no gradient goes
    ports: Sequence[int] | None  # per input: which output of that node it is; None stands for all zeros
    rules: Sequence[Any]  # per input
    # per input: array, number, Spec, or None where nothing is needed; None once released; or something whose
    # `restore()` puts such a list here
    saved: Any
    ans: Any
    # per saved array of a tensor: its counter, the count at saving, and which it is: input i, or output -1 - i
    versions: Sequence[tuple[list[int], int, int]]
    result: Any  # its dtype; for an op with several results a tuple of their Specs

    def __repr__(self) -> str:
        return f"<{self.op.name}>"


def start_version(x: Value) -> list[int]:
    """The counter of changes in place of a tensor, made at its first use."""
    version = x._version
    if version is None:
        version = x._version = [0]
    return version


_WITH_SHAPE = (Value, ndarray)  # made once: a union in the call would be made at each


def array_like(x: Any) -> Any:
    """A tensor or array as it is, anything else as the array it becomes: something with shape and dtype.

    Example:
        >>> from grad_core.extend import array_like
        >>> array_like([1.0, 2.0])
        array([1., 2.], dtype=float32)
    """
    return x if isinstance(x, _WITH_SHAPE) else constant(x)
