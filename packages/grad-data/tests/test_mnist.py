import hashlib

import numpy as np
import pytest
from grad_data import MNIST, DataLoader, DataNotFoundError, Digits, DownloadError

PARTS = [(True, "train", 7), (False, "t10k", 3)]


@pytest.fixture
def small(tiny, tmp_path, cache, monkeypatch):
    """MNIST with seven and three images, in a folder; everything else about it is real."""
    monkeypatch.setattr(MNIST, "_collection", tiny.collection("http://127.0.0.1:9/"))
    return tiny.fill(tmp_path / "mine" / "mnist").parent


@pytest.mark.parametrize(("train", "part", "count"), PARTS)
def test_images_and_labels(small, tiny, train, part, count):
    mnist = MNIST(small, train=train)
    assert np.array_equal(mnist.images, tiny.arrays[f"{part}-images-idx3-ubyte.gz"])
    assert np.array_equal(mnist.labels, tiny.arrays[f"{part}-labels-idx1-ubyte.gz"])
    assert (mnist.images.dtype, mnist.labels.dtype) == (np.uint8, np.int64)
    assert (len(mnist), mnist.train, mnist.transform) == (count, train, None)
    assert mnist.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    assert mnist.files == tuple(small / "mnist" / f"{part}-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1"))
    assert repr(mnist) == f"MNIST(train={train}, {count} images of 28x28)"


def test_only_the_files_of_the_part_are_needed(small):
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (small / "mnist" / name).unlink()
    assert len(MNIST(small, train=True)) == 7
    with pytest.raises(DataNotFoundError):
        MNIST(small, train=False, download=False)
    with pytest.raises(DownloadError):
        MNIST(small, train=False)


@pytest.mark.parametrize(
    "index",
    [2, -1, np.int64(3), np.array(4), slice(1, 5, 2), [3, 0, 3], np.array([-1, 2]), np.arange(7) % 2 == 0, []],
    ids=str,
)
def test_indexing_gives_images_and_labels(small, index):
    mnist = MNIST(small)
    images, labels = mnist[index]
    where = np.array(index, int) if isinstance(index, list) else index
    assert np.array_equal(images, mnist.images[where])
    assert np.array_equal(labels, mnist.labels[where])


def test_iteration_goes_over_the_samples(small):
    mnist = MNIST(small)
    assert [int(label) for _, label in mnist] == mnist.labels.tolist()


def test_transform_sees_the_images_that_were_picked(small):
    mnist = MNIST(small, transform=lambda images: images.astype(np.float32) / 255)
    assert mnist[2][0].dtype == np.float32
    assert mnist[2][0].shape == (28, 28)
    (x, y), *_ = DataLoader(mnist, batch_size=4)
    assert (x.shape, x.dtype, y.shape) == ((4, 28, 28), np.float32, (4,))
    assert mnist.images.dtype == np.uint8


def test_as_arrays_scales_to_one(small):
    mnist = MNIST(small)
    x, y = mnist.as_arrays()
    assert (x.shape, x.dtype, y.dtype) == ((7, 28, 28), np.float32, np.int64)
    np.testing.assert_allclose(x, mnist.images / 255.0, rtol=1e-6)
    assert (x.min(), x.max()) == (0.0, 1.0)
    x[:], y[:] = 0.5, 0
    assert mnist.labels.any()


def test_as_arrays_normalizes_with_the_published_figures(small):
    x, _ = MNIST(small).as_arrays(normalize=True)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, (MNIST(small).images / 255.0 - 0.1307) / 0.3081, rtol=1e-5, atol=1e-6)


def test_as_arrays_flattens_and_makes_one_hot(small):
    mnist = MNIST(small)
    x, y = mnist.as_arrays(flatten=True, one_hot=True)
    assert (x.shape, y.shape, y.dtype) == ((7, 784), (7, 10), np.float32)
    np.testing.assert_array_equal(y.argmax(axis=1), mnist.labels)
    np.testing.assert_array_equal(y.sum(axis=1), 1)
    np.testing.assert_array_equal(x.reshape(7, 28, 28), mnist.as_arrays()[0])


REAL = {
    True: (60_000, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], 33.3184),
    False: (10_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], 33.7912),
}


@pytest.mark.parametrize("train", [True, False])
def test_this_machine_has_the_real_data_or_says_that_it_has_not(train):
    """Checks what is there: the data themselves, or the message in their place and what to use instead."""
    count, histogram, mean = REAL[train]
    message = ""
    try:
        digits = MNIST(train=train, download=False)
    except DataNotFoundError as error:
        message = str(error)
        digits = Digits(count)
    if message:
        assert "train-images-idx3-ubyte.gz (9,912,422 bytes)" in message
        assert np.bincount(digits.labels).tolist() == [count // 10] * 10
    else:
        assert np.bincount(digits.labels).tolist() == histogram
        assert digits.images.mean() == pytest.approx(mean, abs=1e-3)
    assert digits.images.shape == (count, 28, 28)


def test_the_real_files_are_described_completely():
    files = MNIST._collection.archives
    assert sum(archive.size for archive in files) == 11_594_722
    assert [archive.shape[0] for archive in files] == [60_000, 60_000, 10_000, 10_000]
    digests = "".join(archive.sha256 + archive.content_sha256 for archive in files)
    assert len(digests) == 8 * 64
    assert hashlib.sha256(digests.encode()).hexdigest()[:16] == "9d927e05fda642c9"
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in MNIST._collection.mirrors)
    policy = MNIST._collection.policy
    assert policy.patience * 4 / 3 < 15  # also for the second of two processes at once
