"""Pooling: ties, NaN, padding that never wins, indices and layouts."""

import math
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.testing import check_grads

NAN, INF = math.nan, math.inf

# values of one window, and the place that wins
WON = [
    ([1.0, 3.0, 3.0, 2.0], 1),
    ([5.0, 5.0, 5.0, 5.0], 0),
    ([1.0, NAN, 3.0, 2.0], 1),
    ([NAN, 1.0, NAN, 9.0], 2),
    ([-INF, -INF, -INF, -INF], 0),
    ([INF, 1.0, INF, 0.0], 0),
    ([-0.0, 0.0, -1.0, 0.0], 0),
]


@pytest.mark.parametrize("function", ["max_pool2d", "adaptive_max_pool2d", "uneven"])
@pytest.mark.parametrize(("values", "place"), WON)
def test_the_first_maximum_wins_and_the_last_nan(function: str, values: list[float], place: int) -> None:
    x = gd.tensor(np.array(values).reshape(1, 1, 2, 2), requires_grad=True)
    if function == "max_pool2d":
        out, where = gd.max_pool2d(x, 2, return_indices=True)
    elif function == "adaptive_max_pool2d":
        out, where = gd.adaptive_max_pool2d(x, 1, return_indices=True)
    else:  # 2 windows of 2 over 3 elements: the first is the one above
        wide = gd.concat([x, gd.full((1, 1, 2, 1), -INF)], 3)
        out, where = gd.adaptive_max_pool2d(wide, (1, 2), return_indices=True)
        out, where = out[..., :1], gd.asarray([0, 1, 3, 4].index(where.numpy()[0, 0, 0, 0]))
    assert where.item() == place
    np.testing.assert_array_equal(out.item(), values[place])
    out.sum().backward()
    assert x.grad.numpy().reshape(-1).tolist() == [float(i == place) for i in range(4)]


def test_windows_that_overlap_add_their_gradients() -> None:
    x = gd.tensor([[1.0, 5.0, 2.0]], requires_grad=True)
    gd.max_pool1d(x, 2, 1).backward([[10.0, 100.0]])
    assert x.grad.numpy().tolist() == [[0.0, 110.0, 0.0]]


def test_infinite_cotangents_reach_no_loser() -> None:
    x = gd.tensor(np.arange(4000.0).reshape(1, 4000), requires_grad=True)
    gd.max_pool1d(x, 2).backward(np.full((1, 2000), INF))
    np.testing.assert_array_equal(x.grad.numpy()[0, ::2], 0)


def test_padding_never_wins_and_is_counted_as_told() -> None:
    x = np.full((1, 3), -5.0)
    assert gd.max_pool1d(x, 2, padding=1).numpy().tolist() == [[-5.0, -5.0]]
    assert gd.avg_pool1d(x, 2, padding=1).numpy().tolist() == [[-2.5, -5.0]]
    assert gd.avg_pool1d(x, 2, padding=1, count_include_pad=False).numpy().tolist() == [[-5.0, -5.0]]


@pytest.mark.parametrize("layout", [(0, 1, 2, 3), (2, 1, 3, 0), (1, 2, 3, 0)])
@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d"])
def test_results_and_gradients_keep_the_layout(function: str, layout: tuple[int, ...]) -> None:
    plain = np.random.default_rng(0).normal(size=(5, 3, 6, 4))
    laid = np.ascontiguousarray(plain.transpose(layout)).transpose(np.argsort(layout))
    outs = []
    for array in (plain, laid):
        x = gd.asarray(array).requires_grad_(True)
        out = getattr(gd, function)(x, 2)
        out.backward(np.cos(out.detach().numpy()))
        outs.append((out.detach().numpy(), x.grad.numpy()))
    np.testing.assert_array_equal(outs[0][0], outs[1][0])
    np.testing.assert_array_equal(outs[0][1], outs[1][1])
    order = np.argsort(outs[1][0].strides)
    np.testing.assert_array_equal(order, np.argsort(laid.strides))


def test_a_gradient_lies_as_the_image_does_whatever_the_cotangent() -> None:
    image = np.random.default_rng(0).normal(size=(6, 3, 4, 5)).transpose(3, 1, 0, 2)
    x = gd.asarray(image).requires_grad_(True)
    gd.max_pool2d(x, 2).backward(np.ones((5, 3, 3, 2)))
    assert np.argsort(x.grad.numpy().strides).tolist() == np.argsort(image.strides).tolist()


def test_long_windows_have_more_taps_than_a_byte_counts() -> None:
    x = np.random.default_rng(0).permutation(600.0 * np.arange(1, 601)).reshape(1, 600)
    t = gd.tensor(x, requires_grad=True)
    out, where = gd.max_pool1d(t, 300, return_indices=True)
    assert where.numpy().tolist() == [[int(x[0, :300].argmax()), 300 + int(x[0, 300:].argmax())]]
    out.sum().backward()
    assert np.flatnonzero(t.grad.numpy()).tolist() == where.numpy()[0].tolist()


def test_averages_of_halves_do_not_overflow() -> None:
    assert gd.avg_pool1d(np.full((1, 8), 60000, np.float16), 4).numpy().tolist() == [[60000.0, 60000.0]]
    assert gd.adaptive_avg_pool1d(np.full((1, 8), 60000, np.float16), 3).numpy().tolist() == [[60000.0] * 3]


def test_infinities_stay_in_their_windows() -> None:
    x = np.array([[INF, 0.0, 0.0, 0.0, 0.0]])
    assert gd.adaptive_avg_pool1d(x, 3).numpy().tolist() == [[INF, 0.0, 0.0]]
    assert gd.avg_pool1d(x, 2, 1).numpy().tolist() == [[INF, 0.0, 0.0, 0.0]]


def test_third_derivatives() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 5, 4))

    def second(x: Any) -> Any:
        def first(x: Any) -> Any:
            return (gd.max_pool2d(x * x, 3, 1, 1) * gd.avg_pool2d(x, 3, 1, 1)).sum()

        return (gd.grad(first)(x) ** 3).sum()

    check_grads(second, (x,), order=2, tolerance=1e-4)
