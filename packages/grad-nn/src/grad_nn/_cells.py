"""Cells: one step of a recurrent layer, for loops of one's own."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.random import Generator

from . import init
from ._module import Module
from ._parameter import Parameter
from ._recurrent_checks import check_size, checked_input, checked_states
from .functional._recurrent import OPS

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class _Cell(Module):
    """What the three cells share."""

    _rows = 1
    _states: tuple[str, ...] = ("h_0",)

    def __init__(self, input_size: int, hidden_size: int, bias: bool, dtype: Any, generator: Generator | None) -> None:
        layer = type(self).__name__
        self.input_size = check_size(input_size, "input_size", layer, 0)
        self.hidden_size = check_size(hidden_size, "hidden_size", layer, 1)
        self.bias = bool(bias)
        rows = self._rows * self.hidden_size
        self.weight_ih = Parameter(gd.empty((rows, self.input_size), dtype=dtype))
        self.weight_hh = Parameter(gd.empty((rows, self.hidden_size), dtype=dtype))
        self.bias_ih = Parameter(gd.empty((rows,), dtype=dtype)) if bias else None
        self.bias_hh = Parameter(gd.empty((rows,), dtype=dtype)) if bias else None
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, generator=generator)

    def _kind(self) -> str:
        return type(self).__name__.removesuffix("Cell")

    def _step(self, x: Any, hx: Any) -> tuple[gd.Tensor, ...]:
        """The states after a step: a sequence of length one."""
        layer = type(self).__name__
        x = checked_input(x, self.input_size, layer, {2: "(batch, input_size)", 1: "(input_size,) without a batch"})
        alone = x.ndim == 1
        batch = 1 if alone else x.shape[0]
        if hx is None:
            states: tuple[Any, ...] = (np.zeros((batch, self.hidden_size), x.dtype),) * len(self._states)
        else:
            count = len(self._states)
            shapes: list[tuple[int, ...]] = [(self.hidden_size,) if alone else (batch, self.hidden_size)] * count
            forms = ["(hidden_size,)" if alone else "(batch, hidden_size)"] * count
            states = checked_states(hx, self._states, shapes, forms, layer)
            states = tuple([state.reshape(batch, self.hidden_size) for state in states])
        biases: tuple[Any, ...] = (self.bias_ih, self.bias_hh)
        if self.bias_ih is None:
            biases = (np.zeros(len(self.weight_ih), self.weight_ih.dtype),) * 2
        result: Any = OPS[self._kind()](
            x.reshape(1, batch, self.input_size),
            np.ones(batch, int),
            self.weight_ih,
            self.weight_hh,
            *biases,
            *states,
            reverse=False,
        )
        return tuple([state.reshape(self.hidden_size) for state in result[1:]]) if alone else result[1:]

    def extra_repr(self) -> str:
        """The two sizes, and `bias` if it is False."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of ``RNN``: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu instead (Elman 1990).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight_ih: Parameter (hidden_size, input_size), uniform at first in ±1/sqrt(hidden_size) as all are.
        weight_hh: Parameter (hidden_size, hidden_size).
        bias_ih: Parameter (hidden_size,), or None; and bias_hh.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small, or the nonlinearity is unknown.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> cell = nn.RNNCell(3, 5)
        >>> h = None
        >>> for x in gd.ones((7, 4, 3)):
        ...     h = cell(x, h)
        >>> h.shape
        (4, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: unknown nonlinearity {nonlinearity!r}: give 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, dtype, generator)

    def _kind(self) -> str:
        return f"RNN_{self.nonlinearity.upper()}"

    def forward(self, x: Any, hx: Any = None) -> gd.Tensor:
        """The state after a step.

        Args:
            x: (batch, input_size), or (input_size,).
            hx: the state before, (batch, hidden_size), or (hidden_size,); zeros where not given.

        Raises:
            ShapeError: shapes do not fit.
            DTypeError: `x` holds no floats.
        """
        return self._step(x, hx)[0]

    def extra_repr(self) -> str:
        """The two sizes, and the arguments that differ from their defaults."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of ``LSTM``: states h and c to those after it (Hochreiter and Schmidhuber 1997), with its formula.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether there are biases.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight_ih: Parameter (4 * hidden_size, input_size), rows in the order i, f, g, o, uniform at first in
            ±1/sqrt(hidden_size) as all are.
        weight_hh: Parameter (4 * hidden_size, hidden_size).
        bias_ih: Parameter (4 * hidden_size,), or None; and bias_hh.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> h, c = nn.LSTMCell(3, 5)(gd.ones((4, 3)))
        >>> h.shape, c.shape
        ((4, 5), (4, 5))
    """

    _rows = 4
    _states = ("h_0", "c_0")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype, generator)

    def forward(self, x: Any, hx: Any = None) -> tuple[gd.Tensor, gd.Tensor]:
        """The states (h, c) after a step.

        Args:
            x: (batch, input_size), or (input_size,).
            hx: the pair of states before, each (batch, hidden_size), or (hidden_size,); zeros where not given.

        Raises:
            ShapeError: shapes do not fit.
            TypeError: `hx` is no pair.
            DTypeError: `x` holds no floats.
        """
        h, c = self._step(x, hx)
        return h, c


class GRUCell(_Cell):
    """One step of ``GRU``: the state h to that after it (Cho et al. 2014), with its formula.

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether there are biases.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        weight_ih: Parameter (3 * hidden_size, input_size), rows in the order r, z, n, uniform at first in
            ±1/sqrt(hidden_size) as all are.
        weight_hh: Parameter (3 * hidden_size, hidden_size).
        bias_ih: Parameter (3 * hidden_size,), or None; and bias_hh.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.GRUCell(3, 5)(gd.ones(3)).shape
        (5,)
    """

    _rows = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype, generator)

    def forward(self, x: Any, hx: Any = None) -> gd.Tensor:
        """The state after a step; arguments and errors as in ``RNNCell``."""
        return self._step(x, hx)[0]
