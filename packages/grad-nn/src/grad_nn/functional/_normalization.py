"""Normalising: to mean 0 and variance 1 over some axes, then scaled and shifted, as one operation.

All the norms are this one over different axes. What the rules need of the forward, the normalised x and the factor that
made it, is kept. Sums over the last axis are products with a vector of ones, which BLAS does several times faster.
"""

import math
from collections.abc import Sequence
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import Keeping, apply, array_like, in_front, op, sum_to

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]

_Axes = tuple[int, ...]
_BatchAxes = tuple[int | None, ...]
_HALF = np.dtype(np.float16)


def _mean(x: Any, axes: _Axes) -> Any:
    """The mean over `axes`, which stay with length 1."""
    if type(x) is np.ndarray and axes == (x.ndim - 1,) and x.flags.c_contiguous:
        n = x.shape[-1]
        return (x.reshape(-1, n).dot(np.full(n, 1 / n, x.dtype))).reshape(*x.shape[:-1], 1)
    count = math.prod([x.shape[axis] for axis in axes])
    return np.add.reduce(x, axis=axes, keepdims=True) / count


def _mean_product(x: Any, y: Any, axes: _Axes) -> Any:
    """The mean of x y over `axes`, without the product where it is one of rows."""
    if type(x) is np.ndarray and type(y) is np.ndarray and axes == (x.ndim - 1,):
        return np.vecdot(x, y)[..., None] * x.dtype.type(1 / x.shape[-1]) if x.shape[-1] else _mean(x, axes)
    return _mean(x * y, axes)


def _normalised(x: Any, axes: _Axes, eps: float, center: bool) -> tuple[Any, Any, Any, Any]:
    """Mean, variance, 1 / sqrt(variance + eps), and x normalised: plain arrays."""
    mean = _mean(x, axes) if center else None
    y = x - mean if center else x
    variance = _mean_product(y, y, axes)
    factor = 1 / np.sqrt(variance + x.dtype.type(eps))
    return mean, variance, factor, np.multiply(y, factor, out=y if center else None)


def _keep(x: Any, *_affine: Any, axes: _Axes, eps: float, center: bool) -> Any:
    """The normalised x and the factor, in operations that can be differentiated."""
    y = x - _mean(x, axes) if center else x
    factor = 1 / np.sqrt(_mean(y * y, axes) + eps)
    return y * factor, factor


def _by_x(g: Any, _ans: Any, _x: Any, *rest: Any, axes: _Axes, eps: float, center: bool) -> Any:
    *affine, (y, factor) = rest
    g = g * affine[0] if affine else g
    along = _mean_product(g, y, axes)
    if type(g) is not np.ndarray or not affine:  # not an array of our own: nothing in place
        return factor * (g - _mean(g, axes) - y * along) if center else factor * (g - y * along)
    shift = _mean(g, axes) if center else None
    if shift is not None:
        g -= shift
    g -= y * along
    g *= factor
    return g


def _by_weight(g: Any, _ans: Any, _x: Any, _weight: Any, *rest: Any, axes: _Axes, eps: float, center: bool) -> Any:
    return sum_to.on(g * rest[-1][0], shape=_weight.shape)


def _by_bias(g: Any, _ans: Any, _x: Any, _w: Any, _bias: Any, _kept: Any, axes: _Axes, eps: float, center: bool) -> Any:
    return sum_to.on(g, shape=_bias.shape)


def _batch(inputs: tuple[Any, ...], ways: _BatchAxes, *, axes: _Axes, eps: float, center: bool) -> tuple[Any, int]:
    x = in_front(inputs[0], ways[0])
    rank = x.ndim - (ways[0] is not None)
    moved = axes if ways[0] is None else tuple([axis + 1 for axis in axes])
    out = _norm.on(x, axes=moved, eps=eps, center=center)
    for i, (value, way) in enumerate(zip(inputs[1:], ways[1:], strict=True)):
        if way is not None:
            value = in_front(value, way)
            value = np.reshape(value, (value.shape[0], *(1,) * (rank + 1 - value.ndim), *value.shape[1:]))
        out = out + value if i else out * value
    return out, 0


@op(vjp=(_by_x,), keep=_keep, batch=_batch, name="norm")
def _norm(x: Any, *, axes: _Axes, eps: float, center: bool) -> Any:
    *_, factor, y = _normalised(x, axes, eps, center)
    return Keeping(y, (y, factor))


