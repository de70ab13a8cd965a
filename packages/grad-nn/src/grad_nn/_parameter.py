"""Parameter: a tensor that a module counts as its own."""

from typing import Any

import grad_core as gd
from grad_core.errors import DTypeError

__all__ = ["Parameter"]


class Parameter(gd.Tensor):
    """A tensor that is trained: as an attribute of a Module it appears in its ``parameters()`` and ``state_dict()``.

    Args:
        data: an array, which is used without a copy, a tensor, whose memory is then shared, or numbers.
        requires_grad: False freezes it.
        name: shown in messages and drawings.

    Raises:
        DTypeError: the data are not floats.

    Example:
        >>> import grad_nn as nn
        >>> nn.Parameter([1.0, 2.0])
        Parameter([1., 2.])
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, *, name: str | None = None) -> None:
        super().__init__(data, name=name)
        if self.dtype.kind != "f":
            raise DTypeError(
                f"a Parameter holds floats, and the data are {self.dtype}: "
                "convert them first, gd.tensor(data, dtype='float32')"
            )
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        frozen = "" if self.requires_grad else ", requires_grad=False"
        text = super().__repr__().removeprefix("tensor").replace(", requires_grad=True", "")
        return f"Parameter{text[:-1]}{frozen})".replace("\n", "\n   ")  # the word is longer by three
