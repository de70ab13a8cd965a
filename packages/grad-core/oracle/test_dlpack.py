"""Memory shared with PyTorch and JAX, both ways: the same address, and what one side writes the other sees."""

from typing import Any

import grad_core as gd
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from grad_core.errors import ConversionError, DTypeError, InPlaceError
from grad_core.extend import mark_changed

DTYPES = ["bool", "float16", "float32", "float64", *[f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64)]]
IN_JAX = [d for d in DTYPES if not d.endswith("64")]  # it keeps 64 bits only where jax_enable_x64 is set


def aligned(dtype: str) -> np.ndarray:
    """Twelve numbers at an address that JAX takes: a multiple of 64."""
    memory = np.zeros(12 * 8 + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    array = memory[start : start + 12 * np.dtype(dtype).itemsize].view(dtype)
    array[:] = np.arange(12).astype(dtype)
    return array.reshape(3, 4)


def address(x: Any) -> int:
    if isinstance(x, torch.Tensor):
        return x.data_ptr()
    if isinstance(x, jax.Array):
        return x.unsafe_buffer_pointer()
    return int(x.data.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a.T, lambda a: a[1:, ::2]], ids=["whole", "turned", "part"])
@pytest.mark.parametrize("export", [torch.from_dlpack, torch.asarray], ids=["from_dlpack", "asarray"])
def test_into_pytorch(dtype: str, view: Any, export: Any) -> None:
    t = gd.asarray(view(aligned(dtype)))
    out = export(t)
    assert (str(out.dtype), tuple(out.shape), address(out)) == (f"torch.{dtype}", t.shape, address(t))
    assert tuple(n * t.data.itemsize for n in out.stride()) == t.data.strides
    np.testing.assert_array_equal(out.numpy(), t.numpy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a.T, lambda a: a[1:, ::2]], ids=["whole", "turned", "part"])
@pytest.mark.parametrize("make", [gd.from_dlpack, gd.asarray, lambda x: gd.asarray(x, copy=False)], ids=range(3))
def test_out_of_pytorch(dtype: str, view: Any, make: Any) -> None:
    source = view(torch.from_numpy(aligned(dtype)))
    t = make(source)
    assert (t.dtype, t.shape, address(t)) == (np.dtype(dtype), tuple(source.shape), address(source))
    np.testing.assert_array_equal(t.numpy(), source.numpy())


def test_both_see_what_either_writes() -> None:
    t = gd.tensor([1.0, 2.0, 3.0])
    out = torch.from_dlpack(t)
    out[0] = 10.0
    t.data[1] = 20.0
    assert t.tolist() == out.tolist() == [10.0, 20.0, 3.0]
    source = torch.zeros(2)
    back = gd.from_dlpack(source)
    source += 1
    back.data *= 5
    assert back.tolist() == source.tolist() == [5.0, 5.0]
    number = gd.tensor(1.5)
    torch.from_dlpack(number).fill_(4.0)
    assert number.item() == 4.0


def test_a_change_from_outside_is_told_by_hand() -> None:
    x = gd.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    torch.from_dlpack(x.detach()).mul_(2)
    mark_changed(x)
    with pytest.raises(InPlaceError):
        y.backward()


@pytest.mark.parametrize("dtype", IN_JAX)
def test_into_jax(dtype: str) -> None:
    t = gd.asarray(aligned(dtype))
    for out in (jax.dlpack.from_dlpack(t), jnp.from_dlpack(t)):
        assert (out.dtype, out.shape, address(out)) == (np.dtype(dtype), t.shape, address(t))
        np.testing.assert_array_equal(np.asarray(out), t.numpy())


def test_sixty_four_bits_into_jax() -> None:
    with jax.enable_x64(True):
        for dtype in ("int64", "uint64", "float64"):
            t = gd.asarray(aligned(dtype))
            out = jax.dlpack.from_dlpack(t)
            assert (out.dtype, address(out)) == (np.dtype(dtype), address(t))


@pytest.mark.parametrize("dtype", IN_JAX)
@pytest.mark.parametrize("make", [gd.from_dlpack, gd.asarray, lambda x: gd.asarray(x, copy=False)], ids=range(3))
def test_out_of_jax(dtype: str, make: Any) -> None:
    source = jnp.arange(12).reshape(3, 4).astype(dtype)
    t = make(source)
    assert (t.dtype, t.shape, address(t)) == (np.dtype(dtype), source.shape, address(source))
    np.testing.assert_array_equal(t.numpy(), np.asarray(source))
    with pytest.raises(ValueError, match="read-only"):  # JAX's arrays never change
        t.data += 1
    assert gd.from_dlpack(source, copy=True).data.flags.writeable


def test_a_loss_of_jax_and_a_gradient_of_ours_meet() -> None:
    x = gd.tensor([0.5, 1.5, -1.0], requires_grad=True)
    value, slope = jax.value_and_grad(lambda v: jnp.sum(jnp.sin(v)))(jax.dlpack.from_dlpack(x.detach()))
    (x * 2).backward(gd.from_dlpack(slope))
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos([0.5, 1.5, -1.0]), rtol=1e-6)
    assert float(value) == pytest.approx(np.sin([0.5, 1.5, -1.0]).sum(), rel=1e-6)


@pytest.mark.parametrize("export", [torch.from_dlpack, torch.asarray, jax.dlpack.from_dlpack, jnp.from_dlpack])
def test_a_tracked_tensor_stays(export: Any) -> None:
    x = gd.tensor(aligned("float32"), requires_grad=True)
    with pytest.raises(ConversionError, match=r"would not know its history: export x.detach\(\)"):
        export(x)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: torch.ones(2, requires_grad=True), ConversionError, r"use tensor.detach\(\). Detach it"),
        (lambda: torch.ones(2, dtype=torch.bfloat16), ConversionError, "cast it to a dtype that NumPy has"),
        (lambda: jnp.ones(2, dtype=jnp.bfloat16), ConversionError, "cast it to a dtype that NumPy has"),
        (lambda: torch.ones(2, dtype=torch.complex64), DTypeError, "complex64 cannot become a tensor"),
        (lambda: torch.ones(2, device="meta"), ConversionError, "cannot be shared"),
    ],
)
def test_what_cannot_come_in(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        gd.from_dlpack(make())


def test_memory_that_cannot_be_written_to() -> None:
    x = gd.broadcast_to(gd.tensor([1.0]), (3,))
    assert torch.from_dlpack(x).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(BufferError, match=r"give it a copy, x.astype\(x.dtype\)"):
        jax.dlpack.from_dlpack(x)
    assert jax.dlpack.from_dlpack(x.astype(x.dtype)).tolist() == [1.0, 1.0, 1.0]
