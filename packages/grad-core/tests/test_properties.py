"""Drawn shapes, dtypes and indices: broadcasting, reductions, indexing and einsum against NumPy and plain formulas.

The draws are the same in every run (`derandomize`): a failure in one run is a failure in all.
"""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import ShapeError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

drawn = settings(max_examples=150, deadline=None, derandomize=True, database=None)
floats = st.sampled_from(["float16", "float32", "float64"])
seeds = st.integers(0, 2**16)


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Numbers of both signs, neither near 0 nor far from it; halves, so that ties occur."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) > 0.5
    values = rng.integers(1, 6, shape) * (1 if dtype.startswith("u") else rng.choice([-1, 1], shape))
    return np.asarray(values if "int" in dtype else values / 2).astype(dtype)


def close(got: Any, wanted: Any, size: Any, dtype: Any, room: float = 32) -> None:
    """Equal but for rounding, `size` being how large the numbers are that were added up."""
    got = np.asarray(got, np.float64)
    assert got.shape == np.shape(wanted)
    eps = float(np.finfo(dtype).eps) if np.dtype(dtype).kind == "f" else 1e-14
    assert (np.abs(got - wanted) <= room * eps * np.asarray(size) + 1e-300).all(), (got, wanted)


# Broadcasting

# op, NumPy's function, its partial derivatives
PAIRS: dict[str, tuple[Any, Any, Any, Any]] = {
    "add": (gd.add, np.add, lambda x, y: 1 + 0 * x, lambda x, y: 1 + 0 * x),
    "subtract": (gd.subtract, np.subtract, lambda x, y: 1 + 0 * x, lambda x, y: -1 + 0 * x),
    "multiply": (gd.multiply, np.multiply, lambda x, y: y, lambda x, y: x),
    "divide": (gd.divide, np.divide, lambda x, y: 1 / y, lambda x, y: -x / y**2),
    "pow": (
        lambda x, y: gd.abs(x) ** y,
        lambda x, y: np.abs(x) ** y,
        lambda x, y: np.sign(x) * y * np.abs(x) ** (y - 1),
        lambda x, y: np.log(np.abs(x)) * np.abs(x) ** y,
    ),
    "maximum": (gd.maximum, np.maximum, lambda x, y: (x > y) + (x == y) / 2, lambda x, y: (x < y) + (x == y) / 2),
    "minimum": (gd.minimum, np.minimum, lambda x, y: (x < y) + (x == y) / 2, lambda x, y: (x > y) + (x == y) / 2),
    "atan2": (gd.atan2, np.arctan2, lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y)),
    "hypot": (gd.hypot, np.hypot, lambda x, y: x / np.hypot(x, y), lambda x, y: y / np.hypot(x, y)),
    "logaddexp": (
        gd.logaddexp,
        np.logaddexp,
        lambda x, y: 1 / (1 + np.exp(y - x)),
        lambda x, y: 1 / (1 + np.exp(x - y)),
    ),
    "where": (
        lambda x, y: gd.where(y > 1, x, y),
        lambda x, y: np.where(y > 1, x, y),
        lambda x, y: 1.0 * (y > 1) + 0 * x,
        lambda x, y: 1.0 * (y <= 1) + 0 * x,
    ),
}


