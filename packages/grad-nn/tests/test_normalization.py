"""Layers that normalise: statistics of the result, derivatives by differences, dtypes, and errors."""

import re

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


CASES = {
    "layer_norm": (lambda x, w, b: F.layer_norm(x, 4, w, b), (3, 5, 4), (4,)),
    "layer_norm over two axes": (lambda x, w, b: F.layer_norm(x, (5, 4), w, b, 0.1), (3, 5, 4), (5, 4)),
    "layer_norm without bias": (lambda x, w, b: F.layer_norm(x, 4, w) * b, (3, 4), (4,)),
    "layer_norm of one row": (lambda x, w, b: F.layer_norm(x, 4) * w + b, (4,), (4,)),
    "rms_norm": (lambda x, w, b: F.rms_norm(x, 4, w, 1e-3) + b, (3, 4), (4,)),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), (3, 4, 5), (4,)),
    "group_norm of two axes": (lambda x, w, b: F.group_norm(x, 2, w, b), (3, 4), (4,)),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, None, None, w, b), (3, 4, 2, 3), (4,)),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (5, 4, 3), (4,)),
    "batch_norm of two axes": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (5, 4), (4,)),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_to_second_order(name):
    function, shape, affine = CASES[name]
    check_grads(function, (normal(*shape), normal(*affine) + 2, normal(*affine)), order=2)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (nn.LayerNorm(32), (3, 32), (1,)),
        (nn.LayerNorm((4, 8)), (3, 4, 8), (1, 2)),
        (nn.GroupNorm(2, 4), (3, 4, 16), None),
        (nn.RMSNorm(32), (3, 32), (1,)),
    ],
    ids=repr,
)
def test_results_have_unit_square_and_keep_the_dtype(layer, shape, axes, dtype):
    x = (normal(*shape) * 5 + 3).astype(dtype)
    y = layer.to(dtype)(x)
    assert y.dtype == dtype
    values = y.data.astype("d")
    if axes is None:
        values, axes = values.reshape(3, 2, -1), (2,)
    tolerance = 5e-3 if dtype == "float16" else 1e-4
    assert np.allclose((values**2).mean(axes), 1, atol=tolerance)
    if not isinstance(layer, nn.RMSNorm):
        assert np.allclose(values.mean(axes), 0, atol=tolerance)


def test_large_halves_do_not_overflow():
    x = np.linspace(-1000, 1000, 256).astype("float16")
    assert np.isfinite(F.layer_norm(x, 256).data).all()


def test_state_dicts():
    assert list(nn.LayerNorm(3).state_dict()) == ["weight", "bias"]
    assert list(nn.LayerNorm(3, bias=False).state_dict()) == ["weight"]
    assert list(nn.LayerNorm(3, elementwise_affine=False).state_dict()) == []
    assert list(nn.GroupNorm(1, 3, affine=False).state_dict()) == []
    assert list(nn.RMSNorm(3).state_dict()) == ["weight"]
    assert list(nn.AddNorm(3).state_dict()) == ["norm.weight", "norm.bias"]


def test_add_norm_drops_of_the_update_only():
    layer = nn.AddNorm(4, 1.0)
    x, update = normal(2, 4).astype("f"), normal(2, 4).astype("f")
    assert np.allclose(layer(x, update).data, F.layer_norm(x, 4).data)
    assert np.allclose(layer.eval()(x, update).data, F.layer_norm(x + update, 4).data)


def test_running_statistics():
    mean, var = gd.zeros(3), gd.ones(3)
    x = normal(6, 3, 4).astype("f") * 2 + 1
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    assert np.allclose(mean.data, 0.25 * x.mean((0, 2)), atol=1e-6)
    assert np.allclose(var.data, 0.75 + 0.25 * x.var((0, 2), ddof=1), atol=1e-5)
    y = F.batch_norm(x, mean, var)
    wanted = (x - mean.data[:, None]) / np.sqrt(var.data[:, None] + 1e-5)
    assert np.allclose(y.data, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.layer_norm(normal(2, 3), 4), ShapeError, "normalized_shape=(4,) must be the last lengths of x"),
        (lambda: F.layer_norm(normal(2, 4), 4, normal(3)), ShapeError, "weight has shape (3,), and must have (4,)"),
        (lambda: F.layer_norm(np.ones((2, 4), int), 4), DTypeError, "normalises floats, and x is int64"),
        (lambda: F.group_norm(normal(2, 4), 3), ShapeError, "4 channels of x (2, 4) cannot be cut into 3 equal groups"),
        (lambda: F.group_norm(normal(2, 4), 4), ShapeError, "has one value for each channel"),
        (lambda: F.group_norm(normal(4), 4), ShapeError, "needs samples and channels: (N, C) or (N, C, ...)"),
        (lambda: F.instance_norm(normal(2, 3, 1)), ShapeError, "has one value to normalise over"),
        (lambda: F.batch_norm(normal(1, 3), None, None, training=True), ShapeError, "more than one value for each"),
        (lambda: F.batch_norm(normal(2, 3), None, None), ValueError, "it needs running_mean and running_var"),
        (lambda: F.batch_norm(normal(2, 3), gd.zeros(4), None, training=True), ShapeError, "has 3 channels"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "4 channels cannot be cut into 3 equal groups"),
        (lambda: nn.GroupNorm(2, 4)(normal(2, 6)), ShapeError, "made for 4 channels, which is axis 1"),
        (lambda: nn.AddNorm(4)(normal(2, 4), normal(1, 4)), ShapeError, "adds two of the same shape"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call()
