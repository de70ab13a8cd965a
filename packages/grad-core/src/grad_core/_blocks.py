"""Work on large arrays in blocks that stay in the cache, shared with one more thread.

NumPy computes on one core, and a large temporary array costs more in page faults than in arithmetic. So what takes
several passes over a large array takes them block by block, in small buffers, and a helper thread takes a share of the
blocks: NumPy releases the interpreter while it computes.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

import numpy as np

__all__ = ["BLOCK", "LARGE", "map_blocks", "over_blocks", "repeated"]

Array = np.ndarray[Any, Any]

BLOCK = 1 << 16  # elements: a few float32 buffers of this size fit into the second-level cache
LARGE = 1 << 15  # elements from which blocks pay
_SHARED = 1 << 18  # elements from which a second thread pays


def _keep_freed_memory() -> None:
    """Have the C library of Linux keep up to 64 MiB of what is freed, instead of giving it back after every step.

    It would be asked for again in the next step, page by page, which took a fifth of a Transformer's time. An array of
    32 MiB that is freed unused, and so never was memory, raises what glibc takes for usual sizes (see M_MMAP_THRESHOLD
    in its manual); elsewhere it does nothing.
    """
    np.empty((1 << 25) - (1 << 16), np.uint8)


_keep_freed_memory()


class _Job:
    """Blocks that two threads take in turn until none is left."""

    def __init__(self, work: Callable[[int, int], None], count: int, step: int) -> None:
        self.work = work
        self.count = count
        self.step = step
        self.next = itertools.count().__next__  # one C call, so no two threads get the same number
        self.helping = threading.Lock()  # held while the helper works, and for good once the owner is through
        self.context = contextvars.copy_context()  # np.errstate holds for the helper too
        self.error: BaseException | None = None

    def run(self) -> None:
        """Take blocks until none is left."""
        while (start := self.next() * self.step) < self.count:
            self.work(start, min(start + self.step, self.count))

    def help(self) -> None:
        """The same in the helper, unless it comes too late."""
        if self.helping.acquire(blocking=False):
            try:
                self.context.run(self.run)
            except BaseException as error:  # noqa: BLE001 - raised again by the owner
                self.error = error
            finally:
                self.helping.release()


class _Helper:
    """One daemon thread, started when first needed, and again in a forked process, which does not inherit it."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.process = 0
        self.wanted = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1

    def submit(self, job: _Job) -> None:
        """Offer a job."""
        if self.process != os.getpid():
            self.process = os.getpid()
            self.jobs = SimpleQueue()
            threading.Thread(target=_serve, args=(self.jobs,), name="grad-helper", daemon=True).start()
        self.jobs.put(job)


def _serve(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().help()


_helper = _Helper()


def over_blocks(work: Callable[[int, int], None], count: int, step: int, *, size: int) -> None:
    """Call ``work(start, stop)`` for stretches of at most `step` that cover 0 to `count`, in any order.

    Args:
        work: called from two threads at a time where that pays; stretches do not overlap.
        count: how long the whole is.
        step: how long a stretch is.
        size: how many numbers are worked on, to decide whether a second thread pays.
    """
    job = _Job(work, count, step)
    if size < _SHARED or count <= step or not _helper.wanted:
        job.run()
        return
    _helper.submit(job)
    try:
        job.run()
    finally:
        job.next = itertools.count(count).__next__  # after an error of the owner, no further block
        job.helping.acquire()
    if job.error is not None:
        raise job.error


@lru_cache(maxsize=16)
def _constants(value: float, char: str) -> Array:
    return np.full(BLOCK, value, char)


def repeated(value: float, like: Array) -> Any:
    """`value` in the shape of a block: maximum and minimum are three times quicker with an array than with a number."""
    return value if like.size > BLOCK else _constants(value, like.dtype.char)[: like.size].reshape(like.shape)


def map_blocks(work: Callable[..., None], *arrays: Array) -> Array:
    """A new array filled by ``work(out, *arrays)``, a function of each element, block by block where that pays.

    Args:
        work: writes its result into `out`, which is as long as the arrays; it may be given all or a stretch of them.
        arrays: of one shape and one dtype of floats, which the result has too.
    """
    first = arrays[0]
    out = np.empty_like(first)
    # the same dense layout for all, whatever the order of its axes, makes all the same line of numbers
    if first.size < LARGE or any(x.strides != out.strides for x in arrays):
        work(out, *arrays)
        return out
    line = out.ravel("K")
    lines = [x.ravel("K") for x in arrays]
    over_blocks(
        lambda start, stop: work(line[start:stop], *[x[start:stop] for x in lines]), out.size, BLOCK, size=out.size
    )
    return out
