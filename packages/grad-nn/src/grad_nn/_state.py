"""Loading values into parameters and buffers: everything is checked before anything is written."""

from collections.abc import Mapping, Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed

from .errors import StateDictError

__all__ = ["load_state", "plain_array"]

Array = np.ndarray[Any, Any]

# which kinds of numbers a parameter or buffer of a kind takes
_TAKES = {"f": "f", "i": "iu", "u": "iu", "b": "b"}


def plain_array(value: Any) -> Array:
    """The array in a tensor of ours, or what NumPy makes of anything else.

    Raises:
        TypeError: NumPy cannot make an array of numbers of it.
    """
    if isinstance(value, gd.Tensor):
        return value.data
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"is a {type(value).__name__} that cannot become an array: {error}") from error
    if array.dtype.kind == "O":
        raise TypeError(f"is a {type(value).__name__} and not an array of numbers")
    return array


def load_state(
    owner: str, named: Sequence[tuple[str, gd.Tensor]], state: Mapping[str, Any], strict: bool
) -> tuple[list[str], list[str]]:
    """Write the values of `state` into the tensors of `named`, or raise one error about all that does not fit.

    Returns:
        The names that `state` lacks, and those that only it has.
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            f"load_state_dict takes a dict from name to array, not a {type(state).__name__}: "
            "pass model.state_dict(), or nn.load(path) for a file"
        )
    known = dict(named)
    missing = [name for name in known if name not in state]
    unexpected = [name for name in state if name not in known]
    problems = []
    ready: dict[str, Array] = {}
    for name, tensor in known.items():
        if name in state:
            try:
                ready[name] = _fitting(state[name], tensor)
            except TypeError as error:
                problems.append(f"{name}: {error}")
    problems += _disagreements(known, ready)
    if strict:
        problems += [f"{name}: is missing (the module has it, of shape {known[name].shape})" for name in missing]
        problems += [f"{name}: is unexpected (the module has nothing of that name)" for name in unexpected]
    if problems:
        hint = _hint(missing, unexpected) if strict else ""
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise StateDictError(f"the state does not fit {owner}, and nothing was loaded:\n{lines}{hint}")
    for name, array in ready.items():
        # into the array that is there: an optimizer may hold it as a part of a larger one
        known[name].data[...] = array
        mark_changed(known[name])
    return missing, unexpected


def _fitting(value: Any, tensor: gd.Tensor) -> Array:
    """A copy of the value as an array of the tensor's dtype; a TypeError says what does not fit."""
    array = plain_array(value)
    problems = []
    if array.shape != tensor.shape:
        problems.append(f"has shape {array.shape}, and the module needs {tensor.shape}")
    if array.dtype.kind not in _TAKES[tensor.dtype.kind]:
        needed = {"f": "floats", "b": "booleans"}.get(tensor.dtype.kind, "integers")
        problems.append(f"has dtype {array.dtype}, and the module needs {needed} ({tensor.dtype})")
    if not tensor.data.flags.writeable:
        problems.append("cannot be loaded: the module's own array is read-only, so give its Parameter a copy")
    if problems:
        raise TypeError("; ".join(problems))
    try:
        with np.errstate(over="raise"):
            converted = array.astype(tensor.dtype)
    except FloatingPointError as error:
        raise TypeError(
            f"holds values beyond the range of {tensor.dtype}, the module's dtype: model.to('{array.dtype}') first"
        ) from error
    if array.dtype.kind in "iu" and not np.array_equal(converted, array):
        raise TypeError(f"holds values beyond the range of {tensor.dtype}, the module's dtype")
    return converted


def _disagreements(known: Mapping[str, gd.Tensor], ready: Mapping[str, Array]) -> list[str]:
    """A tensor that several names share can take one value only."""
    first: dict[int, str] = {}
    problems = []
    for name, array in ready.items():
        earlier = first.setdefault(id(known[name]), name)
        if not np.array_equal(ready[earlier], array, equal_nan=True):
            problems.append(f"{name}: differs from {earlier}, and in the module both are the same tensor")
    return problems


def _hint(missing: Sequence[str], unexpected: Sequence[Any]) -> str:
    """What is most likely wrong with the names."""
    if not missing and not unexpected:
        return ""
    for given, wanted, advice in (
        (unexpected, missing, "remove it: {{k.removeprefix({0!r}): v for k, v in state.items()}}"),
        (missing, unexpected, "add it: {{{0!r} + k: v for k, v in state.items()}}"),
    ):
        start = str(given[0]).removesuffix(str(wanted[0])) if given and wanted else ""
        if start and [str(name) for name in given] == [f"{start}{name}" for name in wanted]:
            whose = "the state" if given is unexpected else "the module"
            return f"\nThe names differ by {start!r}, which {whose} puts in front; {advice.format(start)}"
    return "\nIf names are meant to be missing or left over, pass strict=False"
