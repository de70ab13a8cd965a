"""What is called in the array API namespace, and in that of array-api-strict: the inputs, and a table of calls."""

from typing import Any

import numpy as np


class DType:
    """Stands for the dtype of that name in either namespace."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def alike(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The same value for several names."""
    return dict(zip(names, [value] * len(names), strict=True))


# Inputs: 0-d, empty, special values, several shapes and dtypes

RNG = np.random.default_rng(0)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.5, 2.5, -2.5, 1e-30])
FLOATS = [
    np.asarray(x, dtype)
    for dtype in ("float32", "float64")
    for x in (
        1.25,
        -0.5,
        np.zeros((0,)),
        np.zeros((2, 0, 3)),
        RNG.normal(size=(2, 3)),
        RNG.normal(size=(2, 3, 2)),
        SPECIAL,
    )
]
SIGNED = [
    np.asarray(x, dtype)
    for dtype in ("int8", "int16", "int32", "int64")
    for x in (3, -2, np.zeros((0, 2)), [[5, -7, 0], [2, 2, 1]])
]
UNSIGNED = [
    np.asarray(x, dtype) for dtype in ("uint8", "uint16", "uint32", "uint64") for x in (3, [[5, 7, 0], [2, 2, 1]])
]
INTS = SIGNED + UNSIGNED
BOOLS = [np.asarray(x, bool) for x in (True, np.zeros((0,)), [[True, False, True], [False, False, True]])]
NUMBERS = FLOATS + INTS
ALL = NUMBERS + BOOLS
ARRAYS = [x for x in ALL if x.ndim]
FINITE = [x for x in FLOATS if np.isfinite(x).all()]
FULL = [x for x in FINITE + INTS + BOOLS if x.size]

Call = tuple[tuple[Any, ...], dict[str, Any]]


def each(inputs: list[Any], *args: Any, **options: Any) -> list[Call]:
    return [((x, *args), options) for x in inputs]


def axes(inputs: list[Any], **options: Any) -> list[Call]:
    """Over all, over each axis from either end, over several; with and without keepdims."""
    made = []
    for x in inputs:
        choices: list[Any] = [None, *range(-x.ndim, x.ndim), *([(0, -1), ()] if x.ndim > 1 else [])]
        made += [((x,), {"axis": axis, "keepdims": keep, **options}) for axis in choices for keep in (False, True)]
    return made


def one_axis(inputs: list[Any], **options: Any) -> list[Call]:
    return [((x,), {"axis": axis, **options}) for x in inputs for axis in range(-x.ndim, x.ndim)]


def pairs(*kinds: list[Any], low: int | None = None) -> list[Call]:
    """Equal and differing dtypes of a kind, broadcast, and with Python numbers on either side."""
    made: list[Call] = []
    for kind in kinds:
        by_dtype = {str(x.dtype): [y for y in kind if y.dtype == x.dtype] for x in kind}
        names = list(by_dtype)
        for name, same in by_dtype.items():
            partner = by_dtype[names[(names.index(name) + 1) % len(names)]]
            for x in same:
                made += [
                    ((x, y if low is None else np.maximum(y, low)), {})
                    for y in (x, x[..., :1] if x.ndim else x, partner[0])
                ]
            number: Any = {"f": 2.5, "b": True}.get(same[0].dtype.kind, 3)
            made += [
                ((same[-1], number), {}),
                ((number, np.maximum(same[-1], low) if low is not None else same[-1]), {}),
            ]
    return [call for call in made if not mixed(call)]


def mixed(call: Call) -> bool:
    """Signed and unsigned 64-bit integers: the standard leaves undefined what they come to."""
    dtypes = {str(x.dtype) for x in call[0] if isinstance(x, np.ndarray)}
    return "uint64" in dtypes and bool(dtypes & {"int8", "int16", "int32", "int64"})


NUMERIC_PAIRS = pairs(FLOATS, SIGNED, UNSIGNED)
SMALL = [
    np.asarray(x, dtype) for dtype in ("int8", "int64", "uint8", "uint32") for x in (1, [[1, 0, 2]], np.zeros((0,)))
]
SORTED = np.array([-1.0, 0.0, 0.0, 2.0, 5.0])
KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]
REAL_DTYPES = [
    DType(n)
    for n in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
]

