"""The array API namespace against array-api-strict: every function that has a name there, and every operator."""

import inspect
import operator
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import array_api_strict as strict
import grad_core as gd
import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from array_api_calls import ALL, CALLS, FLOATS, LINALG, REAL_DTYPES, Call, DType, alike

compared = {"calls": 0}


@pytest.fixture(autouse=True)
def the_default_dtype_of_strict() -> Iterator[None]:
    gd.set_default_dtype("float64")
    with np.errstate(all="ignore"):
        yield
    gd.set_default_dtype("float32")


def into(xp: Any, x: Any) -> Any:
    """Arrays and dtypes of one namespace, within lists and tuples too."""
    if isinstance(x, np.ndarray | np.generic):
        return xp.asarray(x)
    if isinstance(x, DType):
        return getattr(xp, x.name)
    return type(x)([into(xp, item) for item in x]) if isinstance(x, list | tuple) else x


def compare(got: Any, wanted: Any, values: bool = True) -> None:
    """The same values, shapes, dtypes, and fields of named tuples."""
    if isinstance(wanted, strict._array_object.Array):
        assert isinstance(got, gd.Tensor)
        assert (got.shape, str(got.dtype), got.device) == (wanted.shape, str(wanted._array.dtype), "cpu")
        if values:
            tolerance = 1e-6 if got.dtype == np.float32 else 1e-13
            np.testing.assert_allclose(got.numpy(), wanted._array, rtol=tolerance, atol=tolerance)
            if got.dtype.kind == "f":  # the sign of zeros and infinities
                exact = (wanted._array == 0) | np.isinf(wanted._array)
                np.testing.assert_array_equal(np.signbit(got.numpy())[exact], np.signbit(wanted._array)[exact])
    elif isinstance(wanted, tuple):
        assert isinstance(got, tuple)
        assert getattr(got, "_fields", None) == getattr(wanted, "_fields", None)
        for a, b in zip(got, wanted, strict=True):
            compare(a, b)
    elif hasattr(wanted, "bits"):  # finfo and iinfo
        for field in ("bits", "eps", "max", "min", "smallest_normal", "dtype"):
            assert hasattr(got, field) == hasattr(wanted, field)
            compare(getattr(got, field, None), getattr(wanted, field, None))
    elif isinstance(wanted, dict):
        assert {k: str(v) for k, v in got.items()} == {k: dtype_name(v) for k, v in wanted.items()}
    elif isinstance(wanted, strict._dtypes.DType):
        assert got == wanted._np_dtype
    else:
        assert type(got) is type(wanted)
        assert got == wanted or (got != got and wanted != wanted)
    compared["calls"] += 1


def dtype_name(dtype: Any) -> str:
    return str(dtype._np_dtype) if isinstance(dtype, strict._dtypes.DType) else str(dtype)


CONSTANTS = ("e", "pi", "inf", "nan", "newaxis")
DTYPES = (*[d.name for d in REAL_DTYPES], "complex64", "complex128")

# names of strict that are not compared by a call, and why
OTHERS = {
    **alike(CONSTANTS, "compared below"),
    **alike(DTYPES, "compared below"),
    "__array_namespace_info__": "compared below",
    "__array_api_version__": "strict speaks a newer version; checked below",
    "linalg": "a namespace, compared name by name",
    "imag": "strict takes complex arrays only; of real ones it is 0",
    "fft": "transforms of complex numbers, and there are no complex tensors",
    **alike(
        (
            *("Device", "ArrayAPIStrictFlags", "__version__"),
            *("get_array_api_strict_flags", "set_array_api_strict_flags", "reset_array_api_strict_flags"),
        ),
        "of strict itself, not of the standard",
    ),
}
MISSING = {"fft", *[name for name, why in OTHERS.items() if why.startswith("of strict itself")]}


def test_every_name_of_strict_is_compared_or_explained() -> None:
    assert set(strict.__all__) == set(CALLS) | set(OTHERS)
    assert not set(CALLS) & set(OTHERS)
    assert {name for name in strict.__all__ if not hasattr(gd.array_api, name)} == MISSING
    assert set(strict.linalg.__all__) == set(LINALG)
    assert set(gd.array_api.__all__) == set(strict.__all__) - MISSING


