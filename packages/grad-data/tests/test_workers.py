"""Prefetching and worker processes: the same batches, every error, nothing left over."""

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from grad_data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    StratifiedSampler,
    WeightedRandomSampler,
    _workers,
    transforms,
)
from in_workers import Mixed, collate, die, fail, fail_oddly, interrupt

X = np.arange(60.0).reshape(20, 3)
Y = np.arange(20)
SHARED = Path("/dev") / "shm"


def same(found, expected):
    if isinstance(expected, tuple | list):
        return type(found) is type(expected) and all(same(a, b) for a, b in zip(found, expected, strict=True))
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[key], expected[key]) for key in expected)
    return np.array_equal(found, expected) and getattr(found, "dtype", None) == getattr(expected, "dtype", None)


WAYS = [{"prefetch": 1}, {"prefetch": 5}, {"workers": 1, "prefetch": 1}, {"workers": 2}]


@pytest.mark.parametrize("ways", WAYS, ids=str)
def test_the_same_batches_however_they_are_made(ways):
    noise = transforms.compose(partial(transforms.random_shift, most=1))
    images = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    options = {"shuffle": True, "seed": 3, "transform": noise}
    plain = DataLoader((images, Y), 3, **options)
    with DataLoader((images, Y), 3, **options, **ways) as loader:
        for _ in range(2):
            assert same(list(loader), list(plain))


ORDERS = {
    "in order": dict,
    "shuffled": lambda: {"shuffle": True},
    "random": lambda: {"sampler": RandomSampler(Y, generator=1)},
    "weighted": lambda: {"sampler": WeightedRandomSampler(Y, 21, generator=1)},
    "stratified": lambda: {"sampler": StratifiedSampler(Y % 2, generator=1)},
    "distributed": lambda: {"sampler": DistributedSampler(Y, num_replicas=2, rank=1, seed=1)},
    "batches": lambda: {"batch_sampler": BatchSampler(RandomSampler(Y, generator=1), 3, False), "batch_size": 1},
}


@pytest.mark.parametrize("make", ORDERS.values(), ids=ORDERS)
def test_a_loader_with_workers_goes_on_in_the_middle_of_an_epoch(make):
    """Where it stands is what was delivered, not what the workers have made ahead."""
    noise = transforms.compose(partial(transforms.random_shift, most=1))
    data = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4), Y

    def loader(**ways):
        return DataLoader(data, **{"batch_size": 3, "transform": noise, "seed": 2, **make(), **ways})

    plain = loader()
    whole = [list(plain) for _ in range(3)]
    with loader(workers=2, prefetch=2) as first:
        list(first)
        running = iter(first)
        found = [next(running), next(running)]
        state = json.loads(json.dumps(first.state_dict()))
        assert same(found, whole[1][:2])
        assert (state["epoch"], state["batches"]) == (1, 2)
        first.load_state_dict(state)  # while the earlier epoch still runs
        assert same(list(first), whole[1][2:])
        assert same(list(running), whole[1][2:])
        assert same(list(first), whole[2])
    again = loader(prefetch=1)  # and elsewhere without workers
    again.load_state_dict(state)
    assert same(list(again), whole[1][2:])
    assert same(list(again), whole[2])


def test_batches_of_any_structure_and_growing_size(monkeypatch):
    shared, real = [], _workers._unpacked
    monkeypatch.setattr(_workers, "_unpacked", lambda *given: shared.append(1) or real(*given))
    with DataLoader(Mixed(), 2, workers=1) as loader:
        assert same(list(loader), list(DataLoader(Mixed(), 2)))
        batches = list(loader)  # the second time there is room for all of them
        assert same(batches, list(DataLoader(Mixed(), 2)))
        batches[0]["grown"][:] = -1  # and they belong to the caller
        assert batches[1]["grown"].min() == 3
        assert len(shared) >= 6  # all of the second epoch went through shared memory
        assert len(loader._pool._blocks) == 1  # and of the outgrown blocks none is kept


def test_collate_fn_in_a_worker():
    with DataLoader((X, Y), 8, workers=1, collate_fn=collate) as loader:
        assert [n for n, _ in loader] == [8, 8, 4]


