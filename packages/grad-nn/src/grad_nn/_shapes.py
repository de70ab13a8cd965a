"""Layers that compute nothing of their own: Identity, Lambda, Unflatten."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import grad_core as gd
from grad_core.errors import ShapeError

from ._module import Module

__all__ = ["Identity", "Lambda", "Unflatten"]


class Identity(Module):
    """What it is given, unchanged: it stands where a layer may be, and takes any arguments.

    Example:
        >>> import grad_nn as nn
        >>> nn.Identity(512, bias=False)(3)
        3
    """

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        """Anything."""
        return x


class Lambda(Module):
    """A function as a module, for where a module is needed; Sequential takes functions as they are.

    Args:
        function: what to compute; parameters inside it are not found, except in a module.
        name: shown in the repr; the function's own name where not given.

    Raises:
        TypeError: it cannot be called.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> double = nn.Lambda(lambda x: 2 * x, name="double")
        >>> double, double(gd.ones(2))
        (Lambda(double), tensor([2., 2.]))
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        if not callable(function):
            raise TypeError(f"Lambda takes a function, and {function!r:.100} is a {type(function).__name__}")
        self.function = function
        self.name = name or getattr(function, "__name__", None) or repr(function)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns for these arguments."""
        return self.function(*args, **kwargs)

    def extra_repr(self) -> str:
        """The name."""
        return self.name


class Unflatten(Module):
    """One axis made into several: the opposite of Flatten.

    Args:
        dim: the axis.
        unflattened_size: the lengths of the new axes; one of them may be -1, for what is left.

    Raises:
        TypeError: a length is no integer.
        ValueError: several lengths are -1, or one is below.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.Unflatten(1, (1, 28, 28))(gd.zeros((5, 784))).shape
        (5, 1, 28, 28)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        try:
            sizes = tuple([operator.index(size) for size in unflattened_size])
            self.dim = operator.index(dim)
        except TypeError as error:
            raise TypeError(
                f"Unflatten takes an axis and the lengths of the new axes, Unflatten(1, (2, 3)), not "
                f"{dim!r} and {unflattened_size!r}"
            ) from error
        if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
            raise ValueError(f"Unflatten: the lengths {sizes} must be 0 or more, and at most one of them -1")
        self.unflattened_size = sizes

    def forward(self, x: Any) -> gd.Tensor:
        """(..., a * b, ...) to (..., a, b, ...).

        Raises:
            ShapeError: `x` has no such axis, or its length is not the product of the new ones.
        """
        x = gd.asarray(x)
        dim, sizes = self.dim, self.unflattened_size
        if not -x.ndim <= dim < x.ndim:
            raise ShapeError(f"Unflatten: x of shape {x.shape} has no axis {dim}")
        dim %= x.ndim
        known = 1
        for size in sizes:
            known *= 1 if size == -1 else size
        length = x.shape[dim]
        if length != known and not (-1 in sizes and known and length % known == 0):
            raise ShapeError(f"Unflatten: axis {dim} of x, of shape {x.shape}, cannot become {sizes}")
        sizes = tuple([length // known if size == -1 and known else size for size in sizes])
        return gd.reshape(x, (*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))

    def extra_repr(self) -> str:
        """Both arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
