"""EMNIST in small, out of one zip file or from single files."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
from grad_data import (
    EMNIST,
    CorruptDataError,
    DownloadError,
    StorageError,
)
from grad_data._bundle import Bundle
from grad_data._download import Policy
from made_archives import idx_bytes, packed

QUICK = Policy(timeout=0.4, patience=1.2, attempts=2, backoff=0.01, lowest_rate=16_384)
RNG = np.random.default_rng(8)


class Letters:
    """EMNIST with five and two images, in a zip file."""

    def __init__(self, **changes):
        self.arrays, self.raw, archives = {}, {}, []
        for part, count in (("train", 5), ("test", 2)):
            for what, shape, top in (("images-idx3", (count, 28, 28), 255), ("labels-idx1", (count,), 26)):
                name = f"emnist-letters-{part}-{what}-ubyte.gz"
                self.arrays[name] = RNG.integers(1, top + 1, shape, dtype=np.uint8)
                self.raw[name], archive = packed(name, idx_bytes(self.arrays[name]), shape, highest=top)
                archives.append(replace(archive, size=None, sha256=None, content_sha256=None))
        self.archives = tuple(archives)
        self.zip = self.zipped(self.raw)
        self.bundle = Bundle("gzip.zip", len(self.zip), hashlib.sha256(self.zip).hexdigest(), "gzip/")

    @staticmethod
    def zipped(raws):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
            for name, raw in raws.items():
                members.writestr(f"gzip/{name}", raw)
        return file.getvalue()

    def bundle_of(self, raw):
        return Bundle("gzip.zip", len(raw), hashlib.sha256(raw).hexdigest(), "gzip/")


@pytest.fixture
def letters(cache, server, monkeypatch):
    letters = Letters()
    letters.cache = cache.parent / "emnist"
    letters.mirror = server.mirror("good", lambda handler, name: handler.answer(letters.zip))

    def use(bundle=letters.bundle, mirror=letters.mirror):
        collection = replace(EMNIST._collection, archives=letters.archives, mirrors=(mirror,), policy=QUICK)
        letters.collection = replace(collection, bundle=bundle)
        monkeypatch.setattr(EMNIST, "_collection", letters.collection)

    use()
    letters.use = use
    return letters


def test_emnist_is_downloaded_once_and_read_out_of_its_zip_file(letters, server):
    train, test = EMNIST(split="letters"), EMNIST(split="letters", train=False, upright=True)
    assert np.array_equal(train.images, letters.arrays["emnist-letters-train-images-idx3-ubyte.gz"])
    assert np.array_equal(test.images, letters.arrays["emnist-letters-test-images-idx3-ubyte.gz"].transpose(0, 2, 1))
    assert np.array_equal(train.labels, letters.arrays["emnist-letters-train-labels-idx1-ubyte.gz"])
    assert (train.labels.dtype, len(train), len(test)) == (np.int64, 5, 2)
    assert train.classes == ("N/A", *"abcdefghijklmnopqrstuvwxyz")
    assert train.as_arrays(one_hot=True)[1].shape == (5, 27)
    assert repr(test) == "EMNIST(letters, train=False, 2 images of 28x28)"
    assert server.requests == {"/good/gzip.zip": 1}
    assert sorted(path.name for path in letters.cache.iterdir()) == [".lock", "gzip.zip"]
    assert train.files == (letters.cache / "gzip.zip",) * 2


@pytest.mark.parametrize("inside", ["emnist", "EMNIST/raw", ""])
def test_emnist_is_found_as_zip_or_as_single_files(letters, server, tmp_path, inside):
    folder = tmp_path / "mine" / inside
    folder.mkdir(parents=True)
    (folder / "gzip.zip").write_bytes(letters.zip)
    by_zip = EMNIST(tmp_path / "mine", "letters", download=False)
    (folder / "gzip.zip").unlink()
    for name, raw in letters.raw.items():
        (folder / name).write_bytes(raw)
    by_files = EMNIST(tmp_path / "mine", "letters", download=False)
    assert np.array_equal(by_zip.images, by_files.images)
    assert by_files.files[0] == folder / "emnist-letters-train-images-idx3-ubyte.gz"
    assert not server.requests


SPOIL = {
    "half": (lambda raw: raw[: len(raw) // 2], "it is cut short: "),
    "longer": (lambda raw: raw + b"x", "it is longer than the "),
    "a bit flipped": (lambda raw: raw[:60] + bytes([raw[60] ^ 1]) + raw[61:], "the SHA-256 of it is "),
}


@pytest.mark.parametrize(("spoil", "message"), SPOIL.values(), ids=SPOIL)
@pytest.mark.parametrize("where", ["cache", "yours"])
def test_a_wrong_zip_file(letters, server, tmp_path, spoil, message, where):
    folder = letters.cache if where == "cache" else tmp_path / "mine"
    folder.mkdir(parents=True)
    (folder / "gzip.zip").write_bytes(spoil(letters.zip))
    if where == "cache":
        with pytest.raises(CorruptDataError, match=f"{re.escape(message)}.* Delete the file, or allow the download"):
            EMNIST(split="letters", download=False)
        assert len(EMNIST(split="letters")) == 5
        assert (folder / "gzip.zip").read_bytes() == letters.zip
    else:
        with pytest.raises(CorruptDataError, match=f"gzip.zip is not the original file: {message}"):
            EMNIST(folder, "letters")
        assert (folder / "gzip.zip").read_bytes() == spoil(letters.zip)
        assert not server.requests


NAME = "emnist-letters-train-images-idx3-ubyte.gz"


@pytest.mark.parametrize(
    ("zipped", "message"),
    [
        (lambda raw: b"PK\x03\x04 but no more", "it is not a proper zip file"),
        (lambda raw: Letters.zipped({}), f"There is no item named 'gzip/{NAME}'"),
        (lambda raw: Letters.zipped(raw | {NAME: bytes(50_000_000)}), "in it expands beyond [0-9,]+ bytes; reading"),
        (lambda raw: Letters.zipped(raw | {NAME: gzip.compress(bytes(50_000_000))}), "expands beyond the 3,936 bytes"),
        (lambda raw: Letters.zipped(raw | {NAME: raw[NAME][:-9]}), "it ends early"),
        (lambda raw: Letters.zipped(raw | {NAME: b"<html>"}), "it is not a gzip archive"),
    ],
)
def test_a_zip_file_that_is_not_as_described_even_if_its_checksum_were_right(letters, tmp_path, zipped, message):
    raw = zipped(letters.raw)
    letters.use(letters.bundle_of(raw))
    (tmp_path / "gzip.zip").write_bytes(raw)
    with pytest.raises(CorruptDataError, match=message):
        EMNIST(tmp_path, "letters", download=False)


def html(handler, name):
    handler.answer(b"<html>", Content_Type="text/html")


def half(handler, name):
    handler.answer(b"PK" * 40, Content_Length=None)


def endless(handler, name):
    handler.answer(b"PK", Content_Length=None)
    while True:
        handler.wfile.write(bytes(65_536))


def hang(handler, name):
    handler.server.released.wait(5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (html, "an HTML page"),
        (half, "it is cut short: 80 of"),
        (endless, "it is longer than the"),
        (hang, "no answer"),
        (lambda handler, name: handler.answer(b"", 302, Location="http://example.org/x"), "only HTTPS is trusted"),
    ],
)
def test_a_mirror_without_the_zip_file(letters, server, answer, message):
    letters.use(mirror=server.mirror("bad", answer))
    start = time.monotonic()
    with pytest.raises(DownloadError, match=message) as caught:
        EMNIST(split="letters")
    assert time.monotonic() - start < QUICK.patience + 1
    assert f"fetch this file elsewhere, for example from {letters.collection.mirrors[0]}" in str(caught.value)
    assert f"gzip.zip ({len(letters.zip):,} bytes)\nput it into a folder named emnist" in str(caught.value)
    assert [path.name for path in letters.cache.iterdir()] == [".lock"]


def test_a_second_attempt_at_the_zip_file_starts_afresh(letters, server):
    def half_at_first(handler, name):
        first = handler.server.requests[handler.path] == 1
        body = letters.zip[: len(letters.zip) // 2] if first else letters.zip
        handler.answer(body, Content_Length=str(len(letters.zip)))

    letters.use(mirror=server.mirror("flaky", half_at_first))
    assert len(EMNIST(split="letters")) == 5
    assert server.requests.total() == 2


def test_a_full_disk_leaves_no_half_zip_file(letters, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grad_data._store.os.fsync", full)
    with pytest.raises(StorageError, match=r"EMNIST cannot be stored in .*No space left on device.* It takes 0\.0 MB"):
        EMNIST(split="letters")
    assert [path.name for path in letters.cache.iterdir()] == [".lock"]


PROGRAM = """
import json, sys
import grad_data as data
from dataclasses import replace
from grad_data._bundle import Bundle
from grad_data._idx import Archive
archives, bundle, mirror = json.loads(sys.argv[1])
archives = tuple(Archive(**(facts | {"shape": tuple(facts["shape"])})) for facts in archives)
real = data.EMNIST._collection
data.EMNIST._collection = replace(real, archives=archives, bundle=Bundle(**bundle), mirrors=(mirror,))
sys.stdin.readline()
print(int(data.EMNIST(split="letters").images.sum()))
"""


def started(letters, mirror):
    given = json.dumps([[asdict(archive) for archive in letters.archives], asdict(letters.bundle), mirror])
    command = [sys.executable, "-c", PROGRAM, given]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def test_a_download_killed_in_the_middle_and_two_at_once_after_it(letters, server):
    reached = []

    def stop_in_the_middle(handler, name):
        handler.answer(letters.zip[:200], Content_Length=str(len(letters.zip)))
        reached.append(name)
        handler.server.released.wait(10)

    victim = started(letters, server.mirror("stuck", stop_in_the_middle))
    until = time.monotonic() + 20
    while not reached and time.monotonic() < until:
        time.sleep(0.01)
    victim.kill()
    victim.communicate()
    assert reached
    assert not (letters.cache / "gzip.zip").exists()
    both = [started(letters, letters.mirror) for _ in range(2)]
    total = int(letters.arrays[NAME].sum())
    assert [process.communicate(timeout=30)[0].strip() for process in both] == [str(total)] * 2
    assert server.requests["/good/gzip.zip"] == 1
    assert sorted(path.name for path in letters.cache.iterdir()) == [".lock", "gzip.zip"]
