import io
import json
import math
import os
import zipfile

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_nn.errors import FileFormatError, StateDictError

LOOP = []
LOOP.append(LOOP)


class Part:
    """Anything that has a state; it gives away its own, and does not check what it takes."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state["count"] = state["count"]
        if self.state.keys() != state.keys():
            raise KeyError(f"keys are {sorted(state)}")
        self.state = dict(state)


def same(a, b):
    """Equal in type, key order and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


VALUES = {
    "none": None,
    "flag": True,
    "integer": -(2**200),
    "float": 0.1,
    "tiny": 5e-324,
    "minus_zero": -0.0,
    "nan": math.nan,
    "inf": [math.inf, -math.inf],
    "text": "größe \ud800 \x00",
    "array": np.arange(6, dtype=np.int16).reshape(2, 3),
    "scalar": np.float32(0.1),
    "zero_d": np.array(2.5),
    "bool_array": np.array([True, False]),
    "texts": np.array(["a", "bcd"]),
    "complex": np.array([1 + 2j]),
    "half": np.array([np.nan, np.inf, 6e-8], np.float16),
    "nested": {"a": [1, (2.0, "x", ()), {}], "b": {}, 3: {True: None, -1: np.zeros(2)}},
    "tuple": (1, [2]),
    "like_marks": {"dict": 1, "array": "x", "tuple": [2]},
    "one_mark": {"array": "nothing"},
    "slash": {"a/b": np.zeros(1), "a": {"b": np.ones(1)}, "a/b~2": np.ones(2)},
    "empty": [],
}


def test_plain_values_come_back_as_they_were(tmp_path):
    path = tmp_path / "c.npz"
    assert nn.save_checkpoint(path, **VALUES) is None
    loaded = nn.load_checkpoint(path)
    for name, value in VALUES.items():
        assert same(loaded[name], value), name
    assert math.copysign(1, loaded["minus_zero"]) == -1
    assert list(loaded) == list(VALUES)
    assert os.listdir(tmp_path) == ["c.npz"]


def test_numpy_reads_the_arrays_and_anything_the_rest(tmp_path):
    nn.save_checkpoint(tmp_path / "c.npz", model=nn.Linear(3, 2), lr=0.1)
    with np.load(tmp_path / "c.npz", allow_pickle=False) as file:
        assert file["model/weight"].shape == (2, 3)
    with zipfile.ZipFile(tmp_path / "c.npz") as archive:
        content = archive.read("checkpoint.json").decode("ascii")
    assert json.loads(content)["parts"]["lr"] == {"kind": "value", "value": 0.1}


def test_tensors_become_arrays(tmp_path):
    nn.save_checkpoint(tmp_path / "c.npz", a=gd.ones(2), b=[nn.Parameter([1.0])], path=1)
    loaded = nn.load_checkpoint(tmp_path / "c.npz")
    assert same(loaded, {"a": np.ones(2, np.float32), "b": [np.ones(1, np.float32)], "path": 1})


@pytest.mark.parametrize(
    "make",
    [
        gd.random.Generator,
        np.random.default_rng,
        lambda seed: np.random.Generator(np.random.MT19937(seed)),  # its state is an array
        lambda seed: np.random.Generator(np.random.Philox(seed)),
    ],
)
def test_generators_go_on_where_they_were(tmp_path, make):
    def draw(rng):
        return np.asarray(rng.uniform(size=3) if isinstance(rng, np.random.Generator) else rng.uniform(3).data)

    rng = make(0)
    draw(rng)
    nn.save_checkpoint(tmp_path / "c.npz", rng=rng)
    wanted = draw(rng)
    fresh = make(1)
    assert nn.load_checkpoint(tmp_path / "c.npz", rng=fresh) == {}
    assert draw(fresh).tobytes() == wanted.tobytes()


