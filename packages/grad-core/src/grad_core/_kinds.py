"""Kinds of op that need less than a full rule, `elementwise` and `linear`, and the pair that undoes broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._op import Op, Rule, batch_elements
from ._sums import total

__all__ = ["broadcast_to", "elementwise", "explain_broadcast", "linear", "sum_to"]


def linear(
    transpose: Rule,
    *,
    batch: Rule | None = None,
    explain: Callable[..., str | None] | None = None,
    views: bool = False,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare a linear function of one array by its forward and its transpose, ``transpose(g, ans, x, **params)``.

    Its derivative is the function itself, so a tangent goes through the same op. Other arguments are those of ``op``.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import linear
        >>> @linear(lambda g, _ans, _x: mirror.on(g))
        ... def mirror(x):
        ...     return x[::-1]
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
        >>> mirror(x).backward([10.0, 20.0])
        >>> x.grad
        tensor([20., 10.])
    """

    def declare(forward: Callable[..., Any]) -> Op:
        made: Op

        def jvp(tangents: tuple[Any, ...], ans: Any, *inputs: Any, **params: Any) -> Any:
            return made.on(tangents[0], **params)

        made = Op(forward, (transpose,), kind="linear", jvp=jvp, batch=batch, explain=explain, views=views, name=name)
        return made

    return declare


def _leading(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The axes over which an array of `shape` is summed to get `wanted`, which broadcasts to it."""
    extra = len(shape) - len(wanted)
    # through a list: a tuple made of a generator is cut to size, and what is cut off fills Python's stock of tuples
    return tuple([i for i, n in enumerate(shape) if i < extra or (wanted[i - extra] == 1 and n != 1)])


def _batch_to_shape(made: Op) -> Rule:
    """Batching for the two ops whose parameter is the result's shape: the batch goes in front of both."""

    def batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, shape: tuple[int, ...]) -> tuple[Any, int]:
        x = np.moveaxis(inputs[0], axes[0] or 0, 0)
        count = x.shape[0]
        missing = len(shape) - (x.ndim - 1)
        if missing > 0:
            x = np.reshape(x, (count, *(1,) * missing, *x.shape[1:]))
        if missing < 0:  # sum_to of an array with more axes: sum those first, so that the batch axis stays in front
            x = np.sum(x, axis=tuple(range(1, 1 - missing)))
        return made.on(x, shape=(count, *shape)), 0

    return batch


def _spread_back(g: Any, _ans: Any, _x: Any, shape: tuple[int, ...]) -> Any:
    return broadcast_to.on(g, shape=_x.shape)


