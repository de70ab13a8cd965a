"""Anomaly mode: every result and gradient is searched for NaN and Inf, and the op and the user's line are named."""

from __future__ import annotations

import linecache
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from ._attached import attach, attached
from ._batched import Batched, all_values
from ._modes import Anomaly, state
from ._node import Node, Value
from .errors import AnomalyError

__all__ = ["detect_anomaly"]

# frames of these are not the user's: somebody who calls a layer looks for the line that called it
_OURS = frozenset({"grad_core", "grad_nn", "grad_optim", "grad_data"})
_MODES = ("raise", "warn", "off")
_NAN, _INF = 1, 2


class Made(NamedTuple):
    """Where a node was made, and from what."""

    where: str
    inputs: str


class _Watch:
    """One `detect_anomaly` that was entered by one thread."""

    __slots__ = ("_check_inf", "_inside", "_raises")

    def __init__(self, raises: bool, check_inf: bool) -> None:
        self._raises = raises
        self._check_inf = check_inf
        self._inside: Node | None = None  # the node whose rules are running

    def look(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...]) -> None:
        """Note where the op was called, and search its results."""
        made = Made(_users_line() if self._inside is None else _derivative_of(self._inside), _described(inputs))
        for out in outputs:
            if type(out._node) is Node:
                attach(out._node, out._node.number).made = made
        if self._inside is not None:
            return  # what matters is the gradient that comes of it, which `differentiate` sees
        for out in outputs:
            what = self._found(out, [inputs, tuple(params.values())])
            if what:
                self._report(
                    f"forward of {op.name!r}: {what} in the result, {_places(out, what)}, from inputs without, "
                    f"{made.where} (inputs: {made.inputs}). Keep the inputs where {op.name!r} is finite, with clip, "
                    "or with where before it"
                )

    def differentiate(self, node: Node, rules: Callable[[], list[Any]], g: Any) -> list[Any]:
        """Call the rules of a node, and search the gradients that they return."""
        outer, self._inside = self._inside, node
        try:
            grads = rules()
        finally:
            self._inside = outer
        for i, grad in enumerate(grads):
            what = self._found(grad, [g, node.saved, node.ans])
            if what:
                record = attached(node, node.number)
                made: Made | None = record.made if record is not None else None
                origin = (
                    "made outside of detect_anomaly: run the forward within it too, to see inputs and line"
                    if made is None
                    else f"{made.where} (inputs: {made.inputs})"
                )
                self._report(
                    f"backward of {node.op.name!r}: {what} in the gradient of input {i}, {_places(grad, what)}, from "
                    f"an upstream gradient without, {origin}. Keep the inputs where the derivative of "
                    f"{node.op.name!r} is finite, with clip, or with where before it"
                )
        return grads

    def _found(self, out: Any, sources: Iterable[Any]) -> str:
        """What is in an array that has not come from its sources: "NaN", "Inf" or nothing."""
        flags = _flags(out)
        if not flags:
            return ""
        known = 0
        for array in _floats(sources):
            known |= _flags(array)
        if known & _NAN:
            return ""  # whatever comes of NaN was reported where the NaN appeared
        if flags & _NAN:
            return "NaN"
        return "Inf" if self._check_inf and not known & _INF else ""

    def _report(self, text: str) -> None:
        if self._raises:
            raise AnomalyError(text)
        warnings.warn(text, RuntimeWarning, stacklevel=2)


