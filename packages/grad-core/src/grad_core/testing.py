"""Checks for derivatives, for the tests of your own functions and ops; NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._tensor import Tensor
from .transforms.reverse import gradients

__all__ = ["check_grads", "numeric_gradient"]


def numeric_gradient(
    function: Callable[..., Any], inputs: Sequence[Any], which: int, gradient: Any, *, step: float = 1e-6
) -> np.ndarray[Any, Any]:
    """The gradient by central differences, (f(x + h) - f(x - h)) / 2h, one element at a time, in float64.

    Args:
        function: takes the inputs as tensors and returns a tensor.
        inputs: arrays.
        which: the input to differentiate by.
        gradient: the cotangent of the result, of its shape.
        step: h.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.testing import numeric_gradient
        >>> numeric_gradient(gd.square, [[1.0, 2.0]], 0, [1.0, 10.0]).round(6)
        array([ 2., 40.])
    """
    arrays = [_float64(x) for x in inputs]
    weights = np.asarray(gradient, np.float64)
    x = arrays[which]
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[i] += sign * step
            result = function(*[Tensor(moved if j == which else a) for j, a in enumerate(arrays)])
            ends.append(np.sum(result.detach().numpy() * weights))
        out[i] = (ends[0] - ends[1]) / (2 * step)
    return out


def check_grads(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    order: int = 2,
    tolerance: float = 1e-5,
    step: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the gradients of a function with central differences, in float64, to an order.

    The cotangents are random, not ones: with ones a wrong rule often gives the right sum.

    Args:
        function: takes tensors and returns one tensor.
        inputs: an array for each argument. Floating ones are differentiated; others are passed on.
        order: 1 for the gradient, 2 for the gradient of the gradient as well, and so on.
        tolerance: allowed difference, relative to the larger of 1 and the value.
        step: of the differences. Keep inputs further than this from kinks.
        seed: of the cotangents.

    Raises:
        AssertionError: a gradient of the wrong shape, dtype or value; the message says of which input and order.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.testing import check_grads
        >>> check_grads(lambda x, y: gd.tanh(x) * y, [[0.1, 0.2], [1.0, 3.0]])
    """
    rng = np.random.default_rng(seed)
    _check(function, [_float64(x) for x in inputs], order, tolerance, step, rng, 1)


def _float64(x: Any) -> np.ndarray[Any, Any]:
    array = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _check(
    function: Callable[..., Any],
    arrays: list[Any],
    order: int,
    tolerance: float,
    step: float,
    rng: np.random.Generator,
    level: int,
) -> None:
    tracked = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    tensors = [Tensor(a, requires_grad=i in tracked) for i, a in enumerate(arrays)]
    result = function(*tensors)
    weights = rng.normal(size=result.shape)
    if not result.requires_grad:
        analytic: dict[Any, Any] = {}
    else:
        analytic = gradients(result, [tensors[i] for i in tracked], gradient=weights)
    for i in tracked:
        g = analytic.get(tensors[i])
        value = np.zeros(arrays[i].shape) if g is None else g.numpy()
        where = f"gradient of order {level} by input {i} of shape {arrays[i].shape}"
        if value.shape != arrays[i].shape or value.dtype != np.float64:
            raise AssertionError(f"{where}: has shape {value.shape} and dtype {value.dtype}")
        numeric = numeric_gradient(function, arrays, i, weights, step=step)
        difference = np.abs(value - numeric) / np.maximum(1, np.abs(numeric))
        if not (difference <= tolerance).all():
            worst = np.unravel_index(
                np.nanargmax(difference) if not np.isnan(difference).all() else 0, difference.shape
            )
            raise AssertionError(
                f"{where}: at {tuple(map(int, worst))} it is {value[worst]}, central differences give "
                f"{numeric[worst]} (tolerance {tolerance})"
            )
    if order > 1:
        for i in tracked:
            _check(_gradient_function(function, i), [*arrays, weights], order - 1, tolerance, step, rng, level + 1)


def _gradient_function(function: Callable[..., Any], which: int) -> Callable[..., Any]:
    """The gradient by one input as a function of all inputs and the cotangent."""

    def gradient(*inputs: Any) -> Any:
        *tensors, weights = inputs
        tensors = [x if x.requires_grad or x.dtype.kind != "f" else x.detach().requires_grad_() for x in tensors]
        result = function(*tensors)
        if not result.requires_grad:
            return Tensor(np.zeros(tensors[which].shape))
        g = gradients(result, [tensors[which]], gradient=weights, create_graph=True)[tensors[which]]
        return Tensor(np.zeros(tensors[which].shape)) if g is None else g

    return gradient
