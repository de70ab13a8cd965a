"""A second thread that takes a share of large updates: NumPy lets go of the interpreter while it computes.

There is at most one such thread in a process. It is started when first wanted and then sleeps between jobs. A job
that it has not begun when the caller is done is taken back, so a busy second core delays nobody.
"""

import contextvars
import functools
import os
import queue
import threading
from collections.abc import Callable

__all__ = ["threads", "with_help"]

# Who has told NumPy's BLAS to keep to one thread has said how much of the machine this process may use.
SETTINGS = ("GRAD_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Work = Callable[[], None]


class _Job:
    """One call for the helper: whoever acquires `claim` runs it, and `done` is released when it has been run."""

    __slots__ = ("claim", "context", "done", "error", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.context = contextvars.copy_context()  # np.errstate is part of it
        self.claim = threading.Lock()
        self.done = threading.Lock()
        self.done.acquire()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Run it if nobody has claimed it; an exception is kept for the caller."""
        if self.claim.acquire(blocking=False):
            try:
                self.context.run(self.work)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that gave the job
                self.error = error
            self.done.release()


_jobs: queue.SimpleQueue[_Job] | None = None
_starting = threading.Lock()


def _serve(jobs: queue.SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().run()


def _queue() -> queue.SimpleQueue[_Job]:
    """The queue of the helper, which is started if it does not run yet."""
    global _jobs
    with _starting:
        if _jobs is None:
            _jobs = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(_jobs,), name="grad_optim", daemon=True).start()
        return _jobs


def _forget() -> None:
    """In a forked process, where no other thread lives on: start anew when wanted."""
    global _jobs, _starting
    _jobs = None
    _starting = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@functools.cache
def threads() -> int:
    """How many threads an update may use: 2, or 1 on a single core or where the environment asks for it.

    The first that is set counts: ``GRAD_NUM_THREADS``, ``OMP_NUM_THREADS``, ``OPENBLAS_NUM_THREADS``. They are read
    once.
    """
    for name in SETTINGS:
        value = os.environ.get(name, "")
        if value.isdecimal() and int(value) > 0:
            return min(int(value), 2)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 2)


def with_help(work: Work, share: Work) -> None:
    """Call ``work()`` here and, if the helper gets to it before that is done, ``share()`` there; return after both.

    The two divide between them what is to be done, so it is all done even if the helper never begins. What either
    raises is raised here.
    """
    job = _Job(share)
    _queue().put(job)
    try:
        work()
    finally:
        if not job.claim.acquire(blocking=False):  # it has begun
            job.done.acquire()
    if job.error is not None:
        raise job.error
