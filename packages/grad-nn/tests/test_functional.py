import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_core.testing import check_grads

RNG = np.random.default_rng(0)
DTYPES = ["float16", "float32", "float64"]
TOLERANCE = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-12}


def normal(*shape, dtype=np.float64):
    return RNG.normal(size=shape).astype(dtype)


def gradients_of(result, inputs):
    upstream = RNG.uniform(0.5, 2.0, result.shape).astype(result.dtype)
    result.backward(upstream)
    return upstream, [x.grad.data for x in inputs]


# linear

X_SHAPES = [(3,), (1, 3), (5, 3), (0, 3), (2, 4, 3), (2, 1, 4, 3), (2, 0, 3)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", X_SHAPES)
def test_linear_value_gradients_and_dtype(shape, bias, dtype):
    arrays = [normal(*shape, dtype=dtype), normal(2, 3, dtype=dtype), normal(2, dtype=dtype)][: 2 + bias]
    inputs = [gd.tensor(a, requires_grad=True) for a in arrays]
    y = F.linear(*inputs)
    x, w, *b = (a.astype(np.float64) for a in arrays)
    assert (y.shape, y.dtype) == ((*shape[:-1], 2), np.dtype(dtype))
    tolerance = TOLERANCE[dtype]
    assert np.allclose(y.data, np.einsum("...i,oi->...o", x, w) + (b[0] if b else 0), tolerance, tolerance)
    g, grads = gradients_of(y, inputs)
    expected = [
        np.einsum("...o,oi->...i", g, w),
        g.reshape(-1, 2).T.astype(np.float64) @ x.reshape(-1, 3),
        g.reshape(-1, 2).sum(0, dtype=np.float64),
    ]
    for given, wanted, of in zip(grads, expected, arrays, strict=False):
        assert (given.shape, given.dtype) == (of.shape, of.dtype)
        assert np.allclose(given, wanted, 5 * tolerance, 5 * tolerance)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 2, 3)])
def test_linear_to_second_order(shape, bias):
    check_grads(F.linear, [normal(*shape), normal(2, 3), normal(2)][: 2 + bias])


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 2, 3)])
def test_the_gradient_of_the_weight_is_a_fresh_array_and_no_view(shape):
    x, w, b = normal(*shape), normal(2, 3), normal(2)
    y = F.linear(x, gd.tensor(w, requires_grad=True), b)
    made = y.grad_fn.rules[1](normal(*shape[:-1], 2), None, x, w, b)  # what the engine would have to copy otherwise
    assert made.base is None
    assert made.flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "out"), [((1, 300), 90), ((2, 300), 90), ((400, 50), 60), ((20, 20, 50), 60)])
def test_linear_on_large_matrices(shape, out, dtype):
    inputs = [gd.tensor(normal(*s, dtype=dtype), requires_grad=True) for s in (shape, (out, shape[-1]), (out,))]
    x, w, b = (t.data.astype("float64") for t in inputs)
    y = F.linear(*inputs)
    upstream, found = gradients_of(y, inputs)
    g = upstream.reshape(-1, out).astype("float64")
    wanted = [(g @ w).reshape(shape), g.T @ x.reshape(-1, shape[-1]), g.sum(0)]
    for result, number in zip([y.data, *found], [x @ w.T + b, *wanted], strict=True):
        assert result.dtype == dtype
        assert np.allclose(result, number, rtol=10 * TOLERANCE[dtype], atol=100 * TOLERANCE[dtype])


def test_linear_to_third_order():
    check_grads(F.linear, [normal(2, 2), normal(1, 2), normal(1)], order=3)


def test_linear_takes_views_lists_and_arrays():
    x, w, b = normal(4, 3), normal(2, 3), normal(2)
    expected = x @ w.T + b
    views = np.asfortranarray(x), np.repeat(w, 2, 1)[:, ::2], np.repeat(b, 2)[::2]
    assert np.allclose(F.linear(*views).data, expected)
    assert np.allclose(F.linear(x.tolist(), w.tolist(), b.tolist()).data, expected, atol=1e-6)
    assert np.allclose(F.linear(gd.tensor(x).mT.mT, w, b).data, expected)


def test_linear_does_not_touch_its_inputs():
    arrays = normal(4, 3), normal(2, 3), normal(2)
    before = [a.copy() for a in arrays]
    F.linear(*[gd.Tensor(a, requires_grad=True) for a in arrays]).sum().backward()
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_linear_makes_one_node_and_skips_what_nobody_asked_for():
    x = gd.tensor(normal(4, 3))
    w = gd.tensor(normal(2, 3), requires_grad=True)
    y = F.linear(x, w, normal(2))
    assert y.grad_fn.edges == [None, w, None]
    assert y.grad_fn.saved[1].shape == (2, 3)
    assert not isinstance(y.grad_fn.saved[1], np.ndarray)  # its values are not read for its own gradient


