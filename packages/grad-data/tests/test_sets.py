"""FashionMNIST, KMNIST and QMNIST, in small: only counts and checksums are not the real ones."""

import gzip
import hashlib
import lzma
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
    FashionMNIST,
    _idx,
)
from grad_data._idx import decode
from made_archives import idx_bytes, packed

RNG = np.random.default_rng(8)


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
