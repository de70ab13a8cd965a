"""Processes that make batches, and hand them over through shared memory.

Each worker has a pipe of its own: tasks go in, answers come out in the same order. The arrays of a batch lie in a block
of memory that all processes see, one slot for each task on its way; only their shapes go through the pipe. The first
answer of all goes through the pipe whole, and tells how large a slot has to be. Nothing outlives the parent: a worker
ends when its pipe or its parent does, and the block is removed when the pool is closed, collected, or the program ends.
"""

import contextlib
import multiprocessing
import os
import secrets
import signal
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from multiprocessing.shared_memory import SharedMemory
from pickle import PicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pool"]

_ALIGN = 64
_PATIENCE = 2.0  # seconds that a worker gets to finish its task before it is ended

# The parent's ends of all pipes. A forked worker has a copy of each, and while it is open the worker at the other end
# does not learn that the parent has closed its own.
_ENDS: "weakref.WeakSet[Connection[Any, Any]]" = weakref.WeakSet()


@dataclass(frozen=True)
class _Slot:
    block: str
    start: int
    size: int


@dataclass(frozen=True)
class _Place:
    """Where an array lies in a slot."""

    start: int
    shape: tuple[int, ...]
    dtype: Any


@dataclass
class _Worker:
    process: Any
    pipe: "Connection[Any, Any]"
    tasks: deque[tuple[int, _Slot | None]]  # sent and not answered yet: the ticket, and where the answer will lie


