"""FashionMNIST, KMNIST, EMNIST and QMNIST, in small: only counts and checksums are not the real ones."""

import gzip
import hashlib
import io
import json
import lzma
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
    KMNIST,
    MNIST,
    QMNIST,
    CorruptDataError,
    DataNotFoundError,
    DownloadError,
    FashionMNIST,
    StorageError,
    _idx,
)
from grad_data._bundle import Bundle
from grad_data._download import Policy
from grad_data._idx import Archive, decode

QUICK = Policy(timeout=0.4, patience=1.2, attempts=2, backoff=0.01, lowest_rate=16_384)
RNG = np.random.default_rng(8)


def idx_bytes(array):
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


def packed(name, content, shape, **changes):
    raw = gzip.compress(content, mtime=0)
    digests = [hashlib.sha256(part).hexdigest() for part in (raw, content)]
    return raw, Archive(
        **(
            {"name": name, "size": len(raw), "shape": shape}
            | {"sha256": digests[0], "content_sha256": digests[1]}
            | changes
        )
    )


# --- FashionMNIST, KMNIST ---


@pytest.mark.parametrize(
    ("kind", "folder", "first", "mean"),
    [(FashionMNIST, "fashion-mnist", "T-shirt/top", 0.286), (KMNIST, "kmnist", "o", 0.1918)],
)
@pytest.mark.parametrize("torchvisions", [False, True])
def test_sets_of_the_form_of_mnist(tiny, tmp_path, cache, monkeypatch, kind, folder, first, mean, torchvisions):
    name = kind.__name__
    collection = replace(tiny.collection("http://127.0.0.1:9/"), title=name, folder=folder, shared_names=True)
    monkeypatch.setattr(kind, "_collection", collection)
    monkeypatch.setenv("GRAD_DATA_HOME", str(tmp_path / "mine"))
    tiny.fill(tmp_path / "mine" / (f"{name}/raw" if torchvisions else folder))
    found = kind(train=False)
    assert np.array_equal(found.images, tiny.arrays["t10k-images-idx3-ubyte.gz"])
    assert repr(found) == f"{name}(train=False, 3 images of 28x28)"
    assert (found.classes[0], len(found.classes), isinstance(found, MNIST)) == (first, 10, True)
    x, _ = found.as_arrays(normalize=True)
    np.testing.assert_allclose(x, (found.images / 255.0 - mean) / kind.std, rtol=1e-5, atol=1e-6)


def test_files_of_mnist_beside_are_not_taken_for_those_of_another_set(tiny, tmp_path, cache, monkeypatch):
    other = replace(tiny.archives[0], sha256="0" * 64)
    collection = replace(tiny.collection(), archives=(other, *tiny.archives[1:]), mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setattr(KMNIST, "_collection", replace(collection, title="KMNIST", folder="kmnist", shared_names=True))
    tiny.fill(tmp_path / "mine")
    monkeypatch.setenv("GRAD_DATA_HOME", str(tmp_path / "mine"))
    with pytest.raises(DataNotFoundError, match="KMNIST was not found"):
        KMNIST(download=False)
    with pytest.raises(CorruptDataError, match="is not the original file: the SHA-256"):
        KMNIST(tmp_path / "mine", download=False)


# --- EMNIST ---


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


# --- QMNIST ---


@pytest.fixture
def qmnist(cache, tmp_path, monkeypatch):
    """Twelve test images of which "test10k" are the first ten thousand, and so all; four of the others."""
    arrays, archives = {}, []
    for old in QMNIST._collection.archives:
        count = 12 if "test" in old.name else 4
        shape = (count, *old.shape[1:])
        if old.code == 8:
            array = RNG.integers(0, 256, shape, dtype=np.uint8)
            content = idx_bytes(array)
        else:
            array = np.concatenate([RNG.integers(0, 10, (count, 1)), RNG.integers(-1, 300_000, (count, 7))], axis=1)
            array = array.astype(np.int32)
            content = bytes((0, 0, 12, 2)) + np.array(shape, ">i4").tobytes() + array.astype(">i4").tobytes()
        raw = lzma.compress(content) if old.name.endswith("xz") else gzip.compress(content, mtime=0)
        (tmp_path / old.name).write_bytes(raw)
        arrays[old.name] = array
        archives.append(replace(old, shape=shape, md5=hashlib.md5(raw, usedforsecurity=False).hexdigest()))
    monkeypatch.setattr(QMNIST, "_collection", replace(QMNIST._collection, archives=tuple(archives)))
    return tmp_path, arrays


@pytest.mark.parametrize(
    ("options", "start", "count"),
    [
        ({}, "qmnist-train", 4),
        ({"train": False}, "qmnist-test", 12),
        ({"what": "test10k"}, "qmnist-test", 12),
        ({"what": "test50k"}, "qmnist-test", 0),
        ({"what": "nist"}, "xnist", 4),
    ],
)
def test_parts_of_qmnist(qmnist, options, start, count):
    folder, arrays = qmnist
    found = QMNIST(folder, download=False, **options)
    images, details = (array for name, array in arrays.items() if name.startswith(start))
    assert len(found) == count
    assert np.array_equal(found.images, images[len(images) - count :])
    assert np.array_equal(found.details, details[len(images) - count :])
    assert np.array_equal(found.labels, found.details[:, 0])
    assert (found.labels.dtype, found.details.dtype, found.images.dtype) == (np.int64, np.int32, np.uint8)
    assert (found.train, found.what) == (start == "qmnist-train", options.get("what", start.removeprefix("qmnist-")))
    assert repr(found) == f"QMNIST({found.what}, {count} images of 28x28)"


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("qmnist-train-images-idx3-ubyte.gz", lambda raw: raw[:-1], "the MD5 of its archive is"),
        ("qmnist-train-labels-idx2-int.gz", lambda raw: raw + bytes(10**6), "it is longer than the"),
        ("xnist-images-idx3-ubyte.xz", lambda raw: b"<html>", "it is not an xz archive"),
        ("xnist-images-idx3-ubyte.xz", lambda raw: raw[:30] + b"\0" + raw[31:], "the MD5 of its archive is"),
    ],
)
def test_wrong_files_of_qmnist(qmnist, name, spoil, message):
    folder, _ = qmnist
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    with pytest.raises(CorruptDataError, match=message):
        QMNIST(folder, "nist" if name.startswith("x") else "train", download=False)


