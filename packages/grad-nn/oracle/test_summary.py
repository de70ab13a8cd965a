"""Multiply-adds beside what torch's own counter finds, and files that torch wrote or reads."""

from pathlib import Path

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
import safetensors.torch
import torch
from torch.utils.flop_counter import FlopCounterMode

T = torch.nn
PAIRS = {
    "MLP": (lambda n: n.Sequential(n.Flatten(), n.Linear(12, 7), n.ReLU(), n.Linear(7, 3)), [(5, 3, 4)]),
    "LeNet": (
        lambda n: n.Sequential(
            n.Conv2d(1, 6, 5, padding=2), n.Tanh(), n.AvgPool2d(2), n.Conv2d(6, 16, 5), n.Tanh(), n.Flatten(),
            n.Linear(16 * 100, 10),
        ),
        [(3, 1, 28, 28)],
    ),
    "grouped": (lambda n: n.Conv2d(4, 6, 3, groups=2, stride=2, dilation=2, bias=False), [(2, 4, 11, 12)]),
    "transposed": (lambda n: n.ConvTranspose2d(4, 6, 3, stride=2, padding=1), [(2, 4, 5, 6)]),
    "transposed, grouped": (lambda n: n.ConvTranspose1d(4, 6, 3, groups=2), [(2, 4, 5)]),
    "3d": (lambda n: n.Conv3d(2, 3, 2), [(1, 2, 4, 5, 6)]),
    "without bias": (lambda n: n.Linear(3, 4, bias=False), [(2, 5, 3)]),
    "attention": (lambda n: n.MultiheadAttention(8, 2, batch_first=True), [(3, 5, 8), (3, 7, 8), (3, 7, 8)]),
}  # fmt: skip


@pytest.mark.parametrize(("make", "shapes"), PAIRS.values(), ids=PAIRS.keys())
def test_flops_are_those_that_torch_counts(make, shapes):
    theirs = make(T)
    with FlopCounterMode(display=False) as counter:
        theirs(*[torch.zeros(shape) for shape in shapes])  # in training mode: evaluation has fused, uncounted paths
    assert nn.summary(make(nn), *shapes).flops == counter.get_total_flops() > 0


@pytest.mark.parametrize(("kind", "gates"), [("RNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_recurrent_layers(kind, gates):
    """torch's counter does not know these."""
    steps, batch, inputs, hidden = 5, 3, 4, 6
    found = nn.summary(getattr(nn, kind)(inputs, hidden, num_layers=2, bidirectional=True), (steps, batch, inputs))
    assert found.multiply_adds == steps * batch * gates * hidden * 2 * ((inputs + hidden) + (2 * hidden + hidden))


def test_an_lstm_with_a_projection():
    found = nn.summary(nn.LSTM(4, 6, num_layers=2, bidirectional=True, proj_size=2), (5, 3, 4))
    rows = 5 * 3 * 2
    assert found.multiply_adds == rows * (24 * (4 + 2) + 12) + rows * (24 * (2 * 2 + 2) + 12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_weights_go_both_ways(dtype, tmp_path: Path):
    theirs = T.Sequential(T.Linear(4, 3), T.BatchNorm1d(3), T.Conv1d(3, 2, 1))
    theirs = theirs.to(getattr(torch, dtype))
    state = theirs.state_dict()
    safetensors.torch.save_file(state, tmp_path / "theirs.safetensors")
    loaded = nn.load(tmp_path / "theirs.safetensors")
    assert loaded.keys() == state.keys()
    for name, tensor in state.items():
        np.testing.assert_array_equal(loaded[name], (tensor.float() if dtype == "bfloat16" else tensor).numpy())
    nn.save(loaded, tmp_path / "ours.safetensors")
    back = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    assert all(torch.equal(back[name].to(tensor.dtype), tensor) for name, tensor in state.items())


def test_a_file_of_torch_save_is_refused(tmp_path: Path):
    torch.save(T.Linear(2, 2).state_dict(), tmp_path / "w.pt")
    (tmp_path / "w.npz").write_bytes((tmp_path / "w.pt").read_bytes())
    torch.save(T.Linear(2, 2).state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("w.pt", "w.npz", "old.pth"):
        with pytest.raises(nn.errors.FileFormatError, match=r"holds a pickle(.|\n)*weights_only=True"):
            nn.load(tmp_path / name)


def test_a_model_of_torch_is_no_module_here():
    with pytest.raises(TypeError, match="summary takes a module, and not a Linear"):
        nn.summary(T.Linear(2, 2), gd.ones((1, 2)))
