"""Large updates are shared with a second thread: same numbers, in any order, and nobody waits for a busy helper."""

import os
import subprocess
import sys
import threading

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest
from grad_optim import _flat, _optimizer, _threads

CORES = 2
SHAPES = [(300, 700), (5,), (400, 500), (100_000,)]
CLASSES = {
    name: cls
    for name in optim.__all__
    if isinstance(cls := getattr(optim, name), type) and issubclass(cls, optim.Optimizer) and "update" in vars(cls)
}
SHARED = sorted(name for name, cls in CLASSES.items() if vars(cls).get("parallel"))


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(_optimizer, "threads", lambda: CORES)


def parameters(dtype="float32"):
    rng = np.random.default_rng(0)
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def run(make, dtype="float32", **options):
    """Three steps, the second without the gradient of one parameter."""
    params = parameters(dtype)
    optimizer = make(params, lr=0.01, **options)
    rng = np.random.default_rng(1)
    for step in range(3):
        for k, p in enumerate(params):
            p.grad = None if step == 1 and k == 1 else rng.normal(size=p.shape).astype(dtype)
        optimizer.step()
    return [p.data for p in params], optimizer


def test_every_optimizer_that_works_in_pieces_lets_threads_share_them():
    assert sorted(name for name, cls in CLASSES.items() if cls.pieces and cls is not optim.Optimizer) == SHARED


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", SHARED)
def test_two_threads_give_the_numbers_of_one_to_the_last_bit(name, dtype, monkeypatch):
    make = getattr(optim, name)
    calls = []
    monkeypatch.setattr(_optimizer, "with_help", lambda work, share: calls.append(_threads.with_help(work, share)))
    shared, first = run(make, dtype)
    assert calls
    monkeypatch.setattr(_optimizer, "threads", lambda: 1)
    alone, second = run(make, dtype)
    for a, b in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(a, b)
    one, two = first.state_dict()["state"], second.state_dict()["state"]
    assert one.keys() == two.keys()
    for k in one:
        assert one[k].keys() == two[k].keys()
        for key in one[k]:
            np.testing.assert_array_equal(one[k][key], two[k][key])


def test_each_piece_is_taken_once_whichever_thread_comes_first(monkeypatch):
    taken = []

    class Watch(optim.SGD):
        parallel = True

        def update(self, group, run):
            taken.extend(p.__array_interface__["data"][0] for p, _, _, _ in run)

    params = parameters()
    optimizer = Watch(params)
    for p in params:
        p.grad = np.ones(p.shape)
    for order in (1, -1):  # one of the two finds nothing left, or both go through it in turn
        taken.clear()
        monkeypatch.setattr(_optimizer, "with_help", lambda *both, order=order: [f() for f in both[::order]])
        optimizer.step()
        assert len(set(taken)) == len(taken) > 2


def test_a_class_with_an_update_of_its_own_is_not_called_by_two_threads_unless_it_says_so():
    callers = set()

    class Watch(optim.SGD):
        def update(self, group, run):
            callers.add(threading.get_ident())
            super().update(group, run)

    run(Watch)
    assert callers == {threading.get_ident()}


def test_small_updates_are_not_shared(monkeypatch):
    monkeypatch.setattr(_optimizer, "with_help", None)
    w = gd.zeros((_flat.WORTH_HELP // 4 - 1,), requires_grad=True)
    w.grad = np.ones(w.shape)
    optim.SGD([w]).step()
    assert w.data[0] < 0


def test_an_error_of_either_thread_reaches_the_caller():
    begun = threading.Event()

    def share():
        begun.set()
        raise FloatingPointError("of the helper")

    with pytest.raises(FloatingPointError, match="of the helper"):
        _threads.with_help(lambda: begun.wait(20), share)
    with pytest.raises(FloatingPointError, match="of the caller"):
        _threads.with_help(lambda: (_ for _ in ()).throw(FloatingPointError("of the caller")).send(None), lambda: None)


def test_numpys_error_state_counts_in_both_threads():
    begun = threading.Event()
    seen = []

    def share():
        seen.append(np.geterr()["over"])
        begun.set()

    with np.errstate(over="raise"):
        _threads.with_help(lambda: begun.wait(20), share)
    assert seen == ["raise"]


def test_a_busy_helper_is_not_waited_for():
    begun, end = threading.Event(), threading.Event()

    def long():
        begun.set()
        end.wait(20)

    other = threading.Thread(target=_threads.with_help, args=(lambda: begun.wait(20), long))
    other.start()
    assert begun.wait(20)
    shares = []
    _threads.with_help(lambda: None, lambda: shares.append(1))  # returns although the helper is in `long`
    end.set()
    other.join()
    done = threading.Event()
    _threads.with_help(lambda: done.wait(20), done.set)  # the helper has passed the job that was taken back
    assert shares == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, CORES),
        ({"OPENBLAS_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"GRAD_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}, 2),
        ({"GRAD_NUM_THREADS": "64"}, 2),
        ({"GRAD_NUM_THREADS": "none", "OMP_NUM_THREADS": ""}, CORES),
    ],
)
def test_the_environment_says_how_many_threads_there_may_be(settings, expected, monkeypatch):
    for name in _threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(CORES), raising=False)
    assert _threads.threads.__wrapped__() == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_a_helper_of_its_own():
    code = """if True:
        import os, threading
        from grad_optim import _threads
        def shared():
            begun = threading.Event()
            _threads.with_help(lambda: begun.wait(20), begun.set)
            return begun.is_set()
        assert shared()
        child = os.fork()
        if child == 0:
            os._exit(0 if shared() else 1)
        assert os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
