"""Convolution: the ways in which the work is cut, memory, what may be given, and what a user sees of it all."""

import threading
import tracemalloc
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.ops import _conv_kernels, _conv_pieces
from grad_core.testing import check_grads
from samples import Sample
from samples.conv import SAMPLES

CONVOLUTIONS = [s for s in SAMPLES if s.function.startswith("conv")]


def results(sample: Sample) -> list[np.ndarray]:
    inputs = [gd.tensor(x, requires_grad=True) for x in sample.inputs]
    out = getattr(gd, sample.function)(*inputs, **sample.params)
    out.backward(np.cos(np.arange(out.size)).reshape(out.shape))
    return [out.detach().numpy(), *[x.grad.numpy() for x in inputs]]


@pytest.fixture(params=["rows", "small pieces", "smallest pieces", "cut products"])
def otherwise(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same work, done as large work would be."""
    settings = {
        "rows": (1, 1 << 20, 1 << 18),
        "small pieces": (1, 700, 1 << 18),
        "smallest pieces": (256, 1, 1 << 18),
        "cut products": (1, 1 << 20, 4),
    }[request.param]
    monkeypatch.setattr(_conv_pieces, "SHORT", settings[0])
    for module in (_conv_pieces, _conv_kernels):
        monkeypatch.setattr(module, "PIECE", settings[1])
    monkeypatch.setattr(_conv_kernels, "ALONE", settings[2])
    monkeypatch.setattr(_conv_kernels, "SHORTEST", 1)
    _conv_pieces.pieces.cache_clear()
    yield request.param
    _conv_pieces.pieces.cache_clear()


@pytest.mark.parametrize("sample", CONVOLUTIONS, ids=lambda s: s.id)
def test_however_the_work_is_cut_the_results_are_the_same(sample: Sample, otherwise: str) -> None:
    wanted = sample.reference(*sample.inputs, **sample.params)
    out, *grads = results(sample)
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)
    with pytest.MonkeyPatch.context() as patch:  # back to what small work gets
        patch.setattr(_conv_pieces, "SHORT", 1 << 30)
        for module in (_conv_pieces, _conv_kernels):
            patch.setattr(module, "PIECE", 8 << 20)
        _conv_pieces.pieces.cache_clear()
        _, *plain = results(sample)
        _conv_pieces.pieces.cache_clear()
    for a, b in zip(grads, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_third_derivatives() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 2, 3, 4)), rng.normal(size=(2, 1, 2, 2))

    def second(x: Any, w: Any) -> Any:
        def first(x: Any, w: Any) -> Any:
            return (gd.tanh(gd.conv2d(x, w, groups=2, padding=(1, 0), stride=(1, 2))) ** 2).sum()

        by_x, by_w = gd.grad(first, argnums=(0, 1))(x, w)
        return (by_x * by_x * by_x).sum() + (by_w * by_w).sum()

    check_grads(second, (x, w), order=2, tolerance=1e-4)


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((64, 16, 48, 48), (4, 16, 3, 3), {"padding": 1}),
        ((1, 8, 1100, 300), (4, 8, 5, 5), {}),
        ((30000, 2, 6, 6), (8, 2, 3, 3), {}),
        ((8, 4, 30000), (4, 4, 33), {}),
        ((5, 4, 24, 40, 40), (4, 4, 3, 3, 3), {"padding": 1}),
        ((32, 16, 64, 64), (2, 16, 3, 3), {"dilation": 2}),
    ],
)
def test_workspace_stays_under_64_megabytes(x: Any, w: Any, options: dict[str, Any]) -> None:
    rank = len(w) - 2
    image, weight = gd.ones(x, requires_grad=True), gd.ones(w, requires_grad=True)
    whole = np.prod(w[1:]) * x[0] * np.prod(x[2:]) * 4
    assert whole > 64 << 20  # unfolded at once
    _conv_pieces._scratch.held.clear()
    tracemalloc.start()
    try:
        out = getattr(gd, f"conv{rank}d")(image, weight, **options)
        given = out.size * 4
        forward = tracemalloc.get_traced_memory()[1] - given
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        g = np.ones(out.shape, np.float32)
        out.backward(g)
        # of its own backward leaves gradients, one of them once more as the leaf's own copy, and the cotangent is ours
        own = 2 * image.size * 4 + 3 * weight.size * 4 + 2 * g.nbytes
        backward = tracemalloc.get_traced_memory()[1] - before - own
    finally:
        tracemalloc.stop()
    assert forward < 64 << 20
    assert backward < 64 << 20
    held = sum(array.nbytes for array in _conv_pieces._scratch.held.values())
    assert held < 64 << 20


def test_nothing_a_user_holds_changes_with_later_calls() -> None:
    rng = np.random.default_rng(0)
    x = gd.tensor(rng.normal(size=(70, 3, 8, 8)).astype(np.float32), requires_grad=True)
    w = gd.tensor(rng.normal(size=(4, 3, 3, 3)).astype(np.float32), requires_grad=True)

    def step() -> list[np.ndarray]:
        out = gd.conv2d(x, w)
        grads = gd.gradients(out.sum(), [x, w])
        return [out.detach().numpy(), grads[x].numpy(), grads[w].numpy()]

    first = step()
    copies = [a.copy() for a in first]
    with gd.no_grad():
        x.data = rng.normal(size=x.shape).astype(np.float32)
    second = step()
    for a, copy, b in zip(first, copies, second, strict=True):
        np.testing.assert_array_equal(a, copy)
        assert not np.shares_memory(a, b)
        for held in _conv_pieces._scratch.held.values():
            assert not np.shares_memory(a, held)


def test_threads_convolve_at_once() -> None:
    rng = np.random.default_rng(0)
    xs = rng.normal(size=(4, 40, 2, 12, 12))
    w = rng.normal(size=(3, 2, 3, 3))
    wanted = [gd.conv2d(x, w).numpy() for x in xs]
    wrong: list[int] = []

    def run(i: int) -> None:
        outs = [gd.conv2d(xs[i], w).numpy() for _ in range(30)]
        wrong.extend([i for out in outs if not np.array_equal(out, wanted[i])])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_lie_with_the_batch_innermost_through_a_chain() -> None:
    x = np.ones((64, 2, 12, 12), np.float32)
    out = gd.conv2d(x, np.ones((3, 2, 3, 3), np.float32))
    pooled = gd.max_pool2d(gd.relu(out + 1), 2)
    assert out.numpy().strides[0] == pooled.numpy().strides[0] == 4
    assert gd.conv2d(pooled, np.ones((3, 3, 3, 3), np.float32)).numpy().strides[0] == 4


def test_dtypes() -> None:
    x, w = np.ones((1, 1, 4), np.float32), np.ones((1, 1, 2), np.float64)
    assert gd.conv1d(x, w).dtype == np.float64
    assert gd.conv1d(np.arange(4).reshape(1, 4), np.ones((1, 1, 2), int)).numpy().tolist() == [[1, 3, 5]]


def test_sums_of_halves_keep_their_digits() -> None:
    x = np.ones((1, 1, 3000, 256), np.float16)
    w = gd.tensor(np.ones((2, 1, 1, 1), np.float16), requires_grad=True)
    gd.conv2d(x, w).backward(np.full((1, 2, 3000, 256), 1 / 256, np.float16))
    assert w.grad.numpy().reshape(-1).tolist() == [3000, 3000]  # in halves 2048 + 1 is 2048


@pytest.mark.parametrize("moved", [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1), (0, 1, 2)])
def test_tangents_of_some_arguments(moved: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape) for shape in ((2, 2, 4, 3), (4, 1, 2, 2), (4,))]
    tangents = [rng.normal(size=v.shape) if i in moved else None for i, v in enumerate(values)]
    with_bias = 2 in moved
    calls: list[Any] = []
    with extend.recording(lambda *made: calls.append(made)):
        gd.conv2d(values[0], values[1], values[2] if with_bias else None, groups=2)
    op, _, params, _ = calls[0]
    count = 3 if with_bias else 2
    _, found = extend.push_forward(op, values[:count], tangents[:count], params)
    h = 1e-6
    ends = [
        op.forward(
            *[v if t is None else v + s * h * t for v, t in zip(values, tangents, strict=True)][:count], **params
        )
        for s in (1, -1)
    ]
    np.testing.assert_allclose(found.numpy(), (ends[0] - ends[1]) / (2 * h), rtol=1e-6, atol=1e-8)


def test_infinities_and_nan_stay_where_they_are_seen() -> None:
    x = np.zeros((1, 5), np.float32)
    x[0, 0], x[0, 4] = np.inf, np.nan
    np.testing.assert_array_equal(gd.conv1d(x, np.ones((1, 1, 2), np.float32)).numpy(), [[np.inf, 0, 0, np.nan]])


def test_lists_and_numpy_integers_are_options_too() -> None:
    x, w = np.ones((1, 4, 5)), np.ones((1, 1, 2, 2))
    one = gd.conv2d(x, w, stride=[2, np.int64(1)], padding=[np.int32(1), 0])
    np.testing.assert_array_equal(one.numpy(), gd.conv2d(x, w, stride=(2, 1), padding=(1, 0)).numpy())


def test_the_transpose_is_one() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 7)), rng.normal(size=(6, 2, 3))
    out = gd.conv1d(x, w, stride=2, padding=1, groups=2)
    g = rng.normal(size=out.shape)
    back = gd.conv_transpose1d(g, w, stride=2, padding=1, groups=2)
    assert back.shape == x.shape
    assert np.sum(out.numpy() * g) == pytest.approx(np.sum(back.numpy() * x), rel=1e-12)
