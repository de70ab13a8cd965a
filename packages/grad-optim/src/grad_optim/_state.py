"""State dicts: what is written, and what is understood, with everything that does not fit said at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from grad_core import Tensor

__all__ = ["Entry", "Problems", "Saved", "pack", "unpack"]

Array = np.ndarray[Any, Any]
Entry = dict[str, Any]

_REST = "_rest"


def pack(step: int, states: Mapping[str, Array], factors: Mapping[str, float], scalars: Mapping[str, float]) -> Entry:
    """The entry of one parameter: true values, ``factor * state``, and beside them what their rounding lost.

    With the rest the state comes back bit for bit: ``state - value / factor`` is exact, as the two are neighbours.
    """
    entry: Entry = {"step": step, **scalars}
    for name, kept in states.items():
        factor = factors[name]
        entry[name] = kept * factor if factor != 1 else kept.copy()
        if factor != 1:
            with np.errstate(invalid="ignore"):  # of a diverged training, inf - inf
                entry[name + _REST] = kept - entry[name] / factor
    return entry


class Saved(NamedTuple):
    """A checked entry."""

    step: int
    values: dict[str, Array]
    rests: dict[str, Array]
    scalars: dict[str, float]

    def kept(self, factors: Mapping[str, float]) -> dict[str, Array]:
        """The states without their factors, as an optimizer keeps them."""
        out = {}
        for name, value in self.values.items():
            factor = factors.get(name, 1.0)
            if factor != 1:
                value = value / factor
                if name in self.rests:
                    value += self.rests[name]
            out[name] = value
        return out


class Problems:
    """What does not fit, collected, so that one error can tell all of it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self.texts: list[str] = []

    def add(self, *texts: str) -> None:
        """Note these."""
        self.texts += texts

    def raise_if_any(self) -> None:
        """Raise a ValueError with everything noted so far."""
        if self.texts:
            listed = "".join(f"\n  - {text}" for text in self.texts)
            raise ValueError(
                f"{self._title}: this state dict does not fit, and nothing was loaded:{listed}\n"
                "It must come from the same optimizer, made for the same parameters in the same order and groups."
            )

    def groups(self, state_dict: Any, sizes: Sequence[int]) -> list[Mapping[str, Any]]:
        """The groups of a state dict, if there are as many, of as many parameters, as these sizes say."""
        groups = state_dict.get("param_groups") if isinstance(state_dict, Mapping) else None
        if not isinstance(groups, list | tuple) or not isinstance(state_dict.get("state"), Mapping):
            given = f"keys {list(state_dict)}" if isinstance(state_dict, Mapping) else type(state_dict).__name__
            self.add(f"it must be a dict with 'state' and 'param_groups', and it is: {given}")
            self.raise_if_any()
            return []
        if len(groups) != len(sizes):
            self.add(f"it has {len(groups)} parameter groups, and this optimizer has {len(sizes)}")
            self.raise_if_any()
        for i, (group, size) in enumerate(zip(groups, sizes, strict=True)):
            params = group.get("params") if isinstance(group, Mapping) else None
            if not isinstance(params, list | tuple):
                self.add(f"param_groups[{i}] has no list 'params'")
            elif len(params) != size:
                self.add(f"param_groups[{i}] has {len(params)} parameters, and this optimizer has {size} there")
        self.raise_if_any()
        return list(groups)


def unpack(
    entry: Any,
    p: Tensor,
    needed: Sequence[str],
    known: Sequence[str],
    single: Collection[str],
    counts: bool,
    where: str,
    problems: Problems,
) -> Saved | None:
    """Check the entry of one parameter; None where it holds nothing, or something wrong, which is then noted.

    Args:
        entry: a dict of arrays by name, and ``"step"``.
        p: the parameter.
        needed: names that must be there if any is.
        known: names that may be there.
        single: names of single numbers, which must be there.
        counts: whether the number of the step is needed; PyTorch leaves it out where it is not.
        where: how messages call the entry.
        problems: takes what is wrong.
    """
    if not isinstance(entry, Mapping):
        problems.add(f"{where} is a {type(entry).__name__} and not a dict")
        return None
    given = {key: value for key, value in entry.items() if value is not None}
    if not given:
        return None
    before = len(problems.texts)
    dtype = np.dtype(np.float32) if p.dtype.itemsize == 2 else p.dtype
    values: dict[str, Array] = {}
    rests: dict[str, Array] = {}
    scalars: dict[str, float] = {}
    for key, value in given.items():
        name = key.removesuffix(_REST) if isinstance(key, str) else key
        if key == "step":
            continue
        if key in single:
            scalar = _number(value)
            if scalar is None:
                problems.add(f"{where}[{key!r}] is not a number: {value!r}")
            else:
                scalars[key] = scalar
            continue
        if name not in known:
            problems.add(f"{where} has {key!r}, which this optimizer does not know")
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "fiu" or array.shape != p.shape:
            problems.add(
                f"{where}[{key!r}] is {array.dtype} of shape {array.shape}, the parameter {p.dtype} of shape {p.shape}"
            )
            continue
        (values if key == name else rests)[name] = array.astype(dtype)
    problems.add(*[f"{where} has no {name!r}" for name in (*needed, *single) if name not in given])
    step = given.get("step", None if counts else 1)
    if not _is_count(step):
        problems.add(
            f"{where} has no 'step' that is a whole number of at least 1" + (f": {step!r}" if step is not None else "")
        )
    return Saved(int(step), values, rests, scalars) if len(problems.texts) == before and step is not None else None


def _number(value: Any) -> float | None:
    try:
        return float(value)  # of 0-d arrays too
    except (TypeError, ValueError):
        return None


def _is_count(step: Any) -> bool:
    number = _number(step)
    return number is not None and number >= 1 and number.is_integer()
