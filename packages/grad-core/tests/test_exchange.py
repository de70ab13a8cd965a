"""What other array libraries ask of a tensor: its namespace, its device, its memory by DLPack."""

import copy
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core._exchange import VERSIONS
from grad_core.errors import ConversionError, DTypeError, InPlaceError, UnsupportedError
from grad_core.extend import mark_changed

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]


class Foreign:
    """An array of a library that speaks DLPack and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class Elsewhere(Foreign):
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("the memory is on another device")


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


# DLPack


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a.T, lambda a: a[::2, 1:], lambda a: a[:0]], ids=range(4))
def test_memory_is_shared_both_ways(dtype: str, view: Any) -> None:
    array = view(np.arange(12).reshape(4, 3).astype(dtype))
    t = gd.asarray(array)
    assert t.__dlpack_device__() == (1, 0)
    for out in (np.from_dlpack(t), gd.from_dlpack(Foreign(array)).data, gd.from_dlpack(t).data):
        assert (out.shape, out.dtype, out.strides) == (array.shape, array.dtype, array.strides)
        assert address(out) == address(array)
        np.testing.assert_array_equal(out, array)


def test_what_one_side_writes_the_other_sees() -> None:
    t = gd.tensor([1.0, 2.0])
    out = np.from_dlpack(t)
    t.data[0] = 5.0
    assert out.tolist() == [5.0, 2.0]
    array = np.zeros(2)
    back = gd.from_dlpack(Foreign(array))
    array[0] = 3.0
    assert back.tolist() == [3.0, 0.0]
    assert back.data.flags.writeable == np.from_dlpack(array).flags.writeable  # NumPy decides: before 2.3 always locked


def test_a_single_number_shares_its_memory() -> None:
    t = gd.tensor(1.5)
    out = np.from_dlpack(t)
    t.data[()] = 2.5
    assert (out.shape, float(out)) == ((), 2.5)


def test_changes_are_noticed_where_they_can_be() -> None:
    x = gd.tensor([1.0, 2.0], requires_grad=True)
    other = gd.from_dlpack(x.detach())
    y = (x * x).sum()
    other.data += 1
    with pytest.raises(InPlaceError):
        y.backward()
    array = np.ones(2)
    x = gd.from_dlpack(Foreign(array)).requires_grad_()
    y = (x * x).sum()
    array += 1  # nobody saw that
    mark_changed(x)
    with pytest.raises(InPlaceError):
        y.backward()


@pytest.mark.parametrize("export", [np.from_dlpack, gd.from_dlpack, lambda x: gd.from_dlpack(x, copy=True)])
def test_a_history_is_not_lost_on_the_way_out(export: Any) -> None:
    x = gd.tensor([1.0], requires_grad=True, name="w")
    for tracked in (x, x * 2):
        with pytest.raises(ConversionError, match=r"requires grad.*would not know its history: export x.detach\(\)"):
            export(tracked)
    with pytest.raises(ConversionError, match=r"\(name='w'\)"):
        export(x)
    assert export(x.detach()).tolist() == [1.0]


def test_copies() -> None:
    array = np.ones(2)
    for made in (gd.from_dlpack(Foreign(array), copy=True), gd.from_dlpack(gd.asarray(array), copy=True)):
        assert address(made.data) != address(array)
        assert made.data.flags.writeable
    assert address(gd.asarray(Foreign(array), copy=False).data) == address(array)
    assert address(gd.asarray(Foreign(array), copy=True).data) != address(array)
    assert address(gd.from_dlpack(Foreign(array), copy=False).data) == address(array)


def test_memory_that_cannot_be_written_to() -> None:
    locked = np.ones(2)
    locked.flags.writeable = False
    t = gd.from_dlpack(gd.asarray(locked))
    assert not t.data.flags.writeable
    assert not np.from_dlpack(t).flags.writeable
    with pytest.raises(BufferError, match=r"shape \(2,\) cannot be written to.*give it a copy, x.astype\(x.dtype\)"):
        t.__dlpack__()
    assert t.__dlpack__(max_version=(1, 0)) is not None
    assert t.astype(t.dtype).__dlpack__() is not None


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: gd.from_dlpack([1.0]), ConversionError, "a list has no __dlpack__; gd.asarray takes numbers, lists"),
        (lambda: gd.from_dlpack(Foreign(np.ones(1, complex))), DTypeError, "complex128 cannot become a tensor"),
        (
            lambda: gd.from_dlpack(Elsewhere(np.ones(1))),
            ConversionError,
            "this Elsewhere cannot be shared: the memory is on another device. Detach it, move it to the CPU, or cast",
        ),
        (lambda: gd.from_dlpack(gd.ones(1), device="cuda"), UnsupportedError, "from_dlpack: device 'cuda': .*'cpu'"),
        (lambda: gd.ones(1).to_device("cuda"), UnsupportedError, "to_device: device 'cuda'"),
        (lambda: gd.ones(1).to_device("cpu", stream=1), UnsupportedError, "the CPU has no streams, and stream is 1"),
        (lambda: gd.asarray([1.0], copy=False), ValueError, "copy=False, and list cannot become a tensor of any dtype"),
        (lambda: gd.asarray(np.ones(1), dtype="float32", copy=False), ValueError, "tensor of float32 without a copy"),
        (
            lambda: gd.ones(1).__array_namespace__(api_version="2019.12"),
            ValueError,
            "up to 2024.12, and api_v",
        ),
    ],
)
def test_what_cannot_be_done_says_why(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_buffer_is_shared_without_a_copy() -> None:
    memory = bytearray(4)
    t = gd.asarray(memory, copy=False)
    memory[0] = 9
    assert t.tolist() == [9, 0, 0, 0]
    assert gd.asarray(memory, copy=True).tolist() == [9, 0, 0, 0]


# The namespace


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_the_namespace(version: Any) -> None:
    xp = gd.ones(2).__array_namespace__(api_version=version)
    assert xp is gd.array_api
    x = gd.ones(2, requires_grad=True)
    assert (x.device, x.to_device("cpu") is x) == ("cpu", True)


@pytest.mark.parametrize("name", [n for n in gd.array_api.__all__ if hasattr(gd, n)])
def test_a_name_that_both_have_is_the_same_unless_the_standard_wants_otherwise(name: str) -> None:
    own = {
        *("arange", "asarray", "astype", "empty", "empty_like", "eye", "full", "full_like", "linspace", "mean", "ones"),
        *("ones_like", "reshape", "std", "var", "zeros", "zeros_like"),
    }
    assert (getattr(gd.array_api, name) is getattr(gd, name)) == (name not in own)


def test_gradients_flow_through_the_namespace() -> None:
    xp = gd.array_api
    x = gd.tensor([[1.0, 4.0], [9.0, 16.0]], requires_grad=True)
    flat = xp.reshape(xp.astype(x, xp.float64), (4,), copy=True)
    parts = [
        xp.mean(flat),
        xp.var(x),
        xp.linalg.trace(x),
        xp.real(x)[0, 0],
    ]
    xp.sum(xp.stack(parts)).backward()
    mean, n = x.data.mean(), x.size
    wanted = 1 / n + 2 * (x.data - mean) / n + np.eye(2) + [[1, 0], [0, 0]]
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)
    assert (xp.conj(x) * 1).requires_grad
    assert xp.astype(x, xp.float32, copy=False) is x
    assert xp.astype(x, xp.float32) is not x


def test_reshaping_copies_where_it_is_told_to() -> None:
    x = gd.ones((2, 3))
    for copied, shared in ((None, True), (False, True), (True, False)):
        assert np.shares_memory(gd.array_api.reshape(x, (6,), copy=copied).data, x.data) == shared
    turned = gd.array_api.reshape(x.T, (6,), copy=True)
    assert not np.shares_memory(turned.data, x.data)


def test_over_too_few_elements_the_standard_has_nan() -> None:
    xp, nothing = gd.array_api, gd.zeros((2, 0))
    for result in (xp.mean(nothing, axis=1), xp.var(nothing, axis=1), xp.std(gd.ones((2, 1)), axis=1, correction=1)):
        assert result.shape == (2,)
        assert np.isnan(result.numpy()).all()
    assert xp.mean(nothing, axis=0, keepdims=True).shape == (1, 0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda xp: xp.zeros(2, device="cuda"), UnsupportedError, "zeros: device 'cuda'"),
        (lambda xp: xp.astype(gd.ones(2), "int8", device="cuda"), UnsupportedError, "astype: device 'cuda'"),
        (lambda xp: xp.zeros(2, dtype=xp.complex64), DTypeError, "dtype complex64 is not supported"),
        (
            lambda xp: xp.reshape(gd.ones((2, 3)).T, (6,), copy=False),
            ValueError,
            r"\(3, 2\) cannot become \(6,\)",
        ),
        (
            lambda xp: xp.__array_namespace_info__().dtypes(kind="text"),
            ValueError,
            "'text' is no kind of dtype",
        ),
    ],
)
def test_what_the_namespace_refuses(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(gd.array_api)


@pytest.mark.parametrize(("order", "wanted"), [(0, 2.0), (-1, 12 / 7), (-np.inf, 3.0), (np.inf, 4.0), (2, 5.0)])
def test_norms_of_every_order(order: float, wanted: float) -> None:
    assert gd.array_api.linalg.vector_norm(gd.tensor([3.0, -4.0]), ord=order).item() == pytest.approx(wanted)


def test_result_type_of_numbers_alone_is_the_default_one() -> None:
    xp = gd.array_api
    assert xp.result_type(1.0, 2) == xp.float32
    assert xp.result_type(1, 2) == xp.int64
    assert xp.result_type(xp.float64, gd.ones(2)) == xp.float64
    assert xp.__array_namespace_info__().default_dtypes()["real floating"] == xp.float32


# Shifts, and copies of several tensors


def test_shifts() -> None:
    x = gd.tensor([1, 6])
    assert ((x << 2).tolist(), (x >> 1).tolist()) == ([4, 24], [0, 3])
    assert ((2 << x).tolist(), (64 >> x).tolist()) == ([4, 128], [32, 1])
    assert (np.array([1, 1]) << x).tolist() == [2, 64]
    x <<= 1
    assert x.tolist() == [2, 12]


def test_a_deep_copy_keeps_who_shares_what() -> None:
    w = gd.tensor([1.0], requires_grad=True)
    state = copy.deepcopy({"encoder": w, "decoder": [w, gd.ones(2)]})
    assert state["encoder"] is state["decoder"][0]
    assert state["encoder"] is not w
    assert state["encoder"].requires_grad
    assert copy.copy([w])[0] is w
