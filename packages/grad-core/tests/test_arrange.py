"""What the battery does not see: shared memory, ties, NaN, several results at once, and how einsum does its work."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import InPlaceError
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")

VIEWS: list[tuple[str, Any]] = [
    ("split", lambda x: gd.split(x, 2)[1]),
    ("split elsewhere", lambda x: gd.split(x, [1, 3], axis=1)[1]),
    ("unstack", lambda x: gd.unstack(x)[2]),
    ("unstack columns", lambda x: gd.unstack(x, axis=-1)[2]),
    ("flip", gd.flip),
    ("diagonal", gd.diagonal),
    ("diagonal below", lambda x: gd.diagonal(x, -1)),
    ("einsum transpose", lambda x: gd.einsum("ij->ji", x)),
    ("einsum diagonal", lambda x: gd.einsum("ii->i", x)),
]
by_view = pytest.mark.parametrize("view", [v for _, v in VIEWS], ids=[name for name, _ in VIEWS])


@by_view
def test_a_view_shares_memory(view: Any) -> None:
    x = gd.tensor(np.arange(16.0).reshape(4, 4))
    assert np.shares_memory(view(x).data, x.data)


@by_view
def test_a_change_of_the_base_is_noticed_through_a_view(view: Any) -> None:
    x = gd.tensor(np.arange(16.0).reshape(4, 4))
    weight = gd.tensor(2.0, requires_grad=True)
    y = (view(x) * weight).sum()
    x.data += 1
    with pytest.raises(InPlaceError, match="multiply"):
        y.backward()


def test_a_change_through_a_part_is_noticed() -> None:
    x = gd.ones((4, 2))
    weight = gd.tensor(2.0, requires_grad=True)
    y = (x * weight).sum()
    gd.split(x, 2)[0].data += 1
    with pytest.raises(InPlaceError):
        y.backward()


@pytest.mark.parametrize("cut", [lambda x: gd.split(x, 50), gd.unstack], ids=["split", "unstack"])
def test_all_parts_together_are_one_step_back(cut: Any) -> None:
    """Not one array of zeros for each part: that would make loops over time quadratic."""
    x = gd.ones((50, 3), requires_grad=True)
    parts = cut(x)
    assert len({id(part._node) for part in parts}) == 1
    gd.concat([part.reshape(3) * i for i, part in enumerate(parts)]).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.repeat(np.arange(50.0), 3).reshape(50, 3))


def test_nothing_to_take_apart() -> None:
    assert gd.unstack(gd.ones((0, 2), requires_grad=True)) == ()


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "bool"])
def test_dtypes_that_are_kept(dtype: str) -> None:
    x = gd.tensor(np.array([[1, 0, 1], [0, 0, 1]]).astype(dtype))
    results = [
        *gd.split(x, 2),
        *gd.unstack(x),
        gd.diagonal(x),
        gd.repeat(x, 2),
        gd.tile(x, 2),
        gd.flip(x),
        gd.roll(x, 1),
        gd.pad(x, 1),
        gd.pad(x, 1, "edge"),
        gd.take(x, [0]),
        gd.take_along_axis(x, [[0]]),
        gd.masked_fill(x, True, 1),
        gd.sort(x),
        gd.topk(x, 1).values,
        gd.unique_values(x),
        gd.dot(x, x.mT),
        gd.einsum("ij->j", x) if dtype != "bool" else x,  # sums of booleans are counts
    ]
    assert {str(r.dtype) for r in results} == {dtype}
    for positions in (gd.argsort(x), gd.topk(x, 1).indices, gd.searchsorted(x[0], x), gd.unique_counts(x).counts):
        assert positions.dtype == np.int64


# function, input, result, gradient for the cotangent 1, 10, 100, ...
ORDER: list[tuple[str, Any, list[float], list[float], list[float]]] = [
    ("sort ties", gd.sort, [2, 1, 2, 1], [1, 1, 2, 2], [100, 1, 1000, 10]),
    ("sort ties down", lambda x: gd.sort(x, descending=True), [2, 1, 2, 1], [2, 2, 1, 1], [1, 100, 10, 1000]),
    ("sort NaN", gd.sort, [NAN, 1, NAN, 0], [0, 1, NAN, NAN], [100, 10, 1000, 1]),
    ("sort NaN down", lambda x: gd.sort(x, descending=True), [1, NAN, 2], [NAN, 2, 1], [100, 1, 10]),
    ("topk ties", lambda x: gd.topk(x, 2)[0], [1, 3, 3, 3], [3, 3], [0, 1, 10, 0]),
    ("topk smallest ties", lambda x: gd.topk(x, 1, largest=False)[0], [1, 0, 0], [0], [0, 1, 0]),
    # twelve elements, so that the few are found without sorting all
    ("topk NaN", lambda x: gd.topk(x, 1)[0], [1, NAN, 2] + [0] * 9, [NAN], [0, 1] + [0] * 10),
    ("topk under NaN", lambda x: gd.topk(x, 2)[0], [1, NAN, 2] + [0] * 9, [NAN, 2], [0, 1, 10] + [0] * 9),
    ("topk ties under NaN", lambda x: gd.topk(x, 2)[0], [2, 2, NAN] + [0] * 9, [NAN, 2], [10, 0, 1] + [0] * 9),
    ("topk ties", lambda x: gd.topk(x, 2)[0], [0, 3, 1, 3, 3] + [0] * 7, [3, 3], [0, 1, 0, 10] + [0] * 8),
    ("topk smallest", lambda x: gd.topk(x, 1, largest=False)[0], [1, NAN, 0] + [2] * 9, [0], [0, 0, 1] + [0] * 9),
    ("topk all NaN", lambda x: gd.topk(x, 1, largest=False)[0], [NAN] * 12, [NAN], [1] + [0] * 11),
]


@pytest.mark.parametrize(("function", "at", "wanted", "gradient"), [r[1:] for r in ORDER], ids=[r[0] for r in ORDER])
def test_ties_and_nan_in_order(function: Any, at: Any, wanted: Any, gradient: Any) -> None:
    x = gd.tensor(at, dtype="float64", requires_grad=True)
    y = function(x)
    y.backward(10.0 ** np.arange(len(wanted)))
    np.testing.assert_array_equal(y.detach().numpy(), wanted)
    np.testing.assert_array_equal(x.grad.numpy(), gradient)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 4) | st.just(NAN), min_size=1, max_size=20), st.integers(0, 20), st.booleans())
def test_topk_is_the_start_of_a_sort(numbers: list[float], k: int, largest: bool) -> None:
    x = gd.tensor(np.array([numbers, numbers[::-1]], float))
    k = min(k, len(numbers))
    found = gd.topk(x, k, largest=largest)
    np.testing.assert_array_equal(found.indices, gd.argsort(x, descending=largest)[:, :k])
    np.testing.assert_array_equal(found.values, gd.sort(x, descending=largest)[:, :k])


def test_each_nan_is_different() -> None:
    x = gd.tensor([NAN, 1.0, NAN])
    np.testing.assert_array_equal(gd.unique_values(x), [1, NAN, NAN])
    np.testing.assert_array_equal(gd.unique_counts(x).counts, [1, 1, 1])


def test_masked_fill_stops_the_gradient_even_of_infinities() -> None:
    x = gd.tensor([0.0, 4.0], requires_grad=True)
    value = gd.tensor(7.0, dtype="float64", requires_grad=True)
    y = gd.masked_fill(x, [True, False], value)
    assert y.dtype == x.dtype
    y.backward([np.inf, 3.0])
    np.testing.assert_array_equal(x.grad, [0, 3])
    assert value.grad.dtype == np.float64
    assert value.grad.item() == np.inf


def _looped(op: Any, x: Any, indices: Any, **params: Any) -> Any:
    return np.stack([op.forward(*pair, **params) for pair in zip(x, indices, strict=True)])


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_a_batch_of_positions(axes: tuple[int | None, int | None]) -> None:
    """The battery makes batches of floats only; here the positions differ between the entries too."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3, 4))
    order = np.argsort(rng.normal(size=(5, 3, 4)), axis=-1)
    one = [a if axis is not None else a[0] for a, axis in zip((x, order), axes, strict=True)]
    every = [
        a if axis is not None else np.broadcast_to(a[0], a.shape) for a, axis in zip((x, order), axes, strict=True)
    ]
    taking = gd.ops.pick._take_along
    weight = rng.normal(size=(5, 3, 4))
    for distinct in (True, False):
        result, axis = extend.push_batch(taking, one, axes, {"axis": -1, "distinct": distinct})
        assert axis == 0
        np.testing.assert_array_equal(result, _looped(taking, *every, axis=-1, distinct=distinct))
        params = {"axis": -1, "shape": (3, 4), "distinct": distinct}
        result, axis = extend.push_batch(gd.ops.pick._put_along, one, axes, params)
        np.testing.assert_allclose(result, _looped(gd.ops.pick._put_along, *every, **params))
        tracked = gd.tensor(one[0], requires_grad=True)
        batched, _ = extend.push_batch(taking, [tracked, one[1]], axes, {"axis": -1, "distinct": distinct})
        batched.backward(weight)
        back = np.zeros_like(x)
        for i in range(5):
            np.put_along_axis(back[i], every[1][i], weight[i], -1)
        np.testing.assert_allclose(tracked.grad, back if axes[0] is not None else back.sum(0))