@op(vjp=(_by_x, _by_weight), keep=_keep, batch=_batch, name="norm")
def _norm_scaled(x: Any, weight: Any, *, axes: _Axes, eps: float, center: bool) -> Any:
    *_, factor, y = _normalised(x, axes, eps, center)
    return Keeping(y * weight, (y, factor))


@op(vjp=(_by_x, _by_weight, _by_bias), keep=_keep, batch=_batch, name="norm")
def _norm_affine(x: Any, weight: Any, bias: Any, *, axes: _Axes, eps: float, center: bool) -> Any:
    *_, factor, y = _normalised(x, axes, eps, center)
    out = y * weight
    out += bias
    return Keeping(out, (y, factor))


def _run(x: Any, weight: Any, bias: Any, params: dict[str, Any]) -> gd.Tensor:
    if x.dtype == _HALF:  # sums of float16 overflow at 65,504
        x, weight, bias = (None if a is None else gd.astype(a, np.float32) for a in (x, weight, bias))
        return gd.astype(_run(x, weight, bias, params), _HALF)
    if weight is None:
        out = apply(_norm, (x,), params)
        return out if bias is None else out + bias
    if bias is None:
        return apply(_norm_scaled, (x, weight), params)
    return apply(_norm_affine, (x, weight, bias), params)


