import functools

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


# cross entropy


def log_softmax(x):
    top = x - x.max(1, keepdims=True)
    return top - np.log(np.exp(top).sum(1, keepdims=True))


def reduced(losses, reduction):
    return {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]


# logits, ids
ID_SHAPES = [((5, 3), (5,)), ((1, 2), (1,)), ((4, 1), (4,)), ((3,), ()), ((2, 3, 4), (2, 4)), ((2, 3, 2, 2), (2, 2, 2))]


def sample(shape, ids_shape, dtype=np.float64):
    logits = normal(*shape, dtype=dtype) * 3
    return logits, RNG.integers(0, shape[min(1, len(shape) - 1)], ids_shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shapes", ID_SHAPES)
def test_cross_entropy_with_ids(shapes, reduction, dtype):
    array, ids = sample(*shapes, dtype)
    logits = gd.tensor(array, requires_grad=True)
    loss = F.cross_entropy(logits, ids, reduction=reduction)
    x = np.moveaxis(array.astype(np.float64)[None] if array.ndim == 1 else array.astype(np.float64), 1, -1)
    rows, flat = x.reshape(-1, x.shape[-1]), ids.reshape(-1)
    onehot = np.eye(rows.shape[1])[flat]
    losses = -(log_softmax(rows) * onehot).sum(1).reshape(ids.shape)
    tolerance = TOLERANCE[dtype]
    assert (loss.shape, loss.dtype) == (ids.shape if reduction == "none" else (), np.dtype(dtype))
    assert np.allclose(loss.data, reduced(losses, reduction), tolerance, tolerance)
    g, (grad,) = gradients_of(loss, [logits])
    scale = {"mean": g / flat.size, "sum": g, "none": g.reshape(-1, 1)}[reduction]
    wanted = ((np.exp(log_softmax(rows)) - onehot) * scale).reshape(x.shape)
    wanted = wanted[0] if array.ndim == 1 else np.moveaxis(wanted, -1, 1)
    assert (grad.shape, grad.dtype) == (array.shape, array.dtype)
    assert np.allclose(grad, wanted, tolerance, tolerance)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shapes", ID_SHAPES)
def test_cross_entropy_with_ids_to_second_order(shapes, reduction):
    logits, ids = sample(*shapes)
    check_grads(lambda x: F.cross_entropy(x, ids, reduction=reduction), [logits])


def test_cross_entropy_with_ids_to_third_order():
    check_grads(lambda x: F.cross_entropy(x, [0, 2], reduction="none"), [normal(2, 3)], order=3)


def test_hessian_of_cross_entropy_is_the_known_one():
    x = gd.tensor([[0.3, -1.0, 2.0]], dtype="float64", requires_grad=True)
    (g,) = gd.gradients(F.cross_entropy(x, [1]), [x], create_graph=True).values()
    rows = [gd.gradients(g[0, i], [x], retain_graph=True)[x].data[0] for i in range(3)]
    p = np.exp(log_softmax(x.data))[0]
    assert np.allclose(rows, np.diag(p) - np.outer(p, p))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 3, 4)])
def test_cross_entropy_with_probabilities(shape, reduction):
    axis = min(1, len(shape) - 1)
    logits, target = normal(*shape), RNG.uniform(0.1, 1, shape)  # they need not sum to 1, as in PyTorch
    x = logits - logits.max(axis, keepdims=True)
    losses = -(target * (x - np.log(np.exp(x).sum(axis, keepdims=True)))).sum(axis)
    loss = F.cross_entropy(logits, target, reduction=reduction)
    assert loss.shape == (losses.shape if reduction == "none" else ())
    assert np.allclose(loss.data, reduced(losses, reduction))
    check_grads(functools.partial(F.cross_entropy, reduction=reduction), [logits, target])


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "uint16", "uint64"])
@pytest.mark.parametrize("make", [np.asarray, gd.Tensor])
def test_ids_of_any_integer_dtype(make, dtype):
    logits, ids = normal(4, 3), np.array([0, 2, 1, 2])
    assert F.cross_entropy(logits, make(ids.astype(dtype))).item() == F.cross_entropy(logits, ids.tolist()).item()
    assert F.cross_entropy(logits, np.repeat(ids, 2)[::2]).item() == F.cross_entropy(logits, ids).item()