# --- formats ---


def xz(content, shape, **changes):
    raw = lzma.compress(content)
    return raw, packed("a.xz", content, shape, **({"size": len(raw), "sha256": None} | changes))[1]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (lzma.compress(bytes(50_000_000)), "expands beyond the 13 bytes"),
        (lzma.compress(idx_bytes(np.arange(5, dtype=np.uint8)))[:-8], "ends early|does not decompress"),
        (lzma.compress(idx_bytes(np.arange(5, dtype=np.uint8)))[:30] + b"\xff" * 40, "does not decompress"),
    ],
)
def test_xz_that_is_not_proper(raw, message):
    _, archive = xz(b"", (5,), size=len(raw), content_sha256=None)
    with pytest.raises(CorruptDataError, match=message):
        decode(raw, archive)


def test_xz_without_lzma(monkeypatch):
    raw, archive = xz(idx_bytes(np.arange(5, dtype=np.uint8)), (5,))
    assert decode(raw, archive).tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(_idx, "lzma", None)
    with pytest.raises(CorruptDataError, match="a Python built without lzma cannot read"):
        decode(raw, archive)


@pytest.mark.parametrize("value", [-1, 10])
def test_a_class_out_of_range_in_a_table(value):
    table = np.array([[3, 99], [value, 5]], ">i4")
    content = bytes((0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 2)) + table.tobytes()
    raw, archive = packed("a.gz", content, (2, 2), highest=9, code=12)
    with pytest.raises(CorruptDataError, match=f"it holds the value {value}, the largest allowed is 9"):
        decode(raw, archive)


# --- what is known of the real files ---


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        (FashionMNIST, 4, "84d21c2dd44a"),
        (KMNIST, 4, "d539d8ff7b91"),
        (EMNIST, 24, "72cc83c098c1"),
        (QMNIST, 6, "5f694b2edf59"),
    ],
)
def test_the_real_files_are_described_completely(kind, count, expected):
    collection = kind._collection
    assert len(collection.archives) == count
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in collection.mirrors)
    facts = [[a.name, a.size, a.sha256, a.md5, a.shape, a.highest, a.code] for a in collection.archives]
    text = repr((facts, collection.bundle and asdict(collection.bundle)))
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == expected


@pytest.mark.parametrize(("kind", "argument"), [(EMNIST, "split"), (QMNIST, "what")])
def test_an_unknown_part(kind, argument):
    with pytest.raises(ValueError, match=f"{argument} is 'letter', expected one of "):
        kind(None, "letter")
