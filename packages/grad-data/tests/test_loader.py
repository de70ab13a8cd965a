import itertools
import json
from functools import partial

import numpy as np
import pytest
from grad_data import (
    ArrayDataset,
    BatchSampler,
    DataLoader,
    Digits,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    StratifiedSampler,
    WeightedRandomSampler,
    default_collate,
    transforms,
)

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


# --- samplers, streams, collate_fn ---


def test_a_sampler_gives_the_order():
    loader = DataLoader((X, Y), 4, sampler=[3, 1, 1, 9, 0], drop_last=True)
    assert [y.tolist() for _, y in loader] == [[3, 1, 1, 9]]
    assert len(loader) == 1
    assert repr(loader).endswith("1 batches of 4, by [3, 1, 1, 9, 0])")
    drawn = DataLoader((X, Y), 4, sampler=RandomSampler(Y, generator=2))
    assert [order(drawn), order(drawn)] == [list(RandomSampler(Y, generator=2)), order_of_epoch(1)]
    drawn.set_epoch(0)
    assert order(drawn) == list(RandomSampler(Y, generator=2))


def order_of_epoch(epoch):
    sampler = RandomSampler(Y, generator=2)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_a_batch_sampler_gives_the_batches():
    loader = DataLoader((X, Y), batch_sampler=[[1, 2], [5], [9, 0, 1]])
    assert [y.tolist() for _, y in loader] == [[1, 2], [5], [9, 0, 1]]
    assert len(loader) == 3
    assert repr(loader).endswith("3 batches by [[1, 2], [5], [9, 0, 1]])")


class Stream:
    def __iter__(self):
        return iter([(X[i], i) for i in range(7)])

    def __repr__(self):
        return "Stream()"


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_stream_is_collected_into_batches(prefetch):
    loader = DataLoader(Stream(), 3, prefetch=prefetch, transform=lambda x, y: (x, -y))
    for _ in range(2):
        batches = list(loader)
        assert [y.tolist() for _, y in batches] == [[0, -1, -2], [-3, -4, -5], [-6]]
        np.testing.assert_array_equal(batches[1][0], X[3:6])
    assert len(list(DataLoader(Stream(), 3, drop_last=True))) == 2
    assert repr(loader) == "DataLoader(Stream(), batches of 3)"
    with pytest.raises(TypeError, match="len"):
        len(loader)
    assert list(DataLoader(Stream(), 4, collate_fn=len)) == [4, 3]


def test_collate_fn_gets_single_samples():
    class Single:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            assert type(index) is int
            return {"x": np.full(index + 1, index)}

    loader = DataLoader(Single(), 2, collate_fn=lambda samples: [len(sample["x"]) for sample in samples])
    assert list(loader) == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([1, 2], np.array([1, 2])),
        ([np.float32(1), np.float32(2)], np.array([1, 2], np.float32)),
        ([[1, 2], [3, 4]], (np.array([1, 3]), np.array([2, 4]))),
        (["a", "b"], ["a", "b"]),
        ([None, None], [None, None]),
    ],
)
def test_default_collate(samples, expected):
    found = default_collate(samples)
    assert type(found) is type(expected)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([np.ones(2), np.ones(3)], "different shapes cannot be stacked.*pad_sequences"),
        ([(1, 2), (1,)], r"different numbers of entries: \[1, 2\]"),
    ],
)
def test_samples_that_do_not_fit(samples, message):
    with pytest.raises(ValueError, match=message):
        default_collate(samples)


# --- resuming ---