def test_cross_entropy_of_transposed_logits():
    logits = normal(3, 4)
    x = gd.tensor(logits, requires_grad=True)
    F.cross_entropy(x.mT, [0, 1, 2, 0]).backward()
    y = gd.tensor(np.ascontiguousarray(logits.T), requires_grad=True)
    F.cross_entropy(y, [0, 1, 2, 0]).backward()
    assert np.allclose(x.grad.data.T, y.grad.data)


def test_cross_entropy_is_stable():
    x = gd.tensor([[1000.0, -1000.0], [-1000.0, 1000.0], [-np.inf, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, [0, 0, 1], reduction="none")
    assert loss.tolist() == [0.0, 2000.0, 0.0]
    loss.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(("function", "result"), [(F.cross_entropy, 10.0), (F.mse_loss, 10.0)])
def test_float16_means_do_not_overflow(function, result):
    n = 10000  # the sum is beyond 65,504
    if function is F.mse_loss:
        x, y = np.full(n, 10**0.5, np.float16), np.zeros(n, np.float16)
    else:
        x, y = np.tile(np.array([0.0, 10.0], np.float16), (n, 1)), np.zeros(n, int)
    loss = function(x, y)
    assert loss.dtype == np.float16
    assert loss.item() == pytest.approx(result, rel=1e-2)


def test_cross_entropy_does_not_touch_its_inputs():
    logits, ids = normal(4, 3), np.array([0, 1, 2, 0])
    before = logits.copy()
    x = gd.Tensor(logits, requires_grad=True)
    loss = F.cross_entropy(x, ids)
    loss.backward(retain_graph=True)
    first = x.grad.data.copy()
    loss.backward()
    assert np.allclose(x.grad.data, 2 * first, atol=0)
    assert np.array_equal(logits, before)


def test_no_samples():
    x = gd.ones((0, 3), requires_grad=True)
    assert F.cross_entropy(x, np.zeros(0, int), reduction="none").shape == (0,)
    total = F.cross_entropy(x, np.zeros(0, int), reduction="sum")
    assert total.item() == 0.0
    total.backward()
    assert x.grad.shape == (0, 3)
    assert F.cross_entropy(np.ones((0, 3)), np.ones((0, 3)), reduction="sum").item() == 0.0
    assert F.cross_entropy(np.ones((2, 3, 0)), np.zeros((2, 0), int), reduction="none").shape == (2, 0)


WANTED = (
    r"^cross_entropy: logits of shape \(4, 3\) go with class ids of shape \(4,\), "
    r"or with probabilities of shape \(4, 3\); this target "
)


@pytest.mark.parametrize(
    ("logits", "target", "error", "message"),
    [
        (
            (4, 3),
            np.array([0, 3, 1, 5]),
            IndexError,
            r"class id 3 is out of range: .* 3 classes have ids 0 to 2, and -100 is ignored \(2 ",
        ),
        ((4, 3), np.array([0, -1, 1, 0]), IndexError, r"class id -1 is out of range: .* \(1 of 4 ids are wrong\)"),
        ((4, 3), np.array([0, -1, 1, 0], np.int8), IndexError, r"class id -1 is out of range"),
        ((2, 3, 2), np.array([[0, 1], [7, 0]]), IndexError, r"class id 7 is out of range"),
        ((4, 3), np.zeros(5, int), ShapeError, WANTED + r"has shape \(5,\)(?m:$)"),
        ((4, 3), np.zeros((4, 1), int), ShapeError, WANTED + r"has shape \(4, 1\): use target.reshape\(\(4,\)\)(?m:$)"),
        ((4, 3), np.zeros((4, 2)), ShapeError, WANTED + r"has shape \(4, 2\)(?m:$)"),
        ((4, 3), np.zeros(4), DTypeError, WANTED + r".* of ids and is float64: use target.astype\('int64'\)"),
        ((4, 3), np.zeros(4, bool), DTypeError, WANTED + r"is bool: use target.astype\('int64'\)"),
        ((4, 3), np.zeros((4, 3), int), DTypeError, WANTED + r".* is int64: use target.argmax\(axis=1\) for ids, or "),
        ((), 0, ShapeError, r"cross_entropy: the logits are a single number, and need an axis of classes: \(N, C\)"),
        ((4, 0), np.zeros(4, int), ShapeError, r"logits of shape \(4, 0\) have no classes: axis 1 must not be empty"),
        ((0, 3), np.zeros(0, int), ShapeError, r"the mean over no samples, of logits of shape \(0, 3\): use "),
    ],
)  # fmt: skip
def test_cross_entropy_says_what_is_wrong(logits, target, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(np.ones(logits), target)


def test_integer_logits():
    with pytest.raises(DTypeError, match=r"cross_entropy: logits are floats, and these are int64: use logits.astype"):
        F.cross_entropy(np.ones((2, 2), int), [0, 1])


# mean squared error


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (4,), (3, 2), (2, 3, 4)])
def test_mse(shape, reduction, dtype):
    a, b = normal(*shape, dtype=dtype), normal(*shape, dtype=dtype)
    x, y = gd.tensor(a, requires_grad=True), gd.tensor(b, requires_grad=True)
    loss = F.mse_loss(x, y, reduction=reduction)
    difference = a.astype(np.float64) - b
    tolerance = TOLERANCE[dtype]
    assert (loss.shape, loss.dtype) == (shape if reduction == "none" else (), np.dtype(dtype))
    assert np.allclose(loss.data, reduced(difference**2, reduction), tolerance, tolerance)
    g, (by_x, by_y) = gradients_of(loss, [x, y])
    wanted = 2 * difference * g / (difference.size if reduction == "mean" else 1)
    assert by_x.dtype == by_y.dtype == dtype
    assert np.allclose(by_x, wanted, 2 * tolerance, tolerance)
    assert np.allclose(by_y, -wanted, 2 * tolerance, tolerance)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (4,), (3, 2)])