def test_all_parts_at_once_and_the_rest_returned(tmp_path):
    model, part = nn.Sequential(nn.Linear(3, 2), nn.Dropout()), Part(count=3, cycle=(1, 2))
    nn.save_checkpoint(tmp_path / "c.npz", model=model, part=part, epoch=4, other=Part(count=1))
    fresh, fresh_part = nn.Sequential(nn.Linear(3, 2), nn.Dropout()), Part(count=0, cycle=())
    rest = nn.load_checkpoint(tmp_path / "c.npz", part=fresh_part, model=fresh)
    assert rest == {"epoch": 4, "other": {"count": 1}}
    assert same(fresh.state_dict(), model.state_dict())
    assert fresh_part.state == {"count": 3, "cycle": (1, 2)}


def parts():
    rng = gd.random.Generator(3)
    return {
        "first": nn.Linear(3, 2, generator=rng),
        "rng": rng,
        "part": Part(count=0, x=np.zeros(1)),
        "numpy": np.random.default_rng(5),
        "second": nn.Linear(2, 2, generator=rng),
    }


def states(given):
    kept = nn.save_checkpoint
    kept("state.npz", overwrite=True, **given)
    return nn.load_checkpoint("state.npz")


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"second": nn.Linear(2, 3), "part": Part(count=9, y=1)},
            ["part: \"keys are ['count', 'y']\"", "second: the state does not fit Linear", "weight: has shape (3, 2)"],
        ),
        ({"second": nn.Linear(2, 2, bias=False)}, ["second: the state does not fit", "bias: is missing"]),
        ({"second": Part(count=1)}, ["second: ", "weight: is missing", "count: is unexpected"]),
        (
            {"rng": np.random.default_rng(0)},
            ["rng: the checkpoint has the state of a NumPy Gen", "not the state of a grad"],
        ),
        (
            {"rng": 3, "numpy": gd.random.Generator()},
            ["rng: the checkpoint has a plain value there", "numpy: the checkpoint has the state of a grad_core"],
        ),
        ({"numpy": np.random.Generator(np.random.Philox(0))}, ["numpy: state must be for a PCG64"]),
        (
            {"second": None, "part": [1]},
            ["second: the checkpoint has a plain value there, not the st", "part: "],
        ),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_is_loaded(tmp_path, monkeypatch, changes, lines):
    monkeypatch.chdir(tmp_path)
    nn.save_checkpoint("c.npz", **{**parts(), "first": nn.Linear(3, 2), **changes})
    fresh = parts()
    before = states(fresh)
    with pytest.raises(
        StateDictError, match=r"^the checkpoint 'c\.npz' does not fit, and nothing was loaded:\n"
    ) as caught:
        nn.load_checkpoint("c.npz", **fresh)
    assert [line for line in lines if line not in str(caught.value)] == []
    assert same(states(fresh), before)


def test_missing_parts_are_listed(tmp_path):
    nn.save_checkpoint(tmp_path / "c.npz", model=nn.Linear(1, 1), epoch=1)
    with pytest.raises(
        StateDictError, match=r"(?s)net: the checkpoint has no such part; it has model, epoch\nrng: the ch"
    ):
        nn.load_checkpoint(tmp_path / "c.npz", net=nn.Linear(1, 1), rng=gd.random.Generator())


def test_an_interrupt_while_loading_leaves_all_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = parts()
    nn.save_checkpoint("c.npz", **{**given, "first": nn.Linear(3, 2), "numpy": np.random.default_rng(6)})
    before = states(given)

    def interrupt(state):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(given["second"], "load_state_dict", interrupt)
    with pytest.raises(KeyboardInterrupt):
        nn.load_checkpoint(tmp_path / "c.npz", **given)
    monkeypatch.chdir(tmp_path)
    assert same(states(given), before)


def test_a_plain_value_cannot_be_loaded_into(tmp_path):
    nn.save_checkpoint(tmp_path / "c.npz", epoch=1)
    message = r"epoch is a int, which has no load_state_dict or set_state: leave it out, .*\(\.\.\.\)\['epoch'\]"
    with pytest.raises(TypeError, match=message):
        nn.load_checkpoint(tmp_path / "c.npz", epoch=0)


