"""Modules that hold others, or parameters, in a row, named by their position."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import grad_core as gd

from ._module import Module
from ._parameter import Buffer, Parameter

__all__ = ["ModuleList", "ParameterList", "Row"]


class Row(Module):
    """What ModuleList, ParameterList and Sequential share: a list of checked items."""

    _items: list[Any]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Empty: a class derived from it may leave out ``super().__init__()``."""
        self = super().__new__(cls)
        self._items = []
        return self

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = []
        self.extend(items)

    def _checked(self, item: Any, position: int) -> Any:
        """The item as it is kept; a TypeError says why not."""
        raise NotImplementedError

    def _alike(self, items: Iterable[Any]) -> Any:
        """A row of the same kind."""
        part = type(self)(items)
        part.training = self.training
        return part

    def append(self, item: Any) -> Self:
        """Add an item at the end; returns the module itself."""
        self._items.append(self._checked(item, len(self)))
        return self

    def extend(self, items: Iterable[Any]) -> Self:
        """Add items at the end, all of them or, after an error, none; returns the module itself."""
        if isinstance(items, dict | gd.Tensor) or not isinstance(items, Iterable):
            raise TypeError(f"{type(self).__name__} takes items in a list or the like, not a {type(items).__name__}")
        start = len(self)
        self._items += [self._checked(item, start + i) for i, item in enumerate(items)]
        return self

    def insert(self, index: int, item: Any) -> None:
        """Put an item before a position; those behind it count one more, and so do their names."""
        self._items.insert(index, self._checked(item, index))

    def pop(self, index: int = -1) -> Any:
        """Take an item out and return it.

        Raises:
            IndexError: there is none of this number.
        """
        item = self[index]
        del self[index]
        return item

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._items[::-1])

    def __contains__(self, item: Any) -> bool:
        return any(item is held for held in self._items)

    def __getitem__(self, index: int | slice) -> Any:
        """The item at a position, or a module of the items in a slice; they are shared, not copied."""
        if isinstance(index, slice):
            return self._alike(self._items[index])
        return self._items[self._position(index)]

    def __setitem__(self, index: int, item: Any) -> None:
        position = self._position(index)
        self._items[position] = self._checked(item, position)

    def __delitem__(self, index: int | slice) -> None:
        del self._items[index if isinstance(index, slice) else self._position(index)]

    def __iadd__(self, items: Iterable[Any]) -> Self:
        return self.extend(items)

    def __add__(self, items: Iterable[Any]) -> Self:
        return self._alike(self._items).extend(items)  # type: ignore[no-any-return]  # of the same class

    def _position(self, index: Any) -> int:
        try:
            position: int = range(len(self))[index]
        except IndexError as error:
            raise IndexError(f"{self._what} {index} of a {type(self).__name__} that has {len(self)}") from error
        return position

    _what = "item"

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        yield from enumerate(self._items)
        for name, value in super()._attributes():
            if name != "_items":
                yield name, value

    def _parts(self) -> Iterable[tuple[str, Any]]:
        for i, item in enumerate(self._items):
            yield str(i), item
        held = {id(item) for item in self._items}
        for name, child in self.named_children():  # what a derived class has added
            if id(child) not in held:
                yield name, child


class ModuleList(Row):
    """Modules in a list, for models that run them in a way of their own; a plain list does as well.

    Parameters within are named by position: ``0.weight``. It has no ``forward``; ``Sequential`` has.

    Args:
        modules: in their order.

    Raises:
        TypeError: an item is no module.

    Example:
        >>> import grad_nn as nn
        >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        >>> len(layers), len(layers[1:]), list(layers.state_dict())[:2]
        (3, 2, ['0.weight', '0.bias'])
    """

    _what = "module"

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__(modules)

    def _checked(self, item: Any, position: int) -> Module:
        return checked_module(item, f"item {position} of a {type(self).__name__}")


class ParameterList(Row):
    """Parameters in a list; a plain list does as well.

    Args:
        values: parameters, buffers, or floats, arrays and tensors of them, which become parameters.

    Raises:
        DTypeError: a value is neither, and does not hold floats.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> weights = nn.ParameterList([gd.zeros(2), gd.ones(3)])
        >>> [(name, p.shape) for name, p in weights.named_parameters()]
        [('0', (2,)), ('1', (3,))]
    """

    _what = "parameter"

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__(values)

    def _checked(self, item: Any, position: int) -> Parameter | Buffer:
        return as_parameter(item)


def checked_module(item: Any, what: str) -> Module:
    """The item, if it is a module."""
    if isinstance(item, Module):
        return item
    if isinstance(item, type):
        raise TypeError(f"{what} is the class {item.__name__}: make a module of it, {item.__name__}(...)")
    raise TypeError(f"{what} must be a module, and is a {type(item).__name__}: nn.Lambda makes one of a function")


def as_parameter(item: Any) -> Parameter | Buffer:
    """The item, if it is a parameter or buffer; else a parameter of its values."""
    return item if isinstance(item, Parameter | Buffer) else Parameter(item)
