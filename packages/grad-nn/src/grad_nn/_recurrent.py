"""Recurrent layers: RNN, LSTM and GRU over whole sequences."""

import itertools
import math
import warnings
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from . import init
from ._module import Module
from ._parameter import Parameter
from ._recurrent_checks import check_size, checked_input, checked_lengths, checked_states
from .functional import dropout as drop
from .functional._checks import check_probability
from .functional._composed import projected_lstm
from .functional._recurrent import OPS

__all__ = ["GRU", "LSTM", "RNN"]


class _Recurrent(Module):
    """What the three layers share; a class says how many rows of weights a feature has, and which states there are."""

    _rows = 1
    _states: tuple[str, ...] = ("h_0",)
    proj_size = 0

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: Any,
        generator: Generator | None,
    ) -> None:
        layer = type(self).__name__
        self.input_size = check_size(input_size, "input_size", layer, 0)
        self.hidden_size = check_size(hidden_size, "hidden_size", layer, 1)
        self.num_layers = check_size(num_layers, "num_layers", layer, 1)
        self.bias = bool(bias)
        self.batch_first = bool(batch_first)
        self.dropout = check_probability(dropout, layer)
        self.bidirectional = bool(bidirectional)
        self.generator = generator
        if dropout and num_layers == 1:
            warnings.warn(
                f"{layer}: dropout={dropout} acts between layers, and with num_layers=1 there is nothing between: "
                "use more layers, or a Dropout behind this one",
                stacklevel=3,
            )
        rows = self._rows * self.hidden_size
        bound = 1 / math.sqrt(self.hidden_size)
        for k, suffix in self._suffixes():
            inputs = self.input_size if k == 0 else self._sizes()[0] * (1 + self.bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, self._sizes()[0])}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if self.proj_size:
                shapes["weight_hr"] = (self.proj_size, self.hidden_size)
            for name, shape in shapes.items():
                parameter = Parameter(gd.empty(shape, dtype=dtype))
                setattr(self, f"{name}{suffix}", init.uniform_(parameter, -bound, bound, generator=generator))

    def _suffixes(self) -> list[tuple[int, str]]:
        """For each layer and direction the number of the layer, and how the names of its parameters end."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [(k, f"_l{k}{which}") for k, which in itertools.product(range(self.num_layers), directions)]

    def _sizes(self) -> tuple[int, ...]:
        """The features of each kind of state; the first is also what a direction gives out."""
        return (self.proj_size or self.hidden_size, self.hidden_size)[: len(self._states)]

    def _compute(self) -> Any:
        """What goes over a sequence in one direction."""
        return OPS[type(self).__name__]

    def _run(self, x: Any, hx: Any, lengths: Any) -> tuple[gd.Tensor, tuple[gd.Tensor, ...]]:
        """The outputs of the last layer, and the last states of all, one array for each kind of state."""
        layer = type(self).__name__
        batched = "(batch, steps, input_size)" if self.batch_first else "(steps, batch, input_size)"
        x = checked_input(x, self.input_size, layer, {3: batched, 2: "(steps, input_size) without a batch"})
        alone = x.ndim == 2
        if alone:
            x = gd.expand_dims(x, 1)
        elif self.batch_first:
            x = x.swapaxes(0, 1)
        steps, batch, _ = x.shape
        if steps == 0:
            raise ShapeError(f"{layer}: x has no steps, so there is no last state: give sequences of one step or more")
        lengths = checked_lengths(lengths, steps, None if alone else batch, layer)
        suffixes = self._suffixes()
        sizes = self._sizes()
        if hx is None:
            starts: list[Any] = [[np.zeros((batch, size), x.dtype) for size in sizes]] * len(suffixes)
        else:
            shapes = [(len(suffixes), *(() if alone else (batch,)), size) for size in sizes]
            names = ("proj_size" if self.proj_size else "hidden_size", "hidden_size")
            count = f"num_layers{' * 2' if self.bidirectional else ''}, {'' if alone else 'batch, '}"
            forms = [f"({count}{name})" for name in names[: len(sizes)]]
            states = checked_states(hx, self._states, shapes, forms, layer)
            if alone:
                states = tuple([gd.expand_dims(state, 1) for state in states])
            starts = [[state[i] for state in states] for i in range(len(suffixes))]
        compute = self._compute()
        found: list[tuple[gd.Tensor, ...]] = []
        outputs: list[Any] = []
        directions = 1 + self.bidirectional
        for i, (_, suffix) in enumerate(suffixes):
            reverse = i % directions == 1
            if not reverse:
                x = _joined(outputs, -1) if outputs else x
                if outputs and self.dropout:
                    x = drop(x, self.dropout, self.training, generator=self.generator)
                outputs = []
            result: Any = compute(x, lengths, *self._weights(suffix), *starts[i], reverse=reverse)
            outputs.append(result[0])
            found.append(result[1:])
        output = _joined(outputs, -1)
        last = [
            gd.stack(of_one) if len(of_one) > 1 else gd.expand_dims(of_one[0]) for of_one in zip(*found, strict=True)
        ]
        if alone:
            return output.squeeze(1), tuple([state.squeeze(1) for state in last])
        return (output.swapaxes(0, 1) if self.batch_first else output), tuple(last)

    def _weights(self, suffix: str) -> list[Any]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if self.bias else ("weight_ih", "weight_hh")
        found = [getattr(self, name + suffix) for name in names]
        if not self.bias:
            found += [np.zeros(len(found[0]), found[0].dtype)] * 2
        return [*found, getattr(self, f"weight_hr{suffix}")] if self.proj_size else found

    def extra_repr(self) -> str:
        """The two sizes, and the arguments that differ from their defaults."""
        options = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        changed = [f"{name}={getattr(self, name)}" for name, usual in options.items() if getattr(self, name) != usual]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])


def _joined(outputs: list[Any], axis: int) -> Any:
    return outputs[0] if len(outputs) == 1 else gd.concat(outputs, axis)


class RNN(_Recurrent):
    """The network of Elman: from step to step h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu instead.

    Elman 1990, "Finding structure in time". Layers are stacked, each on the outputs of the one before; of two
    directions the outputs stand side by side. All steps of a layer in one direction are one operation. Weights and
    biases start uniform in ±1/sqrt(hidden_size), as in ``torch.nn.RNN``, and have its names.

    Args:
        input_size: features of each step.
        hidden_size: features of the state.
        num_layers: how many are stacked.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: whether x and the output are (batch, steps, ...) instead of (steps, batch, ...); states are not.
        dropout: in training, the probability with which each output of all layers but the last becomes 0.
        bidirectional: whether each layer goes over the sequence from its end as well.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values, and what is dropped; the default Generator where not given.

    Attributes:
        weight_ih_l0: Parameter (hidden_size, input_size) of the first layer, and so on: ``_l1`` and higher take
            hidden_size features, or twice that in two directions; ``_l0_reverse`` is the other direction.
        weight_hh_l0: Parameter (hidden_size, hidden_size).
        bias_ih_l0: Parameter (hidden_size,), if there are biases; and bias_hh_l0.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small, `dropout` is outside [0, 1], or the nonlinearity is unknown.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.RNN(3, 5, num_layers=2)
        >>> output, h_n = layer(gd.ones((7, 4, 3)))
        >>> output.shape, h_n.shape
        ((7, 4, 5), (2, 4, 5))
        >>> bool((output[-1] == h_n[-1]).all())
        True
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: unknown nonlinearity {nonlinearity!r}: give 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )

    def _compute(self) -> Any:
        return OPS[f"RNN_{self.nonlinearity.upper()}"]

    def forward(self, x: Any, hx: Any = None, *, lengths: Any = None) -> tuple[gd.Tensor, gd.Tensor]:
        """The outputs of the last layer at each step, and the last states of all.

        Args:
            x: (steps, batch, input_size), (batch, steps, input_size) with `batch_first`, or (steps, input_size).
            hx: the states before the first step, (num_layers * directions, batch, hidden_size), without the batch if
                `x` has none; zeros where not given.
            lengths: integers (batch,) in 1 to steps, how long each sequence is, for sequences filled up to a common
                length; one integer if `x` has no batch. What stands behind the end has no influence: outputs there are
                0, the last states are those at the end of each sequence, and the other direction starts there. It is
                what packing the sequences gives in PyTorch, in any order of lengths.

        Returns:
            The output (steps, batch, hidden_size * directions), laid out as `x`, and the last states, laid out as `hx`,
            in which the directions of a layer follow each other.

        Raises:
            ShapeError: shapes do not fit, or there are no steps.
            DTypeError: `x` holds no floats, or `lengths` no integers.
            IndexError: a length is out of range.
        """
        output, (h_n,) = self._run(x, hx, lengths)
        return output, h_n


