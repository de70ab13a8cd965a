"""Parameters as views of one array, and the walk over that array in pieces that fit into the cache.

A step over a network is a dozen NumPy calls per array. With one array per parameter, small networks pay for the calls;
with one pass after the other over everything, large networks pay for memory. So all parameters of a group and dtype lie
one after the other in one array, their states in arrays of the same layout, and an update sees pieces of at most
`LIMIT` bytes with scratch memory that is there already.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from grad_core import Tensor

__all__ = ["FLUSH_EVERY", "LIMIT", "Flat", "Run"]

Array = np.ndarray[Any, Any]
# which gradient, which part of it, and where in the buffer that belongs: the first element and the shape
Part = tuple[int, Any, int, tuple[int, ...]]

# Bytes of a piece. With smaller ones, the calls cost more than what the nearest cache saves: with 32, 64, 128 and 180
# thousand numbers in a piece, a step of Adam over 700,000 took 1,245, 1,198, 1,161 and 1,155 us on one core with 1 MiB
# of cache, and 884, 875, 789 and 782 us on two, which wait for the interpreter between calls. With larger ones, the
# five arrays of a step leave a cache of 2 MiB: there 64, 96 and 128 thousand took 952, 905 and 910 us on two cores, and
# over the 100,000 numbers of a small network, on one, 190, 200 and 225 us.
LIMIT = 3 << 17
# Bytes of parameters from which on a second thread is asked for help. It needs some 50 us to wake.
WORTH_HELP = 1 << 20
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
        "_cells", "_decay", "_dtype", "_floor", "_pieces", "_sign", "_turns", "_whole", "first", "grads", "last",
        "scalars", "step",
    )  # fmt: skip

    grads: Sequence[Any]
    scalars: dict[str, float]

    def __init__(self, flat: "Flat", first: int, last: int, lane: int = 0) -> None:
        self.first = first
        self.last = last
        self.step = 0
        self.grads = ()
        self.scalars = {}
        self._dtype = flat.dtype  # not the Flat itself, which has this Run: there are no reference cycles
        self._floor = flat.floor
        self._cells: tuple[Array, ...] = ()
        self._pieces = [] if flat.whole else [_views(flat, lane, *piece) for piece in _pieces(flat, first, last)]
        self._turns: deque[Any] | None = None  # the pieces that nobody has taken yet, where two threads share them
        self._whole = [_whole_views(flat, k) for k in range(first, last)] if flat.whole else []
        self._decay = np.zeros((), flat.dtype)
        self._sign = 1

    def prepare(self, grads: Sequence[Any], step: int, decay: float, maximize: bool) -> None:
        """Take the gradients, one array per parameter of the whole Flat, and the options of this step."""
        self.grads = grads
        self.step = step
        self._sign = -1 if maximize else 1
        self._decay[()] = decay
        self._turns = None

    def share(self, twin: "Run") -> bool:
        """Share the pieces with another run over the same parameters; False where there is only one piece."""
        count = len(self._pieces)
        if count < 2:
            return False
        twin.grads = self.grads
        twin.step = self.step
        twin.scalars = dict(self.scalars)
        twin._sign = self._sign
        twin._decay[()] = self._decay
        self._turns = twin._turns = deque(range(count))
        return True

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
        for p, states, scratch, buffer, parts, narrow in self._taken():
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

    def _taken(self) -> Iterable[Any]:
        """All pieces; or, where they are shared, one after the other of those that are left."""
        turns = self._turns
        return self._pieces if turns is None else _next_pieces(self._pieces, turns)


def _next_pieces(pieces: Sequence[Any], turns: "deque[int]") -> Iterator[Any]:
    while turns:
        try:
            turn = turns.popleft()
        except IndexError:  # the other thread took the last one in between
            return
        yield pieces[turn]


class Lane:
    """The memory that one thread works in: scratch arrays, the gradients of a piece, and its parameters widened."""

    __slots__ = ("buffer", "scratch", "wide")

    def __init__(self, length: int, dtype: np.dtype[Any], scratch: int, widens: bool) -> None:
        self.wide = np.empty(length, dtype) if widens else None
        self.buffer = np.empty(length, dtype)
        self.scratch = [np.empty(length, dtype) for _ in range(scratch)]


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
        self.widens = narrow != self.dtype
        self.lanes = [Lane(length, self.dtype, scratch, self.widens)]
        self.names: tuple[str, ...] = ()
        self.states: dict[str, Array] = {}
        self.factors: dict[str, float] = {}
        self.steps = [0] * len(params)
        self._starts = dict(scalars)
        self.scalars = {name: [value] * len(params) for name, value in scalars.items()}
        self.floor = 0.0 if self.widens else float(np.finfo(self.dtype).tiny) * _MARGIN
        self._even = True  # all steps are equal
        self._runs: dict[tuple[int, int, int], Run] = {}
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
            run = self._run(first, last, 0)
            run.prepare(grads, step, decay, maximize)
            run.scalars = {name: values[first] for name, values in self.scalars.items()}
            runs.append(run)
        return runs

    def _run(self, first: int, last: int, lane: int) -> Run:
        """The run of these parameters in this lane, kept for the next step."""
        run = self._runs.get((first, last, lane))
        if run is None:
            run = self._runs[first, last, lane] = Run(self, first, last, lane)
        return run

    def twin(self, run: Run) -> Run | None:
        """A run for a second thread that shares the pieces of this one, with memory of its own; None if it is small."""
        if self.whole or (self.offsets[run.last] - self.offsets[run.first]) * self.dtype.itemsize < WORTH_HELP:
            return None
        if len(self.lanes) == 1:
            first = self.lanes[0]
            self.lanes.append(Lane(first.buffer.size, self.dtype, len(first.scratch), self.widens))
        twin = self._run(run.first, run.last, 1)
        return twin if run.share(twin) else None

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
            parts.append((k, index, stop - start, block))
            stop += size
    yield start, stop, parts


def _views(flat: Flat, lane: int, start: int, stop: int, parts: list[Part]) -> tuple[Any, ...]:
    """What the walk needs of one piece: (p, states, scratch, buffer, parts, parameters of a narrower dtype or None).

    Of each part, there is which gradient, which part of it, and the view of the buffer where that belongs.
    """
    size = stop - start
    memory = flat.lanes[lane]
    buffer = memory.buffer[:size]
    places = [(k, index, buffer[at : at + math.prod(shape)].reshape(shape)) for k, index, at, shape in parts]
    p = flat.data[start:stop]
    states = tuple([flat.states[name][start:stop] for name in flat.names])
    scratch = tuple([array[:size] for array in memory.scratch])
    wide = None if memory.wide is None else memory.wide[:size]
    return p if wide is None else wide, states, scratch, buffer, places, None if wide is None else p


def _whole_views(flat: Flat, k: int) -> tuple[Any, ...]:
    """What the walk needs of one parameter: (p, states, scratch, buffer, parameter of a narrower dtype or None)."""
    shape, size = flat.params[k].shape, flat.params[k].size
    states = tuple([flat.read(k)[name] for name in flat.names])
    memory = flat.lanes[0]
    scratch = tuple([array[:size].reshape(shape) for array in memory.scratch])
    wide = None if memory.wide is None else memory.wide[:size].reshape(shape)
    buffer = memory.buffer[:size].reshape(shape)
    p = flat.views[k]
    return p if wide is None else wide, states, scratch, buffer, None if wide is None else p


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
