"""The idx format in gzip, read with distrust: size, checksums, header, counts and value range are all verified.

An idx file is two zero bytes, a type code, the number of axes, the length of each axis as a big-endian 32-bit
integer, then the values. Only unsigned bytes (code 8) are used here.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import hashlib
import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grad_data._errors import CorruptDataError

__all__ = ["Archive", "decode"]

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 8
_GZIP_WINDOW = 31  # zlib's code for "expect a gzip header and trailer"


@dataclass(frozen=True)
class Archive:
    """What is known beforehand about one gzipped idx file; everything else is refused.

    Attributes:
        name: file name.
        size: length of the archive in bytes.
        sha256: of the archive, in lower-case hexadecimal.
        content_sha256: of the decompressed content.
        shape: of the array inside, unsigned bytes.
        highest: largest value allowed in the array.
    """

    name: str
    size: int
    sha256: str
    content_sha256: str
    shape: tuple[int, ...]
    highest: int = 255

    @property
    def content_size(self) -> int:
        """Bytes of the decompressed file: the header, then one for each value."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


def decode(raw: bytes, archive: Archive) -> NDArray[np.uint8]:
    """Verify the bytes of an archive and return the array inside.

    Args:
        raw: the whole archive; a caller that reads a file needs to read no more than `archive.size + 1` bytes.
        archive: what it has to be.

    Returns:
        A writable uint8 array of `archive.shape`.

    Raises:
        CorruptDataError: the first thing found wrong, without the file's name (the caller knows the path).
    """
    if len(raw) > archive.size:
        raise CorruptDataError(f"it is longer than the {archive.size:,} bytes of the original")
    if len(raw) < archive.size:
        raise CorruptDataError(f"it is cut short: {len(raw):,} of {archive.size:,} bytes")
    if not raw.startswith(_GZIP_MAGIC):
        raise CorruptDataError("it is not a gzip archive")
    _compare("archive", raw, archive.sha256)
    content = _decompress(raw, archive.content_size)
    _compare("decompressed content", content, archive.content_sha256)
    return _parse(content, archive)


def _compare(what: str, raw: bytes, expected: str) -> None:
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise CorruptDataError(f"the SHA-256 of its {what} is {found[:12]}..., expected {expected[:12]}...")


def _decompress(raw: bytes, size: int) -> bytes:
    """Never inflates more than one byte beyond `size`, whatever the archive holds."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = stream.decompress(raw, size + 1)
    except zlib.error as error:
        raise CorruptDataError(f"it does not decompress ({error})") from None
    if len(content) > size:
        raise CorruptDataError(f"it expands beyond the {size:,} bytes it should hold; reading stopped there")
    if len(content) < size or not stream.eof:
        raise CorruptDataError(f"it ends early: {len(content):,} of {size:,} decompressed bytes")
    if stream.unused_data:
        raise CorruptDataError("there are bytes after the end of the compressed data")
    return content


def _parse(content: bytes, archive: Archive) -> NDArray[np.uint8]:
    axes = len(archive.shape)
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTE, axes)):
        raise CorruptDataError(
            f"its idx header starts with {content[:4].hex(' ')}, expected 00 00 08 {axes:02x} "
            f"(unsigned bytes, {axes} axes)"
        )
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if shape != archive.shape:
        raise CorruptDataError(f"its idx header declares the shape {shape}, expected {archive.shape}")
    array = np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
    if array.size and int(array.max()) > archive.highest:
        raise CorruptDataError(f"it holds the value {int(array.max())}, the largest allowed is {archive.highest}")
    return array
