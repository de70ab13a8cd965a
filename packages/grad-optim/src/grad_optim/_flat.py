"""Parameters as views of one array, and the walk over that array in pieces that fit into the cache.

A step over a network is a dozen NumPy calls per array. With one array per parameter, small networks pay for the calls;
with one pass after the other over everything, large networks pay for memory. So all parameters of a group and dtype lie
one after the other in one array, their states in arrays of the same layout, and an update sees pieces of at most
`LIMIT` bytes with scratch memory that is there already.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from grad_core import Tensor

__all__ = ["FLUSH_EVERY", "LIMIT", "Flat", "Run"]

Array = np.ndarray[Any, Any]
Part = tuple[int, Any, Array]  # which gradient, which part of it, and where in the buffer that belongs

# Bytes of a piece. The parameters, gradients, states and scratch of one, some five arrays, about fill a cache of 1 MiB;
# the calls of smaller pieces cost more than a smaller cache does.
LIMIT = 1 << 18
# A state whose gradient stays 0 decays towards the denormal range, and there arithmetic takes up to ten times as long:
# for ever, since 0.9 times the smallest denormal rounds to itself. So what is within 2**20 of that range becomes 0.
# Between two looks a state must not fall through these 2**20: 0.65**32 is 2**-20, and factors below 0.5 reach 0 by
# themselves.
FLUSH_EVERY = 32
_MARGIN = 2.0**20
_NOTHING: Mapping[str, float] = {}


class Run:
    """Consecutive parameters that take a step together: iterate for the pieces, and change `p` and the states in place.

    Each item is ``(p, g, states, scratch)``: the parameters, their gradients (to be read only; weight decay and the
    sign for `maximize` are in them), a tuple of state arrays, in the order of the names, and a tuple of scratch arrays.
    All are 1-D and of the same length. ``step`` is 1 at the first update of these parameters. ``scalars`` holds, by
    name, single numbers that belong to the state of each of these parameters, and are the same for all of them; an
    update may replace them.
    """

    __slots__ = (
        "_cells", "_decay", "_dtype", "_floor", "_pieces", "_sign", "_whole", "first", "grads", "last", "scalars",
        "step",
    )  # fmt: skip

    grads: Sequence[Any]
    scalars: dict[str, float]

    def __init__(self, flat: "Flat", first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.step = 0
        self.grads = ()
        self.scalars = {}
        self._dtype = flat.dtype  # not the Flat itself, which has this Run: there are no reference cycles
        self._floor = flat.floor
        self._cells: tuple[Array, ...] = ()
        self._pieces = [] if flat.whole else [_views(flat, *piece) for piece in _pieces(flat, first, last)]
        self._whole = [_whole_views(flat, k) for k in range(first, last)] if flat.whole else []
        self._decay = np.zeros((), flat.dtype)
        self._sign = 1

    def prepare(self, grads: Sequence[Any], step: int, decay: float, maximize: bool) -> None:
        """Take the gradients, one array per parameter of the whole Flat, and the options of this step."""
        self.grads = grads
        self.step = step
        self._sign = -1 if maximize else 1
        self._decay[()] = decay

    def numbers(self, *values: float) -> tuple[Array, ...]:
        """The numbers as 0-d arrays of the dtype of the states; they hold until the next call.

        NumPy takes these in less than half the time of Python floats, and a float64 from elsewhere, say a learning rate
        computed with NumPy, cannot turn the arithmetic of float32 arrays into that of float64.
        """
        if len(self._cells) != len(values):
            self._cells = tuple([np.empty((), self._dtype) for _ in values])
        for cell, value in zip(self._cells, values, strict=True):
            cell[()] = value
        return self._cells

    def parameters(self) -> Iterator[tuple[Array, Array, tuple[Array, ...], tuple[Array, ...]]]:
        """Like iteration, but one parameter after the other, each whole and in its shape; needs ``pieces = False``."""
        decays = self._decay != 0
        flush = self._floor > 0 and self.step % FLUSH_EVERY == 0
        for k, (p, states, scratch, buffer, narrow) in enumerate(self._whole, self.first):
            if narrow is not None:
                p[...] = narrow
            g = self.grads[k]
            if self._sign < 0 or decays or g.dtype != self._dtype:
                buffer[...] = g
                g = buffer
                if self._sign < 0:
                    np.negative(g, g)
                if decays:
                    np.multiply(p, self._decay, scratch[0])
                    np.add(g, scratch[0], g)
            yield p, g, states, scratch
            if narrow is not None:
                narrow[...] = p
            if flush:
                self._flush(states, scratch[0])

    def _flush(self, states: tuple[Array, ...], scratch: Array) -> None:
        for state in states:
            small = np.abs(state, scratch) < self._floor
            if small.any():
                state[small] = 0

    def __iter__(self) -> Iterator[tuple[Array, Array, tuple[Array, ...], tuple[Array, ...]]]:
        grads = self.grads
        sign = self._sign
        decays = self._decay != 0
        dtype = self._dtype
        flush = self._floor > 0 and self.step % FLUSH_EVERY == 0
        for p, states, scratch, buffer, parts, narrow in self._pieces:
            if narrow is not None:
                p[...] = narrow
            g = buffer
            for k, index, place in parts:
                part = grads[k] if index is None else grads[k][index]
                if part.size == buffer.size and part.dtype == dtype and part.flags.c_contiguous:
                    g = part.reshape(-1)  # the whole piece as it lies in memory: nothing to copy
                else:
                    place[...] = part
            if sign < 0:
                g = np.negative(g, buffer)
            if decays:
                np.multiply(p, self._decay, scratch[0])
                g = np.add(g, scratch[0], buffer)
            yield p, g, states, scratch
            if narrow is not None:
                narrow[...] = p
            if flush:
                self._flush(states, scratch[0])


class Flat:
    """Parameters of one dtype as views of one array, with states of the same layout.

    Args:
        params: tensors of one floating dtype. Their arrays are replaced by views.
        scratch: how many scratch arrays an update wants, at least 1.
        whole: whether an update sees parameters one by one and not pieces.
        scalars: names of the single numbers in the state of each parameter, with their values at the start.

    Attributes:
        dtype: of states and arithmetic: that of the parameters, but float32 for float16, whose range is too small for
            squares of gradients.
        states: by name, one array for all parameters.
        factors: by name: the state as the formula has it is ``factor * states[name]``.
        steps: per parameter, the updates that its states have seen.
        scalars: by name, one number per parameter.
        floor: states of smaller magnitude become 0 every `FLUSH_EVERY` steps; 0 for float16, which has no slow range.
    """

    def __init__(
        self, params: Sequence[Tensor], scratch: int, whole: bool = False, scalars: Mapping[str, float] = _NOTHING
    ) -> None:
        self.params = list(params)
        self.whole = whole
        narrow = params[0].dtype
        self.dtype = np.dtype(np.float32) if narrow.itemsize == 2 else narrow
        self.offsets = [0]
        for p in params:
            self.offsets.append(self.offsets[-1] + p.size)
        self.data = np.empty(self.offsets[-1], narrow)
        self.views = [
            self.data[start : start + p.size].reshape(p.shape)
            for p, start in zip(params, self.offsets[:-1], strict=True)
        ]
        self.limit = LIMIT // self.dtype.itemsize
        length = max(p.size for p in params) if whole else min(self.limit, self.data.size)
        self.wide = np.empty(length, self.dtype) if narrow != self.dtype else None
        self.buffer = np.empty(length, self.dtype)
        self.scratch = [np.empty(length, self.dtype) for _ in range(scratch)]
        self.names: tuple[str, ...] = ()
        self.states: dict[str, Array] = {}
        self.factors: dict[str, float] = {}
        self.steps = [0] * len(params)
        self._starts = dict(scalars)
        self.scalars = {name: [value] * len(params) for name, value in scalars.items()}
        self.floor = 0.0 if self.wide is not None else float(np.finfo(self.dtype).tiny) * _MARGIN
        self._even = True  # all steps are equal
        self._runs: dict[tuple[int, int], Run] = {}
        self._bound = list(zip(self.params, self.views, strict=True))
        self.follow()

    def follow(self) -> bool:
        """Make parameters whose array somebody replaced views again, with the new values; False if a dtype changed."""
        for p, view in self._bound:
            if p.data is not view:
                if p.data.dtype != view.dtype:
                    return False
                view[...] = p.data
                p.data = view
        return True

    def keep(self, names: tuple[str, ...], factors: Mapping[str, float]) -> None:
        """Have these states, new ones filled with 0, and those converted whose factor is another one now."""
        if names != self.names:
            self.names = names
            self._runs.clear()
        for name in names:
            factor = factors.get(name, 1.0)
            before = self.factors.get(name)
            if before is None:
                self.states[name] = np.zeros(self.data.size, self.dtype)
            elif before != factor:
                self.states[name] *= before / factor
            self.factors[name] = factor

    def forget(self) -> None:
        """Go back to the beginning: no states, no steps."""
        self.names = ()
        self.states.clear()
        self.factors.clear()
        self.steps = [0] * len(self.params)
        self.scalars = {name: [value] * len(self.params) for name, value in self._starts.items()}
        self._even = True
        self._runs.clear()

    def runs(self, decay: float, maximize: bool) -> list[Run]:
        """The parameters that have a gradient, in runs of equal steps, which go up by one where there are states."""
        grads: list[Array | None] = []
        full = True
        for p in self.params:
            g = p.grad
            if g is None:
                full = False
                grads.append(None)
            else:
                grads.append(g.data)
        count = len(grads)
        more = 1 if self.names else 0
        if full and self._even and not self.scalars:
            spans = [(0, count, self.steps[0] + more)]
            self.steps = [self.steps[0] + more] * count
        else:
            spans = _spans(grads, self.steps, more, list(zip(*self.scalars.values(), strict=True)))
            self.steps = [n if g is None else n + more for g, n in zip(grads, self.steps, strict=True)]
            self._even = len(set(self.steps)) == 1
        runs = []
        for first, last, step in spans:
            run = self._runs.get((first, last))
            if run is None:
                run = self._runs[first, last] = Run(self, first, last)
            run.prepare(grads, step, decay, maximize)
            run.scalars = {name: values[first] for name, values in self.scalars.items()}
            runs.append(run)
        return runs

    def begin(self, run: Run, values: Mapping[str, float]) -> None:
        """Give the states of parameters before their first update other values than 0."""
        for name, value in values.items():
            self.states[name][self.offsets[run.first] : self.offsets[run.last]] = value / self.factors[name]

    def finish(self, run: Run) -> None:
        """Keep the single numbers that an update has set."""
        for name, values in self.scalars.items():
            values[run.first : run.last] = [run.scalars[name]] * (run.last - run.first)

    def read(self, k: int) -> dict[str, Array]:
        """The states of one parameter as they are kept: views, of its shape."""
        shape = self.params[k].shape
        return {name: a[self.offsets[k] : self.offsets[k + 1]].reshape(shape) for name, a in self.states.items()}

    def read_scalars(self, k: int) -> dict[str, float]:
        """The single numbers in the state of one parameter."""
        return {name: values[k] for name, values in self.scalars.items()}

    def write(
        self,
        k: int,
        step: int,
        states: Mapping[str, Array],
        factors: Mapping[str, float],
        scalars: Mapping[str, float] = _NOTHING,
    ) -> None:
        """Set the step and states of one parameter, kept with these factors, which are the same for all."""
        for name, value in scalars.items():
            self.scalars[name][k] = value
        for name, array in states.items():
            if name not in self.states:
                self.states[name] = np.zeros(self.data.size, self.dtype)
                self.factors[name] = factors.get(name, 1.0)
            self.read(k)[name][...] = array
        self.steps[k] = step
        self._even = len(set(self.steps)) == 1


def _spans(
    grads: Sequence[Any], steps: Sequence[int], more: int, scalars: Sequence[tuple[float, ...]]
) -> list[tuple[int, int, int]]:
    """(first, last, step) of each run of neighbours that have a gradient, and the same step count and scalars."""
    spans: list[tuple[int, int, int]] = []
    for k, g in enumerate(grads):
        if g is None:
            continue
        step = steps[k] + more
        alike = bool(spans) and spans[-1][1:] == (k, step) and (not scalars or scalars[k - 1] == scalars[k])
        if alike:
            spans[-1] = (spans[-1][0], k + 1, step)
        else:
            spans.append((k, k + 1, step))
    return spans


def _pieces(flat: Flat, first: int, last: int) -> Iterator[tuple[int, int, list[Part]]]:
    """Cut the memory of some parameters into pieces of at most `LIMIT` bytes, each of whole blocks of parameters."""
    start = stop = flat.offsets[first]
    parts: list[Part] = []
    for k in range(first, last):
        shape = flat.params[k].shape
        for index in _blocks(shape, flat.limit):
            block = shape if index is None else flat.views[k][index].shape
            size = math.prod(block)
            if stop + size - start > flat.limit:
                yield start, stop, parts
                start, parts = stop, []
            parts.append((k, index, flat.buffer[stop - start : stop - start + size].reshape(block)))
            stop += size
    yield start, stop, parts


def _views(flat: Flat, start: int, stop: int, parts: list[Part]) -> tuple[Any, ...]:
    """What the walk needs of one piece: (p, states, scratch, buffer, parts, parameters of a narrower dtype or None)."""
    size = stop - start
    p = flat.data[start:stop]
    states = tuple([flat.states[name][start:stop] for name in flat.names])
    scratch = tuple([array[:size] for array in flat.scratch])
    wide = None if flat.wide is None else flat.wide[:size]
    return p if wide is None else wide, states, scratch, flat.buffer[:size], parts, None if wide is None else p


def _whole_views(flat: Flat, k: int) -> tuple[Any, ...]:
    """What the walk needs of one parameter: (p, states, scratch, buffer, parameter of a narrower dtype or None)."""
    shape, size = flat.params[k].shape, flat.params[k].size
    states = tuple([flat.read(k)[name] for name in flat.names])
    scratch = tuple([array[:size].reshape(shape) for array in flat.scratch])
    wide = None if flat.wide is None else flat.wide[:size].reshape(shape)
    p = flat.views[k]
    return p if wide is None else wide, states, scratch, flat.buffer[:size].reshape(shape), None if wide is None else p


def _blocks(shape: tuple[int, ...], limit: int) -> Iterator[tuple[Any, ...] | None]:
    """Indices that cut an array into blocks of at most `limit` elements, each without gaps, in C order; None is all."""
    if math.prod(shape) <= limit:
        yield None
        return
    length, rest = shape[0], math.prod(shape[1:])
    if rest > limit:
        for i in range(length):
            for index in _blocks(shape[1:], limit):
                yield (i, *(index or ()))
        return
    count = -(-length // (limit // rest))
    rows = -(-length // count)  # blocks of about equal length
    for i in range(0, length, rows):
        yield (slice(i, i + rows),)
