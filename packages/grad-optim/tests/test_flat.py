"""Row C7: parameters as views of one array, whatever is done to them, in pieces, without allocation."""

import math
import tracemalloc

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest
from grad_optim import _flat

BIG = (300, 700)  # more than three pieces in float32
SHAPES = [(5,), BIG, (7, 3), (), (100_000,), (2, 90_000), (3, 2, 40_000), (0, 4), (1,)]


def parameters(rng, shapes, dtype=np.float32):
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in shapes]


def twins_of(params):
    return [gd.tensor(p, requires_grad=True) for p in params]


def base_of(p):
    array = p.data
    while array.base is not None:
        array = array.base
    return array


def momentum_step(params, buffers, gradients, lr=0.1, momentum=0.9):
    """What SGD does, with NumPy alone; a gradient None leaves the parameter out."""
    for p, b, g in zip(params, buffers, gradients, strict=True):
        if g is not None:
            b[...] = momentum * b + g
            p[...] -= np.asarray(lr * b, p.dtype)


def test_parameters_of_a_group_and_dtype_are_views_of_one_array(rng):
    singles = parameters(rng, [(3, 2), (), (4,)])
    doubles = parameters(rng, [(2,), (2, 2)], np.float64)
    others = parameters(rng, [(2,), (2,)])
    before = [p.data.copy() for p in singles + doubles + others]
    optimizer = optim.Adam([{"params": [singles[0], doubles[0], *singles[1:], doubles[1]]}, {"params": others}])
    assert [p.data.tolist() for p in singles + doubles + others] == [a.tolist() for a in before]
    assert len({id(base_of(p)) for p in singles}) == 1
    assert len({id(base_of(p)) for p in doubles}) == 1
    assert len({id(base_of(p)) for p in others}) == 1
    assert len({id(base_of(p)) for p in singles + doubles + others}) == 3
    assert base_of(singles[0]).size == 11
    assert base_of(singles[0]).flags.c_contiguous
    data = [p.data for p in singles]
    for p in singles:
        p.grad = np.ones(p.shape)
    optimizer.step()
    assert all(p.data is array for p, array in zip(singles, data, strict=True))


@pytest.mark.parametrize("order", ["C", "F", "strided", "broadcast", "float64"])
def test_large_and_small_parameters_and_gradients_of_any_memory_order(order, rng):
    def gradient(shape):
        g = rng.normal(size=shape).astype(np.float32)
        if order == "F":
            return g.copy(order="F")
        if order == "strided":
            wide = np.zeros((*shape, 3), np.float32)
            wide[..., 1] = g
            return wide[..., 1]
        if order == "broadcast":
            return np.broadcast_to(np.float32(0.5), shape)
        return g.astype(np.float64) if order == "float64" else g

    params = parameters(rng, SHAPES)
    expected = [p.data.copy() for p in params]
    buffers = [np.zeros_like(p) for p in expected]
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    for step in range(3):
        gradients = [None if step == 1 and k in (1, 4, 8) else gradient(shape) for k, shape in enumerate(SHAPES)]
        momentum_step(expected, buffers, [None if g is None else g.astype(np.float32) for g in gradients])
        for p, g in zip(params, gradients, strict=True):
            p.grad = g
        optimizer.step()
    for p, array in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (10, 3), (2, 30), (3, 1, 25), (4, 6, 5), (1, 1000)])
def test_blocks_cover_an_array_once_in_order_without_gaps(shape):
    array = np.arange(math.prod(shape)).reshape(shape)
    blocks = [array if index is None else array[index] for index in _flat._blocks(shape, 20)]
    assert all(block.flags.c_contiguous and block.size <= 20 for block in blocks)
    assert [i for block in blocks for i in block.ravel().tolist()] == list(range(array.size))


def test_pieces_fit_into_a_cache():
    params = [gd.zeros(shape, requires_grad=True) for shape in SHAPES]
    optimizer = optim.SGD(params)
    for p in params:
        p.grad = np.ones(p.shape)
    sizes = []

    class Watch(optim.SGD):
        def update(self, group, run):
            sizes.extend(p.nbytes for p, _, _, _ in run)

    Watch(params).step()
    optimizer.step()
    assert sum(sizes) == 4 * sum(p.size for p in params)
    assert max(sizes) <= _flat.LIMIT
    assert len(sizes) < 2 * sum(sizes) / _flat.LIMIT + 1


