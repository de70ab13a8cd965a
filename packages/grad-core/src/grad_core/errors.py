"""Every error of grad_core: what went wrong, an example that raises it, and the repair.

Each class also derives from the built-in error that NumPy or Python would raise in its place, so ``except
ValueError`` and ``except TypeError`` keep working for those who do not know these names. A note under the message tells
which section of the page of errors explains it, with the cause, an example, and the repair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "AnomalyError",
    "ConversionError",
    "DTypeError",
    "GradError",
    "GradientError",
    "GraphReleasedError",
    "InPlaceError",
    "LinAlgError",
    "ShapeError",
    "UnsupportedError",
]


# where the page stands in the project; each class has a section there, of its name
_PAGE = "docs/guides/errors.md"


class GradError(Exception):
    """The base of every error that grad_core and the layers above it raise on purpose.

    Repair: none of its own; catch it where anything that grad refuses should be handled in one place.

    Example:
        >>> import grad_core as gd
        >>> try:
        ...     gd.ones(2) + gd.ones(3)
        ... except gd.errors.GradError as error:
        ...     print(error.__notes__[0])
        cause, example and repair: docs/guides/errors.md#shapeerror
    """

    def __init__(self, *args: Any) -> None:
        """The message, as for any exception."""
        super().__init__(*args)
        # a class of the user's own is explained by the one of ours that it derives from
        ours = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("grad_"))
        # a note is shown in tracebacks, and leaves str(error) as it is
        self.add_note(f"cause, example and repair: {_PAGE}#{ours.__name__.lower()}")


class ShapeError(GradError, ValueError):
    """Shapes do not fit together. The message names the operation, every shape, and the axis that disagrees.

    Repair: reshape, transpose or slice one of them, or insert axes of length 1 with ``expand_dims``.

    Example:
        >>> import grad_core as gd
        >>> gd.ones((2, 3)) + gd.ones((2, 4))
        Traceback (most recent call last):
        ...
        grad_core.errors.ShapeError: add: shapes (2, 3) and (2, 4) do not broadcast: axis -1 has lengths 3 and 4. ...
    """


class LinAlgError(GradError, np.linalg.LinAlgError):
    """A matrix that has no inverse, is not positive definite, or could not be decomposed.

    The message names the function and, in a batch, the first such matrix.

    Repair: add a small multiple of the identity, use ``linalg.pinv``, or look for NaN and infinity in it.

    Example:
        >>> import grad_core as gd
        >>> gd.linalg.inv(gd.tensor([[1.0, 2.0], [2.0, 4.0]]))
        Traceback (most recent call last):
        ...
        grad_core.errors.LinAlgError: inv: the matrix of shape (2, 2) is singular: it has no inverse. ...
    """


class DTypeError(GradError, TypeError):
    """A dtype that is unknown, or that the operation cannot use: integers that should carry a gradient, for one.

    Repair: give a floating dtype, ``gd.tensor(x, dtype="float32")`` or ``x.astype("float32")``.

    Example:
        >>> import grad_core as gd
        >>> gd.tensor([1, 2], requires_grad=True)
        Traceback (most recent call last):
        ...
        grad_core.errors.DTypeError: requires_grad=True needs a floating dtype, and this tensor is int64: ...
    """


class GradientError(GradError, RuntimeError):
    """A gradient that cannot be computed as asked: of a non-scalar without a cotangent, of what has no history.

    Repair: reduce the result to a scalar (``.sum()``), pass ``gradient=``, or make an input with
        ``requires_grad=True``.

    Example:
        >>> import grad_core as gd
        >>> (gd.ones(3, requires_grad=True) * 2).backward()
        Traceback (most recent call last):
        ...
        grad_core.errors.GradientError: backward() of a tensor of shape (3,) needs the gradient to start from: ...
    """


class GraphReleasedError(GradientError):
    """A second backward through a graph whose saved values the first one released.

    Repair: pass ``retain_graph=True`` to the first backward, or compute the result anew.

    Example:
        >>> import grad_core as gd
        >>> y = gd.ones((), requires_grad=True) * 2
        >>> y.backward()
        >>> y.backward()
        Traceback (most recent call last):
        ...
        grad_core.errors.GraphReleasedError: the values saved by 'multiply' were released by an earlier backward: ...
    """


class InPlaceError(GradientError):
    """A value that a derivative needs was changed in place after it was used.

    Repair: change a copy, or do the change after backward.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
        >>> y = (x * x).sum()
        >>> x.data += 1
        >>> y.backward()
        Traceback (most recent call last):
        ...
        grad_core.errors.InPlaceError: 'multiply' saved an input of shape (2,) at version 0, and it is at version 1
        now: ...
    """


class AnomalyError(GradError, FloatingPointError):
    """NaN or Inf appeared within ``gd.detect_anomaly()``. The message names the op, its inputs, and the user's line.

    Repair: keep the inputs of that op where it is finite (``clip``, ``maximum``, a small number added), or select them
    with ``where`` before the op instead of its result after it.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor(0.0, requires_grad=True)
        >>> with gd.detect_anomaly():
        ...     y = gd.sqrt(x)
        ...     y.backward()
        Traceback (most recent call last):
        ...
        grad_core.errors.AnomalyError: backward of 'sqrt': Inf in the gradient of input 0, ...
    """


class ConversionError(GradError, TypeError):
    """A tracked tensor was about to become a plain array or number where its history would be lost.

    Repair: say that the history may go, ``x.detach().numpy()``, or ``x.item()`` for one number.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> np.asarray(gd.ones(3, requires_grad=True))
        Traceback (most recent call last):
        ...
        grad_core.errors.ConversionError: this tensor requires grad, and a plain array would lose its history: ...
    """


class UnsupportedError(GradError, TypeError):
    """A NumPy function, or an option of one, that no operation of grad_core stands behind.

    Repair: compose it from functions that are there, declare an operation with ``grad_core.extend``, or call it on
    ``x.detach().numpy()`` where no gradient is needed.

    Example:
        >>> import numpy as np
        >>> import grad_core as gd
        >>> np.fft.fft(gd.ones(4))
        Traceback (most recent call last):
        ...
        grad_core.errors.UnsupportedError: numpy.fft.fft has no counterpart in grad_core: ...
    """
