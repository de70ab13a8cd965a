"""Checkpoints: everything a training needs to go on, in one .npz file without pickle."""

import copy
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import grad_core as gd
import numpy as np

from ._files import checked_target, content_of, read_archive, write_archive, write_whole
from .errors import FileFormatError, StateDictError

__all__ = ["load_checkpoint", "save_checkpoint"]

Array = np.ndarray[Any, Any]

_ENTRY = "checkpoint.json"  # what stands where, beside the arrays
_VERSION = 1


class _Handle(NamedTuple):
    """How the state of an object is taken and put back."""

    kind: str
    take: Callable[[], Any]
    put: Callable[[Any], Any]


def save_checkpoint(path: str | os.PathLike[str], /, *, overwrite: bool = False, **parts: Any) -> None:
    """Write the state of everything that a training needs to go on, each part under the name that you give it.

    A part is

    - anything with ``state_dict`` and ``load_state_dict``: modules, optimizers, schedulers, data loaders;
    - a Generator, of ``gd.random`` or NumPy;
    - a number, text, None, array or tensor, or nested lists, tuples and dicts of these.

    The file is an .npz archive that appears under its name only when it is complete. Arrays keep dtype and every bit,
    integers may have any size. What draws from the default Generator, as Dropout without a generator of its own does,
    goes on alike if ``gd.random.default_generator()`` is a part too.

    Args:
        path: ends in .npz; its folder exists.
        overwrite: whether a file that is there may be replaced.
        parts: by name.

    Raises:
        FileExistsError: there is a file already, and `overwrite` is not set.
        FileNotFoundError: the folder does not exist.
        FileFormatError: the path does not end in .npz, or parts hold what is neither number, text nor array. The
            message lists them all, and nothing was written.
        OSError: writing failed.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model, rng = nn.Linear(3, 2), gd.random.Generator(0)
        >>> nn.save_checkpoint("last.npz", model=model, rng=rng, epoch=7)
        >>> nn.load_checkpoint("last.npz", model=model, rng=rng)
        {'epoch': 7}
    """
    target = _named(path, "save_checkpoint writes")
    packing = _Packing()
    structure = {}
    for name, part in parts.items():
        handle = _handle(part)
        if handle is None:
            structure[name] = {"kind": "value", "value": packing.pack(part, name)}
        else:
            structure[name] = {"kind": handle.kind, "value": packing.pack(handle.take(), name)}
    if packing.problems:
        raise FileFormatError(
            "save_checkpoint writes numbers, texts, arrays, and lists, tuples and dicts of them; nothing was written, "
            "because of\n" + "\n".join(f"  {problem}" for problem in packing.problems)
        )
    checked_target(target, overwrite)
    texts = {_ENTRY: {"format": "grad checkpoint", "version": _VERSION, "parts": structure}}
    write_whole(target, overwrite, lambda file: write_archive(file, packing.arrays, texts))


def load_checkpoint(path: str | os.PathLike[str], /, **parts: Any) -> dict[str, Any]:
    """Give each part its state from a checkpoint, all of them or, where something does not fit, none.

    Args:
        path: of a file that ``save_checkpoint`` wrote.
        parts: the objects that take their state, under the names of the file. Give fresh ones, built alike.

    Returns:
        All that no part was given for: numbers, texts and arrays as they were, of objects what their ``state_dict`` or
        ``get_state`` was. With no parts at all, the whole checkpoint.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: it is no checkpoint, or damaged.
        StateDictError: a part has no counterpart in the file, or its state does not fit. The message lists everything
            that does not, and all parts are as they were.
        TypeError: a part that cannot take a state, such as a number; it is returned instead.

    Example:
        >>> import grad_nn as nn
        >>> nn.save_checkpoint("first.npz", model=nn.Linear(3, 2), losses=[0.5, 0.25])
        >>> kept = nn.load_checkpoint("first.npz")
        >>> kept["losses"], kept["model"]["weight"].shape
        ([0.5, 0.25], (2, 3))
    """
    source = _named(path, "load_checkpoint reads")
    handles = {}
    for name, part in parts.items():
        handle = _handle(part)
        if handle is None:
            raise TypeError(
                f"load_checkpoint: {name} is a {type(part).__name__}, which has no load_state_dict or set_state: leave "
                f"it out, and take it from the result, load_checkpoint(...)[{name!r}]"
            )
        handles[name] = handle
    kinds, values = _read(source)
    problems = []
    for name, handle in handles.items():
        if name not in values:
            problems.append(f"{name}: the checkpoint has no such part; it has {', '.join(values) or 'none'}")
        elif kinds[name] != handle.kind:
            problems.append(f"{name}: the checkpoint has {_KINDS[kinds[name]]} there, not {_KINDS[handle.kind]}")
    if not problems:
        problems = _put_all(handles, values)
    if problems:
        lines = "\n".join(problem.replace("\n", "\n  ") for problem in problems)
        raise StateDictError(f"the checkpoint {str(source)!r} does not fit, and nothing was loaded:\n{lines}")
    return {name: value for name, value in values.items() if name not in handles}


_KINDS = {
    "state_dict": "the state of a module, optimizer or the like",
    "generator": "the state of a grad_core Generator",
    "numpy generator": "the state of a NumPy Generator",
    "value": "a plain value",
}


