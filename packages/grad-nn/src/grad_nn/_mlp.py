"""MLP: fully connected layers with a nonlinearity between."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from grad_core.random import Generator

from ._activation import ReLU
from ._containers import Sequential
from ._dropout import Dropout
from ._linear import Linear

__all__ = ["MLP"]


class MLP(Sequential):
    """Linear, activation, Linear, activation, ..., Linear: a multilayer perceptron, as a Sequential.

    Args:
        in_features: length of the last axis of the input.
        hidden: how many features each hidden layer has: a list, empty for none, or a number for just one layer.
        out_features: length of the last axis of the output.
        activation: behind each hidden layer: a function or module, or a class of modules, of which each layer gets its
            own.
        output_activation: behind the last layer likewise; none where not given.
        bias: whether the linear layers have one.
        dropout: the probability of Dropout behind each activation; 0 for no such layers.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values, and what is dropped; the default Generator where not given.

    Raises:
        TypeError: a number of features is no integer, or an activation cannot be called.
        ValueError: one is negative, or `dropout` is no probability.

    Example:
        micrograd's ``MLP(3, [4, 4, 1])``, which has tanh behind the last layer too, and its ``Neuron(2)``:

        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.MLP(3, [4, 4], 1, activation=gd.tanh, output_activation=gd.tanh)
        MLP(
          (0): Linear(in_features=3, out_features=4, bias=True)
          (1): tanh
          (2): Linear(in_features=4, out_features=4, bias=True)
          (3): tanh
          (4): Linear(in_features=4, out_features=1, bias=True)
          (5): tanh
        )
        >>> neuron = nn.MLP(2, [], 1, output_activation=gd.tanh)
        >>> neuron(gd.ones(2)).shape
        (1,)
    """

    def __init__(
        self,
        in_features: int,
        hidden: int | Sequence[int],
        out_features: int,
        activation: Callable[..., Any] = ReLU,
        *,
        output_activation: Callable[..., Any] | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        widths = [in_features, *(hidden if isinstance(hidden, Sequence) else [hidden])]
        layers: list[Any] = []
        for before, after in itertools.pairwise(widths):
            layers += [Linear(before, after, bias, dtype=dtype, generator=generator), _made(activation)]
            if dropout:
                layers.append(Dropout(dropout, generator=generator))
        layers.append(Linear(widths[-1], out_features, bias, dtype=dtype, generator=generator))
        if output_activation is not None:
            layers.append(_made(output_activation))
        super().__init__(*layers)


def _made(activation: Callable[..., Any]) -> Any:
    return activation() if isinstance(activation, type) else activation
