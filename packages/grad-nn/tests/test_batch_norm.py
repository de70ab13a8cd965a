"""BatchNorm and InstanceNorm: against what golden/record_norms.py recorded from torch.nn, and what they refuse."""

import importlib.util
from pathlib import Path

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

GOLDEN = Path(__file__).with_name("golden")
SPEC = importlib.util.spec_from_file_location("norm_layers", GOLDEN / "norm_layers.py")
norm_layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(norm_layers)
RECORDED = nn.load(GOLDEN / "norms.npz")


def under(start):
    return {key.removeprefix(start): a for key, a in RECORDED.items() if key.startswith(start)}


@pytest.mark.parametrize("case", range(len(norm_layers.LAYERS)), ids=lambda i: str(norm_layers.LAYERS[i][:2]))
def test_recorded_training_and_evaluation(case):
    name, options, shape = norm_layers.LAYERS[case]
    layer = getattr(nn, name)(shape[1], **options)
    assert list(layer.state_dict()) == list(under(f"{case}/before/"))
    layer.load_state_dict(under(f"{case}/before/"))
    for step in range(norm_layers.STEPS + 1):
        layer.train(step < norm_layers.STEPS).zero_grad()
        of = under(f"{case}/{step}/")
        x = gd.tensor(of["x"], requires_grad=True)
        result = layer(x)
        np.testing.assert_allclose(result.data, of["result"], 1e-4, 1e-5)
        result.backward(of["upstream"])
        np.testing.assert_allclose(x.grad.data, of["by_x"], 1e-3, 1e-5)
        for key, p in layer.named_parameters():
            np.testing.assert_allclose(p.grad.data, of[f"grad/{key}"], 1e-4, 1e-5)
    after = under(f"{case}/after/")
    for key, value in layer.state_dict().items():
        assert value.dtype == after[key].dtype
        np.testing.assert_allclose(value, after[key], 1e-5, 1e-6)


def test_nothing_recorded_is_forgotten():
    assert {key.split("/")[0] for key in RECORDED} == {str(i) for i in range(len(norm_layers.LAYERS))}


def test_statistics_follow_the_batches():
    layer = nn.BatchNorm1d(2, momentum=None, dtype="float64")
    batches = gd.random.Generator(0).normal((5, 8, 2), dtype="float64").data
    for x in batches:
        layer(x)
    assert layer.num_batches_tracked.item() == 5
    np.testing.assert_allclose(layer.running_mean.data, batches.mean((0, 1)))
    np.testing.assert_allclose(layer.running_var.data, batches.var(1, ddof=1).mean(0))
    before = layer.state_dict()
    layer.eval()(batches[0])
    assert all(np.array_equal(before[key], value) for key, value in layer.state_dict().items())
    layer.reset_running_stats()
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert layer.num_batches_tracked.item() == 0


def test_half_precision_is_computed_in_single():
    x = gd.random.Generator(0).normal((64, 2)).data * 100 + 200
    single, half = nn.BatchNorm1d(2), nn.BatchNorm1d(2).half()
    wide, narrow = single(x), half(x.astype("float16"))
    assert (narrow.dtype, half.running_var.dtype, half.num_batches_tracked.dtype) == ("float16", "float16", "int64")
    np.testing.assert_allclose(narrow.data, wide.data, atol=5e-3)
    np.testing.assert_allclose(half.running_var.data, single.running_var.data, 2e-3)


def test_one_sample_alone():
    layer = nn.InstanceNorm1d(2, affine=True)
    x = gd.random.normal((2, 5))
    np.testing.assert_array_equal(layer(x).data, layer(gd.expand_dims(x)).data[0])


def image(*shape):
    return np.zeros(shape, "float32")


@pytest.mark.parametrize(
    ("act", "kind", "text"),
    [
        (lambda: nn.BatchNorm1d(3)(image(2, 3, 4, 4)), ShapeError, r"BatchNorm1d: takes \(N, C\) or \(N, C, L\), and"),
        (lambda: nn.BatchNorm2d(3)(image(2, 3)), ShapeError, r"BatchNorm2d: takes \(N, C, H, W\), and x has"),
        (lambda: nn.BatchNorm3d(3)(image(2, 3)), ShapeError, r"BatchNorm3d: takes \(N, C, D, H, W\)"),
        (lambda: nn.BatchNorm2d(4)(image(2, 3, 4, 4)), ShapeError, "BatchNorm2d: made for 4 channels, which is axis 1"),
        (lambda: nn.BatchNorm1d(3)(image(1, 3)), ShapeError, "more than one value for each channel.*or eval mode"),
        (lambda: nn.BatchNorm1d(3)(image(2, 3).astype(int)), DTypeError, "batch_norm: normalises floats, and x"),
        (lambda: nn.InstanceNorm1d(3)(image(3)), ShapeError, r"InstanceNorm1d: takes \(N, C, L\) or \(C, L\), and"),
        (lambda: nn.InstanceNorm2d(3)(image(2, 4, 4)), ShapeError, "InstanceNorm2d: made for 3 channels"),
        (lambda: nn.InstanceNorm1d(3)(image(2, 3, 1)), ShapeError, "and a variance needs more"),
        (lambda: nn.InstanceNorm3d(3)(image(2, 3, 1)), ShapeError, r"takes \(N, C, D, H, W\) or \(C, D, H, W\)"),
    ],
)  # fmt: skip
def test_errors(act, kind, text):
    with pytest.raises(kind, match=text):
        act()


def test_what_is_refused_changes_no_statistics():
    for layer, x in (
        (nn.BatchNorm1d(3), image(1, 3)),
        (nn.BatchNorm1d(3), image(2, 4)),
        (nn.BatchNorm2d(3), image(2, 3)),
    ):
        with pytest.raises(ShapeError):
            layer(x)
        assert layer.num_batches_tracked.item() == 0
        assert layer.running_mean.tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.BatchNorm1d(3), "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"),
        (nn.InstanceNorm2d(3), "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text