class Pool:
    """Workers that call `fetch` with what they are given.

    Args:
        fetch: goes to every worker once.
        count: how many workers.
        context: how to start them: "spawn", "forkserver" or "fork".
        ahead: how many tasks are on their way at most, which is how many slots there are.

    Raises:
        TypeError: `fetch` cannot be sent to another process.
    """

    def __init__(self, fetch: Callable[..., Any], count: int, context: str, ahead: int) -> None:
        self._workers: list[_Worker] = []
        self._blocks: dict[str, SharedMemory] = {}
        self._close = weakref.finalize(self, _close, self._workers, self._blocks, os.getpid())
        self._ahead = ahead
        self._slot_size = 0
        self._free: list[_Slot] = []
        self._answers: dict[int, tuple[Any, BaseException | None]] = {}
        self._forgotten: set[int] = set()
        self._tickets = 0
        try:
            self._start(fetch, count, context)
        except BaseException:
            self._close()
            raise

    @property
    def closed(self) -> bool:
        """Whether the workers have been ended."""
        return not self._close.alive

    def close(self) -> None:
        """End the workers and give the memory back; more than once does no harm."""
        self._close()

    def _start(self, fetch: Callable[..., Any], count: int, context: str) -> None:
        resource_tracker.ensure_running()  # before a fork, so that the workers share it
        maker = multiprocessing.get_context(context)
        for number in range(count):
            ours, theirs = maker.Pipe()
            _ENDS.add(ours)
            process = maker.Process(  # type: ignore[attr-defined]  # every context has it
                target=_work, args=(theirs, fetch), name=f"grad-data worker {number}", daemon=True
            )
            try:
                with _without_interrupts():
                    process.start()
            except (AttributeError, TypeError, PicklingError) as error:
                ours.close()
                raise TypeError(
                    f"the data set, collate_fn or transform cannot be sent to a worker process: {error}. Use functions "
                    "and classes of a module instead of lambdas and local ones, or workers=0 with prefetch"
                ) from error
            finally:
                theirs.close()
            self._workers.append(_Worker(process, ours, deque()))

    def submit(self, *task: Any) -> int:
        """Send a task; returns a ticket for its result."""
        ticket = self._tickets
        self._tickets += 1
        worker = self._workers[ticket % len(self._workers)]
        slot = self._free.pop() if self._free else None
        worker.tasks.append((ticket, slot))
        try:
            worker.pipe.send((task, slot))
        except OSError:
            raise self._died(worker) from None
        return ticket

    def result(self, ticket: int) -> Any:
        """Wait for a result; an exception in the worker is raised, with the worker's traceback as a note."""
        while ticket not in self._answers:
            self._receive(self._workers[ticket % len(self._workers)])
        batch, error = self._answers.pop(ticket)
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a circle, and the pool in it
        return batch

    def forget(self, ticket: int) -> None:
        """Throw a result away when it comes."""
        if self._answers.pop(ticket, None) is None:
            self._forgotten.add(ticket)

    def _receive(self, worker: _Worker) -> None:
        wait([worker.pipe, worker.process.sentinel])
        try:
            if not worker.pipe.poll():
                raise EOFError
            batch, needed, error, text = worker.pipe.recv()
        except (EOFError, OSError):
            raise self._died(worker) from None
        ticket, slot = worker.tasks.popleft()
        if text:
            if error is None:
                error = RuntimeError("a worker of the DataLoader failed")
            error.add_note(f"in {worker.process.name}:\n{text}")
        elif slot is not None and ticket not in self._forgotten:
            batch = _unpacked(batch, self._blocks[slot.block], slot.start)
        self._recycle(slot, needed)
        if ticket in self._forgotten:
            self._forgotten.remove(ticket)
        else:
            self._answers[ticket] = (batch, error)

    def _recycle(self, slot: _Slot | None, needed: int) -> None:
        """Keep a slot for the next task; where batches have outgrown them, make a block with larger ones."""
        if needed > self._slot_size:
            self._slot_size = -(-needed * 5 // 4 // _ALIGN) * _ALIGN
            name = f"grad-{os.getpid()}-{secrets.token_hex(4)}"  # so that it is seen whose it is
            block = SharedMemory(name, create=True, size=self._slot_size * self._ahead)
            self._blocks[block.name] = block
            self._free = [_Slot(block.name, i * self._slot_size, self._slot_size) for i in range(self._ahead)]
        elif slot is not None and slot.size == self._slot_size:
            self._free.append(slot)
        used = {s.block for w in self._workers for _, s in w.tasks if s} | {s.block for s in self._free}
        for name in [name for name in self._blocks if name not in used and len(self._blocks) > 1]:
            if slot is None or self._slot_size != slot.size:
                _remove(self._blocks.pop(name))

    def _died(self, worker: _Worker) -> RuntimeError:
        worker.process.join(_PATIENCE)
        code = worker.process.exitcode
        self.close()
        return RuntimeError(
            f"{worker.process.name if code is None else 'a worker of the DataLoader'} ended with exit code {code}: it "
            "was killed (for want of memory?), or could not start; a script that uses workers needs "
            "`if __name__ == '__main__':` around what it does"
        )


def _close(workers: list[_Worker], blocks: dict[str, SharedMemory], owner: int) -> None:
    if os.getpid() != owner:  # a copy in a forked process: workers and memory are its parent's
        return
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.pipe.close()  # which a waiting worker takes as the end
    for worker in workers:
        worker.process.join(_PATIENCE)
        for end in (worker.process.terminate, worker.process.kill):
            if worker.process.is_alive():
                end()
                worker.process.join(_PATIENCE)
        worker.process.close()
    workers.clear()
    while blocks:
        _remove(blocks.popitem()[1])


def _remove(block: SharedMemory) -> None:
    block.close()
    with contextlib.suppress(FileNotFoundError):
        block.unlink()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process started in here never sees Ctrl-C, which is the parent's: it ends its workers itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- in the worker ---


def _work(pipe: "Connection[Any, Any]", fetch: Callable[..., Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for end in list(_ENDS):  # none where the process has not been forked
        end.close()
    parent = multiprocessing.parent_process()
    watched: list[Any] = [pipe] if parent is None else [pipe, parent.sentinel]
    block: SharedMemory | None = None
    with contextlib.suppress(EOFError, OSError):  # the parent has closed the pipe, or ended
        while pipe in wait(watched):
            task, slot = pipe.recv()
            if slot is not None and (block is None or block.name != slot.block):
                if block is not None:
                    block.close()
                block = SharedMemory(slot.block)
            try:
                batch = fetch(*task)
                packed, needed = _packed(batch, block, slot)
                pipe.send((packed, needed, None, ""))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the parent
                pipe.send((None, 0, _sendable(error), traceback.format_exc()))
    if block is not None:
        block.close()


def _sendable(error: Exception) -> Exception | None:
    """The exception, if it survives the way."""
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:  # noqa: BLE001 - classes of the user's can fail in any way
        return None
    return error


def _packed(batch: Any, block: SharedMemory | None, slot: _Slot | None) -> tuple[Any, int]:
    """The batch with its arrays moved to the slot, if they fit, and how many bytes they need."""
    arrays: list[NDArray[Any]] = []

    def listed(array: NDArray[Any]) -> Any:
        if array.dtype.hasobject:
            return array
        arrays.append(array)
        return array

    _mapped(batch, np.ndarray, listed)
    needed = sum(-(-array.nbytes // _ALIGN) * _ALIGN for array in arrays)
    if block is None or slot is None or needed > slot.size:
        return batch, needed
    memory, base, start = block.buf, slot.start, 0

    def moved(array: NDArray[Any]) -> Any:
        nonlocal start
        if array.dtype.hasobject:
            return array
        place = _Place(start, array.shape, array.dtype)
        np.ndarray(array.shape, array.dtype, memory, base + start)[...] = array
        start += -(-array.nbytes // _ALIGN) * _ALIGN
        return place

    return _mapped(batch, np.ndarray, moved), needed


def _unpacked(batch: Any, block: SharedMemory, start: int) -> Any:
    """The batch with copies of its arrays in place of where they lie."""

    def copied(place: _Place) -> NDArray[Any]:
        return np.ndarray(place.shape, place.dtype, block.buf, start + place.start).copy()

    return _mapped(batch, _Place, copied)


def _mapped(batch: Any, kind: type, function: Callable[[Any], Any]) -> Any:
    """The same tuples, lists and dicts, with `function` applied to everything of a kind in them."""
    if isinstance(batch, kind):
        return function(batch)
    if type(batch) in (tuple, list):
        return type(batch)(_mapped(entry, kind, function) for entry in batch)
    if type(batch) is dict:
        return {key: _mapped(entry, kind, function) for key, entry in batch.items()}
    return batch
