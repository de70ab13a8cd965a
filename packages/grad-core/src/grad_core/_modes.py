"""What is switched on for the current thread: recording of history, and a listener to every op."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = [
    "GRAD",
    "WATCHED",
    "Anomaly",
    "Batching",
    "Recorder",
    "batching",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "recording",
    "state",
]

# called with (op, inputs, params, outputs) after each op; inputs and outputs are the Tensors and constants themselves
Recorder = Callable[[Any, tuple[Any, ...], dict[str, Any], tuple[Any, ...]], None]
# called with (op, inputs, arrays, params) where some of the arrays are batched; returns the result, batched
Batching = Callable[[Any, tuple[Any, ...], list[Any], dict[str, Any]], Any]


GRAD, WATCHED = 1, 2


class Anomaly(Protocol):
    """What `state.anomaly` holds while results are searched for NaN and Inf; `_anomaly` defines it."""

    def look(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...]) -> None:
        """Look at the results of an op."""

    def differentiate(self, node: Any, rules: Callable[[], list[Any]], g: Any) -> list[Any]:
        """Call the rules of a node, and look at the gradients that they return."""


class _State(threading.local):
    """One instance for the process; its attributes are each thread's own and start from these values."""

    grad: bool = True
    recorder: Recorder | None = None
    batching: Batching | None = None  # what computes ops on batched inputs; None outside of vmap
    counts: tuple[int, ...] = ()  # the number of entries of each vmap, from the outermost in
    anomaly: Anomaly | None = None
    # these two follow from the others, see `update`
    listener: Recorder | None = None  # what is called after each op: the recorder, anomaly mode, or both
    mode: int = GRAD  # and WATCHED where any other is on: the one thing that every op looks at

    def update(self) -> None:
        """Make `listener` and `mode` follow the others."""
        recorder, anomaly = self.recorder, self.anomaly
        watched = recorder is not None or anomaly is not None or self.batching is not None
        self.mode = (GRAD if self.grad else 0) | (WATCHED if watched else 0)
        if recorder is None or anomaly is None:
            self.listener = recorder if anomaly is None else anomaly.look
            return

        def both(op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...]) -> None:
            anomaly.look(op, inputs, params, outputs)
            recorder(op, inputs, params, outputs)

        self.listener = both


state = _State()


class _GradMode(ContextDecorator):
    """Sets the mode on entering and puts the earlier one back on leaving; nests, and decorates functions."""

    _enabled: bool

    def __init__(self) -> None:
        self._earlier: list[bool] = []

    def _recreate_cm(self) -> Self:
        # ContextDecorator calls this for each call of a decorated function: threads and recursion must not
        # share a stack
        return type(self)()

    def __enter__(self) -> Self:
        self._earlier.append(state.grad)
        state.grad = self._enabled
        state.update()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.grad = self._earlier.pop()
        state.update()


class no_grad(_GradMode):  # noqa: N801 - the name PyTorch users know; it is used like a function
    """Within it nothing records history: results do not require grad. A context manager and a decorator, per thread.

    Example:
        >>> import grad_core as gd
        >>> x = gd.ones(3, requires_grad=True)
        >>> with gd.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    _enabled = False


class enable_grad(_GradMode):  # noqa: N801 - the name PyTorch users know; it is used like a function
    """Records history again inside a ``no_grad`` block. A context manager and a decorator, per thread.

    Example:
        >>> import grad_core as gd
        >>> x = gd.ones(3, requires_grad=True)
        >>> with gd.no_grad(), gd.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    _enabled = True


class inference_mode(_GradMode):  # noqa: N801 - the name PyTorch users know; it is used like a function
    """The same as ``no_grad``, there being no cheaper mode here: it lets PyTorch code read unchanged.

    Example:
        >>> import grad_core as gd
        >>> with gd.inference_mode():
        ...     y = gd.ones(3, requires_grad=True) * 2
        >>> y.requires_grad
        False
    """

    _enabled = False


def is_grad_enabled() -> bool:
    """Whether operations of this thread record history now.

    Example:
        >>> import grad_core as gd
        >>> with gd.no_grad():
        ...     print(gd.is_grad_enabled())
        False
    """
    return state.grad


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Call ``recorder(op, inputs, params, outputs)`` after each op of this thread, backward passes included.

    While it listens, a backward pass calls its rules with untracked tensors, so that their ops are seen as well.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import recording
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
        >>> with recording(lambda op, inputs, params, outputs: print(op)):
        ...     (x * 3).sum().backward()
        <op multiply>
        <op sum>
        <op broadcast_to>
        <op multiply>
    """
    earlier = state.recorder
    state.recorder = recorder
    state.update()
    try:
        yield
    finally:
        state.recorder = earlier
        state.update()


@contextmanager
def batching(compute: Batching, count: int) -> Iterator[int]:
    """One level of batches deeper, with `count` entries: batched ops go to `compute`; gives the number of the level."""
    earlier, counts = state.batching, state.counts
    state.batching = compute
    state.counts = (*counts, count)
    state.update()
    try:
        yield len(state.counts)
    finally:
        state.batching, state.counts = earlier, counts
        state.update()
