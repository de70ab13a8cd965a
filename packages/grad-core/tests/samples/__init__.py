"""What the generic battery runs: for each function a few calls, with the value that NumPy gives for them."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One call of a public function of grad_core on arrays.

    `pack` makes the arguments from the arrays where the function takes them otherwise than one by one. `join` makes
    one array of several results. Without `half` the function refuses float16.
    """

    function: str
    inputs: tuple[Any, ...]
    reference: Callable[..., Any]
    params: dict[str, Any] = field(default_factory=dict)
    pack: Callable[..., tuple[Any, ...]] | None = None
    join: Callable[[Any], Any] | None = None
    differentiable: bool = True
    half: bool = True
    note: str = ""

    @property
    def id(self) -> str:
        """For the test's name."""
        shapes = "-".join("x".join(map(str, np.shape(x))) or "scalar" for x in self.inputs)
        options = "-".join(f"{k}={v}" for k, v in self.params.items()).replace(" ", "")
        return "-".join(part for part in (self.function, shapes, options, self.note) if part)


def arrays(*shapes: tuple[int, ...], seed: int = 0, low: float = -2.0, high: float = 2.0) -> tuple[np.ndarray, ...]:
    """Random float64 arrays; no two elements are equal, and none is near 0."""
    rng = np.random.default_rng(seed)
    made = []
    for shape in shapes:
        x = rng.uniform(low, high, shape)
        made.append(np.where(np.abs(x) < 0.05, 0.3, x))
    return tuple(made)


THEMES = (
    "arrange",
    "conv",
    "assign",
    "elementwise",
    "fill",
    "find",
    "index",
    "linalg",
    "logic",
    "matrices",
    "norms",
    "pick",
    "pool",
    "products",
    "reduce",
    "rounding",
    "scan",
    "shape",
    "sort",
    "special",
    "triangle",
    "trigonometry",
)


def load() -> list[Sample]:
    """All samples of all themes."""
    return [s for theme in THEMES for s in importlib.import_module(f"{__name__}.{theme}").SAMPLES]
