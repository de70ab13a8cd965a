"""Weights in files: .npz or .safetensors, written whole or not at all, and never unpickled."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._files import checked_target, content_of, read_archive, read_texts, refuse_pickle, write_archive, write_whole
from ._module import Module
from ._safetensors import as_bytes, from_bytes, metadata_of
from ._state import plain_array
from .errors import FileFormatError

__all__ = ["load", "read_metadata", "save"]

Array = np.ndarray[Any, Any]

_SUFFIXES = (".npz", ".safetensors")
_PICKLED = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
_METADATA = "__metadata__.json"  # the entry of an .npz file
_CHECKPOINT = "checkpoint.json"  # the entry that marks a checkpoint, see `_resume`


def save(
    state: Module | Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays by their names into an .npz or .safetensors file, which ``load`` reads.

    ``numpy.load`` reads the one, PyTorch and other programs the other. Every number comes back as it was, to the last
    bit. The file appears under its name only when it is complete: if the disk is full or the program is stopped, what
    was there before stays as it was.

    Args:
        state: a module, whose ``state_dict()`` is written, or a dict from name to array or tensor.
        path: ends in .npz or .safetensors, and so chooses the format; its folder exists. The second needs the package
            safetensors: ``pip install 'grad-nn[safetensors]'``.
        overwrite: whether a file that is there may be replaced.
        metadata: texts by name, such as a description or a licence, which ``read_metadata`` gives back.

    Raises:
        FileExistsError: there is a file already, and `overwrite` is not set.
        FileNotFoundError: the folder does not exist.
        FileFormatError: the path does not end so, a value cannot be written as an array, or safetensors is missing.
        TypeError: `state` is neither a module nor a dict, or `metadata` is not texts by name.
        OSError: writing failed.

    Example:
        >>> import grad_nn as nn
        >>> model = nn.Linear(3, 2)
        >>> nn.save(model, "model.npz", metadata={"trained on": "MNIST"})
        >>> sorted(nn.load("model.npz"))
        ['bias', 'weight']
    """
    target = _named(path, "save writes")
    arrays = _arrays(state)
    texts = _checked_metadata(metadata)
    checked_target(target, overwrite)
    if target.suffix == ".safetensors":
        content = as_bytes(target, arrays, texts)
        write_whole(target, overwrite, lambda file: file.write(content))
    else:
        write_whole(target, overwrite, lambda file: write_archive(file, arrays, {_METADATA: texts} if texts else {}))


def load(path: str | os.PathLike[str], *, prefix: str = "") -> dict[str, Array]:
    """Read the arrays of an .npz or .safetensors file by their names; pass them to ``load_state_dict``.

    Nothing in the file is ever run: arrays of Python objects are refused.

    Args:
        path: of a file that ``save``, ``numpy.savez`` or PyTorch's ``safetensors.torch.save_file`` wrote. bfloat16,
            which NumPy lacks, becomes float32 with the same values.
        prefix: read only the arrays whose name begins with this, and leave it off: ``prefix="encoder."`` gives what
            the module at ``model.encoder`` had.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: it has another format, is damaged or cut off, holds Python objects or a pickle, or no name
            begins with `prefix`; or the package safetensors is missing.

    Example:
        >>> import numpy as np
        >>> import grad_nn as nn
        >>> nn.save({"old.scale": np.array([1.0, 2.0]), "shift": np.zeros(2)}, "parts.npz")
        >>> nn.load("parts.npz", prefix="old.")
        {'scale': array([1., 2.])}
    """
    source = _named(path, "load reads")
    content = content_of(source)
    names: list[str] = []

    def wanted(name: str) -> bool:
        names.append(name)
        return name.startswith(prefix)

    if source.suffix == ".safetensors":
        arrays = from_bytes(source, content, wanted)
    else:
        if read_texts(source, content, (_CHECKPOINT,)):
            raise FileFormatError(
                f"{str(source)!r} is a checkpoint: nn.load_checkpoint({source.name!r}) reads it, and gives a dict of "
                "its parts, each with its arrays"
            )
        arrays, _ = read_archive(source, content, wanted, (_METADATA,))
    if prefix and not arrays:
        some = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
        raise FileFormatError(
            f"{str(source)!r} has no array whose name begins with {prefix!r}: it has {some or 'none'}"
        )
    return {name.removeprefix(prefix): array for name, array in arrays.items()}


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts that were given to ``save`` as `metadata`; none are an empty dict.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: it has another format or is damaged, or the package safetensors is missing.

    Example:
        >>> import grad_nn as nn
        >>> nn.save(nn.Linear(3, 2), "named.npz", metadata={"version": "3"})
        >>> nn.read_metadata("named.npz")
        {'version': '3'}
    """
    source = _named(path, "read_metadata reads")
    content = content_of(source)
    if source.suffix == ".safetensors":
        return metadata_of(source, content)
    found = read_texts(source, content, (_METADATA,)).get(_METADATA, {})
    try:
        return _checked_metadata(found)
    except TypeError as error:
        raise FileFormatError(f"{str(source)!r} has an entry {_METADATA!r} that was not written by save") from error


def _named(path: str | os.PathLike[str], does: str) -> Path:
    named = Path(path)
    if named.suffix in _SUFFIXES:
        return named
    if named.suffix in _PICKLED and does != "save writes" and named.is_file():
        raise refuse_pickle(named)
    advice = ""
    if named.suffix in _PICKLED:
        advice = ": files of that name hold pickles, which can run any program when they are read"
        if does == "save writes":
            advice += f". PyTorch reads {str(named.with_suffix('.safetensors'))!r} by safetensors.torch.load_file"
    elif named.name:
        advice = f": did you mean {str(named.with_suffix('.npz'))!r}?"
    raise FileFormatError(f"{does} .npz and .safetensors files, and {str(named)!r} is not named like one{advice}")


def _arrays(state: Module | Mapping[str, Any]) -> dict[str, Array]:
    if isinstance(state, Module):
        return dict(state.state_dict())
    if not isinstance(state, Mapping):
        raise TypeError(f"save takes a module or a dict from name to array, not a {type(state).__name__}")
    arrays = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise FileFormatError(f"save: the name {name!r} is a {type(name).__name__}, and names are strings")
        try:
            arrays[name] = plain_array(value)
        except TypeError as error:
            raise FileFormatError(f"save: {name!r} {error}, and Python objects are never written") from error
    return arrays


def _checked_metadata(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"metadata is a dict from name to text, not a {type(given).__name__}")
    wrong = [f"{k!r}: {v!r}" for k, v in given.items() if not (isinstance(k, str) and isinstance(v, str))]
    if wrong:
        raise TypeError(f"metadata holds texts by name, and these are others: {', '.join(wrong)}; write str(value)")
    return dict(given)
