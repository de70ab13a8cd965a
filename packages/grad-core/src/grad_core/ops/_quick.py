"""Second forms of rules, for plain arrays that are large: the same derivative in fewer passes over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grad_core._batched import Batched
from grad_core._blocks import LARGE
from grad_core._node import Value

__all__ = ["for_large_arrays"]

Rule = Callable[..., Any]
_ndarray = np.ndarray


def for_large_arrays(quick: Rule, *, broadcast: bool = False) -> Callable[[Rule], Rule]:
    """Decorate a rule with a quicker form, used where all arrays are plain, and `g` or the last input is large.

    ``quick(g, ans, *inputs, **params)`` may return NotImplemented to leave a case to the rule. Derivatives of higher
    order, recordings and tensors take the rule itself; a test holds both equal. With `broadcast`, the quick form is for
    inputs smaller than the result only.
    """

    def join(rule: Rule) -> Rule:
        def either(g: Any, *values: Any, **params: Any) -> Any:
            last = values[-1]
            if (type(g) is _ndarray and g.size >= LARGE) or (type(last) is _ndarray and last.size >= LARGE):
                plain = (
                    type(g) is not Batched
                    and not isinstance(g, Value)
                    and not any(isinstance(x, Value | Batched) for x in values)
                )
                grad = quick(g, *values, **params) if plain else NotImplemented
                if grad is not NotImplemented:
                    return grad
            return rule(g, *values, **params)

        either.declared = rule  # type: ignore[attr-defined]
        either.quick = quick  # type: ignore[attr-defined]
        either.exact = rule if broadcast else either  # type: ignore[attr-defined]
        return either

    return join
