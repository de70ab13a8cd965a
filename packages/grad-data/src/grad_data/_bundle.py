"""A zip file that holds all archives of a data set, read where it lies: nothing is unpacked onto the disk."""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from grad_data._errors import CorruptDataError

__all__ = ["Bundle", "read_members"]

_STEP = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """What is known beforehand about the zip file.

    Attributes:
        name: file name.
        size: length in bytes.
        sha256: in lower-case hexadecimal.
        inside: the folder inside the zip file, ending in a slash, or "".
    """

    name: str
    size: int
    sha256: str
    inside: str = ""

    def check(self, size: int, sha256: str) -> None:
        """Compare a file's length and checksum with what they have to be.

        Raises:
            CorruptDataError: they differ; without the file's name (the caller knows it).
        """
        if size > self.size:
            raise CorruptDataError(f"it is longer than the {self.size:,} bytes of the original")
        if size < self.size:
            raise CorruptDataError(f"it is cut short: {size:,} of {self.size:,} bytes")
        if sha256 != self.sha256:
            raise CorruptDataError(f"the SHA-256 of it is {sha256[:12]}..., expected {self.sha256[:12]}...")


def read_members(path: Path, bundle: Bundle, names: dict[str, int]) -> dict[str, bytes]:
    """Verify a whole bundle and return some of the files inside.

    Args:
        path: the zip file.
        bundle: what it has to be.
        names: files in it, with the most bytes that each may have.

    Raises:
        CorruptDataError: the first thing found wrong, without the path.
        OSError: it cannot be read, FileNotFoundError where there is none.
    """
    with path.open("rb") as file:
        digest = hashlib.sha256()
        size = 0
        while size <= bundle.size and (piece := file.read(_STEP)):
            digest.update(piece)
            size += len(piece)
        bundle.check(size, digest.hexdigest())
        try:
            with zipfile.ZipFile(file) as members:
                return {name: _member(members, bundle.inside + name, limit) for name, limit in names.items()}
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
            raise CorruptDataError(f"it is not a proper zip file ({error})") from None


def _member(members: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with members.open(name) as member:
        raw = member.read(limit + 1)
    if len(raw) > limit:
        raise CorruptDataError(f"{name} in it expands beyond {limit:,} bytes; reading stopped there")
    return raw
