"""One seed for each epoch, so that every epoch can be drawn again."""

import operator
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

__all__ = ["Random", "Seeds", "as_generator", "as_int"]

# what every random thing of this package takes: a Generator to share, a seed, or None for any seed
Random: TypeAlias = np.random.Generator | SupportsIndex | None


class Seeds:
    """Seeds by the number of the epoch, from a root; or drawn one after the other from the caller's Generator.

    Attributes:
        epoch: number of the epoch whose seed is taken next.
        generator: the caller's, or None.
    """

    def __init__(self, given: Random) -> None:
        self.epoch = 0
        self.generator = given if isinstance(given, np.random.Generator) else None
        self._root: Any = None
        if self.generator is None:
            _check(given)
            self._root = np.random.SeedSequence(None if given is None else operator.index(given)).entropy  # type: ignore[arg-type]  # no Generator here

    def next(self) -> np.random.SeedSequence:
        """The seed of an epoch; the next call is for the next epoch."""
        number = self.epoch
        self.epoch += 1
        if self.generator is not None:
            return np.random.SeedSequence(int(self.generator.integers(2**63)))
        return np.random.SeedSequence(self._root, spawn_key=(number,))

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to repeat the epochs from here on: numbers, and dicts of numbers."""
        state = None if self.generator is None else self.generator.bit_generator.state
        return {"epoch": self.epoch, "root": self._root, "generator": state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was called."""
        if (state["generator"] is None) != (self.generator is None):
            raise ValueError("the state is of one with a seed where this has a generator, or the other way round")
        self.epoch = state["epoch"]
        self._root = state["root"]
        if self.generator is not None:
            self.generator.bit_generator.state = state["generator"]


def as_generator(given: Random) -> np.random.Generator:
    """`given`, or a Generator made of a seed."""
    if isinstance(given, np.random.Generator):
        return given
    _check(given)
    return np.random.default_rng(None if given is None else operator.index(given))


def _check(given: Any) -> None:
    if given is None:
        return
    try:
        seed = operator.index(given)
    except TypeError:
        raise TypeError(
            f"generator is a {type(given).__name__}, expected a numpy.random.Generator or an int as its seed; "
            "make one with np.random.default_rng(seed)"
        ) from None
    if seed < 0:
        raise ValueError(f"a seed is 0 or more, not {seed}")


def as_int(name: str, given: Any, lowest: int) -> int:
    """`given` as an int of at least `lowest`, or an error that names it."""
    try:
        number = operator.index(given)
    except TypeError:
        raise TypeError(f"{name} is {given!r}, expected an int of at least {lowest}") from None
    if number < lowest:
        raise ValueError(f"{name} is {number}, expected at least {lowest}")
    return number
