"""Module: a function with parameters. They are found by looking at its attributes, whenever somebody asks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError

from ._hooks import Hooked, call_with_hooks
from ._members import Members
from ._parameter import Buffer, Parameter
from ._state import load_state
from .errors import ForwardMissingError

__all__ = ["IncompatibleKeys", "Module"]

Array = np.ndarray[Any, Any]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` found missing in the state, and what in it had no place; both empty when it was strict.

    Example:
        >>> import grad_nn as nn
        >>> nn.Linear(1, 1).load_state_dict({"scale": [1.0]}, strict=False)
        IncompatibleKeys(missing_keys=['weight', 'bias'], unexpected_keys=['scale'])
    """

    missing_keys: list[str]
    """names of parameters and buffers that the state does not hold, which stay as they were"""
    unexpected_keys: list[str]
    """names in the state that the module does not have"""


class Module(Members, Hooked):
    """The base of layers and models: derive from it, assign parameters and modules to attributes, define ``forward``.

    There is no registration: parameters, buffers and modules are whatever is an attribute at the moment somebody asks,
    directly or in lists, tuples and dicts, in the order in which the attributes were first assigned. So
    ``super().__init__()`` may be left out, assigning again replaces, and a misspelt attribute is an ordinary
    AttributeError. What is reached on several ways counts once. Names join attributes, positions and keys with dots:
    ``layers.0.weight``. As in PyTorch, a module's parameters come first, then its buffers, then its modules'.

    Attributes:
        training: whether layers that behave differently in training, such as Dropout, do so; ``train`` and ``eval``
            set it.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         self.factor = nn.Parameter([2.0])
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> model = Scale()
        >>> model(gd.tensor([1.0, 3.0])).tolist()
        [2.0, 6.0]
        >>> dict(model.named_parameters())
        {'factor': Parameter([2.])}
    """

    training = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute ``forward`` with these arguments, and call the hooks that were registered."""
        if self._call_hooks is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, self._call_hooks, args, kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; each class defines its own.

        Raises:
            ForwardMissingError: the class does not.
        """
        name = type(self).__name__
        raise ForwardMissingError(
            f"{name} has no method 'forward': define `def forward(self, x): ...` in the class, "
            f"and calling the module will run it"
        )

    # What is done to all of it

    def apply(self, fn: Callable[["Module"], Any]) -> Self:
        """Call ``fn(module)`` for every module within, inner before outer, this one last; returns the module itself.

        Example:
            >>> import grad_nn as nn
            >>> def start(module):
            ...     if isinstance(module, nn.Linear):
            ...         nn.init.zeros_(module.bias)
            >>> model = nn.Sequential(nn.Linear(1, 2), nn.ReLU()).apply(start)
            >>> model[0].bias
            Parameter([0., 0.])
        """
        _apply(self, fn, set())
        return self

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` of this module and all within; returns the module itself.

        Raises:
            TypeError: `mode` is not True or False; training itself is a loop that you write.
        """
        if not isinstance(mode, bool):
            raise TypeError(
                f"train() switches between training and evaluation, so it takes True or False, not a "
                f"{type(mode).__name__}: the training itself is a loop over backward() and an optimizer's step()"
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all within to evaluation, ``train(False)``; returns the module itself."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` of every parameter, False to freeze them; returns the module itself."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient of every parameter: ``.grad`` becomes None, or zeros in the array that is there."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = gd.zeros(parameter.shape, dtype=parameter.dtype)

    def to(self, dtype: Any) -> Self:
        """Convert every parameter, with its gradient, and every floating buffer to a floating dtype; returns itself.

        The tensors stay the same objects, with new arrays. Buffers of integers and booleans stay as they are.

        Raises:
            DTypeError: the dtype is unknown or not floating.

        Example:
            >>> import grad_nn as nn
            >>> nn.Linear(2, 1).to("float64").weight.dtype
            dtype('float64')
        """
        wanted = gd.empty((), dtype=dtype).dtype
        if wanted.kind != "f":
            raise DTypeError(
                f"to(): parameters are floats, and {wanted} is not: give 'float16', 'float32' or 'float64'"
            )
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(wanted)
            parameter.grad = parameter.grad  # setting it converts it
        for buffer in self.buffers():
            if buffer.dtype.kind == "f":
                buffer.data = buffer.data.astype(wanted)
        return self

    def half(self) -> Self:
        """The same as ``to("float16")``."""
        return self.to("float16")

    def float(self) -> Self:
        """The same as ``to("float32")``."""
        return self.to("float32")

    def double(self) -> Self:
        """The same as ``to("float64")``."""
        return self.to("float64")

    # Its state

    def _named_states(self) -> list[tuple[str, Parameter | Buffer]]:
        return [
            (name, value)
            for name, value in self._walk(once=False)
            if isinstance(value, Parameter) or (isinstance(value, Buffer) and value.persistent)
        ]

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter and persistent buffer by its name, as plain arrays: later training leaves it alone.

        What is shared appears under each of its names, as in PyTorch.

        Example:
            >>> import grad_nn as nn
            >>> {name: array.shape for name, array in nn.Linear(3, 2).state_dict().items()}
            {'weight': (2, 3), 'bias': (2,)}
        """
        return {name: tensor.data.copy() for name, tensor in self._named_states()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values into parameters and persistent buffers: all of them, or, where something does not fit, none.

        The arrays stay the same objects and keep their dtype, so an optimizer goes on with them.

        Args:
            state: values by name: arrays, tensors of grad_core or PyTorch, or nested lists. A state dict of the same
                model built from ``torch.nn`` fits.
            strict: whether names must agree exactly. If not, names missing on either side are let pass and returned;
                shapes must fit all the same.

        Raises:
            StateDictError: names, shapes or dtypes do not fit; the message lists them all, and nothing was loaded.
            TypeError: `state` is not a dict.

        Example:
            >>> import grad_nn as nn
            >>> a, b = nn.Linear(3, 2), nn.Linear(3, 2)
            >>> b.load_state_dict(a.state_dict())
            IncompatibleKeys(missing_keys=[], unexpected_keys=[])
            >>> bool((a.weight == b.weight).all())
            True
        """
        return IncompatibleKeys(*load_state(type(self).__name__, self._named_states(), state, strict))

    # How it looks

    def extra_repr(self) -> str:
        """What stands in the parentheses of the repr, before the modules within; nothing, unless a class says so."""
        return ""

    def _parts(self) -> Iterable[tuple[str, Any]]:
        """What the repr lists line by line."""
        return self.named_children()

    def __repr__(self) -> str:
        return _describe(self, ())


def _apply(module: Module, fn: Callable[[Module], Any], seen: set[int]) -> None:
    seen.add(id(module))
    for child in module.children():
        if id(child) not in seen:
            _apply(child, fn, seen)
    fn(module)


def _describe(module: Module, outer: tuple[int, ...]) -> str:
    name = type(module).__name__
    if id(module) in outer:
        return f"{name}(...)"
    extra = module.extra_repr()
    lines = []
    for part, value in module._parts():
        if isinstance(value, Module):
            text = _describe(value, (*outer, id(module)))
        elif isinstance(value, gd.Tensor):
            text = f"{type(value).__name__} of shape {value.shape}, {value.dtype}"
        else:
            text = getattr(value, "__name__", None) or repr(value)
        lines.append(f"({part}): {text}".replace("\n", "\n  "))
    if not lines:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *([extra] if extra else []), *lines]) + "\n)"  # as PyTorch lays it out
