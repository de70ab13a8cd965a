"""Parameter and Buffer: tensors that a module counts as its own, to be trained or not."""

from typing import Any, Self

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, GradientError, ShapeError
from grad_core.extend import mark_changed

__all__ = ["Buffer", "Parameter"]


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


class Buffer(gd.Tensor):
    """A tensor that belongs to a module but is not trained, such as running statistics: see ``Module.buffers()``.

    ``+=``, ``-=``, ``*=``, ``/=``, ``//=``, ``%=`` and ``**=`` change it in place, as in PyTorch, so that
    ``self.count += 1`` leaves the module its buffer; other assignments to the attribute replace it.

    Args:
        data: an array, which is used without a copy, a tensor, whose memory is then shared, or numbers; of any dtype.
        persistent: whether it appears in ``state_dict()``; if not, it is made anew rather than saved.
        name: shown in messages and drawings.

    Attributes:
        persistent: the argument; settable.

    Raises:
        GradientError: ``requires_grad`` is set to True, or it is changed in place by something with a history.
        TypeError, ShapeError: it is changed in place by what would give another kind of numbers, or another shape.

    Example:
        >>> import grad_nn as nn
        >>> nn.Buffer([0, 1])
        Buffer([0, 1])
        >>> class Count(nn.Module):
        ...     def __init__(self):
        ...         self.calls = nn.Buffer(0)
        ...         self.last = nn.Buffer([0.0], persistent=False)
        >>> Count().state_dict()
        {'calls': array(0)}
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any, persistent: bool = True, *, name: str | None = None) -> None:
        super().__init__(data, name=name)
        self.persistent = persistent

    @property
    def requires_grad(self) -> bool:
        """False, always."""
        return False

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value:
            raise GradientError(
                "a Buffer is what a module keeps without training it, so it never requires grad: make it a Parameter"
            )

    def _take(self, result: gd.Tensor) -> Self:
        if result.requires_grad:
            raise GradientError(
                "a Buffer keeps numbers without their history, and was to be changed by a tensor that requires grad: "
                "use its .detach()"
            )
        if result.shape != self.shape:
            raise ShapeError(f"a Buffer of shape {self.shape} cannot become {result.shape} in place: assign a new one")
        np.copyto(self.data, result.data, casting="same_kind")
        mark_changed(self)
        return self

    def __iadd__(self, other: Any) -> Self:
        return self._take(self + other)

    def __isub__(self, other: Any) -> Self:
        return self._take(self - other)

    def __imul__(self, other: Any) -> Self:
        return self._take(self * other)

    def __itruediv__(self, other: Any) -> Self:
        return self._take(self / other)

    def __ifloordiv__(self, other: Any) -> Self:
        return self._take(self // other)

    def __imod__(self, other: Any) -> Self:
        return self._take(self % other)

    def __ipow__(self, other: Any) -> Self:
        return self._take(self**other)

    def __setstate__(self, persistent: bool) -> None:
        self.persistent = persistent

    def __reduce__(self) -> tuple[Any, ...]:
        return (*super().__reduce__(), self.persistent)

    def __repr__(self) -> str:
        fleeting = "" if self.persistent else ", persistent=False"
        return f"Buffer{super().__repr__().removeprefix('tensor')[:-1]}{fleeting})"
