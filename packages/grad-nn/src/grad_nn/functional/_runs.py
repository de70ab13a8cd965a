"""Runs over a sequence, forth and back, in NumPy: the arithmetic of recurrent layers, without a graph.

Arrays have the features first and the batch innermost, so that the rows of a gate are, over all samples, one block of
memory. All that enters a step, its input, the state before it and a 1 for the bias, stands in one array (features,
steps, batch): a step is one product of matrices, and so are the gradients of both weights and of the bias, for all
steps together. Steps are counted in the order in which they are done, which may be from the end of the sequence.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._linear import LARGE

__all__ = ["Back", "Run"]

Array = np.ndarray[Any, Any]

_GROUP = 2**20  # numbers in a group of steps: 4 MB of float32


def _check_lengths(lengths: Array, steps: int) -> None:
    wrong = (lengths < 1) | (lengths > steps)
    if wrong.any():
        i = int(wrong.argmax())
        raise IndexError(
            f"lengths[{i}] is {lengths[i]}: with {steps} steps in x, a sequence has 1 to {steps} of them; lengths "
            "count steps, and are not positions of the last"
        )


def _used(g: Array) -> list[bool]:
    """For each step whether any element is other than 0; NaN is."""
    used: list[bool] = (g != 0).any(2).any(1).tolist()
    return used


def _carved(shapes: list[tuple[int, ...]], dtype: Any) -> list[Array]:
    """Arrays of these shapes in one piece of memory, each at the start of a cache line."""
    line = 64 // dtype.itemsize
    sizes = [math.prod(shape) for shape in shapes]
    starts = list(itertools.accumulate([-(-size // line) * line for size in sizes], initial=0))
    memory = np.empty(starts[-1], dtype)
    return [memory[i : i + n].reshape(shape) for i, n, shape in zip(starts, sizes, shapes, strict=False)]


class Run:
    """One pass of one direction of one layer, with what its way back needs. A kind of layer derives from this.

    Attributes:
        results: output (steps, batch, width), last state (batch, width), and for an LSTM its last cell.
    """

    states = 1  # arrays that are carried from step to step
    blocks = 1  # rows of the matrix for each hidden feature
    further = 0  # weights that are given behind the states

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
        self.dtype = np.dtype(np.float32) if given == np.float16 else given  # sums of halves overflow
        self.steps, self.batch, self.inputs = x.shape
        self.width = w_hh.shape[1]  # of the state that goes from step to step
        self.hidden = self.features(w_hh)
        self.reverse = reverse
        # one piece of memory for all that is kept: freed and asked for again at each training step, many pieces would
        # go back to the system every time, and come from it page by page
        entering = (self.inputs + self.width + 1, self.steps, self.batch)
        self.entered, *kept = _carved([entering, *self.shapes()], self.dtype)
        own = self.entered[: self.inputs]
        own[...] = self.in_order(x).transpose(2, 0, 1)
        self.entered[-1] = 1
        self.ended: Array | None = None  # (steps, batch), where a sequence is over; None where none ends early
        if lengths.size and not np.minimum.reduce(lengths) == self.steps == np.maximum.reduce(lengths):
            _check_lengths(lengths, self.steps)
            self.ended = self.in_order(np.arange(self.steps)[:, None] >= lengths)
            np.copyto(own, 0, where=self.ended)  # what stands there must not spread, as 0 * NaN would
        self.output = np.empty((self.steps, self.width, self.batch), self.dtype)
        self.more = [np.array(w, self.dtype, order="C") for w in start[self.states :]]
        first = [np.array(s.T, self.dtype, order="C") for s in start[: self.states]]
        last = self._forth(self.matrix(w_ih, w_hh, b_ih, b_hh), first, kept)
        output = self.in_order(self.output).transpose(0, 2, 1)
        self.results = tuple([a.astype(given, copy=False) for a in (output, *last)])

    def features(self, w_hh: Array) -> int:
        """The hidden features: as many as the state has, unless a kind projects it."""
        return int(w_hh.shape[1])

    def in_order(self, a: Array) -> Array:
        """Steps along the first axis in the order in which they are done, or back."""
        return a[::-1] if self.reverse else a

    def _forth(self, matrix: Array, start: list[Array], kept: list[Array]) -> list[Array]:
        """Do all steps; the last states."""
        states = self.entered[self.inputs : -1].transpose(1, 0, 2)
        step = self.forth(start, *kept)
        before = start[0]
        large = self.blocks * self.hidden * self.batch >= LARGE
        multiply: Any = np.matmul if large else np.dot
        for p, entered in enumerate(self.entered.transpose(1, 0, 2)):
            states[p] = before
            after = self.output[p]
            multiply(matrix, entered, self.room(p))
            step(p, before, after)
            if self.ended is None:
                before = after
            else:
                before = np.where(self.ended[p], before, after)
                np.copyto(after, 0, where=self.ended[p])
                self.hold(p, self.ended[p])
        return [before.T.copy("K"), *self.last()]

    def hold(self, p: int, ended: Array) -> None:
        """Undo step `p` where a sequence is over, in the states beside the first."""

    def last(self) -> list[Array]:
        """The last states beside the first."""
        return []

    def matrix(self, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
        """What each step multiplies by what enters it: (blocks * hidden, inputs + hidden + 1)."""
        joined = np.empty((self.blocks * self.hidden, len(self.entered)), self.dtype)
        joined[:, : self.inputs] = w_ih
        joined[:, self.inputs : -1] = w_hh
        np.add(b_ih, b_hh, joined[:, -1])
        return joined

    def parts(self, whole: Array) -> dict[str, Array]:
        """The gradients of weights and biases, in their own layout, from that of the matrix."""
        w_ih, w_hh, bias = np.split(whole, (self.inputs, -1), 1)
        bias = bias[:, 0]
        return {"w_ih": w_ih, "w_hh": w_hh, "b_ih": bias, "b_hh": bias}

    def by_input(self, w_ih: Array) -> Array:
        """The columns of the matrix that multiply the input, as they would be without halves."""
        return w_ih

    def by_state(self, w_hh: Array) -> Array:
        """The columns of the matrix that multiply the state, without halves, and without last rows that are zero."""
        return w_hh

    def room(self, p: int) -> Array:
        """Where the product of step `p` goes: (blocks * hidden, batch)."""
        raise NotImplementedError

    def shapes(self) -> list[tuple[int, ...]]:
        """Of the arrays that the kind keeps for its way back, and is given by `forth`."""
        return []

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        """``step(p, before, after)`` completes step `p` from its product in `room`: it fills `after`."""
        raise NotImplementedError

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        """``step(p, dh, d)`` fills `d`, the gradient of the product of step `p`, from `dh`, that of its state.

        Its result is what goes past the product to the state before, if anything does. `carried` are gradients of the
        states beside the first; the step turns them from those after it into those before it.
        """
        raise NotImplementedError


class Back:
    """The way back through a run, for one tuple of cotangents.

    Steps are done in groups, so that long sequences need little memory; each adds to the gradients of the weights.

    Attributes:
        found: the gradients by the names of the inputs; that of "x" only if it was wanted.
    """

    def __init__(self, run: Run, g: tuple[Array, ...], w_ih: Array, w_hh: Array, wants_x: bool) -> None:
        hidden, batch, dtype = run.hidden, run.batch, run.dtype
        by_output = run.in_order(g[0]).transpose(0, 2, 1)
        used = _used(by_output)  # often only the last output is
        state, *carried = [np.array(a.T, dtype, order="C") for a in g[1:]]
        rows = run.by_state(w_hh)
        back = np.array(rows.T, dtype, order="C")
        d = np.empty((run.blocks * hidden, batch), dtype)
        through = d[: len(rows)]
        room = np.empty_like(state)
        size = max(1, min(run.steps, _GROUP // max(d.size, 1)))
        group = np.empty((len(d), size, batch), dtype)  # the gradients of the products of some steps
        places = group.transpose(1, 0, 2)
        whole = np.zeros((len(d), len(run.entered)), dtype)
        by_x = np.empty((run.steps, batch, run.inputs), dtype) if wants_x else None
        of_input = run.by_input(w_ih).astype(dtype, copy=False)
        step = run.back(carried)
        for stop in range(run.steps, 0, -size):
            start = max(stop - size, 0)
            for p in range(stop - 1, start - 1, -1):
                dh = state
                if used[p]:
                    dh = np.add(state, by_output[p], room)
                if run.ended is not None:
                    dh = dh.copy() if dh is state else dh
                    ended = run.ended[p]
                    held = [np.where(ended, a, 0) for a in (state, *carried)]
                    for a in (dh, *carried):
                        np.copyto(a, 0, where=ended)
                past = step(p, dh, d)
                places[p - start] = d
                np.dot(back, through, state)
                if past is not None:
                    np.add(state, past, state)
                if run.ended is not None:
                    for a, kept in zip((state, *carried), held, strict=True):
                        np.add(a, kept, a)
            products = group[:, : stop - start].reshape(len(d), -1)
            entered = run.entered[:, start:stop].reshape(len(run.entered), -1)
            whole += products.dot(entered.T)
            if by_x is not None:
                np.matmul(products.T, of_input, by_x[start:stop].reshape(-1, run.inputs))
        self.found = {**run.parts(whole), "h": state.T}
        if carried:
            self.found["c"] = carried[0].T
        if by_x is not None:
            self.found["x"] = run.in_order(by_x)