NOISE = transforms.compose(partial(transforms.random_shift, most=1))
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 6, 6), dtype=np.uint8)
RESUMED = {
    "in order": dict,
    "seed": lambda: {"shuffle": True, "seed": 4},
    "no seed": lambda: {"shuffle": True},
    "generator": lambda: {"shuffle": True, "generator": np.random.default_rng(1)},
    "transform": lambda: {"shuffle": True, "transform": NOISE},
    "transform only": lambda: {"transform": NOISE, "generator": np.random.default_rng(1)},
    "sampler": lambda: {"sampler": StratifiedSampler(Y % 2)},
    "sequential": lambda: {"sampler": SequentialSampler(Y)},
    "random": lambda: {"sampler": RandomSampler(Y, generator=1)},
    "weighted": lambda: {"sampler": WeightedRandomSampler(Y, 11, generator=1)},
    "distributed": lambda: {"sampler": DistributedSampler(Y, num_replicas=1, rank=0, seed=1)},
    "prefetched sampler": lambda: {"sampler": RandomSampler(Y, generator=1), "prefetch": 2, "transform": NOISE},
    "sampler with generator": lambda: {"sampler": WeightedRandomSampler(Y, 11, generator=np.random.default_rng(2))},
    "prefetch": lambda: {"shuffle": True, "prefetch": 3, "transform": NOISE},
}


@pytest.mark.parametrize("make", RESUMED.values(), ids=RESUMED)
@pytest.mark.parametrize(("epochs", "batches"), [(0, 0), (0, 1), (1, 0), (1, 3), (1, 5), (2, 2)])
def test_a_loader_goes_on_where_another_stood(make, epochs, batches):
    def flat(found):
        return [array.tolist() for batch in found for array in batch]

    first = DataLoader((IMAGES, Y), 2, **make())
    for _ in range(epochs):
        list(first)
    running = iter(first)
    for _ in range(batches):
        next(running)
    state = json.loads(json.dumps(first.state_dict()))
    assert first.epoch == epochs
    second = DataLoader((IMAGES, Y), 2, **make())
    list(second)
    second.load_state_dict(state)
    assert second.epoch == epochs
    assert second.state_dict() == state
    assert flat(second) == flat(running)
    for _ in range(2):
        assert flat(second) == flat(first)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_batch_sampler_and_a_stream_are_resumed(prefetch):
    def loader():
        return DataLoader((X, Y), batch_sampler=BatchSampler(RandomSampler(Y), 3, False), prefetch=prefetch)

    first, second = loader(), loader()
    running = iter(first)
    next(running)
    second.load_state_dict(first.state_dict())
    assert [y.tolist() for _, y in second] == [y.tolist() for _, y in running]
    assert order(second) == order(first)
    stream = DataLoader(Stream(), 2, prefetch=prefetch)
    stream.load_state_dict(first.state_dict() | {"batches": 2, "sampler": None, "batch_sampler": None})
    assert [y.tolist() for _, y in stream] == [[4, 5], [6]]


def test_an_epoch_can_be_chosen():
    loader = DataLoader((X, Y), 3, shuffle=True, seed=0)
    epochs = [order(loader) for _ in range(3)]
    loader.set_epoch(1)
    assert loader.epoch == 1
    assert order(loader) == epochs[1]
    assert order(loader) == epochs[2]


@pytest.mark.parametrize(
    ("dataset", "options", "error", "message"),
    [
        (X, {"sampler": [1], "shuffle": True}, ValueError, "a sampler excludes shuffle"),
        (X, {"batch_sampler": [[1]], "batch_size": 2}, ValueError, "a batch_sampler excludes batch_size, shuffle"),
        (X, {"batch_sampler": [[1]], "drop_last": True}, ValueError, "a batch_sampler excludes"),
        (X, {"sampler": iter([1])}, TypeError, "the sampler is a list_iterator; it needs __iter__ and __len__"),
        (X, {"sampler": [1], "drop_last": True, "batch_size": 2}, ValueError, "1 samples do not fill one batch of 2"),
        (X, {"workers": -1}, ValueError, "workers is -1, expected at least 0"),
        (X, {"prefetch": 1.5}, TypeError, r"prefetch is 1\.5"),
        (X, {"seed": -1}, ValueError, "a seed is 0 or more, not -1"),
        (Stream(), {"shuffle": True}, ValueError, "comes in its own order"),
        (Stream(), {"workers": 1}, ValueError, "workers take samples by index"),
    ],
)
def test_options_that_exclude_each_other(dataset, options, error, message):
    with pytest.raises(error, match=message):
        DataLoader(dataset, **options)


def test_a_state_of_another_kind():
    with pytest.raises(ValueError, match="of one with a seed where this has a generator"):
        DataLoader(X, generator=np.random.default_rng()).load_state_dict(DataLoader(X).state_dict())
