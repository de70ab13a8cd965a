"""What can go wrong with data files. Wrong arguments are ordinary TypeErrors, ValueErrors and IndexErrors."""

from typing import Any

__all__ = ["CorruptDataError", "DataError", "DataNotFoundError", "DownloadError", "StorageError"]

# where the page stands in the project; each class has a section there, of its name
_PAGE = "docs/guides/errors.md"


class DataError(Exception):
    """Base of every error about data files: catch it to fall back on data that needs no file.

    Example:
        >>> import grad_data as data
        >>> try:
        ...     mnist = data.MNIST(root="no/such/folder", download=False)
        ... except data.DataError:
        ...     mnist = data.Digits(100)
        >>> mnist.images.shape[1:]
        (28, 28)
    """

    def __init__(self, *args: Any) -> None:
        """The message, as for any exception."""
        super().__init__(*args)
        # a class of the user's own is explained by the one of ours that it derives from
        ours = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("grad_"))
        # a note is shown in tracebacks, and leaves str(error) as it is
        self.add_note(f"cause, example and repair: {_PAGE}#{ours.__name__.lower()}")


class DataNotFoundError(DataError):
    """The files are in none of the folders that were searched; the message says where they are wanted.

    Example:
        >>> import grad_data as data
        >>> issubclass(data.DataNotFoundError, data.DataError)
        True
    """


class DownloadError(DataNotFoundError):
    """The files are not on this machine, and no mirror could deliver them (no network, for example).

    Example:
        >>> import grad_data as data
        >>> issubclass(data.DownloadError, data.DataNotFoundError)  # caught along with it
        True
    """


class CorruptDataError(DataError):
    """A file is not what it should be: wrong size, checksum, header, count or value range.

    Example:
        >>> import grad_data as data
        >>> issubclass(data.CorruptDataError, data.DataError)
        True
    """


class StorageError(DataError):
    """A file cannot be read, or the cache folder cannot be written: full disk, missing permission.

    Example:
        >>> import grad_data as data
        >>> issubclass(data.StorageError, data.DataError)
        True
    """
