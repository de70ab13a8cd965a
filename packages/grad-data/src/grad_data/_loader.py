"""Batches out of a data set: in order, shuffled or by a sampler; made here, ahead of time, or by other processes."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grad_data._collate import Fetch, default_collate
from grad_data._dataset import ArrayDataset, Dataset, IterableDataset
from grad_data._prefetch import ahead
from grad_data._seeds import Random, Seeds, as_int
from grad_data._workers import Pool

__all__ = ["DataLoader"]

_Task = tuple[Any, np.random.SeedSequence | None]


class DataLoader:
    """Iterates over a data set in batches, any number of times.

    Samples are taken out of the arrays a whole batch at a time. Every batch is a copy: it belongs to the caller, no
    later batch overwrites it, and changing it does not change the data set.

    Orders, and the seeds of random transforms, depend on the seed, the number of the epoch and the number of the batch
    only: with or without workers the same batches come. `state_dict` holds where the loader stands, also in the middle
    of an epoch; a loader made in the same way goes on from there with `load_state_dict`.

    Args:
        dataset: an ArrayDataset, MNIST, Digits or anything else that keeps the `Dataset` protocol; or a tuple or list
            of arrays of equal length, whose batches are tuples; or one array, whose batches are arrays; or an
            `IterableDataset`, whose samples are collected as they come.
        batch_size: samples in a batch, at least 1; the last batch holds what is left.
        shuffle: draw a new order at the start of each epoch.
        drop_last: leave out a last batch that is not full.
        seed: a number, at least 0; the same seed gives the same sequence of epochs. None for any.
        generator: a `numpy.random.Generator` to draw the seeds of the epochs from instead, shared with the caller.
        transform: a function of the batch: called with its arrays as arguments, what it returns is the batch. One made
            by `transforms.compose` is given a Generator for each batch.
        sampler: an iterable of indices, with a length: a `Sampler`, a list. Instead of `shuffle`.
        batch_sampler: an iterable of lists of indices, with a length: a `BatchSampler`. Instead of `batch_size`,
            `shuffle`, `sampler` and `drop_last`.
        collate_fn: makes a batch of a list of samples; the data set is then asked for one sample at a time, by an int.
            Without it whole batches are asked for, by an array of indices; samples of an `IterableDataset` are joined
            by `default_collate`.
        prefetch: how many batches are made ahead of time: in a thread, or with `workers` by each of them (0 is then
            2). A thread pays where NumPy spends its time in copies and sums, which release the interpreter.
        workers: how many processes make batches; 0 for none. They start with the first epoch, stay for the next ones,
            and end with the loader, or with `close`. The data set is sent to each of them once. Not for an
            `IterableDataset`, of which each of them would give all samples.
        multiprocessing_context: how they are started: "spawn", "forkserver" or "fork".

    Attributes:
        dataset, batch_size, shuffle, drop_last, transform, sampler, batch_sampler, collate_fn, prefetch, workers: as
            given.
        generator: as given, or None.

    Raises:
        TypeError: a data set without a length, a `batch_size` that is no integer, a list of samples; on iterating, what
            cannot be sent to a worker.
        ValueError: an empty data set, `batch_size` below 1, arrays of different lengths, options that exclude each
            other, or `drop_last` where not one batch would be full.
        RuntimeError: on iterating, when a worker was killed. What a worker raises is raised here, with its traceback.

    Example:
        >>> import numpy as np
        >>> import grad_data as data
        >>> x = np.arange(10, dtype=np.uint8).reshape(5, 2)
        >>> loader = data.DataLoader((x, np.arange(5)), batch_size=2, transform=lambda x, y: (x / np.float32(255), y))
        >>> len(loader)
        3
        >>> for inputs, labels in loader:
        ...     print(inputs.dtype, inputs.shape, labels)
        float32 (2, 2) [0 1]
        float32 (2, 2) [2 3]
        float32 (1, 2) [4]
    """

    def __init__(
        self,
        dataset: Dataset | IterableDataset | NDArray[Any] | tuple[Any, ...] | list[Any],
        batch_size: int = 1,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
        generator: np.random.Generator | None = None,
        transform: Callable[..., Any] | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        prefetch: int = 0,
        workers: int = 0,
        multiprocessing_context: str = "spawn",
    ) -> None:
        self.dataset = _as_dataset(dataset)
        self.batch_size = as_int("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        self.collate_fn = collate_fn
        self.prefetch = as_int("prefetch", prefetch, 0)
        self.workers = as_int("workers", workers, 0)
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self._stream = not hasattr(self.dataset, "__getitem__")
        self._seeds = Seeds(_one_source(seed, generator))
        self._pool: Pool | None = None
        self._running: dict[str, Any] | None = None
        self._skip = 0
        self._check_options()

    def _check_options(self) -> None:
        if self.batch_sampler is not None and (
            self.batch_size != 1 or self.shuffle or self.sampler is not None or self.drop_last
        ):
            raise ValueError(
                "a batch_sampler excludes batch_size, shuffle, sampler and drop_last: it makes the batches"
            )
        if self.sampler is not None and self.shuffle:
            raise ValueError("a sampler excludes shuffle: give a RandomSampler, or shuffle=True alone")
        if self._stream:
            if self.shuffle or self.sampler is not None or self.batch_sampler is not None:
                raise ValueError(
                    "a data set without indices comes in its own order: no shuffle, sampler, batch_sampler"
                )
            if self.workers:
                raise ValueError("workers take samples by index, which this data set has not; prefetch works with it")
            return
        for name in ("sampler", "batch_sampler"):
            given = getattr(self, name)
            if given is not None and not (hasattr(given, "__iter__") and hasattr(given, "__len__")):
                raise TypeError(f"the {name} is a {type(given).__name__}; it needs __iter__ and __len__")
        if len(self.dataset) == 0:
            raise ValueError("the data set is empty: there is nothing to iterate over")
        size = len(self.dataset if self.sampler is None else self.sampler)
        if self.drop_last and size < self.batch_size:
            raise ValueError(
                f"drop_last leaves nothing: {size} samples do not fill one batch of {self.batch_size}; "
                "take a smaller batch_size or drop_last=False"
            )

    def __len__(self) -> int:
        """Batches in an epoch.

        Raises:
            TypeError: the data set is a stream without a length.
        """
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        full, rest = divmod(len(self.dataset if self.sampler is None else self.sampler), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    @property
    def epoch(self) -> int:
        """Number of the epoch that is going on, or that comes next."""
        return self._seeds.epoch if self._running is None else int(self._running["epoch"])

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch comes next, of the loader and of its sampler."""
        self._seeds.epoch = as_int("epoch", epoch, 0)
        self._skip, self._running = 0, None
        for given in (self.sampler, self.batch_sampler):
            if hasattr(given, "set_epoch"):
                given.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        """Start an epoch; its order is drawn now, not at the first batch."""
        running = self._snapshot() | {"batches": self._skip}
        self._skip = 0
        fetch = Fetch(self.dataset, self.collate_fn, self.transform)
        seeded = fetch.seeded
        seed = self._seeds.next() if self.shuffle or seeded or self.generator is None else None
        tasks = itertools.islice(self._tasks(seed, seeded), running["batches"], None)
        self._running = running
        return self._counted(self._batches(fetch, tasks), running)

    def _counted(self, batches: Iterator[Any], running: dict[str, Any]) -> Iterator[Any]:
        for batch in batches:
            running["batches"] += 1
            yield batch
        if self._running is running:
            self._running = None

    def _tasks(self, seed: np.random.SeedSequence | None, seeded: bool) -> Iterator[_Task]:
        """Indices, or samples of a stream, and a seed for each batch."""
        batches = self._collected() if self._stream else self._indices(seed)
        for number, batch in enumerate(batches):
            own = None
            if seeded and seed is not None:
                own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
            yield batch, own

    def _indices(self, seed: np.random.SeedSequence | None) -> Iterator[NDArray[np.intp]]:
        """Not a generator, so that the order is drawn at once."""
        if self.batch_sampler is not None:
            return (np.asarray(batch, np.intp) for batch in list(self.batch_sampler))
        if self.sampler is not None:
            drawn = self.sampler.order() if hasattr(self.sampler, "order") else list(self.sampler)
            order = np.asarray(drawn, np.intp)
        elif self.shuffle:
            order = np.random.default_rng(seed).permutation(len(self.dataset)).astype(np.intp, copy=False)
        else:
            order = np.arange(len(self.dataset), dtype=np.intp)
        size = self.batch_size
        end = len(order) // size * size if self.drop_last else len(order)
        return (order[start : start + size] for start in range(0, end, size))

    def _collected(self) -> Iterator[list[Any]]:
        samples = iter(self.dataset)
        while batch := list(itertools.islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def _batches(self, fetch: Fetch, tasks: Iterator[_Task]) -> Iterator[Any]:
        if self.workers:
            return self._from_workers(fetch, tasks)
        if self._stream:
            collate = self.collate_fn or default_collate
            batches = (fetch.finish(collate(samples), seed) for samples, seed in tasks)
        else:
            batches = (fetch(indices, seed) for indices, seed in tasks)
        return ahead(batches, self.prefetch) if self.prefetch else batches

    def _from_workers(self, fetch: Fetch, tasks: Iterator[_Task]) -> Iterator[Any]:
        window = self.workers * (self.prefetch or 2)
        if self._pool is None or self._pool.closed:
            self._pool = Pool(fetch, self.workers, self.multiprocessing_context, window)
        pool = self._pool
        tickets: deque[int] = deque()
        try:
            while True:
                tickets.extend(pool.submit(*task) for task in itertools.islice(tasks, window - len(tickets)))
                if not tickets:
                    return
                yield pool.result(tickets.popleft())
        except KeyboardInterrupt:  # in the middle of a message, perhaps
            pool.close()
            raise
        finally:
            for ticket in tickets:
                pool.forget(ticket)

    def close(self) -> None:
        """End the workers, if there are any; the next epoch starts new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands: numbers, strings, None, and dicts of them.

        In the middle of an epoch (of the one started last), that is after the batches delivered so far, whatever has
        been made ahead. After its last batch, but inside its loop, it is at the end of that epoch, of which an empty
        rest comes first. Samplers and generators are part of it; a sampler without `state_dict` has to give the same
        indices again.
        """
        return dict(self._running) if self._running is not None else self._snapshot() | {"batches": self._skip}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was called: the next `for` loop gives the rest of that epoch.

        Raises:
            ValueError: the state of a loader with a seed for one with a generator, or the other way round.
        """
        self._seeds.load_state_dict(state["seeds"])
        for name in ("sampler", "batch_sampler"):
            if state[name] is not None:
                getattr(self, name).load_state_dict(state[name])
        self._skip, self._running = as_int("batches", state["batches"], 0), None

    def _snapshot(self) -> dict[str, Any]:
        states = {
            name: given.state_dict() if hasattr(given, "state_dict") else None
            for name, given in (("sampler", self.sampler), ("batch_sampler", self.batch_sampler))
        }
        return {"epoch": self._seeds.epoch, "seeds": self._seeds.state_dict(), **states}

    def __repr__(self) -> str:
        if self._stream:
            return f"DataLoader({self.dataset!r}, batches of {self.batch_size})"
        if self.batch_sampler is not None:
            return f"DataLoader({self.dataset!r}, {len(self)} batches by {self.batch_sampler!r})"
        order = "shuffled" if self.shuffle else "in order" if self.sampler is None else f"by {self.sampler!r}"
        return f"DataLoader({self.dataset!r}, {len(self)} batches of {self.batch_size}, {order})"


def _one_source(seed: int | None, generator: np.random.Generator | None) -> Random:
    if generator is None:
        return seed
    if seed is not None:
        raise ValueError("give seed or generator, not both: a seed makes a Generator of the loader's own")
    if not isinstance(generator, np.random.Generator):
        raise TypeError(
            f"generator is a {type(generator).__name__}, expected a numpy.random.Generator; "
            "make one with np.random.default_rng(seed)"
        )
    return generator


def _as_dataset(given: Any) -> Any:
    if isinstance(given, tuple | list):
        if given and all(isinstance(part, tuple) for part in given):
            raise TypeError(
                f"the data set is a {type(given).__name__} of {len(given)} tuples, which looks like one tuple for each "
                "sample; stack the inputs and the labels into one array each and give DataLoader((x, y))"
            )
        return ArrayDataset(*given)
    if isinstance(given, np.ndarray):
        if given.ndim == 0:
            raise TypeError("the data set is a 0-d array; its first axis has to run over the samples")
        return given
    indexed = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    stream = hasattr(given, "__iter__") and not (hasattr(given, "__getitem__") or isinstance(given, Iterator | set))
    if not indexed and not stream:
        raise TypeError(
            f"a {type(given).__name__} has no length or cannot be indexed, so it cannot be cut into batches; "
            "give arrays, an ArrayDataset, or an object with __len__ and __getitem__"
        )
    return given
