"""A lock on a folder against other processes and threads.

The operating system holds the lock, not the existence of a file: when a process dies, its lock is gone, so there is no
stale lock to recover from. The lock file itself stays; it is empty, and its modification time shows life.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grad_data._errors import DownloadError

__all__ = ["locked"]

_POLL = 0.05  # seconds between two attempts at a lock that somebody else holds
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}

if sys.platform == "win32":
    import msvcrt

    def _acquire(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

elif sys.platform == "emscripten":

    def _acquire(descriptor: int) -> None:
        """Python in a browser has its files to itself, and no fcntl."""

else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, patience: float) -> Iterator[Callable[[], None]]:
    """Hold the lock file `path`; yields a function with which the holder shows that it is alive.

    Waits for another holder as long as that one shows life. Where the file system has no locks at all the body runs
    without one: files are replaced atomically, so the worst outcome is a second download.

    Args:
        path: the lock file, made if needed, in a folder that exists.
        patience: seconds without a sign of life after which waiting ends.

    Raises:
        DownloadError: the holder neither finished nor showed life for `patience` seconds.
        OSError: the lock file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait(descriptor, path, patience)
        _show_life(path)
        yield lambda: _show_life(path)
    finally:
        os.close(descriptor)  # which also releases the lock


def _show_life(path: Path) -> None:
    with suppress(OSError):  # a courtesy to those who wait, never a reason to fail
        os.utime(path)


def _wait(descriptor: int, path: Path, patience: float) -> None:
    last_sign = os.fstat(descriptor).st_mtime_ns
    since = time.monotonic()
    while True:
        try:
            _acquire(descriptor)
        except OSError as error:
            if error.errno not in _BUSY:
                return  # no locks here (some network file systems)
        else:
            return
        sign = os.fstat(descriptor).st_mtime_ns
        if sign != last_sign:
            last_sign = sign
            since = time.monotonic()
        if time.monotonic() - since > patience:
            raise DownloadError(
                f"another process has held {path} for {patience:.0f} s without any progress. "
                "It seems to be stopped: end it, then try again."
            )
        time.sleep(_POLL)