def check(where: tuple[Any, Any], name: str, calls: list[Call]) -> None:
    ours, theirs = where
    assert calls
    for args, options in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # theirs: a mean over nothing
            wanted = getattr(theirs, name)(*into(strict, args), **{k: into(strict, v) for k, v in options.items()})
        got = getattr(ours, name)(*into(gd.array_api, args), **{k: into(gd.array_api, v) for k, v in options.items()})
        try:
            compare(got, wanted, values=not name.startswith("empty"))
        except AssertionError as error:
            raise AssertionError(f"{name}{args} {options}: {error}") from error


@pytest.mark.parametrize("name", CALLS)
def test_functions(name: str) -> None:
    check((gd.array_api, strict), name, CALLS[name])


@pytest.mark.parametrize("name", LINALG)
def test_linear_algebra(name: str) -> None:
    check((gd.array_api.linalg, strict.linalg), name, LINALG[name])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(gd.array_api, strict), (gd.array_api.linalg, strict.linalg)],
    ids=["namespace", "linalg"],
)
def test_arguments_that_may_be_named_have_the_names_of_the_standard(ours: Any, theirs: Any) -> None:
    def named(function: Any) -> set[str]:
        parameters = inspect.signature(function).parameters.values()
        return {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}

    for name in set(CALLS if ours is gd.array_api else LINALG):
        missing = named(getattr(theirs, name)) - named(getattr(ours, name))
        assert not missing, f"{name} has no argument {missing}"


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name: str) -> None:
    compare(getattr(gd.array_api, name), getattr(strict, name))


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes(name: str) -> None:
    assert getattr(gd.array_api, name) == getattr(strict, name)._np_dtype
    if name.startswith("complex"):
        with pytest.raises(gd.errors.DTypeError, match="not supported"):
            gd.array_api.zeros(2, dtype=getattr(gd.array_api, name))
    else:
        assert gd.array_api.zeros(2, dtype=getattr(gd.array_api, name)).dtype == getattr(gd.array_api, name)


def test_imaginary_parts_are_zero() -> None:
    compare(gd.array_api.imag(gd.asarray(FLOATS[4])), strict.zeros((2, 3), dtype=strict.float32))


def test_the_namespace_says_what_it_is() -> None:
    ours, theirs = gd.array_api.__array_namespace_info__(), strict.__array_namespace_info__()
    assert gd.array_api.__array_api_version__ == "2024.12"
    assert ours.capabilities() == theirs.capabilities()
    assert ours.default_device() in ours.devices()
    compare(ours.default_dtypes(), theirs.default_dtypes())
    for kind in (None, "bool", "signed integer", "unsigned integer", "integral", "real floating", ("bool", "integral")):
        wanted = {k: v for k, v in theirs.dtypes(kind=kind).items() if "complex" not in k}
        compare(ours.dtypes(kind=kind), wanted)


# The array object

