"""What layers and losses compute, as functions: parameters are arguments.

``relu``, ``sigmoid``, ``tanh``, ``softmax``, ``log_softmax`` and ``flatten`` are grad_core's under a second name.
"""

import math
from typing import Any

import grad_core as gd
import numpy as np
from grad_core import flatten, log_softmax, relu, sigmoid, softmax, tanh
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import apply, array_like, nondiff, op, sum_to
from grad_core.random import Generator, default_generator

__all__ = [
    "cross_entropy",
    "dropout",
    "flatten",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]

_REDUCTIONS = ("mean", "sum", "none")
_HALF = np.dtype(np.float16)
_INT64 = np.dtype(np.int64)


def check_reduction(reduction: str, name: str) -> str:
    """`reduction`, if it is one."""
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{name}: unknown reduction {reduction!r}: give 'mean', 'sum' or 'none'")
    return reduction


def check_probability(p: float, name: str) -> float:
    """`p`, if it lies in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability of dropping an element, so it lies in [0, 1], and {p} does not")
    return p


# linear: x Wᵀ + b as one op. Products of matrices go through `dot`, which costs half of what `@` does on small ones and
# a tenth on the outer product of a batch of one.


def _rows(x: Any) -> Any:
    """All axes but the last made into one."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _dot_by_x(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    return _dot.on(g, y.mT)


