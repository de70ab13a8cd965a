"""Modules that hold others, or parameters, by name."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from ._lists import as_parameter, checked_module
from ._module import Module
from ._parameter import Buffer, Parameter

__all__ = ["ModuleDict", "ParameterDict"]

Items = Mapping[str, Any] | Iterable[tuple[str, Any]]


class _Named(Module):
    """What ModuleDict and ParameterDict share: a dict of checked items."""

    _items: dict[str, Any]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Empty: a class derived from it may leave out ``super().__init__()``."""
        self = super().__new__(cls)
        self._items = {}
        return self

    def __init__(self, items: Items = ()) -> None:
        self._items = {}
        self.update(items)

    def _checked(self, item: Any, key: str) -> Any:
        """The item as it is kept; a TypeError says why not."""
        raise NotImplementedError

    def update(self, items: Items) -> None:
        """Add items of a dict, or of pairs of name and item; what has the name already is replaced."""
        pairs = dict(items)
        self._items |= {self._key(key): self._checked(item, key) for key, item in pairs.items()}

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"a name in a {type(self).__name__} is a string, and {key!r} is a {type(key).__name__}")
        if not key or "." in key:
            why = "is a path" if key else "is empty"
            raise KeyError(f"the name {key!r} in a {type(self).__name__} {why}: give a name without dots")
        return key

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._items.keys()

    def values(self) -> ValuesView[Any]:
        """The items."""
        return self._items.values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and item."""
        return self._items.items()

    def get(self, key: str, default: Any = None) -> Any:
        """The item of a name, or `default` where there is none."""
        return self._items.get(key, default)

    def pop(self, key: str) -> Any:
        """Take an item out and return it.

        Raises:
            KeyError: there is none of this name.
        """
        item = self[key]
        del self[key]
        return item

    def clear(self) -> None:
        """Take all items out."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __getitem__(self, key: str) -> Any:
        if key not in self._items:
            raise KeyError(f"{type(self).__name__} has no {key!r}, but {', '.join(map(repr, self)) or 'nothing'}")
        return self._items[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._items[self._key(key)] = self._checked(item, key)

    def __delitem__(self, key: str) -> None:
        self[key]
        del self._items[key]

    def __ior__(self, items: Items) -> Self:
        self.update(items)
        return self

    def __or__(self, items: Items) -> Self:
        both = type(self)(self._items)
        both.training = self.training
        both.update(items)
        return both

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        yield from self._items.items()
        for name, value in super()._attributes():
            if name != "_items":
                yield name, value

    def _parts(self) -> Iterable[tuple[str, Any]]:
        yield from self._items.items()
        held = {id(item) for item in self._items.values()}
        for name, child in self.named_children():  # what a derived class has added
            if id(child) not in held:
                yield name, child


class ModuleDict(_Named):
    """Modules by name; a plain dict does as well.

    Args:
        modules: a dict, or pairs of name and module.

    Raises:
        TypeError: an item is no module, or a name no string.
        KeyError: a name is empty or has a dot.

    Example:
        >>> import grad_nn as nn
        >>> heads = nn.ModuleDict({"left": nn.Linear(2, 1), "right": nn.Linear(2, 1, bias=False)})
        >>> list(heads.state_dict())
        ['left.weight', 'left.bias', 'right.weight']
    """

    def __init__(self, modules: Items = ()) -> None:
        super().__init__(modules)

    def _checked(self, item: Any, key: str) -> Module:
        return checked_module(item, f"{key!r} of a {type(self).__name__}")


class ParameterDict(_Named):
    """Parameters by name; a plain dict does as well.

    Args:
        parameters: a dict, or pairs of name and value: parameters, buffers, or floats, arrays and tensors of them,
            which become parameters.

    Raises:
        DTypeError: a value is neither, and does not hold floats.
        TypeError: a name is no string.
        KeyError: a name is empty or has a dot.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> scales = nn.ParameterDict({"in": gd.ones(2), "out": gd.ones(1)})
        >>> [(name, p.shape) for name, p in scales.named_parameters()]
        [('in', (2,)), ('out', (1,))]
    """

    def __init__(self, parameters: Items = ()) -> None:
        super().__init__(parameters)

    def _checked(self, item: Any, key: str) -> Parameter | Buffer:
        return as_parameter(item)
