"""Modules that compute with other modules: one after the other, or around."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from ._lists import Row
from ._module import Module

__all__ = ["Residual", "Sequential"]

Layer = Callable[..., Any]


class Sequential(Row):
    """Layers one after the other, each given what the one before it returned.

    A layer is a module, or any function of one argument. Layers are named by their position: the parameters of the
    first are ``0.weight`` and so on, as in PyTorch.

    Args:
        layers: in the order of computation; none at all make the identity. Or one dict from name to layer: the layers
            are attributes of these names then, and parameters are named by them.

    Raises:
        KeyError: a name in the dict is no string, has dots, or is that of a method.
        TypeError: a layer cannot be called, or is a class instead of a module made from it.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.Sequential(nn.Linear(2, 8), gd.tanh, nn.Linear(8, 1))
        >>> model
        Sequential(
          (0): Linear(in_features=2, out_features=8, bias=True)
          (1): tanh
          (2): Linear(in_features=8, out_features=1, bias=True)
        )
        >>> model(gd.zeros((5, 2))).shape
        (5, 1)
        >>> model[:2](gd.zeros((5, 2))).shape
        (5, 8)
    """

    _what = "layer"
    _names: list[str] | None = None  # of layers that are attributes; those without names are in a list

    def __init__(self, *layers: Layer | Mapping[str, Layer]) -> None:
        self._names = None
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            super().__init__()
            self._names = []
            for name, layer in layers[0].items():
                self._add(name, layer)
        else:
            super().__init__(layers)

    def forward(self, x: Any) -> Any:
        """Each layer in turn."""
        for layer in self._items if self._names is None else self:
            x = layer(x)
        return x

    def append(self, item: Layer) -> Self:
        """Add a layer at the end; returns the module itself."""
        if self._names is None:
            return super().append(item)
        self._add(str(len(self)), item)
        return self

    def extend(self, items: Iterable[Layer]) -> Self:
        """Add layers at the end; returns the module itself."""
        if self._names is None:
            return super().extend(items)
        for item in items:
            self.append(item)
        return self

    def insert(self, index: int, item: Layer) -> Self:  # type: ignore[override]  # as in PyTorch
        """Put a layer before a position, those behind it count one more; returns the module itself.

        Raises:
            ValueError: the layers have names.
        """
        if self._names is not None:
            raise ValueError(
                "insert: the layers of this Sequential have names: make a new one of a dict with all names"
            )
        super().insert(index, item)
        return self

    def __len__(self) -> int:
        return len(self._items) if self._names is None else len(self._names)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._items if self._names is None else [getattr(self, name) for name in self._names])

    def __reversed__(self) -> Iterator[Layer]:
        return reversed(list(self))

    def __contains__(self, item: Any) -> bool:
        return any(item is layer for layer in self)

    def __getitem__(self, index: int | slice) -> Any:
        """The layer at a position, or a Sequential of the layers in a slice; they are shared, not copied."""
        if self._names is None:
            return super().__getitem__(index)
        if isinstance(index, slice):
            return self._alike([{name: getattr(self, name) for name in self._names[index]}])
        return getattr(self, self._names[self._position(index)])

    def __setitem__(self, index: int, item: Layer) -> None:
        if self._names is None:
            super().__setitem__(index, item)
        else:
            position = self._position(index)
            setattr(self, self._names[position], _checked(item, position))

    def __delitem__(self, index: int | slice) -> None:
        if self._names is None:
            super().__delitem__(index)
            return
        gone = self._names[index] if isinstance(index, slice) else [self._names[self._position(index)]]
        for name in gone:
            delattr(self, name)
            self._names.remove(name)

    def __add__(self, items: Iterable[Layer]) -> "Sequential":
        return self[:].extend(items)  # type: ignore[no-any-return]  # a Sequential

    def _alike(self, items: Iterable[Any]) -> "Sequential":
        part = Sequential(*items)
        part.training = self.training
        return part

    def _checked(self, item: Any, position: int) -> Layer:
        return _checked(item, position)

    def _add(self, name: str, layer: Layer) -> None:
        """A layer with a name, as an attribute."""
        names = self._names if self._names is not None else []
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"layer {len(names)} of a Sequential has the name {name!r}: give a string without dots")
        if hasattr(self, name):
            raise KeyError(f"layer {len(names)} of a Sequential cannot be called {name!r}: it has such an attribute")
        setattr(self, name, _checked(layer, len(names)))
        names.append(name)

    def _parts(self) -> Iterable[tuple[str, Any]]:
        if self._names is None:
            yield from super()._parts()
            return
        for name in self._names:
            yield name, getattr(self, name)
        for name, child in self.named_children():  # what a derived class has added
            if name not in self._names:
                yield name, child


def _checked(layer: Any, position: int, of: str = "Sequential") -> Layer:
    if isinstance(layer, type):
        raise TypeError(
            f"layer {position} of a {of} is the class {layer.__name__}: make a module of it, {layer.__name__}(...)"
        )
    if not callable(layer):
        kind = type(layer).__name__
        advice = f": unpack it, {of}(*layers)" if isinstance(layer, list | tuple) else ""
        raise TypeError(
            f"layer {position} of a {of} is a {kind}, which cannot be called: "
            f"a layer is a module or a function of one argument{advice}"
        )
    return layer  # type: ignore[no-any-return]  # mypy sees no signature in callable()


class Residual(Module):
    """x + inner(x): the layers within learn what is to change.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016.

    Args:
        inner: a module, or a function of one argument; several are run one after the other.

    Attributes:
        inner: the module or function, or a Sequential of them.

    Raises:
        TypeError: one cannot be called, or is a class.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Residual(gd.relu)(gd.tensor([-1.0, 2.0])).tolist()
        [-1.0, 4.0]
        >>> list(nn.Residual(nn.LayerNorm(3), nn.Linear(3, 3, bias=False)).state_dict())
        ['inner.0.weight', 'inner.0.bias', 'inner.1.weight']
    """

    def __init__(self, *inner: Layer) -> None:
        self.inner = _checked(inner[0], 0, "Residual") if len(inner) == 1 else Sequential(*inner)

    def forward(self, x: Any) -> Any:
        """Any shape that `inner` keeps, or gives something that broadcasts with."""
        return x + self.inner(x)

    def _parts(self) -> Iterable[tuple[str, Any]]:
        return [("inner", self.inner)]
