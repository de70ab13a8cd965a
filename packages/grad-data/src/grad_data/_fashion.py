"""FashionMNIST and KMNIST: the form of MNIST, other pictures."""

from typing import ClassVar

from grad_data._idx import Archive
from grad_data._store import Collection
from grad_data.mnist import MNIST

__all__ = ["KMNIST", "FashionMNIST"]


def _four(*facts: tuple[int, str, str]) -> tuple[Archive, ...]:
    """The archives of a data set of MNIST's form, from size, SHA-256 and MD5 of each."""
    forms = [("train", (60_000, 28, 28)), ("train", (60_000,)), ("t10k", (10_000, 28, 28)), ("t10k", (10_000,))]
    archives = []
    for (part, shape), (size, sha256, md5) in zip(forms, facts, strict=True):
        name = f"{part}-{'images-idx3' if len(shape) == 3 else 'labels-idx1'}-ubyte.gz"
        archives.append(Archive(name, size, sha256, None, shape, highest=255 if len(shape) == 3 else 9, md5=md5))
    return tuple(archives)


class FashionMNIST(MNIST):
    """Fashion-MNIST: 70,000 grey pictures of clothes in ten classes, a harder MNIST of the same form.

    Files, places, verification, arguments, attributes and errors are those of `MNIST`; the folder is named
    `fashion-mnist` (or `FashionMNIST/raw`, as torchvision leaves it). Because the files have the names of MNIST's, they
    are not looked for in `$GRAD_DATA_HOME` itself. The four archives take 30.9 MB and are verified by size, SHA-256 and
    MD5 as published by TensorFlow Datasets and torchvision.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", 2017. It is under the MIT licence, (c) 2017 Zalando SE.

    Example:
        >>> import grad_data as data
        >>> data.FashionMNIST.classes[:3]
        ('T-shirt/top', 'Trouser', 'Pullover')
    """

    classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    mean = 0.2860
    std = 0.3530
    _collection: ClassVar[Collection] = Collection(
        title="FashionMNIST",
        folder="fashion-mnist",
        archives=_four(
            (
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            ),
            (
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "25c81989df183df01b3e8a0aad5dffbe",
            ),
            (
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "bef4ecab320f06d8554ea6380940ec79",
            ),
            (
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        ),
        mirrors=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        shared_names=True,
    )


class KMNIST(MNIST):
    """Kuzushiji-MNIST: 70,000 handwritten characters of classical Japanese, one for each row of hiragana.

    Files, places, verification, arguments, attributes and errors are those of `MNIST`; the folder is named `kmnist` (or
    `KMNIST/raw`, as torchvision leaves it). Because the files have the names of MNIST's, they are not looked for in
    `$GRAD_DATA_HOME` itself. The four archives take 21.2 MB and are verified by size, SHA-256 and MD5 as published by
    TensorFlow Datasets and torchvision.

    Source: T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha, "Deep Learning for Classical
    Japanese Literature", 2018. It is under the Creative Commons Attribution-ShareAlike 4.0 licence: "KMNIST Dataset"
    (created by CODH), adapted from "Kuzushiji Dataset" (created by NIJL and others), doi:10.20676/00000341.

    Example:
        >>> import grad_data as data
        >>> data.KMNIST.classes
        ('o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo')
    """

    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    mean = 0.1918
    std = 0.3483
    _collection: ClassVar[Collection] = Collection(
        title="KMNIST",
        folder="kmnist",
        archives=_four(
            (
                18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "bdb82020997e1d708af4cf47b453dcf7",
            ),
            (
                29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "e144d726b3acfaa3e44228e80efcd344",
            ),
            (
                3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "5c965bf0a639b31b8f53240b1b52f4d7",
            ),
            (
                5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
        ),
        mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        shared_names=True,
    )