class LSTM(_Recurrent):
    """Long short-term memory: a state h and a cell c, which gates write to, keep and read.

        i, f, o = sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), for the rows of each
        g = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), for its rows
        c_t = f c_{t-1} + i g
        h_t = o tanh(c_t), or W_hr (o tanh(c_t)) with `proj_size`

    Hochreiter and Schmidhuber 1997, "Long short-term memory", with the forget gate f of Gers et al. 2000, "Learning to
    forget"; the projection is that of Sak et al. 2014, "Long short-term memory based recurrent neural network
    architectures for large vocabulary speech recognition". Rows of the weights stand in the order i, f, g, o. Layers
    and directions are as in ``RNN``, names and first values as in ``torch.nn.LSTM``.

    Args:
        input_size: features of each step.
        hidden_size: features of the state, and of the cell.
        num_layers: how many are stacked.
        bias: whether there are biases.
        batch_first: whether x and the output are (batch, steps, ...) instead of (steps, batch, ...); states are not.
        dropout: in training, the probability with which each output of all layers but the last becomes 0.
        bidirectional: whether each layer goes over the sequence from its end as well.
        proj_size: features of the state h, and so of what each direction gives out, where they are fewer than those of
            the cell; 0 for as many. All steps of a direction are one operation without it, and several a step with it.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values, and what is dropped; the default Generator where not given.

    Attributes:
        weight_ih_l0: Parameter (4 * hidden_size, input_size) of the first layer, and so on: ``_l1`` and higher take
            hidden_size features, or twice that in two directions; ``_l0_reverse`` is the other direction.
        weight_hh_l0: Parameter (4 * hidden_size, hidden_size).
        bias_ih_l0: Parameter (4 * hidden_size,), if there are biases; and bias_hh_l0.
        weight_hr_l0: Parameter (proj_size, hidden_size), with `proj_size`; then that is also the number of features
            that weight_hh_l0 and higher layers take.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small, `dropout` is outside [0, 1], or `proj_size` is not less than `hidden_size`.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.LSTM(28, 64, batch_first=True, bidirectional=True)
        >>> output, (h_n, c_n) = layer(gd.ones((4, 7, 28)), lengths=[7, 3, 5, 1])
        >>> output.shape, h_n.shape, c_n.shape
        ((4, 7, 128), (2, 4, 64), (2, 4, 64))
        >>> float(abs(output[1, 3:]).max())
        0.0
    """

    _rows = 4
    _states = ("h_0", "c_0")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.proj_size = check_size(proj_size, "proj_size", "LSTM", 0)
        if proj_size >= check_size(hidden_size, "hidden_size", "LSTM", 1):
            raise ValueError(
                f"LSTM: proj_size={proj_size} must be less than hidden_size={hidden_size}, for the projection makes "
                "the state smaller than the cell: leave it out for states of the same size, or raise hidden_size"
            )
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )

    def _compute(self) -> Any:
        return projected_lstm if self.proj_size else super()._compute()

    def forward(self, x: Any, hx: Any = None, *, lengths: Any = None) -> tuple[gd.Tensor, tuple[gd.Tensor, gd.Tensor]]:
        """The outputs of the last layer at each step, and the last states and cells of all.

        Args:
            x: (steps, batch, input_size), (batch, steps, input_size) with `batch_first`, or (steps, input_size).
            hx: the pair of states and cells before the first step, each (num_layers * directions, batch, hidden_size),
                states with proj_size features where that is given, without the batch if `x` has none; zeros where not
                given.
            lengths: as for ``RNN``.

        Returns:
            The output (steps, batch, hidden_size * directions), laid out as `x`, or proj_size * directions; and the
            pair of last states and cells, laid out as in `hx`.

        Raises:
            ShapeError: shapes do not fit, or there are no steps.
            TypeError: `hx` is no pair.
            DTypeError: `x` holds no floats, or `lengths` no integers.
            IndexError: a length is out of range.
        """
        output, (h_n, c_n) = self._run(x, hx, lengths)
        return output, (h_n, c_n)


