"""Data sets, samplers, transforms, text and a DataLoader for NumPy arrays."""

from grad_data import transforms
from grad_data._collate import default_collate
from grad_data._dataset import ArrayDataset, Dataset, IterableDataset
from grad_data._emnist import EMNIST
from grad_data._errors import CorruptDataError, DataError, DataNotFoundError, DownloadError, StorageError
from grad_data._fashion import KMNIST, FashionMNIST
from grad_data._loader import DataLoader
from grad_data._metrics import accuracy, confusion_matrix, masked_accuracy, top_k_accuracy
from grad_data._qmnist import QMNIST
from grad_data._samplers import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    WeightedRandomSampler,
)
from grad_data._splits import ConcatDataset, Subset, k_fold, random_split
from grad_data._text import Vocabulary, look_ahead_mask, pad_sequences, padding_mask, tokenize
from grad_data._translation import Translation
from grad_data.digits import Digits
from grad_data.mnist import MNIST

__all__: list[str] = [
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "ArrayDataset",
    "BatchSampler",
    "ConcatDataset",
    "CorruptDataError",
    "DataError",
    "DataLoader",
    "DataNotFoundError",
    "Dataset",
    "Digits",
    "DistributedSampler",
    "DownloadError",
    "FashionMNIST",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StorageError",
    "StratifiedSampler",
    "Subset",
    "Translation",
    "Vocabulary",
    "WeightedRandomSampler",
    "__version__",
    "accuracy",
    "confusion_matrix",
    "default_collate",
    "k_fold",
    "look_ahead_mask",
    "masked_accuracy",
    "pad_sequences",
    "padding_mask",
    "random_split",
    "tokenize",
    "top_k_accuracy",
    "transforms",
]

__version__ = "0.1.1"
