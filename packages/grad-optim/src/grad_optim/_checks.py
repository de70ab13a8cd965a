"""What constructors accept: options by rule, and parameters that an optimizer can hold."""

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from grad_core import Tensor
from numpy.lib.array_utils import byte_bounds

__all__ = [
    "COUNT",
    "FLAG",
    "FRACTION",
    "FRACTIONS",
    "LR",
    "NOT_NEGATIVE",
    "NUMBER",
    "WHOLE",
    "Rule",
    "as_groups",
    "check_floating",
    "check_memory",
    "one_of",
    "read_parameters",
    "refuse_nonfinite",
]


class Rule(NamedTuple):
    """What an option must be: a test, and the words for it in the message."""

    holds: Callable[[Any], bool]
    expected: str


def _finite(value: Any) -> bool:
    return isinstance(value, Real) and value is not True and value is not False and math.isfinite(value)


def _fraction(value: Any) -> bool:
    return _finite(value) and 0 <= value < 1


NUMBER = Rule(_finite, "a finite number")
NOT_NEGATIVE = Rule(lambda value: _finite(value) and value >= 0, "a finite number of at least 0")
LR = Rule(NOT_NEGATIVE.holds, f"{NOT_NEGATIVE.expected}; to climb instead of descend, use maximize=True")
FRACTION = Rule(_fraction, "a number of at least 0 and less than 1")
FRACTIONS = Rule(
    lambda value: isinstance(value, list | tuple) and len(value) == 2 and all(map(_fraction, value)),
    "two numbers of at least 0 and less than 1, such as (0.9, 0.999)",
)
WHOLE = Rule(
    lambda value: isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 0),
    "a whole number of at least 0",
)
COUNT = Rule(lambda value: WHOLE.holds(value) and value > 0, "a whole number of at least 1")
FLAG = Rule(lambda value: isinstance(value, bool | np.bool_), "True or False")


def one_of(*choices: Any) -> Rule:
    """The rule of an option that is one of these."""
    return Rule(lambda value: value in choices, f"one of {', '.join(map(repr, choices))}")


def as_groups(params: Any, owner: str) -> list[Any]:
    """Parameters in any accepted form as a list of groups."""
    if isinstance(params, Tensor | Mapping | set | frozenset | str) or not isinstance(params, Iterable):
        return [{"params": params}]  # an error whose message `read_parameters` knows
    items = list(params)
    groups = sum(isinstance(item, dict) for item in items)
    if 0 < groups < len(items):
        raise TypeError(
            f"{owner}: {groups} of {len(items)} items of params are groups and the others are not: pass a list of "
            "dicts with 'params', or a list of tensors"
        )
    return items if groups else [{"params": items}]


def refuse_nonfinite(groups: list[dict[str, Any]], owner: str) -> None:
    """Raise a RuntimeError that names every parameter whose gradient has a NaN or an infinite number."""
    found = []
    for i, group in enumerate(groups):
        names = group.get("param_names")
        for k, p in enumerate(group["params"]):
            if p.grad is None:
                continue
            bad = p.size - int(np.count_nonzero(np.isfinite(p.grad.data)))
            if bad:
                label = repr(names[k] if names else k if p.name is None else p.name)
                found.append(f"\n  - group {i}, parameter {label} of shape {p.shape}: {bad} of {p.size} numbers")
    if found:
        raise RuntimeError(
            f"{owner}: gradients are not finite, and nothing was changed:{''.join(found)}\n"
            "The loss has overflowed: lower lr, or clip gradients; grad_core.detect_anomaly() finds the operation."
        )


def read_parameters(params: Any, owner: str, taken: Mapping[int, str]) -> tuple[list[Tensor], list[str] | None]:
    """The tensors of one group, and their names where (name, tensor) pairs were given.

    Args:
        params: an iterable of leaf tensors of floating dtype, or of (name, tensor) pairs.
        owner: the optimizer and group, as messages call them.
        taken: ids of the tensors of other groups, with what messages call them.

    Raises:
        TypeError, ValueError: something that cannot be a parameter here.
    """
    remedy = "pass model.parameters(), or a list of tensors"
    if isinstance(params, Tensor):
        raise TypeError(f"{owner}: params is a single tensor of shape {params.shape}: put it into a list, [tensor]")
    if isinstance(params, Mapping):
        raise TypeError(f"{owner}: params is a {type(params).__name__}: {remedy}, or the items() of the dict")
    if isinstance(params, set | frozenset):
        raise TypeError(f"{owner}: params is a set, whose order is not the same in every run: use a list")
    if isinstance(params, str) or not isinstance(params, Iterable):
        raise TypeError(f"{owner}: params is a {type(params).__name__}, which holds no tensors: {remedy}")
    tensors: list[Tensor] = []
    names: list[str] = []
    seen = dict(taken)
    for i, item in enumerate(params):
        named = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
        p = item[1] if named else item
        label = f"parameter {item[0]!r}" if named else f"parameter {i}"
        if not isinstance(p, Tensor):
            raise TypeError(f"{owner}: {label} is a {type(p).__name__} and not a Tensor: {remedy}")
        if not named and p.name is not None:
            label += f" ({p.name!r})"
        if not p.is_leaf:
            raise ValueError(
                f"{owner}: {label} of shape {p.shape} was computed ({p.grad_fn!r}), and only leaves can be optimized: "
                "pass the tensors it was computed from, or x.detach().requires_grad_() made before it is used"
            )
        if p.dtype.kind != "f":
            raise TypeError(
                f"{owner}: {label} has dtype {p.dtype}, and only floating dtypes can be optimized: "
                "make it with dtype='float32'"
            )
        if id(p) in seen:
            raise ValueError(
                f"{owner}: {label} of shape {p.shape} is {seen[id(p)]} and would be updated twice: pass it once"
            )
        seen[id(p)] = f"the same tensor as {label}"
        tensors.append(p)
        if named:
            names.append(item[0])
    if not tensors:
        raise ValueError(
            f"{owner} got an empty list of parameters: the module has none, or the iterator was used up before "
            "(call model.parameters() anew for each optimizer)"
        )
    if names and len(names) != len(tensors):
        raise ValueError(
            f"{owner}: {len(names)} of {len(tensors)} parameters have names: pass all as (name, tensor), or none"
        )
    return tensors, names or None


def check_floating(p: Tensor, owner: str) -> None:
    """Refuse a parameter whose dtype was changed to one that cannot be optimized."""
    if p.dtype.kind != "f":
        raise TypeError(
            f"{owner}: a parameter of shape {p.shape} has become {p.dtype}, and only floating dtypes can be optimized: "
            "convert it back, or make a new optimizer without it"
        )


def check_memory(params: list[Tensor], owner: str) -> None:
    """Refuse different tensors on the same memory: they get memory of their own, so the tie between them would be lost.

    Raises:
        ValueError: two of them overlap.
    """
    spans = sorted((*byte_bounds(p.data), i) for i, p in enumerate(params) if p.size)
    reaching: list[tuple[int, int]] = []  # (end, which) of the arrays before that reach beyond the start of this one
    for low, high, i in spans:
        reaching = [(end, j) for end, j in reaching if end > low]
        for _, j in reaching:
            if np.shares_memory(params[i].data, params[j].data):
                first, second = sorted((i, j))
                raise ValueError(
                    f"{owner}: parameters {first} and {second} are different tensors that share memory, "
                    "and the optimizer would part them: use one tensor in both places, and views of it, such as w.mT, "
                    "where they are needed"
                )
        reaching.append((high, i))