def test_what_cannot_be_saved_is_listed_and_nothing_written(tmp_path):
    bad = {
        "model": nn.Linear(1, 1),
        "f": max,
        "state": {"a": [1, {2}], "objects": np.array([{}]), 1.5: 0},
        "loop": LOOP,
        "kind": Part(hook=print),
        "twice": [[1]] * 2,
    }
    with pytest.raises(FileFormatError) as caught:
        nn.save_checkpoint(tmp_path / "c.npz", **bad)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith(
        "save_checkpoint writes numbers, texts, arrays, and lists, tuples and dicts of them; nothing"
    )
    assert lines == [
        "  f: a builtin_function_or_method",
        "  state/a/1: a set",
        "  state/objects: a ndarray of objects",
        "  state: the key 1.5, which is no text or integer",
        "  loop/0: holds itself",
        "  kind/hook: a builtin_function_or_method",
    ]
    assert os.listdir(tmp_path) == []


def test_nothing_is_overwritten_unless_told(tmp_path):
    path = tmp_path / "c.npz"
    nn.save_checkpoint(path, step=1)
    with pytest.raises(FileExistsError, match="exists already: pass overwrite=True to replace it"):
        nn.save_checkpoint(path, step=2)
    assert nn.load_checkpoint(path) == {"step": 1}
    nn.save_checkpoint(path, overwrite=True, step=2)
    assert nn.load_checkpoint(path) == {"step": 2}
    with pytest.raises(FileNotFoundError, match="make it first"):
        nn.save_checkpoint(tmp_path / "none" / "c.npz", step=1)


def test_a_failure_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "c.npz"
    nn.save_checkpoint(path, step=1)
    with pytest.raises(ValueError, match="integer string conversion"):
        nn.save_checkpoint(path, overwrite=True, step=10**5000)
    assert nn.load_checkpoint(path) == {"step": 1}
    assert os.listdir(tmp_path) == ["c.npz"]


def test_weights_and_checkpoints_are_told_apart(tmp_path):
    nn.save(nn.Linear(1, 1), tmp_path / "w.npz", metadata={"a": "b"})
    nn.save_checkpoint(tmp_path / "c.npz", model=nn.Linear(1, 1))
    with pytest.raises(FileFormatError, match=r"is no checkpoint: it holds arrays alone, which nn\.load\('w\.npz'\)"):
        nn.load_checkpoint(tmp_path / "w.npz")
    with pytest.raises(FileFormatError, match=r"is a checkpoint: nn\.load_checkpoint\('c\.npz'\) reads it"):
        nn.load(tmp_path / "c.npz")


@pytest.mark.parametrize("name", ["c", "c.safetensors", "c.pt"])
def test_the_suffix_must_be_npz(name):
    with pytest.raises(FileFormatError, match=r"^save_checkpoint writes \.npz files, .* did you mean 'c\.npz'\?"):
        nn.save_checkpoint(name, a=1)
    with pytest.raises(FileFormatError, match=r"^load_checkpoint reads \.npz files, .* did you mean 'c\.npz'\?"):
        nn.load_checkpoint(name)


def written(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("checkpoint.json", text if isinstance(text, str) else json.dumps(text))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        written("{"),
        written("[1]"),
        written('"text"'),
        written("null"),
        written({"version": 2, "parts": {}}),
        written({"version": 1}),
        written({"version": 1, "parts": {"a": {"kind": "pickle", "value": 1}}}),
        written({"version": 1, "parts": {"a": {"kind": "value"}}}),
        *[
            written({"version": 1, "parts": {"a": {"kind": "value", "value": value}}})
            for value in (
                {"array": "none"}, {"array": []}, {"scalar": "x"}, {"object": 1}, {}, {"a": 1, "b": 2}, {"items": 3},
                {"items": [[[], 1]]}, {"float": "x"}, {"dict": []},
            )
        ],
        written("[" * 100_000),
        b"PK",
        b"",
    ],
)  # fmt: skip
def test_damaged_checkpoints(tmp_path, content):
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"cannot be read as|is not an \.npz file|is no checkpoint"):
        nn.load_checkpoint(tmp_path / "c.npz")


def test_the_same_parts_make_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        nn.save_checkpoint(tmp_path / name, **VALUES)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
