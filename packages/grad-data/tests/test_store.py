import errno
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from grad_data import CorruptDataError, DataError, DataNotFoundError, DownloadError, StorageError, _lock, _store
from grad_data._store import cache_folder, load

NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def good(server, tiny):
    return server.mirror("good", lambda handler, name: handler.answer(tiny.raw[name]))


def read(tiny, *mirrors, root=None, download=True, archives=None):
    return load(tiny.collection(*mirrors or [NOWHERE]), archives or tiny.archives, root, download=download)


def is_right(tiny, found):
    return all(np.array_equal(array, tiny.arrays[path.name]) for path, array in found)


# --- where files are looked for ---


@pytest.mark.parametrize("inside", ["mnist", "", "MNIST/raw"])
@pytest.mark.parametrize("by", ["root", "variable"])
def test_files_are_found_in_the_users_folder(tiny, cache, tmp_path, monkeypatch, inside, by):
    folder = tiny.fill(tmp_path / "mine" / inside)
    if by == "variable":
        monkeypatch.setenv("GRAD_DATA_HOME", str(tmp_path / "mine"))
    found = read(tiny, root=tmp_path / "mine" if by == "root" else None, download=False)
    assert [path for path, _ in found] == [folder / name for name in tiny.names]
    assert is_right(tiny, found)
    assert not cache.exists()