class GRU(_Recurrent):
    """Gated recurrent units: a state h, which is partly kept and partly replaced.

        r, z = sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), for the rows of each
        n = tanh(W_ih x_t + b_ih + r (W_hh h_{t-1} + b_hh)), for its rows
        h_t = (1 - z) n + z h_{t-1}

    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation"; as
    in ``torch.nn.GRU``, r acts behind the product with W_hh. Rows of the weights stand in the order r, z, n. Layers and
    directions are as in ``RNN``, names and first values as in PyTorch.

    Args:
        input_size: features of each step.
        hidden_size: features of the state.
        num_layers: how many are stacked.
        bias: whether there are biases.
        batch_first: whether x and the output are (batch, steps, ...) instead of (steps, batch, ...); states are not.
        dropout: in training, the probability with which each output of all layers but the last becomes 0.
        bidirectional: whether each layer goes over the sequence from its end as well.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values, and what is dropped; the default Generator where not given.

    Attributes:
        weight_ih_l0: Parameter (3 * hidden_size, input_size) of the first layer, and so on: ``_l1`` and higher take
            hidden_size features, or twice that in two directions; ``_l0_reverse`` is the other direction.
        weight_hh_l0: Parameter (3 * hidden_size, hidden_size).
        bias_ih_l0: Parameter (3 * hidden_size,), if there are biases; and bias_hh_l0.

    Raises:
        TypeError: a size is no integer.
        ValueError: it is too small, or `dropout` is outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.GRU(3, 5)
        >>> output, h_n = layer(gd.ones((7, 3)))
        >>> output.shape, h_n.shape
        ((7, 5), (1, 5))
    """

    _rows = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )

    def forward(self, x: Any, hx: Any = None, *, lengths: Any = None) -> tuple[gd.Tensor, gd.Tensor]:
        """The outputs of the last layer at each step, and the last states of all: all is as in ``RNN``."""
        output, (h_n,) = self._run(x, hx, lengths)
        return output, h_n
