"""Modules that run others one after the other: Sequential and Residual."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, overload

import grad_core as gd
from grad_core.errors import ShapeError

from ._module import Module

__all__ = ["Residual", "Sequential"]

Layer = Callable[..., Any]


class Sequential(Module):
    """Layers one after the other, each given what the one before it returned.

    A layer is a module, or any function of one argument. Layers are named by their position: the parameters of the
    first are ``0.weight`` and so on, as in PyTorch; or they have the names of a dict, and are attributes of these
    names. When layers are inserted or deleted, those named by their position are numbered anew; in a slice too, where
    PyTorch keeps the old numbers.

    Args:
        layers: in the order of computation; none at all make the identity. Or one dict from name to layer, an
            OrderedDict or any other.

    Raises:
        TypeError: a layer cannot be called, or is a class instead of a module made from it.
        KeyError: a name of the dict has dots, is empty, or already means something in a Sequential.

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
        >>> named = nn.Sequential({"hidden": nn.Linear(2, 8), "act": nn.ReLU(), "out": nn.Linear(8, 1)})
        >>> named.hidden is named[0], [name for name, _ in named.named_parameters()]
        (True, ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias'])
    """

    _order: list[str]  # the names of the layers, which are attributes

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Empty, so that a derived class may leave out ``super().__init__()``."""
        self = super().__new__(cls)
        self._order = []
        return self

    def __init__(self, *layers: Layer | Mapping[str, Layer]) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            self._arrange([(self._checked_name(name), layer) for name, layer in layers[0].items()])
        else:
            self.extend(layers)  # type: ignore[arg-type]  # a Mapping among others is refused there

    def forward(self, x: Any) -> Any:
        """Each layer in turn."""
        layers = self.__dict__
        for name in self._order:
            x = layers[name](x)
        return x

    def append(self, layer: Layer) -> Self:
        """Add a layer at the end; returns the module itself."""
        return self.extend([layer])

    def extend(self, layers: Iterable[Layer]) -> Self:
        """Add layers at the end, all or, where one is none, nothing; returns the module itself."""
        self._arrange([*self._entries(), *((None, layer) for layer in layers)])
        return self

    def insert(self, index: int, layer: Layer) -> Self:
        """Put a layer in front of that at `index`; returns the module itself."""
        entries = self._entries()
        entries.insert(index, (None, layer))
        self._arrange(entries)
        return self

    def pop(self, index: int = -1) -> Layer:
        """Take a layer out and return it."""
        layer: Layer = self[index]
        del self[index]
        return layer

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Layer]:
        return iter([vars(self)[name] for name in self._order])

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...

    def __getitem__(self, index: int | slice) -> Any:
        """The layer at a position, or a Sequential of the layers in a slice; they are shared, not copied."""
        if isinstance(index, slice):
            part = Sequential()
            part._arrange(self._entries()[index])
            part.training = self.training
            return part
        return vars(self)[self._name_at(index)]

    def __setitem__(self, index: int, layer: Layer) -> None:
        name = self._name_at(index)
        setattr(self, name, _checked(layer, name, type(self).__name__))

    def __delitem__(self, index: int | slice) -> None:
        entries = self._entries()
        if not isinstance(index, slice):
            self._name_at(index)
        del entries[index]
        self._arrange(entries)

    def __add__(self, other: "Sequential") -> "Sequential":
        if not isinstance(other, Sequential):
            return NotImplemented
        both = Sequential()
        both._arrange([*self._entries(), *other._entries()])
        return both

    def __iadd__(self, other: Iterable[Layer]) -> Self:
        return self.extend(other)

    def _name_at(self, index: int) -> str:
        try:
            return self._order[index]
        except IndexError as error:
            raise IndexError(f"layer {index} of a {type(self).__name__} that has {len(self)}") from error

    def _entries(self) -> list[tuple[str | None, Layer]]:
        """Name and layer of each; None where the position is the name."""
        return [(None if name.isdigit() else name, vars(self)[name]) for name in self._order]

    def _arrange(self, entries: list[tuple[str | None, Layer]]) -> None:
        """Make these the layers."""
        names = [str(i) if name is None else name for i, (name, _) in enumerate(entries)]
        title = type(self).__name__
        layers = {name: _checked(layer, name, title) for name, (_, layer) in zip(names, entries, strict=True)}
        if len(layers) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise KeyError(f"{title}: two layers would have the name {twice!r}")
        for name in self._order:
            vars(self).pop(name, None)
        self._order = names
        vars(self).update(layers)

    def _checked_name(self, name: Any) -> str:
        title = type(self).__name__
        if not isinstance(name, str):
            raise TypeError(f"{title}: the name of a layer is a string, and {name!r} is a {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{title}: the name {name!r} is {'empty' if not name else 'a path'}: give one without dots")
        if hasattr(self, name):
            raise KeyError(f"{title} has an attribute {name!r} already: give the layer another name")
        return name

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        own = vars(self)
        yield from [(name, own[name]) for name in self._order if name in own]
        layers = set(self._order)
        yield from [(name, value) for name, value in own.items() if name not in layers]

    def _parts(self) -> Iterable[tuple[str, Any]]:
        layers = {id(layer) for layer in self}
        yield from zip(self._order, self, strict=True)
        yield from [(name, child) for name, child in self.named_children() if id(child) not in layers]


class Residual(Sequential):
    """x + f(x), where f are layers one after the other, as in Sequential.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016.

    Args:
        layers: as for Sequential; they return the shape that they are given.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> block = nn.Residual(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
        >>> block(gd.ones((5, 4))).shape
        (5, 4)
        >>> nn.Residual(lambda x: 2 * x)(gd.tensor([1.0, 2.0]))
        tensor([3., 6.])
    """

    def forward(self, x: Any) -> gd.Tensor:
        """Any shape, kept.

        Raises:
            ShapeError: the layers make another shape of it.
        """
        x = gd.asarray(x)
        y = super().forward(x)
        if y.shape != x.shape:
            raise ShapeError(
                f"Residual adds its input to what the layers return, so they must keep its shape: x has {x.shape}, and "
                f"they return {y.shape}"
            )
        out: gd.Tensor = x + y
        return out


def _checked(layer: Any, name: str, title: str) -> Layer:
    if isinstance(layer, type):
        raise TypeError(
            f"layer {name} of a {title} is the class {layer.__name__}: make a module of it, {layer.__name__}(...)"
        )
    if not callable(layer):
        kind = type(layer).__name__
        advice = f": unpack it, {title}(*layers)" if isinstance(layer, list | tuple) else ""
        raise TypeError(
            f"layer {name} of a {title} is a {kind}, which cannot be called: "
            f"a layer is a module or a function of one argument{advice}"
        )
    return layer  # type: ignore[no-any-return]  # mypy sees no signature in callable()