def test_mse_to_second_order(shape, reduction):
    check_grads(functools.partial(F.mse_loss, reduction=reduction), [normal(*shape), normal(*shape)])


def test_mse_of_transposed_and_empty_inputs():
    a, b = normal(3, 4), normal(4, 3)
    assert F.mse_loss(a.T, b).item() == pytest.approx(((a.T - b) ** 2).mean(), rel=1e-12)
    assert F.mse_loss(np.ones((0, 2)), np.ones((0, 2)), reduction="sum").item() == 0.0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((5, 1), (5,), r"mse_loss: the output has shape \(5, 1\) and the target \(5,\), .* target.reshape\(\(5, 1\)\)"),
        ((5, 1), (5,), r"they must be equal: broadcasting would compare each output with the targets of other samples"),
        ((5,), (5, 1), r"has shape \(5,\) and the target \(5, 1\), .*: use target.reshape\(\(5,\)\)"),
        ((5, 2), (2,), r"has shape \(5, 2\) and the target \(2,\), and they must be equal: .* other samples(?m:$)"),
        ((5, 2), (), r"has shape \(5, 2\) and the target \(\), and they must be equal"),
        ((3, 2), (4, 2), r"has shape \(3, 2\) and the target \(4, 2\), and they must be equal"),
        ((0, 2), (0, 2), r"mse_loss: the mean over no elements, of shape \(0, 2\): use reduction='sum'"),
    ],
)  # fmt: skip
def test_mse_compares_equal_shapes_only(a, b, message):
    with pytest.raises(ShapeError, match=message):
        F.mse_loss(gd.ones(a), gd.ones(b))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda r: F.cross_entropy(np.ones((2, 2)), [0, 1], reduction=r), "cross_entropy"),
        (lambda r: F.mse_loss(np.ones(2), np.ones(2), reduction=r), "mse_loss"),
        (lambda r: nn.CrossEntropyLoss(reduction=r), "CrossEntropyLoss"),
        (lambda r: nn.MSELoss(reduction=r), "MSELoss"),
    ],
)
@pytest.mark.parametrize("reduction", ["average", None, "MEAN"])
def test_unknown_reductions(call, name, reduction):
    with pytest.raises(ValueError, match=f"^{name}: unknown reduction {reduction!r}: give 'mean', 'sum' or 'none'$"):
        call(reduction)


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
