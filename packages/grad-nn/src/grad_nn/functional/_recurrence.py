"""Runs over a sequence, forth and back, in NumPy: the arithmetic of recurrent layers without any graph.

Arrays have the features first and the batch innermost, so that the rows of a gate, over all samples, are one block of
memory. What enters a step, its input, the state before it and a 1 for the bias, stands in one array (features, steps,
batch): a step is one product of matrices, and the gradients of both weights and of the bias are one for all steps.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Run"]

Array = np.ndarray[Any, Any]


class Run:
    """One pass of one direction of one layer, with what its way back needs.

    A kind of layer derives from this. It says how its weights stand in one matrix, and does a step forth and back.

    Attributes:
        results: the output (steps, batch, hidden), the last state (batch, hidden), and for an LSTM the last cell.
    """

    states = 1  # how many arrays are carried from step to step
    blocks = 1  # how many rows of the matrix of weights there are for each hidden feature

    def __init__(
        self,
        x: Array,
        lengths: Array,
        w_ih: Array,
        w_hh: Array,
        b_ih: Array,
        b_hh: Array,
        *start: Array,
        reverse: bool,
    ) -> None:
        given = np.result_type(x, w_ih, w_hh, b_ih, b_hh, *start)
        self.dtype = dtype = np.dtype(np.float32) if given == np.float16 else given  # sums of halves overflow
        self.steps, self.batch, self.inputs = x.shape
        self.hidden = w_hh.shape[1]
        self.order: Sequence[int] = range(self.steps - 1, -1, -1) if reverse else range(self.steps)
        self.valid = None  # (steps, batch), where a sequence has not ended; None where all are of full length
        self.entered = entered = np.empty((self.inputs + self.hidden + 1, self.steps, self.batch), dtype)
        entered[: self.inputs] = x.transpose(2, 0, 1)
        entered[-1] = 1
        if lengths.size and np.minimum.reduce(lengths) < self.steps:
            self.valid = np.arange(self.steps)[:, None] < lengths
            np.copyto(entered[: self.inputs], 0, where=~self.valid)  # whatever stands there must not spread: NaN * 0
        self.matrix = self.joined(*[w.astype(dtype, copy=False) for w in (w_ih, w_hh, b_ih, b_hh)])
        self.output = np.empty((self.steps, self.hidden, self.batch), dtype)  # by step
        self.prepare([np.array(s.T, dtype, order="C") for s in start])
        self.results = tuple([a.astype(given, copy=False) for a in self._forth(start[0].T)])

    def joined(self, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
        """The matrix that a step multiplies by what enters it: (blocks * hidden, inputs + hidden + 1)."""
        matrix = np.empty((len(w_ih), self.inputs + self.hidden + 1), self.dtype)
        matrix[:, : self.inputs] = w_ih
        matrix[:, self.inputs : -1] = w_hh
        np.add(b_ih, b_hh, matrix[:, -1])
        return matrix

    def prepare(self, start: list[Array]) -> None:
        """Make the arrays that the kind needs beside these, from the states before the first step."""
        raise NotImplementedError

    def forth(self, t: int, before: Array, entered: Array, after: Array) -> None:
        """One step: write the state after step `t` from that before it and from all that enters."""
        raise NotImplementedError

    def _forth(self, start: Array) -> tuple[Array, ...]:
        entered, output, valid = self.entered, self.output, self.valid
        states = entered[self.inputs : -1].swapaxes(0, 1)  # (steps, hidden, batch): the state before each step
        columns = entered.swapaxes(0, 1)
        before = np.array(start, self.dtype, order="C")
        for t in self.order:
            states[t] = before
            after = output[t]
            self.forth(t, before, columns[t], after)
            before = after
            if valid is not None:
                ended = ~valid[t]
                before = np.where(ended, states[t], after)
                np.copyto(after, 0, where=ended)
                self.hold(t, ended)
        return output.transpose(0, 2, 1), before.T.copy(), *self.last()

    def hold(self, t: int, ended: Array) -> None:
        """Undo step `t` for sequences that have ended, in states beside the first."""

    def last(self) -> tuple[Array, ...]:
        """States after the last step, beside the first."""
        return ()


class Back:
    """The way back of a run for given cotangents of its results."""

    def __init__(self, run: Run, g: tuple[Array, ...]) -> None:
        self.run = run


class Elman(Run):
    """h = act(W x + U h + b)."""
