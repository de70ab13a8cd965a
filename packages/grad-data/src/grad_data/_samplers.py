"""In which order samples are visited. Every order is a whole array, drawn from a seed for its epoch."""

from collections.abc import Iterator, Sized
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grad_data._seeds import Random, Seeds, as_int

__all__ = [
    "BatchSampler",
    "DistributedSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StratifiedSampler",
    "WeightedRandomSampler",
]


class Sampler:
    """Base of the samplers: iterating over one gives the indices of an epoch, each time those of the next epoch.

    A subclass defines `_order(rng)`, the whole order as an array, and `__len__`. The order depends on the seed and the
    number of the epoch only, so that `set_epoch(3)` gives the fourth epoch again. With a Generator of the caller's
    instead of a seed, the seed of each epoch is drawn from it.

    Args:
        generator: an int as the seed; or a `numpy.random.Generator`, shared with the caller; or None for any seed.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> class Backwards(data.Sampler):
        ...     def __len__(self):
        ...         return 4
        ...     def _order(self, rng):
        ...         return np.arange(3, -1, -1)
        >>> list(Backwards())
        [3, 2, 1, 0]
    """

    def __init__(self, generator: Random = None) -> None:
        """Start with epoch 0."""
        self._seeds = Seeds(generator)

    @property
    def epoch(self) -> int:
        """Number of the epoch that comes next."""
        return self._seeds.epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch comes next."""
        self._seeds.epoch = as_int("epoch", epoch, 0)

    def order(self) -> NDArray[np.intp]:
        """The indices of the next epoch, as an array."""
        return self._order(np.random.default_rng(self._seeds.next())).astype(np.intp, copy=False)

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        raise NotImplementedError(f"{type(self).__name__} has to define _order(rng), which returns an array of indices")

    def __iter__(self) -> Iterator[int]:
        """The indices of the next epoch."""
        return iter(self.order().tolist())

    def __len__(self) -> int:
        """How many indices an epoch has."""
        raise NotImplementedError(f"{type(self).__name__} has to define __len__, how many indices an epoch has")

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to repeat the epochs from the next one on."""
        return self._seeds.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was called."""
        self._seeds.load_state_dict(state)

    def __repr__(self) -> str:
        """How many indices an epoch has."""
        return f"{type(self).__name__}({len(self)})"


class SequentialSampler(Sampler):
    """All samples in order: 0, 1, 2, ...

    Args:
        data_source: a data set, or anything else with a length.

    Example:
        >>> import grad_data as data
        >>> list(data.SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        """Remember the source."""
        super().__init__(0)
        self.data_source = data_source

    def __len__(self) -> int:
        """Length of the source."""
        return len(self.data_source)

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        return np.arange(len(self))


class RandomSampler(Sampler):
    """Samples at random.

    Args:
        data_source: a data set, or anything else with a length.
        replacement: whether a sample may come several times; otherwise none comes again before all have come.
        num_samples: how many an epoch has; None for as many as the source.
        generator: an int as the seed, or a `numpy.random.Generator`.

    Raises:
        ValueError: an empty source, or `num_samples` below 1.

    Example:
        >>> import grad_data as data
        >>> sorted(data.RandomSampler("abcde", generator=0))
        [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Random = None,
    ) -> None:
        """Remember the source."""
        super().__init__(generator)
        if len(data_source) == 0:
            raise ValueError("the source is empty: there is nothing to draw")
        self.data_source = data_source
        self.replacement = replacement
        self._count = None if num_samples is None else as_int("num_samples", num_samples, 1)

    def __len__(self) -> int:
        """`num_samples`, or the length of the source."""
        return len(self.data_source) if self._count is None else self._count

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        size, count = len(self.data_source), len(self)
        if self.replacement:
            return rng.integers(0, size, count)
        rounds = [rng.permutation(size) for _ in range(-(-count // size))]
        return np.concatenate(rounds)[:count]


class WeightedRandomSampler(Sampler):
    """Samples at random, each with a probability proportional to its weight.

    Args:
        weights: (N,) not negative, not all zero; they need not sum to 1.
        num_samples: how many an epoch has.
        replacement: whether a sample may come several times. Without, as many weights have to be above zero.
        generator: an int as the seed, or a `numpy.random.Generator`.

    Raises:
        ValueError: weights that are negative, not finite, of a wrong shape, or too few above zero.

    Example:
        >>> import grad_data as data
        >>> set(data.WeightedRandomSampler([0.0, 1.0, 3.0], 100, generator=0))
        {1, 2}
    """

    def __init__(
        self, weights: ArrayLike, num_samples: int, replacement: bool = True, generator: Random = None
    ) -> None:
        """Check the weights."""
        super().__init__(generator)
        self.weights: NDArray[np.float64] = np.asarray(weights, np.float64)
        self.num_samples = as_int("num_samples", num_samples, 1)
        self.replacement = replacement
        if self.weights.ndim != 1:
            raise ValueError(f"weights need the shape (N,), not {self.weights.shape}")
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all() and self.weights.any()):
            raise ValueError("weights have to be finite, not negative, and not all zero")
        possible = np.count_nonzero(self.weights)
        if not replacement and self.num_samples > possible:
            raise ValueError(
                f"num_samples is {self.num_samples}, but without replacement there are {possible} samples to draw"
            )

    def __len__(self) -> int:
        """`num_samples`."""
        return self.num_samples

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        if self.replacement:
            bounds = np.cumsum(self.weights)
            drawn = np.searchsorted(bounds, rng.random(self.num_samples) * bounds[-1], side="right")
            return np.asarray(np.minimum(drawn, np.flatnonzero(self.weights)[-1]))
        # The smallest of exponential times with these rates are a draw without replacement (Efraimidis, Spirakis 2006).
        with np.errstate(divide="ignore"):
            times = rng.exponential(size=len(self.weights)) / self.weights
        return np.argsort(times)[: self.num_samples]


class StratifiedSampler(Sampler):
    """All samples once, in a random order in which every stretch has about the same share of each class.

    Of a class with n samples, one falls into each n-th part of the epoch. So a batch of B samples has the share of a
    class times B, give or take one or two.

    Args:
        labels: (N,) the class of each sample.
        generator: an int as the seed, or a `numpy.random.Generator`.

    Raises:
        ValueError: labels of a wrong shape, or none.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> labels = np.array([0] * 6 + [1] * 2)
        >>> order = data.StratifiedSampler(labels, generator=0).order()
        >>> labels[order[:4]].sum(), labels[order[4:]].sum()
        (np.int64(1), np.int64(1))
    """

    def __init__(self, labels: ArrayLike, generator: Random = None) -> None:
        """Number the classes."""
        super().__init__(generator)
        given = np.asarray(labels)
        if given.ndim != 1 or given.size == 0:
            raise ValueError(f"labels need the shape (N,) with at least one, not {given.shape}")
        _, self._classes = np.unique(given, return_inverse=True)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._classes)

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        shuffled = rng.permutation(len(self))
        grouped = shuffled[np.argsort(self._classes[shuffled], kind="stable")]
        counts = np.bincount(self._classes)
        rank = np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)
        place = (rank + rng.random(len(self))) / np.repeat(counts, counts)
        order: NDArray[np.intp] = grouped[np.argsort(place)]
        return order


class DistributedSampler(Sampler):
    """The share of one of several processes that train together: all have the same order, and each every n-th index.

    As in torch, indices from the start are repeated, so that all shares are equally long; or, with `drop_last`, the
    last ones are left out.

    Args:
        dataset: a data set, or anything else with a length.
        num_replicas: how many processes.
        rank: which of them this one is, from 0.
        shuffle: whether the order is drawn anew for each epoch.
        seed: the same in all processes.
        drop_last: leave out what does not divide, instead of repeating.

    Raises:
        ValueError: a rank that is not below `num_replicas`, or nothing to share.

    Example:
        >>> import grad_data as data
        >>> [list(data.DistributedSampler("abcde", 2, rank, shuffle=False)) for rank in range(2)]
        [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self, dataset: Sized, num_replicas: int, rank: int, shuffle: bool = True, seed: int = 0, drop_last: bool = False
    ) -> None:
        """Find how long each share is."""
        super().__init__(as_int("seed", seed, 0))
        self.dataset = dataset
        self.num_replicas = as_int("num_replicas", num_replicas, 1)
        self.rank = as_int("rank", rank, 0)
        self.shuffle = shuffle
        self.drop_last = drop_last
        if self.rank >= self.num_replicas:
            raise ValueError(f"rank is {self.rank}, expected one of 0 to {self.num_replicas - 1}")
        if len(self) == 0:
            raise ValueError(f"{len(dataset)} samples leave nothing for each of {self.num_replicas} processes")

    def __len__(self) -> int:
        """Length of one share."""
        size = len(self.dataset)
        return size // self.num_replicas if self.drop_last else -(-size // self.num_replicas)

    def _order(self, rng: np.random.Generator) -> NDArray[Any]:
        size = len(self.dataset)
        order = rng.permutation(size) if self.shuffle else np.arange(size)
        return np.resize(order, len(self) * self.num_replicas)[self.rank :: self.num_replicas]


class _Indices(Protocol):
    def __iter__(self) -> Iterator[int]: ...
    def __len__(self) -> int: ...


class BatchSampler:
    """The indices of a sampler in batches.

    Args:
        sampler: a `Sampler`, or any other iterable of ints with a length.
        batch_size: indices in a batch; the last one holds what is left.
        drop_last: leave out a last batch that is not full.

    Example:
        >>> import grad_data as data
        >>> list(data.BatchSampler(range(5), 2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: _Indices, batch_size: int, drop_last: bool) -> None:
        """Check the size."""
        self.sampler = sampler
        self.batch_size = as_int("batch_size", batch_size, 1)
        self.drop_last = drop_last

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of the next epoch."""
        indices = list(self.sampler)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield indices[start : start + self.batch_size]

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch comes next, where the sampler can."""
        if isinstance(self.sampler, Sampler):
            self.sampler.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state of the sampler, where it has one."""
        return self.sampler.state_dict() if isinstance(self.sampler, Sampler) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was called."""
        if isinstance(self.sampler, Sampler):
            self.sampler.load_state_dict(state)
