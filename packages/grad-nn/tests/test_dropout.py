"""Dropout of elements and of channels: what is dropped, what stays in the mean, evaluation, and what is said of it."""

import warnings

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

LAYERS = [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout]
SHAPES = {nn.Dropout1d: (40, 50, 3), nn.Dropout2d: (40, 50, 2, 2), nn.Dropout3d: (40, 50, 2, 1, 2)}


@pytest.mark.parametrize("layer", LAYERS[1:4])
@pytest.mark.parametrize("p", [0.2, 0.7])
def test_whole_channels_are_dropped(layer, p):
    x = gd.tensor(np.ones(SHAPES[layer]), requires_grad=True)
    y = layer(p, generator=gd.random.Generator(0))(x)
    flat = y.detach().numpy().reshape(2000, -1)
    assert (flat == flat[:, :1]).all()
    assert set(np.unique(flat)) <= {0.0, 1 / (1 - p)}
    assert abs((flat[:, 0] == 0).mean() - p) < 0.05
    y.backward(np.full(x.shape, 3.0))
    np.testing.assert_allclose(x.grad.numpy(), 3 * y.detach().numpy())


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [(nn.Dropout1d, (50, 3), 1), (nn.Dropout2d, (40, 50, 3), 2), (nn.Dropout3d, (50, 2, 2, 2), 1)],
)
def test_without_samples_or_with_fewer_axes(layer, shape, axes):
    y = layer(0.5, generator=gd.random.Generator(0))(np.ones(shape)).numpy().reshape(*shape[:axes], -1)
    assert (y == y[..., :1]).all()
    assert 0 < (y == 0).mean() < 1


@pytest.mark.parametrize("layer", LAYERS[4:])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(layer, p):
    x = np.random.default_rng(0).normal(size=(400, 500))
    y = layer(p, generator=gd.random.Generator(1))(x).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.03
    scale = 1 / np.sqrt((1 - p) * (1 + p * 1.7580993408473766**2))
    floor = scale * -1.7580993408473766 * (1 - p)
    assert abs(np.isclose(y, floor).mean() - p) < 0.01


def test_feature_alpha_dropout_drops_whole_channels():
    y = nn.FeatureAlphaDropout(0.5, generator=gd.random.Generator(1))(np.zeros((20, 30, 4))).numpy()
    assert (y == y[..., :1]).all()
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_happens_in_evaluation_or_for_0_and_all_for_1(layer):
    x = gd.tensor(np.random.default_rng(0).normal(size=SHAPES.get(layer, (4, 5))))
    assert layer(0.5).eval()(x) is x
    assert layer(0.0)(x) is x
    assert (layer(1.0)(x).numpy() == 0).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_each_entry_of_vmap_has_its_own(layer):
    shape = SHAPES.get(layer, (40, 50))
    y = gd.vmap(layer(0.5))(np.ones((3, *shape))).numpy()
    assert (y[0] != y[1]).any()


@pytest.mark.parametrize("layer", LAYERS)
def test_training_mode_without_gradients_is_told_once(layer):
    model = nn.Sequential(layer(0.5))
    x = np.ones(SHAPES.get(layer, (4, 5)))
    with gd.no_grad():
        with pytest.warns(RuntimeWarning, match=rf"{layer.__name__}\(p=0.5\) is in training mode.*model.eval\(\)"):
            model(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model(x)
            nn.Sequential(layer(0.5)).eval()(x)
            layer(0.0)(x)


@pytest.mark.parametrize(
    ("act", "kind", "text"),
    [
        (lambda: nn.Dropout2d(1.5), ValueError, "Dropout2d: p is the probability"),
        (lambda: F.dropout1d(np.ones(3)), ShapeError, r"dropout1d: drops whole channels of \(N, C\) and 1 axes"),
        (lambda: F.dropout1d(np.ones((2, 2, 2, 2))), ShapeError, "dropout1d"),
        (lambda: F.feature_alpha_dropout(np.ones(3), training=True), ShapeError, "feature_alpha_dropout"),
        (lambda: F.dropout2d(np.ones((1, 2, 2, 2), int)), DTypeError, "takes floats"),
        (lambda: F.alpha_dropout(np.ones(3, int), training=True), DTypeError, "takes floats"),
    ],
)
def test_errors(act, kind, text):
    with pytest.raises(kind, match=text):
        act()


def test_functions_for_selu_drop_only_when_told_so():
    x = gd.ones((2, 3))
    for function in (F.alpha_dropout, F.feature_alpha_dropout):
        assert function(x, 0.5) is x
        assert not np.array_equal(function(x, 1.0, training=True).data, x.data)
