import errno
import io
import os
import pickle
import sys
import zipfile

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import GradError
from grad_nn import _files
from grad_nn.errors import FileFormatError

ARRAYS = {
    "0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.array([1.5, np.nan, np.inf], np.float16),
    "double": np.array(0.1),
    "empty": np.zeros((0, 3), np.float32),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "view": np.arange(10)[::3],
    "flags": np.array([True, False]),
    "file": np.zeros(1),
    "allow_pickle": np.zeros(1),
    "a/b": np.ones(1),
    "": np.ones(1),
    "größe": np.ones(1),
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "all.npz"
    assert nn.save(ARRAYS, path) is None
    loaded = nn.load(path)
    assert list(loaded) == list(ARRAYS)
    assert all(same(loaded[name], array) for name, array in ARRAYS.items())
    assert all(array.flags.writeable for array in loaded.values())
    assert os.listdir(tmp_path) == ["all.npz"]


def test_numpy_reads_it_and_its_files_are_read(tmp_path):
    nn.save(ARRAYS, str(tmp_path / "ours.npz"))
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as loaded:
        assert same(loaded["0.weight"], ARRAYS["0.weight"])
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "theirs.npz", a=np.arange(3.0), b=np.ones((2, 2)))
        assert same(nn.load(tmp_path / "theirs.npz")["a"], np.arange(3.0))


def test_trained_to_fresh(tmp_path):
    def make():
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2, dtype="float64"))

    model, x = make(), gd.random.normal((7, 3))
    nn.MSELoss()(model(x), np.ones((7, 2))).backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad.data
    nn.save(model, tmp_path / "model.npz")
    fresh = make()
    fresh.load_state_dict(nn.load(tmp_path / "model.npz"))
    assert np.array_equal(fresh(x).data, model(x).data)
    assert all(same(a.data, b.data) for a, b in zip(fresh.parameters(), model.parameters(), strict=True))


def test_the_same_arrays_make_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        nn.save(ARRAYS, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}  # no clock is read


def test_tensors_are_saved_whether_tracked_or_not(tmp_path):
    nn.save({"p": nn.Parameter([1.0]), "t": gd.ones(2), "l": [1.0, 2.0]}, tmp_path / "t.npz")
    assert {k: v.tolist() for k, v in nn.load(tmp_path / "t.npz").items()} == {
        "p": [1.0],
        "t": [1.0] * 2,
        "l": [1.0, 2.0],
    }


def test_nothing_is_overwritten_unless_told(tmp_path):
    path = tmp_path / "w.npz"
    nn.save({"a": np.zeros(1)}, path)
    with pytest.raises(FileExistsError, match=r"w\.npz' exists already: pass overwrite=True to replace it"):
        nn.save({"a": np.ones(1)}, path)
    assert nn.load(path)["a"].tolist() == [0.0]
    nn.save({"a": np.ones(1)}, path, overwrite=True)
    assert nn.load(path)["a"].tolist() == [1.0]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "w.npz"
    real = os.fsync

    def slow(descriptor):
        real(descriptor)
        path.write_bytes(b"theirs")

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(FileExistsError):
        nn.save({"a": np.zeros(1)}, path)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["w.npz"]


class Full(io.FileIO):
    """A file on a disk with room for a thousand bytes."""

    def write(self, data):
        if self.tell() + len(data) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, where, exists):
    path = tmp_path / "w.npz"
    if exists:
        nn.save({"a": np.zeros(1)}, path)
    before = path.read_bytes() if exists else None

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "write":
        monkeypatch.setattr("builtins.open", lambda name, mode: Full(name, mode.replace("b", "")))
    else:
        monkeypatch.setattr(os, where, full)
    with pytest.raises(
        OSError, match=r"could not write '.*w\.npz' \(No space left on device\): it is as it was"
    ) as caught:
        nn.save({"a": np.zeros(1000)}, path, overwrite=True)
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == (["w.npz"] if exists else [])
    assert before is None or path.read_bytes() == before