@pytest.mark.parametrize("axes", [(0, 1), (1, None), (None, 0)])
def test_a_batch_of_rows_to_take(axes: tuple[int | None, int | None]) -> None:
    rng = np.random.default_rng(0)
    x, indices = rng.normal(size=(4, 3, 2)), rng.integers(0, 3, (4, 5))
    given = [a[0] if axis is None else np.moveaxis(a, 0, axis) for a, axis in zip((x, indices), axes, strict=True)]
    every = [np.broadcast_to(a[0], a.shape) if axis is None else a for a, axis in zip((x, indices), axes, strict=True)]
    result, axis = extend.push_batch(gd.ops.pick._take, given, axes, {"axis": 0})
    np.testing.assert_array_equal(np.moveaxis(result.numpy(), axis, 0), [a[i] for a, i in zip(*every, strict=True)])
    given[0] = np.repeat(given[0], [1, 2, 2], -2 if axes[0] != 1 else 0)  # an entry for each of the 5 positions
    every[0] = np.repeat(every[0], [1, 2, 2], 1)
    result, axis = extend.push_batch(gd.ops.pick._put, given, axes, {"axis": 0, "length": 3})
    wanted = np.zeros((4, 3, 2))
    for out, values, i in zip(wanted, *every, strict=True):
        np.add.at(out, i, values)
    np.testing.assert_allclose(np.moveaxis(result.numpy(), axis, 0), wanted)


