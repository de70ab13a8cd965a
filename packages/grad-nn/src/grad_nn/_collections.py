"""Lists and dicts of modules and parameters, as modules; plain lists and dicts in attributes do as well."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

from ._module import Module
from ._parameter import Parameter
from .errors import ForwardMissingError

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList"]

T = TypeVar("T")


class _Collection(Module):
    """What lists and dicts share."""

    _items: Any

    def forward(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Not for calling.

        Raises:
            ForwardMissingError: always.
        """
        name = type(self).__name__
        raise ForwardMissingError(
            f"{name} has no method 'forward': it only holds its members, so use them one by one in the forward of your "
            "own module; layers that follow each other go into a Sequential"
        )

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        raise NotImplementedError

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        yield from self._pairs()
        yield from [(name, value) for name, value in vars(self).items() if name != "_items"]

    def _parts(self) -> Iterable[tuple[str, Any]]:
        held = [(str(key), value) for key, value in self._pairs()]
        ids = {id(value) for _, value in held}
        yield from held
        yield from [(name, child) for name, child in self.named_children() if id(child) not in ids]

    def __len__(self) -> int:
        return len(self._items)


class _List(_Collection, Generic[T]):
    _items: list[T]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Empty, so that a derived class may leave out ``super().__init__()``."""
        self = super().__new__(cls)
        self._items = []
        return self

    def __init__(self, items: Iterable[T] | None) -> None:
        self.extend(() if items is None else items)

    def _check(self, value: Any) -> T:
        raise NotImplementedError

    def append(self, value: T) -> Self:
        """Add at the end; returns the list itself."""
        self._items.append(self._check(value))
        return self

    def extend(self, values: Iterable[T]) -> Self:
        """Add at the end, all or, where one does not fit, nothing; returns the list itself."""
        if not isinstance(values, Iterable) or isinstance(values, Mapping | str):
            raise TypeError(f"{type(self).__name__} takes a list or the like, not a {type(values).__name__}")
        self._items += [self._check(value) for value in values]
        return self

    def insert(self, index: int, value: T) -> None:
        """Put in front of the one at `index`."""
        self._items.insert(index, self._check(value))

    def pop(self, index: int = -1) -> T:
        """Take one out and return it."""
        return self._items.pop(index)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        """The member at a position, or a list of those in a slice; they are shared, not copied."""
        return self._like(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            self._items[index] = [self._check(each) for each in value]
        else:
            self._items[index] = self._check(value)

    def __delitem__(self, index: int | slice) -> None:
        del self._items[index]

    def __contains__(self, value: Any) -> bool:
        return any(value is item for item in self._items)  # tensors do not answer == with a bool

    def __add__(self, other: Iterable[T]) -> Self:
        return self._like(self._items).extend(other)

    def __iadd__(self, other: Iterable[T]) -> Self:
        return self.extend(other)

    def _like(self, items: list[T]) -> Self:
        new = type(self).__new__(type(self))
        new._items = list(items)
        new.training = self.training
        return new

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return enumerate(self._items)


class _Dict(_Collection, Generic[T]):
    _items: dict[str, T]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Empty, so that a derived class may leave out ``super().__init__()``."""
        self = super().__new__(cls)
        self._items = {}
        return self

    def __init__(self, items: Mapping[str, T] | Iterable[tuple[str, T]] | None) -> None:
        self.update({} if items is None else items)

    def _check(self, value: Any) -> T:
        raise NotImplementedError

    def update(self, items: Mapping[str, T] | Iterable[tuple[str, T]]) -> None:
        """Set all of these, or, where one does not fit, none."""
        new = {}
        for key, value in dict(items).items():
            new[self._check_key(key)] = self._check(value)
        self._items.update(new)

    def keys(self) -> Iterable[str]:
        """The names, in order."""
        return self._items.keys()

    def values(self) -> Iterable[T]:
        """The members, in order."""
        return self._items.values()

    def items(self) -> Iterable[tuple[str, T]]:
        """Name and member, in order."""
        return self._items.items()

    def get(self, key: str, default: Any = None) -> Any:
        """The member of this name, or the default."""
        return self._items.get(key, default)

    def pop(self, key: str) -> T:
        """Take the one of this name out and return it."""
        return self._items.pop(key)

    def clear(self) -> None:
        """Take all out."""
        self._items.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __getitem__(self, key: str) -> T:
        try:
            return self._items[key]
        except KeyError as error:
            raise KeyError(f"{type(self).__name__} has no {key!r}; it has {', '.join(self._items) or 'none'}") from error

    def __setitem__(self, key: str, value: T) -> None:
        self._items[self._check_key(key)] = self._check(value)

    def __delitem__(self, key: str) -> None:
        self[key]
        del self._items[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._items

    def _check_key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"{type(self).__name__}: a name is a string, and {key!r} is a {type(key).__name__}")
        if not key or "." in key:
            raise KeyError(f"{type(self).__name__}: the name {key!r} is {'empty' if not key else 'a path'}: no dots")
        return key

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return self._items.items()


