"""Whole matrices of derivatives, and products with the second ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from grad_core._tensor import Tensor
from grad_core.errors import GradientError
from grad_core.ops.shape import concat, moveaxis

from ._containers import leaves_of, map_leaves
from ._trace import cut, positions_of, trace
from .batch import vmap
from .forward import linearize
from .reverse import grad, gradients, value_and_grad

__all__ = ["hessian", "hvp", "jacobian"]


def jacobian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    mode: str = "reverse",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `function`: every element of its value by every element of an argument.

    Args:
        function: takes tensors, arrays, numbers, or nested lists, tuples and dicts of them, and returns a tensor, or
            such a tree of them.
        argnums: the positional argument to differentiate by, or several.
        mode: "reverse", a backward pass for each element of the value, or "forward", a tangent for each element of the
            arguments. The results are the same; fewer passes are cheaper.
        chunk_size: how many of these passes are done at once, as one batch (see ``vmap``): fewer need less memory.
            None: all of them.

    Returns:
        A function with the same arguments. For a value of shape s and an argument of shape a, it gives a tensor of
        shape s + a. A tree as argument gives a tree of them in its form, a tree as value a tree of those, and several
        `argnums` a tuple. It can be differentiated again.

    Raises:
        ValueError: an unknown mode, or a `chunk_size` that is not positive.
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
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"jacobian: chunk_size={chunk_size} passes at once: give 1 or more, or None for all")

    @wraps(function)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        positions = positions_of(argnums, len(args))
        blocks_of, value, inputs = (_by_rows if mode == "reverse" else _by_columns)(
            function, args, kwargs, positions, chunk_size
        )

        def of_output(y: Tensor) -> Any:
            trees = [map_leaves(lambda x: blocks_of(y, x), tree) for tree in inputs]
            return trees[0] if isinstance(argnums, int) else tuple(trees)

        return map_leaves(of_output, value)

    return matrix


Blocks = tuple[Callable[[Tensor, Tensor], Tensor], Any, list[Any]]


def _by_rows(function: Callable[..., Any], args: Any, kwargs: Any, positions: list[int], chunk: int | None) -> Blocks:
    """Backward passes from each element of each output, as a batch."""
    run = trace(function, args, kwargs, positions, False)
    rows: dict[int, dict[Tensor, Tensor]] = {}
    for y in leaves_of(run.value):
        if not isinstance(y, Tensor):
            raise GradientError(f"jacobian needs a function that returns tensors, and this returned {type(y).__name__}")
        if not y.requires_grad or not y.size:
            continue

        def pull(unit: Tensor, y: Tensor = y) -> list[Tensor]:
            found = gradients(y, run.leaves, gradient=unit, retain_graph=True, create_graph=run.nested)
            return [_or_zeros(found[x], x) for x in run.leaves]

        rows[id(y)] = dict(zip(run.leaves, _for_units(pull, y, chunk), strict=True))

    def block(y: Tensor, x: Tensor) -> Tensor:
        shape = y.shape + x.shape
        return rows[id(y)][x].reshape(shape) if id(y) in rows else Tensor(np.zeros(shape, y.dtype))

    return block, run.value, run.inputs


def _by_columns(
    function: Callable[..., Any], args: Any, kwargs: Any, positions: list[int], chunk: int | None
) -> Blocks:
    """Tangents for each element of each input, as a batch."""
    run, push = linearize(function, args, kwargs, positions, False)
    outputs = list(leaves_of(run.value))
    zeros = {x: np.zeros(x.shape, x.dtype) for x in run.leaves}
    columns: dict[Tensor, dict[int, Tensor]] = {}
    for x in run.leaves:
        if not x.size:
            continue

        def spread(unit: Tensor, x: Tensor = x) -> list[Tensor]:
            found = push([unit if z is x else zeros[z] for z in run.leaves])
            return [found[id(y)] for y in outputs]

        columns[x] = dict(zip(map(id, outputs), _for_units(spread, x, chunk), strict=True))

    def block(y: Tensor, x: Tensor) -> Tensor:
        shape = y.shape + x.shape
        if x not in columns:
            return Tensor(np.zeros(shape, y.dtype))
        return moveaxis(columns[x][id(y)], 0, -1).reshape(shape)

    return block, run.value, run.inputs


def _for_units(function: Callable[[Tensor], list[Tensor]], x: Tensor, chunk: int | None) -> list[Tensor]:
    """What `function` gives for each array of the shape of x that is 1 at one element, stacked."""
    units = np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)
    step = chunk or x.size
    parts: list[list[Tensor]] = [vmap(function)(units[i : i + step]) for i in range(0, x.size, step)]
    return parts[0] if len(parts) == 1 else [concat(of_one) for of_one in zip(*parts, strict=True)]


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
    return run.aux if run.nested else cut(run.aux), map_leaves(lambda y: found[id(y)], run.value)
