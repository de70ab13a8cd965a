"""x Wᵀ + b as one operation."""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.extend import apply, array_like, in_front, op, sum_to

__all__ = ["LARGE", "linear"]

# Elements of a product of matrices from which on `matmul` makes it, and not `dot`.
LARGE = 1 << 14


def _product(x: Any, y: Any) -> Any:
    """The product of two matrices.

    Calling `dot` costs half of calling `matmul`, and the outer product of a batch of one takes it a tenth of the time.
    But it fills its result with zeros first: for a product of 1,024x64 and 64x64 that is a third of the time.
    """
    if len(y) > 1 and len(x) * y.shape[1] >= LARGE:
        return np.matmul(x, y)
    return x.dot(y)


def _rows(x: Any) -> Any:
    """All axes but the last made into one."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _dot_by_x(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    return _dot.on(g, y.mT)


def _dot_by_y(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    return _dot.on(x.mT, g)


def _dot_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> tuple[Any, int]:
    x, y = (in_front(a, axis) for a, axis in zip(inputs, axes, strict=True))
    return np.matmul(x, y), 0


@op(vjp=(_dot_by_x, _dot_by_y), batch=_dot_batch, name="linear")
def _dot(x: Any, y: Any) -> Any:
    return _product(x, y)


def _linear_by_x(g: Any, _ans: Any, _x: Any, weight: Any, *_bias: Any) -> Any:
    grad = _dot.on(_rows(g), weight)
    return grad if len(_x.shape) == 2 else grad.reshape(_x.shape)


def _linear_by_weight(g: Any, _ans: Any, x: Any, _weight: Any, *_bias: Any) -> Any:
    return _dot.on(_rows(g).mT, _rows(x))


def _linear_by_bias(g: Any, _ans: Any, _x: Any, _weight: Any, _bias: Any) -> Any:
    return sum_to.on(_rows(g), shape=_bias.shape)


def _explain_linear(x: Any, weight: Any, bias: Any = None) -> str:
    if np.ndim(weight) != 2:
        return f"weight has shape {np.shape(weight)}, and must have two axes, (out_features, in_features)"
    out, given = weight.shape
    if np.ndim(x) == 0:
        return f"x is a single number, and must have an axis of length {given}, for weight has shape {weight.shape}"
    if x.shape[-1] != given:
        return (
            f"x of shape {x.shape} and weight of shape {weight.shape} do not fit: axis -1 of x has length "
            f"{x.shape[-1]}, and the layer takes {given} features (axis 1 of weight); reshape or flatten x, "
            f"or make the layer with in_features={x.shape[-1]}"
        )
    return f"bias of shape {np.shape(bias)} does not fit weight of shape {weight.shape}: it must have shape ({out},)"


def _rows_times(x: Any, weight: Any) -> Any:
    if weight.ndim != 2 or not x.ndim:  # `dot` would multiply by a single number
        raise ValueError
    if x.ndim == 2:
        return _product(x, weight.T)
    if x.ndim == 1:
        return x.dot(weight.T)
    return _product(_rows(x), weight.T).reshape((*x.shape[:-1], weight.shape[0]))


def _linear_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> tuple[Any, int]:
    x, weight, *bias = inputs
    if axes[1:] == (None,) * len(axes[1:]):  # the batch is one more axis of x
        return (_linear_with_bias if bias else _linear).on(in_front(x, axes[0]), weight, *bias), 0
    x, weight = in_front(x, axes[0]), in_front(weight, axes[1])
    own = x.shape[0 if axes[0] is None else 1 :]
    rows = np.reshape(x, (*x.shape[: x.ndim - len(own)], math.prod(own[:-1]), own[-1]))
    out = np.matmul(rows, np.matrix_transpose(weight))
    if bias:
        out = out + (bias[0] if axes[2] is None else np.expand_dims(in_front(bias[0], axes[2]), 1))
    return np.reshape(out, (out.shape[0], *own[:-1], out.shape[-1])), 0


@op(vjp=(_linear_by_x, _linear_by_weight), batch=_linear_batch, explain=_explain_linear, name="linear")
def _linear(x: Any, weight: Any) -> Any:
    return _rows_times(x, weight)


@op(
    vjp=(_linear_by_x, _linear_by_weight, _linear_by_bias),
    batch=_linear_batch,
    explain=_explain_linear,
    name="linear",
)
def _linear_with_bias(x: Any, weight: Any, bias: Any) -> Any:
    out = _rows_times(x, weight)
    if bias.ndim != 1 or len(bias) != len(weight):  # what would broadcast too, and have a wrong gradient
        raise ValueError
    if bias.dtype is not out.dtype:
        return out + bias
    out += bias  # into the product, which nobody else has seen
    return out


def linear(x: Any, weight: Any, bias: Any = None) -> gd.Tensor:
    """X Wᵀ + b over the last axis, as one operation.

    Args:
        x: (..., in_features).
        weight: (out_features, in_features).
        bias: (out_features,), or None.

    Returns:
        (..., out_features).

    Raises:
        ShapeError: lengths differ; the message names both shapes and the axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.linear(gd.tensor([1.0, 2.0]), gd.tensor([[1.0, 1.0], [0.0, 3.0]]), gd.tensor([0.5, 0.5]))
        tensor([3.5, 6.5])
    """
    if bias is None:
        return apply(_linear, (array_like(x), array_like(weight)))
    return apply(_linear_with_bias, (array_like(x), array_like(weight), array_like(bias)))
