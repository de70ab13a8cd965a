"""The comparison of all optimizers in the docs: none is missing, and the picture shows the numbers beside it."""

from __future__ import annotations

import inspect
from xml.etree import ElementTree as ET

import grad_data as data
import grad_optim as optim
import optimizers_figure
import pytest
from optimizers_figure import FIGURE, OPTIMIZERS, PASSES


def test_every_optimizer_is_in_the_picture():
    params = list(optimizers_figure.network(0).parameters())
    shown = {type(each) for case in OPTIMIZERS.values() for each in case.make(params, 0.1)}
    public = {getattr(optim, name) for name in optim.__all__}
    assert shown == {
        each
        for each in public
        if inspect.isclass(each) and issubclass(each, optim.Optimizer) and each is not optim.Optimizer
    }
    assert list(optimizers_figure.kept()) == list(OPTIMIZERS), (
        "measure it by: python tests/optimizers_figure.py --measure NAME"
    )


def test_the_picture_is_what_the_numbers_draw():
    text = FIGURE.read_text(encoding="utf-8")
    results = optimizers_figure.kept()
    assert text == optimizers_figure.drawn(results), "renew it by: python tests/optimizers_figure.py --write"
    assert len(text) < 20_000
    titles = [each.text for each in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}title")]  # noqa: S314 - ours
    for name, result in results.items():
        assert len(result["wrong"]) == PASSES
        assert f"{name}, pass {PASSES}: {result['wrong'][-1]:.2f} %" in titles


@pytest.mark.parametrize("name", ["Adam", "LBFGS, all at once"])
def test_a_rate_is_chosen_that_learns(name):
    train, test = (data.Digits(n, seed).as_arrays(flatten=True, normalize=True) for n, seed in ((1200, 0), (200, 1)))
    found = optimizers_figure.measured(OPTIMIZERS[name], train, test, [1e-9, 0.01, 1e9])
    assert found["lr"] == 0.01
    assert found["wrong"][-1] < found["wrong"][0]
    assert found["wrong"][-1] < 80
