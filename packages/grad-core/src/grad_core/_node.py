"""What the graph is made of: the state of a tensor, the nodes of its history, and what stands for arrays not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._attached import Handle, attach
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

    __slots__ = ("__weakref__", "_attached", "_data", "_grad", "_name", "_node", "_port", "_requires_grad", "_version")

    _data: Any  # an ndarray, a NumPy scalar for 0-d values, or Batched inside vmap
    _requires_grad: bool
    _node: Node | None  # the op call that made it; None for leaves and constants
    _port: int  # which of the node's outputs it is
    _grad: Any
    _version: list[int] | None  # counts changes in place; made when first needed, shared by views
    _name: str | None
    _attached: Any  # of a leaf: what is attached to it; unset for most, see `_attached`


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
        "_attached",
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
    _attached: Any  # hooks and the like; unset for most, see `_attached`

    @property
    def name(self) -> str:
        """The name of the op."""
        return self.op.name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Per input, where its gradient goes: a node and which of its outputs, a leaf tensor and 0, or None and 0."""
        return tuple(zip(self.edges, self.ports or [0] * len(self.edges), strict=True))

    def register_prehook(self, hook: Callable[..., Any]) -> Handle:
        """Have backward call ``hook(grad_outputs)`` before the rules of this op, once per pass.

        Args:
            hook: gets a tuple with the gradient of each output, and returns None, or such a tuple to go on with, of the
                same shapes and dtypes.

        Returns:
            A handle; ``handle.remove()`` takes the hook away.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor(3.0, requires_grad=True)
            >>> y = x * 2
            >>> handle = y.grad_fn.register_prehook(lambda grads: (grads[0] * 10,))
            >>> y.backward()
            >>> x.grad
            tensor(20.)
        """
        return Handle(attach(self, self.number).before, hook)

    def register_hook(self, hook: Callable[..., Any]) -> Handle:
        """Have backward call ``hook(grad_inputs, grad_outputs)`` after the rules of this op, once per pass.

        Args:
            hook: gets a tuple with the gradient of each input, None where none is wanted, and one of each output. It
                returns None, or a tuple to go on with in place of `grad_inputs`, of the same shapes and dtypes.

        Returns:
            A handle; ``handle.remove()`` takes the hook away.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor(3.0, requires_grad=True)
            >>> y = x * 2
            >>> handle = y.grad_fn.register_hook(lambda inputs, outputs: print(inputs, outputs))
            >>> y.backward()
            (tensor(2.), None) (tensor(1.),)
        """
        return Handle(attach(self, self.number).after, hook)

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