class ModuleList(_List[Module]):
    """A list of modules, as in PyTorch; a plain list in an attribute does the same.

    It has ``append``, ``extend``, ``insert``, ``pop``, ``+``, indexing and slicing as lists have. It cannot be called:
    layers that follow each other go into a Sequential.

    Args:
        modules: what is in it at first.

    Raises:
        TypeError: something is no module.

    Example:
        >>> import grad_nn as nn
        >>> heads = nn.ModuleList(nn.Linear(4, n) for n in (2, 3))
        >>> len(heads.append(nn.ReLU())), [name for name, _ in heads.named_parameters()]
        (3, ['0.weight', '0.bias', '1.weight', '1.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__(modules)

    def _check(self, value: Any) -> Module:
        return _module(value, "ModuleList")


class ModuleDict(_Dict[Module]):
    """A dict of modules by name, as in PyTorch; a plain dict in an attribute does the same.

    It has ``keys``, ``values``, ``items``, ``get``, ``update``, ``pop``, ``clear``, ``in`` and indexing as dicts have.

    Args:
        modules: a dict, or pairs of name and module.

    Raises:
        TypeError: something is no module, or a name no string.
        KeyError: a name is empty or has dots.

    Example:
        >>> import grad_nn as nn
        >>> acts = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        >>> acts["relu"], "gelu" in acts
        (ReLU(), False)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__(modules)

    def _check(self, value: Any) -> Module:
        return _module(value, "ModuleDict")


class ParameterList(_List[Parameter]):
    """A list of parameters, as in PyTorch; a plain list in an attribute does the same.

    It has what ModuleList has.

    Args:
        values: what is in it at first; arrays, tensors and numbers become parameters.

    Raises:
        DTypeError: something does not hold floats.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.ParameterList([nn.Parameter([1.0]), gd.zeros((2, 3))])
        ParameterList(
          (0): Parameter of shape (1,), float32
          (1): Parameter of shape (2, 3), float32
        )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__(values)

    def _check(self, value: Any) -> Parameter:
        return _parameter(value)


class ParameterDict(_Dict[Parameter]):
    """A dict of parameters by name, as in PyTorch; a plain dict in an attribute does the same.

    It has what ModuleDict has.

    Args:
        parameters: a dict, or pairs of name and value; arrays, tensors and numbers become parameters.

    Raises:
        DTypeError: something does not hold floats.
        TypeError: a name is no string.
        KeyError: a name is empty or has dots.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> found = nn.ParameterDict({"scale": gd.ones(2)})
        >>> found["scale"]
        Parameter([1., 1.])
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__(parameters)

    def _check(self, value: Any) -> Parameter:
        return _parameter(value)


def _module(value: Any, title: str) -> Module:
    if isinstance(value, Module):
        return value
    if isinstance(value, type):
        raise TypeError(f"{title} holds modules, and {value.__name__} is a class: make one of it, {value.__name__}(...)")
    hint = ": wrap it, nn.Lambda(function)" if callable(value) else ""
    raise TypeError(f"{title} holds modules, and {value!r:.100} is a {type(value).__name__}{hint}")


def _parameter(value: Any) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)
