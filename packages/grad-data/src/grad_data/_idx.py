"""The idx format in gzip or xz, read with distrust: size, checksums, header, counts and value range are all verified.

An idx file is two zero bytes, a type code, the number of axes, the length of each axis as a big-endian 32-bit
integer, then the values. Unsigned bytes (code 8) and big-endian 32-bit integers (code 12) are used here.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import hashlib
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grad_data._errors import CorruptDataError

try:
    import lzma
except ImportError:  # Python can be built without it, and one file of QMNIST is all that needs it
    lzma = None  # type: ignore[assignment]  # a module that is not there

__all__ = ["Archive", "decode"]

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"
_GZIP_WINDOW = 31  # zlib's code for "expect a gzip header and trailer"
_XZ_MEMORY = 1 << 28  # the most that a decompressor may ask for
_ERRORS: tuple[type[Exception], ...] = (zlib.error,) if lzma is None else (zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Archive:
    """What is known beforehand about one compressed idx file; everything else is refused.

    Attributes:
        name: file name; one that ends in ".xz" is an xz archive, any other a gzip archive.
        size: length of the archive in bytes; None where it was never published, then `limit` holds.
        sha256: of the archive, in lower-case hexadecimal; None where only `md5` was published, or nothing.
        content_sha256: of the decompressed content, or None.
        shape: of the array inside.
        highest: largest value allowed in the array; in its first column where it has two axes.
        md5: of the archive, or None.
        code: of the type of the values: 8 for unsigned bytes, 12 for 32-bit integers.
    """

    name: str
    size: int | None
    sha256: str | None
    content_sha256: str | None
    shape: tuple[int, ...]
    highest: int = 255
    md5: str | None = None
    code: int = 8

    @property
    def content_size(self) -> int:
        """Bytes of the decompressed file: the header, then the values."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape) * self.values.itemsize

    @property
    def values(self) -> "np.dtype[Any]":
        """How a value is stored."""
        return np.dtype("u1" if self.code == 8 else ">i4")

    @property
    def limit(self) -> int:
        """The most bytes that the archive can have: its size, or a little more than its content."""
        return self.content_size + 65_536 if self.size is None else self.size

    @property
    def length(self) -> str:
        """The size for a reader, or what is known of it."""
        return f"at most {self.limit:,} bytes" if self.size is None else f"{self.size:,} bytes"


def decode(raw: bytes, archive: Archive) -> NDArray[Any]:
    """Verify the bytes of an archive and return the array inside.

    Args:
        raw: the whole archive; a caller that reads a file needs to read no more than `archive.limit + 1` bytes.
        archive: what it has to be.

    Returns:
        A writable array of `archive.shape`, uint8 or int32.

    Raises:
        CorruptDataError: the first thing found wrong, without the file's name (the caller knows the path).
    """
    if len(raw) > archive.limit:
        raise CorruptDataError(f"it is longer than the {archive.limit:,} bytes of the original")
    if archive.size is not None and len(raw) < archive.size:
        raise CorruptDataError(f"it is cut short: {len(raw):,} of {archive.size:,} bytes")
    kind, magic = ("xz", _XZ_MAGIC) if archive.name.endswith(".xz") else ("gzip", _GZIP_MAGIC)
    if not raw.startswith(magic):
        raise CorruptDataError(f"it is not {'an xz' if kind == 'xz' else 'a gzip'} archive")
    _compare("SHA-256 of its archive", "sha256", raw, archive.sha256)
    _compare("MD5 of its archive", "md5", raw, archive.md5)
    content = _decompress(raw, archive.content_size, kind)
    _compare("SHA-256 of its decompressed content", "sha256", content, archive.content_sha256)
    return _parse(content, archive)


def _compare(what: str, algorithm: str, raw: bytes, expected: str | None) -> None:
    if expected is None:
        return
    found = hashlib.new(algorithm, raw, usedforsecurity=algorithm == "sha256").hexdigest()
    if found != expected:
        raise CorruptDataError(f"the {what} is {found[:12]}..., expected {expected[:12]}...")


def _decompress(raw: bytes, size: int, kind: str) -> bytes:
    """Never inflates more than one byte beyond `size`, whatever the archive holds."""
    if kind == "xz" and lzma is None:
        raise CorruptDataError("it is an xz archive, which a Python built without lzma cannot read; take another one")
    stream = zlib.decompressobj(_GZIP_WINDOW) if kind == "gzip" else lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
    try:
        content = stream.decompress(raw, size + 1)
    except _ERRORS as error:
        raise CorruptDataError(f"it does not decompress ({error})") from None
    if len(content) > size:
        raise CorruptDataError(f"it expands beyond the {size:,} bytes it should hold; reading stopped there")
    if len(content) < size or not stream.eof:
        raise CorruptDataError(f"it ends early: {len(content):,} of {size:,} decompressed bytes")
    if stream.unused_data:
        raise CorruptDataError("there are bytes after the end of the compressed data")
    return content


def _parse(content: bytes, archive: Archive) -> NDArray[Any]:
    axes = len(archive.shape)
    if content[:4] != bytes((0, 0, archive.code, axes)):
        kind = "unsigned bytes" if archive.code == 8 else "32-bit integers"
        raise CorruptDataError(
            f"its idx header starts with {content[:4].hex(' ')}, expected 00 00 {archive.code:02x} {axes:02x} "
            f"({kind}, {axes} axes)"
        )
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if shape != archive.shape:
        raise CorruptDataError(f"its idx header declares the shape {shape}, expected {archive.shape}")
    stored = np.frombuffer(content, archive.values, offset=start).reshape(shape)
    array = stored.astype(stored.dtype.newbyteorder("="))  # a copy, which can be written
    checked = array[:, 0] if axes == 2 else array
    if array.size and not (checked.min() >= 0 and checked.max() <= archive.highest):
        wrong = checked.max() if checked.max() > archive.highest else checked.min()
        raise CorruptDataError(f"it holds the value {int(wrong)}, the largest allowed is {archive.highest}")
    return array
