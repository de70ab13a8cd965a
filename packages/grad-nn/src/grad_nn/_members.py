"""What an object is made of: parameters, buffers and modules, found among its attributes when somebody asks."""

import difflib
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import grad_core as gd

from ._parameter import Buffer, Parameter

if TYPE_CHECKING:
    from ._module import Module

__all__ = ["Members", "named_parameters", "parameters"]

T = TypeVar("T")


class Members:
    """The half of Module that knows what is within: parameters, buffers and modules, with their names.

    Names come as in PyTorch: the parameters of a module in the order in which they were first assigned, then its
    buffers, then what is in its modules, one after the other.
    """

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        """The names and values among which members are looked for; a container may name its own."""
        return vars(self).items()

    def _walk(self, once: bool) -> Iterator[tuple[str, "Parameter | Buffer | Members"]]:
        """Name and value of this module, whose name is empty, and of all that is within, outer before inner.

        What has several names comes once, or under each of its names.
        """
        seen: set[int] = set()
        waiting: list[tuple[str, Parameter | Buffer | Members, frozenset[int]]] = [("", self, frozenset())]
        while waiting:
            name, value, outer = waiting.pop()
            if id(value) in (seen if once else outer):  # known already, or within itself
                continue
            seen.add(id(value))
            yield name, value
            if isinstance(value, Members):
                path = outer if once else outer | {id(value)}
                inner = [(_joined(name, part), member, path) for part, member in members(value)]
                waiting += reversed(inner)

    # Parameters

    def _named(self, kind: type[T], prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, T]]:
        seen: set[int] = set()
        for name, value in self._walk(remove_duplicate) if recurse else members(self):
            if isinstance(value, kind) and not (remove_duplicate and id(value) in seen):
                seen.add(id(value))
                yield _joined(prefix, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Name and parameter, of this module and all within, each parameter once.

        Args:
            prefix: stands in front of each name, with a dot.
            recurse: False for this module's own parameters, without those of modules within.
            remove_duplicate: False for what is shared under each of its names.

        Example:
            >>> import grad_nn as nn
            >>> [(name, p.shape) for name, p in nn.Linear(3, 2).named_parameters()]
            [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._named(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and all within, or, without `recurse`, its own alone, each once.

        Example:
            >>> import grad_nn as nn
            >>> sum(p.size for p in nn.Linear(3, 2).parameters())
            8
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of this name, such as ``"layers.0.weight"``.

        Raises:
            AttributeError: there is none.
        """
        return self._get(target, Parameter, "parameter")  # type: ignore[no-any-return]  # of the kind that was asked for

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """The same as assigning a new attribute.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
            TypeError: `param` is no Parameter.
        """
        self._register(name, param, Parameter, "a Parameter: wrap the array, nn.Parameter(array)")

    # Buffers

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """Name and buffer, of this module and all within, each buffer once, persistent or not.

        The arguments are those of ``named_parameters``.

        Example:
            >>> import grad_nn as nn
            >>> model = nn.Module()
            >>> model.mean = nn.Buffer([0.0, 0.0])
            >>> dict(model.named_buffers())
            {'mean': Buffer([0., 0.])}
        """
        return self._named(Buffer, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """The buffers of this module and all within, or, without `recurse`, its own alone, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_buffer(self, target: str) -> Buffer:
        """The buffer of this name, such as ``"norm.running_mean"``.

        Raises:
            AttributeError: there is none.
        """
        return self._get(target, Buffer, "buffer")  # type: ignore[no-any-return]  # of the kind that was asked for

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """The same as assigning a new attribute, ``self.name = nn.Buffer(tensor, persistent)``; None stays None.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
        """
        value = None if tensor is None else Buffer(tensor, persistent)
        self._register(name, value, Buffer, "a Buffer")

    # Modules

    def named_modules(self, *, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, "Module"]]:
        """Name and module: this one, whose name is empty, and all within, each once, outer before inner.

        Args:
            prefix: stands in front of each name, with a dot.
            remove_duplicate: False for what is shared under each of its names.

        Example:
            >>> import grad_nn as nn
            >>> model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
            >>> [name for name, _ in model.named_modules()]
            ['', '0', '1', '1.0']
        """
        found: Iterator[Any] = self._named(Members, prefix, True, remove_duplicate)
        return found

    def modules(self) -> Iterator["Module"]:
        """This module and all within, each once, outer before inner."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Name and module for each module held by this one itself, each once.

        Example:
            >>> import grad_nn as nn
            >>> [name for name, _ in nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())).named_children()]
            ['0', '1']
        """
        seen = set()
        for name, value in members(self):
            if isinstance(value, Members) and id(value) not in seen:
                seen.add(id(value))
                yield name, value  # type: ignore[misc]  # as above

    def children(self) -> Iterator["Module"]:
        """The modules held by this one itself, each once."""
        for _, module in self.named_children():
            yield module

    def get_submodule(self, target: str) -> "Module":
        """The module of this name, such as ``"layers.0"``; the empty name is this one.

        Raises:
            AttributeError: there is none.

        Example:
            >>> import grad_nn as nn
            >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
            ReLU()
        """
        return self._get(target, Members, "module")  # type: ignore[no-any-return]  # as above

    def register_module(self, name: str, module: "Module | None") -> None:
        """The same as assigning a new attribute.

        Raises:
            KeyError: the name is taken, empty, or has a dot.
            TypeError: `module` is no Module.
        """
        self._register(name, module, Members, "a Module")

    def add_module(self, name: str, module: "Module | None") -> None:
        """The same as ``register_module``."""
        self.register_module(name, module)

    # Looking up and setting by name

    def _get(self, target: str, kind: type, what: str) -> Any:
        found = _find(self, target, kind)
        if found is None:
            names = [name for name, value in self._walk(once=False) if isinstance(value, kind)]
            close = difflib.get_close_matches(target, names, 1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise AttributeError(f"{type(self).__name__} has no {what} of the name {target!r}{hint}")
        return found

    def _register(self, name: str, value: Any, kind: type, wanted: str) -> None:
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name!r} would be a {type(value).__name__}, and must be {wanted}")
        if not isinstance(name, str):
            raise TypeError(f"a name is a string, and {name!r} is a {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"the name {name!r} is {'empty' if not name else 'a path'}: give a name without dots")
        if hasattr(self, name):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already: assign to it to replace it")
        setattr(self, name, value)


def _joined(name: str, part: str) -> str:
    return f"{name}.{part}" if name and part else name or part


def members(owner: Members) -> list[tuple[str, Parameter | Buffer | Members]]:
    """Name and value of each member that a module holds itself, in lists, tuples and dicts too: modules last."""
    found = [pair for name, value in owner._attributes() for pair in _look_into(str(name), value, ())]
    return sorted(found, key=_rank)


def _rank(pair: tuple[str, Any]) -> int:
    return 0 if isinstance(pair[1], Parameter) else 1 if isinstance(pair[1], Buffer) else 2


def _look_into(name: str, value: Any, path: tuple[int, ...]) -> Iterator[tuple[str, Parameter | Buffer | Members]]:
    if isinstance(value, Parameter | Buffer | Members):
        yield name, value
        return
    items = _items(value)
    if items and id(value) not in path:  # else the container holds itself
        for key, item in items:
            yield from _look_into(f"{name}.{key}", item, (*path, id(value)))


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    """Keys and values of a list, tuple or dict; nothing for anything else."""
    if isinstance(value, list | tuple):
        return enumerate(value)
    return value.items() if isinstance(value, dict) else ()


def _find(owner: Members, target: str, kind: type) -> Any:
    """The member of this name, or None; keys may have dots themselves."""
    if not target and isinstance(owner, kind):
        return owner
    for part, value in members(owner):
        if part == target and isinstance(value, kind):
            return value
        if isinstance(value, Members) and (not part or target.startswith(f"{part}.")):
            found = _find(value, target[len(part) + 1 :] if part else target, kind)
            if found is not None:
                return found
    return None


def named_parameters(obj: Any) -> Iterator[tuple[str, Parameter]]:
    """Name and parameter, for an object of any class: no base is needed, attributes are looked into.

    Looked into are its attributes, ``__slots__`` too, and the lists, tuples, dicts, modules and other objects in them.

    Args:
        obj: an object, a module, or a list, tuple or dict of them.

    Raises:
        TypeError: there is nothing to look into: a number, an array, a function, a class.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> class Neuron:
        ...     def __init__(self, n):
        ...         self.w = nn.Parameter(gd.zeros(n))
        ...         self.b = nn.Parameter(0.0)
        >>> [(name, p.shape) for name, p in nn.named_parameters([Neuron(2), Neuron(3)])]
        [('0.w', (2,)), ('0.b', ()), ('1.w', (3,)), ('1.b', ())]
    """
    if not isinstance(obj, Parameter | Members | list | tuple | dict) and not _is_plain(obj):
        raise TypeError(
            f"parameters are looked for in the attributes of an object, and {obj!r} is a {type(obj).__name__}: pass a "
            "module, an object of your own, or a list, tuple or dict of them"
        )
    return _named_parameters(obj)


def _named_parameters(obj: Any) -> Iterator[tuple[str, Parameter]]:
    seen: dict[int, Any] = {}  # the objects too: what is made for the question must not lose its id to another
    waiting: list[tuple[str, Any]] = [("", obj)]
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen:
            continue
        inner: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, Parameter):
            yield name, value
        elif isinstance(value, Members):
            inner = members(value)
        elif isinstance(value, list | tuple | dict):
            inner = _items(value)
        elif _is_plain(value):
            inner = _of_plain(value)
        else:
            continue
        seen[id(value)] = value
        waiting += reversed([(_joined(name, str(part)), item) for part, item in inner])


def parameters(obj: Any) -> Iterator[Parameter]:
    """The parameters of an object of any class, each once; see ``named_parameters``.

    Example:
        >>> import grad_nn as nn
        >>> class Scale:
        ...     def __init__(self):
        ...         self.factor = nn.Parameter([2.0])
        >>> list(nn.parameters(Scale()))
        [Parameter([2.])]
    """
    return (parameter for _, parameter in named_parameters(obj))


def _is_plain(value: Any) -> bool:
    """Whether it is an object of somebody's class, with attributes."""
    if isinstance(value, type | ModuleType | gd.Tensor) or type(value).__module__ in ("builtins", "numpy"):
        return False
    return hasattr(value, "__dict__") or hasattr(type(value), "__slots__")


def _of_plain(value: Any) -> list[tuple[str, Any]]:
    slots = [slot for cls in type(value).__mro__ for slot in _slots(cls)]
    return [*getattr(value, "__dict__", {}).items(), *((s, getattr(value, s)) for s in slots if hasattr(value, s))]


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple([slot for slot in slots if slot != "__dict__"])
