"""How tests run the programs in examples/: to their end in a folder of their own, or imported."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

FOLDER = Path(__file__).resolve().parents[1] / "examples"
NOWHERE = "http://127.0.0.1:9"  # nothing listens there, so every download fails at once


def job(name: str, folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with no data on the machine and no way to get them; warnings are errors."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in ("grad_data_home", "no_proxy")}
    cut = {"XDG_CACHE_HOME": str(folder / "cache"), "https_proxy": NOWHERE, "HTTPS_PROXY": NOWHERE}
    plain = {"MPLCONFIGDIR": mpl.get_cachedir(), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    command = [sys.executable, FOLDER / f"{name}.py", *map(str, arguments)]
    surroundings = {**kept, **cut, **plain, **environment}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, encoding="utf-8", timeout=300)


def lines(name: str, folder: Path, *arguments: object) -> list[str]:
    """Run a program that must end well, and return what it has printed."""
    end = job(name, folder, *arguments)
    assert (end.returncode, end.stderr) == (0, "")
    return end.stdout.splitlines()


@contextlib.contextmanager
def imported(name: str) -> Iterator[ModuleType]:
    """A program as a module; it and its helpers are forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENBLAS_NUM_THREADS", "1")  # the program sets it, and pytest takes it back
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module(name)
    for program in FOLDER.glob("*.py"):
        sys.modules.pop(program.stem, None)


def told(program: ModuleType, options: str) -> str:
    """What an imported program says about options that it refuses before it does anything else."""
    with pytest.MonkeyPatch.context() as patch, io.StringIO() as shown, io.StringIO() as complaint:
        patch.setattr(sys, "argv", [f"{program.__name__}.py", *options.split()])
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(complaint), pytest.raises(SystemExit) as end:
            program.main()
        assert (end.value.code, shown.getvalue()) == (2, "")
        return complaint.getvalue()


def figures(shown: list[str]) -> list[str]:
    """What a program has printed, without what differs each time: seconds, and the folder."""
    parts = (r"\d+\.\d+ s\b", r"\[.*/s\b.*\]", r"the folder .*;")
    return [re.sub("|".join(parts), "", line) for line in shown]


def ink(picture: Path, rows: int, columns: int) -> np.ndarray:
    """The share (rows, columns) of pixels that are not white in the parts of a picture."""
    dark = imread(picture)[..., :3].min(axis=2) < 0.98
    parts = [np.array_split(row, columns, axis=1) for row in np.array_split(dark, rows)]
    return np.array([[part.mean() for part in row] for row in parts])
