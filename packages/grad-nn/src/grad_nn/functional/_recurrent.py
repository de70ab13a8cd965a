"""Recurrent layers over a sequence: one op for each kind, which does all steps in one direction.

Its forward keeps the run, and the first rule that is called goes back through it for all of them. Derivatives of higher
order, and batches of weights, go through the same recurrence written in differentiable operations.
"""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import Keeping, Op, in_front, op

from ._composed import STEPS, Composed, Step
from ._run_kinds import Gru, Lstm, ProjectedLstm, Relu, Tanh
from ._runs import Back, Run

__all__ = ["OPS"]

# the inputs of an op: x (steps, batch, inputs), lengths (batch,), weights, biases, states (batch, hidden), and the
# weight of a projection where there is one
_INPUTS = ("x", "lengths", "w_ih", "w_hh", "b_ih", "b_hh", "h", "c", "w_hr")


class _Kept:
    """A run, and the way back through it for the cotangents that rules were last called with."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._last: tuple[Any, Back] | None = None

    def gradient(self, name: str, g: Any, inputs: tuple[Any, ...]) -> Any:
        last = self._last
        # all rules of one call are given the same tuple, the first of them that of x, if its gradient is wanted
        if last is None or last[0] is not g or name not in last[1].found:
            last = self._last = (g, Back(self.run, g, inputs[2], inputs[3], name == "x"))
        return last[1].found[name]


class _KeptComposed:
    """The same in differentiable operations."""

    def __init__(self, composed: Composed) -> None:
        self._composed = composed
        self._last: tuple[Any, dict[str, Any]] | None = None

    def gradient(self, name: str, g: Any, inputs: tuple[Any, ...]) -> Any:
        last = self._last
        if last is None or last[0] is not g:
            last = self._last = (g, self._composed.gradients(g))
        return last[1][name]


def _rule(name: str) -> Callable[..., Any]:
    def rule(g: Any, ans: Any, *inputs: Any, reverse: bool) -> Any:  # `ans`: the run holds the memory of the output
        *given, kept = inputs
        return kept.gradient(name, g, tuple(given))

    return rule


def _batches(made: Callable[[], Op], step: Step, end: int) -> Callable[..., Any]:
    def batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, reverse: bool) -> tuple[Any, int]:
        if any(axis is not None for axis in (*axes[2:6], *axes[end:])):
            of_all = gd.vmap(lambda *entry: Composed(step, entry, reverse).results, in_axes=axes)
            return of_all(*inputs), 0
        # the weights are shared: the entries are further samples
        count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)

        def merged(a: Any, axis: int | None, place: int) -> Any:
            a = np.broadcast_to(a, (count, *a.shape)) if axis is None else in_front(a, axis)
            a = np.moveaxis(a, 0, place)
            return np.reshape(a, (*a.shape[:place], -1, *a.shape[place + 2 :]))

        x, lengths, *weights = inputs[:6]
        places = [merged(a, axis, 0) for a, axis in zip(inputs[6:end], axes[6:end], strict=True)]
        output, *last = made().on(
            merged(x, axes[0], 1), merged(lengths, axes[1], 0), *weights, *places, *inputs[end:], reverse=reverse
        )
        output = np.reshape(output, (output.shape[0], count, -1, output.shape[2]))
        return (np.moveaxis(output, 1, 0), *[np.reshape(a, (count, -1, a.shape[1])) for a in last]), 0

    return batch


def _declared(kind: type[Run], step: Step, name: str) -> Op:
    end = 6 + kind.states
    rules = tuple([None if given == "lengths" else _rule(given) for given in _INPUTS[: end + kind.further]])

    def keep(*inputs: Any, reverse: bool) -> _KeptComposed:
        return _KeptComposed(Composed(step, inputs, reverse))

    @op(vjp=rules, keep=keep, batch=_batches(lambda: made, step, end), name=name)
    def made(*inputs: Any, reverse: bool) -> Keeping:
        run = kind(*inputs, reverse=reverse)
        return Keeping(run.results, _Kept(run))

    return made


_RUNS: dict[str, type[Run]] = {
    "RNN_TANH": Tanh,
    "RNN_RELU": Relu,
    "LSTM": Lstm,
    "LSTM_PROJECTED": ProjectedLstm,
    "GRU": Gru,
}
OPS = {kind: _declared(run, STEPS[kind], kind.split("_")[0].lower()) for kind, run in _RUNS.items()}