A, B, M = FLOATS[11], np.array([[2.0], [-1.0]]), np.array([[True, False, True], [False, True, True]])
INT, OTHER = np.array([[5, 7, 0], [2, 1, 3]]), np.array([[1, 2, 3]])
OPERATORS: dict[str, list[tuple[Any, ...]]] = {
    **alike(("add", "sub", "mul", "truediv", "pow", "radd", "rsub", "rmul", "rtruediv"), [(A, B), (A, 2.5), (A, A)]),
    **alike(("floordiv", "mod", "rfloordiv", "rmod"), [(A, B), (A, 2.5), (OTHER, OTHER), (OTHER, 2)]),
    "rpow": [(A, 2.5), (OTHER, OTHER)],
    **alike(("matmul", "rmatmul"), [(A[:, :2], A[:, :2]), (A[:, :2], A[0, :2])]),
    **alike(("and", "or", "xor", "rand", "ror", "rxor"), [(INT, OTHER), (INT, 3), (M, M), (M, True)]),
    **alike(("lshift", "rshift", "rlshift", "rrshift"), [(INT, OTHER), (INT, 3)]),
    **alike(("lt", "le", "gt", "ge", "eq", "ne"), [(A, B), (A, 0.5), (INT, OTHER), (INT, 2)]),
    **alike(("abs", "neg", "pos"), [(A,), (INT,)]),
    "invert": [(INT,), (M,)],
    "getitem": [
        (A, i) for i in ((0, ...), (1, 2), (..., 0), (slice(None, None, -1), ...), (None, 0, ...), (slice(1), 1), M)
    ]
    + [(INT, (np.array([1, 0]), np.array([2, 2])))],
    **alike(("bool", "float", "int"), [(np.array(2.0),), (np.array(0.0),), (np.array(3),), (np.array(True),)]),
    "complex": [(np.array(2.5),), (np.array(3),)],
    "index": [(np.array(3),), (np.array(3, "uint8"),)],
}
IN_PLACE = {
    "iadd",
    "isub",
    "imul",
    "itruediv",
    "ifloordiv",
    "imod",
    "ipow",
    "imatmul",
    "iand",
    "ior",
    "ixor",
    "ilshift",
}
IN_PLACE |= {"irshift"}
PYTHONS = {
    *("annotations", "class", "delattr", "dir", "doc", "format", "getattribute", "getstate", "hash", "init"),
    *("init_subclass", "module", "new", "reduce", "reduce_ex", "repr", "setattr", "sizeof", "slots", "str"),
    *("subclasshook", "weakref", "iter"),
}
TESTED_ELSEWHERE = {"array", "array_namespace", "dlpack", "dlpack_device", "setitem"}
BUFFER = {"buffer"}  # CPython's own protocol from 3.12 on; NumPy's buffer is x.numpy()


def test_every_special_method_of_strict_is_compared_or_explained() -> None:
    theirs = {n.strip("_") for n in dir(strict._array_object.Array) if n.startswith("__")}
    assert theirs - BUFFER == set(OPERATORS) | IN_PLACE | TESTED_ELSEWHERE | PYTHONS


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str) -> None:
    functions = {"bool": bool, "float": float, "int": int, "complex": complex, "index": operator.index, "abs": abs}
    for args in OPERATORS[name]:
        call = functions.get(name)
        ours, theirs = into(gd.array_api, args), into(strict, args)
        if call is None and name[0] == "r" and name[1:] in OPERATORS:  # y + x where y is a number, or both are arrays
            call = getattr(operator, f"__{name[1:]}__")
            ours, theirs = ours[::-1], theirs[::-1]
        call = call or getattr(operator, f"__{name}__")
        compare(call(*ours), call(*theirs))


@pytest.mark.parametrize("name", sorted(IN_PLACE))
def test_operators_in_place(name: str) -> None:
    for args in OPERATORS[name[1:]]:
        if name == "imatmul":
            args = (A[:, :2].copy(), np.eye(2) + 1)
        elif isinstance(args[1], np.ndarray) and args[1].dtype != args[0].dtype:
            continue
        call = getattr(operator, f"__{name}__")
        compare(call(*into(gd.array_api, args)), call(*into(strict, args)))


def test_attributes() -> None:
    for x in ALL:
        ours, theirs = gd.asarray(x), strict.asarray(x)
        assert (ours.shape, ours.ndim, ours.size) == (theirs.shape, theirs.ndim, theirs.size)
        assert ours.to_device(ours.device) is ours
        if x.ndim > 1:
            compare(ours.mT, theirs.mT)
        if x.ndim == 2:
            compare(ours.T, theirs.T)


def test_assignment() -> None:
    for key, value in (((0, ...), 1.5), ((..., 1), 2.0), ((slice(None, 1), ...), 3.0)):
        ours, theirs = gd.array_api.asarray(A, copy=True), strict.asarray(A, copy=True)
        ours[key] = value
        theirs[key] = value
        compare(ours, theirs)


def test_the_number_of_comparisons_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert compared["calls"] > 5000
    with capsys.disabled():
        print(f"\narray-api-strict: {len(CALLS) + len(LINALG)} functions, {compared['calls']} comparisons")
