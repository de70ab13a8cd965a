"""Archives for the tests, made of small arrays, and what is known of them beforehand."""

import gzip
import hashlib

from grad_data._idx import Archive


def idx_bytes(array):
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


def packed(name, content, shape, **changes):
    raw = gzip.compress(content, mtime=0)
    digests = [hashlib.sha256(part).hexdigest() for part in (raw, content)]
    return raw, Archive(
        **(
            {"name": name, "size": len(raw), "shape": shape}
            | {"sha256": digests[0], "content_sha256": digests[1]}
            | changes
        )
    )
