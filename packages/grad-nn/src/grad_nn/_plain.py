"""Layers without parameters that only pass on, reshape, or call a function."""

from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from ._module import Module

__all__ = ["Identity", "Lambda", "Unflatten"]


class Identity(Module):
    """x, as it is: for a place in a model that needs a layer, or to take one out of a pretrained one.

    Arguments of any kind are taken and have no effect, as in PyTorch.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Identity()(gd.tensor([1.0]))
        tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See the class."""

    def forward(self, x: Any) -> Any:
        """Anything, returned itself."""
        return x


class Lambda(Module):
    """A function as a module, with a name in the repr; ``Sequential`` takes functions as they are too.

    Args:
        function: of any arguments.
        name: for the repr; that of the function where not given.

    Raises:
        TypeError: it cannot be called.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Lambda(lambda x: x * 2, "double")(gd.tensor([1.0]))
        tensor([2.])
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        if not callable(function):
            raise TypeError(f"Lambda makes a module of a function, and a {type(function).__name__} cannot be called")
        self.function = function
        self.name = name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        return self.function(*args, **kwargs)

    def extra_repr(self) -> str:
        """The name."""
        return self.name or getattr(self.function, "__name__", None) or type(self.function).__name__

    def _parts(self) -> Any:
        return ()


class Unflatten(Module):
    """One axis cut into several: the opposite of Flatten.

    Args:
        dim: the axis.
        unflattened_size: the lengths that it is cut into; one may be -1, for whatever is left.

    Raises:
        TypeError: the lengths are no integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Unflatten(1, (28, 28))(gd.zeros((32, 784))).shape
        (32, 28, 28)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        if isinstance(unflattened_size, int | str) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(
                f"Unflatten: unflattened_size is a tuple of lengths like (28, 28), not {unflattened_size!r}"
            )
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, x: Any) -> gd.Tensor:
        """(..., n, ...) to (..., *unflattened_size, ...).

        Raises:
            ShapeError: `x` has no such axis, or the lengths do not make its length.
        """
        x = gd.asarray(x)
        if not -x.ndim <= self.dim < x.ndim:
            raise ShapeError(f"Unflatten: x has shape {x.shape}, which has no axis {self.dim}")
        axis = self.dim % x.ndim
        known = 1
        for n in self.unflattened_size:
            known *= n if n != -1 else 1
        free = self.unflattened_size.count(-1)
        length = x.shape[axis]
        if (
            free > 1
            or min(self.unflattened_size, default=0) < -1
            or (length != known if not free else known == 0 or length % known)
        ):
            raise ShapeError(
                f"Unflatten: axis {axis} of x {x.shape} has length {length}, which lengths {self.unflattened_size} "
                "do not make: their product must be it, and one may be -1"
            )
        sizes = tuple([length // known if n == -1 else n for n in self.unflattened_size])
        result: gd.Tensor = x.reshape((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))
        return result

    def extra_repr(self) -> str:
        """Both arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
