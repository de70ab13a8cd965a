"""How samples become a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fetch", "default_collate"]


def default_collate(samples: Sequence[Any]) -> Any:
    """Stack samples into a batch: arrays and numbers along a new first axis, tuples and dicts entry by entry.

    Lists are taken as tuples are; strings and everything else stay a list.

    Args:
        samples: at least one; all of the same structure.

    Raises:
        ValueError: arrays of different shapes, or tuples of different lengths.

    Example:
        >>> import grad_data as data
        >>> data.default_collate([(1.5, {"name": "a"}), (2.5, {"name": "b"})])
        (array([1.5, 2.5]), {'name': ['a', 'b']})
    """
    first = samples[0]
    if isinstance(first, np.ndarray | np.generic | int | float | complex):
        shapes = {np.shape(sample) for sample in samples}
        if len(shapes) > 1:
            raise ValueError(
                f"samples of different shapes cannot be stacked: {sorted(shapes)}; "
                "give a collate_fn that pads them, for example with pad_sequences"
            )
        return np.stack(samples)
    if isinstance(first, tuple | list):
        if len({len(sample) for sample in samples}) > 1:
            raise ValueError(f"samples have different numbers of entries: {sorted({len(s) for s in samples})}")
        return tuple(default_collate(entries) for entries in zip(*samples, strict=True))
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    return list(samples)


@dataclass(frozen=True)
class Fetch:
    """From indices to a batch; all that a worker needs.

    Attributes:
        dataset: that the samples are of.
        collate: called with the list of single samples; None where the data set gives whole batches.
        transform: of the whole batch, or None.
    """

    dataset: Any
    collate: Callable[[list[Any]], Any] | None
    transform: Callable[..., Any] | None

    @property
    def seeded(self) -> bool:
        """Whether the transform is random, and takes a Generator for each batch."""
        return hasattr(self.transform, "seeded")

    def __call__(self, indices: NDArray[np.intp], seed: np.random.SeedSequence | None) -> Any:
        """The batch of these samples; `seed` is what a random transform draws from."""
        if self.collate is None:
            return self.finish(self.dataset[indices], seed)
        return self.finish(self.collate([self.dataset[index] for index in indices.tolist()]), seed)

    def finish(self, batch: Any, seed: np.random.SeedSequence | None) -> Any:
        """Apply the transform."""
        transform: Any = self.transform
        if transform is None:
            return batch
        if seed is not None:
            transform = transform.seeded(np.random.default_rng(seed))
        return transform(*batch) if isinstance(batch, tuple) else transform(batch)
