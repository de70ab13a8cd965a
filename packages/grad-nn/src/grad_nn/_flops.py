"""How many multiplications with an addition an op does, from the shapes of what it was given and what it gave."""

import math
from collections.abc import Callable
from typing import Any

__all__ = ["multiply_adds"]

Shape = tuple[int, ...]


def _contract(shapes: list[Shape], out: Shape, params: dict[str, Any]) -> int:
    """Of einsum, tensordot and the like: one for each value of all labels together."""
    sizes = dict(zip((*params["left"], *params["right"]), (*shapes[0], *shapes[1]), strict=True))
    return math.prod(sizes.values())


def _recurrent(shapes: list[Shape], out: Shape, params: dict[str, Any]) -> int:
    """Steps and samples, times all weights; steps behind the end of a sequence are done as well."""
    x, _, w_ih, w_hh = shapes[:4]
    return x[0] * x[1] * (math.prod(w_ih) + math.prod(w_hh) + sum(math.prod(shape) for shape in shapes[8:]))


# by the name of the op; every other one does none, or few beside these
_RULES: dict[str, Callable[[list[Shape], Shape, dict[str, Any]], int]] = {
    "matmul": lambda shapes, out, params: math.prod(out) * shapes[0][-1],
    "linear": lambda shapes, out, params: math.prod(out) * shapes[0][-1],
    "contract": _contract,
    "conv": lambda shapes, out, params: math.prod(out) * math.prod(shapes[1][1:]),
    "conv_input": lambda shapes, out, params: math.prod(shapes[0]) * math.prod(shapes[1][1:]),
    # scores of all pairs, and their means of the values: the features of all heads twice
    "attention": lambda shapes, out, params: 2 * math.prod(out) * out[-2],
    "rnn": _recurrent,
    "lstm": _recurrent,
    "gru": _recurrent,
}


def multiply_adds(name: str, shapes: list[Shape], out: Shape, params: dict[str, Any]) -> int:
    """The count for one call of an op on arrays of these shapes; bias additions are not counted."""
    rule = _RULES.get(name)
    return 0 if rule is None else rule(shapes, out, params)
