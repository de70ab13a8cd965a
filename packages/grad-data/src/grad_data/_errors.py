"""What can go wrong with data files. Wrong arguments are ordinary TypeErrors, ValueErrors and IndexErrors."""

__all__ = ["CorruptDataError", "DataError", "DataNotFoundError", "DownloadError", "StorageError"]


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
