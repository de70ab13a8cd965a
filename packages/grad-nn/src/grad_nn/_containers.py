"""Modules made of other modules."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, overload

from ._module import Module

__all__ = ["Sequential"]

Layer = Callable[..., Any]


class Sequential(Module):
    """Layers one after the other, each given what the one before it returned.

    A layer is a module, or any function of one argument. Layers are named by their position: the parameters of the
    first are ``0.weight`` and so on, as in PyTorch.

    Args:
        layers: in the order of computation; none at all make the identity.

    Raises:
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

    def __init__(self, *layers: Layer) -> None:
        self._layers = [_checked(layer, i) for i, layer in enumerate(layers)]

    def forward(self, x: Any) -> Any:
        """Each layer in turn."""
        for layer in self._layers:
            x = layer(x)
        return x

    def append(self, layer: Layer) -> Self:
        """Add a layer at the end; returns the module itself."""
        self._layers.append(_checked(layer, len(self._layers)))
        return self

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...

    def __getitem__(self, index: int | slice) -> Any:
        """The layer at a position, or a Sequential of the layers in a slice; they are shared, not copied."""
        if isinstance(index, slice):
            part = Sequential(*self._layers[index])
            part.training = self.training
            return part
        try:
            return self._layers[index]
        except IndexError as error:
            raise IndexError(f"layer {index} of a Sequential that has {len(self)}") from error

    def _attributes(self) -> Iterable[tuple[Any, Any]]:
        yield from enumerate(self._layers)
        for name, value in super()._attributes():
            if name != "_layers":
                yield name, value

    def _parts(self) -> Iterable[tuple[str, Any]]:
        for i, layer in enumerate(self._layers):
            yield str(i), layer
        layers = {id(layer) for layer in self._layers}
        for name, child in self.named_children():  # what a derived class has added
            if id(child) not in layers:
                yield name, child


def _checked(layer: Any, position: int) -> Layer:
    if isinstance(layer, type):
        raise TypeError(
            f"layer {position} of a Sequential is the class {layer.__name__}: "
            f"make a module of it, {layer.__name__}(...)"
        )
    if not callable(layer):
        kind = type(layer).__name__
        advice = ": unpack it, Sequential(*layers)" if isinstance(layer, list | tuple) else ""
        raise TypeError(
            f"layer {position} of a Sequential is a {kind}, which cannot be called: "
            f"a layer is a module or a function of one argument{advice}"
        )
    return layer  # type: ignore[no-any-return]  # mypy sees no signature in callable()