def summed(full: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Each element of an array of `shape` gets the sum over the places that broadcasting put it in."""
    places = np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), full.shape)
    return np.bincount(places.ravel(), full.ravel(), np.prod(shape, dtype=int)).reshape(shape)


@drawn
@given(
    st.sampled_from(sorted(PAIRS)),
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3),
    st.tuples(floats, floats),
    seeds,
)
def test_broadcasting(name: str, shapes: Any, dtypes: tuple[str, str], seed: int) -> None:
    function, reference, *partials = PAIRS[name]
    arrays = [numbers(s, d, seed + i) for i, (s, d) in enumerate(zip(shapes.input_shapes, dtypes, strict=True))]
    x, y = (gd.tensor(a, requires_grad=True) for a in arrays)
    result = function(x, y)
    wanted = reference(*arrays)
    assert result.shape == shapes.result_shape
    assert result.dtype == np.result_type(*dtypes)
    precision = min(dtypes)  # "float16" < "float32" < "float64"
    close(result.detach().numpy(), np.asarray(wanted, float), np.abs(wanted) + 1, precision)
    g = numbers(result.shape, result.dtype.name, seed + 2)
    result.backward(g)
    exact = [a.astype(float) for a in arrays]
    for tensor, array, partial in zip((x, y), arrays, partials, strict=True):
        full = np.broadcast_to(g.astype(float) * partial(*exact), result.shape)
        assert tensor.grad.dtype == array.dtype
        close(tensor.grad.numpy(), summed(full, array.shape), summed(np.abs(full) + 1, array.shape), precision, 128)


@drawn
@given(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), st.data())
def test_shapes_that_do_not_broadcast(shape: tuple[int, ...], data: Any) -> None:
    other = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    try:
        wanted = np.broadcast_shapes(shape, other)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast: axis -"):
            gd.ones(shape) * gd.ones(other)
    else:
        assert (gd.ones(shape) * gd.ones(other)).shape == wanted


# Reductions


def others_product(x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """For each element, the product of the rest of its group, without dividing."""
    out = np.ones(x.shape)
    for place in np.ndindex(x.shape):
        group = np.array(x[tuple(slice(None) if i in axis else n for i, n in enumerate(place))])
        group[tuple(place[i] for i in sorted(axis))] = 1
        out[place] = group.prod()
    return out


def of_extreme(x: np.ndarray, axis: tuple[int, ...], extreme: Any) -> np.ndarray:
    hits = x == extreme(x, axis=axis, keepdims=True)
    return hits / hits.sum(axis=axis, keepdims=True)


def count(x: np.ndarray, axis: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[i] for i in axis], dtype=int))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.exp(np.asarray(x, float)).sum(axis=axis, keepdims=keepdims))


# NumPy's function, and the derivative by each element of its result; None where there is none
REDUCTIONS: dict[str, tuple[Any, Any]] = {
    "sum": (np.sum, lambda x, axis: np.ones(x.shape)),
    "mean": (np.mean, lambda x, axis: np.ones(x.shape) / count(x, axis)),
    "prod": (np.prod, others_product),
    "max": (np.max, lambda x, axis: of_extreme(x, axis, np.max)),
    "min": (np.min, lambda x, axis: of_extreme(x, axis, np.min)),
    "var": (np.var, lambda x, axis: 2 * (x - x.mean(axis=axis, keepdims=True)) / count(x, axis)),
    "logsumexp": (logsumexp, lambda x, axis: np.exp(x - logsumexp(x, axis, True))),
    "any": (np.any, None),
    "all": (np.all, None),
    "count_nonzero": (np.count_nonzero, None),
}
NEEDS_ELEMENTS = {"mean", "max", "min", "var", "logsumexp"}


@st.composite
def reductions(draw: Any) -> tuple[str, np.ndarray, Any, bool]:
    name = draw(st.sampled_from(sorted(REDUCTIONS)))
    kinds = ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"]
    # products of many numbers overflow float16
    dtype = draw(st.sampled_from({"logsumexp": kinds[:3], "prod": kinds[1:]}.get(name, kinds)))
    most = 2 if name == "prod" else 4
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=most, min_side=draw(st.integers(0, 1)), max_side=4))
    axis = None
    if draw(st.booleans()) and shape:
        chosen = draw(st.lists(st.integers(0, len(shape) - 1), unique=True, max_size=len(shape)))
        signed = tuple(i - len(shape) * draw(st.booleans()) for i in chosen)
        axis = signed[0] if len(signed) == 1 and draw(st.booleans()) else signed
    return name, numbers(shape, dtype, draw(seeds)), axis, draw(st.booleans())


@drawn
@given(reductions())
def test_reductions(case: tuple[str, np.ndarray, Any, bool]) -> None:
    name, array, axis, keepdims = case
    reference, derivative = REDUCTIONS[name]
    function = getattr(gd, name)
    axes = tuple(range(array.ndim)) if axis is None else tuple(i % array.ndim for i in np.atleast_1d(axis).astype(int))
    tensor = gd.tensor(array, requires_grad=array.dtype.kind == "f")
    if name in NEEDS_ELEMENTS and count(array, axes) == 0:
        with pytest.raises(ShapeError, match=f"^{name}: shape .* has no elements"):
            function(tensor, axis=axis, keepdims=keepdims)
        return
    wanted = np.asarray(reference(array, axis=axis, keepdims=keepdims))
    result = function(tensor, axis=axis, keepdims=keepdims)
    assert result.shape == wanted.shape
    if name != "logsumexp":
        assert result.dtype == wanted.dtype
    exact = array.astype(float)
    exact = np.asarray(reference(exact, axis=axis, keepdims=keepdims) if wanted.dtype.kind == "f" else wanted, float)
    size = np.abs(exact) + np.abs(array.astype(float)).sum(axis=axes, keepdims=keepdims) + 1
    close(result.detach().numpy(), exact, size, wanted.dtype if array.dtype.kind != "f" else array.dtype)
    assert result.requires_grad == (derivative is not None and array.dtype.kind == "f")
    if not result.requires_grad:
        return
    g = numbers(result.shape, array.dtype.name, 5)
    result.backward(g)
    spread = np.broadcast_to(
        np.asarray(g, float).reshape([1 if i in axes else n for i, n in enumerate(array.shape)]), array.shape
    )
    full = spread * derivative(array.astype(float), axes)
    assert tensor.grad.dtype == array.dtype
    close(tensor.grad.numpy(), full, np.abs(full) + np.abs(spread), array.dtype, 64)


@drawn
@given(
    st.sampled_from(["argmax", "argmin", "cumsum", "cumprod", "softmax"]),
    hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4),
    floats,
    seeds,
    st.data(),
)
def test_functions_along_one_axis(name: str, shape: tuple[int, ...], dtype: str, seed: int, data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    array = numbers(shape, dtype, seed)
    if name == "softmax":
        powers = np.exp(array.astype(float))
        wanted = powers / powers.sum(axis=axis, keepdims=True)
    else:
        wanted = getattr(np, name)(array, axis=axis)
    result = getattr(gd, name)(gd.tensor(array), axis=axis)
    if name != "softmax":
        assert result.dtype == wanted.dtype
    sizes = np.cumsum(np.abs(array.astype(float)), axis=axis) if name == "cumsum" else 0
    bound = np.abs(np.asarray(wanted, float)) + (sizes if name == "cumsum" else 1)
    close(result.numpy(), np.asarray(wanted, float), bound, dtype)


# Indexing


@st.composite
def keys(draw: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """A shape, and a key of slices, integers, arrays of positions, masks, None and ... for it."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=draw(st.integers(0, 1)), max_side=4))
    places = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    key: list[Any] = []
    axis = 0
    stop = draw(st.integers(0, len(shape)))
    while axis < stop:
        n = shape[axis]
        kind = draw(st.sampled_from(["slice", "integer", "positions", "mask", "wide mask"]))
        if kind == "wide mask" and axis + 2 <= stop:
            key.append(draw(hnp.arrays(bool, shape[axis : axis + 2])))
            axis += 2
            continue
        if kind == "integer" and n:
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "positions" and n:
            ones = tuple(draw(st.sampled_from([1, m])) for m in places)
            key.append(
                draw(
                    hnp.arrays(draw(st.sampled_from(["int64", "int32", "uint8"])), ones, elements=st.integers(0, n - 1))
                )
            )
        elif kind == "mask":
            key.append(draw(hnp.arrays(bool, n)))
        else:
            key.append(draw(st.slices(n)))
        axis += 1
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    if draw(st.booleans()):
        at = len(key) if stop < len(shape) else draw(st.integers(0, len(key)))
        key.insert(at, ...)
    if stop == len(shape) and draw(st.booleans()):  # from the right, behind an ellipsis
        key = [item for item in key if item is not ...]
        key.insert(0, ...)
    return shape, tuple(key)


@settings(drawn, max_examples=400)
@given(keys(), floats, st.booleans())
def test_indexing(case: tuple[tuple[int, ...], tuple[Any, ...]], dtype: str, as_tensors: bool) -> None:
    shape, key = case
    array = np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape).astype(dtype)
    x = gd.tensor(array, requires_grad=True)
    ours = tuple([gd.tensor(k) if as_tensors and isinstance(k, np.ndarray) else k for k in key])
    index = ours[0] if len(ours) == 1 else ours
    try:
        wanted = array[key]
    except IndexError:  # positions and masks that do not broadcast
        with pytest.raises(IndexError, match=r"getitem: shape \("):
            x[index]
        return
    result = x[index]
    np.testing.assert_array_equal(result.detach().numpy(), wanted)
    assert result.dtype == array.dtype
    g = np.arange(1, result.size + 1).reshape(result.shape).astype(dtype)
    result.backward(g)
    gradient = np.zeros(shape, dtype)
    np.add.at(gradient, key, g)
    np.testing.assert_array_equal(x.grad.numpy(), gradient)
    added = array.copy()
    np.add.at(added, key, g)
    close(gd.scatter_add(x, index, g).detach().numpy(), added.astype(float), np.abs(added.astype(float)) + 1, dtype)


