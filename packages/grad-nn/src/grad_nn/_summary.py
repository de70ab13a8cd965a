"""A model as a table: its layers, what they return, what they hold, and what they compute."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ConversionError
from grad_core.extend import mark_changed, recording

from ._flops import multiply_adds
from ._module import Module
from ._parameter import Parameter
from ._summary_text import Row, as_html, as_text, human

__all__ = ["Summary", "summary"]


def summary(
    model: Module,
    *inputs: Any,
    dtype: Any = None,
    depth: int | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> "Summary":
    """Run a model once on example inputs, and tell of each layer what it returns, holds and computes.

    The model is left as it was: the pass runs in evaluation mode and without history, and afterwards modes, attributes,
    buffers and Generators are what they were before.

    Multiply-adds are counted from the operations that really run, wherever they stand: products of matrices, ``einsum``
    and its kin, convolutions and recurrent layers; a FLOP count is twice that. Functions of single elements, sums and
    the like, which are few beside these, are not counted.

    Args:
        model: a module.
        inputs: what the model is called with. A tuple of integers is a shape, for which numbers from a normal
            distribution are made up, or zeros for an integer dtype. No inputs at all: only the parameters are told.
        dtype: of inputs given as shapes; one for all, or a list with one for each input. That of the model's first
            parameter where not given.
        depth: how many levels of modules within modules have lines of their own; all of them where not given.
        kwargs: keyword arguments of the call.

    Returns:
        A Summary, which prints as a table, and is one in a notebook.

    Raises:
        TypeError: `model` is not a module, or is a class.
        ValueError: `depth` is negative, or `dtype` lists another number of dtypes than there are inputs.
        Exception: what the model raises, with a note that says in which layer.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), gd.relu, nn.Linear(128, 10))
        >>> nn.summary(model, (32, 28, 28))
        Layer          Output     Parameters  Multiply-adds
        ───────────────────────────────────────────────────
        Sequential     (32, 10)
        ├─ 0: Flatten  (32, 784)
        ├─ 1: Linear   (32, 128)     100,480        3.211 M
        ├─ 2: relu     (32, 128)
        └─ 3: Linear   (32, 10)        1,290        40.96 k
        ───────────────────────────────────────────────────
        parameters   101,770, all trainable, 407.1 kB
        computation  3.252 M multiply-adds, 6.504 MFLOPs
        activations  34.05 kB
        mode         training; the pass above ran in evaluation
    """
    given: Any = model
    if not isinstance(given, Module):
        kind = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        advice = ": make a module of it first" if isinstance(given, type) else ""
        raise TypeError(f"summary takes a module, and not {kind}{advice}")
    if depth is not None and depth < 0:
        raise ValueError(f"summary: depth is {depth}, and the number of levels is 0 or more")
    watch = _Watch()
    ran = bool(inputs or kwargs)
    if ran:
        arguments = _made_up(model, inputs, dtype)
        with _untouched(model), gd.no_grad():
            watch.enter(model)
            with recording(watch.count):
                model(*arguments, **(kwargs or {}))
    return Summary(model, watch if ran else None, depth)


class Summary:
    """What ``summary`` found; printing it, or a notebook's cell, shows the table.

    Attributes:
        rows: for each line its ``name``, ``kind``, ``depth``, ``outputs``, ``calls``, ``parameters``, ``repeated`` (of
            parameters that a line above counts) and ``multiply_adds``; the columns of numbers add up to the totals.
        parameters: numbers in all parameters, shared ones once.
        trainable: those that require grad.
        frozen: those that do not.
        parameter_bytes: memory of the parameters.
        buffers: numbers in all buffers.
        buffer_bytes: memory of the buffers.
        multiply_adds: of one forward pass; None without inputs.
        flops: twice the multiply-adds; None without inputs.
        activation_bytes: memory of the results of all operations of the pass, views left out: about what training keeps
            until the backward pass; None without inputs.
        training: whether the model is in training mode; None where some modules are and others are not.

    Example:
        >>> import grad_nn as nn
        >>> found = nn.summary(nn.Linear(3, 2), (5, 3))
        >>> found.parameters, found.multiply_adds, found.rows[0].outputs
        (8, 30, ((5, 2),))
    """

    rows: list[Row]

    def __init__(self, model: Module, watch: "_Watch | None", depth: int | None) -> None:
        """See ``summary``."""
        self._ran = watch is not None
        self.rows = _rows(model, watch or _Watch(), depth)
        parameters = list(model.parameters())
        self.parameters = sum(p.size for p in parameters)
        self.trainable = sum(p.size for p in parameters if p.requires_grad)
        self.frozen = self.parameters - self.trainable
        self.parameter_bytes = sum(p.data.nbytes for p in parameters)
        buffers = list(model.buffers())
        self.buffers = sum(b.size for b in buffers)
        self.buffer_bytes = sum(b.data.nbytes for b in buffers)
        self.multiply_adds = None if watch is None else sum(record.multiply_adds for record in watch.records.values())
        self.flops = None if self.multiply_adds is None else 2 * self.multiply_adds
        self.activation_bytes = None if watch is None else watch.bytes
        modes = {module.training for module in model.modules()}
        self.training = modes.pop() if len(modes) == 1 else None

    def _totals(self) -> Iterator[tuple[str, str]]:
        split = f"{self.trainable:,} trainable, {self.frozen:,} frozen" if self.trainable else "all frozen"
        if not self.frozen:
            split = "all trainable"
        size = human(self.parameter_bytes, "B")
        yield "parameters", f"{self.parameters:,}, {split}, {size}" if self.parameters else "none"
        if self.buffers:
            yield "buffers", f"{self.buffers:,}, {human(self.buffer_bytes, 'B')}"
        if self.multiply_adds is not None and self.flops is not None and self.activation_bytes is not None:
            yield "computation", f"{human(self.multiply_adds)} multiply-adds, {human(self.flops, 'FLOPs')}"
            yield "activations", human(self.activation_bytes, "B")
        mode = {True: "training", False: "evaluation", None: "training in part"}[self.training]
        yield "mode", f"{mode}; the pass above ran in evaluation" if self._ran and self.training is not False else mode

    def __repr__(self) -> str:
        return as_text(self.rows, list(self._totals()), self._ran)

    def _repr_html_(self) -> str:
        return as_html(self.rows, list(self._totals()), self._ran)


class _Record:
    """What was seen of one module, or of one function in a Sequential."""

    def __init__(self) -> None:
        self.outputs: tuple[tuple[int, ...], ...] | None = None
        self.calls = 0
        self.multiply_adds = 0


class _Watch:
    """Sees each call of a module and each op, and adds the op to the innermost module that runs."""

    def __init__(self) -> None:
        self.records: dict[tuple[int, str], _Record] = {}  # by module, and position of a function within
        self.bytes = 0
        self._running: list[_Record] = []
        self._failed: Exception | None = None

    def record(self, module: Any, part: str = "") -> _Record:
        """The one of a module, or of a part of it that is a function."""
        return self.records.setdefault((id(module), part), _Record())

    def enter(self, model: Module) -> None:
        """Put a watched function in the place of every ``forward``, and of every function in a Sequential."""
        for name, module in model.named_modules():
            title = f"{name or 'the model'} ({type(module).__name__})"
            vars(module)["forward"] = self._watched(module.forward, self.record(module), title)
            for part, layer in _functions(module):
                watched = self._watched(layer, self.record(module, part), f"{part} of {title}")
                if vars(module).get(part) is layer:
                    vars(module)[part] = watched
                else:  # in the list of a Sequential; a copy, as the list itself is put back
                    items = list(vars(module)["_items"])
                    items[int(part)] = watched
                    vars(module)["_items"] = items

    def _watched(self, function: Callable[..., Any], record: _Record, title: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._running.append(record)
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                if self._failed is not error:  # the modules around need not say it again
                    self._failed = error
                    error.add_note(f"nn.summary: while {title} ran")
                raise
            finally:
                self._running.pop()
            record.calls += 1
            if record.outputs is None:
                record.outputs = tuple(_shapes(result))
            return result

        return call

    def count(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...]) -> None:
        """Called after each op."""
        try:
            results = [out.data for out in outputs]
        except ConversionError:  # within vmap; the op on all entries at once is seen too
            return
        shapes = [x.shape if isinstance(x, gd.Tensor) else np.shape(x) for x in inputs]
        self._running[-1].multiply_adds += multiply_adds(op.name, shapes, results[0].shape, params)
        first = inputs[0].data if isinstance(inputs[0], gd.Tensor) else np.asarray(inputs[0])
        if not (op.views and np.may_share_memory(first, results[0])):
            self.bytes += sum(array.nbytes for array in results)


def _functions(module: Module) -> list[tuple[str, Any]]:
    """What a container of layers calls that is no module, by its place."""
    return [(part, layer) for part, layer in module._parts() if callable(layer) and not isinstance(layer, Module)]


def _shapes(result: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(result, list | tuple):
        for item in result:
            yield from _shapes(item)
    elif isinstance(result, dict):
        for item in result.values():
            yield from _shapes(item)
    elif isinstance(result, gd.Tensor | np.ndarray):
        yield tuple(result.shape)


def _rows(model: Module, watch: _Watch, depth: int | None) -> list[Row]:
    """A line for each module in the order of definition; a module that comes again has no lines within."""
    rows: list[Row] = []
    modules: set[int] = set()
    counted: set[int] = set()

    def tell(name: str, layer: Any, around: Any, level: int, last: bool) -> None:
        if not isinstance(layer, Module):
            kind = getattr(layer, "__name__", None) or type(layer).__name__
            record = watch.record(around, name)
            rows.append(Row(name, kind, level, last, record.outputs, record.calls, 0, 0, record.multiply_adds))
            return
        record = watch.record(layer)
        again = id(layer) in modules
        modules.add(id(layer))
        parts = [] if again else [(part, inside) for part, inside in layer._parts() if callable(inside)]
        # a mere list or dict of modules is not there to be called
        outputs = () if type(layer).forward is Module.forward else record.outputs
        whole = again or level == depth  # the line stands for all that is within
        inner = [] if whole else [p for _, part in parts if isinstance(part, Module) for p in part.parameters()]
        hidden = {id(p) for p in inner}
        own = [p for p in layer.parameters() if id(p) not in hidden]
        fresh = [p for p in own if id(p) not in counted]
        counted.update(id(p) for p in own)
        work = 0 if again else record.multiply_adds
        if whole and not again:
            work += sum(watch.record(*key).multiply_adds for key in _within(layer, modules))
        size, repeated = sum(p.size for p in fresh), sum(p.size for p in own) - sum(p.size for p in fresh)
        calls = 0 if again else record.calls
        rows.append(Row(name, type(layer).__name__, level, last, outputs, calls, size, repeated, work))
        if not whole:
            for i, (part, inside) in enumerate(parts):
                tell(part, inside, layer, level + 1, i == len(parts) - 1)

    tell("", model, None, 0, True)
    return rows


def _within(layer: Module, seen: set[int]) -> Iterator[tuple[Any, str]]:
    """What has records inside a module, each module once in the whole table."""
    for part, _ in _functions(layer):
        yield layer, part
    for inside in layer.children():
        if id(inside) not in seen:
            seen.add(id(inside))
            yield inside, ""
            yield from _within(inside, seen)


def _made_up(model: Module, inputs: Sequence[Any], dtype: Any) -> list[Any]:
    first = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    dtypes = list(dtype) if isinstance(dtype, list | tuple) else [dtype] * len(inputs)
    if len(dtypes) != len(inputs):
        raise ValueError(f"summary: {len(dtypes)} dtypes for {len(inputs)} inputs: give one for each, or one for all")
    rng = gd.random.Generator(0)
    made = []
    for given, wanted in zip(inputs, dtypes, strict=True):
        if type(given) is tuple and all(type(n) is int for n in given):
            kind = gd.empty((), dtype=first if wanted is None else wanted).dtype
            made.append(rng.normal(given, dtype=kind) if kind.kind == "f" else gd.zeros(given, dtype=kind))
        else:
            made.append(given)
    return made


@contextmanager
def _untouched(model: Module) -> Iterator[None]:
    """Evaluation inside; afterwards everything that a forward pass may change is as it was."""
    modules = list(model.modules())
    attributes = [dict(vars(module)) for module in modules]
    held = [value for values in attributes for value in values.values()]
    containers = [(value, value.copy()) for value in held if type(value) in (list, dict, set)]
    held += [item for _, kept in containers for item in (kept.values() if isinstance(kept, dict) else kept)]
    tensors = [(x, x.data.copy()) for x in held if isinstance(x, gd.Tensor) and not isinstance(x, Parameter)]
    arrays = [(x, x.copy()) for x in held if isinstance(x, np.ndarray)]
    owned = {id(x): x for x in [*held, gd.random.default_generator()] if isinstance(x, gd.random.Generator)}
    drawn = [(x, x.get_state()) for x in owned.values()]
    try:
        for module in modules:
            module.training = False
        yield
    finally:
        for module, values in zip(modules, attributes, strict=True):
            vars(module).clear()
            vars(module).update(values)
        for container, kept in containers:
            container.clear()
            (container.extend if isinstance(container, list) else container.update)(kept)
        for x, kept in tensors:
            if not np.array_equal(x.data, kept, equal_nan=x.dtype.kind == "f"):
                x.data[...] = kept
                mark_changed(x)
        for array, kept in arrays:
            if array.flags.writeable:
                array[...] = kept
        for generator, state in drawn:
            generator.set_state(state)