CALLS: dict[str, list[Call]] = {
    **alike(("abs", "sign", "square", "positive", "isfinite", "isinf", "isnan"), each(NUMBERS)),
    **alike(("ceil", "floor", "trunc", "round", "real", "conj"), each(NUMBERS)),
    "negative": each(FLOATS + SIGNED),
    **alike(
        (
            *(
                "acos",
                "acosh",
                "asin",
                "asinh",
                "atan",
                "atanh",
                "cos",
                "cosh",
                "exp",
                "expm1",
                "log",
                "log10",
                "log1p",
            ),
            *("log2", "reciprocal", "signbit", "sin", "sinh", "sqrt", "tan", "tanh"),
        ),
        each(FLOATS),
    ),
    **alike(("add", "subtract", "multiply", "maximum", "minimum"), NUMERIC_PAIRS),
    **alike(("less", "less_equal", "greater", "greater_equal"), NUMERIC_PAIRS),
    **alike(("equal", "not_equal"), NUMERIC_PAIRS + pairs(BOOLS)),
    **alike(("floor_divide", "remainder"), pairs(FINITE) + pairs(SIGNED, UNSIGNED, low=1)),
    **alike(("divide", "atan2", "copysign", "hypot", "logaddexp", "nextafter"), pairs(FLOATS)),
    "pow": pairs(FLOATS) + pairs(SMALL, low=0),
    **alike(("bitwise_and", "bitwise_or", "bitwise_xor"), pairs(SIGNED, UNSIGNED, BOOLS)),
    **alike(("bitwise_left_shift", "bitwise_right_shift"), pairs(SMALL, low=0)),
    "bitwise_invert": each(INTS + BOOLS),
    **alike(("logical_and", "logical_or", "logical_xor"), pairs(BOOLS)),
    "logical_not": each(BOOLS),
    "clip": [
        *each(NUMBERS, 1, 2),
        *each(NUMBERS, None, 2),
        *each(NUMBERS, min=1),
        *each(NUMBERS),
        ((FLOATS[4], FLOATS[4] - 1, FLOATS[4] + 1), {}),
    ],
    # creation
    "arange": [
        *[((n,), {}) for n in (0, 3, 2.5)],
        *[((1, 7, 2), {"dtype": d}) for d in REAL_DTYPES[1:]],
        ((5, 1, -1.5), {}),
        ((3,), {"device": None}),
    ],
    "asarray": [
        *each([1, 2.5, True, [1, 2], [[1.0], [2.0]], [], [True, False], *ALL]),
        *each([[1, 2]], dtype=DType("float32")),
        *each(ALL, copy=True),
        *each(ALL, copy=False),
    ],
    **alike(("zeros", "ones"), [((s,), {"dtype": d}) for s in ((), 3, (0,), (2, 3)) for d in (None, *REAL_DTYPES)]),
    **alike(("zeros_like", "ones_like"), each(ALL) + each(ALL, dtype=DType("int16"))),
    "empty": [((s,), {"dtype": d}) for s in ((), 3, (2, 0)) for d in (None, *REAL_DTYPES)],
    "empty_like": each(ALL) + each(ALL, dtype=DType("int16")),
    "full": [((s, v), {}) for s in ((), 3, (2, 0)) for v in (1, 2.5, True)]
    + [(((2,), 3), {"dtype": DType("float32")})],
    "full_like": each(FLOATS, 2.5) + each(INTS, 3) + each(BOOLS, True) + each(BOOLS, 3, dtype=DType("int8")),
    "eye": [((n, m), {"k": k}) for n in (0, 3) for m in (None, 2) for k in (-1, 0, 2)]
    + [((2,), {"dtype": DType("int8")})],
    "linspace": [((0, 1, n), {"endpoint": end}) for n in (0, 1, 5) for end in (True, False)]
    + [((0.0, 2, 3), {"dtype": DType("float32")})],
    "meshgrid": [
        ((x, x[:2]), {"indexing": i})
        for x in (np.arange(3), np.array([1.5, 2.5, 3.5]), np.arange(0))
        for i in ("xy", "ij")
    ],
    **alike(("tril", "triu"), [((x,), {"k": k}) for x in ALL if x.ndim > 1 for k in (-1, 0, 1)]),
    "from_dlpack": each(ALL) + each(ALL, copy=True),
    # dtypes
    "astype": [
        ((x, d), {"copy": copy})
        for x in [*FINITE, *INTS, *BOOLS]
        for d in REAL_DTYPES
        for copy in (True, False)
        if not d.name.startswith("u") or x.dtype.kind in "ub"  # negative numbers have no place among unsigned ones
    ],
    "can_cast": [((a, b), {}) for a in REAL_DTYPES for b in REAL_DTYPES] + [((FLOATS[0], DType("float64")), {})],
    "finfo": [((x,), {}) for x in (DType("float32"), DType("float64"), FLOATS[0])],
    "iinfo": [((x,), {}) for x in REAL_DTYPES[1:9]] + each(INTS[:1]),
    "isdtype": [((d, k), {}) for d in REAL_DTYPES for k in [*KINDS, ("bool", "real floating"), DType("int8")]]
    + [((DType("complex64"), k), {}) for k in KINDS],
    "result_type": [((a, a, b), {}) for a in REAL_DTYPES[1:5] for b in REAL_DTYPES[1:8]]
    + [((FLOATS[0], DType("float64")), {}), ((FLOATS[0], 1.5, 2), {}), ((INTS[0], 2), {}), ((BOOLS[0], True), {})],
    # shapes
    "broadcast_arrays": [((x, x[..., :1], np.asarray(x.dtype.type(1))), {}) for x in ARRAYS],
    "broadcast_shapes": [(((2, 1), (3,), ()), {}), (((0, 1), (1, 4)), {}), ((), {})],
    "broadcast_to": [((x, (2, *x.shape)), {}) for x in ALL],
    "concat": [(([x, x],), {"axis": a}) for x in ARRAYS for a in (0, -1, None)]
    + [(((FLOATS[4], FLOATS[11]),), {"axis": 1}), (([SIGNED[3], SIGNED[7]],), {})],
    "stack": [(([x, x],), {"axis": a}) for x in ALL for a in (0, -1)],
    "expand_dims": [((x,), {"axis": a}) for x in ALL for a in (0, -1, x.ndim)],
    "flip": each(ALL) + one_axis(ARRAYS) + each([x for x in ALL if x.ndim > 1], axis=(0, 1)),
    "moveaxis": [((x, 0, -1), {}) for x in ARRAYS] + [((FLOATS[5], (0, 1), (-1, 0)), {})],
    "permute_dims": [((x, tuple(range(x.ndim))[::-1]), {}) for x in ALL],
    "repeat": each(ARRAYS, 2) + each(ARRAYS, 2, axis=0) + [((FLOATS[4], np.array([1, 0, 2])), {"axis": 1})],
    "reshape": [((x, (-1,)), {"copy": c}) for x in ALL if x.size for c in (None, True, False)]
    + [((x, (x.size, 1)), {}) for x in ALL],
    "roll": each(ALL, 1) + each(ARRAYS, -1, axis=0) + each([x for x in ALL if x.ndim > 1], (1, 2), axis=(0, -1)),
    "squeeze": [((x[None],), {"axis": 0}) for x in ALL] + [((FLOATS[0][None, None],), {"axis": (0, 1)})],
    "tile": each(ALL, (2, 1, 2)) + each(ALL, (2,)) + each(ALL, (0,)),
    "unstack": one_axis(ARRAYS),
    # positions
    **alike(
        ("argmax", "argmin"),
        [call for call in axes([x for x in NUMBERS if x.size]) if not isinstance(call[1]["axis"], tuple)],
    ),
    "nonzero": each(ARRAYS),
    "count_nonzero": axes(ALL),
    "searchsorted": [
        ((SORTED, x), {"side": side})
        for x in (np.array([0.0, 9.0]), np.array(2.0), np.zeros((0, 2)))
        for side in ("left", "right")
    ]
    + [((SORTED[::-1].copy(), SORTED), {"sorter": np.arange(5)[::-1].copy()}), ((np.arange(4), np.array([2, 7])), {})],
    "take": [((x, np.array(i)), {"axis": a}) for x in FULL if x.ndim for a in (0, -1) for i in ([0, 0], [-1], [1, 0])],
    "take_along_axis": [((x, np.zeros_like(x, int)), {"axis": a}) for x in FULL if x.ndim for a in (0, -1)],
    "where": [((x > 0, x, x[..., :1]), {}) for x in ARRAYS if x.dtype.kind != "b"]
    + [((BOOLS[2], 1.5, FLOATS[4]), {}), ((BOOLS[2], SIGNED[3], 0), {}), ((BOOLS[0], BOOLS[0], False), {})],
    **alike(
        ("unique_all", "unique_counts", "unique_inverse", "unique_values"),
        each([x for x in ALL if x.shape != SPECIAL.shape] + [SPECIAL[:4]]),
    ),
    "isin": [((x, x[..., :1] if x.ndim else x), {}) for x in INTS] + [((SIGNED[3], 2), {})],
    **alike(
        ("sort", "argsort"),
        [
            ((x,), {"axis": a, "descending": down, "stable": True})
            for x in FINITE + INTS
            for a in range(-x.ndim, x.ndim)
            for down in (False, True)
        ],
    ),
    # sums
    "sum": axes(NUMBERS) + each(INTS, dtype=DType("float32")) + each(FLOATS, dtype=DType("float64")),
    "prod": axes(NUMBERS) + each(INTS, dtype=DType("float32")) + each(FLOATS, dtype=DType("float64")),
    "mean": axes(FLOATS),
    **alike(("var", "std"), axes(FLOATS) + axes(FLOATS, correction=1.0)),
    **alike(("max", "min"), axes([x for x in NUMBERS if x.size])),
    **alike(("all", "any"), axes(ALL)),
    **alike(
        ("cumulative_sum", "cumulative_prod"),
        one_axis([x for x in NUMBERS if x.ndim])
        + one_axis([x for x in NUMBERS if x.ndim], include_initial=True)
        + each([np.arange(4), np.arange(4, dtype="int8"), SPECIAL[3:]])
        + each([np.arange(4)], dtype=DType("float32")),
    ),
    "diff": one_axis([x for x in NUMBERS if x.ndim], n=2)
    + one_axis([x for x in NUMBERS if x.ndim])
    + [((x,), {"prepend": x, "append": x[..., :1]}) for x in NUMBERS if x.ndim],
    # products
    "matmul": [((x, x.swapaxes(-1, -2)), {}) for x in FINITE + INTS if x.ndim > 1]
    + [((x[0], x[0]), {}) for x in FINITE + INTS if x.ndim == 2 and len(x)]
    + [((x, x[0]), {}) for x in FINITE + INTS if x.ndim == 2 and len(x)],
    "matrix_transpose": each([x for x in ALL if x.ndim > 1]),
    "tensordot": [
        ((x, x), {"axes": a}) for x in FINITE + INTS for a in (0, x.ndim, (list(range(x.ndim)), list(range(x.ndim))))
    ],
    "vecdot": [((x, x), {}) for x in FINITE + INTS if x.ndim] + [((FLOATS[4], FLOATS[4]), {"axis": -2})],
}