class detect_anomaly(ContextDecorator):  # noqa: N801 - the name PyTorch users know; it is used like a function
    """Within it, NaN or Inf that appears in a result or in a gradient raises where it appears. Per thread.

    A result is searched after each op, and a gradient after each rule. NaN counts where no input (for a gradient: what
    comes from upstream, and the values that the rule reads) was NaN; Inf where none was NaN or Inf. So an Inf that you
    put in, as in a mask of ``-inf``, passes, and so does what follows from it, but not a NaN made of it. The error
    names the op, the shapes and dtypes of its inputs, and the line of your code that called it; for a gradient that
    needs the forward to have run within the mode too. NumPy's own warnings of the same are silent meanwhile. It costs
    several times the time of the ops: for finding a fault, not for training.

    PyTorch's mode of this name looks for NaN in gradients only. A context manager and a decorator; it nests, and the
    innermost counts.

    Args:
        mode: "raise"; "warn" goes on, with a RuntimeWarning for each; "off" stops looking inside another one.
        check_inf: whether Inf counts. False: only NaN.

    Raises:
        ValueError: another `mode`.
        AnomalyError: within the mode, at the op.

    Example:
        >>> import grad_core as gd
        >>> with gd.detect_anomaly():
        ...     gd.log(gd.tensor([1.0, 0.0]))
        Traceback (most recent call last):
        ...
        grad_core.errors.AnomalyError: forward of 'log': Inf in the result, 1 of 2 elements, the first at [1], ...
    """

    def __init__(self, mode: str = "raise", *, check_inf: bool = True) -> None:
        if mode not in _MODES:
            raise ValueError(f"detect_anomaly: mode is one of {', '.join(map(repr, _MODES))}, and not {mode!r}")
        self._mode = mode
        self._check_inf = check_inf
        # what to put back on leaving, newest last, by thread: threads may share a `detect_anomaly`
        self._entered: dict[int, list[tuple[Anomaly | None, np.errstate]]] = {}

    def _recreate_cm(self) -> Self:
        # called for each call of a decorated function: threads and recursion must not share a stack
        return type(self)(self._mode, check_inf=self._check_inf)

    def __enter__(self) -> Self:
        quiet = np.errstate()
        if self._mode != "off":
            quiet = np.errstate(all="ignore") if self._check_inf else np.errstate(invalid="ignore")
        self._entered.setdefault(threading.get_ident(), []).append((state.anomaly, quiet))
        quiet.__enter__()
        state.anomaly = None if self._mode == "off" else _Watch(self._mode == "raise", self._check_inf)
        state.update()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.anomaly, quiet = self._entered[threading.get_ident()].pop()
        quiet.__exit__(kind, error, trace)
        state.update()


def _floats(values: Iterable[Any]) -> Iterator[Any]:
    """The arrays and floats among values, in tuples and lists too."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from _floats(value)
        elif isinstance(value, Value | Batched | float | np.ndarray | np.generic):
            yield value


def _array(value: Any) -> np.ndarray[Any, Any]:
    """The values of a tensor, array or number; inside vmap those of all entries."""
    return np.asarray(all_values(value._data if isinstance(value, Value) else value))


def _flags(value: Any) -> int:
    """Whether NaN and Inf are in an array."""
    array = _array(value)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return 0
    return (_NAN if np.isnan(array).any() else 0) | (_INF if np.isinf(array).any() else 0)


def _places(value: Any, what: str) -> str:
    """How many elements are NaN or Inf, and where the first of them is."""
    array = _array(value)
    if not array.ndim:
        return "a single number"
    found = np.argwhere(np.isnan(array) if what == "NaN" else np.isinf(array))
    return f"{len(found)} of {array.size} elements, the first at {found[0].tolist()}"


def _described(inputs: Iterable[Any]) -> str:
    """Dtype and shape of each input; numbers as they are."""
    arrays = [x._data if isinstance(x, Value) else x for x in inputs]
    return ", ".join([f"{x.dtype} {x.shape}" if hasattr(x, "shape") else repr(x) for x in arrays])


def _users_line() -> str:
    """File, line, function and source of the innermost frame that is not ours."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame = frame.f_back
    code = frame.f_code
    source = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
    return f"made at {code.co_filename}:{frame.f_lineno} in {code.co_name}" + (f", `{source}`" if source else "")


def _derivative_of(node: Node) -> str:
    record = attached(node, node.number)
    where = f", {record.made.where}" if record is not None and record.made is not None else ""
    return f"made in the derivative of {node.op.name!r}{where}"
