"""Bad input to scan, norms, rounding, triangle and grids: the kind of error, and that its text says what to do."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError

X = gd.ones((2, 3))

CASES: list[tuple[Any, type[Exception], str]] = [
    (lambda: gd.hypot(X, gd.ones(2)), ShapeError, r"^hypot: shapes \(2, 3\) and \(2,\) do not broadcast: axis -1"),
    (lambda: gd.atan2(X, gd.ones(4)), ShapeError, r"^atan2: shapes"),
    (lambda: gd.logaddexp(X, gd.ones(4)), ShapeError, r"^logaddexp: shapes"),
    (lambda: gd.copysign(X, gd.ones(4)), ShapeError, r"^copysign: shapes"),
    (lambda: gd.nextafter(X, gd.ones(4)), ShapeError, r"^nextafter: shapes"),
    (lambda: gd.bitwise_left_shift(X, 1), DTypeError, r"^bitwise_left_shift: cannot take float32"),
    (lambda: gd.bitwise_right_shift(X, 1), DTypeError, r"^bitwise_right_shift: cannot take float32"),
    (lambda: gd.round(X, 1.5), TypeError, r"^round: decimals must be an integer, and 1\.5 is a float"),
    (lambda: gd.cumsum(X, 2), ShapeError, r"^cumsum: axis 2 is out of range for an array with 2 axes"),
    (lambda: gd.cumprod(X, -3), ShapeError, r"^cumprod: axis -3 is out of range"),
    (lambda: gd.cumsum(X, (0, 1)), ShapeError, r"^cumsum: axis must be an integer, and \(0, 1\) is a tuple"),
    (lambda: gd.cumsum(X, dtype="complex64"), DTypeError, r"complex64 is not supported"),
    (
        lambda: gd.cumulative_sum(X),
        ShapeError,
        r"^cumulative_sum: shape \(2, 3\) has 2 axes: say which with axis=; without it",
    ),
    (lambda: gd.cumulative_prod(1.0), ShapeError, r"^cumulative_prod: shape \(\) has 0 axes"),
    (lambda: gd.cumulative_sum(X, axis=2), ShapeError, r"^cumulative_sum: axis 2 is out of range"),
    (lambda: gd.prod(X, axis=(0, 0)), ShapeError, r"^prod: axis \(0, 0\) names an axis twice"),
    (lambda: gd.prod(X, axis=5), ShapeError, r"^prod: axis 5 is out of range"),
    (lambda: gd.std(gd.zeros((2, 0)), axis=1), ShapeError, r"^std: 0 elements along axis 1 of shape \(2, 0\)"),
    (lambda: gd.std(gd.ones(1), correction=1), ShapeError, r"^std: 1 elements .* correction=1.*or correction=0"),
    (lambda: gd.std(X, axis=2), ShapeError, r"^std: axis 2 is out of range"),
    (lambda: gd.norm(X, 0), ValueError, r"^norm: p must be a number greater than 0, and it is 0\. .*count_nonzero"),
    (lambda: gd.norm(X, -np.inf), ValueError, r"it is -inf\. .*min\(abs\(x\)\)"),
    (lambda: gd.norm(X, "fro"), ValueError, r"it is 'fro'"),
    (lambda: gd.norm(X, float("nan")), ValueError, r"it is nan"),
    (lambda: gd.norm(X, axis=3), ShapeError, r"^norm: axis 3 is out of range"),
    (lambda: gd.norm(gd.zeros(0), np.inf), ShapeError, r"^norm: shape \(0,\) has no elements along axis None"),
    (lambda: gd.count_nonzero(X, axis=2), ShapeError, r"^count_nonzero: axis 2 is out of range"),
    (lambda: gd.tril(gd.ones(3)), ShapeError, r"^tril: needs two axes or more, and shape \(3,\) has 1"),
    (lambda: gd.triu(1.0), ShapeError, r"^triu: needs two axes or more, and shape \(\) has 0"),
    (lambda: gd.tril(X, 0.5), TypeError, r"^tril: k is the number of a diagonal, an integer, and 0\.5 is a float"),
    (lambda: gd.triu(X, "a"), TypeError, r"^triu: k is the number"),
    (lambda: gd.meshgrid(X), ShapeError, r"^meshgrid: array 0 has shape \(2, 3\): .* ravel it first"),
    (
        lambda: gd.meshgrid([1, 2], indexing="yx"),
        ValueError,
        r'^meshgrid: indexing must be "xy" \(columns first\) or "ij" \(rows first\), and it is \'yx\'',
    ),
    (lambda: gd.one_hot([0, 3], 3), IndexError, r"^one_hot: the index 3 is not one of 3 classes, 0 to 2"),
    (lambda: gd.one_hot([-1], 3), IndexError, r"^one_hot: the index -1"),
    (lambda: gd.one_hot([0.0], 3), DTypeError, r"^one_hot: indices must be integers, and these are float32; .*astype"),
    (lambda: gd.one_hot([True], 3), DTypeError, r"these are bool"),
    (lambda: gd.one_hot([0], 2.5), ValueError, r"^one_hot: num_classes must be an integer, 0 or more, and it is 2\.5"),
    (lambda: gd.one_hot([0], -1), ValueError, r"and it is -1"),
]


@pytest.mark.parametrize(("call", "kind", "text"), CASES, ids=[text.lstrip("^")[:40] for *_, text in CASES])
def test_message(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()
