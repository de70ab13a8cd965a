"""Batches made ahead of time in a thread; NumPy releases the interpreter while it copies and computes."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["ahead"]

_END = object()


def ahead(batches: Iterator[Any], depth: int) -> Iterator[Any]:
    """The same batches, up to `depth` of them made before they are asked for.

    The thread starts with the first batch, and has ended when the iterator is used up, closed or forgotten. An
    exception in it comes out here, with its traceback.
    """
    ready: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(target=_fill, args=(batches, ready, stop), name="grad-data prefetch", daemon=True)
    thread.start()
    try:
        while True:
            batch, error = ready.get()
            if error is not None:
                raise error
            if batch is _END:
                return
            yield batch
    finally:
        stop.set()
        while True:  # whoever waits for room goes on, and sees that it is to stop
            try:
                ready.get_nowait()
            except queue.Empty:
                break
        if threading.current_thread() is not thread:  # the garbage collector may run anywhere
            thread.join()


def _fill(batches: Iterator[Any], ready: "queue.Queue[Any]", stop: threading.Event) -> None:
    try:
        for batch in batches:
            if stop.is_set():
                return
            ready.put((batch, None))
            if stop.is_set():
                return
        ready.put((_END, None))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to whoever waits for the batch
        ready.put((None, error))
