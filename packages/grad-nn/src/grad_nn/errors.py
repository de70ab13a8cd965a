"""Errors of grad_nn beside those of ``grad_core.errors``, and what to do about each."""

from grad_core.errors import GradError

__all__ = ["FileFormatError", "ForwardMissingError", "RangeError", "StateDictError"]


class FileFormatError(GradError, ValueError):
    """A file that cannot be read, or a value that cannot be written: damaged, another format, Python objects.

    Repair: the message says what is wrong with the file; nothing was read from it, and nothing was written.

    Example:
        >>> import grad_nn as nn
        >>> nn.load("weights.pt")
        Traceback (most recent call last):
        ...
        grad_nn.errors.FileFormatError: load reads .npz and .safetensors files, and 'weights.pt' is not named like ...
    """


class ForwardMissingError(GradError, NotImplementedError):
    """A module was called whose class has no ``forward``.

    Repair: define ``def forward(self, x): ...`` in the class; look for a misspelt name or a wrong indentation first.

    Example:
        >>> import grad_nn as nn
        >>> class Net(nn.Module):
        ...     def forwards(self, x):
        ...         return x
        >>> Net()(1.0)
        Traceback (most recent call last):
        ...
        grad_nn.errors.ForwardMissingError: Net has no method 'forward': ...
    """


class RangeError(GradError, ValueError):
    """Numbers outside of where a function is defined: a probability of 2, or a negative variance.

    Repair: the message says what computes numbers in the right range.

    Example:
        >>> import grad_nn.functional as F
        >>> F.binary_cross_entropy([2.0], [1.0])
        Traceback (most recent call last):
        ...
        grad_nn.errors.RangeError: binary_cross_entropy: the output holds probabilities, from 0 to 1, ...
    """


class StateDictError(GradError, ValueError):
    """A state dict that does not fit a module. The message lists everything that does not fit; nothing was loaded.

    Repair: build the module with the sizes that the state was saved with; rename entries of the dict; or, where names
    are missing or left over on purpose, pass ``strict=False``.

    Example:
        >>> import grad_nn as nn
        >>> nn.Linear(3, 2).load_state_dict(nn.Linear(4, 2).state_dict())
        Traceback (most recent call last):
        ...
        grad_nn.errors.StateDictError: the state does not fit Linear, and nothing was loaded:
          weight: has shape (2, 4), and the module needs (2, 3)...
    """
