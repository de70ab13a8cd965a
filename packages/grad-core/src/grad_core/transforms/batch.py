"""Batches: one op over a batch of inputs, and `vmap`, which runs a function for one entry on all of them at once.

Inside `vmap` a tensor has the shape of one entry, and holds a `Batched` with all entries. `apply` hands every op on
such tensors to `_compute`, which calls the op's rule for batches on the tensors of the level around. Those may be
tracked, or batched by a vmap further out, so gradients and batches nest in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from grad_core._batched import Batched
from grad_core._modes import batching
from grad_core._node import Value
from grad_core._op import Op, apply, wrap
from grad_core._tensor import Tensor
from grad_core.errors import GradientError, ShapeError
from grad_core.ops.shape import broadcast_to, moveaxis, stack

from ._containers import SHARED, leaves_of, map_leaves, spread_prefix

__all__ = ["push_batch", "vmap"]


def push_batch(
    op: Op, inputs: Sequence[Any], axes: Sequence[int | None], params: dict[str, Any] | None = None
) -> tuple[Any, int | None]:
    """One op applied to each entry of a batch, along an axis of some of its inputs.

    It is computed by the op's own rule for batches where it has one, else by a loop whose results are stacked.

    Args:
        op: any op.
        inputs: its arrays or tensors.
        axes: for each input the axis that counts the batch, or None where the input is the same for all entries.
        params: its keyword arguments, as for one entry.

    Returns:
        The results as one tensor, or a tuple of them for an op with several results, and the axis that counts the
        batch; None where the result is the same for all entries.

    Raises:
        ShapeError: no input has a batch axis, or their lengths differ.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import push_batch
        >>> result, axis = push_batch(gd.add, [gd.zeros((5, 2)), gd.ones(2)], [0, None])
        >>> result.shape, axis
        ((5, 2), 0)
    """
    options = params or {}
    values = [x if isinstance(x, Tensor) or _stays_a_number(op, x) else Tensor(x) for x in inputs]
    counts = {x.shape[axis] for x, axis in zip(values, axes, strict=True) if axis is not None}
    if len(counts) != 1:
        shapes = ", ".join(str(np.shape(x)) for x in values)
        raise ShapeError(
            f"{op.name}: batch axes {tuple(axes)} of shapes {shapes} need one length, and have {sorted(counts)}"
        )
    if op.batch is not None:
        batched: tuple[Any, int | None] = op.batch(tuple(values), tuple(axes), **options)
        return batched
    return _loop(op, values, axes, options, counts.pop()), 0


def _stays_a_number(op: Op, x: Any) -> bool:
    """Whether `x` takes the dtype of what stands beside it, as Python's numbers do and arrays do not."""
    return type(x) in (int, float, bool) and hasattr(op.batch, "takes_numbers")


def _loop(op: Op, values: Sequence[Any], axes: Sequence[int | None], options: dict[str, Any], count: int) -> Any:
    if count == 0:
        raise ShapeError(f"{op.name}: a batch without entries, and it has no rule for batches, which would give shapes")
    rows = [x if axis is None else moveaxis(x, axis, 0) for x, axis in zip(values, axes, strict=True)]
    entries: list[Any] = [
        apply(op, tuple([x if axis is None else x[i] for x, axis in zip(rows, axes, strict=True)]), options)
        for i in range(count)
    ]
    if isinstance(entries[0], tuple):
        return tuple([stack(of_one) for of_one in zip(*entries, strict=True)])
    return stack(entries)


def _compute(op: Op, inputs: tuple[Any, ...], arrays: list[Any], params: dict[str, Any]) -> Any:
    """The result of an op on batched inputs, batched: what `apply` calls instead of the forward."""
    level = max([a.level for a in arrays if type(a) is Batched])
    values: list[Any] = []
    axes: list[int | None] = []
    for x, array in zip(inputs, arrays, strict=True):
        if type(array) is Batched and array.level == level:
            values.append(array.whole)
            axes.append(0)
        else:
            values.append(x if isinstance(x, Value) or _stays_a_number(op, array) else wrap(array))
            axes.append(None)
    ans, axis = push_batch(op, values, axes, params)
    if isinstance(ans, tuple):
        return tuple([_batched(part, axis, level) for part in ans])
    return _batched(ans, axis, level)


