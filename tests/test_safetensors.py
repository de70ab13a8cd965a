"""The format that is read by the package safetensors, which the tests of grad-nn alone do without."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import safetensors.numpy
from grad_nn.errors import FileFormatError

ARRAYS = {
    "half": np.array([1.5, np.nan, -np.inf, 6e-8], np.float16),
    "single": np.arange(6, dtype=np.float32).reshape(2, 3),
    "double": np.array(0.1),
    "bool": np.array([[True, False]]),
    **{f"int{n}": np.array([-(2 ** (n - 1)), 3], f"int{n}") for n in (8, 16, 32, 64)},
    **{f"uint{n}": np.array([2**n - 1, 3], f"uint{n}") for n in (8, 16, 32, 64)},
    "empty": np.zeros((0, 3), np.float32),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "view": np.arange(10)[::-3],
    "transposed": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "größe/x": np.ones(1),
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "w.safetensors"
    nn.save(ARRAYS, path, metadata={"a": "größe"})
    loaded = nn.load(path)
    assert loaded.keys() == ARRAYS.keys()
    assert all(same(loaded[name], array) for name, array in ARRAYS.items())
    assert all(array.flags.writeable and array.flags.c_contiguous for array in loaded.values())
    assert nn.read_metadata(path) == {"a": "größe"}
    assert os.listdir(tmp_path) == ["w.safetensors"]


def test_others_read_it_and_their_files_are_read(tmp_path):
    nn.save(ARRAYS, tmp_path / "ours.safetensors")
    theirs = safetensors.numpy.load_file(tmp_path / "ours.safetensors")
    assert all(same(theirs[name], array) for name, array in ARRAYS.items())
    assert nn.read_metadata(tmp_path / "ours.safetensors") == {}
    arrays = {"b": np.ones((2, 2)), "a": np.arange(3)}
    safetensors.numpy.save_file(arrays, tmp_path / "theirs.safetensors", metadata={"format": "np"})
    assert all(same(nn.load(tmp_path / "theirs.safetensors")[name], array) for name, array in arrays.items())
    assert nn.read_metadata(tmp_path / "theirs.safetensors") == {"format": "np"}


def test_big_endian_arrays(tmp_path):
    nn.save({"a": np.array([1.0, 2.0], ">f4")}, tmp_path / "w.safetensors")
    assert same(nn.load(tmp_path / "w.safetensors")["a"], np.array([1.0, 2.0], np.float32))


def test_trained_to_fresh(tmp_path):
    def make():
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2, dtype="float64"))

    model, x = make(), gd.random.normal((7, 3))
    nn.save(model, tmp_path / "m.safetensors")
    fresh = make()
    fresh.load_state_dict(nn.load(tmp_path / "m.safetensors"))
    assert np.array_equal(fresh(x).data, model(x).data)
    last = nn.Linear(5, 2)
    last.load_state_dict(nn.load(tmp_path / "m.safetensors", prefix="2."))
    np.testing.assert_allclose(last.weight.data, model[2].weight.data, rtol=1e-6)
    with pytest.raises(FileFormatError, match=r"no array whose name begins with '3\.': it has '[02]\.(weight|bias)', "):
        nn.load(tmp_path / "m.safetensors", prefix="3.")


def test_nothing_is_overwritten_unless_told(tmp_path):
    path = tmp_path / "w.safetensors"
    nn.save({"a": np.zeros(1)}, path)
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        nn.save({"a": np.ones(1)}, path)
    assert nn.load(path)["a"].tolist() == [0.0]
    nn.save({"a": np.ones(1)}, path, overwrite=True)
    assert nn.load(path)["a"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"a": np.array(["x"]), "b": np.array([1j])},
            "'a' has dtype <U1; 'b' has dtype complex128: leave that out",
        ),
        ({"__metadata__": np.zeros(1)}, "'__metadata__' is a name that the format keeps for itself"),
    ],
)
def test_what_the_format_cannot_hold(tmp_path, state, message):
    with pytest.raises(FileFormatError, match=message):
        nn.save(state, tmp_path / "w.safetensors")
    assert os.listdir(tmp_path) == []


def made(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype, shape, *ends):
    return {"dtype": dtype, "shape": shape, "data_offsets": list(ends)}


def test_bfloat16_becomes_float32_of_the_same_values(tmp_path):
    values = np.array([[1.0, -2.5], [np.inf, 1e-40]], np.float32)  # the last is denormal, cut to what bfloat16 has
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    (tmp_path / "w.safetensors").write_bytes(made({"w": entry("BF16", [2, 2], 0, 8)}, upper.tobytes()))
    loaded = nn.load(tmp_path / "w.safetensors")["w"]
    assert same(loaded, (upper.astype(np.uint32) << 16).view(np.float32))
    assert loaded[0].tolist() == [1.0, -2.5]


def test_dtypes_that_numpy_lacks(tmp_path):
    header = {"a": entry("F8_E4M3", [2], 0, 2), "b": entry("F32", [1], 2, 6), "c": entry("F8_E5M2", [2], 6, 8)}
    (tmp_path / "w.safetensors").write_bytes(made(header, bytes(8)))
    with pytest.raises(FileFormatError, match=r"nothing was read: 'a' \(F8_E4M3\), 'c' \(F8_E5M2\)\. Convert them"):
        nn.load(tmp_path / "w.safetensors")
    assert nn.load(tmp_path / "w.safetensors", prefix="b")[""].tolist() == [0.0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + bytes(100),
        made({"a": entry("F32", [2], 0, 8)}, bytes(7)),
        made({"a": entry("F32", [2], 0, 4)}, bytes(4)),
        made({"a": entry("F32", [2**62, 8], 0, 4)}, bytes(4)),
        made({"a": entry("PICKLE", [1], 0, 4)}, bytes(4)),
        made(b"{"),
        made({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 2, 6)}, bytes(6)),
        (2**60).to_bytes(8, "little") + b"{}",
        made({"__metadata__": {"a": 1}}),
    ],
)
def test_files_that_are_not_what_they_should_be(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    for read in (nn.load, nn.read_metadata):
        with pytest.raises(
            FileFormatError, match=r"cannot be read as \.safetensors, so nothing was: .* cut off or damaged"
        ):
            read(tmp_path / "w.safetensors")


def test_the_package_is_imported_only_for_such_files():
    code = (
        "import sys, grad_nn as nn; nn.save({}, 'a.npz'); nn.load('a.npz'); assert 'safetensors' not in sys.modules; "
        "nn.save({}, 'a.safetensors'); assert 'safetensors' in sys.modules"
    )
    # in a folder of its own: the interpreter looks for modules in the one it starts in
    subprocess.run([sys.executable, "-c", f"import os, tempfile; os.chdir(tempfile.mkdtemp()); {code}"], check=True)