@pytest.mark.parametrize("ways", [{"prefetch": 2}, {"workers": 1}], ids=str)
def test_an_exception_reaches_the_caller_in_its_place_and_the_loader_goes_on(ways):
    with DataLoader((X, Y), 3, transform=fail, **ways) as loader:
        for _ in range(2):
            seen = []
            with pytest.raises(ValueError, match="no 6 please") as caught:
                seen.extend(batch[1].tolist() for batch in loader)
            assert sum(len(batch) for batch in seen) in (0, 6)
            if "workers" in ways:
                assert "in grad-data worker 0:\nTraceback" in caught.value.__notes__[0]
                assert "in fail\n    raise ValueError" in caught.value.__notes__[0]


def test_an_exception_that_cannot_travel_comes_as_text():
    with (
        DataLoader((X, Y), 3, transform=fail_oddly, workers=1) as loader,
        pytest.raises(RuntimeError, match="a worker of the DataLoader failed") as caught,
    ):
        next(iter(loader))
    assert "BrokenError: a class: that does not come back from pickle" in caught.value.__notes__[0]


def test_a_worker_that_dies_is_an_error_and_the_next_epoch_has_new_ones():
    loader = DataLoader((X, Y), 3, transform=die, workers=1)
    with pytest.raises(RuntimeError, match=r"ended with exit code 7: it was killed .* `if __name__ == '__main__':`"):
        list(loader)
    assert not multiprocessing.active_children()
    loader.transform = None
    with loader:
        assert len(list(loader)) == 7


@pytest.mark.parametrize("option", ["transform", "collate_fn"])
def test_what_cannot_be_sent_to_a_worker(option):
    loader = DataLoader((X, Y), 3, workers=1, **{option: lambda *batch: batch})
    with pytest.raises(TypeError, match=r"cannot be sent to a worker process: .* instead of lambdas"):
        next(iter(loader))
    assert not multiprocessing.active_children()


def test_two_epochs_at_once_and_one_left_early():
    with DataLoader((X, Y), 2, shuffle=True, seed=0, workers=2) as loader:
        one, two = iter(loader), iter(loader)
        mixed = [(next(one)[1].tolist(), next(two)[1].tolist()) for _ in range(5)]
        del one
        rest = [batch[1].tolist() for batch in two]
        third = [batch[1].tolist() for batch in loader]
    plain = DataLoader((X, Y), 2, shuffle=True, seed=0)
    first, second, expected = ([batch[1].tolist() for batch in plain] for _ in range(3))
    assert [a for a, _ in mixed] == first[:5]
    assert [b for _, b in mixed] + rest == second
    assert third == expected


def test_the_prefetching_thread_works_ahead_no_further_than_told():
    made = []
    loader = DataLoader((X, Y), 1, prefetch=3, transform=lambda x, y: made.append(1) or y)
    batches = iter(loader)
    next(batches)
    until = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(0.02)
    assert len(made) == 5  # one taken, three ready, one in hand
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "grad-data prefetch"]


def left(pid=None):
    """What a process holds: threads, open files, blocks of shared memory, processes that it has started."""
    threads = sorted(thread.name for thread in threading.enumerate())
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    shared = sorted(
        path.name for path in SHARED.glob(f"grad-{pid or os.getpid()}-*")
    )  # none where there is no such folder
    return threads, files, shared, sorted(descendants(os.getpid()))


