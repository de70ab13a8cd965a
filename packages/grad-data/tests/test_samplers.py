import numpy as np
import pytest
from grad_data import (
    ArrayDataset,
    BatchSampler,
    ConcatDataset,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    Subset,
    WeightedRandomSampler,
    k_fold,
    random_split,
)

TEN = range(10)
LABELS = np.array([0] * 60 + [1] * 30 + [2] * 10)

RANDOM = {
    "random": lambda g: RandomSampler(TEN, generator=g),
    "replaced": lambda g: RandomSampler(TEN, True, 20, generator=g),
    "more": lambda g: RandomSampler(TEN, num_samples=25, generator=g),
    "weighted": lambda g: WeightedRandomSampler(np.arange(10), 8, generator=g),
    "weighted once": lambda g: WeightedRandomSampler(np.arange(10), 8, False, generator=g),
    "stratified": lambda g: StratifiedSampler(LABELS, generator=g),
    "distributed": lambda g: DistributedSampler(TEN, 2, 0, seed=5 if g is None else int(g)),
}


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_each_epoch_has_an_order_of_its_own_that_comes_again(make):
    sampler, other = make(5), make(5)
    epochs = [list(sampler) for _ in range(4)]
    assert all(len(epoch) == len(sampler) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert [list(other) for _ in range(4)] == epochs
    assert sampler.epoch == 4
    sampler.set_epoch(2)
    assert list(sampler) == epochs[2]
    state = sampler.state_dict()
    list(sampler)
    sampler.load_state_dict(state)
    assert list(sampler) == epochs[3]
    assert all(type(index) is int for index in epochs[0])


def test_a_callers_generator_is_drawn_from_and_restored():
    rng = np.random.default_rng(3)
    sampler = RandomSampler(TEN, generator=rng)
    state = sampler.state_dict()
    first = list(sampler)
    assert list(sampler) != first
    sampler.load_state_dict(state)
    assert list(sampler) == first
    with pytest.raises(ValueError, match="of one with a seed where this has a generator"):
        sampler.load_state_dict(RandomSampler(TEN, generator=1).state_dict())


def test_what_each_one_visits():
    assert list(SequentialSampler(TEN)) == list(TEN)
    assert sorted(RandomSampler(TEN)) == list(TEN)
    more = list(RandomSampler(TEN, num_samples=25))
    assert set(np.bincount(more).tolist()) == {2, 3}
    assert sorted(more[:10]) == sorted(more[10:20]) == list(TEN)
    assert np.bincount(list(RandomSampler(range(4), True, 40_000, generator=0))) == pytest.approx(
        [10_000] * 4, rel=0.05
    )


@pytest.mark.parametrize("scale", [1, 1e-300])
def test_weights_are_shares(scale):
    weights = np.array([1.0, 0.0, 2.0, 5.0, 0.0]) * scale
    counts = np.bincount(WeightedRandomSampler(weights, 80_000, generator=1).order(), minlength=5)
    assert counts / 10_000 == pytest.approx([1, 0, 2, 5, 0], rel=0.05)


def test_weights_without_replacement():
    sampler = WeightedRandomSampler([1, 0, 3, 3], 3, replacement=False, generator=0)
    assert all(sorted(sampler) == [0, 2, 3] for _ in range(50))
    first = np.bincount([WeightedRandomSampler([1, 3], 1, False, i).order()[0] for i in range(2000)])
    assert first / 500 == pytest.approx([1, 3], rel=0.15)


def test_strata_are_spread_over_the_epoch():
    order = StratifiedSampler(LABELS, generator=0).order()
    assert sorted(order.tolist()) == list(range(100))
    counts = [np.bincount(LABELS[batch], minlength=3) for batch in order.reshape(10, 10)]
    assert all(abs(count - [6, 3, 1]).max() <= 1 for count in counts)
    texts = StratifiedSampler(["b", "a", "b", "a"], generator=0).order()
    assert len({("b", "a")[i % 2] for i in texts[:2]}) == 2


@pytest.mark.parametrize(
    ("size", "replicas", "drop_last"), [(10, 3, False), (10, 3, True), (2, 5, False), (8, 4, True)]
)
def test_shares_of_several_processes(size, replicas, drop_last):
    samplers = [
        DistributedSampler(range(size), replicas, rank, drop_last=drop_last, seed=1) for rank in range(replicas)
    ]
    for epoch in range(2):
        shares = [list(sampler) for sampler in samplers]
        assert {len(share) for share in shares} == {len(samplers[0])}
        together = np.concatenate(shares)
        assert len(together) == (size // replicas if drop_last else -(-size // replicas)) * replicas
        assert set(together.tolist()) <= set(range(size))
        assert len(set(together.tolist())) == min(size, len(together)), epoch
    plain = [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in range(2)]
    assert plain == [[0, 2, 4], [1, 3, 0]]


@pytest.mark.parametrize(
    ("size", "drop", "expected"), [(3, False, [3, 3, 3, 1]), (3, True, [3, 3, 3]), (5, True, [5, 5])]
)
def test_batches_of_indices(size, drop, expected):
    sampler = BatchSampler(SequentialSampler(TEN), size, drop)
    assert [len(batch) for batch in sampler] == expected
    assert len(sampler) == len(expected)
    shuffled = BatchSampler(RandomSampler(TEN, generator=0), size, drop)
    first = list(shuffled)
    shuffled.set_epoch(0)
    assert list(shuffled) == first
    assert BatchSampler([5, 6], 1, False).state_dict() == {}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomSampler([]), ValueError, "the source is empty"),
        (lambda: RandomSampler(TEN, num_samples=0), ValueError, "num_samples is 0, expected at least 1"),
        (lambda: RandomSampler(TEN, generator="x"), TypeError, r"a numpy.random.Generator or an int as its seed"),
        (lambda: RandomSampler(TEN, generator=-1), ValueError, "a seed is 0 or more, not -1"),
        (lambda: WeightedRandomSampler([1, -1], 1), ValueError, "finite, not negative, and not all zero"),
        (lambda: WeightedRandomSampler([0, 0], 1), ValueError, "not all zero"),
        (lambda: WeightedRandomSampler([[1]], 1), ValueError, r"shape \(N,\), not \(1, 1\)"),
        (lambda: WeightedRandomSampler([1, 0], 2, False), ValueError, "without replacement there are 1 samples"),
        (lambda: StratifiedSampler([]), ValueError, "with at least one"),
        (lambda: DistributedSampler(TEN, 2, 2), ValueError, "rank is 2, expected one of 0 to 1"),
        (lambda: DistributedSampler(range(2), 3, 0, drop_last=True), ValueError, "leave nothing for each of 3"),
        (lambda: BatchSampler(TEN, 0, False), ValueError, "batch_size is 0"),
        (lambda: Sampler().order(), NotImplementedError, r"Sampler has to define _order\(rng\)"),
        (lambda: len(Sampler()), NotImplementedError, "Sampler has to define __len__"),
        (lambda: SequentialSampler(TEN).set_epoch(-1), ValueError, "epoch is -1"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- parts and unions ---

X = np.arange(20.0).reshape(10, 2)
PAIRS = ArrayDataset(X, np.arange(10))


@pytest.mark.parametrize("index", [0, -1, slice(1, 3), [2, 0], np.array([True, False, True, False])], ids=str)
def test_subset(index):
    part = Subset(PAIRS, [7, 1, 1, -1])
    x, y = part[index]
    where = np.array([7, 1, 1, 9])[index]
    np.testing.assert_array_equal(y, where)
    np.testing.assert_array_equal(x, X[where])
    assert len(part) == 4
    assert repr(part) == "Subset(4 of ArrayDataset(float64[10, 2], int64[10]))"


@pytest.mark.parametrize(
    "index",
    [0, 9, 10, -1, -15, slice(8, 13), [12, 0, 9, 12, 14], [-1, -15], [11, 10], [], np.arange(15) % 4 == 0],
    ids=str,
)
def test_concatenation(index):
    both = ConcatDataset([PAIRS, ArrayDataset(X[:5] + 100, np.arange(5, dtype=np.int8))])
    whole = ArrayDataset(np.concatenate([X, X[:5] + 100]), np.r_[np.arange(10), np.arange(5)])
    for found, expected in zip(both[index], whole[index], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(both) == 15


def test_concatenation_of_single_arrays():
    np.testing.assert_array_equal(ConcatDataset([X, X + 1])[np.array([10, 0])], [X[0] + 1, X[0]])


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([7, 3], [7, 3]),
        ([0.8, 0.2], [8, 2]),
        ([0.25, 0.25, 0.5], [3, 2, 5]),
        ([10], [10]),
        ([1.0], [10]),
        ([0.7, 0.2, 0.1], [7, 2, 1]),
    ],
)
def test_random_split(lengths, expected):
    parts = random_split(PAIRS, lengths, generator=3)
    assert [len(part) for part in parts] == expected
    seen = np.concatenate([part.indices for part in parts])
    assert sorted(seen.tolist()) == list(TEN)
    again = random_split(PAIRS, lengths, generator=np.random.default_rng(3))
    np.testing.assert_array_equal(np.concatenate([part.indices for part in again]), seen)
    assert seen.tolist() != list(TEN)


@pytest.mark.parametrize("labels", [None, LABELS])
def test_k_fold(labels):
    data = ArrayDataset(LABELS)
    folds = k_fold(data, 7, labels=labels, generator=0)
    assert sorted(np.concatenate([test.indices for _, test in folds]).tolist()) == list(range(100))
    for train, test in folds:
        assert sorted([*train.indices, *test.indices]) == list(range(100))
        assert len(test) in (14, 15)
        if labels is not None:
            assert abs(np.bincount(test[:][0], minlength=3) - [60 / 7, 30 / 7, 10 / 7]).max() < 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Subset(PAIRS, [10]), IndexError, "index 10 is out of range for 10 samples"),
        (lambda: Subset(PAIRS, [-11]), IndexError, "index -11 is out of range"),
        (lambda: Subset(PAIRS, [0.5]), TypeError, "holds integers or bools"),
        (lambda: ConcatDataset([]), ValueError, "at least one data set"),
        (lambda: ConcatDataset([PAIRS])[10], IndexError, "index 10 is out of range"),
        (lambda: ConcatDataset([PAIRS, PAIRS])[[0, 20]], IndexError, "out of range for 20 samples"),
        (lambda: ConcatDataset([X, X[:, :1]])[[0, 10]], ValueError, "have different shapes"),
        (
            lambda: ConcatDataset([PAIRS, ArrayDataset(X)])[[0, 10]],
            ValueError,
            "tuples of different lengths",
        ),
        (lambda: random_split(PAIRS, [5, 4]), ValueError, r"\[5, 4\] sum to 9, but the data set has 10"),
        (lambda: random_split(PAIRS, [0.5, 0.4]), ValueError, "sum to 0.9, not to 1"),
        (lambda: random_split(PAIRS, [11, -1]), ValueError, "none may be negative"),
        (lambda: k_fold(PAIRS, 11), ValueError, "k is 11, and the data set has 10 samples"),
        (lambda: k_fold(PAIRS, 1), ValueError, "k is 1, expected at least 2"),
        (lambda: k_fold(PAIRS, 2, labels=[1, 2]), ValueError, r"shape \(10,\), one for each sample"),
    ],
)
def test_wrong_parts(make, error, message):
    with pytest.raises(error, match=message):
        make()
