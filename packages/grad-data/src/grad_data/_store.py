"""Where data files are looked for, and how they get into the cache: verified, whole, once."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from grad_data._bundle import Bundle, read_members
from grad_data._download import MirrorsFailedError, Policy, fetch, fetch_bundle
from grad_data._errors import CorruptDataError, DataNotFoundError, DownloadError, StorageError
from grad_data._idx import Archive, decode
from grad_data._lock import locked

__all__ = ["Collection", "cache_folder", "load"]

_HOME_VARIABLE = "GRAD_DATA_HOME"
_YOURS = "It lies in a folder of yours, so nothing was changed: replace it, or take it away to have it downloaded."
_OURS = "It is in the cache and can be fetched again."


_Found = dict[str, tuple[Path, NDArray[Any]]]


@dataclass(frozen=True)
class Collection:
    """A data set's files and where they come from.

    Attributes:
        title: its name in messages.
        folder: its folder's name inside `$GRAD_DATA_HOME` and the cache.
        archives: all its files; one load may need only some of them.
        mirrors: addresses of folders that hold the files, each ending in a slash.
        policy: limits of time and effort for downloads.
        bundle: the zip file in which the mirrors hold all archives, or None where they hold each one by itself.
        shared_names: another data set's files have the same names, so they are not looked for side by side with it in
            `$GRAD_DATA_HOME` itself, only in a folder of their own.
    """

    title: str
    folder: str
    archives: tuple[Archive, ...]
    mirrors: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)
    bundle: Bundle | None = None
    shared_names: bool = False


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
) -> list[tuple[Path, NDArray[Any]]]:
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
    found: _Found = {}
    for folder in _places(collection, users, rooted=root is not None):
        _look_in(folder, collection, archives, found)
    damaged = _look_in_cache(cache, collection, archives, found)
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


def _places(collection: Collection, users: Sequence[Path], *, rooted: bool) -> list[Path]:
    """The folders of the user's to look in: ours, torchvision's, and the given one itself."""
    places = []
    for number, base in enumerate(users):
        places += [base / collection.folder, base / collection.title / "raw"]
        if not collection.shared_names or (rooted and number == 0):
            places.append(base)
    return places


def _look_in(folder: Path, collection: Collection, archives: Sequence[Archive], found: _Found) -> None:
    """Add to `found` what one of the user's folders holds; what is wrong there is an error."""
    for archive in archives:
        if archive.name not in found:
            array = _read(folder / archive.name, archive, _YOURS)
            if array is not None:
                found[archive.name] = (folder / archive.name, array)
    _look_in_bundle(folder, collection, archives, found, _YOURS)


def _look_in_cache(cache: Path, collection: Collection, archives: Sequence[Archive], found: _Found) -> list[str]:
    """Add what the cache holds to `found`; returns what is wrong with files that are not what they should be."""
    damaged = []
    for archive in archives:
        if archive.name in found or collection.bundle is not None:
            continue
        path = cache / archive.name
        try:
            array = _read(path, archive, _OURS)
        except CorruptDataError as error:
            damaged.append(str(error))
        else:
            if array is not None:
                found[archive.name] = (path, array)
    try:
        _look_in_bundle(cache, collection, archives, found, _OURS)
    except CorruptDataError as error:
        damaged.append(str(error))
    return damaged


def _look_in_bundle(
    folder: Path, collection: Collection, archives: Sequence[Archive], found: _Found, remedy: str
) -> None:
    """Add to `found` what the zip file in `folder`, if there is one, holds of the archives still wanted."""
    wanted = [archive for archive in archives if archive.name not in found]
    if collection.bundle is None or not wanted:
        return
    path = folder / collection.bundle.name
    try:
        raws = read_members(path, collection.bundle, {archive.name: archive.limit for archive in wanted})
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unreadable(path, error) from error
    except CorruptDataError as error:
        raise _not_original(path, error, remedy) from None
    for archive in wanted:
        try:
            found[archive.name] = (path, decode(raws.pop(archive.name), archive))
        except CorruptDataError as error:
            raise _not_original(path / archive.name, error, remedy) from None


def _read(path: Path, archive: Archive, remedy: str) -> NDArray[Any] | None:
    """The array in the file, or None where there is no such file."""
    try:
        with path.open("rb") as file:
            raw = file.read(archive.limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        return decode(raw, archive)
    except CorruptDataError as error:
        raise _not_original(path, error, remedy) from None


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be read: {error.strerror or error}. Mend that or take it away.")


def _not_original(path: Path, error: CorruptDataError, remedy: str) -> CorruptDataError:
    return CorruptDataError(f"{path} is not the original file: {error}. {remedy}")


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
            _look_in_cache(cache, collection, missing, found)  # another process may have been faster
            if collection.bundle is not None:
                if any(archive.name not in found for archive in missing):
                    _write_bundle(cache, collection, replace(policy, patience=patience), alive)
                    _look_in_bundle(cache, collection, missing, found, _OURS)
                return
            for archive in missing:
                if archive.name not in found:
                    raw, array = fetch(archive, collection.mirrors, replace(policy, patience=patience), alive)
                    _write(cache / archive.name, raw)
                    found[archive.name] = (cache / archive.name, array)
                    patience = policy.patience
    except OSError as error:
        raise StorageError(
            f"{collection.title} cannot be stored in {cache}: {error.strerror or error}. Nothing half-written was left "
            f"there. It takes {_megabytes(collection)}: make room or give permission, set XDG_CACHE_HOME to "
            f"another folder, or put the files somewhere yourself and set {_HOME_VARIABLE} to it."
        ) from error


def _write(path: Path, raw: bytes) -> None:
    """All of it under the final name, or nothing at all."""
    with _whole(path) as file:
        file.write(raw)


def _write_bundle(cache: Path, collection: Collection, policy: Policy, alive: Callable[[], None]) -> None:
    if collection.bundle is not None:
        with _whole(cache / collection.bundle.name) as file:
            fetch_bundle(collection.bundle, collection.mirrors, policy, alive, file)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when everything in it is written; after an error there is nothing."""
    part = path.with_name(f".{path.name}.part")  # one name: what a killed process left is overwritten, not hoarded
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _guide(collection: Collection, searched: Sequence[Path], state: str) -> str:
    bundle = collection.bundle
    if bundle is None:
        files = _lines([f"{archive.name} ({archive.length})" for archive in collection.archives])
        what = {2: "these two files", 4: "these four files"}.get(len(collection.archives), "these files")
    else:
        files = _lines([f"{bundle.name} ({bundle.size:,} bytes)"])
        what = "this file"
    return (
        f"{collection.title} {state}\n"
        f"Searched:{_lines(searched)}\n"
        f"Without a network: fetch {what} elsewhere, for example from {collection.mirrors[0]}{files}\n"
        f"put {'it' if bundle else 'them'} into a folder named {collection.folder}, and set {_HOME_VARIABLE} to the "
        f"folder around it, or pass that one as root. Without any file: grad_data.Digits(10_000) draws digits of the "
        "same shape."
    )


def _lines(items: Sequence[object]) -> str:
    return "".join(f"\n  {item}" for item in items)


def _megabytes(collection: Collection) -> str:
    if collection.bundle is not None:
        return f"{collection.bundle.size / 1e6:.1f} MB"
    most = "" if all(archive.size for archive in collection.archives) else "at most "
    return f"{most}{sum(archive.limit for archive in collection.archives) / 1e6:.1f} MB"