# Einstein's sums


@st.composite
def sums(draw: Any) -> tuple[str, list[tuple[int, ...]], dict[str, int]]:
    """Subscripts with letters repeated in and between operands, ... and broadcasting under it; y and z stand for it."""
    lengths = {letter: draw(st.integers(1, 3)) for letter in "abcd"}
    free = {"y": 2, "z": 3}
    terms = []
    spelt = []
    shapes = []
    for _ in range(draw(st.integers(1, 4))):
        group = draw(st.text("abcd", max_size=3))
        dots = draw(st.booleans())
        further = "yz"[draw(st.integers(0, 2)) :] if dots else ""
        cut = draw(st.integers(0, len(group)))
        before, after = group[:cut], group[cut:]
        terms.append(before + further + after)
        spelt.append(before + "..." * dots + after)
        shapes.append(tuple(draw(st.sampled_from([1, free[c]])) if c in free else lengths[c] for c in terms[-1]))
    used = sorted({c for term in terms for c in term if c not in free})
    kept = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    dots = any("..." in term for term in spelt)
    return ",".join(spelt) + "->" + "..." * dots + kept, shapes, dict(enumerate(terms))


@settings(drawn, max_examples=250)
@given(sums())
def test_einsum_and_its_gradient_by_the_naive_formula(case: Any) -> None:
    subscripts, shapes, terms = case
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [gd.tensor(a, requires_grad=True) for a in arrays]
    result = gd.einsum(subscripts, *tensors)
    wanted = np.einsum(subscripts, *arrays)
    np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=1e-10, atol=1e-10)
    g = rng.normal(size=result.shape)
    result.backward(g)
    # every index runs over its whole range: each operand, and g, is read at its own positions of that grid
    full = {"_": 1}
    for term, shape in zip(terms.values(), shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            full[letter] = max(n, full.get(letter, 1))
    grid = dict(zip(full, np.indices(tuple(full.values())), strict=True))
    out = [c for c in "yz" if c in full] + [c for c in subscripts.split("->")[1] if c != "."]

    def positions(letters: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
        return (grid["_"], *[grid[c] if n > 1 else 0 * grid[c] for c, n in zip(letters, shape, strict=True)])

    read = [a[None][positions(terms[i], a.shape)] for i, a in enumerate(arrays)]
    weight = g[None][positions(out, g.shape)]
    for i, tensor in enumerate(tensors):
        product = weight * np.prod([factor for j, factor in enumerate(read) if j != i], axis=0)
        gradient = np.zeros((1, *tensor.shape))
        np.add.at(gradient, positions(terms[i], tensor.shape), product)
        np.testing.assert_allclose(tensor.grad.numpy(), gradient[0], rtol=1e-9, atol=1e-9)
