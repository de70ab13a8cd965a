import itertools

import numpy as np
import pytest
from grad_data import ArrayDataset, DataLoader, Digits

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "expected"),
    [
        (1, False, [1] * 10),
        (3, False, [3, 3, 3, 1]),
        (3, True, [3, 3, 3]),
        (5, True, [5, 5]),
        (10, True, [10]),
        (99, False, [10]),
    ],
)
def test_batches_cover_the_data_in_order(batch_size, drop_last, expected):
    loader = DataLoader((X, Y), batch_size, drop_last=drop_last)
    batches = list(loader)
    assert [len(y) for _, y in batches] == expected
    assert len(loader) == len(expected)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y[: sum(expected)])
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X[: sum(expected)])


def order(loader):
    return np.concatenate([y for _, y in loader]).tolist()


def test_shuffling_visits_all_once_in_a_new_order_each_epoch():
    loader = DataLoader((X, Y), 3, shuffle=True, seed=0)
    epochs = [order(loader) for _ in range(5)]
    assert all(sorted(epoch) == Y.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5
    for x, y in loader:
        np.testing.assert_array_equal(x, X[y])


def test_drop_last_drops_other_samples_each_epoch():
    loader = DataLoader((X, Y), 4, shuffle=True, drop_last=True, seed=0)
    assert len({frozenset(order(loader)) for _ in range(20)}) > 1


@pytest.mark.parametrize("how", ["seed", "generator"])
def test_the_same_seed_gives_the_same_epochs(how):
    loaders = [
        DataLoader(
            (X, Y), 3, shuffle=True, **({"seed": 7} if how == "seed" else {"generator": np.random.default_rng(7)})
        )
        for _ in range(2)
    ]
    first, second = ([order(loader) for _ in range(3)] for loader in loaders)
    assert first == second
    assert first != [order(DataLoader((X, Y), 3, shuffle=True, seed=8)) for _ in range(3)]


def test_a_generator_is_shared_and_only_used_to_shuffle():
    rng = np.random.default_rng(3)
    assert DataLoader(X, generator=rng).generator is rng
    before = rng.bit_generator.state
    list(DataLoader(X, 2, generator=rng))
    assert rng.bit_generator.state == before
    list(DataLoader(X, 2, shuffle=True, generator=rng))
    assert rng.bit_generator.state != before


def test_two_epochs_at_once_do_not_disturb_each_other():
    loader = DataLoader((X, Y), 1, shuffle=True, seed=0)
    one, two = iter(loader), iter(loader)
    mixed = [(int(next(one)[1][0]), int(next(two)[1][0])) for _ in range(10)]
    again = DataLoader((X, Y), 1, shuffle=True, seed=0)
    assert [list(epoch) for epoch in zip(*mixed, strict=True)] == [order(again), order(again)]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_belongs_to_the_caller(shuffle):
    kept = X.copy()
    loader = DataLoader((kept, Y), 3, shuffle=shuffle, seed=0)
    batches = list(loader)
    for (a, _), (b, _) in itertools.combinations(batches, 2):
        assert not np.shares_memory(a, b)
    for x, _ in batches:
        x[:] = -1
    np.testing.assert_array_equal(kept, X)


@pytest.mark.parametrize("dataset", [(X, Y), [X, Y], ArrayDataset(X, Y)], ids=["tuple", "list", "ArrayDataset"])
def test_several_arrays_come_as_tuples(dataset):
    batch = next(iter(DataLoader(dataset, 4)))
    assert isinstance(batch, tuple)
    np.testing.assert_array_equal(batch[0], X[:4])


def test_one_array_comes_as_arrays():
    np.testing.assert_array_equal(next(iter(DataLoader(X, 4))), X[:4])


def test_digits_come_as_images_and_labels():
    digits = Digits(30)
    images, labels = next(iter(DataLoader(digits, 8)))
    np.testing.assert_array_equal(images, digits.images[:8])
    np.testing.assert_array_equal(labels, digits.labels[:8])


def test_transform_makes_the_batch():
    (x, y), *_ = DataLoader((X, Y), 4, transform=lambda x, y: (x + 1, -y))
    np.testing.assert_array_equal(x, X[:4] + 1)
    np.testing.assert_array_equal(y, -Y[:4])
    assert [float(s) for s in DataLoader(X, 5, transform=np.sum)] == [45.0, 145.0]


def test_repr():
    loader = DataLoader((X, Y), 4, shuffle=True)
    assert repr(loader) == "DataLoader(ArrayDataset(float64[10, 2], int64[10]), 3 batches of 4, shuffled)"


@pytest.mark.parametrize(
    ("dataset", "options", "error", "message"),
    [
        ((X, Y[:9]), {}, ValueError, r"different lengths \[10, 9\]"),
        ((X[:0], Y[:0]), {}, ValueError, "the data set is empty"),
        (X[:0], {}, ValueError, "the data set is empty"),
        ((), {}, ValueError, "at least one array"),
        (X, {"batch_size": 0}, ValueError, "batch_size is 0, expected at least 1"),
        (X, {"batch_size": -3}, ValueError, "batch_size is -3, expected at least 1"),
        (X, {"batch_size": 2.0}, TypeError, r"batch_size is 2\.0, expected an int"),
        (
            X,
            {"batch_size": 11, "drop_last": True},
            ValueError,
            "10 samples do not fill one batch of 11; take a smaller",
        ),
        (X, {"seed": 1, "generator": np.random.default_rng()}, ValueError, "give seed or generator, not both"),
        (
            X,
            {"generator": 5},
            TypeError,
            r"generator is a int, expected a numpy.random.Generator; .*default_rng\(seed\)",
        ),
        (iter(X), {}, TypeError, "has no length or cannot be indexed.* give arrays"),
        ({1, 2}, {}, TypeError, "a set has no length or cannot be indexed"),
        (np.array(1.0), {}, TypeError, "a 0-d array"),
        ([(X[0], 1), (X[1], 0)], {}, TypeError, "list of 2 tuples, which looks like one tuple for each sample; stack"),
    ],
)
def test_wrong_arguments(dataset, options, error, message):
    with pytest.raises(error, match=message):
        DataLoader(dataset, **options)


class Counted(np.ndarray):
    """An array that counts how often somebody takes something out of it."""

    taken = 0

    def take(self, *args, **options):
        Counted.taken += 1
        return self.view(np.ndarray).take(*args, **options)

    def __getitem__(self, index):
        Counted.taken += 1
        return self.view(np.ndarray)[index]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", ["arrays", "one array", "images"])
def test_each_batch_is_taken_out_of_each_array_at_once(kind, shuffle, monkeypatch):
    monkeypatch.setattr(Counted, "taken", 0)
    digits = Digits(100)
    images, labels = digits.images.view(Counted), digits.labels.view(Counted)
    digits.images, digits.labels = images, labels
    # An ArrayDataset turns what it is given into plain arrays, so they are put into it afterwards.
    pairs = ArrayDataset(images, labels)
    pairs.arrays = (images, labels)
    dataset, arrays = {"arrays": (pairs, 2), "one array": (images, 1), "images": (digits, 2)}[kind]
    calls = []
    loader = DataLoader(dataset, 7, shuffle=shuffle, seed=0, transform=lambda *batch: calls.append(len(batch)))
    for _ in loader:
        pass
    assert len(loader) == 15
    assert Counted.taken == 15 * arrays
    assert calls == [arrays] * 15
