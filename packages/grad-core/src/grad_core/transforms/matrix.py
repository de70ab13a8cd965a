"""Whole matrices of derivatives, and products with the second ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from grad_core._tensor import Tensor
from grad_core.errors import GradientError
from grad_core.ops.shape import stack

from ._containers import leaves_of, map_leaves
from ._trace import positions_of, trace
from .forward import linearize
from .reverse import grad, gradients, value_and_grad

__all__ = ["hessian", "hvp", "jacobian"]


def jacobian(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, mode: str = "reverse"
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `function`: every element of its value by every element of an argument.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns a tensor, or
            such a tree of them.
        argnums: the positional argument to differentiate by, or several.
        mode: "reverse", a backward pass for each element of the value, or "forward", a tangent for each element of the
            arguments. The results are the same; fewer passes are cheaper.

    Returns:
        A function with the same arguments. For a value of shape s and an argument of shape a, it gives a tensor of
        shape s + a. A tree as argument gives a tree of them in its form, a tree as value a tree of those, and several
        `argnums` a tuple. It can be differentiated again.

    Raises:
        ValueError: an unknown mode.
        DTypeError: an argument is not floating.
        GradientError: the function returns something else than tensors.

    Example:
        >>> import grad_core as gd
        >>> gd.jacobian(lambda x: x * x)(gd.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if mode not in ("reverse", "forward"):
        raise ValueError(f"jacobian: unknown mode {mode!r}: give 'reverse' or 'forward'")

    @wraps(function)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        positions = positions_of(argnums, len(args))
        blocks_of, value, inputs = (_by_rows if mode == "reverse" else _by_columns)(function, args, kwargs, positions)

        def of_output(y: Tensor) -> Any:
            trees = [map_leaves(lambda x: blocks_of(y, x), tree) for tree in inputs]
            return trees[0] if isinstance(argnums, int) else tuple(trees)

        return map_leaves(of_output, value)

    return matrix


Blocks = tuple[Callable[[Tensor, Tensor], Tensor], Any, list[Any]]


def _by_rows(function: Callable[..., Any], args: Any, kwargs: Any, positions: list[int]) -> Blocks:
    """One backward pass from each element of each output."""
    run = trace(function, args, kwargs, positions, False)
    passes: dict[int, list[dict[Tensor, Tensor | None]]] = {}
    for y in leaves_of(run.value):
        if not isinstance(y, Tensor):
            raise GradientError(f"jacobian needs a function that returns tensors, and this returned {type(y).__name__}")
        units = _units(y) if y.requires_grad else []
        passes[id(y)] = [
            gradients(y, run.leaves, gradient=unit, retain_graph=True, create_graph=run.nested) for unit in units
        ]

    def block(y: Tensor, x: Tensor) -> Tensor:
        rows = [_or_zeros(found[x], x) for found in passes[id(y)]]
        shape = y.shape + x.shape
        return stack(rows).reshape(shape) if rows else Tensor(np.zeros(shape, y.dtype))

    return block, run.value, run.inputs


def _by_columns(function: Callable[..., Any], args: Any, kwargs: Any, positions: list[int]) -> Blocks:
    """One tangent for each element of each input."""
    run, push = linearize(function, args, kwargs, positions, False)
    zeros = {x: np.zeros(x.shape, x.dtype) for x in run.leaves}
    passes = {x: [push([unit if z is x else zeros[z] for z in run.leaves]) for unit in _units(x)] for x in run.leaves}

    def block(y: Tensor, x: Tensor) -> Tensor:
        columns = [found[id(y)] for found in passes[x]]
        shape = y.shape + x.shape
        return stack(columns, axis=-1).reshape(shape) if columns else Tensor(np.zeros(shape, y.dtype))

    return block, run.value, run.inputs


def _units(x: Tensor) -> list[np.ndarray[Any, Any]]:
    """For each element an array of the shape of x with 1 there and 0 elsewhere."""
    return list(np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape))


def _or_zeros(g: Tensor | None, x: Tensor) -> Tensor:
    return Tensor(np.zeros(x.shape, x.dtype)) if g is None else g


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """A function that returns the Hessian of `function`: the second derivatives of a scalar by an argument.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns a scalar.
        argnums: the positional argument to differentiate by.

    Returns:
        A function with the same arguments. For an argument of shape a, it gives a tensor of shape a + a; for a tree a
        tree of trees.

    Raises:
        GradientError: the function does not return a scalar tensor.
        DTypeError: the argument is not floating.

    Example:
        >>> import grad_core as gd
        >>> gd.hessian(lambda x: x[0] * x[0] * x[1])(gd.tensor([1.0, 2.0]))
        tensor([[4., 2.],
                [2., 0.]])
    """
    return jacobian(grad(function, argnums), argnums)


def hvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a scalar function, and its Hessian times a direction, without the Hessian itself.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns a scalar.
        primals: its arguments, as a tuple or list.
        tangents: a direction in the form of each argument.

    Returns:
        ``(value, products)``, the products in the form of the arguments: a tuple with one for each.

    Raises:
        GradientError: the function does not return a scalar tensor, or the tangents are not in the form of the primals.
        ShapeError: a tangent has another shape than its primal.

    Example:
        >>> import grad_core as gd
        >>> gd.hvp(lambda x: x * x * x, (2.0,), (1.0,))
        (tensor(8.), (tensor(12.),))
    """
    both = value_and_grad(function, tuple(range(len(primals))))

    def gradient(*args: Any) -> tuple[Any, Any]:
        value, grads = both(*args)
        return grads, value

    run, push = linearize(gradient, primals, {}, range(len(primals)), True)
    found = push(list(tangents))
    return run.aux if run.nested else run.aux.detach(), map_leaves(lambda y: found[id(y)], run.value)
