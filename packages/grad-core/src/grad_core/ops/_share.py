"""Work shared by all cores: a few threads, started when first needed, that take parts of what one call has to do.

NumPy lets go of the interpreter in its loops and products, so threads run at once. Waking one takes about 40 µs, so
sharing pays from about 150 µs on.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any

__all__ = ["WORKERS", "share"]

_Job = Callable[[], None]


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


WORKERS = min(_cores(), 4)  # beyond that memory, not cores, is what is short

_taken = threading.Lock()  # held by the thread whose work is shared now; others do theirs alone meanwhile
_queues: list[SimpleQueue[_Job]] = []


def _serve(queue: SimpleQueue[_Job]) -> None:
    while True:
        queue.get()()


def _forget() -> None:
    """A forked process has none of the threads, and the lock may be held for ever."""
    global _taken
    _taken = threading.Lock()
    _queues.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def share(work: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """``[work(part) for part in parts]``, at most `WORKERS` of them, at once where the threads are free.

    What `work` returns, or the first error that it raises, is the same either way.
    """
    if len(parts) == 1 or not _taken.acquire(blocking=False):
        return [work(part) for part in parts]
    try:
        results: list[Any] = [None] * len(parts)
        errors: list[BaseException | None] = [None] * len(parts)
        done: SimpleQueue[None] = SimpleQueue()

        def job(i: int) -> None:
            try:
                results[i] = work(parts[i])
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                errors[i] = error
            done.put(None)

        while len(_queues) < len(parts) - 1:
            _queues.append(SimpleQueue())
            threading.Thread(target=_serve, args=(_queues[-1],), name="grad_core", daemon=True).start()
        for i in range(1, len(parts)):
            # NumPy's errstate belongs to the context of the caller
            _queues[i - 1].put(partial(contextvars.copy_context().run, job, i))
        job(0)
        for _ in parts:
            done.get()
    finally:
        _taken.release()
    for error in errors:
        if error is not None:
            raise error
    return results
