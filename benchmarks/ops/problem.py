"""Single operations, forward and backward, in float32 on inputs as large as training has them.

A case names a function, its inputs and its options; each peer says how it calls the function. Everybody gets new inputs
and a new, uneven cotangent for each call, drawn outside the timed region.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from timing import steps

__all__ = ["CASES", "Case", "measure_with"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

FLOATS = ("normal", "positive", "near one")


LIMIT = 1.5
# what large arrays are held to where NumPy's loops cannot do better; docs/guides/speed.md gives the measured reasons
SLOWER = {
    **dict.fromkeys(("cumsum", "cumprod", "log_softmax"), 6.0),
    **dict.fromkeys(("silu", "softmax"), 4.0),
    **dict.fromkeys(("erf", "relu", "scatter_add", "sigmoid"), 3.5),
    **dict.fromkeys(("abs", "add", "logsumexp", "multiply"), 2.5),
}
SMALL = 1 << 14


class Input(NamedTuple):
    """One argument: float32 of a kind in FLOATS, which require a gradient; a "mask"; or "positions" below `limit`."""

    kind: str
    shape: Shape
    limit: int = 0

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)


class Case(NamedTuple):
    """One line of the table."""

    theme: str
    function: str
    inputs: tuple[Input, ...]
    options: dict[str, Any]
    limit: float  # of PyTorch's time

    @property
    def name(self) -> str:
        """What the table calls it."""
        words = [f"{key}={value!r}" for key, value in self.options.items()]
        shapes = [str(x.shape).replace(" ", "") for x in self.inputs]
        return " ".join([self.function, *shapes, *words])


def normal(*shape: int) -> Input:
    """An array of normal numbers."""
    return Input("normal", shape)


def positive(*shape: int) -> Input:
    """An array of numbers between 0.5 and 2."""
    return Input("positive", shape)


def near_one(*shape: int) -> Input:
    """An array of numbers between 0.99 and 1.01, whose products stay finite."""
    return Input("near one", shape)


def positions(limit: int, *shape: int) -> Input:
    """An array of integers from 0 to `limit` - 1."""
    return Input("positions", shape, limit)


def _cases() -> list[Case]:
    found: list[Case] = []

    def add(theme: str, function: str, *inputs: Input, **options: Any) -> None:
        limit = SLOWER.get(function, LIMIT) if inputs[0].size > SMALL or function == "erf" else LIMIT
        found.append(Case(theme, function, inputs, options, limit))

    for function in ("softmax", "log_softmax", "logsumexp"):
        for shape in ((64, 4, 64, 64), (256, 1000), (64, 10)):
            add("softmax", function, normal(*shape), axis=-1)
    for function in ("sum", "mean", "var", "std", "max", "min", "prod", "argmax"):
        kind = near_one if function == "prod" else normal
        for axis in (0, 1, 2, None):
            add("reductions", function, kind(64, 64, 128), axis=axis)
        for axis in (0, 1):
            add("reductions", function, kind(256, 1024), axis=axis)
        add("reductions", function, kind(100_000, 3), axis=1)
    for function in ("cumsum", "cumprod"):
        for axis in (0, 1):
            add("running", function, near_one(256, 1024), axis=axis)
    square = normal(256, 256)
    for subscripts, inputs in {
        "bhqd,bhkd->bhqk": (normal(16, 4, 64, 16), normal(16, 4, 64, 16)),
        "bhqk,bhkd->bhqd": (normal(16, 4, 64, 64), normal(16, 4, 64, 16)),
        "bij,bjk->bik": (normal(32, 64, 64), normal(32, 64, 64)),
        "ij,jk->ik": (square, square),
        "i,ij->j": (normal(512), normal(512, 512)),
        "ij,ij->i": (normal(512, 512), normal(512, 512)),
        "ij,jk,kl->il": (normal(64, 256), square, normal(256, 32)),
    }.items():
        add("einsum", "einsum", *inputs, subscripts=subscripts)
    for shape, other in (
        ((64, 784), (784, 128)),
        ((512, 512), (512, 512)),
        ((64, 10), (10, 10)),
        ((16, 64, 64), (64, 256)),
        ((64, 64, 16), (64, 16, 64)),
    ):
        add("products", "matmul", normal(*shape), normal(*other))
    add("indexing", "rows", normal(10_000, 64), positions(10_000, 4096))
    add("indexing", "rows", normal(64, 64), positions(64, 16, 64))
    add("indexing", "slice", normal(256, 1024))
    add("indexing", "columns", normal(64, 64, 64))
    add("indexing", "mask", normal(256, 1024), Input("mask", (256, 1024)))
    add("indexing", "take_along_axis", normal(256, 1000), positions(1000, 256, 64))
    add("indexing", "pairs", normal(256, 1000), positions(256, 256), positions(1000, 256))
    add("indexing", "pairs", normal(256, 1000), positions(256, 20_000), positions(1000, 20_000))
    add("indexing", "scatter_add", normal(10_000, 64), positions(10_000, 4096), normal(4096, 64))
    large = normal(256, 1024)
    add("moving", "where", large, large)
    add("moving", "concat", large, large)
    add("moving", "stack", large, large)
    add("moving", "split", large)
    add("moving", "unstack", normal(28, 64, 256))
    add("moving", "pad", normal(64, 8, 28, 28))
    add("moving", "transpose", normal(64, 64, 128))
    add("order", "sort", large)
    add("order", "topk", normal(256, 1000), k=5)
    for shape in ((64, 128), (256, 1024), (64, 64, 256)):
        for function in ("exp", "tanh", "sigmoid", "silu", "relu", "erf", "square", "abs"):
            add("elementwise", function, normal(*shape))
        for function in ("log", "sqrt"):
            add("elementwise", function, positive(*shape))
        add("elementwise", "power", positive(*shape), exponent=2.5)
        add("elementwise", "power", positive(*shape), exponent=3)
        for function in ("multiply", "divide", "maximum"):
            add("elementwise", function, normal(*shape), positive(*shape))
        for function in ("add", "multiply"):
            add("elementwise", function, normal(*shape), normal(shape[-1]))
        add("chains", "normalise", normal(*shape), normal(shape[-1]), normal(shape[-1]))
        add("chains", "gelu_by_tanh", normal(*shape))
    return found


CASES = {case.name: case for case in _cases()}
POOL = 1 << 22


class Pool:
    """Random numbers drawn once; what comes out are copies from changing places."""

    def __init__(self, seed: int) -> None:
        """Draw them."""
        self.rng = np.random.default_rng(seed)
        self.numbers = self.rng.standard_normal(POOL, np.float32)
        self.fractions = self.rng.random(POOL, np.float32)

    def draw(self, kind: str, shape: Shape, limit: int = 0) -> Array:
        """A new array."""
        size = int(np.prod(shape))
        source = self.numbers if kind == "normal" else self.fractions
        start = int(self.rng.integers(POOL - size))
        values = source[start : start + size].reshape(shape)
        if kind == "positive":
            return 0.5 + 1.5 * values
        if kind == "near one":
            return 0.99 + 0.02 * values
        if kind == "mask":
            return values < 0.5
        if kind == "positions":
            return (values * limit).astype(np.int64)
        return values.copy()


def measure_with(
    functions: Mapping[str, Callable[..., Any]],
    leaf: Callable[[Array], Any],
    constant: Callable[[Array], Any],
    seed: int,
    quick: bool,
) -> dict[str, Any]:
    """Time each case; the result of each is a number that its value and its gradients decide.

    `functions` take the inputs and the options; `leaf` makes the peer's tensor that requires a gradient, `constant` one
    that does not. A tensor has ``backward``, ``grad`` and ``shape``.
    """
    pool = Pool(seed)
    cases: dict[str, list[float]] = {}
    results: dict[str, float] = {}
    for name, case in CASES.items():
        function = functions[case.function]
        shape, options = None, case.options

        def inputs(case: Case = case) -> list[Any]:
            return [(leaf if x.kind in FLOATS else constant)(pool.draw(*x)) for x in case.inputs]

        given = inputs()
        value = function(*given, **options)
        shape = tuple(value.shape)
        if case.function == "argmax":
            results[name] = float(np.asarray(value.tolist()).mean())

            def step(_g: Any, *xs: Any, function: Any = function, options: Any = options) -> None:
                function(*xs, **options)
        else:
            value.backward(constant(pool.draw("normal", shape)))
            grads = [np.abs(np.asarray(x.grad.tolist())).mean() for x in given if getattr(x, "grad", None) is not None]
            results[name] = float(np.abs(np.asarray(value.tolist())).mean() + sum(grads))

            def step(g: Any, *xs: Any, function: Any = function, options: Any = options) -> None:
                function(*xs, **options).backward(g)

        def draw(shape: Shape = shape) -> list[Any]:
            return [constant(pool.draw("normal", shape)), *inputs()]

        cases[name] = steps(draw, step, 3, 8 if quick else 30)
    return {"cases": cases, "result": results}