def _floats(x: Any, name: str) -> Any:
    x = array_like(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: normalises floats, and x is {x.dtype}: use x.astype('float32')")
    return x


def _trailing(x: Any, normalized_shape: int | Sequence[int], affine: Sequence[Any], name: str) -> _Axes:
    """The axes that `normalized_shape` means, once everything fits."""
    wanted = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not wanted or x.shape[max(0, x.ndim - len(wanted)) :] != wanted:
        raise ShapeError(
            f"{name}: normalized_shape={wanted} must be the last lengths of x, and x has shape {x.shape}: reshape x, "
            "or make the layer for its shape"
        )
    for value, what in zip(affine, ("weight", "bias"), strict=False):
        if value is not None and value.shape != wanted:
            raise ShapeError(f"{name}: {what} has shape {value.shape}, and must have {wanted}, the normalized_shape")
    return tuple(range(x.ndim - len(wanted), x.ndim))


def layer_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> gd.Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, with mean and variance of each sample over its last axes.

    Args:
        x: floats (..., *normalized_shape).
        normalized_shape: the lengths of the axes that are normalised together.
        weight: of shape `normalized_shape`, or None for ones.
        bias: of shape `normalized_shape`, or None for zeros.
        eps: added to the variance, which divides by the number of elements.

    Raises:
        ShapeError: the last lengths of `x`, or those of weight and bias, are not `normalized_shape`.
        DTypeError: `x` holds no floats.

    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.layer_norm(gd.tensor([[1.0, 3.0], [-10.0, 10.0]]), 2, eps=0.0)
        tensor([[-1.,  1.],
                [-1.,  1.]])
    """
    x = _floats(x, "layer_norm")
    weight, bias = (None if a is None else array_like(a) for a in (weight, bias))
    axes = _trailing(x, normalized_shape, (weight, bias), "layer_norm")
    return _run(x, weight, bias, {"axes": axes, "eps": eps, "center": True})


def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> gd.Tensor:
    """X / sqrt(mean(x²) + eps) * weight, over the last axes.

    Args:
        x: floats (..., *normalized_shape).
        normalized_shape: the lengths of the axes that are normalised together.
        weight: of shape `normalized_shape`, or None for ones.
        eps: added to the mean square; None for the smallest step of the dtype at 1, as in PyTorch.

    Raises:
        ShapeError: the last lengths of `x`, or those of weight, are not `normalized_shape`.
        DTypeError: `x` holds no floats.

    Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.rms_norm(gd.tensor([3.0, -3.0]), 2, eps=0.0)
        tensor([ 1., -1.])
    """
    x = _floats(x, "rms_norm")
    weight = None if weight is None else array_like(weight)
    axes = _trailing(x, normalized_shape, (weight,), "rms_norm")
    chosen = float(np.finfo(x.dtype).eps) if eps is None else eps
    return _run(x, weight, None, {"axes": axes, "eps": chosen, "center": False})


def _channels(x: Any, name: str) -> int:
    if x.ndim < 2:
        raise ShapeError(f"{name}: x has shape {x.shape}, and needs samples and channels: (N, C) or (N, C, ...)")
    return x.shape[1]  # type: ignore[no-any-return]


def _per_channel(value: Any, x: Any, what: str, name: str) -> Any:
    """A value for each channel, of a shape that broadcasts against x (N, C, ...)."""
    if value is None:
        return None
    value = array_like(value)
    if value.shape != (x.shape[1],):
        raise ShapeError(f"{name}: {what} has shape {value.shape}, and x of shape {x.shape} has {x.shape[1]} channels")
    return value if x.ndim == 2 else value.reshape((-1, *(1,) * (x.ndim - 2)))


def _grouped(x: Any, groups: int, weight: Any, bias: Any, eps: float, name: str) -> gd.Tensor:
    """Normalised over each group of channels of each sample."""
    if x.ndim == 2 and groups == x.shape[1]:  # each number alone: nothing but its sign would be left
        raise ShapeError(f"{name}: x of shape {x.shape} has one value for each channel, and a variance needs more")
    parts = x.reshape((x.shape[0], groups, -1))
    if x.shape[0] and parts.shape[2] == 1:
        raise ShapeError(f"{name}: x of shape {x.shape} has one value to normalise over, and a variance needs more")
    y = _run(parts, None, None, {"axes": (2,), "eps": eps, "center": True}).reshape(x.shape)
    weight, bias = _per_channel(weight, x, "weight", name), _per_channel(bias, x, "bias", name)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> gd.Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, over groups of channels of each sample.

    Args:
        x: floats (N, C, ...).
        num_groups: how many groups the channels are cut into, in order; it divides C.
        weight: (C,), or None for ones.
        bias: (C,), or None for zeros.
        eps: added to the variance.

    Raises:
        ShapeError: the groups do not divide the channels, weight or bias do not fit, or a group is one number.
        DTypeError: `x` holds no floats.

    Source: Wu, He, "Group Normalization", 2018.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.group_norm(gd.tensor([[1.0, 3.0, -5.0, 5.0]]), 2, eps=0.0)
        tensor([[-1.,  1., -1.,  1.]])
    """
    x = _floats(x, "group_norm")
    channels = _channels(x, "group_norm")
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(f"group_norm: {channels} channels of x {x.shape} cannot be cut into {num_groups} equal groups")
    return _grouped(gd.asarray(x), num_groups, weight, bias, eps, "group_norm")


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> gd.Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, over each channel of each sample.

    Args:
        x: floats (N, C, L, ...).
        running_mean: (C,) tensor, changed in place: (1 - momentum) * itself + momentum * mean over the batch; or None.
        running_var: (C,) tensor, likewise with the unbiased variance; or None.
        weight: (C,), or None for ones.
        bias: (C,), or None for zeros.
        use_input_stats: normalise by the statistics of x; otherwise by the running ones.
        momentum: the share of the newest statistics.
        eps: added to the variance.

    Raises:
        ShapeError: there is one value for each channel only, or weight or bias do not fit.
        DTypeError: `x` holds no floats.

    Source: Ulyanov, Vedaldi, Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> F.instance_norm(gd.tensor([[[1.0, 3.0], [-5.0, 5.0]]]), eps=0.0)
        tensor([[[-1.,  1.],
                 [-1.,  1.]]])
    """
    x = _floats(x, "instance_norm")
    channels = _channels(x, "instance_norm")
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    out = _grouped(gd.asarray(x), channels, weight, bias, eps, "instance_norm")
    if running_mean is not None or running_var is not None:
        with gd.no_grad():
            parts = gd.asarray(x).detach().reshape((x.shape[0], channels, -1))
            _update(running_mean, parts.mean(2).mean(0), momentum)
            _update(running_var, gd.var(parts, 2, correction=1).mean(0), momentum)
    return out


# Batch norm: the statistics are results too, for the running ones; no gradient flows through those


def _batch_by_x(g: Any, _ans: Any, _x: Any, *rest: Any, axes: _Axes, eps: float) -> Any:
    return _by_x(g[0], _ans, _x, *rest, axes=axes, eps=eps, center=True)


def _batch_by_weight(g: Any, _ans: Any, _x: Any, _weight: Any, *rest: Any, axes: _Axes, eps: float) -> Any:
    return _by_weight(g[0], _ans, _x, _weight, *rest, axes=axes, eps=eps, center=True)


def _batch_by_bias(g: Any, _ans: Any, _x: Any, _w: Any, _bias: Any, _kept: Any, axes: _Axes, eps: float) -> Any:
    return sum_to.on(g[0], shape=_bias.shape)


def _keep_batch(x: Any, *affine: Any, axes: _Axes, eps: float) -> Any:
    return _keep(x, *affine, axes=axes, eps=eps, center=True)


def _batch_of_batches(inputs: tuple[Any, ...], ways: _BatchAxes, *, axes: _Axes, eps: float) -> tuple[Any, int]:
    out, _ = _batch(inputs, ways, axes=axes, eps=eps, center=True)
    count = out.shape[0]
    x = in_front(inputs[0], ways[0])
    moved = axes if ways[0] is None else tuple([axis + 1 for axis in axes])
    mean = _mean(x, moved)
    variance = _mean((x - mean) * (x - mean), moved)
    return (out, *[np.broadcast_to(np.squeeze(a, moved), (count, out.shape[2])) for a in (mean, variance)]), 0


@op(
    vjp=(_batch_by_x, _batch_by_weight, _batch_by_bias),
    keep=_keep_batch,
    batch=_batch_of_batches,
    name="batch_norm",
)
def _batch_affine(x: Any, weight: Any, bias: Any, *, axes: _Axes, eps: float) -> Any:
    """The result, and mean and variance of each channel."""
    mean, variance, factor, y = _normalised(x, axes, eps, True)
    out = y * weight
    out += bias
    return Keeping((out, mean.reshape(-1), variance.reshape(-1)), (y, factor))


def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> gd.Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, for each channel, over the samples and all other axes.

    Args:
        x: floats (N, C) or (N, C, ...).
        running_mean: (C,) tensor. In training it is changed in place to (1 - momentum) * itself + momentum * mean of
            the batch, otherwise it is what is subtracted. None in training only.
        running_var: (C,) tensor, likewise with the variance; in training with the unbiased one.
        weight: (C,), or None for ones.
        bias: (C,), or None for zeros.
        training: normalise by the statistics of the batch; otherwise by the running ones.
        momentum: the share of the newest statistics.
        eps: added to the variance.

    Raises:
        ShapeError: in training, one value for each channel only, of which there is no variance; or something does not
            have one number for each channel.
        ValueError: no running statistics outside of training.
        DTypeError: `x` holds no floats.

    Source: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", 2015.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> mean, var = gd.zeros(2), gd.ones(2)
        >>> F.batch_norm(gd.tensor([[1.0, -5.0], [3.0, 5.0]]), mean, var, training=True, momentum=0.5, eps=0.0)
        tensor([[-1., -1.],
                [ 1.,  1.]])
        >>> mean, var
        (tensor([1., 0.]), tensor([ 1.5, 25.5]))
    """
    x = _floats(x, "batch_norm")
    channels = _channels(x, "batch_norm")
    for value, what in ((running_mean, "running_mean"), (running_var, "running_var")):
        _per_channel(value, x, what, "batch_norm")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: outside of training it needs running_mean and running_var: give them")
        scale = 1 / gd.sqrt(array_like(running_var) + eps)
        scale = scale if weight is None else scale * weight
        shift = -array_like(running_mean) * scale
        shift = shift if bias is None else shift + bias
        out = x * _per_channel(scale, x, "weight", "batch_norm")
        result: gd.Tensor = out + _per_channel(shift, x, "bias", "batch_norm")
        return result
    count = math.prod(x.shape) // channels if channels else 0
    if count < 2:
        raise ShapeError(
            f"batch_norm: in training it needs more than one value for each channel, and x of shape {x.shape} has "
            f"{count}: use larger batches, or eval mode"
        )
    half = x.dtype == _HALF  # sums of float16 overflow at 65,504
    kind = np.float32 if half else x.dtype
    wide = gd.astype(x, kind) if half else x
    weight = np.ones(channels, kind) if weight is None else gd.astype(weight, kind) if half else weight
    bias = np.zeros(channels, kind) if bias is None else gd.astype(bias, kind) if half else bias
    axes = (0, *range(2, x.ndim))
    affine = (_per_channel(weight, x, "weight", "batch_norm"), _per_channel(bias, x, "bias", "batch_norm"))
    results: Any = apply(_batch_affine, (wide, *affine), {"axes": axes, "eps": eps})
    y, mean, variance = results
    with gd.no_grad():
        _update(running_mean, mean.detach(), momentum)
        _update(running_var, variance.detach() * (count / (count - 1)), momentum)
    return gd.astype(y, _HALF) if half else y


def _update(running: Any, newest: gd.Tensor, momentum: float) -> None:
    if running is not None:
        running.data += (newest.data.astype(running.dtype) - running.data) * running.dtype.type(momentum)