# square matrices, of full rank and well conditioned, alone and in batches; symmetric and positive ones of them
SQUARE = [
    (RNG.normal(size=(*batch, n, n)) + 3 * np.eye(n)).astype(dtype)
    for dtype in ("float32", "float64")
    for batch, n in (((), 1), ((), 3), ((2,), 2), ((2, 1), 3), ((0,), 2), ((), 0))
]
POSITIVE = [x @ x.swapaxes(-1, -2) for x in SQUARE]
TALL_AND_WIDE = [
    RNG.normal(size=shape).astype(dtype) for dtype in ("float32", "float64") for shape in ((3, 2), (2, 3), (2, 4, 2))
]
FILLED = [x for x in SQUARE if x.size] + TALL_AND_WIDE

LINALG: dict[str, list[Call]] = {
    **{name: CALLS[name] for name in ("matmul", "matrix_transpose", "tensordot", "vecdot")},
    "cholesky": each(POSITIVE) + each(POSITIVE, upper=True),
    "cross": [((x, x[::-1]), {}) for x in (np.eye(3), np.arange(6).reshape(2, 3))]
    + [((FLOATS[5], FLOATS[5][:1]), {"axis": -2}), ((FLOATS[4], FLOATS[11][0]), {})],
    **alike(("det", "inv", "slogdet"), each(SQUARE)),
    "diagonal": [((x,), {"offset": k}) for x in ALL if x.ndim > 1 for k in (-1, 0, 1)],
    **alike(("eigh", "eigvalsh"), each([x for x in POSITIVE if x.size])),
    "matrix_norm": [
        ((x,), {"ord": p, "keepdims": keep})
        for x in FILLED
        for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
        for keep in (False, True)
    ],
    "matrix_power": [((x, n), {}) for x in SQUARE for n in (-2, -1, 0, 1, 3)],
    "matrix_rank": each(FILLED) + each(FILLED, rtol=0.9) + each([np.ones((3, 3))]),
    "outer": [((x, x), {}) for x in FINITE + INTS if x.ndim == 1] + [((FLOATS[4][0], FLOATS[4][1]), {})],
    "pinv": each(FILLED) + each(FILLED, rtol=0.9),
    "qr": each(FILLED) + each(FILLED, mode="complete"),
    "solve": [((x, x[..., :1]), {}) for x in SQUARE]
    + [((SQUARE[1], SQUARE[1][0]), {}), ((SQUARE[3], SQUARE[3][0]), {})],
    "svd": each(FILLED, full_matrices=False) + each(FILLED),
    "svdvals": each(FILLED),
    "trace": [((x,), {"offset": k}) for x in NUMBERS if x.ndim > 1 for k in (-1, 0, 1)]
    + each([SIGNED[3]], dtype=DType("float32")),
    "vector_norm": [(args, {**options, "ord": p}) for args, options in axes(FINITE) for p in (2, 1, 3.5)]
    + [(args, {**o, "ord": p}) for args, o in axes([x for x in FINITE if x.size]) for p in (np.inf, -np.inf, 0, -1)],
}