@linear(_spread_back)
def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which `shape` was broadcast to the shape of `x`: the transpose of ``broadcast_to``.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import sum_to
        >>> sum_to(gd.ones((2, 3)), shape=(3,))
        tensor([2., 2., 2.])
    """
    summed = total(x, _leading(x.shape, shape))
    if summed.shape == shape:
        return summed
    return np.asarray(summed).reshape(shape)  # the reshape of a NumPy scalar keeps some memory to itself


@linear(lambda g, _ans, _x, shape: sum_to.on(g, shape=_x.shape), views=True)
def broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """Repeat along new axes and axes of length 1 until the shape is `shape`, without a copy.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import broadcast_to
        >>> broadcast_to(gd.ones(2), shape=(2, 2))
        tensor([[1., 1.],
                [1., 1.]])
    """
    return np.broadcast_to(x, shape)


sum_to.batch = _batch_to_shape(sum_to)
broadcast_to.batch = _batch_to_shape(broadcast_to)


def elementwise(
    *partials: Rule | float | None, ufunc: np.ufunc | None = None, name: str | None = None
) -> Callable[[Callable[..., Any]], Op]:
    """Declare a function of each element by its forward and its partial derivatives, one per argument.

    Each partial is one of

    - ``partial(ans, *inputs, **params)``: the derivative itself;
    - ``product(g, ans, *inputs, **params)``: its product with `g`, where that is cheaper or safer than a factor, as a
      `where` that selects is;
    - a number, where the derivative is constant; or None, where there is none.

    Parameter names with a leading underscore mark what is not read.

    With `ufunc`, that NumPy function is the forward, and the decorated function carries only name and documentation.

    Broadcasting is undone for the user: where an input is smaller than the result, its gradient is summed.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> from grad_core.extend import elementwise
        >>> @elementwise(lambda ans, x, _y: np.cos(x), 1)
        ... def sine_plus(x, y):
        ...     return np.sin(x) + y
        >>> y = gd.tensor(1.0, requires_grad=True)
        >>> sine_plus(gd.zeros(3), y).sum().backward()
        >>> y.grad
        tensor(3.)
    """
    whole = tuple([None if partial is None else _product(partial) for partial in partials])
    exact = tuple([getattr(rule, "exact", rule) for rule in whole])
    rules = tuple([None if rule is None else _summed(rule, i) for i, rule in enumerate(whole)])

    def jvp(tangents: tuple[Any, ...], ans: Any, *inputs: Any, **params: Any) -> Any:
        # the derivative is a diagonal matrix, its own transpose: the rule carries tangents forward as it does
        # cotangents back
        terms = [
            rule(t, ans, *inputs, **params) for rule, t in zip(exact, tangents, strict=True) if rule and t is not None
        ]
        added = terms[0]
        for term in terms[1:]:
            added = added + term
        return added if np.shape(added) == np.shape(ans) else broadcast_to.on(added, shape=np.shape(ans))

    def declare(forward: Callable[..., Any]) -> Op:
        made = Op(
            forward,
            rules,
            kind="elementwise",
            exact=exact,
            jvp=jvp,
            explain=explain_broadcast,
            ufunc=ufunc,
            name=name,
        )
        made.batch = batch_elements(made)
        return made

    return declare


def _product(partial: Rule | float) -> Rule:
    """The rule ``(g, ans, *inputs) -> g * partial``; `declared` tells the planner which parameters it reads."""
    if not callable(partial):
        return _constant_rule(partial)
    code = partial.__code__
    if code.co_varnames[0] == "g":
        return partial

    def rule(g: Any, *values: Any, **params: Any) -> Any:
        return g * partial(*values, **params)

    rule.declared = partial  # type: ignore[attr-defined]
    return rule


def _constant_rule(factor: float) -> Rule:
    if factor == 1:
        return lambda g, _ans, *_inputs, **_params: g
    if factor == 0:
        return lambda g, _ans, *_inputs, **_params: np.zeros_like(g)
    if factor == -1:
        return lambda g, _ans, *_inputs, **_params: -g
    return lambda g, _ans, *_inputs, **_params: g * factor


def _summed(rule: Rule, position: int) -> Rule:
    """The same rule, with its result summed to the shape of the input at `position`."""

    def summed(g: Any, ans: Any, *inputs: Any, **params: Any) -> Any:
        grad = rule(g, ans, *inputs, **params)
        shape = inputs[position].shape
        return grad if grad.shape == shape else sum_to.on(grad, shape=shape)

    summed.declared = getattr(rule, "declared", rule)  # type: ignore[attr-defined]
    return summed


def explain_broadcast(*arrays: Any, **_params: Any) -> str | None:
    """Names the first axis, from the right, whose lengths do not go together."""
    shapes = [np.shape(a) for a in arrays]
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        lengths = [shape[-axis] for shape in shapes if len(shape) >= axis]
        differing = sorted({n for n in lengths if n != 1})
        if len(differing) > 1:
            listed = " and ".join(map(str, shapes))
            return (
                f"shapes {listed} do not broadcast: axis -{axis} has lengths {' and '.join(map(str, lengths))}. "
                "Lengths must be equal or 1; reshape one, or add an axis with expand_dims"
            )
    return None
