"""MLP: linear layers with an activation between them."""

from collections.abc import Callable, Iterable
from typing import Any

from grad_core.random import Generator

from ._activation import ReLU
from ._containers import Sequential
from ._dropout import Dropout
from ._linear import Linear

__all__ = ["MLP"]


class MLP(Sequential):
    """A multilayer perceptron: Linear layers with an activation, and Dropout if wanted, after each but the last.

    It is a Sequential: layers are numbered, activations too, so that with ReLU and without Dropout parameters are
    ``0.weight``, ``0.bias``, ``2.weight`` and so on.

    Args:
        in_features: length of the last axis of the input.
        hidden: the number of features between the layers: a list, or one integer for one hidden layer. An empty list
            leaves a single Linear layer: ``MLP(3, [], 1)`` is a neuron without activation.
        out_features: length of the last axis of the output.
        activation: a class of modules, made anew for each place, such as ``nn.Tanh``; or a function or module, which
            all places share, such as ``gd.tanh``.
        bias: whether the Linear layers have one.
        dropout: the probability of dropping a hidden feature in training; 0 leaves Dropout out.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values and what is dropped; the default Generator where not given.

    Raises:
        TypeError: a number of features is no integer, or the activation cannot be called.
        ValueError: a number of features is negative, or `dropout` outside [0, 1].

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.MLP(784, [512, 256], 10, nn.GELU)
        >>> model(gd.zeros((5, 784))).shape
        (5, 10)
        >>> nn.MLP(2, 1, 1, gd.tanh)
        MLP(
          (0): Linear(in_features=2, out_features=1, bias=True)
          (1): tanh
          (2): Linear(in_features=1, out_features=1, bias=True)
        )
    """

    def __init__(
        self,
        in_features: int,
        hidden: int | Iterable[int],
        out_features: int,
        activation: Callable[..., Any] = ReLU,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        sizes = [in_features, *(hidden if isinstance(hidden, Iterable) else [hidden]), out_features]
        layers: list[Callable[..., Any]] = []
        for i, (before, after) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            if i:
                layers.append(activation() if isinstance(activation, type) else activation)
                if dropout:
                    layers.append(Dropout(dropout, generator=generator))
            layers.append(Linear(before, after, bias, dtype=dtype, generator=generator))
        super().__init__(*layers)