def test_an_interrupt_leaves_no_file(tmp_path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        nn.save({"a": np.zeros(1)}, tmp_path / "w.npz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1.0], TypeError, "save takes a module or a dict from name to array, not a list"),
        ({1: np.zeros(1)}, FileFormatError, "save: the name 1 is a int, and names are strings"),
        ({"a": np.array([{}])}, FileFormatError, "save: 'a' is a ndarray and not an array of numbers, and Python obj"),
        ({"a": lambda: 0}, FileFormatError, "save: 'a' is a function and not an array of numbers, and Python objects"),
        ({"a": [[1], [1, 2]]}, FileFormatError, "save: 'a' is a list that cannot become an array: .* are never writ"),
    ],
)
def test_what_cannot_be_saved(tmp_path, state, error, message):
    with pytest.raises(error, match=message):
        nn.save(state, tmp_path / "w.npz")
    assert os.listdir(tmp_path) == []


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder '.*none' does not exist: make it first"):
        nn.save({}, tmp_path / "none" / "w.npz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w", r"not named like one: did you mean 'w\.npz'\?"),
        ("w.npy", r"not named like one: did you mean 'w\.npz'\?"),
        ("w.pt", r"not named like one: files of that name hold pickles, which can run any program when they are read"),
    ],
)
def test_the_suffix_chooses_the_format(name, message):
    both = r"\.npz and \.safetensors files, and .* is "
    with pytest.raises(FileFormatError, match=f"^load reads {both}{message}"):
        nn.load(name)
    with pytest.raises(FileFormatError, match=f"^read_metadata reads {both}{message}"):
        nn.read_metadata(name)
    with pytest.raises(FileFormatError, match=f"^save writes {both}{message}"):
        nn.save({}, name)


def test_pytorch_is_shown_the_way():
    with pytest.raises(
        FileFormatError, match=r"read\. PyTorch reads 'a/w\.safetensors' by safetensors\.torch\.load_file(?m:$)"
    ):
        nn.save({}, "a/w.pt")


def test_an_empty_path():
    with pytest.raises(
        FileFormatError, match=r"^load reads \.npz and \.safetensors files, and '\.' is not named like one(?m:$)"
    ):
        nn.load("")


def test_metadata(tmp_path):
    path = tmp_path / "w.npz"
    texts = {"größe": "17 cm", "": "", "lines": "a\nb \ud800"}
    nn.save(ARRAYS, path, metadata=texts)
    assert nn.read_metadata(path) == texts
    loaded = nn.load(path)
    assert list(loaded) == list(ARRAYS)
    with np.load(path, allow_pickle=False) as theirs:
        assert same(theirs["double"], ARRAYS["double"])
    nn.save(ARRAYS, path, overwrite=True)
    assert nn.read_metadata(path) == {}
    np.savez(path, a=np.zeros(1))
    assert nn.read_metadata(path) == {}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([("a", "b")], "metadata is a dict from name to text, not a list"),
        ({"a": 1, "b": "c", 2: "d"}, r"and these are others: 'a': 1, 2: 'd'; write str\(value\)"),
    ],
)
def test_metadata_is_texts(tmp_path, metadata, message):
    with pytest.raises(TypeError, match=message):
        nn.save({}, tmp_path / "w.npz", metadata=metadata)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}', "{", "\xff"])
def test_metadata_of_others(tmp_path, text):
    (tmp_path / "w.npz").write_bytes(npz(**{"__metadata__.json": text.encode("latin-1")}))
    with pytest.raises(FileFormatError, match=r"was not written by save|cannot be read as \.npz"):
        nn.read_metadata(tmp_path / "w.npz")


def test_loading_by_prefix(tmp_path):
    path = tmp_path / "w.npz"
    model = nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.Linear(5, 2)))
    nn.save(model, path)
    part = nn.load(path, prefix="1.0.")
    assert list(part) == ["weight", "bias"]
    assert same(part["bias"], model[1][0].bias.data)
    expected = r"whose name begins with '2\.': it has '0\.weight', '0\.bias', '1\.0\.weight', '1\.0\.bias'(?m:$)"
    with pytest.raises(FileFormatError, match=expected):
        nn.load(path, prefix="2.")


