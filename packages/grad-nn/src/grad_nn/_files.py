"""Files as a whole: written under another name first, read with every checksum compared, and never unpickled.

An archive is a zip file as ``numpy.savez`` writes it, a .npy entry for each array, and beside them texts in JSON.
"""

import io
import json
import os
import secrets
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FileFormatError

__all__ = [
    "checked_target",
    "content_of",
    "read_archive",
    "read_texts",
    "refuse_pickle",
    "write_archive",
    "write_whole",
]

Array = np.ndarray[Any, Any]

# what zipfile, NumPy and json raise for bytes that make no sense to them
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, tokenize.TokenError, EOFError, MemoryError, RuntimeError, SyntaxError, TypeError,
    ValueError,
)  # fmt: skip

# what every zip file of torch.save has
_TORCH_ENTRY = "data.pkl"


def checked_target(target: Path, overwrite: bool) -> None:
    """Raise where the file must not or cannot be written, before anything is."""
    _refuse_existing(target, overwrite)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {str(target.parent)!r} does not exist: make it first, or give another path"
        )


def write_whole(target: Path, overwrite: bool, write: Callable[[Any], object]) -> None:
    """Call ``write(file)`` on a file that takes the place of `target` when it is complete."""
    # in the same folder, so that renaming it is one step for the file system
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
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


def content_of(source: Path) -> bytes:
    """All bytes of a file."""
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise FileNotFoundError(f"the file {str(source)!r} {what}; the working folder is {str(Path.cwd())!r}")
    return source.read_bytes()


def refuse_pickle(source: Path) -> FileFormatError:
    """The error for what `torch.save` or `pickle` wrote, with the way out."""
    name, better = source.name, source.with_suffix(".safetensors").name
    return FileFormatError(
        f"{str(source)!r} holds a pickle, as torch.save writes it, and a pickle can run any program when it is read: "
        "nothing of it was. Where PyTorch is installed, convert it once:\n"
        f"    state = torch.load({name!r}, weights_only=True)\n"
        "    state = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}\n"
        f"    safetensors.torch.save_file(state, {better!r})\n"
        f"and here: model.load_state_dict(nn.load({better!r}))"
    )


def write_archive(file: Any, arrays: Mapping[str, Array], texts: Mapping[str, Any]) -> None:
    """Write arrays by name, and under other names what is written as JSON."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        # a ZipInfo without a time: the same arrays make the same bytes
        for name, value in texts.items():
            archive.writestr(zipfile.ZipInfo(name), json.dumps(value, allow_nan=False, indent=1))
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def read_texts(source: Path, content: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    """Those texts of an archive that are there; each in JSON."""
    found: dict[str, Any] = _opened(source, content, lambda archive: _texts(archive, names))
    return found


def read_archive(
    source: Path, content: bytes, wanted: Callable[[str], bool], names: tuple[str, ...]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays of an archive whose name is wanted, and the texts of these names; any other entry is an error."""

    def read(archive: zipfile.ZipFile) -> tuple[dict[str, Array], dict[str, Any]]:
        arrays = {}
        for info in archive.infolist():
            if info.filename in names:
                continue
            if not info.filename.endswith(".npy"):
                raise ValueError(f"it holds {info.filename!r}, which is not an array")
            name = info.filename.removesuffix(".npy")
            if wanted(name):
                arrays[name] = _array(archive, info)
        return arrays, _texts(archive, names)

    found: tuple[dict[str, Array], dict[str, Any]] = _opened(source, content, read)
    return found


def _opened(source: Path, content: bytes, read: Callable[[zipfile.ZipFile], Any]) -> Any:
    if content[:2] != b"PK":
        what = f"begins with {content[:4]!r}" if content else "is empty"
        advice = ". It looks like a pickle, which is never read" if content[:1] == b"\x80" else ""
        raise FileFormatError(
            f"{str(source)!r} is not an .npz file: it {what} instead of b'PK', the mark of a zip archive{advice}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            pickled = any(Path(name).name == _TORCH_ENTRY for name in archive.namelist())
            result = None if pickled else read(archive)
    except _DAMAGE as error:
        raise FileFormatError(
            f"{str(source)!r} cannot be read as .npz, so nothing was: {str(error) or type(error).__name__}. "
            "It may be cut off or damaged: copy, download or save it again"
        ) from error
    if pickled:
        raise refuse_pickle(source)
    return result


def _refuse_existing(target: Path, overwrite: bool) -> None:
    if not overwrite and target.exists():
        raise FileExistsError(
            f"{str(target)!r} exists already: pass overwrite=True to replace it, or give another path"
        )


def _texts(archive: zipfile.ZipFile, names: tuple[str, ...]) -> dict[str, Any]:
    infos = [info for info in archive.infolist() if info.filename in names]
    return {info.filename: json.loads(_bytes(archive, info).decode("utf-8")) for info in infos}


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename!r} is compressed by method {info.compress_type}, which .npz files are not")
    return archive.read(info)  # whole, so that the checksum is compared before anything is believed


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    content = io.BytesIO(_bytes(archive, info))
    array: Array = np.lib.format.read_array(content, allow_pickle=False)
    if content.read(1):
        raise ValueError(f"{info.filename!r} holds more than its array")
    return array
