"""Bad input to the functions that cut, repeat, frame, choose, sort and contract: the error and its text."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

X = gd.ones((2, 3))
V = gd.ones(3)

CASES: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: gd.split(X, 2, axis=1),
        ShapeError,
        r"split: axis 1 of shape \(2, 3\) has length 3, which 2 equal parts do not make; give the positions",
    ),
    (lambda: gd.split(X, 0), ShapeError, "which 0 equal parts do not make"),
    (lambda: gd.split(X, 1.5), ShapeError, r"split: the number of parts is an integer, and 1\.5 is a float"),
    (lambda: gd.split(V, [0.5]), ShapeError, r"split: a position to cut at is an integer"),
    (lambda: gd.split(V, [2, 1]), ShapeError, r"split: the positions \[2, 1\] in a length of 3 decrease, .* sort them"),
    (lambda: gd.split(X, 2, axis=2), ShapeError, "split: axis 2 is out of range"),
    (lambda: gd.unstack(gd.ones(())), ShapeError, "unstack: axis 0 is out of range for an array with 0 axes"),
    (lambda: gd.diagonal(V), ShapeError, r"diagonal: needs two axes or more, and shape \(3,\) has 1"),
    (lambda: gd.diagonal(X, 0, 1, -1), ShapeError, r"diagonal: axis \(1, -1\) names an axis twice"),
    (lambda: gd.diagonal(X, 0.5), ShapeError, r"diagonal: offset is an integer, and 0\.5 is a float"),
    (lambda: gd.repeat(X, -1), ShapeError, "repeat: repeats are integers of 0 or more, one or one for each entry, not"),
    (lambda: gd.repeat(X, 1.5), ShapeError, "repeat: repeats are integers"),
    (lambda: gd.repeat(X, [[1, 2]]), ShapeError, "repeat: repeats are integers"),
    (
        lambda: gd.repeat(X, [1, 2], axis=1),
        ShapeError,
        r"repeat: 2 repeats for the 3 entries along axis 1 of shape \(2, 3\): give one for all",
    ),
    (lambda: gd.repeat(X, 2, axis=2), ShapeError, "repeat: axis 2 is out of range"),
    (lambda: gd.tile(X, (2, -1)), ShapeError, r"tile: repetitions are 0 or more, and these are \(2, -1\)"),
    (lambda: gd.tile(X, "a"), ShapeError, "tile: a repetition is an integer, and 'a' is a str"),
    (
        lambda: gd.broadcast_arrays(X, gd.ones((2, 4)), V),
        ShapeError,
        r"broadcast_arrays: shapes \(2, 3\) and \(2, 4\) and \(3,\) do not broadcast: axis -1 has lengths 3 and 4",
    ),
    (lambda: gd.nonzero(gd.ones(())), ShapeError, r"nonzero: a 0-d array has no positions; compare it with 0, or resh"),
    (lambda: gd.diff(gd.ones(())), ShapeError, "diff: axis -1 is out of range"),
    (
        lambda: gd.diff(V, -1),
        ValueError,
        "diff: n is how often to take differences, an integer of 0 or more",
    ),
    (lambda: gd.diff(V, 0.5), ValueError, "diff: n is how often"),
    (lambda: gd.diff(V > 0), DTypeError, r"diff: booleans have no differences; cast them, x.astype\('int64'\), or"),
    (lambda: gd.diff(X, append=V), ShapeError, "must have as many axes"),
    (lambda: gd.flip(X, 2), ShapeError, "flip: axis 2 is out of range"),
    (lambda: gd.flip(X, (0, 0)), ShapeError, "names an axis twice"),
    (lambda: gd.roll(X, (1, 2, 3), (0, 1)), ShapeError, r"roll: 3 shifts, \(1, 2, 3\), for 2 axes, \(0, 1\)"),
    (lambda: gd.roll(X, 0.5, 0), ShapeError, "roll: a shift is an integer"),
    (lambda: gd.roll(X, 1, 2), ShapeError, "roll: axis 2 is out of range"),
    (
        lambda: gd.pad(X, -1),
        ShapeError,
        r"pad: pad_width is one integer of 0 or more, a pair \(before, after\), or a pair for each of the 2 axes",
    ),
    (lambda: gd.pad(X, 1.5), ShapeError, r"and this is 1\.5"),
    (lambda: gd.pad(X, ((1, 1), (1, 1), (1, 1))), ShapeError, "for each of the 2 axes"),
    (lambda: gd.pad(X, 1, "mean"), ValueError, "pad: mode 'mean' is not one of constant, edge, reflect"),
    (lambda: gd.pad(X, 1, constant_values=(1, 2)), ValueError, r"pad: constant_values is one number, and this is \(1"),
    (
        lambda: gd.pad(gd.ones((2, 0)), 1, "edge"),
        ShapeError,
        r"pad: axis 1 of shape \(\d, 0\) has no elements that 'edge' could continue",
    ),
    (
        lambda: gd.take(X, [0, 3], axis=1),
        IndexError,
        r"take: index 3 is out of range for axis 1 of shape \(2, 3\), of length 3 \(allowed: -3 to 2\)",
    ),
    (lambda: gd.take(X, [-4, 1], axis=1), IndexError, "take: index -4 is out of range"),
    (lambda: gd.take(gd.ones(0), 0), IndexError, "allowed: none: it is empty"),
    (lambda: gd.take(X, 0.5), DTypeError, "take: indices are integers, and these are float32; cast them with astype"),
    (lambda: gd.take(X, [True]), DTypeError, r"take: .* bool; choose by a mask with x\[mask\]"),
    (lambda: gd.take(X, 0, axis=2), ShapeError, "take: axis 2 is out of range"),
    (
        lambda: gd.take_along_axis(X, [0]),
        ShapeError,
        r"take_along_axis: indices of shape \(1,\) need as many axes as x, of shape \(2, 3\); .* use take",
    ),
    (
        lambda: gd.take_along_axis(X, np.zeros((3, 1), int)),
        ShapeError,
        r"take_along_axis: shapes \(2, 3\) and \(3, 1\) do not fit: on axis 0 the lengths 2 and 3 must be equal or 1",
    ),
    (lambda: gd.take_along_axis(X, [[3]]), IndexError, "take_along_axis: index 3 is out of range for axis 1"),
    (lambda: gd.take_along_axis(X, [[0.0]]), DTypeError, "take_along_axis: indices are integers"),
    (lambda: gd.take_along_axis(gd.ones(()), 0), ShapeError, "take_along_axis: axis -1 is out of range"),
    (lambda: gd.masked_fill(X, [1, 0, 1], 0), DTypeError, "masked_fill: a mask is boolean, and this one is int64"),
    (
        lambda: gd.masked_fill(gd.arange(2), [True, False], 0.5),
        DTypeError,
        "masked_fill: a value of dtype float32 does not go into int64; cast x first",
    ),
    (
        lambda: gd.masked_fill(X, [True, False], 0),
        ShapeError,
        r"masked_fill: the mask has shape \(2,\), which does not broadcast to \(2, 3\)",
    ),
    (lambda: gd.masked_fill(V, True, X), ShapeError, r"masked_fill: the value has shape \(2, 3\)"),
    (lambda: gd.sort(gd.ones(())), ShapeError, "sort: axis -1 is out of range for an array with 0 axes"),
    (lambda: gd.argsort(X, 2), ShapeError, "argsort: axis 2 is out of range"),
    (lambda: gd.topk(X, 4), ShapeError, r"topk: k=4 of axis 1 of shape \(2, 3\), which has 3 elements"),
    (lambda: gd.topk(X, -1), ShapeError, "topk: k=-1 of axis 1"),
    (lambda: gd.topk(X, 1.0), ShapeError, r"topk: k is an integer, and 1\.0 is a float"),
    (lambda: gd.topk(X, 1, 2), ShapeError, "topk: axis 2 is out of range"),
    (
        lambda: gd.searchsorted(X, 1.0),
        ShapeError,
        r"searchsorted: x has one axis, and shape \(2, 3\) has 2",
    ),
    (lambda: gd.searchsorted(V, 1.0, side="up"), ValueError, "searchsorted: side is 'left' or 'right', not 'up'"),
    (lambda: gd.searchsorted(V, 1.0, sorter=V), DTypeError, "searchsorted: a sorter holds the 3 positions that sort x"),
    (lambda: gd.searchsorted(V, 1.0, sorter=[0]), DTypeError, r"and this is int64 of shape \(1,\)"),
    (
        lambda: gd.dot(X, X),
        ShapeError,
        r"dot: shapes \(2, 3\) and \(2, 3\) do not fit: axis 1 of the first has length 3, axis 0 of the second 2",
    ),
    (lambda: gd.tensordot(X, X, 1), ShapeError, r"tensordot: shapes \(2, 3\) and \(2, 3\) do not fit: axis 1"),
    (lambda: gd.tensordot(X, V, 2), ShapeError, r"tensordot: axes=2 of shapes \(2, 3\) and \(3,\): both need so many"),
    (lambda: gd.tensordot(X, X, (0, 1, 2)), ShapeError, r"tensordot: axes is a number or a pair, .* \(0, 1, 2\)"),
    (lambda: gd.tensordot(X, X, "ab"), ShapeError, "tensordot: axes is a number or a pair, .* 'ab'"),
    (lambda: gd.tensordot(X, X, ((0, 1), (0,))), ShapeError, r"tensordot: 2 axes of x, \(0, 1\), and 1 of y, \(0,\)"),
    (lambda: gd.tensordot(X, X, ((0, 0), (0, 0))), ShapeError, "names an axis twice"),
    (
        lambda: gd.vecdot(X, gd.ones((2, 2))),
        ShapeError,
        r"vecdot: shapes \(2, 3\) and \(2, 2\) have lengths 3 and 2 along axis -1, and they must be equal",
    ),
    (lambda: gd.vecdot(X, gd.ones(())), ShapeError, "vecdot: axis -1 is out of range"),
    (lambda: gd.vecdot(X, gd.ones((3, 3))), ShapeError, r"vecdot: axis -1 of \.\.\. has lengths 2 and 3"),
    (lambda: gd.einsum(X, "ij"), ShapeError, r"einsum: subscripts come first, as in einsum\(\"ij,jk->ik\", x, y\)"),
    (lambda: gd.einsum("ij,jk", X), ShapeError, "einsum: 'ij,jk' has 2 operands, and 1 were given"),
    (lambda: gd.einsum("ij"), ShapeError, "einsum: 'ij' has 1 operands, and 0 were given"),
    (
        lambda: gd.einsum("i", X),
        ShapeError,
        r"einsum: 'i' names 1 axes for the operand of shape \(2, 3\), which has 2; write \.\.\. for further axes",
    ),
    (lambda: gd.einsum("ij", V), ShapeError, r"einsum: 'ij' names 2 axes for the operand of shape \(3,\)"),
    (lambda: gd.einsum("...ijk", X), ShapeError, "einsum: '...ijk' names 3 or more axes"),
    (lambda: gd.einsum("ij->ik", X), ShapeError, "the result has the letter 'k', which no operand has"),
    (lambda: gd.einsum("ij->ii", X), ShapeError, "the result has the letter 'i' twice"),
    (lambda: gd.einsum("i...->i", X), ShapeError, r"operands have axes for \.\.\., so the result needs \.\.\. too"),
    (lambda: gd.einsum("i1", X), ShapeError, "einsum: 'i1': '1' is not a letter; axes are a-z and A-Z"),
    (lambda: gd.einsum("i.j", X), ShapeError, r"'\.' is not a letter"),
    (lambda: gd.einsum("ij->i->j", X), ShapeError, "'-' is not a letter"),
    (
        lambda: gd.einsum("ij,jk", X, X),
        ShapeError,
        r"einsum: 'ij,jk': the letter 'j' has lengths 3 and 2 in shapes \(2, 3\) and \(2, 3\); lengths of 1 broadcast",
    ),
    (lambda: gd.einsum("ij,jk", X, gd.ones((1, 2))), ShapeError, "squeeze the axis away, and leave out its letter"),
    (lambda: gd.einsum("ii", X), ShapeError, "the letter 'i' has lengths 2 and 3"),
    (lambda: gd.einsum("...,...,...", gd.ones(1), gd.ones(2), V), ShapeError, r"axis -1 of \.\.\. has lengths 2 and 3"),
    (lambda: gd.einsum("...i,...i", X, gd.ones((3, 3))), ShapeError, r"axis -1 of \.\.\. has lengths 2 and 3"),
]


@pytest.mark.parametrize(("call", "error", "text"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_bad_input(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
