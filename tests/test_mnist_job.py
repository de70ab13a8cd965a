"""The main job as its user meets it: a program, in a folder of its own, without a network unless a test makes one."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import pty
import re
import runpy
import signal
import subprocess
import sys
import termios
from pathlib import Path

import grad_core as gd
import grad_data as data
import grad_nn as nn
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

PROGRAM = Path(__file__).parents[1] / "examples" / "mnist_mlp.py"
QUICK = ("--data", "digits", "--quick")
NOWHERE = "http://127.0.0.1:9"  # nothing listens there, so every download fails at once


def alone(folder):
    """An environment with no data on the machine, and no way to get them."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in ("grad_data_home", "no_proxy")}
    cut = {"XDG_CACHE_HOME": str(folder / "cache"), "https_proxy": NOWHERE, "HTTPS_PROXY": NOWHERE}
    return {**kept, **cut, "MPLCONFIGDIR": mpl.get_cachedir(), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}


def job(folder, *arguments, **environment):
    """Run the program to its end."""
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    surroundings = {**alone(folder), **environment}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, encoding="utf-8", timeout=300)


def inside(monkeypatch, folder, *arguments, home=""):
    """Run the program in this process, where a test can change what it meets; returns the status it exits with."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # the program sets it, and pytest takes it back
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("https_proxy", NOWHERE)
    monkeypatch.setenv("GRAD_DATA_HOME", str(home))
    monkeypatch.syspath_prepend(PROGRAM.parent)
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), *map(str, arguments)])
    try:
        runpy.run_path(str(PROGRAM), run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick training on drawn digits: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("done")
    end = job(folder, *QUICK, "--seed", 3)
    assert (end.returncode, end.stderr) == (0, "")
    return folder, end.stdout.splitlines()


# What a good run leaves


def test_the_last_line_is_the_accuracy(done):
    _, lines = done
    shown = re.fullmatch(r"test accuracy: (\d+\.\d\d) %", lines[-1])
    assert float(shown[1]) > 90


def test_it_says_what_it_trains_and_on_which_data_and_why(done):
    _, lines = done
    assert lines[0] == "data: Digits, 5,000 images to train on and 2,000 to test on, drawn by a procedure, as asked"
    assert lines[1] == "network: 784-512-256-10 on Digits, 535,818 numbers to learn"


def test_in_a_log_an_epoch_is_one_line_with_loss_and_speed(done):
    _, lines = done
    bars = [line for line in lines if line.startswith("epoch ") and "%" in line]
    assert [re.match(r"epoch (\d/\d): 100%\|", bar)[1] for bar in bars] == ["1/2", "2/2"]
    assert all(re.search(r"5\.00k/5\.00k \[.*[\d.]+k images/s, loss=\d\.\d{4}\]$", bar) for bar in bars)
    assert not any("\r" in line for line in lines)


def test_the_table_has_a_row_an_epoch_and_ends_in_the_accuracy(done):
    _, lines = done
    head = next(
        number for number, line in enumerate(lines) if " ".join(line.split()) == "epoch loss train test training"
    )
    rows = [
        re.fullmatch(r" *(\d) +(\d\.\d{4}) +([\d.]+) % +([\d.]+) % +([\d.]+) s", line) for line in lines[head + 1 :]
    ]
    found = [row.groups() for row in rows if row]
    assert [row[0] for row in found] == ["1", "2"]
    assert float(found[1][1]) < float(found[0][1])
    assert lines[-1] == f"test accuracy: {found[1][3]} %"
    seconds = sum(float(row[4]) for row in found)
    trained, total = map(float, re.fullmatch(r"training ([\d.]+) s, in all ([\d.]+) s", lines[-2]).groups())
    assert trained == pytest.approx(seconds, abs=0.07)
    assert trained < total


def test_it_names_the_folder_and_leaves_nothing_else_there(done):
    folder, lines = done
    assert lines[-3] == f"wrote weights.npz and report.png into the folder {Path('runs', 'mnist')}"
    assert sorted(path.name for path in (folder / "runs" / "mnist").iterdir()) == ["report.png", "weights.npz"]
    assert [path.name for path in folder.iterdir()] == ["runs"]


def test_git_ignores_the_folder():
    rules = (PROGRAM.parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "runs/" in rules


def test_the_weights_give_the_accuracy_again(done):
    folder, lines = done
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    model.load_state_dict(nn.load(folder / "runs" / "mnist" / "weights.npz"))
    x, y = data.Digits(2000, seed=1).as_arrays(flatten=True, normalize=True)
    with gd.no_grad():
        assert lines[-1] == f"test accuracy: {100 * data.accuracy(model(x).numpy(), y):.2f} %"


def test_the_picture_has_something_in_each_of_its_parts(done):
    folder, _ = done
    picture = imread(folder / "runs" / "mnist" / "report.png")[..., :3]
    height, width, _ = picture.shape
    assert (height, width) == (720, 1300)
    inked = (picture.min(axis=2) < 0.98).reshape(height // 72, 72, width // 130, 130).mean(axis=(1, 3))
    assert inked[:2].max() > 0.01  # title
    assert (inked[2:9, 1] > 0.001).all()  # curves
    assert (inked[3:9, 3:6] > 0.3).all()  # weights
    assert (inked[3:9, 7:9] > 0.03).all()  # mistakes


def test_again_and_with_files_there_it_gives_the_same_to_the_last_bit(done, tmp_path):
    folder, lines = done
    (tmp_path / "runs" / "mnist").mkdir(parents=True)
    for name in ("weights.npz", "report.png"):
        (tmp_path / "runs" / "mnist" / name).write_bytes(b"of an earlier run")
    again = job(tmp_path, *QUICK, "--seed", 3)
    assert (again.returncode, again.stderr, again.stdout.splitlines()[-1]) == (0, "", lines[-1])
    for name in ("weights.npz", "report.png"):
        there, here = ((base / "runs" / "mnist" / name).read_bytes() for base in (folder, tmp_path))
        assert there == here


OPTIONS = [
    ("--seed 4", 535_818, 90),
    ("--seed 3 --hidden 64 --optimizer sgd --batch-size 50", 50_890, 90),
    ("--seed 3 --hidden 64 32 16 --optimizer rmsprop --dropout 0.2", 53_018, 60),
    ("--seed 3 --epochs 1 --lr 0.001", 535_818, 60),
]


@pytest.mark.parametrize(("options", "size", "least"), OPTIONS, ids=[options for options, _, _ in OPTIONS])
def test_options_do_what_they_say(options, size, least, done, tmp_path, monkeypatch, capsys):
    assert inside(monkeypatch, tmp_path, *QUICK, "--out", "here", *options.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{size:,} numbers" in lines[1]
    assert float(lines[-1].split()[2]) > least
    weights = tmp_path / "here" / "weights.npz"
    assert weights.read_bytes() != (done[0] / "runs" / "mnist" / "weights.npz").read_bytes()
    epochs = 1 if "--epochs 1" in options else 2
    assert sum(line.startswith("epoch ") and "%" in line for line in lines) == epochs


def test_on_a_terminal_the_bar_moves(tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, PROGRAM, *QUICK, "--epochs", "1", "--hidden", "16"]
    with subprocess.Popen(command, cwd=tmp_path, env=alone(tmp_path), stdout=theirs, stderr=theirs) as program:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    text = shown.decode()
    assert program.returncode == 0, text
    assert re.search(r"\repoch 1/1: +0%\|", text)
    assert re.search(r"\repoch 1/1: 100%\|.*images/s, loss=", text)
    assert re.search(r"test accuracy: \d+\.\d\d %\s*$", text)


# Where the data come from


def test_without_data_and_network_it_trains_on_digits_and_says_why(tmp_path):
    (tmp_path / "empty").mkdir()
    end = job(tmp_path, "--quick", "--epochs", 1, "--hidden", 16, GRAD_DATA_HOME=str(tmp_path / "empty"))
    assert (end.returncode, end.stderr) == (0, "")
    lines = end.stdout.splitlines()
    assert lines[0] == "looking for MNIST on this machine, then on its mirrors"
    assert lines[1] == (
        "data: Digits, 5,000 images to train on and 2,000 to test on, drawn by a procedure, "
        "because MNIST was not found and could not be downloaded"
    )
    assert lines[-1].startswith("test accuracy: ")


def test_a_damaged_file_is_named_as_the_reason(tmp_path, monkeypatch, capsys):
    damaged = tmp_path / "mine" / "mnist" / "train-images-idx3-ubyte.gz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"half")
    assert inside(monkeypatch, tmp_path, "--quick", "--epochs", 1, "--hidden", 16, home=tmp_path / "mine") == 0
    assert f"because {damaged} is not the original file: " in capsys.readouterr().out.splitlines()[1]
    assert damaged.read_bytes() == b"half"


def test_mnist_is_used_where_it_lies(tmp_path, monkeypatch, capsys):
    """With archives of the true form but few images, which the program is told are the right ones."""
    folder = tmp_path / "mine" / "mnist"
    folder.mkdir(parents=True)
    digits = {"train": data.Digits(300, seed=0), "t10k": data.Digits(100, seed=1)}
    archives = []
    for archive in data.MNIST._collection.archives:
        part = digits[archive.name.split("-")[0]]
        array = part.images if "images" in archive.name else part.labels.astype(np.uint8)
        head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        content = head + array.tobytes()
        raw = gzip.compress(content, mtime=0)
        (folder / archive.name).write_bytes(raw)
        sums = {"sha256": hashlib.sha256(raw).hexdigest(), "content_sha256": hashlib.sha256(content).hexdigest()}
        archives.append(dataclasses.replace(archive, size=len(raw), shape=array.shape, **sums))
    collection = dataclasses.replace(data.MNIST._collection, archives=tuple(archives))
    monkeypatch.setattr(data.MNIST, "_collection", collection)
    assert inside(monkeypatch, tmp_path, "--epochs", 2, "--hidden", 16, home=tmp_path / "mine") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"data: MNIST, 300 images to train on and 100 to test on, read from {folder}"
    assert lines[2] == "network: 784-16-10 on MNIST, 12,730 numbers to learn"
    assert lines[-1].startswith("test accuracy: ")


def test_mnist_asked_for_and_not_there_is_an_error_and_not_a_traceback(tmp_path):
    end = job(tmp_path, "--data", "mnist")
    assert (end.returncode, end.stdout) == (1, "looking for MNIST on this machine, then on its mirrors\n")
    assert end.stderr.startswith("mnist_mlp.py: MNIST was not found and could not be downloaded:\n")
    assert "set GRAD_DATA_HOME to the folder around it" in end.stderr
    assert "Traceback" not in end.stderr


# What can go wrong


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("--epochs 1.5", "argument --epochs: '1.5' is not a whole number of at least 1"),
        ("--hidden 64 -3", "argument --hidden: '-3' is not a whole number of at least 1"),
        ("--hidden many", "argument --hidden: 'many' is not a whole number of at least 1"),
        ("--hidden", "argument --hidden: expected at least one argument"),
        ("--optimizer adagrad", "argument --optimizer: invalid choice: 'adagrad'"),
        ("--lr 0", "argument --lr: '0' is not a number above 0"),
        ("--lr nan", "argument --lr: 'nan' is not a number above 0"),
        ("--batch-size 0", "argument --batch-size: '0' is not a whole number of at least 1"),
        ("--dropout 1", "argument --dropout: '1' is not a share of at least 0 and below 1"),
        ("--dropout -0.1", "argument --dropout: '-0.1' is not a share of at least 0 and below 1"),
        ("--seed -1", "argument --seed: '-1' is not a whole number of at least 0"),
        ("--data cifar", "argument --data: invalid choice: 'cifar'"),
        ("--out file", "argument --out: 'file' cannot be made a folder: "),
        ("--out file/within", "cannot be made a folder: "),
        ("--speed 3", "unrecognized arguments: --speed 3"),
        ("--epoch 3", "unrecognized arguments: --epoch 3"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_done(options, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    assert inside(monkeypatch, tmp_path, *options.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_help_names_every_option(tmp_path, monkeypatch, capsys):
    assert inside(monkeypatch, tmp_path, "--help") == 0
    shown = capsys.readouterr().out
    options = "epochs hidden optimizer lr batch-size dropout seed data quick out"
    assert all(f"--{option} " in shown for option in options.split())


def test_a_training_that_runs_away_says_so(tmp_path):
    end = job(tmp_path, *QUICK, "--optimizer", "sgd", "--lr", "1e30", PYTHONWARNINGS="ignore")
    assert end.returncode == 1
    assert end.stderr.endswith("mnist_mlp.py: the loss has become nan; a smaller --lr than 1e+30 may help\n")
    assert list((tmp_path / "runs" / "mnist").iterdir()) == []


@pytest.fixture
def interruptible():
    """Programs started from here listen to interrupts, though what runs in the background was told to ignore them."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_it_cleanly_and_leaves_nothing(tmp_path):
    command = [sys.executable, PROGRAM, *QUICK, "--epochs", "100000", "--hidden", "16"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, cwd=tmp_path, env=alone(tmp_path), **pipes) as program:
        while not program.stdout.readline().startswith("epoch 1/"):
            assert program.poll() is None
        program.send_signal(signal.SIGINT)
        try:
            _, errors = program.communicate(timeout=60)
        finally:
            program.kill()
    assert (program.returncode, errors) == (130, "\nmnist_mlp.py: stopped; nothing is left half-written\n")
    assert list((tmp_path / "runs" / "mnist").iterdir()) == []


def test_an_interrupt_while_drawing_keeps_the_earlier_picture(tmp_path, monkeypatch, capsys):
    (tmp_path / "runs" / "mnist").mkdir(parents=True)
    earlier = tmp_path / "runs" / "mnist" / "report.png"
    earlier.write_bytes(b"of an earlier run")

    whole = Image.Image.save

    def half(image, path, **options):
        if not isinstance(path, Path):  # matplotlib hands its picture over in memory
            return whole(image, path, **options)
        path.write_bytes(b"ha")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", half)
    assert inside(monkeypatch, tmp_path, *QUICK, "--epochs", 1, "--hidden", 16) == 130
    assert capsys.readouterr().err == "\nmnist_mlp.py: stopped; nothing is left half-written\n"
    assert earlier.read_bytes() == b"of an earlier run"
    assert sorted(path.name for path in earlier.parent.iterdir()) == ["report.png", "weights.npz"]
