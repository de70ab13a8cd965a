"""Tensor: an array, its gradient, its place in the graph. All mathematics stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from . import _op
from ._attached import Handle, Hooks, attach, attached
from ._batched import Batched
from ._dtypes import constant, get_default_dtype
from ._engine import retain, run
from ._exchange import Exchange
from ._methods import Methods
from ._modes import state
from ._node import Node, Value, array_like, start_version
from ._op import wrap
from ._protocols import Protocols
from .errors import ConversionError, DTypeError, GradientError, ShapeError
from .ops.assign import assigned

__all__ = ["Tensor", "cotangent"]


class Tensor(Value, Methods, Protocols, Exchange):
    """An array that remembers how it was computed, so that gradients can be carried back through it.

    Make one with ``gd.tensor``; results of functions and operators are tensors too. The operators of NumPy arrays work,
    with broadcasting, between tensors, arrays, lists and numbers on either side.

    Args:
        data: a number, a nested list, an array, or anything with ``__array__`` or ``__dlpack__``. Arrays are not
            copied.
        requires_grad: whether gradients are wanted for it; floating dtypes only.
        name: shown in messages and drawings.

    Raises:
        DTypeError: a dtype that is not supported, or `requires_grad` for integers or booleans.

    Example:
        >>> import grad_core as gd
        >>> x = gd.Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
    """

    __slots__ = ()

    def __init__(self, data: Any, *, requires_grad: bool = False, name: str | None = None) -> None:
        self._data = _shared(data) if isinstance(data, Tensor) else constant(data)
        self._requires_grad = False
        self._node = None
        self._port = 0
        self._grad = None
        self._version = start_version(data) if isinstance(data, Value) else None
        self._name = name
        if requires_grad:
            self.requires_grad = True

    # The array

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The array itself, without history. ``x.data -= step`` changes it in place, and backward will notice.

        A change through another name for the array, ``a = x.data; a -= step``, cannot be noticed.
        """
        if type(self._data) is not np.ndarray:
            self._data = np.asarray(self._data)  # a scalar until someone wants to see, and perhaps change, the array
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        array = value._data if isinstance(value, Value) else constant(value)
        if type(array) is Batched:
            array = np.asarray(array)  # refuses: the values of one vmap would stay behind in a tensor outside of it
        if array.shape != self._data.shape:
            raise ShapeError(
                f"data of shape {array.shape} cannot replace data of shape {self._data.shape}: make a new "
                "tensor instead"
            )
        self._data = array
        start_version(self)[0] += 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the elements."""
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def name(self) -> str | None:
        """What messages and drawings call it; settable, for computed tensors too."""
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value
        if self._node is None:
            return
        if value is not None:
            attach(self._node, self._node.number).named[self._port] = (value, ref(self))
            return
        earlier = attached(self._node, self._node.number)
        if earlier is not None:
            earlier.named.pop(self._port, None)

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array, sharing memory.

        Raises:
            ConversionError: the tensor requires grad; ``x.detach().numpy()`` says that its history may go.
        """
        if self._requires_grad:
            raise ConversionError(
                f"this tensor requires grad{_named(self)}, and a plain array would lose its history: call "
                "x.detach().numpy()"
            )
        return self.data

    def item(self) -> Any:
        """The only element as a Python number; the tensor may require grad.

        Raises:
            ConversionError: there are more elements than one, or none.
        """
        if self._data.size != 1:
            raise ConversionError(
                f"item() needs just one element, and shape {self.shape} has {self._data.size}: use tolist()"
            )
        return self._data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; the tensor may require grad."""
        return self._data.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor: it has no axes; use item() for its value")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a 0-d tensor has no axis to iterate over; use item() for its value")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == (value._data if isinstance(value, Value) else value)).any())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ConversionError(
                f"the truth of a tensor of shape {self.shape} is ambiguous: use x.any() or x.all(), and `x "
                "is None` to ask for None"
            )
        return bool(self._data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._data.dtype.kind not in "iu" or self._data.ndim:
            raise TypeError(
                f"only a 0-d integer tensor can be an index, and this is {self.dtype} of shape {self.shape}"
            )
        return int(self._data)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self._data.size == 1 else format(str(self), spec)

    def __setitem__(self, key: Any, value: Any) -> None:
        """``x[key] = value``: the gradient flows to `value`, and to `x` where it was not overwritten.

        With a history, or inside ``vmap``, the tensor gets a new array, and what was computed from it before keeps the
        earlier values. Otherwise the array is changed in place.

        Raises:
            GradientError: a leaf that requires grad, or a view that shares its memory with another tensor, which would
                have to change too.
        """
        tracked = state.grad and (self._requires_grad or (isinstance(value, Value) and value._requires_grad))
        # whoever watches ops has to see it too: vmap, and recorders
        watched = state.batching is not None or state.recorder is not None
        if tracked or (watched and not (self._node is None and self._requires_grad)):
            self._become(key, value)
            return
        key = tuple([k._data if isinstance(k, Value) else k for k in key]) if isinstance(key, tuple) else key
        self.data[key._data if isinstance(key, Value) else key] = value._data if isinstance(value, Value) else value
        start_version(self)[0] += 1

    def _become(self, key: Any, value: Any) -> None:
        """Take the place in the graph, and the array, of the result of an assignment."""
        if self._node is None and self._requires_grad:
            raise GradientError(
                f"assignment into a leaf that requires grad{_named(self)}: its gradient would belong to values "
                "that are gone. Assign to a copy, y = x + 0, or change the values without history, in a block of "
                "`with gd.no_grad():`"
            )
        is_view = type(self._data) is np.ndarray and self._data.base is not None and self._version is not None
        # tensors that share memory share the counter; if nobody else holds it, there is no other that had to change
        if is_view and getrefcount(self._version) > 2:
            raise GradientError(
                f"assignment with history into a view of shape {self.shape}{_named(self)}: another tensor shares its "
                "memory, or a derivative needs it, and would have to change too. Assign to a copy of it, y = x + 0, or "
                "through the tensor it is a view of"
            )
        result = assigned(self, key, value)
        earlier = None if self._node is None else attached(self._node, self._node.number)
        retained = earlier is not None and earlier.retained.pop(self._port, None) is not None
        self._data = result._data
        self._node = result._node
        self._port = result._port
        self._requires_grad = result._requires_grad
        self._version = None
        # name and retained gradient are the tensor's, hooks belong to the value that they were registered for
        self.name = self._name
        if retained:
            retain(self)

    def __repr__(self) -> str:
        if type(self._data) is Batched:
            return f"tensor(one of {self._data.whole.shape[0]} in vmap, shape={self.shape}, dtype={self.dtype})"
        data = self.data
        text = np.array2string(data, separator=", ", prefix="tensor(", threshold=1000)
        parts = [text if data.size else f"[], shape={data.shape}" if data.shape != (0,) else "[]"]
        if data.dtype not in (get_default_dtype(), np.dtype(np.int64), np.dtype(np.bool_)):
            parts.append(f"dtype={data.dtype}")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self._node is not None:
            parts.append(f"grad_fn={self._node!r}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"tensor({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # what copy.deepcopy and pickle make a leaf from: its array, a copy of it for them to own, and its settings
        if self._node is not None:
            raise ConversionError(
                f"a tensor with history, made by {self._node!r}, cannot be copied or pickled with it: use x.detach(), "
                "or copy the leaves and compute it again"
            )
        return _rebuild, (type(self), self.data.copy(), self._requires_grad, self.name)

    # History and gradient

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are carried back to or through this tensor. Settable on leaves."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._node is not None:
            if not value:
                raise GradientError(
                    "requires_grad of a computed tensor follows from its inputs: use x.detach() to cut its history"
                )
            return
        if value and self._data.dtype.kind != "f":
            raise DTypeError(
                f"requires_grad=True needs a floating dtype, and this tensor is {self._data.dtype}: "
                "give dtype='float32', or write the numbers with a decimal point"
            )
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed from something that requires grad."""
        return self._node is None

    @property
    def grad_fn(self) -> Node | None:
        """The op call that computed it; None for leaves."""
        return self._node

    @property
    def grad(self) -> Tensor | None:
        """What backward passes have added up here, of the shape and dtype of the tensor; None before the first."""
        return self._grad  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is None:
            self._grad = None
            return
        g = value if isinstance(value, Tensor) else Tensor(value)
        if g.shape != self.shape:
            raise ShapeError(
                f"a gradient of shape {g.shape} cannot belong to a tensor of shape {self.shape}: they must be equal"
            )
        self._grad = g if g.dtype == self.dtype else g.astype(self.dtype)

    def detach(self) -> Tensor:
        """The same array without its history; memory is shared."""
        if type(self._data) is Batched:
            return wrap(Batched(self._data.whole.detach(), self._data.level))  # type: ignore[no-any-return]
        out: Tensor = wrap(self.data)
        out._version = start_version(self)
        return out

    def retain_grad(self) -> None:
        """Have backward passes add to ``.grad`` of this tensor too, though it is computed; leaves do so anyway.

        Raises:
            GradientError: it does not require grad.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor(3.0, requires_grad=True)
            >>> y = x * x
            >>> y.retain_grad()
            >>> (y * 2).backward()
            >>> y.grad, x.grad
            (tensor(2.), tensor(12.))
        """
        if not self._requires_grad:
            raise GradientError(
                f"retain_grad() of a tensor that does not require grad{_named(self)}: it gets no gradient"
            )
        retain(self)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Have backward passes call ``hook(grad)`` with the whole gradient of this tensor, once per pass.

        It runs before the gradient goes on, or is added to ``.grad``, and in ``gd.gradients`` too. Hooks run in the
        order of registration, and ``retain_grad`` and ``gd.gradients`` give what they leave.

        Args:
            hook: returns None, or a gradient of the same shape and dtype to go on with. With `create_graph` its
                operations are differentiated as well.

        Returns:
            A handle; ``handle.remove()`` takes the hook away, and so does the end of ``with handle:``.

        Raises:
            GradientError: the tensor does not require grad.
            ShapeError, DTypeError: in backward, where the hook returns something else than such a gradient.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
            >>> handle = x.register_hook(lambda grad: grad.clip(-1, 1))
            >>> (x * 5).sum().backward()
            >>> x.grad
            tensor([1., 1.])
        """
        if not self._requires_grad:
            raise GradientError(
                f"register_hook() of a tensor that does not require grad{_named(self)}: it gets no gradient"
            )
        edge = self._node or self
        on_grad = attach(edge, id(self) if self._node is None else self._node.number).on_grad
        return Handle(on_grad.setdefault(self._port, Hooks()), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Have ``backward`` call ``hook(tensor)`` for this leaf after all ``.grad`` were added to; see `register_hook`.

        Raises:
            GradientError: the tensor is computed, or does not require grad.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
            >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad))
            >>> (x * 5).sum().backward()
            tensor([5., 5.])
        """
        if self._node is not None or not self._requires_grad:
            raise GradientError(
                f"register_post_accumulate_grad_hook() needs a leaf that requires grad{_named(self)}: "
                "register_hook serves computed tensors"
            )
        return Handle(attach(self, id(self)).on_grad_added, hook)

    def backward(self, gradient: Any = None, *, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradients of this tensor to ``.grad`` of every leaf it was computed from.

        Args:
            gradient: where to start from, of the shape of this tensor; 1 where this is a single number.
            retain_graph: keep saved values for another backward; as `create_graph` where not given.
            create_graph: make the gradients differentiable themselves. The leaves' ``.grad`` then refer to the graph,
                which refers to the leaves: set them to None when done, or use ``gd.gradients``, which makes no cycle.

        Raises:
            GradientError: it requires no grad, or is no scalar and `gradient` is not given.
            GraphReleasedError: an earlier backward released the graph.
            InPlaceError: a saved value was changed since.
            ShapeError: `gradient` has another shape.

        Example:
            >>> import grad_core as gd
            >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
            >>> (x * 3).backward(gradient=[1.0, 10.0])
            >>> x.grad
            tensor([ 3., 30.])
        """
        start = cotangent(self, gradient, "backward()", create_graph)
        keep = create_graph if retain_graph is None else retain_graph
        found = run([(self, start)], retain_graph=keep, create_graph=create_graph)
        for leaf, g in found:
            g = g if isinstance(g, Value) else wrap(g)
            if type(g._data) is Batched and type(leaf._data) is not Batched:
                raise GradientError(
                    f"backward() inside vmap: each of {g._data.whole.shape[0]} entries has a gradient of its own for "
                    f"one tensor of shape {leaf._data.shape}{_named(leaf)}: take it with gd.grad, which returns them "
                    "all"
                )
            leaf._grad = g if leaf._grad is None else leaf._grad + g
        for leaf, _ in found:
            extras = attached(leaf, id(leaf))
            for hook in list(extras.on_grad_added.values()) if extras is not None else ():
                hook(leaf)


def _rebuild(cls: type[Tensor], data: np.ndarray[Any, Any], requires_grad: bool, name: str | None) -> Tensor:
    out = cls.__new__(cls)
    Tensor.__init__(out, data, requires_grad=requires_grad, name=name)
    return out


def cotangent(x: Tensor, gradient: Any, caller: str, create_graph: bool) -> Any:
    """What a backward pass of `x` starts from: ones, or what was given; a Tensor only where its history matters."""
    if not x._requires_grad:
        raise GradientError(
            f"{caller} of a tensor that does not require grad{_named(x)}: nothing it was computed from has "
            "requires_grad=True, or it was computed under no_grad"
        )
    if gradient is None:
        if x._data.size != 1:
            raise GradientError(
                f"{caller} of a tensor of shape {x.shape} needs the gradient to start from: reduce it to one "
                "number first (.sum() or .mean()), or pass an array of its shape as gradient="
            )
        return np.ones(x.shape, x.dtype) if x.ndim else x.dtype.type(1)
    start: Any = array_like(gradient)
    if start.shape != x.shape:
        raise ShapeError(
            f"{caller}: the gradient to start from has shape {start.shape}, and the tensor {x.shape}: "
            "they must be equal"
        )
    start = start if start.dtype == x.dtype else start.astype(x.dtype)
    return start._data if isinstance(start, Value) and not create_graph else start


def _shared(x: Tensor) -> Any:
    """What another tensor holds to share memory with `x`: its array, made where it has only a number so far."""
    return x._data if type(x._data) is Batched else x.data


def _named(x: Value) -> str:
    return f" (name={x._name!r})" if x._name is not None else ""


_op.tensor_type = Tensor