@pytest.mark.parametrize("dtypes", [("f4", "f8", "f8"), ("f8", "f4", "f4"), ("f2", "f2", "f4"), ("u1", "f4", "f4")])
def test_linear_promotes_as_numpy_does(dtypes):
    x, w, b = np.ones((4, 3), dtypes[0]), np.ones((2, 3), dtypes[1]), np.ones(2, dtypes[2])
    assert F.linear(x, w, b).dtype == (x @ w.T + b).dtype


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [(32, 5), (8, 4), (8,)],
            (
                r"^linear: x of shape \(32, 5\) and weight of shape \(8, 4\) do not fit: axis -1 of x has length 5, "
                r"and the layer takes 4 features \(axis 1 of weight\); reshape or flatten x, or make .* "
                r"in_features=5(?m:$)"
            ),
        ),
        (
            [(5,), (8, 4)],
            r"linear: x of shape \(5,\) and weight of shape \(8, 4\) do not fit: axis -1 of x has length 5",
        ),
        (
            [(2, 3, 5), (8, 4)],
            r"linear: x of shape \(2, 3, 5\) and weight of shape \(8, 4\) do not fit: axis -1 of x has",
        ),
        (
            [(), (8, 4)],
            r"linear: x is a single number, and must have an axis of length 4, for weight has shape \(8, 4\)",
        ),
        ([(4,), (4,)], r"linear: weight has shape \(4,\), and must have two axes, \(out_features, in_features\)"),
        ([(4,), ()], r"linear: weight has shape \(\), and must have two axes"),
        (
            [(3, 4), (8, 4), (1,)],
            r"linear: bias of shape \(1,\) does not fit weight of shape \(8, 4\): .* shape \(8,\)",
        ),
        ([(3, 4), (8, 4), ()], r"linear: bias of shape \(\) does not fit weight of shape \(8, 4\)"),
        ([(8, 4), (8, 4), (8, 8)], r"linear: bias of shape \(8, 8\) does not fit weight of shape \(8, 4\)"),
        ([(3, 4), (8, 4), (4,)], r"linear: bias of shape \(4,\) does not fit weight of shape \(8, 4\)"),
    ],
)
def test_linear_says_what_does_not_fit(shapes, message):
    with pytest.raises(ShapeError, match=message):
        F.linear(*[gd.ones(shape) for shape in shapes])


# dropout


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_and_scales(p, dtype):
    x = gd.tensor(RNG.uniform(1, 2, (200, 100)).astype(dtype), requires_grad=True)
    y = F.dropout(x, p, generator=gd.random.Generator(0))
    kept = y.data != 0
    assert y.dtype == dtype
    assert kept.mean() == pytest.approx(1 - p, abs=0.01)
    scale = np.dtype(dtype).type(1 / (1 - p))
    assert np.array_equal(y.data, np.where(kept, x.data * scale, 0))
    assert kept.mean(0).std() < 0.1  # no column or row is special
    assert kept.mean(1).std() < 0.1
    y.sum().backward()
    assert np.array_equal(x.grad.data, np.where(kept, scale, 0))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5,), (0,), (3, 0), (2, 3, 7)])
def test_dropout_of_any_shape(shape):
    assert F.dropout(gd.ones(shape), 0.5).shape == shape


def test_neighbours_are_dropped_independently():
    kept = F.dropout(gd.ones(100_000), 0.5, generator=gd.random.Generator(1)).data != 0
    for lag in range(1, 9):
        assert (kept[lag:] == kept[:-lag]).mean() == pytest.approx(0.5, abs=0.01)


def test_dropout_at_the_ends_and_outside_training():
    x = gd.ones(5, requires_grad=True)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 1.0, training=False) is x
    y = F.dropout(x, 1.0)
    assert y.tolist() == [0.0] * 5
    y.sum().backward()
    assert x.grad.tolist() == [0.0] * 5
    assert F.dropout(gd.ones(10_000), 1e-6).data.all()  # rounds to a probability of 0 in 65,536


def test_dropout_draws_from_its_generator():
    def draw(generator=None):
        return F.dropout(gd.ones(64), 0.5, generator=generator).tolist()

    generator = gd.random.Generator(5)
    first = draw(generator)
    assert first != draw(generator)
    assert first == draw(gd.random.Generator(5))
    gd.random.seed(5)
    assert first == draw()
    state = generator.get_state()
    again = draw(generator)
    generator.set_state(state)
    assert again == draw(generator)


def test_dropout_to_second_order():
    check_grads(lambda x: F.dropout(x, 0.5, generator=gd.random.Generator(0)) ** 2, [normal(4, 3)])


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize(("call", "name"), [(nn.Dropout, "Dropout"), (lambda p: F.dropout(gd.ones(1), p), "dropout")])
def test_dropout_probability(call, name, p):
    with pytest.raises(
        ValueError, match=rf"^{name}: p is the probability of dropping .* lies in \[0, 1\], and {p} does"
    ):
        call(p)


def test_dropout_of_integers():
    with pytest.raises(DTypeError, match="dropout: scales what it keeps, so it takes floats, and x is int64: use x"):
        F.dropout([1, 2])


def test_the_other_functions_are_those_of_grad_core():
    for name in ("flatten", "relu", "sigmoid", "silu", "tanh"):
        assert getattr(F, name) is getattr(gd, name)
    assert sorted(F.__all__) == F.__all__
