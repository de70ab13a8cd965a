import hashlib

import numpy as np
import pytest
from grad_data import DataLoader, Digits, accuracy


@pytest.fixture(scope="module")
def digits():
    return Digits(5000, seed=0)


@pytest.fixture(scope="module")
def held_out():
    return Digits(2000, seed=1)


def test_the_same_bytes_everywhere():
    digits = Digits(2000, seed=0)
    raw = digits.labels.astype("<i8").tobytes() + digits.images.tobytes()
    expected = "0f7cdc96a48501f9cba11d67f7730d88b365207254906d1b0726f58f7f6cd7c1"
    assert hashlib.sha256(raw).hexdigest() == expected


def test_shapes_and_dtypes_are_those_of_mnist(digits):
    assert (digits.images.shape, digits.images.dtype) == ((5000, 28, 28), np.uint8)
    assert (digits.labels.shape, digits.labels.dtype) == ((5000,), np.int64)
    assert (len(digits), digits.seed, digits.classes) == (5000, 0, tuple("0123456789"))
    assert repr(digits) == "Digits(5000, seed=0)"
    x, y = digits.as_arrays(flatten=True, normalize=True, one_hot=True)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((5000, 784), np.float32, (5000, 10), np.float32)


@pytest.mark.parametrize("n", [1, 7, 499, 500, 501, 1234])
def test_fewer_digits_are_the_first_of_more(digits, n):
    fewer = Digits(n)
    assert np.array_equal(fewer.images, digits.images[:n])
    assert np.array_equal(fewer.labels, digits.labels[:n])


def test_seeds_give_different_digits(digits):
    other = Digits(500, seed=1)
    assert not np.array_equal(other.labels, digits.labels[:500])
    images = np.concatenate([digits.images, other.images]).reshape(-1, 784)
    assert len(np.unique(images, axis=0)) == len(images)


def test_every_run_of_ten_has_each_class_once_in_no_fixed_order(digits):
    runs = digits.labels.reshape(-1, 10)
    assert np.array_equal(np.sort(runs, axis=1), np.tile(np.arange(10), (500, 1)))
    assert len(np.unique(runs, axis=0)) > 490


def test_the_ink_is_like_that_of_mnist(digits):
    images = digits.images / 255
    assert 0.12 < images.mean() < 0.14  # MNIST 0.1307
    assert 0.29 < images.std() < 0.32  # MNIST 0.3081
    assert digits.images.max(axis=(1, 2)).min() >= 230
    edge = np.ones((28, 28), bool)
    edge[1:-1, 1:-1] = False
    assert digits.images[:, edge].any(axis=1).mean() < 0.02
    weight = images.sum(axis=(1, 2))
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) * np.arange(28)).sum(axis=1) / weight
        assert np.abs(centre - 13.5).max() < 2
        assert np.abs(centre - 13.5).mean() < 0.6
        lit = (images > 0.5).any(axis=3 - axis)
        assert lit.sum(axis=1).max() <= 21


def mlp(x, y, epochs=5, hidden=64, rate=0.1):
    """A network with one hidden layer by hand, and the function that it has learned."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, (2 / 784) ** 0.5, (784, hidden)).astype(np.float32)
    second = rng.normal(0, (2 / hidden) ** 0.5, (hidden, 10)).astype(np.float32)
    for inputs, labels in (batch for _ in range(epochs) for batch in DataLoader((x, y), 50, shuffle=True, seed=epochs)):
        active = np.maximum(inputs @ first, 0)
        scores = active @ second
        error = np.exp(scores - scores.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(len(labels)), labels] -= 1
        back = (error @ second.T) * (active > 0)
        second -= rate / len(labels) * (active.T @ error)
        first -= rate / len(labels) * (inputs.T @ back)
    return lambda inputs: np.maximum(inputs @ first, 0) @ second


def test_a_small_network_learns_them_and_only_them(held_out):
    x, y = Digits(10_000, seed=0).as_arrays(flatten=True)
    x_test, y_test = held_out.as_arrays(flatten=True)
    assert accuracy(mlp(x, y)(x_test), y_test) > 0.95
    nonsense = np.random.default_rng(0).permutation(y)
    assert 0.05 < accuracy(mlp(x, nonsense, epochs=1)(x_test), y_test) < 0.2


def test_they_are_not_too_easy(digits, held_out):
    x, y = digits.as_arrays(flatten=True)
    means = np.stack([x[y == label].mean(axis=0) for label in range(10)])
    x_test, y_test = held_out.as_arrays(flatten=True)
    nearest = x_test @ means.T - (means**2).sum(axis=1) / 2
    assert 0.7 < accuracy(nearest, y_test) < 0.92


@pytest.mark.parametrize("label", range(10))
def test_a_model_that_learned_nothing_scores_a_tenth(held_out, label):
    assert accuracy(np.full(2000, label), held_out.labels) == 0.1


def test_transform():
    assert Digits(3, transform=np.ravel)[1][0].shape == (784,)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "n is 0, expected at least 1"),
        ((-5,), ValueError, "n is -5, expected at least 1"),
        ((10, -1), ValueError, "seed is -1, expected at least 0"),
        ((1e3,), TypeError, r"n is 1000\.0, expected an int of at least 1"),
        ((10, "a"), TypeError, "seed is 'a', expected an int"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Digits(*arguments)