def _batched(whole: Any, axis: int | None, level: int) -> Any:
    """A result for all entries in the form of one, its batch axis in front; one that all share stays as it is."""
    if axis is None:
        return whole._data
    whole = whole if isinstance(whole, Tensor) else Tensor(whole)
    return Batched(moveaxis(whole, axis, 0) if axis else whole, level)


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function that does for each entry of a batch what `function` does for one, without a loop over the entries.

    Within `function` tensors have the shape of one entry. Each op runs once, on all entries: by its own rule for
    batches, which every op of MLPs, convolutional networks and attention has; an op without one is looped over.
    ``vmap(grad(f))`` gives a gradient for each entry; any nesting with the other transforms works.

    Args:
        function: takes and returns tensors, or nested lists, tuples and dicts of them. What it reads from outside is
            shared by all entries.
        in_axes: which axis of the arguments counts the entries: one number for all; or a tuple with, for each
            positional argument, a number, None for an argument that all entries share, or a tree of them in the form
            of the argument or of its upper part. Keyword arguments are counted along axis 0.
        out_axes: at which axis the results count the entries: one number, or a tree of them in the form of the
            result or of its upper part; None for a result that is the same for all.

    Returns:
        A function with the same arguments, each with an axis more.

    Raises:
        ShapeError: the axes to count have different lengths, or are not there.
        GradientError: no argument is batched, or `in_axes` has not the form of the arguments, or a result with
            ``out_axes=None`` differs between entries.
        ConversionError: `function` asks for the value of a batched tensor, as ``if x > 0`` and ``x.item()`` do: choose
            with ``gd.where``.

    What NumPy or a Generator draws inside is drawn once, and all entries share it; to give each its own, draw before,
    and pass it as an argument.

    Example:
        >>> import grad_core as gd
        >>> rows, weights = gd.tensor([[1.0, 2.0], [3.0, 4.0]]), gd.tensor([1.0, 10.0])
        >>> gd.vmap(lambda row: (row * weights).sum())(rows)
        tensor([21., 43.])
        >>> loss = lambda weights, row: (row * weights).sum() ** 2
        >>> gd.vmap(gd.grad(loss), in_axes=(None, 0))(weights, rows)
        tensor([[ 42.,  84.],
                [258., 344.]])
    """

    @wraps(function)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, list | tuple):
            if len(in_axes) != len(args):
                raise GradientError(
                    f"vmap: in_axes={in_axes} is for {len(in_axes)} arguments, and the function was called with "
                    f"{len(args)} positional ones"
                )
            of_args = [spread_prefix(axes, x, "in_axes") for axes, x in zip(in_axes, args, strict=True)]
        else:
            of_args = [spread_prefix(in_axes, x, "in_axes") for x in args]
        axes = iter([*_flat(of_args), *[0 for _ in leaves_of(kwargs)]])
        wholes = [_whole(x, axis) for x, axis in zip(leaves_of([args, kwargs]), axes, strict=True)]
        counts = {whole.shape[0] for whole, batched in wholes if batched}
        if len(counts) != 1:
            found = ", ".join(f"{whole.shape[0]}" for whole, batched in wholes if batched)
            if not counts:
                raise GradientError("vmap: no argument has an axis to count entries by: in_axes names none")
            raise ShapeError(
                f"vmap: the axes that count the entries need one length, and have {found}: name others with "
                "in_axes, or None for an argument that all entries share"
            )
        count = counts.pop()
        with batching(_compute, count) as level:
            entries = iter([wrap(Batched(whole, level)) if batched else whole for whole, batched in wholes])
            result = function(
                *[map_leaves(lambda _: next(entries), x) for x in args],
                **{name: map_leaves(lambda _: next(entries), x) for name, x in kwargs.items()},
            )
        places = iter(_flat(spread_prefix(out_axes, result, "out_axes")))
        return map_leaves(lambda y: _unbatched(y, next(places), count, level), result)

    return mapped


def _flat(axes: Any) -> list[Any]:
    return [None if axis is SHARED else axis for axis in leaves_of(axes)]


def _whole(x: Any, axis: int | None) -> tuple[Any, bool]:
    """An argument with its batch axis in front, and whether it has one."""
    if axis is None:
        return x, False
    x = x if isinstance(x, Tensor) else Tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(
            f"vmap: an argument of shape {x.shape} has no axis {axis} to count entries by: give None in in_axes for "
            "one that all entries share"
        )
    return (moveaxis(x, axis, 0) if axis % x.ndim else x), True


def _unbatched(y: Any, axis: int | None, count: int, level: int) -> Any:
    """A result for all entries, as the caller of vmap sees it."""
    y = y if isinstance(y, Tensor) else Tensor(y)
    inside = type(y._data) is Batched and y._data.level == level
    if axis is None:
        if inside:
            raise GradientError(
                f"vmap: out_axes=None is for results that are the same for all entries, and this one, of shape "
                f"{y.shape}, may differ: give it an axis"
            )
        return y
    whole = y._data.whole if inside else broadcast_to(y, (count, *y.shape))
    if not -whole.ndim <= axis < whole.ndim:
        raise ShapeError(f"vmap: a result of shape {y.shape} cannot count entries at axis {axis}")
    return moveaxis(whole, 0, axis) if axis % whole.ndim else whole