def _contractions(*call: Any) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []

    def record(op: Any, inputs: Any, params: Any, outs: Any) -> None:
        if op.name == "contract":
            shapes.append(outs[0].shape)

    with extend.recording(record):
        gd.einsum(*call)
    return shapes


def test_three_operands_are_taken_in_a_good_order() -> None:
    """(100 x 2)(2 x 100)(100 x 3): from the left it would make a matrix of 100 x 100."""
    shapes = _contractions("ij,jk,kl->il", gd.ones((100, 2)), gd.ones((2, 100)), gd.ones((100, 3)))
    assert shapes == [(2, 3), (100, 3)]


def test_many_operands_and_more_axes_than_letters() -> None:
    x = np.random.default_rng(0).normal(size=(7, 2, 2))
    wanted = np.linalg.multi_dot(list(x))
    np.testing.assert_allclose(gd.einsum("ab,bc,cd,de,ef,fg,gh->ah", *x), wanted, rtol=1e-12)
    wide = np.ones((1,) * 30)
    letters = "abcdefghijklmnopqrstuvwxyzABCD"
    assert gd.einsum(f"{letters},...->...", wide, wide).shape == (1,) * 30
    assert gd.einsum(f"{letters},...,->...", wide, wide, 3.0).item() == 3.0


def test_a_matrix_product_copies_no_operand() -> None:
    """Attention's axes in any order go to NumPy's matmul as views."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2, 5, 3, 4))
    op = gd.ops._contract.contract
    seen = []
    original = np.matmul

    def matmul(a: Any, b: Any) -> Any:
        seen.append((np.shares_memory(a, x), np.shares_memory(b, y)))
        return original(a, b)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "matmul", matmul)
        result = op.forward(x, y, left=(0, 1, 2, 3), right=(0, 4, 2, 3), kept=(0, 2, 1, 4))
    assert seen == [(True, True)]
    np.testing.assert_allclose(result, np.einsum("bqhd,bkhd->bhqk", x, y), rtol=1e-12)


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij,jk->ki", "bij,bjk->bki", "i,j->ji"])
def test_results_are_laid_out_in_order(subscripts: str) -> None:
    """Whatever follows is slower on axes out of order."""
    x, y = (gd.ones((2,) * len(term)) for term in subscripts.split("->")[0].split(","))
    assert gd.einsum(subscripts, x, y).data.flags.c_contiguous


@st.composite
def _sums(draw: Any) -> tuple[str, list[tuple[int, ...]]]:
    lengths = {letter: draw(st.integers(0, 3)) for letter in "abcd"}
    count = draw(st.integers(1, 4))
    groups = [draw(st.text("abcd", max_size=3)) for _ in range(count)]
    dots = [draw(st.booleans()) for _ in range(count)]
    used = sorted(set("".join(groups)))
    subscripts = ",".join(group + "..." * dot for group, dot in zip(groups, dots, strict=True))
    if draw(st.booleans()):
        kept = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
        subscripts += "->" + "..." * any(dots) + "".join(kept)
    free = (2, 3)
    shapes = []
    for group, dot in zip(groups, dots, strict=True):
        further = tuple(draw(st.sampled_from([1, n])) for n in free[draw(st.integers(0, 2)) :]) if dot else ()
        shapes.append((*[lengths[letter] for letter in group], *further))
    return subscripts, shapes


@settings(max_examples=300, deadline=None)
@given(_sums())
def test_einsum_is_that_of_numpy(case: tuple[str, list[tuple[int, ...]]]) -> None:
    subscripts, shapes = case
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    wanted = np.einsum(subscripts, *arrays)
    tensors = [gd.tensor(a, requires_grad=True) for a in arrays]
    result = gd.einsum(subscripts, *tensors)
    assert result.shape == np.shape(wanted)
    np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=1e-9, atol=1e-9)
    # the gradient of a product of sums is linear in each operand: its product with that operand is the result again
    weight = rng.normal(size=result.shape)
    result.backward(weight)
    for tensor, array in zip(tensors, arrays, strict=True):
        np.testing.assert_allclose((tensor.grad.numpy() * array).sum(), (wanted * weight).sum(), rtol=1e-9, atol=1e-9)
