"""EMNIST: handwritten letters and digits in six splits."""

import os
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from grad_data._bundle import Bundle
from grad_data._idx import Archive
from grad_data._images import LabelledImages
from grad_data._store import Collection, load

__all__ = ["EMNIST"]

# small letters that look like their capitals, and are one class with them
_MERGED = tuple(sorted({*string.digits, *string.ascii_letters} - set("cijklmopsuvwxyz")))
# for each split its classes, and how many images there are to train and to test on
_SPLITS = {
    "byclass": (tuple(sorted(string.digits + string.ascii_letters)), 697_932, 116_323),
    "bymerge": (_MERGED, 697_932, 116_323),
    "balanced": (_MERGED, 112_800, 18_800),
    "letters": (("N/A", *string.ascii_lowercase), 124_800, 20_800),
    "digits": (tuple(string.digits), 240_000, 40_000),
    "mnist": (tuple(string.digits), 60_000, 10_000),
}


def _archives() -> tuple[Archive, ...]:
    found = []
    for split, (classes, *counts) in _SPLITS.items():
        for part, count in zip(("train", "test"), counts, strict=True):
            start = f"emnist-{split}-{part}"
            found.append(Archive(f"{start}-images-idx3-ubyte.gz", None, None, None, (count, 28, 28)))
            top = len(classes) - 1
            found.append(Archive(f"{start}-labels-idx1-ubyte.gz", None, None, None, (count,), highest=top))
    return tuple(found)


class EMNIST(LabelledImages):
    """EMNIST: handwritten letters and digits, up to 814,255 images in 62 classes.

    The mirrors hold one zip file of 562 MB with all the splits. It is downloaded once, verified by size and SHA-256 (as
    published by TensorFlow Datasets) at every load, and read where it lies; nothing is unpacked. It is looked for in
    the places that `MNIST` names, as `emnist/gzip.zip` or `EMNIST/raw/gzip.zip`, where torchvision leaves it. The
    single `emnist-*.gz` files may lie there instead; for these no checksums were published, so gzip's own CRC-32, the
    header, the counts and the range of the labels are what is verified.

    The files hold every image transposed: its rows are the columns of the picture. As in torchvision they come as they
    are stored; `upright=True` turns them the right way round.

    Splits: `byclass` (62 classes: digits, capitals, small letters), `bymerge` (47: small letters that look like their
    capitals are one class with them), `balanced` (the same 47, equally many of each), `letters` (26, labels 1 to 26
    as in torchvision, so that `classes[0]` is "N/A"), `digits` and `mnist` (10).

    Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017.
    It has no licence of its own: it is derived from Special Database 19 of NIST, a work of the United States government
    and free of copyright there.

    Args:
        root: a folder of yours that is searched first; nothing is written to it.
        split: one of the six names above.
        train: the training images if true, the test images otherwise.
        download: whether the zip file may be fetched.
        transform: called on indexing with the picked images; what it returns takes their place.
        upright: turn the images the right way round.

    Attributes:
        images: (N, 28, 28) uint8, ink 255 on ground 0.
        labels: (N,) int64.
        classes: names of the classes, in the order of the labels.
        mean, std: 0.1751 and 0.3332, those of the split `balanced`, for every split.
        split, train, transform, upright: as given.
        files: the paths that were read, images and labels.

    Raises:
        ValueError: an unknown split.
        DataNotFoundError, DownloadError, CorruptDataError, StorageError: as `MNIST`.

    Example:
        >>> import grad_data as data
        >>> data.EMNIST(split="letter", download=False)
        Traceback (most recent call last):
            ...
        ValueError: split is 'letter', expected one of byclass, bymerge, balanced, letters, digits, mnist
    """

    mean = 0.1751
    std = 0.3332
    _collection: ClassVar[Collection] = Collection(
        title="EMNIST",
        folder="emnist",
        archives=_archives(),
        mirrors=(
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
        ),
        bundle=Bundle(
            "gzip.zip", 561_753_746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e", "gzip/"
        ),
    )

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        split: str = "balanced",
        *,
        train: bool = True,
        download: bool = True,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
        upright: bool = False,
    ) -> None:
        """Find, verify and read the files."""
        if split not in _SPLITS:
            raise ValueError(f"split is {split!r}, expected one of {', '.join(_SPLITS)}")
        start = f"emnist-{split}-{'train' if train else 'test'}-"
        part = [archive for archive in self._collection.archives if archive.name.startswith(start)]
        (images_path, images), (labels_path, labels) = load(self._collection, part, root, download=download)
        self.images = np.ascontiguousarray(images.transpose(0, 2, 1)) if upright else images
        self.labels = labels.astype(np.int64)
        self.classes = _SPLITS[split][0]
        self.split = split
        self.train = train
        self.transform = transform
        self.upright = upright
        self.files: tuple[Path, Path] = (images_path, labels_path)

    def __repr__(self) -> str:
        """Which part, and how many."""
        return f"EMNIST({self.split}, train={self.train}, {len(self):,} images of 28x28)"
