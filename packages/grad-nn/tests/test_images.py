"""Layers for images: against what golden/record_images.py recorded from torch.nn, and what they say of bad input."""

import importlib.util
from pathlib import Path
from typing import Any

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

GOLDEN = Path(__file__).with_name("golden")
SPEC = importlib.util.spec_from_file_location("image_layers", GOLDEN / "image_layers.py")
image_layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(image_layers)
RECORDED = nn.load(GOLDEN / "images.npz")


@pytest.mark.parametrize("case", range(len(image_layers.LAYERS)), ids=lambda i: str(image_layers.LAYERS[i][:2]))
def test_recorded(case: int) -> None:
    name, options, _ = image_layers.LAYERS[case]
    layer = getattr(nn, name)(**options)
    of = {key.removeprefix(f"{case}/"): a for key, a in RECORDED.items() if key.startswith(f"{case}/")}
    layer.load_state_dict({key.removeprefix("state/"): a for key, a in of.items() if key.startswith("state/")})
    x = gd.tensor(of["x"], requires_grad=True)
    result = layer(x)
    np.testing.assert_allclose(result.data, of["result"], 1e-4, 1e-5)
    result.backward(of["upstream"])
    np.testing.assert_allclose(x.grad.data, of["by_x"], 1e-4, 1e-5)
    for key, p in layer.named_parameters():
        np.testing.assert_allclose(p.grad.data, of[f"grad/{key}"], 1e-4, 1e-5)


def test_nothing_recorded_is_forgotten() -> None:
    assert {key.split("/")[0] for key in RECORDED} == {str(i) for i in range(len(image_layers.LAYERS))}


def test_first_values_are_spread_as_in_torch() -> None:
    generator = gd.random.Generator(0)
    for layer, fan in (
        (nn.Conv2d(16, 64, 3, groups=2, generator=generator), 8 * 9),
        (nn.ConvTranspose2d(64, 32, 3, groups=2, generator=generator), 16 * 9),
    ):
        for p in (layer.weight, layer.bias):
            bound = 1 / np.sqrt(fan)
            assert 0.85 * bound < np.abs(p.data).max() <= bound
        assert abs(layer.weight.data.std() * np.sqrt(3) / bound - 1) < 0.03
    a, b = (nn.Conv1d(2, 3, 3, generator=gd.random.Generator(1)) for _ in range(2))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)


def test_a_small_network_learns() -> None:
    generator = gd.random.Generator(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 1, 8, 8)).astype("float32")
    labels = (x[:, 0, :4].sum((1, 2)) > x[:, 0, 4:].sum((1, 2))).astype(int)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, generator=generator),
        gd.relu,
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 2, generator=generator),
    )
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(model(x), labels)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.3 * p.grad.data
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


IMAGES = np.zeros((2, 3, 4, 5), "float32")
ERRORS: list[tuple[Any, Any, str]] = [
    (
        lambda: nn.Conv2d(4, 2, 3)(IMAGES),
        ShapeError,
        r"made for \(N, 4, H, W\) or \(4, H, W\), and x has shape \(2, 3, 4, 5\)",
    ),
    (lambda: nn.Conv2d(5, 2, 3)(IMAGES), ShapeError, r"channels come first here.*moveaxis\(x, -1, 1\)"),
    (
        lambda: nn.Conv2d(1, 2, 3)(IMAGES[:, 0]),
        ShapeError,
        r"add the axis of the one channel with gd.expand_dims\(x, 1\)",
    ),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "groups=2 must divide in_channels=3 and out_channels=4"),
    (lambda: nn.Conv2d(3, 4, (1, 2, 3)), ValueError, r"kernel_size=\(1, 2, 3\) must be a number, or 2 of them"),
    (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), ValueError, "padding_mode='mirror': give 'zeros', 'reflect'"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), ValueError, "padding_mode='reflect': give 'zeros'"),
    (
        lambda: nn.ConvTranspose2d(3, 4, 3, stride=2)(IMAGES, (20, 20)),
        ShapeError,
        r"output_size=\(20, 20\) cannot be reached from x .*: lengths from \(9, 11\) to \(10, 12\) can",
    ),
    (lambda: nn.ZeroPad2d((1, 2)), ValueError, "must be a number, or 4 of them"),
    (lambda: nn.ReflectionPad2d(1)(IMAGES[0, 0]), ShapeError, "pads 2 axes behind"),
    (
        lambda: nn.ReflectionPad2d(4)(IMAGES),
        ShapeError,
        "4 and 4 elements at axis 2 .* and 'reflect' can take at most 3",
    ),
    (lambda: F.pad(IMAGES, (1,)), ShapeError, "must be pairs"),
    (lambda: F.pad(IMAGES, (1, 1), mode="edge"), ValueError, "unknown mode 'edge': give 'constant', 'reflect'"),
    (lambda: F.pad(IMAGES, (1, 1), mode="reflect", value=1.0), ValueError, "so value=1.0 has no use"),
    (lambda: F.pad(IMAGES, (-3, -3)), ShapeError, "cuts more from axis 3"),
    (lambda: F.interpolate(IMAGES), ValueError, "give either size or scale_factor"),
    (lambda: F.interpolate(IMAGES, 3, mode="cubic"), ValueError, "unknown mode 'cubic'"),
    (lambda: F.interpolate(IMAGES, 3, mode="linear"), ShapeError, r"takes \(N, C\) and 1 spatial axes"),
    (lambda: F.interpolate(IMAGES, (3,)), ShapeError, "has 1 numbers, and there are 2 spatial axes"),
    (lambda: F.interpolate(IMAGES, 0), ShapeError, "no spatial axis may be empty"),
    (lambda: F.interpolate(IMAGES, 3, align_corners=True), ValueError, "not for 'nearest'"),
    (lambda: F.interpolate(IMAGES.astype(int), 3), DTypeError, "weighs floats, and x is int64"),
]


@pytest.mark.parametrize(("act", "kind", "text"), ERRORS)
def test_errors(act: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        act()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv2d(1, 6, 5, padding=2), "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))"),
        (nn.Conv1d(4, 4, 3, groups=2, bias=False), "Conv1d(4, 4, kernel_size=(3,), stride=(1,), groups=2, bias=False)"),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        (nn.AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d(output_size=1)"),
        (nn.ConstantPad1d(1, 2.0), "ConstantPad1d(padding=(1, 1), value=2.0)"),
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2, mode='nearest')"),
        (nn.Fold(3, 2), "Fold(output_size=3, kernel_size=2, dilation=1, padding=0, stride=1)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_repr(layer: Any, text: str) -> None:
    assert repr(layer) == text