def test_no_prefix_of_an_empty_file(tmp_path):
    nn.save({}, tmp_path / "w.npz")
    assert nn.load(tmp_path / "w.npz") == {}
    with pytest.raises(FileFormatError, match=r"it has none(?m:$)"):
        nn.load(tmp_path / "w.npz", prefix="a")


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.npz"])
def test_files_of_pytorch_are_refused_with_the_way_out(tmp_path, monkeypatch, name):
    """A zip archive with data.pkl in a folder, as torch.save writes it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(npz(**{"w/data.pkl": pickle.dumps(Bomb()), "w/data/0": b"1234"}))
    with pytest.raises(FileFormatError) as caught:
        nn.load(name)
    text = str(caught.value)
    assert text.startswith(f"'{name}' holds a pickle, as torch.save writes it, and a pickle can run any program")
    assert f"state = torch.load('{name}', weights_only=True)" in text
    assert "safetensors.torch.save_file(state, 'w.safetensors')" in text
    assert "model.load_state_dict(nn.load('w.safetensors'))" in text
    assert os.listdir(tmp_path) == [name]


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    path = tmp_path / "w.safetensors"
    message = r"need the package safetensors, which is not installed: .* pip install 'grad-nn\[safetensors\]'\. Fi"
    with pytest.raises(FileFormatError, match=message):
        nn.save({"a": np.zeros(1)}, path)
    assert os.listdir(tmp_path) == []
    path.write_bytes(b"")
    with pytest.raises(FileFormatError, match=message):
        nn.load(path)
    with pytest.raises(FileFormatError, match=message):
        nn.read_metadata(path)


def test_a_missing_file_or_a_folder(tmp_path):
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(FileNotFoundError, match=r"the file '.*x\.npz' does not exist; the working folder is '"):
        nn.load(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError, match=r"the file '.*d\.npz' is a folder"):
        nn.load(tmp_path / "d.npz")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("bombed",)


def npz(how=zipfile.ZIP_STORED, **entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array, *, allow_pickle=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


GOOD = npz(**{"a.npy": npy(np.arange(1000.0))})
HUGE = npy(np.zeros(4)).replace(b"(4,), }         ", b"(400000000000,),}")
FLIPPED = bytearray(GOOD)
FLIPPED[2000] ^= 255


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is not an \.npz file: it is empty instead of b'PK'"),
        (b"<html>", r"is not an \.npz file: it begins with b'<htm' instead of b'PK'"),
        (pickle.dumps(Bomb()), r"it begins with b'\\x80.* It looks like a pickle, which is never"),
        (npy(np.zeros(1)), r"is not an \.npz file: it begins with b'\\x93NUM'"),
        (
            GOOD[:3000],
            r"cannot be read as \.npz, so nothing was: File is not a zip file\. It may be cut off or damaged",
        ),
        (GOOD[:3], r"cannot be read as \.npz"),
        (bytes(FLIPPED), r"cannot be read as \.npz, so nothing was: Bad CRC-32 for file 'a\.npy'"),
        (npz(**{"a.txt": b"x"}), r"cannot be read as \.npz, so nothing was: it holds 'a\.txt', which is not an array"),
        (npz(**{"a.npy": b"x"}), r"cannot be read as \.npz"),
        (npz(**{"a.npy": npy(np.arange(9.0))[:-8]}), r"cannot be read as \.npz"),
        (npz(**{"a.npy": npy(np.arange(9.0)) + b"x"}), r"'a\.npy' holds more than its array"),
        (npz(**{"a.npy": HUGE}), r"cannot be read as \.npz"),
        (npz(**{"a.npy": npy(np.zeros(1)).replace(b"'<f8'", b"',f8'")}), r"nothing was: invalid syntax"),
        (
            npz(**{"a.npy": npy(np.zeros(1)).replace(b" 'fortran", b"b'fortran")}),
            r"nothing was: '<' not supported between",
        ),
        (
            npz(how=zipfile.ZIP_BZIP2, **{"a.npy": npy(np.zeros(1))}),
            r"'a\.npy' is compressed by method 12, which \.npz",
        ),
        (npz(**{"a.npy": npy(np.zeros(1)).replace(b"{'descr'", b"(((((((")}), r"cannot be read as \.npz"),
        (npz(**{"a.npy": npy(np.array([Bomb()]), allow_pickle=True)}), r"Object arrays cannot be loaded"),
    ],
)
def test_files_that_are_not_what_they_should_be(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        nn.load(path)
    assert os.listdir(tmp_path) == ["w.npz"]  # nothing was run


def test_an_error_without_a_text_is_named_by_its_type(tmp_path, monkeypatch):
    def fail(archive, info):
        raise MemoryError

    monkeypatch.setattr(_files, "_array", fail)
    path = tmp_path / "w.npz"
    path.write_bytes(GOOD)
    with pytest.raises(FileFormatError, match=r"so nothing was: MemoryError\. It may be cut off"):
        nn.load(path)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_damage_anywhere_is_noticed(tmp_path, write):
    path = tmp_path / "w.npz"
    arrays = {"a": np.arange(40.0), "b": np.ones((2, 3), np.float32)}
    write(path, **arrays)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        start = rng.integers(len(content))
        damaged[start : start + 8] = rng.bytes(len(damaged[start : start + 8]))
        path.write_bytes(damaged)
        try:
            loaded = nn.load(path)
        except FileFormatError:
            refused += 1
        else:  # in a time that no one reads; or an entry is gone from the list, which load_state_dict then misses
            assert {array.tobytes() for array in loaded.values()} <= {array.tobytes() for array in arrays.values()}
    assert refused > 200


def test_file_format_error_is_among_ours():
    assert issubclass(FileFormatError, GradError)
    assert issubclass(FileFormatError, ValueError)
