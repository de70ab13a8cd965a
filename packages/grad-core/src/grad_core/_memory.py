"""Memory that is freed stays with the process, so that the next step finds it there.

The C library of Linux gives every large array back to the system when it is freed, and gets each page of the next one
anew, zeroed: for arrays over about a megabyte that costs several times the arithmetic on them, in every step of a
training. Here it is told to keep what it has. See docs/decisions/0003-memory-stays.md.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_freed_memory"]

# numbers of parameters in glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 1 << 30  # bytes free at the end of the heap that are not given back
_LARGEST = 1 << 25  # bytes of the largest array that comes from the heap: the most that glibc takes


def keep_freed_memory() -> bool:
    """Tell glibc so, unless the environment says ``GRAD_KEEP_MEMORY=0``; whether it was told."""
    if os.environ.get("GRAD_KEEP_MEMORY") == "0" or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
