import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest
from grad_data import CorruptDataError
from grad_data._idx import decode

LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def test_decode_gives_the_array(pack, idx):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    raw, archive = pack("a.gz", idx(array), (2, 3, 4))
    found = decode(raw, archive)
    assert np.array_equal(found, array)
    assert found.dtype == np.uint8
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (b"\1\0\x08\1\0\0\0\5\3\1\4\1\5", {}, "header starts with 01 00 08 01, expected 00 00 08 01"),
        (b"\0\0\x0d\1\0\0\0\5\3\1\4\1\5", {}, "header starts with 00 00 0d 01, expected 00 00 08 01"),
        (b"\0\0\x08\3\0\0\0\5\3\1\4\1\5", {}, "header starts with 00 00 08 03"),
        (b"\0\0\x08\1\0\0\0\6\3\1\4\1\5", {}, r"declares the shape \(6,\), expected \(5,\)"),
        (b"\0\0\x08\1\0\0\0\5\3\1\4\1\x0a", {"highest": 9}, "holds the value 10, the largest allowed is 9"),
        (b"\0\0\x08\1\0\0\0\5\3\1\4\1\5", {"content_sha256": "0" * 64}, "SHA-256 of its decompressed content is "),
        (b"\0\0\x08\1\0\0\0\5\3\1\4\1\5", {"sha256": "f" * 64}, "SHA-256 of its archive is .*expected ffffffffffff"),
        (b"\0\0\x08\1\0\0\0\5\3\1\4\1", {}, "ends early: 12 of 13 decompressed bytes"),
        (b"\0\0\x08\1\0\0\0\5\3\1\4\1\5\7", {}, "expands beyond the 13 bytes"),
        (b"\0" * 50_000_000, {}, "expands beyond the 13 bytes it should hold; reading stopped"),
    ],
)
def test_content_that_is_not_as_described(pack, content, changes, message):
    raw, archive = pack("a.gz", content, (5,), **changes)
    with pytest.raises(CorruptDataError, match=message):
        decode(raw, archive)


def described(raw, content):
    return {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()} | (
        {"content_sha256": hashlib.sha256(content).hexdigest()}
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda raw: b"<!" + raw[2:], "not a gzip archive"),
        (lambda raw: raw[:20] + b"\xff" + raw[21:], "does not decompress"),
        (lambda raw: raw[:-8] + bytes(4) + raw[-4:], "does not decompress .*check"),
        (lambda raw: raw[:-8], r"ends early: 13 of 13 decompressed bytes"),
        (lambda raw: raw + b"more", "bytes after the end of the compressed data"),
    ],
)
def test_archive_that_is_no_proper_gzip_even_if_its_checksum_were_right(pack, idx, spoil, message):
    raw, archive = pack("a.gz", idx(LABELS), (5,))
    spoilt = spoil(raw)
    _, archive = pack("a.gz", idx(LABELS), (5,), **described(spoilt, idx(LABELS)))
    with pytest.raises(CorruptDataError, match=message):
        decode(spoilt, archive)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda raw: raw[:-1], r"cut short: \d+ of \d+ bytes"),
        (lambda raw: b"", "cut short: 0 of"),
        (lambda raw: raw + b"x", "longer than the .* bytes of the original"),
    ],
)
def test_archive_of_the_wrong_size(pack, idx, spoil, message):
    raw, archive = pack("a.gz", idx(LABELS), (5,))
    with pytest.raises(CorruptDataError, match=message):
        decode(spoil(raw), archive)


def test_a_gzip_bomb_is_never_inflated(pack):
    bomb = gzip.compress(bytes(100_000_000), mtime=0)
    _, archive = pack("a.gz", b"", (5,), **described(bomb, b""))
    tracemalloc.start()
    with pytest.raises(CorruptDataError, match="expands beyond the 13 bytes"):
        decode(bomb, archive)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
