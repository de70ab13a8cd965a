"""MNIST: 70,000 handwritten digits, from this machine or from a mirror."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from grad_data._idx import Archive
from grad_data._images import LabelledImages
from grad_data._store import Collection, load

__all__ = ["MNIST"]

_FILES = Collection(
    title="MNIST",
    folder="mnist",
    archives=(
        Archive(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            (60_000, 28, 28),
        ),
        Archive(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            (60_000,),
            highest=9,
        ),
        Archive(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            (10_000, 28, 28),
        ),
        Archive(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            (10_000,),
            highest=9,
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)


class MNIST(LabelledImages):
    r"""The MNIST handwritten digits: 60,000 images to train on, 10,000 to test on.

    The files are looked for in `root`, then in `$GRAD_DATA_HOME`, then in the cache folder (`$XDG_CACHE_HOME/grad`,
    else `~/.cache/grad`, `~/Library/Caches/grad` on macOS, `%LOCALAPPDATA%\grad\cache` on Windows). In each of the
    first two they may lie in a sub-folder `mnist`, in the folder itself, or in `MNIST/raw`, as torchvision leaves them.
    What is in none of them is downloaded over HTTPS into the cache, once: four files, 11.6 MB. A machine without a
    network is told so within about ten seconds, and what to put where.

    Every file is verified at every load: size, SHA-256 of archive and content, header, counts, range of values. A wrong
    file in the cache is replaced; a wrong file in `root` or `$GRAD_DATA_HOME`, which are yours, is an error and is
    never touched.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
    The data set is under the Creative Commons Attribution-Share Alike 3.0 licence, (c) Yann LeCun and Corinna Cortes.

    Args:
        root: a folder of yours that is searched first; nothing is written to it.
        train: the training images if true, the test images otherwise.
        download: whether missing files may be fetched.
        transform: called on indexing with the picked images, uint8, (28, 28) or (n, 28, 28); what it returns takes
            their place. `images` and `as_arrays` are without it.

    Attributes:
        images: (N, 28, 28) uint8, ink 255 on ground 0.
        labels: (N,) int64, 0 to 9.
        classes: ("0", ..., "9").
        train: as given.
        transform: as given.
        files: the paths that were read, images and labels.

    Raises:
        DataNotFoundError: not on this machine, and `download` is false.
        DownloadError: a DataNotFoundError: no mirror delivered the files; the message says what to do.
        CorruptDataError: a file of yours is not the original.
        StorageError: a file cannot be read, or the cache cannot be written.

    Example:
        >>> import grad_data as data
        >>> try:
        ...     digits = data.MNIST(train=False, download=False)
        ... except data.DataNotFoundError:
        ...     digits = data.Digits(10_000, seed=1)
        >>> digits.images.shape, digits.images.dtype
        ((10000, 28, 28), dtype('uint8'))
    """

    _collection: ClassVar[Collection] = _FILES

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        train: bool = True,
        download: bool = True,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
    ) -> None:
        """Find, verify and read the files."""
        part = self._collection.archives[:2] if train else self._collection.archives[2:]
        (images_path, images), (labels_path, labels) = load(self._collection, part, root, download=download)
        self.images = images
        self.labels = labels.astype(np.int64)
        self.train = train
        self.transform = transform
        self.files: tuple[Path, Path] = (images_path, labels_path)

    def __repr__(self) -> str:
        """Which part, and how many."""
        return f"{type(self).__name__}(train={self.train}, {len(self):,} images of 28x28)"
