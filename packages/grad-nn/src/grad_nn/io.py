"""Weights in files: .npz, a zip archive of NumPy arrays, written whole or not at all, and never unpickled."""

import io
import os
import secrets
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._module import Module
from ._state import plain_array
from .errors import FileFormatError

__all__ = ["load", "save"]

Array = np.ndarray[Any, Any]

# what zipfile and NumPy raise for bytes that make no sense to them
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, tokenize.TokenError, EOFError, MemoryError, RuntimeError, SyntaxError, TypeError,
    ValueError,
)  # fmt: skip


def save(state: Module | Mapping[str, Any], path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write arrays by their names into an .npz file, which ``load`` and ``numpy.load`` read.

    The file appears under its name only when it is complete: if the disk is full or the program is stopped, what was
    there before stays as it was.

    Args:
        state: a module, whose ``state_dict()`` is written, or a dict from name to array or tensor.
        path: ends in .npz; its folder exists.
        overwrite: whether a file that is there may be replaced.

    Raises:
        FileExistsError: there is a file already, and `overwrite` is not set.
        FileNotFoundError: the folder does not exist.
        FileFormatError: the path does not end in .npz, or a value cannot be written as an array.
        OSError: writing failed.

    Example:
        >>> import grad_nn as nn
        >>> model = nn.Linear(3, 2)
        >>> nn.save(model, "model.npz")
        >>> sorted(nn.load("model.npz"))
        ['bias', 'weight']
    """
    target = _named(path, "save writes")
    arrays = _arrays(state)
    _refuse_existing(target, overwrite)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {str(target.parent)!r} does not exist: make it first, or give another path"
        )
    # in the same folder, so that renaming it is one step for the file system
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            _write(file, arrays)
            file.flush()
            os.fsync(file.fileno())
        _refuse_existing(target, overwrite)  # somebody may have been quicker
        os.replace(temporary, target)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise
        reason = error.strerror or error
        raise OSError(error.errno, f"could not write {str(target)!r} ({reason}): it is as it was before") from error
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read the arrays of an .npz file by their names; pass them to ``load_state_dict``.

    Nothing in the file is ever run: arrays of Python objects are refused.

    Args:
        path: of a file that ``save``, ``numpy.savez`` or ``numpy.savez_compressed`` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        FileFormatError: it is not an .npz file, or is damaged or cut off, or holds Python objects.

    Example:
        >>> import numpy as np
        >>> import grad_nn as nn
        >>> nn.save({"scale": np.array([1.0, 2.0])}, "scale.npz")
        >>> nn.load("scale.npz")
        {'scale': array([1., 2.])}
    """
    source = _named(path, "load reads")
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise FileNotFoundError(f"the file {str(source)!r} {what}; the working folder is {str(Path.cwd())!r}")
    content = source.read_bytes()
    if content[:2] != b"PK":
        what = f"begins with {content[:4]!r}" if content else "is empty"
        raise FileFormatError(
            f"{str(source)!r} is not an .npz file: it {what} instead of b'PK', the mark of a zip archive"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {info.filename.removesuffix(".npy"): _read(archive, info) for info in archive.infolist()}
    except _DAMAGE as error:
        raise FileFormatError(
            f"{str(source)!r} cannot be read as .npz, so nothing was: {error or type(error).__name__}. "
            "It may be cut off or damaged: copy, download or save it again"
        ) from error


def _named(path: str | os.PathLike[str], does: str) -> Path:
    named = Path(path)
    if named.suffix != ".npz":
        advice = (
            ". For a state dict of PyTorch: {name: t.numpy() for name, t in torch.load(path).items()} there"
            if named.suffix in (".pt", ".pth", ".bin")
            else f": did you mean {str(named.with_suffix('.npz'))!r}?"
            if named.name
            else ""
        )
        raise FileFormatError(f"{does} .npz files, and {str(named)!r} is not named like one{advice}")
    return named


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


def _refuse_existing(target: Path, overwrite: bool) -> None:
    if not overwrite and target.exists():
        raise FileExistsError(
            f"{str(target)!r} exists already: pass overwrite=True to replace it, or give another path"
        )


def _write(file: Any, arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # a ZipInfo without a time: the same arrays make the same bytes
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    if not info.filename.endswith(".npy"):
        raise ValueError(f"it holds {info.filename!r}, which is not an array")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename!r} is compressed by method {info.compress_type}, which .npz files are not")
    content = io.BytesIO(archive.read(info))  # whole, so that the checksum is compared before anything is believed
    array: Array = np.lib.format.read_array(content, allow_pickle=False)
    if content.read(1):
        raise ValueError(f"{info.filename!r} holds more than its array")
    return array