def descendants(pid):
    """The processes that one has started, and those that they have, however they were started; ended ones that nobody
    has asked about are among them."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = {child.pid for child in multiprocessing.active_children()}  # all that is known where there is no /proc
    while new := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= new
    return found


def use(kind, ways):
    """Make a loader, and be done with it in one of the ways in which that happens."""
    loader = DataLoader((X, Y), 3, **ways)
    if kind == "used up":
        assert len(list(loader)) == 7
    elif kind == "left in the middle":
        for place, _ in enumerate(loader):
            if place == 2:
                break
    elif kind == "iterator dropped":
        batches = iter(loader)
        next(batches)
        del batches
        iter(loader)
    elif kind == "closed before its iterator":
        with loader:
            batches = iter(loader)
            next(batches)
        del loader
    elif kind == "failed":
        loader.transform = fail
        with pytest.raises(ValueError, match="no 6 please"):
            list(loader)
    elif kind == "two at once":
        one, two = iter(loader), iter(loader)
        for _ in range(2):
            next(one), next(two)
    else:
        assert kind == "worker died"
        loader.transform = die
        with pytest.raises(RuntimeError, match="ended with exit code 7"):
            list(loader)


ENDS = [
    "used up",
    "left in the middle",
    "iterator dropped",
    "closed before its iterator",
    "failed",
    "two at once",
]
STARTS = multiprocessing.get_all_start_methods()
# Python 3.12 and later warn of every fork in a process with threads, as those of OpenBLAS.
forking = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
MANY = int(os.environ.get("GRAD_DATA_LOADERS", "0"))  # 1000 is the number that is promised, and takes minutes


@forking
@pytest.mark.parametrize(
    ("ways", "ends", "count"),
    [
        ({}, ENDS, 1000),
        ({"prefetch": 2}, ENDS, 1000),
        ({"workers": 1}, [*ENDS, "worker died"], 7),
        ({"workers": 2, "prefetch": 3}, [*ENDS, "worker died"], 7),
        (
            {"workers": 2, "multiprocessing_context": "fork" if "fork" in STARTS else "spawn"},
            [*ENDS, "worker died"],
            14,
        ),
    ],
    ids=str,
)
def test_nothing_is_left_after_many_loaders(ways, ends, count):
    use("used up", {"workers": 1})  # starts multiprocessing's own helper, which stays
    gc.collect()
    before = left()
    for number in range(max(count, MANY)):
        use(ends[number % len(ends)], ways)
    gc.collect()
    assert left() == before


PROGRAM = """
import os, signal, sys, time
import numpy as np
from grad_data import ArrayDataset, DataLoader
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
if __name__ == "__main__":
    options = {"workers": 2} if sys.argv[1] == "workers" else {"prefetch": 2}
    loader = DataLoader(ArrayDataset(np.zeros((100_000, 10))), 2, **options)
    for number, batch in enumerate(loader):
        if number == 3:
            pids = [worker.process.pid for worker in loader._pool._workers] if loader._pool else []
            print("going", *pids, flush=True)
"""


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("way", "number"), [("workers", signal.SIGINT), ("workers", signal.SIGKILL), ("prefetch", signal.SIGINT)]
)
def test_a_program_that_is_interrupted_or_killed_leaves_nothing(tmp_path, way, number):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", way],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = [int(pid) for pid in process.stdout.readline().split()[1:]]
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as the terminal does: to all of them
    else:
        process.kill()
    _, errors = process.communicate(timeout=20)
    until = time.monotonic() + 10
    while not (all(gone(pid) for pid in workers) and not left(process.pid)[2]) and time.monotonic() < until:
        time.sleep(0.02)
    assert all(gone(pid) for pid in workers)
    assert not left(process.pid)[2]
    assert len(workers) == (2 if way == "workers" else 0)
    if number == signal.SIGINT:
        assert errors.count("Traceback") == 1
        assert errors.strip().endswith("KeyboardInterrupt")


def test_ctrl_c_in_a_wait_ends_the_workers():
    loader = DataLoader((X, Y), 3, transform=interrupt, workers=1)
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            next(iter(loader))
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("kind", [*ENDS, "worker died"])
def test_a_forgotten_loader_does_not_wait_for_the_garbage_collector(kind):
    use("used up", {"workers": 1})
    gc.collect()
    before = left()
    gc.disable()
    try:
        use(kind, {"workers": 1})
        assert left() == before
    finally:
        gc.enable()


@forking
@pytest.mark.parametrize("way", STARTS)
def test_workers_end_by_themselves_however_they_were_started(way, monkeypatch):
    ended = []
    monkeypatch.setattr(_workers, "_PATIENCE", 20.0)
    monkeypatch.setattr(
        multiprocessing.process.BaseProcess, "terminate", lambda self: ended.append(self) or self.kill()
    )
    options = {"workers": 2, "multiprocessing_context": way}
    with DataLoader((X, Y), 3, **options) as one, DataLoader((X, Y), 3, **options) as two:
        for loader in (one, two):
            list(loader)
        one.close()  # first, while the workers of the other go on
        assert not ended
    assert not ended


@forking
def test_a_forked_copy_of_a_loader_ends_nothing_of_the_original():
    with DataLoader((X, Y), 3, workers=1) as loader:
        list(loader)  # so that there is shared memory
        if "fork" in STARTS:
            child = multiprocessing.get_context("fork").Process(target=loader.close)
            child.start()
            child.join()
            assert child.exitcode == 0
        assert same(list(loader), list(DataLoader((X, Y), 3)))


def test_a_share_for_each_of_several_processes():
    shares = [DataLoader((X, Y), 3, sampler=DistributedSampler(Y, 2, rank, seed=4)) for rank in range(2)]
    for _ in range(2):
        seen = [np.concatenate([y for _, y in share]) for share in shares]
        assert sorted(np.concatenate(seen).tolist()) == Y.tolist()