def _handle(part: Any) -> _Handle | None:
    if callable(getattr(part, "state_dict", None)) and callable(getattr(part, "load_state_dict", None)):
        return _Handle("state_dict", part.state_dict, part.load_state_dict)
    if isinstance(part, gd.random.Generator):
        return _Handle("generator", part.get_state, part.set_state)
    bits = getattr(part, "bit_generator", None)  # its class is not named here: numpy.random is slow to import
    if bits is not None and isinstance(getattr(bits, "state", None), dict):
        return _Handle("numpy generator", lambda: bits.state, lambda state: setattr(bits, "state", state))
    return None


def _put_all(handles: Mapping[str, _Handle], values: Mapping[str, Any]) -> list[str]:
    """Put every state; where one does not fit, put back what was there before, and say everything that does not."""
    before: dict[str, Any] = {}
    problems = []
    loaded = False
    try:
        for name, handle in handles.items():
            before[name] = copy.deepcopy(handle.take())  # others may not give away copies, as ours do
            try:
                handle.put(values[name])
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                problems.append(f"{name}: {error}")
        loaded = not problems
    finally:  # after an interrupt too
        if not loaded:
            for name, state in before.items():
                handles[name].put(state)
    return problems


def _named(path: str | os.PathLike[str], does: str) -> Path:
    named = Path(path)
    if named.suffix != ".npz":
        advice = f": did you mean {str(named.with_suffix('.npz'))!r}?" if named.name else ""
        raise FileFormatError(f"{does} .npz files, and {str(named)!r} is not named like one{advice}")
    return named


def _read(source: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Kind and value of each part."""
    arrays, texts = read_archive(source, content_of(source), lambda name: True, (_ENTRY, "__metadata__.json"))
    top = texts.get(_ENTRY)
    if top is None:
        raise FileFormatError(
            f"{str(source)!r} is no checkpoint: it holds arrays alone, which nn.load({source.name!r}) reads"
        )
    try:
        if top["version"] != _VERSION:
            raise ValueError(f"its version is {top['version']!r}, and this package knows {_VERSION}")
        unpacking = _Unpacking(arrays)
        kinds = {name: part["kind"] for name, part in top["parts"].items()}
        values = {name: unpacking.unpack(part["value"]) for name, part in top["parts"].items()}
        unknown = [kind for kind in kinds.values() if kind not in _KINDS]
        if unknown:
            raise ValueError(f"unknown kinds of parts: {', '.join(map(repr, unknown))}")
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{str(source)!r} cannot be read as a checkpoint, so nothing was: {type(error).__name__}: {error}"
        ) from error
    return kinds, values


class _Packing:
    """Nested values as JSON; arrays stand aside, by name.

    JSON's own None, bools, texts, integers, finite floats and lists stand for themselves; everything else is an object
    with one key that says what it is.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.problems: list[str] = []
        self._outer: list[int] = []  # the containers around the value, which it must not hold again

    def pack(self, value: Any, where: str) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, gd.Tensor):
            return self._aside("array", np.asarray(value.data), where)
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcSU":
            return self._aside("array" if isinstance(value, np.ndarray) else "scalar", np.asarray(value), where)
        if kind in (list, tuple) or isinstance(value, Mapping):
            if id(value) in self._outer:
                self.problems.append(f"{where}: holds itself")
                return None
            self._outer.append(id(value))
            packed = self._container(value, where)
            self._outer.pop()
            return packed
        what = " of objects" if isinstance(value, np.ndarray) else ""
        self.problems.append(f"{where}: a {kind.__name__}{what}")
        return None

    def _container(self, value: Any, where: str) -> Any:
        if isinstance(value, list | tuple):
            packed = [self.pack(item, f"{where}/{i}") for i, item in enumerate(value)]
            return packed if isinstance(value, list) else {"tuple": packed}
        items = []
        for key, item in value.items():
            if type(key) in (bool, int, str):
                items.append((key, self.pack(item, f"{where}/{key}")))
            else:
                self.problems.append(f"{where}: the key {key!r}, which is no text or integer")
        if all(type(key) is str for key, _ in items):
            return {"dict": dict(items)}
        return {"items": [list(item) for item in items]}

    def _aside(self, tag: str, array: Array, where: str) -> dict[str, str]:
        name, count = where, 2
        while name in self.arrays:  # a key may hold a slash
            name, count = f"{where}~{count}", count + 1
        self.arrays[name] = array
        return {tag: name}


class _Unpacking:
    """The way back."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays

    def unpack(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return [self.unpack(item) for item in packed]
        if not isinstance(packed, dict):
            return packed
        ((tag, inside),) = packed.items()
        if tag == "dict":
            return {key: self.unpack(item) for key, item in inside.items()}
        if tag == "items":
            return {key: self.unpack(item) for key, item in inside}
        if tag == "tuple":
            return tuple([self.unpack(item) for item in inside])
        if tag == "array":
            return self._arrays[inside]
        if tag == "scalar":
            return self._arrays[inside][()]
        if tag == "float":
            return float(inside)
        raise ValueError(f"unknown mark {tag!r}")
