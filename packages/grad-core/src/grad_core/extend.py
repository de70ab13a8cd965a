"""The public door for ops of your own: what grad_core declares its ops with, and what grad_nn uses.

Example:
    >>> import numpy as np
    >>> import grad_core as gd
    >>> from grad_core.extend import elementwise
    >>> @elementwise(lambda ans, x: 3 * x * x)
    ... def cube(x):
    ...     return x * x * x
    >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
"""

from __future__ import annotations

from ._function import Context, Function
from ._kinds import broadcast_to, elementwise, linear, sum_to
from ._modes import recording
from ._node import array_like, start_version
from ._op import Keeping, Op, apply, nondiff, op
from ._tensor import Tensor
from .ops._batching import batch_in_front, in_front
from .ops._select import select
from .transforms.batch import push_batch
from .transforms.forward import push_forward

__all__ = [
    "Context",
    "Function",
    "Keeping",
    "Op",
    "apply",
    "array_like",
    "batch_in_front",
    "broadcast_to",
    "elementwise",
    "in_front",
    "linear",
    "mark_changed",
    "nondiff",
    "op",
    "push_batch",
    "push_forward",
    "recording",
    "select",
    "sum_to",
]


def mark_changed(x: Tensor) -> None:
    """Say that the array of a tensor was changed in place through another name, so that backward notices.

    Example:
        >>> import grad_core as gd
        >>> from grad_core.extend import mark_changed
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True)
        >>> y = (x * x).sum()
        >>> array = x.data
        >>> array *= 2
        >>> mark_changed(x)
        >>> y.backward()
        Traceback (most recent call last):
        ...
        grad_core.errors.InPlaceError: 'multiply' saved an input of shape (2,) at version 0, and it is at version 1
        now: ...
    """
    start_version(x)[0] += 1