def _dot_by_y(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    return _dot.on(x.mT, g)


@op(vjp=(_dot_by_x, _dot_by_y), name="linear")
def _dot(x: Any, y: Any) -> Any:
    return x.dot(y)


def _linear_by_x(g: Any, _ans: Any, _x: Any, weight: Any, *_bias: Any) -> Any:
    grad = _dot.on(_rows(g), weight)
    return grad if len(_x.shape) == 2 else grad.reshape(_x.shape)


def _linear_by_weight(g: Any, _ans: Any, x: Any, _weight: Any, *_bias: Any) -> Any:
    return _dot.on(_rows(g).mT, _rows(x))


def _linear_by_bias(g: Any, _ans: Any, _x: Any, _weight: Any, _bias: Any) -> Any:
    return np.add.reduce(_rows(g), axis=0)


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


def _product(x: Any, weight: Any) -> Any:
    if weight.ndim != 2 or not x.ndim:  # `dot` would multiply by a single number
        raise ValueError
    if x.ndim < 3:
        return x.dot(weight.T)
    return _rows(x).dot(weight.T).reshape((*x.shape[:-1], weight.shape[0]))


@op(vjp=(_linear_by_x, _linear_by_weight), explain=_explain_linear, name="linear")
def _linear(x: Any, weight: Any) -> Any:
    return _product(x, weight)


@op(vjp=(_linear_by_x, _linear_by_weight, _linear_by_bias), explain=_explain_linear, name="linear")
def _linear_with_bias(x: Any, weight: Any, bias: Any) -> Any:
    out = _product(x, weight)
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


# dropout: the mask is drawn by an op of its own without history, so that a recorder sees when to draw anew


@nondiff(name="dropout")
def _kept(x: Any, *, p: float, generator: Generator) -> Any:
    """1 / (1 - p) where an element is kept, 0 where it is dropped."""
    if x.dtype.kind != "f":
        raise DTypeError(
            f"dropout: scales what it keeps, so it takes floats, and x is {x.dtype}: use x.astype('float32')"
        )
    # 16 random bits an element: four at a time, several times faster than drawing floats
    bits = generator.numpy.bit_generator.random_raw((x.size + 3) // 4).view(np.uint16)[: x.size].reshape(x.shape)
    scale = 1 / (1 - p) if p < 1 else 0.0
    return np.multiply(bits >= round(p * 65536), x.dtype.type(scale))


def dropout(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> gd.Tensor:
    """Zeros with probability `p`, and x / (1 - p) elsewhere, each element on its own; `x` itself if not `training`.

    Args:
        x: any shape of floats.
        p: in [0, 1]; it is rounded to a multiple of 2**-16.
        training: whether anything is dropped at all.
        generator: draws what is dropped; the default Generator where not given.

    Raises:
        ValueError: `p` is outside [0, 1].
        DTypeError: `x` holds integers.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.dropout(gd.tensor([1.0, 2.0]), p=1.0)
        tensor([0., 0.])
        >>> F.dropout(gd.tensor([1.0, 2.0]), training=False)
        tensor([1., 2.])
    """
    check_probability(p, "dropout")
    x = gd.asarray(x)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    kept = _kept(x, p=p, generator=default_generator() if generator is None else generator)
    return x * kept  # type: ignore[no-any-return]


# cross entropy: one op, whose second output is what its rule multiplies: softmax(logits) - onehot(ids)


def _flat(ids: Any, classes: int) -> Any:
    """Where each sample's class stands in the flattened (N, C) array."""
    if ids.dtype != _INT64:
        ids = ids.astype(_INT64)
    # as an unsigned number a negative one is huge: one pass finds both kinds of error
    if ids.size and np.maximum.reduce(ids.view(np.uint64)) >= classes:
        wrong = ids[(ids < 0) | (ids >= classes)]
        raise IndexError(
            f"cross_entropy: class id {wrong[0]} is out of range: logits with {classes} classes have ids 0 to "
            f"{classes - 1} ({wrong.size} of {ids.size} ids are wrong)"
        )
    return np.arange(0, ids.size * classes, classes) + ids


def _scaled_by_logits(g: Any, _ans: Any, logits: Any, _error: Any, scale: Any) -> Any:
    raised = np.exp(logits - np.maximum.reduce(logits, axis=1, keepdims=True))
    softmax = raised / np.add.reduce(raised, axis=1, keepdims=True)
    weighted = g * scale * softmax
    return weighted - softmax * np.add.reduce(weighted, axis=1, keepdims=True)


def _scaled_by_scale(g: Any, _ans: Any, logits: Any, error: Any, _scale: Any) -> Any:
    return sum_to.on(g * _scaled_error.on(logits, error, np.ones((), error.dtype)), shape=_scale.shape)


@op(vjp=(_scaled_by_logits, None, _scaled_by_scale), name="cross_entropy")
def _scaled_error(logits: Any, error: Any, scale: Any) -> Any:
    """`error` times `scale`: `error` is a function of the logits, and its derivative goes to them."""
    return error * scale


def _cross_entropy_by_logits(g: Any, ans: Any, logits: Any, _ids: Any, *, reduction: str) -> Any:
    loss = g[0]  # nothing but this rule sees the second output, so its cotangent is none
    scale = loss / len(logits) if reduction == "mean" else loss if reduction == "sum" else loss[:, None]
    return _scaled_error.on(logits, ans[1], scale)


@op(vjp=(_cross_entropy_by_logits, None), name="cross_entropy")
def _cross_entropy(logits: Any, ids: Any, *, reduction: str) -> Any:
    """The loss, and softmax(logits) - onehot(ids), from logits (N, C) and ids (N,)."""
    half = logits.dtype == _HALF
    x = logits.astype(np.float32) if half else logits  # sums of float16 overflow at 65,504
    error = np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), order="C")
    right = _flat(ids, x.shape[1])
    flat = error.reshape(-1)  # a view
    picked = flat[right]
    np.exp(error, error)
    total = np.add.reduce(error, axis=1, keepdims=True)
    error /= total
    flat[right] -= 1
    loss = np.log(total).reshape(-1)
    loss -= picked
    if reduction != "none":
        loss = np.add.reduce(loss)
    if reduction == "mean":
        loss = loss / len(x)
    return (loss.astype(_HALF), error.astype(_HALF)) if half else (loss, error)


def _rows_of_classes(x: Any) -> Any:
    """(N, C, a, b, ...) as (N * a * b * ..., C), and (C,) as (1, C)."""
    if x.ndim == 1:
        return gd.expand_dims(x)
    return gd.moveaxis(x, 1, -1).reshape((math.prod(x.shape) // x.shape[1], x.shape[1]))


def cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> gd.Tensor:
    """-log softmax(logits)[target], the cross entropy of class scores with the right classes, as one stable operation.

    With probabilities p as target, -sum(p * log softmax(logits)) over the classes.

    Args:
        logits: scores (N, C), or (N, C, a, ...), or (C,) for one sample; any real numbers, before any softmax.
        target: integers, the class ids, of the shape of `logits` without the class axis; or floats, the probabilities
            of the classes, of the shape of `logits`.
        reduction: "mean" over the N * a * ... samples, "sum", or "none" for the loss of each.

    Returns:
        A single number, or for "none" the shape of `logits` without the class axis.

    Raises:
        ShapeError: the shapes do not fit, there are no classes, or the mean is over no samples.
        IndexError: a class id is negative, or not below C.
        DTypeError: the target is neither integers nor floats, or is floats where ids should be.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> logits = gd.tensor([[0.0, 0.0], [50.0, 0.0]])
        >>> round(F.cross_entropy(logits, [0, 0], reduction="sum").item(), 4)
        0.6931
        >>> F.cross_entropy(logits, [1, 1], reduction="none")[1]
        tensor(50.)
    """
    x = array_like(logits)
    y = array_like(target)
    shape = x.shape
    usual = len(shape) == 2 and y.shape == shape[:1] and y.dtype.kind in "iu" and x.dtype.kind == "f" and 0 not in shape
    if usual and reduction in _REDUCTIONS:
        return apply(_cross_entropy, (x, y), {"reduction": reduction})[0]
    check_reduction(reduction, "cross_entropy")
    _check_target(x, y, reduction)
    samples = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if y.dtype.kind == "f":
        losses = -gd.sum(y * gd.log_softmax(x, min(len(shape) - 1, 1)), min(len(shape) - 1, 1))
        return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()
    loss = apply(_cross_entropy, (_rows_of_classes(x), y.reshape(-1)), {"reduction": reduction})[0]
    return loss.reshape(samples) if reduction == "none" else loss


def _check_target(x: Any, y: Any, reduction: str) -> None:
    """Raise the error that says why these two do not go together, if they do not."""
    shape = x.shape
    if x.ndim == 0:
        raise ShapeError("cross_entropy: the logits are a single number, and need an axis of classes: (N, C) or (C,)")
    if x.dtype.kind != "f":
        raise DTypeError(f"cross_entropy: logits are floats, and these are {x.dtype}: use logits.astype('float32')")
    ids = shape[:1] + shape[2:] if x.ndim > 1 else ()
    axis = min(x.ndim - 1, 1)
    wanted = f"logits of shape {shape} go with class ids of shape {ids}, or with probabilities of shape {shape}"
    if y.dtype.kind not in "iuf":
        raise DTypeError(f"cross_entropy: {wanted}; this target is {y.dtype}: use target.astype('int64')")
    if y.shape == shape and y.dtype.kind != "f":
        raise DTypeError(
            f"cross_entropy: {wanted}; this target has the shape of probabilities and is {y.dtype}: "
            f"use target.argmax(axis={axis}) for ids, or target.astype('{x.dtype}')"
        )
    if y.shape == ids and y.dtype.kind == "f":
        raise DTypeError(
            f"cross_entropy: {wanted}; this target has the shape of ids and is {y.dtype}: use target.astype('int64')"
        )
    if y.shape != (shape if y.dtype.kind == "f" else ids):
        advice = f": use target.reshape({ids})" if math.prod(y.shape) == math.prod(ids) else ""
        raise ShapeError(f"cross_entropy: {wanted}; this target has shape {y.shape}{advice}")
    if shape[axis] == 0:
        raise ShapeError(f"cross_entropy: logits of shape {shape} have no classes: axis {axis} must not be empty")
    if reduction == "mean" and 0 in ids:
        raise ShapeError(f"cross_entropy: the mean over no samples, of logits of shape {shape}: use reduction='sum'")


# mean squared error


def _mse_by_x(g: Any, _ans: Any, x: Any, y: Any, *, reduction: str) -> Any:
    return (x - y) * (g * (2 / math.prod(x.shape) if reduction == "mean" else 2.0))


def _mse_by_y(g: Any, _ans: Any, x: Any, y: Any, *, reduction: str) -> Any:
    return _mse_by_x(g, _ans, y, x, reduction=reduction)


def _explain_mse(x: Any, y: Any, *, reduction: str) -> str:
    if x.size == 0 and x.shape == y.shape:
        return f"the mean over no elements, of shape {x.shape}: use reduction='sum'"
    advice = f": use target.reshape({x.shape})" if x.size == y.size else ""
    return (
        f"the output has shape {x.shape} and the target {y.shape}, and they must be equal: "
        f"broadcasting would compare each output with the targets of other samples{advice}"
    )


@op(vjp=(_mse_by_x, _mse_by_y), explain=_explain_mse, name="mse_loss")
def _mse(x: Any, y: Any, *, reduction: str) -> Any:
    if x.shape != y.shape or (x.size == 0 and reduction == "mean"):
        raise ValueError
    difference = x - y
    if reduction == "none":
        return difference * difference
    flat = difference.ravel("K")
    if flat.dtype == _HALF:  # sums of float16 overflow at 65,504
        wide = flat.astype(np.float32)
        total = wide.dot(wide)
        return np.float16(total / flat.size if reduction == "mean" else total)
    total = flat.dot(flat)
    return total / flat.size if reduction == "mean" else total


def mse_loss(x: Any, target: Any, *, reduction: str = "mean") -> gd.Tensor:
    """(x - target)², averaged over all elements.

    Args:
        x: any shape.
        target: the same shape; nothing is broadcast, which would hide a mistake.
        reduction: "mean" over all elements, "sum", or "none" for the square of each.

    Returns:
        A single number, or for "none" the shape of `x`.

    Raises:
        ShapeError: the shapes differ, or the mean is over no elements.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.mse_loss(gd.tensor([1.0, 2.0]), gd.tensor([1.0, 4.0]), reduction="none")
        tensor([0., 4.])
    """
    check_reduction(reduction, "mse_loss")
    return apply(_mse, (array_like(x), array_like(target)), {"reduction": reduction})
