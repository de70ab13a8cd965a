"""What a model is made of, and what one forward pass through it takes, as a table."""

import html
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import grad_core as gd
import numpy as np
from grad_core.random import Generator

from ._module import Module
from ._multiply_adds import rule_of
from ._parameter import Parameter

__all__ = ["Summary", "summary"]

_HEAD = ("Layer", "Output", "Parameters", "Multiply-adds", "Memory")
_FUNCTION = "function"


class Row(NamedTuple):
    """One line of the table."""

    name: str
    """as in its parent; empty for the model itself"""
    kind: str
    """the name of its class, or of the function"""
    depth: int
    """how many modules are around it"""
    output: str
    """the shape, or shapes, of what it last returned"""
    calls: int
    """how often it was called"""
    parameters: int
    """of its own, and not counted in a line above; at the greatest depth shown, of all within"""
    multiply_adds: int
    """by rule, or, at the greatest depth shown, of all within"""
    memory: int
    """bytes of what it returned, in all its calls, if there is no module within"""


class Summary:
    """What ``nn.summary`` found; shows itself as a table, in a terminal and in a notebook.

    Attributes:
        rows: a named tuple for each line.
        parameters: numbers in all parameters, each counted once.
        trainable: those that require grad.
        parameter_bytes: memory of parameters and buffers.
        activation_bytes: memory of what the layers without layers inside return.
        input_bytes: memory of the inputs.
        multiply_adds: of one forward pass.

    Example:
        >>> import grad_nn as nn
        >>> found = nn.summary(nn.Linear(3, 2), (5, 3))
        >>> found.parameters, found.multiply_adds, found.activation_bytes
        (8, 30, 40)
    """

    def __init__(self, rows: list[Row], totals: dict[str, int], dtypes: str) -> None:
        self.rows = rows
        self.parameters = totals["parameters"]
        self.trainable = totals["trainable"]
        self.parameter_bytes = totals["parameter_bytes"]
        self.activation_bytes = totals["activation_bytes"]
        self.input_bytes = totals["input_bytes"]
        self.multiply_adds = totals["multiply_adds"]
        self._dtypes = dtypes

    def _cells(self) -> Iterator[tuple[str, str, str, str, str]]:
        for row in self.rows:
            yield (
                _label(row),
                row.output,
                f"{row.parameters:,}" if row.parameters else "",
                f"{row.multiply_adds:,}" if row.multiply_adds else "",
                _bytes(row.memory) if row.memory else "",
            )

    def _totals(self) -> list[tuple[str, str]]:
        frozen = self.parameters - self.trainable
        trained = "all trainable" if not frozen else f"{self.trainable:,} trainable, {frozen:,} frozen"
        dtypes = f" of {self._dtypes}" if self._dtypes else ""
        return [
            ("Parameters", f"{self.parameters:,}{dtypes}" + (f", {trained}" if self.parameters else "")),
            ("Multiply-adds", f"{self.multiply_adds:,}"),
            (
                "Memory",
                f"{_bytes(self.parameter_bytes)} parameters and buffers, {_bytes(self.input_bytes)} inputs, "
                f"{_bytes(self.activation_bytes)} activations",
            ),
        ]

    def __repr__(self) -> str:
        cells = [
            (prefix + first, *rest) for prefix, (first, *rest) in zip(_branches(self.rows), self._cells(), strict=True)
        ]
        widths = [max(len(line[i]) for line in [_HEAD, *cells]) for i in range(len(_HEAD))]

        def line(texts: Iterable[str]) -> str:
            pairs = list(zip(texts, widths, strict=True))
            parts = [text.ljust(w) if i < 2 else text.rjust(w) for i, (text, w) in enumerate(pairs)]
            return "  ".join(parts).rstrip()

        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        totals = self._totals()
        wide = max(len(name) for name, _ in totals)
        ends = [f"{name.ljust(wide)}  {text}" for name, text in totals]
        return "\n".join([line(_HEAD), rule, *[line(texts) for texts in cells], rule, *ends])

    def _repr_html_(self) -> str:
        right = ' style="text-align:right"'
        left = ' style="text-align:left"'
        head = "".join(f"<th{left if i < 2 else right}>{text}</th>" for i, text in enumerate(_HEAD))
        body = []
        for row, (first, *rest) in zip(self.rows, self._cells(), strict=True):
            indent = f' style="text-align:left;padding-left:{0.5 + 1.5 * row.depth}em"'
            cells = "".join(
                f"<td{right if i else left}>{html.escape(text)}</td>" for i, text in enumerate(rest)
            )
            body.append(f"<tr><td{indent}>{html.escape(first)}</td>{cells}</tr>")
        totals = "".join(
            f'<tr><th{left}>{name}</th><td colspan="{len(_HEAD) - 1}"{left}>{html.escape(text)}</td></tr>'
            for name, text in self._totals()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody><tfoot>{totals}</tfoot></table>"


def summary(model: Module, *inputs: Any, depth: int | None = None, **kwargs: Any) -> Summary:
    """Run a model once, and say what it is made of: layers, shapes, parameters, multiply-adds and memory.

    The model runs in eval mode and without gradients, and is left as it was: mode, buffers, hooks, and the Generators
    that it draws from.

    Multiply-adds are counted by rules for each kind of layer: Linear, Bilinear, convolutions, attention, and recurrent
    layers; all others count as 0, as do functions called in ``forward``. A module of your own may count for itself, and
    all within it, by a method ``multiply_adds(args, output)``. Memory of activations is that of the results of all
    layers that hold no others, which is about what is kept for a backward pass.

    Args:
        model: a module.
        inputs: what it is called with; a tuple of integers is a shape, and stands for zeros of the model's dtype.
        depth: how many levels of modules inside modules to show; all of them where not given.
        kwargs: what it is called with by keyword.

    Returns:
        A Summary.

    Raises:
        TypeError: `model` is no module.
        Exception: what the model itself raises; a note says in which layer.

    Example:
        >>> import grad_nn as nn
        >>> model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 26 * 26, 10))
        >>> nn.summary(model, (64, 1, 28, 28))
        Layer         Output           Parameters  Multiply-adds    Memory
        ──────────────────────────────────────────────────────────────────
        Sequential    (64, 10)
        ├─ 0 Conv2d   (64, 8, 26, 26)          80      3,115,008   1.38 MB
        ├─ 1 ReLU     (64, 8, 26, 26)                              1.38 MB
        ├─ 2 Flatten  (64, 5408)                                   1.38 MB
        └─ 3 Linear   (64, 10)             54,090      3,461,120   2.56 kB
        ──────────────────────────────────────────────────────────────────
        Parameters     54,170 of float32, all trainable
        Multiply-adds  6,576,128
        Memory         217 kB parameters and buffers, 201 kB inputs, 4.16 MB activations
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a module, and {model!r:.100} is a {type(model).__name__}")
    parameters = list(model.parameters())
    dtypes = list(dict.fromkeys(str(p.dtype) for p in parameters))
    arguments = [gd.zeros(x, dtype=dtypes[0] if dtypes else None) if _is_shape(x) else x for x in inputs]
    calls = _Calls()
    _run(model, arguments, kwargs, calls)
    totals = {
        "parameters": sum(p.size for p in parameters),
        "trainable": sum(p.size for p in parameters if p.requires_grad),
        "parameter_bytes": sum(x.data.nbytes for x in [*parameters, *model.buffers()]),
        "input_bytes": _size_of([*arguments, *kwargs.values()]),
        "activation_bytes": sum(calls.memory.values()),
        "multiply_adds": sum(calls.multiply_adds.values()),
    }
    return Summary(list(_rows(model, calls, depth)), totals, ", ".join(dtypes))


class _Calls:
    """What was seen of each module, by its id."""

    def __init__(self) -> None:
        self.count: dict[int, int] = {}
        self.output: dict[int, str] = {}
        self.memory: dict[int, int] = {}
        self.multiply_adds: dict[int, int] = {}
        self.running: list[Module] = []

    def before(self, module: Module, _args: Any) -> None:
        self.running.append(module)

    def after(self, module: Module, args: Any, kwargs: Any, output: Any) -> None:
        self.running.pop()
        key = id(module)
        self.count[key] = self.count.get(key, 0) + 1
        self.output[key] = ", ".join(str(tuple(x.shape)) for x in _arrays([output]))
        if next(module.children(), None) is None:
            self.memory[key] = self.memory.get(key, 0) + _size_of([output])
        rule = rule_of(module)
        if rule is not None and all(rule_of(outer) is None for outer in self.running):
            self.multiply_adds[key] = self.multiply_adds.get(key, 0) + int(rule(args, kwargs, output))


def _run(model: Module, args: list[Any], kwargs: dict[str, Any], calls: _Calls) -> None:
    modules = list(model.modules())
    modes = [vars(m).get("training") for m in modules]
    buffers = [(buffer, buffer.data, buffer.data.copy()) for buffer in model.buffers()]
    found = {id(v): v for m in modules for v in vars(m).values() if isinstance(v, Generator)}
    default = gd.random.default_generator()
    states = [(generator, generator.get_state()) for generator in {**found, id(default): default}.values()]
    handles = []
    try:
        for m in modules:
            handles.append(m.register_forward_pre_hook(calls.before, prepend=True))
            handles.append(m.register_forward_hook(calls.after, with_kwargs=True))
        model.eval()
        with gd.no_grad():
            model(*args, **kwargs)
    except Exception as error:
        if calls.running:
            names = {id(m): name for name, m in model.named_modules()}
            inner = calls.running[-1]
            where = repr(names.get(id(inner), "")) if inner is not model else "the model itself"
            error.add_note(f"nn.summary: this happened in {where}, of class {type(inner).__name__}")
        raise
    finally:
        for handle in handles:
            handle.remove()
        for m, mode in zip(modules, modes, strict=True):
            vars(m).pop("training", None)
            if mode is not None:
                m.training = mode
        for buffer, array, value in buffers:
            array[...] = value
            buffer.data = array
        for generator, state in states:
            generator.set_state(state)


def _rows(model: Module, calls: _Calls, depth: int | None) -> Iterator[Row]:
    seen: set[int] = set()

    def rows(name: str, value: Any, level: int) -> Iterator[Row]:
        if not isinstance(value, Module):
            yield Row(name, getattr(value, "__name__", _FUNCTION), level, "", 0, 0, 0, 0)
            return
        seen.add(id(value))
        parts = [(part, inner) for part, inner in value._parts() if isinstance(inner, Module) or callable(inner)]
        last = depth is not None and level >= depth
        within = list(value.modules()) if last else [value]
        new = {id(p): p for m in within for p in _own(m) if id(p) not in seen}
        seen.update(new)
        key = id(value)
        yield Row(
            name,
            type(value).__name__,
            level,
            calls.output.get(key, "not called"),
            calls.count.get(key, 0),
            sum(p.size for p in new.values()),
            sum(calls.multiply_adds.get(id(m), 0) for m in within),
            sum(calls.memory.get(id(m), 0) for m in within),
        )
        if last:
            seen.update(id(m) for m in within)
            return
        for part, inner in parts:
            if id(inner) not in seen:
                yield from rows(part, inner, level + 1)

    yield from rows("", model, 0)


def _own(module: Module) -> Iterator[Parameter]:
    """The parameters that a module holds itself."""
    inner = {id(p) for child in module.children() for p in child.parameters()}
    yield from [p for p in module.parameters() if id(p) not in inner]


def _branches(rows: list[Row]) -> list[str]:
    """The drawn part of the tree in front of each row."""
    out = []
    open_levels: set[int] = set()  # where a line goes on downwards, seen from below
    for row in reversed(rows):
        if row.depth:
            stems = "".join("│  " if level in open_levels else "   " for level in range(1, row.depth))
            out.append(stems + ("├─ " if row.depth in open_levels else "└─ "))
        else:
            out.append("")
        open_levels = {level for level in open_levels if level < row.depth} | {row.depth}
    return out[::-1]


def _label(row: Row) -> str:
    times = f" ×{row.calls}" if row.calls > 1 else ""
    return f"{row.name} {row.kind}{times}".strip()


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(type(n) is int for n in x)


def _arrays(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, gd.Tensor | np.ndarray):
            yield value
        elif isinstance(value, list | tuple):
            yield from _arrays(value)
        elif isinstance(value, dict):
            yield from _arrays(value.values())


def _size_of(values: Iterable[Any]) -> int:
    return sum(x.data.nbytes if isinstance(x, gd.Tensor) else x.nbytes for x in _arrays(values))


def _bytes(n: int) -> str:
    """With three digits, in units of 1000."""
    size, unit = float(n), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{n} B" if unit == "B" else f"{size:.3g} {unit}" if size < 999.5 else f"{size:.0f} {unit}"