def test_a_gradient_that_fills_a_piece_is_used_where_it_lies(rng):
    w = gd.zeros((1 << 16,), requires_grad=True)
    w.grad = rng.normal(size=w.shape).astype(np.float32)
    seen = []

    class Watch(optim.SGD):
        def update(self, group, run):
            seen.extend(np.shares_memory(g, w.grad.data) for _, g, _, _ in run)

    Watch([w]).step()
    Watch([w], weight_decay=0.1).step()
    assert seen == [True, False]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (optim.SGD, {}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
        (optim.RMSProp, {"momentum": 0.9, "centered": True}),
        (optim.Adam, {"amsgrad": True, "weight_decay": 0.1}),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_step_allocates_nothing_and_leaves_gradients_as_they_are(make, options, order, rng):
    params = parameters(rng, [BIG, (300,), (10, 300)])
    optimizer = make(params, **options)
    gradients = [rng.normal(size=p.shape).astype(p.dtype) for p in params]
    for p, g in zip(params, gradients, strict=True):
        p.grad = g.copy(order=order)
    for _ in range(2):
        optimizer.step()
    tracemalloc.start()
    try:
        for _ in range(5):
            optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000  # bytes; the smallest temporary of one piece would have 200,000
    assert all(np.array_equal(p.grad.data, g) for p, g in zip(params, gradients, strict=True))


@pytest.mark.parametrize("change", ["replace", "in place", "module"])
def test_values_put_into_a_parameter_between_steps_count(change, rng):
    params = parameters(rng, [(3, 2), (), (4,)])
    expected = [p.data.copy() for p in params]
    buffers = [np.zeros_like(p) for p in expected]
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    for step in range(4):
        gradients = [rng.normal(size=p.shape).astype(p.dtype) for p in params]
        momentum_step(expected, buffers, gradients)
        for p, g in zip(params, gradients, strict=True):
            p.grad = g
        optimizer.step()
        if step == 1:
            new = rng.normal(size=(3, 2)).astype(np.float32)
            expected[0] = new.copy()
            if change == "replace":
                params[0].data = new
            elif change == "in place":
                params[0].data[...] = new
            else:
                params[0].data = np.asfortranarray(new)
    for p, array in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, array, rtol=1e-6)
    assert len({id(base_of(p)) for p in params}) == 1


def test_two_optimizers_on_the_same_parameters(rng):
    params = parameters(rng, [(3, 2), (4,)])
    expected = [p.data.copy() for p in params]
    first, second = optim.SGD(params, lr=0.1, momentum=0.9), optim.SGD(params[:1], lr=0.1, momentum=0.9)
    buffers = [np.zeros_like(p) for p in expected]
    other = [np.zeros_like(p) for p in expected]
    for _ in range(4):
        gradients = [rng.normal(size=p.shape).astype(p.dtype) for p in params]
        for p, g in zip(params, gradients, strict=True):
            p.grad = g
        first.step()
        second.step()
        momentum_step(expected, buffers, gradients)
        momentum_step(expected, other, [gradients[0], None])
    for p, array in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, array, rtol=1e-6)


@pytest.mark.parametrize(("before", "after"), [("float32", "float64"), ("float64", "float32"), ("float16", "float32")])
def test_a_dtype_may_change_and_states_stay(before, after, rng):
    params = parameters(rng, [(3, 2), (4,)], before)
    optimizer = optim.Adam(params, lr=0.1)
    for p in params:
        p.grad = rng.normal(size=p.shape)
    optimizer.step()
    earlier = optimizer.state_dict()["state"]
    for p in params:
        p.data = p.data.astype(after)
    state = optimizer.state_dict()["state"]
    for k in earlier:
        np.testing.assert_allclose(state[k]["exp_avg"], earlier[k]["exp_avg"], rtol=1e-6)
        assert state[k]["exp_avg"].dtype == after
    optimizer.step()
    assert [p.dtype for p in params] == [np.dtype(after)] * 2
    assert [entry["step"] for entry in optimizer.state_dict()["state"].values()] == [2, 2]


def test_only_some_parameters_change_their_dtype(rng):
    params = parameters(rng, [(3,), (4,), (5,)])
    optimizer = optim.SGD(params, lr=1.0)
    params[1].data = params[1].data.astype(np.float64)
    before = [p.data.copy() for p in params]
    for p in params:
        p.grad = np.ones(p.shape)
    optimizer.step()
    for p, array in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.data, array - 1)
    assert [str(p.dtype) for p in params] == ["float32", "float64", "float32"]


@pytest.mark.parametrize("make", [optim.SGD, optim.RMSProp, optim.Adam])
def test_float16_is_computed_in_float32(make, rng):
    narrow = parameters(rng, [(70_000,), (3, 2)], np.float16)
    wide = [gd.tensor(p.data.astype(np.float32), requires_grad=True) for p in narrow]
    first, second = make(narrow, lr=0.01), make(wide, lr=0.01)
    for _ in range(3):
        for p, q in zip(narrow, wide, strict=True):
            q.data = p.data.astype(np.float32)  # where rounding to float16 has left it
            p.grad = rng.normal(size=p.shape) * 100  # squares would leave the range of float16
            q.grad = p.grad.astype("float32")
        first.step()
        second.step()
        for p, q in zip(narrow, wide, strict=True):
            assert p.dtype == np.float16
            np.testing.assert_array_equal(p.data, q.data.astype(np.float16))
    assert all(array.dtype == np.float32 for flats in first._flats for f in flats for array in f.states.values())


def test_memory_lent_by_the_user_is_not_changed():
    array = np.ones(3, np.float32)
    w = gd.Tensor(array, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    w.grad = np.ones(3)
    optimizer.step()
    assert array.tolist() == [1, 1, 1]
    assert w.tolist() == [0, 0, 0]
