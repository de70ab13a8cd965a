"""Cross entropy and the mean squared error: values, gradients of all orders, stability, messages."""

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
