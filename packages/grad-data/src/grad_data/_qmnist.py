"""QMNIST: MNIST made again from the originals, with all 60,000 test images and who wrote them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from grad_data._idx import Archive
from grad_data._images import LabelledImages
from grad_data._store import Collection, load

__all__ = ["QMNIST"]

# for each part the archive it lies in, and which of its images
_PARTS = {
    "train": ("qmnist-train", slice(None)),
    "test": ("qmnist-test", slice(None)),
    "test10k": ("qmnist-test", slice(10_000)),
    "test50k": ("qmnist-test", slice(10_000, None)),
    "nist": ("xnist", slice(None)),
}


def _pair(start: str, ending: str, count: int, images_md5: str, labels_md5: str) -> tuple[Archive, Archive]:
    return (
        Archive(f"{start}-images-idx3-ubyte.{ending}", None, None, None, (count, 28, 28), md5=images_md5),
        Archive(f"{start}-labels-idx2-int.{ending}", None, None, None, (count, 8), highest=9, md5=labels_md5, code=12),
    )


class QMNIST(LabelledImages):
    """QMNIST: the digits of MNIST made again from NIST's originals, with 60,000 test images instead of 10,000.

    Places, arguments and errors are those of `MNIST`; the folder is named `qmnist` (or `QMNIST/raw`, as torchvision
    leaves it). Size and SHA-256 of the archives were not published: they are verified by the MD5 that torchvision
    publishes, the check sums inside the archives, header, counts and range of the labels, and no more bytes are read
    than the content can need: 49.1 MB for `train`, as many for `test`, 328.9 MB for `nist`. MD5 finds every
    accident, but does not keep out somebody who forges a file on purpose.

    Source: C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", 2019. The files are under the BSD-style licence of
    its repository; the originals are Special Databases 3 and 7 of NIST.

    Args:
        root: a folder of yours that is searched first; nothing is written to it.
        what: "train" (60,000), "test" (60,000), "test10k" (the first 10,000 of these, those of MNIST), "test50k" (the
            other 50,000) or "nist" (402,953, all digits of NIST); None for "train" or "test", as `train` says.
        train: which of the two when `what` is None.
        download: whether missing files may be fetched.
        transform: called on indexing with the picked images; what it returns takes their place.

    Attributes:
        images: (N, 28, 28) uint8, ink 255 on ground 0.
        labels: (N,) int64, 0 to 9.
        details: (N, 8) int32, a row for each image: class, series of NIST, writer, index for the writer, class by NIST,
            global index, and two entries without use.
        classes: ("0", ..., "9").
        what, transform: as given; `train` tells whether it is the training part.
        files: the paths that were read, images and labels.

    Raises:
        ValueError: an unknown `what`.
        DataNotFoundError, DownloadError, CorruptDataError, StorageError: as `MNIST`.

    Example:
        >>> import grad_data as data
        >>> data.QMNIST(what="validation", download=False)
        Traceback (most recent call last):
            ...
        ValueError: what is 'validation', expected one of train, test, test10k, test50k, nist
    """

    _collection: ClassVar[Collection] = Collection(
        title="QMNIST",
        folder="qmnist",
        archives=(
            *_pair(
                "qmnist-train", "gz", 60_000, "ed72d4157d28c017586c42bc6afe6370", "0058f8dd561b90ffdd0f734c6a30e5e4"
            ),
            *_pair("qmnist-test", "gz", 60_000, "1394631089c404de565df7b7aeaf9412", "5b5b05890a5e13444e108efe57b788aa"),
            *_pair("xnist", "xz", 402_953, "7f124b3b8ab81486c9d8c2749c17f834", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ),
        mirrors=(
            "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
            "https://github.com/facebookresearch/qmnist/raw/master/",
        ),
    )

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        what: str | None = None,
        *,
        train: bool = True,
        download: bool = True,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
    ) -> None:
        """Find, verify and read the files."""
        chosen = what or ("train" if train else "test")
        if chosen not in _PARTS:
            raise ValueError(f"what is {what!r}, expected one of {', '.join(_PARTS)}")
        start, which = _PARTS[chosen]
        part = [archive for archive in self._collection.archives if archive.name.startswith(f"{start}-")]
        (images_path, images), (labels_path, details) = load(self._collection, part, root, download=download)
        self.images = images[which]
        self.details: NDArray[np.int32] = details[which]
        self.labels = self.details[:, 0].astype(np.int64)
        self.what = chosen
        self.train = chosen == "train"
        self.transform = transform
        self.files: tuple[Path, Path] = (images_path, labels_path)

    def __repr__(self) -> str:
        """Which part, and how many."""
        return f"QMNIST({self.what}, {len(self):,} images of 28x28)"