def test_root_comes_before_the_variable_and_that_before_the_cache(tiny, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD_DATA_HOME", str(tmp_path / "home"))
    tiny.fill(tmp_path / "root", tiny.names[:1])
    tiny.fill(tmp_path / "home", tiny.names[:2])
    tiny.fill(cache, tiny.names)
    found = read(tiny, root=str(tmp_path / "root"))
    assert [path.parent for path, _ in found] == [tmp_path / "root", tmp_path / "home", cache, cache]
    assert is_right(tiny, found)


def test_a_tilde_is_the_home_folder(tiny, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    tiny.fill(tmp_path / "mine")
    assert is_right(tiny, read(tiny, root="~/mine", download=False))


def test_what_is_missing_is_downloaded_once_into_the_cache_only(tiny, server, good, cache, tmp_path):
    mine = tiny.fill(tmp_path / "mine", tiny.names[:1])
    found = read(tiny, good, root=mine)
    assert [path.parent for path, _ in found] == [mine, cache, cache, cache]
    assert is_right(tiny, found)
    assert [path.name for path in mine.iterdir()] == tiny.names[:1]
    assert sorted(path.name for path in cache.iterdir()) == sorted([".lock", *tiny.names[1:]])
    assert server.requests == {f"/good/{name}": 1 for name in tiny.names[1:]}
    assert is_right(tiny, read(tiny, root=mine))  # the second time without any mirror


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "~/.cache/grad"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/grad"),
        ("linux", {"XDG_CACHE_HOME": ""}, "~/.cache/grad"),
        ("darwin", {}, "~/Library/Caches/grad"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "/x/grad"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/grad/cache"),
        ("win32", {}, "~/AppData/Local/grad/cache"),
    ],
)
def test_the_cache_lies_where_the_platform_wants_it(platform, environment, expected):
    assert cache_folder(environment, platform) == Path(expected).expanduser()


# --- files that are not what they should be ---

SPOIL = {
    "empty": lambda raw: b"",
    "half": lambda raw: raw[: len(raw) // 2],
    "longer": lambda raw: raw + b"x",
    "a bit flipped": lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:],
    "HTML": lambda raw: b"<html>".ljust(len(raw)),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_wrong_file_in_the_cache_is_replaced(tiny, server, good, cache, spoil):
    tiny.fill(cache)
    name = tiny.names[0]
    (cache / name).write_bytes(spoil(tiny.raw[name]))
    assert is_right(tiny, read(tiny, good))
    assert (cache / name).read_bytes() == tiny.raw[name]
    assert server.requests == {f"/good/{name}": 1}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_wrong_file_of_the_users_is_named_and_left_alone(tiny, server, good, cache, tmp_path, spoil):
    wrong = spoil(tiny.raw[tiny.names[0]])
    path = tiny.fill(tmp_path / "mine") / tiny.names[0]
    path.write_bytes(wrong)
    with pytest.raises(CorruptDataError) as caught:
        read(tiny, good, root=tmp_path / "mine")
    assert str(caught.value).startswith(f"{path} is not the original file: it ") or "SHA-256" in str(caught.value)
    assert str(caught.value).endswith("so nothing was changed: replace it, or take it away to have it downloaded.")
    assert path.read_bytes() == wrong
    assert not server.requests


def test_a_wrong_file_in_the_cache_without_download(tiny, cache):
    tiny.fill(cache)
    (cache / tiny.names[0]).write_bytes(b"half")
    with pytest.raises(CorruptDataError, match=r"is in the cache.* Delete the file, or allow the download, which repl"):
        read(tiny, download=False)
    assert (cache / tiny.names[0]).read_bytes() == b"half"


def test_a_wrong_file_in_the_cache_without_a_network_is_part_of_the_message(tiny, cache):
    tiny.fill(cache)
    (cache / tiny.names[0]).write_bytes(b"half")
    with pytest.raises(DownloadError, match="is not the original file: it is cut short: 4 of"):
        read(tiny)


def test_a_file_that_cannot_be_read(tiny, cache, tmp_path):
    (tmp_path / tiny.names[0]).mkdir(parents=True)
    with pytest.raises(StorageError, match=f"{tiny.names[0]} cannot be read: .* Mend that or take it away"):
        read(tiny, root=tmp_path)


def test_a_root_that_is_a_file_holds_nothing(tiny, cache, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataNotFoundError):
        read(tiny, root=tmp_path / "file", download=False)


# --- no network ---


def test_offline_there_is_one_message_with_all_there_is_to_do(tiny, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD_DATA_HOME", str(tmp_path / "home"))
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        read(tiny, NOWHERE, "http://127.0.0.1:7/", root=tmp_path / "root")
    assert time.monotonic() - start < 15
    assert isinstance(caught.value, DataError)
    lines = str(caught.value).splitlines()
    sizes = [f"  {archive.name} ({archive.size:,} bytes)" for archive in tiny.archives]
    assert lines[0] == "MNIST was not found and could not be downloaded:"
    assert lines[1].startswith(f"  {NOWHERE}: ")
    assert "refused" in lines[1]
    assert lines[2].startswith("  http://127.0.0.1:7/: ")
    assert lines[3:7] == ["Searched:", f"  {tmp_path / 'root'}", f"  {tmp_path / 'home'}", f"  {cache}"]
    assert lines[7] == f"Without a network: fetch these four files elsewhere, for example from {NOWHERE}"
    assert lines[8:12] == sizes
    assert lines[12] == (
        "put them into a folder named mnist, and set GRAD_DATA_HOME to the folder around it, or pass that one as root. "
        "Without any file: grad_data.Digits(10_000) draws digits of the same shape."
    )
    assert len(lines) == 13


def test_without_download_nothing_is_asked_or_made(tiny, server, good, cache):
    with pytest.raises(DataNotFoundError, match="was not found, and download is switched off") as caught:
        read(tiny, good, download=False)
    assert not isinstance(caught.value, DownloadError)
    assert not server.requests
    assert not cache.exists()


def test_a_network_that_breaks_after_the_first_file_keeps_that_file(tiny, server, cache):
    def only_first(handler, name):
        handler.answer(tiny.raw[name], 200 if name == tiny.names[0] else 500)

    with pytest.raises(DownloadError, match="it answered 500"):
        read(tiny, server.mirror("broken", only_first))
    assert sorted(path.name for path in cache.iterdir()) == [".lock", tiny.names[0]]


# --- a cache that cannot be written ---


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk:
    """A file whose second half does not fit."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def write(self, raw):
        self.file.write(raw[: len(raw) // 2])
        full()


@pytest.mark.parametrize("fails_at", ["write", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("old", [None, b"old and wrong"])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(tiny, good, cache, monkeypatch, fails_at, old):
    if old is not None and fails_at != "mkdir":
        cache.mkdir(parents=True)
        (cache / tiny.names[0]).write_bytes(old)
    if fails_at == "write":
        real = Path.open
        monkeypatch.setattr(Path, "open", lambda p, mode="r": FullDisk(real(p, mode)) if "w" in mode else real(p, mode))
    elif fails_at == "mkdir":
        monkeypatch.setattr(Path, "mkdir", full)
    else:
        monkeypatch.setattr(_store.os, fails_at, full)
    with pytest.raises(StorageError) as caught:
        read(tiny, good)
    monkeypatch.undo()
    message = str(caught.value)
    assert message.startswith(f"MNIST cannot be stored in {cache}: {os.strerror(errno.ENOSPC)}. Nothing half-written")
    assert "make room or give permission, set XDG_CACHE_HOME to another folder" in message
    left = {path.name: path.read_bytes() for path in cache.iterdir()} if cache.exists() else {}
    assert left.pop(".lock", b"") == b""
    assert left == ({tiny.names[0]: old} if old is not None and fails_at != "mkdir" else {})


def test_a_cache_that_cannot_be_made(tiny, good, tmp_path, cache):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be stored in"):
        read(tiny, good)


def test_what_a_killed_process_left_half_written_is_overwritten(tiny, good, cache):
    cache.mkdir(parents=True)
    (cache / f".{tiny.names[0]}.part").write_bytes(b"half")
    assert is_right(tiny, read(tiny, good))
    assert sorted(path.name for path in cache.iterdir()) == sorted([".lock", *tiny.names])


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("folder", ["is missing", "is there"])
def test_a_cache_that_is_read_only_is_a_clear_error(tiny, server, good, cache, monkeypatch, number, folder):
    if folder == "is there":
        cache.mkdir(parents=True)
    refuse_writing(monkeypatch, number)
    with pytest.raises(StorageError) as caught:
        read(tiny, good)
    assert str(caught.value).startswith(f"MNIST cannot be stored in {cache}: {os.strerror(number)}. Nothing half-writt")
    assert not cache.exists() or not list(cache.iterdir())


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_whole_cache_that_is_read_only_is_read(tiny, server, good, cache, monkeypatch, number):
    tiny.fill(cache)
    refuse_writing(monkeypatch, number)
    assert is_right(tiny, read(tiny, good))
    assert not server.requests


def refuse_writing(monkeypatch, number):
    """What a file system does that is read-only, also to a user who may do everything."""
    opened, descriptor = Path.open, os.open

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", lambda p, *args, **kwargs: None if p.is_dir() else refuse())
    monkeypatch.setattr(Path, "open", lambda p, mode="r": opened(p, mode) if mode == "rb" else refuse())
    monkeypatch.setattr(
        os, "open", lambda p, flags, *rest: refuse() if flags & os.O_CREAT else descriptor(p, flags, *rest)
    )
    for name in ("replace", "unlink"):
        monkeypatch.setattr(os, name, refuse)


# --- several at once ---

PROGRAM = """
import json, sys
from grad_data._idx import Archive
from grad_data._store import Collection, load
from grad_data._download import Policy
mirror, archives = json.loads(sys.argv[1])
archives = [Archive(**(facts | {"shape": tuple(facts["shape"])})) for facts in archives]
sys.stdin.readline()
found = load(Collection("MNIST", "mnist", archives, (mirror,), Policy()), archives, None, download=True)
print(sum(int(array.sum()) for _, array in found))
"""


def test_processes_at_once_download_once(tiny, server, cache):
    def slowly(handler, name):
        time.sleep(0.1)
        handler.answer(tiny.raw[name])

    given = json.dumps([server.mirror("slow", slowly), [asdict(archive) for archive in tiny.archives]])
    command = [sys.executable, "-c", PROGRAM, given]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert answers == [str(sum(int(array.sum()) for array in tiny.arrays.values()))] * 3
    assert server.requests == {f"/slow/{name}": 1 for name in tiny.names}


def test_a_download_killed_in_the_middle_leaves_what_was_whole_and_the_rest_is_fetched(tiny, server, good, cache):
    reached = threading.Event()

    def stuck_at_the_second(handler, name):
        raw = tiny.raw[name]
        if name == tiny.names[0]:
            handler.answer(raw)
        else:
            handler.answer(raw[: len(raw) // 2], Content_Length=str(len(raw)))
            reached.set()
            handler.server.released.wait(10)

    given = json.dumps([server.mirror("stuck", stuck_at_the_second), [asdict(archive) for archive in tiny.archives]])
    with subprocess.Popen([sys.executable, "-c", PROGRAM, given], stdin=subprocess.PIPE, text=True) as victim:
        victim.stdin.write("go\n")
        victim.stdin.flush()
        assert reached.wait(20)
        victim.kill()
    assert sorted(path.name for path in cache.iterdir()) == sorted([".lock", tiny.names[0]])
    assert is_right(tiny, read(tiny, good))
    assert server.requests[f"/good/{tiny.names[0]}"] == 0


def test_threads_at_once_download_once(tiny, server, good, cache):
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: read(tiny, good), range(4)):
            assert is_right(tiny, found)
    assert server.requests == {f"/good/{name}": 1 for name in tiny.names}


HOLDER = """
import sys
from pathlib import Path
from grad_data._lock import locked
with locked(Path(sys.argv[1]), 1.0):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(cache):
    cache.mkdir(parents=True)
    command = [sys.executable, "-c", HOLDER, str(cache / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_ends_with_the_process_that_held_it(tiny, good, cache, holder):
    holder.kill()
    holder.wait()
    assert is_right(tiny, read(tiny, good))


def test_a_holder_that_shows_no_life_is_not_waited_for_forever(tiny, good, cache, holder):
    with pytest.raises(DownloadError, match=r"another process has held .*\.lock for 1 s without any progress.* end it"):
        read(tiny, good)


def test_a_holder_that_shows_life_is_waited_for(tmp_path):
    path, order, holding = tmp_path / ".lock", [], threading.Event()

    def hold():
        with _lock.locked(path, 0.5) as alive:
            holding.set()
            for _ in range(16):
                time.sleep(0.05)
                alive()
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    with _lock.locked(path, 0.5):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_whoever_waited_for_a_failed_download_soon_learns_of_it(tiny, server, cache):
    mirror = server.mirror("hang", lambda handler, name: handler.server.released.wait(10))
    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(read, tiny, mirror) for _ in range(2)]
    assert all(isinstance(result.exception(), DownloadError) for result in results)
    patience = tiny.collection().policy.patience
    assert time.monotonic() - start < 1.7 * patience


def test_where_the_file_system_has_no_locks_work_goes_on(tiny, good, cache, monkeypatch):
    def unsupported(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_lock, "_acquire", unsupported)
    assert is_right(tiny, read(tiny, good))


def test_a_lock_file_that_vanishes_harms_nobody(tmp_path):
    path = tmp_path / ".lock"
    with _lock.locked(path, 0.2) as alive:
        path.unlink()
        alive()
    assert not path.exists()
