"""MNIST, procedurally drawn digits, datasets and a DataLoader for NumPy arrays."""

from grad_data._dataset import ArrayDataset, Dataset
from grad_data._emnist import EMNIST
from grad_data._errors import CorruptDataError, DataError, DataNotFoundError, DownloadError, StorageError
from grad_data._fashion import KMNIST, FashionMNIST
from grad_data._loader import DataLoader
from grad_data._metrics import accuracy
from grad_data._qmnist import QMNIST
from grad_data.digits import Digits
from grad_data.mnist import MNIST

__all__: list[str] = [
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "ArrayDataset",
    "CorruptDataError",
    "DataError",
    "DataLoader",
    "DataNotFoundError",
    "Dataset",
    "Digits",
    "DownloadError",
    "FashionMNIST",
    "StorageError",
    "__version__",
    "accuracy",
]

__version__ = "0.1.0"
