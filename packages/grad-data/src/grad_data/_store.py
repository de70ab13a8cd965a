"""Where data files are looked for, and how they get into the cache: verified, whole, once."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grad_data._download import MirrorsFailedError, Policy, fetch
from grad_data._errors import CorruptDataError, DataNotFoundError, DownloadError, StorageError
from grad_data._idx import Archive, decode
from grad_data._lock import locked

__all__ = ["Collection", "cache_folder", "load"]

_HOME_VARIABLE = "GRAD_DATA_HOME"
_YOURS = "It lies in a folder of yours, so nothing was changed: replace it, or take it away to have it downloaded."


_Found = dict[str, tuple[Path, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Collection:
    """A data set's files and where they come from.

    Attributes:
        title: its name in messages.
        folder: its folder's name inside `$GRAD_DATA_HOME` and the cache.
        archives: all its files; one load may need only some of them.
        mirrors: addresses of folders that hold the files, each ending in a slash.
        policy: limits of time and effort for downloads.
    """

    title: str
    folder: str
    archives: tuple[Archive, ...]
    mirrors: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)


def cache_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder for downloads: `$XDG_CACHE_HOME/grad` or `~/.cache/grad`, or the platform's own convention."""
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]).expanduser() / "grad"
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "grad" / "cache"
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / "grad"
    return Path.home() / ".cache" / "grad"


def load(
    collection: Collection, archives: Sequence[Archive], root: str | os.PathLike[str] | None, *, download: bool
) -> list[tuple[Path, NDArray[np.uint8]]]:
    """Read some archives of a collection from where they are found first, downloading what is missing.

    Every archive is looked for in `root`, then `$GRAD_DATA_HOME`, then the cache. The first two belong to the user:
    they are never written to, and a wrong file there is an error. A wrong file in the cache is replaced.

    Returns:
        For each archive the path it was read from and the array inside.

    Raises:
        DataNotFoundError: not on this machine, and `download` is false.
        DownloadError: not on this machine, and no mirror delivered it.
        CorruptDataError: a wrong file in one of the user's folders, or in the cache while `download` is false.
        StorageError: a file cannot be read or the cache cannot be written.
    """
    cache = cache_folder() / collection.folder
    users = _users_folders(root)
    # The files may lie in our sub-folder, in the folder itself, or where torchvision puts them.
    inside = (Path(collection.folder), Path(), Path(collection.title, "raw"))
    found: _Found = {}
    for archive in archives:
        for path in (base / part / archive.name for base in users for part in inside):
            array = _read(path, archive, _YOURS)
            if array is not None:
                found[archive.name] = (path, array)
                break
    damaged = _look_in_cache(cache, archives, found)
    missing = [archive for archive in archives if archive.name not in found]
    if missing and not download:
        if damaged:
            raise CorruptDataError(f"{damaged[0]} Delete the file, or allow the download, which replaces it.")
        raise DataNotFoundError(_guide(collection, [*users, cache], "was not found, and download is switched off."))
    if missing:
        try:
            _download_into(cache, collection, missing, found)
        except MirrorsFailedError as error:
            reasons = [f"{mirror}: {reason}" for mirror, reason in error.reasons.items()]
            state = "was not found and could not be downloaded:" + _lines([*reasons, *damaged])
            raise DownloadError(_guide(collection, [*users, cache], state)) from None
    return [found[archive.name] for archive in archives]


def _users_folders(root: str | os.PathLike[str] | None) -> list[Path]:
    folders = [Path(root)] if root is not None else []
    if os.environ.get(_HOME_VARIABLE):
        folders.append(Path(os.environ[_HOME_VARIABLE]))
    return [folder.expanduser() for folder in folders]


def _read(path: Path, archive: Archive, remedy: str) -> NDArray[np.uint8] | None:
    """The array in the file, or None where there is no such file."""
    try:
        with path.open("rb") as file:
            raw = file.read(archive.size + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}. Mend that or take it away.") from error
    try:
        return decode(raw, archive)
    except CorruptDataError as error:
        raise CorruptDataError(f"{path} is not the original file: {error}. {remedy}") from None


def _look_in_cache(cache: Path, archives: Sequence[Archive], found: _Found) -> list[str]:
    """Add what the cache holds to `found`; returns what is wrong with files that are not what they should be."""
    damaged = []
    for archive in archives:
        if archive.name in found:
            continue
        path = cache / archive.name
        try:
            array = _read(path, archive, remedy="It is in the cache and can be fetched again.")
        except CorruptDataError as error:
            damaged.append(str(error))
        else:
            if array is not None:
                found[archive.name] = (path, array)
    return damaged


def _download_into(
    cache: Path,
    collection: Collection,
    missing: Sequence[Archive],
    found: _Found,
) -> None:
    policy = collection.policy
    start = time.monotonic()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / ".lock", policy.patience) as alive:
            # Whoever waited for a process that found no network is told so soon after that process.
            patience = max(policy.patience / 3, policy.patience - (time.monotonic() - start))
            _look_in_cache(cache, missing, found)  # another process may have been faster
            for archive in missing:
                if archive.name not in found:
                    raw, array = fetch(archive, collection.mirrors, replace(policy, patience=patience), alive)
                    _write(cache / archive.name, raw)
                    found[archive.name] = (cache / archive.name, array)
                    patience = policy.patience
    except OSError as error:
        raise StorageError(
            f"{collection.title} cannot be stored in {cache}: {error.strerror or error}. Nothing half-written was left "
            f"there. It takes {_megabytes(collection.archives)}: make room or give permission, set XDG_CACHE_HOME to "
            f"another folder, or put the files somewhere yourself and set {_HOME_VARIABLE} to it."
        ) from error


def _write(path: Path, raw: bytes) -> None:
    """All of it under the final name, or nothing at all."""
    part = path.with_name(f".{path.name}.part")  # one name: what a killed process left is overwritten, not hoarded
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _guide(collection: Collection, searched: Sequence[Path], state: str) -> str:
    files = _lines([f"{archive.name} ({archive.size:,} bytes)" for archive in collection.archives])
    count = {4: "these four files"}.get(len(collection.archives), "these files")
    return (
        f"{collection.title} {state}\n"
        f"Searched:{_lines(searched)}\n"
        f"Without a network: fetch {count} elsewhere, for example from {collection.mirrors[0]}{files}\n"
        f"put them into a folder named {collection.folder}, and set {_HOME_VARIABLE} to the folder around it, "
        f"or pass that one as root. Without any file: grad_data.Digits(10_000) draws digits of the same shape."
    )


def _lines(items: Sequence[object]) -> str:
    return "".join(f"\n  {item}" for item in items)


def _megabytes(archives: Sequence[Archive]) -> str:
    return f"{sum(archive.size for archive in archives) / 1e6:.1f} MB"
