"""Gradients that are too large: their norm, and how to make it smaller."""

import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Array = np.ndarray[Any, Any]
Tensors = Tensor | Iterable[Tensor]


def get_total_norm(
    tensors: Tensors, norm_type: float | str = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of tensors as if they were one vector: ``sum(abs(x)**norm_type) ** (1 / norm_type)``.

    As ``torch.nn.utils.get_total_norm``, but norms in between are float64, and squares that overflow are computed again
    with scaled numbers.

    Args:
        tensors: a tensor or several, such as gradients, of any shapes.
        norm_type: the order: a number, ``math.inf`` (or "inf") for the largest magnitude, 0 to count the tensors that
            are not all 0, as PyTorch does.
        error_if_nonfinite: whether a norm that is NaN or infinite is an error.
        foreach: not used; as in PyTorch.

    Returns:
        A number as a 0-d tensor, of the widest dtype among them; 0 for none.

    Raises:
        RuntimeError: the norm is not finite, and `error_if_nonfinite` is set.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optim.get_total_norm([gd.tensor([3.0, 0.0]), gd.tensor([[4.0]])])
        tensor(5.)
    """
    arrays = [t.data for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    order = float(norm_type)
    parts = np.array([_norm(a, order) for a in arrays], np.float64)
    total = _norm(parts, order) if order else float(np.count_nonzero(parts))
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"the total norm of order {order} is {total}, so gradients cannot be scaled by it: some are NaN or "
            "infinite. optimizer.step(error_if_nonfinite=True) names them; without error_if_nonfinite they are scaled "
            "all the same"
        )
    dtype = np.result_type(*arrays) if arrays else np.dtype(np.float32)
    return gd.tensor(total, dtype=dtype)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor | float, foreach: bool | None = None
) -> None:
    """Multiply gradients, in place, by ``min(1, max_norm / (total_norm + 1e-6))``, as PyTorch does.

    Args:
        parameters: a tensor or several; those without a gradient are left out.
        max_norm: the norm that gradients shall not exceed.
        total_norm: the norm they have.
        foreach: not used; as in PyTorch.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.zeros(2, requires_grad=True)
        >>> w.grad = [3.0, 4.0]
        >>> optim.clip_grads_with_norm_(w, 1.0, 4.0 - 1e-6)
        >>> w.grad
        tensor([0.75, 1.  ])
    """
    share = float(max_norm) / (float(total_norm) + 1e-6)
    if share >= 1:  # and go on for NaN
        return
    for g in _grads(parameters):
        _write(g, np.multiply, g.dtype.type(share))


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, by one factor, so that their total norm is at most `max_norm`.

    ```text
    g <- g * min(1, max_norm / (norm + 1e-6))
    ```

    From R. Pascanu et al., "On the difficulty of training recurrent neural networks" (2013); the numbers are those of
    ``torch.nn.utils.clip_grad_norm_``.

    Args:
        parameters: a tensor or several; those without a gradient are left out.
        max_norm: the norm that gradients shall not exceed.
        norm_type: the order of the norm; see ``get_total_norm``.
        error_if_nonfinite: whether a norm that is NaN or infinite is an error. Without, it makes gradients NaN or 0.
        foreach: not used; as in PyTorch.

    Returns:
        The norm before, as a 0-d tensor.

    Raises:
        RuntimeError: the norm is not finite, and `error_if_nonfinite` is set. Nothing has been changed.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.zeros(2, requires_grad=True)
        >>> w.grad = [30.0, 40.0]
        >>> optim.clip_grad_norm_([w], max_norm=5.0)
        tensor(50.)
        >>> gd.round(w.grad, 3)
        tensor([3., 4.])
    """
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given and isinstance(parameters, types.GeneratorType):
        warnings.warn(
            "clip_grad_norm_: the generator of parameters is empty, perhaps used up, and nothing is clipped: "
            "call model.parameters() anew",
            stacklevel=2,
        )
    total = get_total_norm(_grads(given), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(given, max_norm, total)
    return total


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every number of the gradients, in place, to ``[-clip_value, clip_value]``; NaN stays NaN.

    As ``torch.nn.utils.clip_grad_value_``. Unlike ``clip_grad_norm_`` it changes the direction.

    Args:
        parameters: a tensor or several; those without a gradient are left out.
        clip_value: the largest magnitude, at least 0.
        foreach: not used; as in PyTorch.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.zeros(3, requires_grad=True)
        >>> w.grad = [-30.0, 0.5, 40.0]
        >>> optim.clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([-1. ,  0.5,  1. ])
    """
    limit = float(clip_value)
    for g in _grads(parameters):
        _write(g, np.maximum, g.dtype.type(-limit))
        _write(g, np.minimum, g.dtype.type(limit))


def _grads(parameters: Tensors) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in given if p.grad is not None]


def _write(g: Tensor, operation: np.ufunc, number: Any) -> None:
    """Replace the numbers of a gradient, in its own memory where that may be written."""
    array = g.data
    if array.flags.writeable:
        g.data = operation(array, number, out=array)
    else:
        g.data = operation(array, number)


def _norm(array: Array, order: float) -> float:
    """Of one array. Sums are float64."""
    if not array.size:
        return 0.0
    flat = array.ravel(order="K")
    if order == 2:
        if flat.dtype.itemsize == 2:
            flat = flat.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(np.dot(flat, flat))
        if 1e-30 < square < math.inf:
            return math.sqrt(square)
        largest = float(np.abs(flat).max())
        if largest == 0 or not math.isfinite(largest):
            return largest
        scaled = flat.astype(np.float64) / largest
        return largest * math.sqrt(float(np.dot(scaled, scaled)))
    size = np.abs(flat)
    if order == math.inf:
        return float(size.max())
    if order == -math.inf:
        return float(size.min())
    if order == 0:
        return float(np.count_nonzero(size))
    with np.errstate(divide="ignore", over="ignore"):
        return float(np.sum(size.astype(np.float64) ** order) ** (1 / order))
