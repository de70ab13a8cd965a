"""What tests send to workers: those import it by its name, which they could not do with a test module."""

import multiprocessing
import os
import signal
import time

import numpy as np


class Mixed:
    """Batches of every structure, growing from one to the next."""

    def __len__(self):
        return 12

    def __getitem__(self, indices):
        n = int(indices[0]) + 1
        return {
            "grown": np.full((n * 100, 3), n, np.float32),
            "list": [np.arange(n), "text", n],
            "objects": np.array([None, n], object),
            "empty": np.zeros((0, 3)),
            "turned": np.arange(6).reshape(2, 3).T,
        }


def collate(samples):
    return len(samples), np.stack([x for x, _ in samples])


class BrokenError(Exception):
    def __init__(self, what, why):
        super().__init__(f"{what}: {why}")


def fail(x, y):
    if y[0] >= 6:
        raise ValueError(f"no {int(y[0])} please")
    return x, y


def fail_oddly(x, y):
    raise BrokenError("a class", "that does not come back from pickle")


def die(x, y):
    os._exit(7)


def interrupt(x, y):
    os.kill(multiprocessing.parent_process().pid, signal.SIGINT)
    time.sleep(0.2)
    return x, y
