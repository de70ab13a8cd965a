"""The .safetensors format, by the package of that name, which is imported when the first such file is met."""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FileFormatError

__all__ = ["as_bytes", "from_bytes", "metadata_of"]

Array = np.ndarray[Any, Any]

_DTYPES = {
    "BOOL": np.bool_, "F16": np.float16, "F32": np.float32, "F64": np.float64, "I8": np.int8, "I16": np.int16,
    "I32": np.int32, "I64": np.int64, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64,
}  # fmt: skip
_NAMES = {np.dtype(dtype).name for dtype in _DTYPES.values()}


def _package(path: Path) -> Any:
    try:
        importlib.import_module("safetensors.numpy")
        return importlib.import_module("safetensors")
    except ImportError as error:
        raise FileFormatError(
            f"{str(path)!r}: .safetensors files need the package safetensors, which is not installed: "
            "pip install safetensors, or pip install 'grad-nn[safetensors]'. Files in .npz need no package"
        ) from error


def as_bytes(target: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """The content of a file."""
    package = _package(target)
    problems = [f"{name!r} has dtype {array.dtype}" for name, array in arrays.items() if array.dtype.name not in _NAMES]
    if "__metadata__" in arrays:
        problems.append("'__metadata__' is a name that the format keeps for itself")
    if problems:
        raise FileFormatError(
            f"save: a .safetensors file holds floats, integers and bools, and {'; '.join(problems)}: leave that out, "
            "or write an .npz file"
        )
    # arrays must lie in C order; what is little-endian on every machine is so here too
    laid_out = {
        name: np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C") for name, array in arrays.items()
    }
    content: bytes = package.numpy.save(laid_out, metadata=dict(metadata) or None)
    return content


def from_bytes(source: Path, content: bytes, wanted: Callable[[str], bool]) -> dict[str, Array]:
    """The arrays whose name is wanted; bfloat16, which NumPy lacks, as float32 of the same values."""
    package = _package(source)
    try:
        entries = dict(package.deserialize(content))
    except package.SafetensorError as error:
        raise _damaged(source, error) from error
    chosen = {name: entries[name] for name in sorted(entries) if wanted(name)}  # they come in any order
    foreign = [
        f"{name!r} ({entry['dtype']})" for name, entry in chosen.items() if entry["dtype"] not in {*_DTYPES, "BF16"}
    ]
    if foreign:
        raise FileFormatError(
            f"{str(source)!r} holds dtypes that NumPy does not have, so nothing was read: {', '.join(foreign)}. "
            "Convert them to float32 in the program that wrote the file"
        )
    return {name: _array(entry) for name, entry in chosen.items()}


def metadata_of(source: Path, content: bytes) -> dict[str, str]:
    """The texts that the file holds beside its arrays."""
    package = _package(source)
    try:
        package.deserialize(content)  # checks the header, which may say anything
    except package.SafetensorError as error:
        raise _damaged(source, error) from error
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return dict(header.get("__metadata__") or {})


def _damaged(source: Path, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{str(source)!r} cannot be read as .safetensors, so nothing was: {error}. "
        "It may be cut off or damaged: copy, download or save it again"
    )


def _array(entry: Mapping[str, Any]) -> Array:
    shape = tuple(entry["shape"])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        upper = np.frombuffer(entry["data"], "<u2").astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(shape)
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    # a copy, which can be written to
    return np.frombuffer(entry["data"], dtype.newbyteorder("<")).astype(dtype).reshape(shape)
